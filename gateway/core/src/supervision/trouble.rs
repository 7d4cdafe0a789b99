//! What can be wrong with a device, and how long it must be so before it is told.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use varde_wire::{DeviceId, Event, Instant};

/// What can be wrong with a device.
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
    /// Every trouble.
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
            Self::BatteryLow => "battery low",
            Self::BatteryEmpty => "battery empty",
            Self::Mains => "no mains",
            Self::Tamper => "tampered with",
            Self::Clock => "clock wrong",
            Self::Signal => "signal weak",
            Self::User => "unknown user",
        }
    }

    /// The wire's event for its beginning, where it has one.
    pub const fn began(self) -> Option<Event> {
        match self {
            Self::Contact => Some(Event::ContactLost),
            Self::BatteryLow => Some(Event::BatteryLow),
            Self::BatteryEmpty => Some(Event::BatteryEmpty),
            Self::Mains => Some(Event::MainsLost),
            Self::Tamper => Some(Event::Tamper),
            Self::Clock => Some(Event::ClockWrong),
            Self::Signal | Self::User => None,
        }
    }

    /// The wire's event for its end, where it has one. A battery that is no longer empty may still be low: that it is
    /// well, the end of [`Self::BatteryLow`] says.
    pub const fn over(self) -> Option<Event> {
        match self {
            Self::Contact => Some(Event::ContactRestored),
            Self::BatteryLow => Some(Event::BatteryRestored),
            Self::Mains => Some(Event::MainsRestored),
            Self::Tamper => Some(Event::TamperCleared),
            Self::Clock => Some(Event::ClockRestored),
            Self::BatteryEmpty | Self::Signal | Self::User => None,
        }
    }

    /// How long a device must be in this trouble, or out of it, before that is told.
    ///
    /// A flicker of the mains wakes nobody; an opened device is told at once; a reading of an unknown user is told
    /// once a day at the most.
    pub const fn hold(self, in_trouble: bool) -> Duration {
        match (self, in_trouble) {
            (Self::Contact, _) | (Self::Tamper | Self::User, true) => Duration::ZERO,
            (Self::Mains | Self::Clock, _) | (Self::Tamper, false) => Duration::from_mins(1),
            (Self::BatteryLow | Self::BatteryEmpty, _) => Duration::from_mins(10),
            (Self::Signal, _) => Duration::from_hours(1),
            (Self::User, false) => Duration::from_hours(24),
        }
    }
}

/// A trouble began, lasts or is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edge {
    /// Whose.
    pub device: DeviceId,
    /// Which.
    pub trouble: Trouble,
    /// What of it.
    pub change: Change,
    /// Since when it has been so: for a missing device, when it was heard last.
    pub since: Instant,
    /// When it was certain: for a missing device, when it should have been heard at the latest.
    pub at: Instant,
}

/// What a trouble does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Change {
    /// It began.
    Began,
    /// It is still there: the reminder of a low battery, once a day.
    Lasts,
    /// It is over.
    Over,
}
