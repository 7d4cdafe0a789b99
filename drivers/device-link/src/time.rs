//! Times: those of the link's own timers, and those that a device tells.

use serde::{Deserialize, Serialize};

/// Milliseconds since any moment that stays the same while the program runs. Never goes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(u64);

impl Instant {
    /// An instant `ms` milliseconds after that moment.
    pub const fn from_millis(ms: u64) -> Self {
        Self(ms)
    }

    /// Milliseconds after that moment.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// This instant, `ms` milliseconds later.
    #[must_use]
    pub const fn after(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }
}

/// When something happened, by the device's own clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeviceTime {
    /// The device's clock has not been set since its power came: milliseconds since then.
    SinceBoot(u64),
    /// Milliseconds since 1970-01-01T00:00:00Z.
    Utc(u64),
}
