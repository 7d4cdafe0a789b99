//! What became of a command: told like any observation, in an entry of its own.

use serde::{Deserialize, Serialize};

use crate::{BoundedText, DeviceId};

/// A step of a command's life. Of each command that a gateway accepts, exactly one comes that is [final](Stage::is_final).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The command's number.
    pub number: u64,
    /// For which device it was; [`DeviceId::gateway`] where that could not be read.
    pub device: DeviceId,
    /// How far it came.
    pub stage: Stage,
    /// For technicians; empty where the stage says it all. No personal data.
    pub note: BoundedText<1024>,
}

/// How far a command came. Append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Stage {
    /// The gateway took it on: written down, and never taken on again.
    Accepted,
    /// The device has it.
    Delivered,
    /// It is carried out.
    Done,
    /// It is not carried out, or nobody knows: the cause says which.
    Refused(Cause),
    /// Its time was over before it could be carried out.
    Expired,
}

impl Stage {
    /// Whether nothing comes after it.
    pub const fn is_final(self) -> bool {
        match self {
            Self::Accepted | Self::Delivered => false,
            Self::Done | Self::Refused(_) | Self::Expired => true,
        }
    }

    /// The word in output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Delivered => "delivered",
            Self::Done => "done",
            Self::Refused(_) => "refused",
            Self::Expired => "expired",
        }
    }
}

/// Why a command was refused. Append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Cause {
    /// The device, or the gateway, cannot do this at all.
    NotSupported,
    /// No such device is in the gateway's roster.
    NoSuchDevice,
    /// The device is not there now.
    Unreachable,
    /// The device is occupied with something else.
    Busy,
    /// The device took it and then said nothing more: whether it was carried out is not known.
    Unanswered,
    /// The device said no.
    DeviceRefused,
    /// Its content makes no sense here.
    Invalid,
    /// The gateway stopped while it was being carried out: whether it was is not known.
    Interrupted,
    /// The gateway's clock is not set, so that it cannot tell whether the command is still valid.
    ClockUnset,
    /// It cannot be opened: sealed to another key, or of a kind that is newer than the gateway.
    CannotOpen,
    /// The gateway cannot write it down, so it could be carried out twice.
    CannotRecord,
    /// A command with a greater number was taken on before.
    OutOfOrder {
        /// The greatest number that the gateway took on.
        highest: u64,
    },
}

impl Cause {
    /// The word in output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotSupported => "not-supported",
            Self::NoSuchDevice => "no-such-device",
            Self::Unreachable => "unreachable",
            Self::Busy => "busy",
            Self::Unanswered => "unanswered",
            Self::DeviceRefused => "device-refused",
            Self::Invalid => "invalid",
            Self::Interrupted => "interrupted",
            Self::ClockUnset => "clock-unset",
            Self::CannotOpen => "cannot-open",
            Self::CannotRecord => "cannot-record",
            Self::OutOfOrder { .. } => "out-of-order",
        }
    }
}
