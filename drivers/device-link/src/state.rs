//! How a device is right now. It is told at least every ten seconds, and is the device's heartbeat.

use serde::{Deserialize, Serialize};

use crate::DeviceTime;

/// A device's state; what it does not have or does not know is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// What its clock shows.
    pub clock: DeviceTime,
    /// The version of the dosing plan that it runs; none where it runs none.
    pub plan: Option<u32>,
    /// Charge of its battery in percent.
    pub battery: Option<u8>,
    /// Whether it has mains.
    pub mains: Option<bool>,
    /// Whether its lid or door is open.
    pub open: Option<bool>,
    /// Whether it is locked.
    pub locked: Option<bool>,
    /// How much medicine is left.
    pub level: Level,
    /// What does not work.
    pub faults: Faults,
}

impl Default for State {
    fn default() -> Self {
        Self {
            clock: DeviceTime::SinceBoot(0),
            plan: None,
            battery: None,
            mains: None,
            open: None,
            locked: None,
            level: Level::Unknown,
            faults: Faults::NONE,
        }
    }
}

/// How much medicine is left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Level {
    /// It does not know.
    Unknown,
    /// That many doses.
    Doses(u16),
    /// That many doses in each compartment, the first first.
    Compartments(heapless::Vec<u8, 32>),
}

impl Level {
    /// How many doses are left in all; none where that is not known.
    pub fn doses(&self) -> Option<u16> {
        match self {
            Self::Unknown => None,
            Self::Doses(left) => Some(*left),
            Self::Compartments(each) => {
                Some(each.iter().fold(0, |sum: u16, left| sum.saturating_add(u16::from(*left))))
            }
        }
    }
}

/// What does not work in a device, as bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Faults(u16);

impl Faults {
    /// All works.
    pub const NONE: Self = Self(0);
    /// The mechanism is stuck.
    pub const JAM: Self = Self(1);
    /// A motor or its drive.
    pub const MOTOR: Self = Self(1 << 1);
    /// A sensor.
    pub const SENSOR: Self = Self(1 << 2);
    /// The memory for plan and events.
    pub const MEMORY: Self = Self(1 << 3);
    /// The clock.
    pub const CLOCK: Self = Self(1 << 4);
    /// The display, loudspeaker or light.
    pub const SIGNAL: Self = Self(1 << 5);
    /// Anything else: the maker's service has to look.
    pub const OTHER: Self = Self(1 << 15);

    const NAMES: [(Self, &'static str); 7] = [
        (Self::JAM, "jam"),
        (Self::MOTOR, "motor"),
        (Self::SENSOR, "sensor"),
        (Self::MEMORY, "memory"),
        (Self::CLOCK, "clock"),
        (Self::SIGNAL, "signal"),
        (Self::OTHER, "other"),
    ];

    /// These and `others`.
    #[must_use]
    pub const fn with(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Whether all of `others` are among these.
    pub const fn has(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }

    /// Whether all works.
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }

    /// The bits, as they go on the line.
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// The words of those that it has.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES.into_iter().filter(move |(one, _)| self.has(*one)).map(|(_, name)| name)
    }
}
