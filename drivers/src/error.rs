//! Why bytes could not be read: which field, where, and what was wrong with it. Never what it held.

use thiserror::Error;

use crate::decode;
use crate::modbus::exception;

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

impl Problem {
    /// Whether it takes a person to mend it: what is wrong is not the bytes, but who sends them, or with which key.
    pub const fn needs_somebody(&self) -> bool {
        matches!(
            self,
            Self::NoBindKey
                | Self::NotEncrypted
                | Self::NotAuthentic
                | Self::Replayed { .. }
                | Self::NoAnswer
                | Self::Exception { .. }
                | Self::Secured
                | Self::OtherRadioProtocol
        )
    }
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
    /// The bytes end within a packet.
    #[error("the bytes end before it does")]
    Unended,
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
        /// As computed; one byte wide or two, as the field is.
        expected: u16,
        /// As sent.
        got: u16,
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
    /// A version or data format that no decoder here reads.
    #[error("{got:#04x} has no decoder; known are {known}")]
    UnknownFormat {
        /// The one in the bytes.
        got: u8,
        /// Those that are read.
        known: &'static str,
    },
    /// An encrypted advertisement of a device whose key is not known.
    #[error("it is encrypted: give the device's bind key")]
    NoBindKey,
    /// An advertisement in the clear of a device that encrypts. Anybody can send one in its name.
    #[error(
        "it is not encrypted, though the device has a bind key: turn encryption on in the device, or take the bind \
         key out"
    )]
    NotEncrypted,
    /// An advertisement that was not encrypted with the device's key, or was changed on its way.
    #[error("it does not fit the device's bind key and address: are both the device's own?")]
    NotAuthentic,
    /// A counter that does not rise: sent before and recorded, or the device began to count anew.
    #[error(
        "{got} is not above {last}, which was heard before: an old recording, or the device counts from anew, as some \
         do after a change of battery; then give it a new bind key, or forget the device and add it again"
    )]
    Replayed {
        /// The counter.
        got: u32,
        /// The highest so far.
        last: u32,
    },
    /// A telegram of EnOcean's security. Nothing here has the keys, or a place for the rolling code.
    #[error(
        "it is encrypted (EnOcean security), which this program does not read: set the device to send unencrypted, as \
         its manual says, and teach it in anew; a device that cannot is not for this gateway"
    )]
    Secured,
    /// A stick that passes telegrams on in the form of ERP2.
    #[error(
        "the stick passes telegrams on as ERP2, which this program does not read: set it to ERP1 with its maker's \
         tool (CO_WR_MODE 0), and plug it in again"
    )]
    OtherRadioProtocol,
    /// One of the segments that a value comes in did not come.
    #[error("a segment is missing: the observation that it belongs to is dropped")]
    SegmentMissing,
    /// A kind of field that no decoder here reads, and whose length is therefore not known.
    #[error("of a kind that this program does not know; what follows it cannot be read")]
    UnknownKind,
    /// A line of text that means nothing.
    #[error("it fits none of the device's patterns")]
    NoPattern,
    /// A unit that was asked, again and again.
    #[error("no answer, again and again: is it on, and are its address, speed, parity and wires right?")]
    NoAnswer,
    /// A unit that does not have what it was asked for.
    #[error(
        "exception {code} at register {register} ({}): mend the registers of the configuration",
        exception(*.code)
    )]
    Exception {
        /// The code.
        code: u8,
        /// The address of the first register that was asked for.
        register: u16,
    },
    /// An answer that says no.
    #[error("the device refused what it was asked")]
    DeviceRefused,
    /// Bytes where the driver expects none.
    #[error("the driver expects nothing on this channel")]
    Unexpected,
    /// Bytes of the device link that are no frame, or no message.
    #[error(transparent)]
    DeviceLink(varde_device_link::Garbled),
}
