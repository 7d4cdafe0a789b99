//! Times as the gateway knows them: since boot always, on the wall as far as the clock can be trusted.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::BootId;

/// Milliseconds since the gateway's boot (Linux `CLOCK_BOOTTIME`, so suspended time counts).
///
/// The pure crates' own instant: `std::time::Instant` cannot be made without reading a clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Instant(u64);

impl Instant {
    /// An instant `ms` milliseconds after boot.
    pub const fn from_millis(ms: u64) -> Self {
        Self(ms)
    }

    /// Milliseconds after boot.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// This instant, `by` later; the end of time where that does not fit.
    pub fn after(self, by: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(by.as_millis()).unwrap_or(u64::MAX)))
    }

    /// The time that passed from `earlier` to this instant; zero if `earlier` is later.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// Milliseconds since 1970-01-01T00:00:00Z, negative before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct WallTime(i64);

impl WallTime {
    /// A wall time `ms` milliseconds after the Unix epoch.
    pub const fn from_unix_millis(ms: i64) -> Self {
        Self(ms)
    }

    /// Milliseconds after the Unix epoch.
    pub const fn as_unix_millis(self) -> i64 {
        self.0
    }
}

/// How far a wall time can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Trust {
    /// The clock has never been set since power came: the wall time is worth nothing.
    Unset,
    /// The clock is at or after the last time that was known to be right, but nothing vouches for it.
    Estimated,
    /// A time service disciplines the clock.
    Synchronised,
}

impl Trust {
    /// The word shown to people and scripts.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unset => "unset",
            Self::Estimated => "estimated",
            Self::Synchronised => "synchronised",
        }
    }
}

/// When the gateway made a record.
///
/// Boot and uptime are always right; an [`crate::Anchor`] of the same boot mends the wall time of records
/// made before the clock was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// Which boot of the gateway.
    pub boot: BootId,
    /// How long after that boot.
    pub uptime: Instant,
    /// The wall clock at that moment, whatever it showed.
    pub wall: WallTime,
    /// What that wall clock was worth.
    pub trust: Trust,
}

/// A device's own clock: local time without a zone, as Bluetooth's Date Time (0x2A08) has it.
///
/// Year, month or day 0 means "not known" there, and is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LocalTime {
    /// 1582 to 9999, or 0.
    pub year: u16,
    /// 1 to 12, or 0.
    pub month: u8,
    /// 1 to 31, or 0.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
}

impl std::fmt::Display for LocalTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { year, month, day, hour, minute, second } = self;
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
    }
}
