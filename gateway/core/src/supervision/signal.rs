//! Whether a device is heard ever more weakly: a warning before it is missing.

use serde::{Deserialize, Serialize};

/// A device that is heard with less than this on average is near the edge of its range, in dBm. Receivers of
/// Bluetooth and EnOcean sticks lose telegrams from about -95 dBm on.
pub const WEAK_DBM: i8 = -88;

/// A weak device is well again when it is so much stronger than [`WEAK_DBM`], in dB.
pub const HYSTERESIS_DB: i8 = 6;

/// One telegram moves the average by a sixteenth of its distance, and before so many were heard nothing is judged: people
/// walk through the line of sight.
const WEIGHT: u8 = 16;

/// The moving average of the strength.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct Signal {
    /// In 1/256 dBm.
    average: i32,
    /// How many telegrams are in it, up to [`WEIGHT`].
    heard: u8,
}

impl Signal {
    /// One more telegram. Gives whether the device is weak now, which it may also have been before.
    pub(super) fn hear(&mut self, dbm: i8, was_weak: bool) -> bool {
        self.heard = self.heard.saturating_add(1).min(WEIGHT);
        let apart = i32::from(dbm).saturating_mul(256).saturating_sub(self.average);
        let step = apart.checked_div(i32::from(self.heard)).unwrap_or_default();
        self.average = self.average.saturating_add(step);
        let limit = if was_weak { WEAK_DBM.saturating_add(HYSTERESIS_DB) } else { WEAK_DBM };
        self.heard == WEIGHT && self.average < i32::from(limit).saturating_mul(256)
    }
}
