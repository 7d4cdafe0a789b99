//! Why bytes could not be read: which field, where, and what was wrong with it. Never what it held.

use thiserror::Error;

use crate::decode;

/// Bytes that are not what they should be.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{field} at byte {offset}: {problem}")]
pub struct FrameError {
    /// The field, as its specification calls it.
    pub field: &'static str,
    /// Where the field begins, counted from the first byte of the value or stream.
    pub offset: usize,
    /// What was wrong.
    pub problem: Problem,
}

/// What can be wrong with a field.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Problem {
    /// The bytes end within the field.
    #[error("too short: expected length {expected}, got {got}")]
    Truncated {
        /// The field's length.
        expected: usize,
        /// What was left.
        got: usize,
    },
    /// A length that the field cannot have.
    #[error("expected a length of {least} to {most}, got {got}")]
    Length {
        /// The shortest.
        least: usize,
        /// The longest.
        most: usize,
        /// What the bytes claim.
        got: usize,
    },
    /// The checksum does not fit what it covers.
    #[error("expected checksum {expected:#04x}, got {got:#04x}")]
    Checksum {
        /// As computed.
        expected: u8,
        /// As sent.
        got: u8,
    },
    /// A stream that is not at the beginning of a packet.
    #[error("no packet begins here; skipped to where one does")]
    OutOfStep,
    /// A telegram of another kind than the device's profile has.
    #[error("the profile expects {expected:02X}, got {got:02X}: is the device's profile the right one?")]
    Kind {
        /// The profile's.
        expected: u8,
        /// The telegram's.
        got: u8,
    },
    /// A characteristic that no decoder here reads.
    #[error("{0:04X} has no decoder; known are {known}", known = decode::known())]
    UnknownCharacteristic(u16),
    /// One of the segments that a value comes in did not come.
    #[error("a segment is missing: the observation that it belongs to is dropped")]
    SegmentMissing,
    /// A kind of field that no decoder here reads, and whose length is therefore not known.
    #[error("of a kind that this program does not know; what follows it cannot be read")]
    UnknownKind,
    /// Bytes where the driver expects none.
    #[error("the driver expects nothing on this channel")]
    Unexpected,
}
