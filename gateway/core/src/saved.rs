//! State that outlives a restart: one byte of version, then postcard.

use serde::{Serialize, de::DeserializeOwned};

/// The bytes of this state. Empty where it cannot be encoded, which [`read`] takes for no state at all.
pub(crate) fn bytes<T: Serialize>(version: u8, state: &T) -> Vec<u8> {
    postcard::to_allocvec(&(version, state)).unwrap_or_default()
}

/// The state that these bytes are; none where they are of another version, cut short or damaged: whoever asks
/// then starts afresh.
pub(crate) fn read<T: DeserializeOwned>(version: u8, bytes: &[u8]) -> Option<T> {
    let (first, rest) = bytes.split_first()?;
    if *first != version {
        return None;
    }
    let (state, rest) = postcard::take_from_bytes(rest).ok()?;
    rest.is_empty().then_some(state)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn another_version_or_a_cut_is_no_state() {
        let whole = bytes(1, &(7_u32, "seven".to_owned()));
        assert_eq!(read(1, &whole), Some((7_u32, "seven".to_owned())));
        assert_eq!(read::<(u32, String)>(2, &whole), None);
        for cut in 0..whole.len() {
            assert_eq!(read::<(u32, String)>(1, &whole[..cut]), None, "{cut}");
        }
        assert_eq!(read::<(u32, String)>(1, &[whole, vec![0]].concat()), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_state_or_none(any: Vec<u8>) {
            read::<Vec<(String, u64)>>(1, &any);
        }
    }
}
