//! What can be wrong with a device, and how long it must be so before it is told.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use varde_wire::{Change, DeviceId, Instant, Trouble};

/// How long a device must be in this trouble, or out of it, before that is told.
///
/// A flicker of the mains wakes nobody; an opened device is told at once; a reading of an unknown user is told
/// once a day at the most.
pub(super) const fn hold(trouble: Trouble, in_trouble: bool) -> Duration {
    match (trouble, in_trouble) {
        (Trouble::Contact, _) | (Trouble::Tamper | Trouble::User, true) => Duration::ZERO,
        (Trouble::Mains | Trouble::Clock, _) | (Trouble::Tamper, false) => Duration::from_mins(1),
        (Trouble::BatteryLow | Trouble::BatteryEmpty, _) => Duration::from_mins(10),
        (Trouble::Signal, _) => Duration::from_hours(1),
        (Trouble::User, false) => Duration::from_hours(24),
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
