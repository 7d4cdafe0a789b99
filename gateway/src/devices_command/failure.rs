//! Why a command failed: the message for the technician and the exit code for the script.

use std::{fmt, io};

use varde_link::{LinkError, PairingError};

use crate::command::{EX_CONFIG, EX_IOERR, EX_NOPERM, EX_TEMPFAIL, EX_UNAVAILABLE};
use crate::config::Faults;

/// 128 and the number of SIGINT, as shells have it.
const INTERRUPTED: u8 = 130;

/// Why a command failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The exit code, of `sysexits.h` where it has one.
    pub code: u8,
    message: String,
}

impl Failure {
    /// One with this code and message.
    pub(super) fn new(code: u8, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// The operating system refused something that has no better words.
    pub(super) fn io(error: io::Error) -> Self {
        Self::new(EX_IOERR, format!("the system refused: {error}"))
    }

    /// The technician ended it.
    pub(super) fn interrupted() -> Self {
        Self::new(INTERRUPTED, "interrupted: no scan, no pairing and no teaching in runs any more")
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

impl From<Faults> for Failure {
    fn from(faults: Faults) -> Self {
        Self::new(EX_CONFIG, faults.to_string())
    }
}

impl From<LinkError> for Failure {
    fn from(error: LinkError) -> Self {
        let forbidden = matches!(error, LinkError::BluetoothForbidden { .. });
        Self::new(if forbidden { EX_NOPERM } else { EX_UNAVAILABLE }, error.to_string())
    }
}

impl From<PairingError> for Failure {
    fn from(error: PairingError) -> Self {
        match error {
            PairingError::Link(error) => error.into(),
            PairingError::AgentRefused { .. } => Self::new(EX_NOPERM, error.to_string()),
            PairingError::ServiceMissing { .. } | PairingError::NoBond { .. } => {
                Self::new(EX_CONFIG, error.to_string())
            }
            // These depend on the device and the hand that holds it: once more may do.
            PairingError::NotHeard { .. }
            | PairingError::Gone { .. }
            | PairingError::Unreachable { .. }
            | PairingError::Failed { .. }
            | PairingError::Rejected { .. }
            | PairingError::Cancelled { .. }
            | PairingError::TimedOut { .. }
            | PairingError::Busy { .. }
            | PairingError::NotBack { .. }
            | PairingError::BondNotKept { .. }
            | PairingError::NothingToRead { .. } => Self::new(EX_TEMPFAIL, error.to_string()),
        }
    }
}
