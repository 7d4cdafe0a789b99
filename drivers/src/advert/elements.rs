//! The elements of a whole advertisement, as a scanner's "raw" view shows it: length, type, data (Core Specification
//! Supplement, Part A).

use crate::{Channel, Uuid};

/// Service data with a 16-bit UUID.
const SERVICE_DATA: u8 = 0x16;
const MANUFACTURER_DATA: u8 = 0xFF;

/// The data that drivers read; none where the bytes are no sequence of elements.
pub(super) fn of(bytes: &[u8]) -> Option<Vec<(Channel, &[u8])>> {
    let mut found = Vec::new();
    let mut rest = bytes;
    // A length of 0 ends the significant part.
    while let Some((length, after)) = rest.split_first().filter(|(length, _)| **length > 0) {
        let (element, next) = after.split_at_checked(usize::from(*length))?;
        rest = next;
        if let Some((&[kind, low, high], data)) = element.split_first_chunk() {
            let number = u16::from_le_bytes([low, high]);
            match kind {
                SERVICE_DATA => found.push((Channel::ServiceData(Uuid::sig(number)), data)),
                MANUFACTURER_DATA => found.push((Channel::ManufacturerData(number), data)),
                _ => {}
            }
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::describe::unhex;

    #[test]
    fn data_is_found_among_the_elements_and_a_broken_sequence_is_none() {
        // The example of bthome.io/format: flags, name, service data.
        let bytes = unhex("0201060b094449592d73656e736f720a16d2fc4002c40903bf13");
        let data = unhex("4002c40903bf13");
        assert_eq!(of(&bytes), Some(vec![(Channel::ServiceData(Uuid::sig(0xFCD2)), data.as_slice())]));
        assert_eq!(of(&bytes[..bytes.len() - 1]), None);
        assert_eq!(of(&unhex("04ff9904050000")), Some(vec![(Channel::ManufacturerData(0x0499), &[5][..])]));
    }
}
