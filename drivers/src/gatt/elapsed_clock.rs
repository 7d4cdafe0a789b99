//! The clock of a device that counts time ([`elapsed_time`](super::elapsed_time)), beside ours.

use varde_wire::{DeviceId, LocalTime};

use crate::HomeTime;
use crate::gatt::elapsed_time::{CURRENT_ELAPSED_TIME, CurrentElapsedTime, ElapsedTime};
use crate::gatt::meter::clock::{ClockCheck, Clocked, Shown, is_wrong};
use crate::home_time::{local_of_seconds, seconds_of_local};

/// Reading a clock over the air costs a moment that differs each time: less is no other time.
const JITTER_S: u64 = 2;

/// One device's clock.
#[derive(Debug, Default)]
pub(crate) struct ElapsedClock {
    check: ClockCheck,
    /// What it showed last at this connection, and when that was on our clock.
    shown: Option<(CurrentElapsedTime, HomeTime)>,
    /// Of a tick counter: the home's local time when it was zero, in seconds after 1970.
    zero_s: Option<i64>,
}

impl ElapsedClock {
    /// A connection begins.
    pub(crate) fn begin(&mut self) {
        self.shown = None;
        self.check.begin(false);
    }

    /// The clock may be compared with ours from now on, and set where it is wrong.
    pub(crate) fn allow_setting(&mut self, ours_is_right: bool) {
        self.check.begin(ours_is_right);
    }

    /// Takes in what the clock showed at `now`.
    pub(crate) fn see(
        &mut self,
        current: CurrentElapsedTime,
        now: Option<HomeTime>,
        device: &DeviceId,
    ) -> Clocked {
        let Some(now) = now else { return Clocked::default() };
        let time = current.time;
        let clocked = match time.set_to(now) {
            Some(right) => {
                let shown = Shown {
                    clock: CURRENT_ELAPSED_TIME,
                    time: time.time_of_day(),
                    offset_s: offset_s(time, now),
                    error_s: error_s(time, now),
                    setting: right.encode().to_vec(),
                };
                self.check.see(shown, now, device)
            }
            None => Clocked::default(),
        };
        if time.is_tick_counter() {
            self.note_zero(time, now);
        }
        self.shown = Some((current, now));
        clocked
    }

    /// The time that a time stamp means: what the device showed; of a mere count of ticks the home's local time, where
    /// that can be told.
    pub(crate) fn time_of(&self, stamp: ElapsedTime) -> Option<LocalTime> {
        if stamp.is_tick_counter() { self.time_of_tick(stamp) } else { stamp.time_of_day() }
    }

    /// What has to be added to [that](Self::time_of) to come to the home's local time, where that can be told: on the
    /// current timeline by what the clock shows, on an earlier one if the clock was right by itself then (HL7 Personal
    /// Health Device guide, "Timestamp").
    pub(crate) fn offset_of(&self, stamp: ElapsedTime) -> Option<i32> {
        if stamp.is_tick_counter() {
            return self.time_of_tick(stamp).map(|_| 0);
        }
        let (current, now) = self.shown.as_ref()?;
        if stamp.is_on_current_timeline() {
            offset_s(current.time, *now)
        } else if stamp.is_synchronized() {
            offset_s(stamp.set_to(*now)?, *now)
        } else {
            None
        }
    }

    /// Whether the clock was not set when it showed that, or nobody knows.
    pub(crate) fn was_unset(&self, stamp: ElapsedTime) -> bool {
        if stamp.is_tick_counter() {
            return false;
        }
        if !stamp.is_on_current_timeline() {
            return !stamp.is_synchronized();
        }
        self.shown
            .as_ref()
            .is_some_and(|(current, now)| current.needs_to_be_set() && is_wrong(error_s(current.time, *now)))
    }

    /// The beginning stays where it was unless the counter began anew, so that a record that comes twice has the same
    /// time twice.
    fn note_zero(&mut self, time: ElapsedTime, now: HomeTime) {
        let zero_s = seconds_of_local(now.local()).and_then(|now_s| now_s.checked_sub(time.seconds()));
        let moved = match (self.zero_s, zero_s) {
            (Some(old), Some(new)) => old.abs_diff(new) > JITTER_S,
            (None, _) | (_, None) => true,
        };
        if moved {
            self.zero_s = zero_s;
        }
    }

    fn time_of_tick(&self, stamp: ElapsedTime) -> Option<LocalTime> {
        let zero_s = self.zero_s.filter(|_| self.shown.is_some() && stamp.is_on_current_timeline())?;
        let time = local_of_seconds(zero_s.saturating_add(stamp.seconds()));
        (time.year > 0).then_some(time)
    }
}

/// What has to be added to what the clock shows to come to local time.
fn offset_s(time: ElapsedTime, now: HomeTime) -> Option<i32> {
    now.ahead_of(time.time_of_day()?)
}

/// How far the clock is wrong: one that shows UTC is not wrong by the time zone.
fn error_s(time: ElapsedTime, now: HomeTime) -> Option<i32> {
    let right_s = offset_s(time.set_to(now)?, now)?;
    Some(offset_s(time, now)?.saturating_sub(right_s))
}
