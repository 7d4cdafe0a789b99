//! What is remembered over restarts: nothing that tells of a person.

use super::rows::Rows;
use crate::gatt::record_access::RecordNumber;

/// The last record that is kept for good, with all before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    /// The series that its number belongs to.
    pub(super) series: u64,
    /// Its number.
    pub(super) last: RecordNumber,
}

/// How far a fetch has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Progress {
    /// The series that the numbers belong to.
    pub(super) series: u64,
    /// Up to here everything is kept.
    pub(super) last: Option<RecordNumber>,
    /// What else is kept, of a transfer that did not come to its end.
    pub(super) beyond: Rows,
}

impl Progress {
    /// Version, series and last number.
    const SETTLED: u8 = 1;
    /// Version, series, the last number after a 1 or nothing after a 0, rows.
    const UNDER_WAY: u8 = 2;

    pub(super) fn encode(&self) -> Vec<u8> {
        let series = self.series.to_le_bytes();
        match self.last {
            Some(last) if self.beyond.is_empty() => [&[Self::SETTLED][..], &series, &last.encode()].concat(),
            last => {
                let last = last.map(RecordNumber::encode);
                let has_last = u8::from(last.is_some());
                let last = last.unwrap_or_default();
                [&[Self::UNDER_WAY][..], &series, &[has_last], &last, &self.beyond.encode()].concat()
            }
        }
    }

    /// None where the bytes are of no version whose numbers are so long.
    pub(super) fn decode(bytes: &[u8], length: usize) -> Option<Self> {
        let (&[version], bytes) = bytes.split_first_chunk()?;
        let (series, bytes) = bytes.split_first_chunk()?;
        let series = u64::from_le_bytes(*series);
        let (last, rows) = match (version, bytes) {
            (Self::SETTLED, last) if last.len() == length => (last, &[][..]),
            (Self::UNDER_WAY, [0, rows @ ..]) => (&[][..], rows),
            (Self::UNDER_WAY, [1, rest @ ..]) => rest.split_at_checked(length)?,
            _ => return None,
        };
        Some(Self { series, last: RecordNumber::decode(last), beyond: Rows::decode(rows, length)? })
    }
}
