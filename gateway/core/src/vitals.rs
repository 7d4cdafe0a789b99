//! The gateway watches itself: from what is read of the box now and then to what is told of it, each once, each with
//! its end.
//!
//! What is read becomes a measure, a number that grows as things get worse; each [`Vital`] has steps on it, with room
//! between the way up and the way down, and times for which a measure must stay before anything is told. What cannot be
//! read, because the box has no such sensor or file, says nothing.

mod jump;
mod past;
mod power;
mod reading;
mod sign;
#[cfg(test)]
mod tests;
mod vital;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use varde_wire::Instant;

use self::jump::Jump;
pub use self::past::{Change, Past};
use self::power::Sticky;
pub use self::power::Throttled;
pub use self::reading::{Amount, Reading, Wear};
use self::sign::Sign;
pub use self::vital::{Step, Vital};

/// It is time to tell that a vital sign is worse, better or well; or that what was told before a restart still stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Which.
    pub vital: Vital,
    /// How many of its steps it was told to be on before.
    pub from: usize,
    /// On how many it is: 0 is well.
    pub to: usize,
    /// What was measured now, in the vital's unit.
    pub measure: i64,
}

/// The vital signs of one gateway.
#[derive(Debug)]
pub struct Vitals {
    every: Duration,
    signs: BTreeMap<Vital, Sign>,
    sticky: Sticky,
    jump: Jump,
    turns: VecDeque<Turn>,
}

impl Vitals {
    /// All well, but for what was told before a restart ([`Self::told`]). A reading is to be taken `every` so often: the
    /// times for which something has to last are counted in readings.
    pub fn new(every: Duration, told: &BTreeMap<Vital, usize>) -> Self {
        let sign = |vital: Vital| Sign::new(vital.steps(), told.get(&vital).copied().unwrap_or_default());
        let signs = Vital::ALL.into_iter().map(|vital| (vital, sign(vital))).collect();
        Self { every, signs, sticky: Sticky::default(), jump: Jump::default(), turns: VecDeque::new() }
    }

    /// The box was looked at.
    pub fn handle_reading(&mut self, reading: &Reading, now: Instant) {
        for vital in Vital::ALL {
            let measure = self.measure(vital, reading);
            if let (Some(measure), Some(sign)) = (measure, self.signs.get_mut(&vital)) {
                let turn = sign.handle_measure(measure, self.every, now);
                self.turns.extend(turn.map(|(from, to)| Turn { vital, from, to, measure }));
            }
        }
    }

    /// The turns since last asked.
    pub fn poll_output(&mut self) -> Option<Turn> {
        self.turns.pop_front()
    }

    /// The vitals that are told not to be well, and on how many of their steps; to be saved after each turn.
    pub fn told(&self) -> BTreeMap<Vital, usize> {
        let told = self.signs.iter().map(|(vital, sign)| (*vital, sign.told()));
        told.filter(|(_, steps)| *steps > 0).collect()
    }

    fn measure(&mut self, vital: Vital, reading: &Reading) -> Option<i64> {
        match vital {
            Vital::Storage => reading.storage.map(Amount::storage_used_permille),
            Vital::ReadOnly => reading.read_only.map(i64::from),
            Vital::FileSystem => reading.file_system_errors.map(whole),
            Vital::Wear => reading.wear.and_then(Wear::percent),
            Vital::Memory => reading.memory.map(Amount::used_permille),
            Vital::OwnMemory => reading.own_memory.map(whole),
            Vital::Temperature => reading.millicelsius,
            Vital::PowerSupply => self.sticky.under_voltage(reading.throttled, reading.under_voltage),
            Vital::Throttling => self.sticky.throttling(reading.throttled),
            Vital::Certificate => reading.certificate_left_s.map(i64::saturating_neg),
            Vital::TimeJump => reading.clock.map(|stamp| self.jump.seconds(stamp)),
            Vital::Restarts => reading.starts.map(i64::from),
            Vital::Program => reading.program_altered.map(i64::from),
        }
    }
}

fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
