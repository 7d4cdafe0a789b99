//! E2E-CRC: the checksum that a device puts at the end of its values, so that they are held against it from the
//! device's own memory to here. CGM Service 1.0.2 and the medical services after it define the same one.

use crate::{FrameError, Problem};

/// Whether the values of a device end in an E2E-CRC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum E2eCrc {
    /// Its feature says that they do.
    Present,
    /// Its feature says that they do not.
    Absent,
    /// Its feature is not known: a value that is two bytes longer than its fields has one.
    #[default]
    ByLength,
}

/// The CRC over `fields`: CRC-CCITT, x¹⁶ + x¹² + x⁵ + 1 with the seed 0xFFFF, the least significant bit of each
/// octet first.
pub fn e2e_crc(fields: &[u8]) -> u16 {
    const POLYNOMIAL: u16 = 0x8408;
    fields.iter().fold(0xFFFF, |crc, byte| {
        (0..8).fold(
            crc ^ u16::from(*byte),
            |crc, _| {
                if crc & 1 == 0 { crc >> 1 } else { crc >> 1 ^ POLYNOMIAL }
            },
        )
    })
}

impl E2eCrc {
    /// A value without its CRC, which fits what is before it. The value's fields are `length` long; where they are
    /// not all there, the value is given back for its decoder to name the field that is missing.
    ///
    /// # Errors
    /// Where the CRC is missing or does not fit.
    pub(crate) fn strip(self, value: &[u8], length: usize) -> Result<&[u8], FrameError> {
        let Some(left) = value.len().checked_sub(length) else { return Ok(value) };
        match (self, value.split_last_chunk()) {
            (Self::Absent, _) => Ok(value),
            (Self::ByLength, _) if left != CRC_LENGTH => Ok(value),
            (Self::Present | Self::ByLength, Some((fields, crc))) if left >= CRC_LENGTH => {
                let (expected, got) = (e2e_crc(fields), u16::from_le_bytes(*crc));
                let fault = refusal(fields.len(), Problem::Checksum { expected, got });
                if expected == got { Ok(fields) } else { Err(fault) }
            }
            (Self::Present | Self::ByLength, _) => {
                let problem = Problem::Truncated { expected: CRC_LENGTH, got: left };
                Err(refusal(length, problem))
            }
        }
    }

    /// A value for the device: with a CRC where it has them.
    pub(crate) fn append(self, mut fields: Vec<u8>) -> Vec<u8> {
        if self == Self::Present {
            fields.extend(e2e_crc(&fields).to_le_bytes());
        }
        fields
    }
}

const CRC_LENGTH: usize = 2;

const fn refusal(offset: usize, problem: Problem) -> FrameError {
    FrameError { field: "E2E-CRC", offset, problem }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::describe::unhex;

    /// Values whose last two bytes are the CRC of those before. The first: the check value of CRC-16/MCRF4XX in the
    /// catalogue of parametrised CRC algorithms. The others: tests of Nordic's Android-BLE-Library (BSD-3-Clause).
    #[test]
    fn the_public_values_have_the_crc_that_is_computed() {
        let table = [
            "313233343536373839916f",
            "020008c3",
            "e20704180d08180804e0c2",
            "6e9e01168ac1",
            "05003f3fffa7e0",
            "0fe3d2e405000214ff02f0e5f38e3f",
            "1c02013c3b",
            "1c0202a709",
            "0601200a00321400010004bfb2",
            "0c0bc034be",
            "030a8a75",
        ];
        for hex in table {
            let value = unhex(hex);
            let (fields, crc) = value.split_last_chunk().unwrap();
            assert_eq!(e2e_crc(fields), u16::from_le_bytes(*crc), "{hex}");
            assert_eq!(E2eCrc::Present.append(fields.to_vec()), value);
            assert_eq!(E2eCrc::Absent.append(fields.to_vec()), fields);
        }
    }

    #[test]
    fn a_crc_that_does_not_fit_is_refused_and_one_that_is_missing_too() {
        let refused = E2eCrc::Present.strip(&unhex("020009c3"), 2).unwrap_err();
        assert_eq!(refused.to_string(), "E2E-CRC at byte 2: expected checksum 0xc308, got 0xc309");
        let refused = E2eCrc::Present.strip(&[2, 0, 1], 2).unwrap_err();
        assert_eq!(refused.to_string(), "E2E-CRC at byte 2: too short: expected length 2, got 1");
        assert!(E2eCrc::ByLength.strip(&unhex("020009c3"), 2).is_err());
        assert_eq!(E2eCrc::ByLength.strip(&[2, 0, 1], 2), Ok(&[2, 0, 1][..]), "a byte of something else");
        assert_eq!(E2eCrc::Present.strip(&[2], 2), Ok(&[2][..]), "the decoder names the field");
    }

    proptest! {
        #[test]
        fn one_bit_that_is_turned_over_is_always_found(
            fields in proptest::collection::vec(any::<u8>(), 1..16),
            bit in any::<prop::sample::Index>(),
        ) {
            let mut value = E2eCrc::Present.append(fields.clone());
            prop_assert_eq!(E2eCrc::Present.strip(&value, fields.len()), Ok(&fields[..]));
            let bit = bit.index(value.len() * 8);
            value[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(E2eCrc::Present.strip(&value, fields.len()).is_err());
        }
    }
}
