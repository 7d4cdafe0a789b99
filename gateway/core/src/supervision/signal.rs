//! Whether a device is heard ever more weakly: a warning before it is missing.

use serde::{Deserialize, Serialize};

/// A device that is heard with less than this on average is near the edge of its range, in dBm. Receivers of
/// Bluetooth and EnOcean sticks lose telegrams from about -95 dBm on.
pub const WEAK_DBM: i8 = -88;

/// A weak device is well again when it is so much stronger than [`WEAK_DBM`], in dB.
pub const HYSTERESIS_DB: i8 = 6;

/// One telegram moves the average by a sixteenth of its distance: people walk through the line of sight.
const WEIGHT: i32 = 16;

/// The moving average of the strength, in 1/256 dBm.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct Signal {
    average: Option<i32>,
}

impl Signal {
    /// One more telegram. Gives whether the device is weak now, which it may also have been before.
    pub(super) fn hear(&mut self, dbm: i8, was_weak: bool) -> bool {
        let heard = i32::from(dbm).saturating_mul(256);
        let average = match self.average {
            Some(old) => {
                old.saturating_add(heard.saturating_sub(old).checked_div(WEIGHT).unwrap_or_default())
            }
            None => heard,
        };
        self.average = Some(average);
        let limit = if was_weak { WEAK_DBM.saturating_add(HYSTERESIS_DB) } else { WEAK_DBM };
        average < i32::from(limit).saturating_mul(256)
    }
}
