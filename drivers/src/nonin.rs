//! Nonin's pulse oximeters on a serial line, in data formats 2, 7, 8 and 13.
//!
//! Layouts and meanings are those of Nonin's specifications (OEM III module, Onyx II 4100 and 9560, WristOx2 3150):
//!
//! | format | what comes | checksum |
//! |---|---|---|
//! | 2 | 75 frames a second of 5 bytes; 25 make a packet | a sum over each frame |
//! | 7 | the same, with the waveform at full resolution | a sum over each frame |
//! | 8 | 4 bytes a second | none: only the first byte has its highest bit set |
//! | 13 | a spot-check with the oximeter's time, kept until it is acknowledged | a sum over the packet |
//!
//! Bytes → [`Packet`] → [`Oximetry`], the same for all → observations. A number that the oximeter itself does not
//! stand for is none: the sensor is off, the signal cannot be used, a beat did not fit. The waveform is not passed on.

mod format13;
mod framing;
mod oximetry;
mod pace;
mod packet;
mod session;

pub use framing::{Deframer, Packet};
pub use oximetry::Oximetry;
pub(crate) use session::NoninSession;

#[cfg(test)]
pub(crate) use {format13::tests::spot, packet::tests::packet_of};

/// How an oximeter is set to speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DataFormat {
    /// A stream with a short waveform.
    Two,
    /// A stream with the full waveform.
    Seven,
    /// Numbers each second.
    Eight,
    /// Spot-checks.
    Thirteen,
}

impl DataFormat {
    /// Every format.
    pub const ALL: &[Self] = &[Self::Two, Self::Seven, Self::Eight, Self::Thirteen];

    /// The profile's name in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Two => "data-format-2",
            Self::Seven => "data-format-7",
            Self::Eight => "data-format-8",
            Self::Thirteen => "data-format-13",
        }
    }

    /// The format of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|format| format.name() == name)
    }
}
