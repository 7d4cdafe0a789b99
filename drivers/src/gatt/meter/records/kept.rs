//! What is remembered over restarts: nothing that tells of a person.

use crate::gatt::record_access::RecordNumber;

/// The last record that is kept for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    /// The series that its number belongs to.
    pub(super) series: u64,
    /// Its number.
    pub(super) last: RecordNumber,
}

impl Kept {
    const VERSION: u8 = 1;

    /// Version, series and number.
    pub(super) fn encode(self) -> Vec<u8> {
        let mut bytes = vec![Self::VERSION];
        bytes.extend(self.series.to_le_bytes());
        bytes.extend(self.last.encode());
        bytes
    }

    /// None where the bytes are not of this version.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (&[version], bytes) = bytes.split_first_chunk()?;
        let (series, bytes) = bytes.split_first_chunk()?;
        let kept = Self { series: u64::from_le_bytes(*series), last: RecordNumber::decode(bytes)? };
        (version == Self::VERSION).then_some(kept)
    }
}
