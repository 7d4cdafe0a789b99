//! What a device says of itself in the greeting.

use serde::{Deserialize, Serialize};

/// A short text: at most 32 bytes of UTF-8.
pub type Words = heapless::String<32>;

/// What a device is: the same for its whole life, or until its firmware changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// Who made it.
    pub maker: Words,
    /// Its model, as its maker calls it.
    pub model: Words,
    /// Its serial number, as printed on it.
    pub serial: Words,
    /// The version of its firmware.
    pub firmware: Words,
    /// What it has and can.
    pub capabilities: Capabilities,
}

/// A device's answer to the gateway's greeting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The version that both ends speak from here on.
    pub version: u8,
    /// The greeting's.
    pub nonce: u32,
    /// The session: in every later frame of both ends. Differs from those of the device's earlier sessions.
    pub session: u32,
    /// Names the series of event numbers: drawn at random when the device's event log was made or erased.
    pub log: u32,
    /// The number of the newest event that this log ever had; 0 where it had none.
    pub events_through: u32,
    /// The number of the last request that the device answered; 0 where it never did.
    pub requests_through: u32,
    /// What it is.
    pub about: About,
}

/// What a device has and can, as bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities(u32);

impl Capabilities {
    /// Nothing of these.
    pub const NONE: Self = Self(0);
    /// It runs a dosing plan.
    pub const PLAN: Self = Self(1);
    /// It can be told to dispense now.
    pub const DISPENSE: Self = Self(1 << 1);
    /// It can be locked and unlocked.
    pub const LOCK: Self = Self(1 << 2);
    /// It shows or speaks messages, and has a way to acknowledge them.
    pub const MESSAGE: Self = Self(1 << 3);
    /// It has a light or sound for what became of an alarm.
    pub const INDICATOR: Self = Self(1 << 4);
    /// It has a button or the like that calls for help.
    pub const ALARM: Self = Self(1 << 5);
    /// Its alarm can be cancelled for some seconds.
    pub const PRE_ALARM: Self = Self(1 << 6);
    /// It can draw attention to itself, to be found among others.
    pub const IDENTIFY: Self = Self(1 << 7);
    /// It runs on mains, with or without a battery.
    pub const MAINS: Self = Self(1 << 8);
    /// It knows how much medicine is left.
    pub const LEVEL: Self = Self(1 << 9);

    const NAMES: [(Self, &'static str); 10] = [
        (Self::PLAN, "plan"),
        (Self::DISPENSE, "dispense"),
        (Self::LOCK, "lock"),
        (Self::MESSAGE, "message"),
        (Self::INDICATOR, "indicator"),
        (Self::ALARM, "alarm"),
        (Self::PRE_ALARM, "pre-alarm"),
        (Self::IDENTIFY, "identify"),
        (Self::MAINS, "mains"),
        (Self::LEVEL, "level"),
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

    /// The words of those that it has.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES.into_iter().filter(move |(one, _)| self.has(*one)).map(|(_, name)| name)
    }
}
