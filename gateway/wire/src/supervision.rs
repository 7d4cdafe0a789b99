//! What the gateway finds out about its devices: who is missing, empty or without mains, and who is well again.

use serde::{Deserialize, Serialize};

use crate::DeviceId;

/// One trouble of one device, or many of one cause told together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupervisionReport {
    /// What is behind it.
    pub origin: Origin,
    /// What is new, each with its own times. At most [`Self::MOST_EDGES`].
    pub edges: Vec<TroubleEdge>,
    /// Of a story: who of it is in trouble now. When it is over, these did not come back. At most [`Self::MOST_OUT`].
    pub out: Vec<DeviceId>,
    /// Where it does not fit into one record: how many more of them follow.
    pub more: u8,
}

impl SupervisionReport {
    /// So many edges go into one report.
    pub const MOST_EDGES: usize = 16;
    /// So many devices that are out go into one report.
    pub const MOST_OUT: usize = 20;
}

/// What is behind a trouble. Append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Origin {
    /// The device by itself.
    Single,
    /// Several devices lost their mains.
    PowerCut(Phase),
    /// Several devices fell silent, and nothing says why.
    Silence(Phase),
}

impl Origin {
    /// The word in output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::PowerCut(_) => "power-cut",
            Self::Silence(_) => "silence",
        }
    }

    /// Where the story stands, where it is one.
    pub const fn phase(self) -> Option<Phase> {
        match self {
            Self::Single => None,
            Self::PowerCut(phase) | Self::Silence(phase) => Some(phase),
        }
    }
}

/// Where a story stands. Append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Phase {
    /// It began.
    Began,
    /// More happened.
    GoesOn,
    /// Everybody is well again, or those who are out are told to be out for good.
    Over,
}

impl Phase {
    /// The word in output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Began => "began",
            Self::GoesOn => "goes-on",
            Self::Over => "over",
        }
    }
}

/// A trouble began, lasts or is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TroubleEdge {
    /// Whose.
    pub device: DeviceId,
    /// Which.
    pub trouble: Trouble,
    /// What of it.
    pub change: Change,
    /// How long it had been so when the report was made, in ms: for a missing device, since it was heard last.
    pub since_ms: u64,
    /// How long it had been certain when the report was made, in ms.
    pub certain_ms: u64,
}

/// What can be wrong with a device. Append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Trouble {
    /// It is not heard although it should be.
    Contact,
    /// Its battery is low.
    BatteryLow,
    /// Its battery is empty.
    BatteryEmpty,
    /// It has no mains.
    Mains,
    /// Somebody opened or moved it.
    Tamper,
    /// Its clock is wrong and cannot be set.
    Clock,
    /// It is heard ever more weakly, and will be missing soon.
    Signal,
    /// It measured somebody whom it does not know.
    User,
}

impl Trouble {
    /// Every trouble, in wire order.
    pub const ALL: [Self; 8] = [
        Self::Contact,
        Self::BatteryLow,
        Self::BatteryEmpty,
        Self::Mains,
        Self::Tamper,
        Self::Clock,
        Self::Signal,
        Self::User,
    ];

    /// The word in output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Contact => "missing",
            Self::BatteryLow => "battery-low",
            Self::BatteryEmpty => "battery-empty",
            Self::Mains => "no-mains",
            Self::Tamper => "tampered-with",
            Self::Clock => "clock-wrong",
            Self::Signal => "signal-weak",
            Self::User => "unknown-user",
        }
    }
}

/// What a trouble does. Append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Change {
    /// It began.
    Began,
    /// It is still there: the reminder of a low battery, once a day.
    Lasts,
    /// It is over.
    Over,
}

impl Change {
    /// The word in output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Began => "began",
            Self::Lasts => "lasts",
            Self::Over => "over",
        }
    }
}
