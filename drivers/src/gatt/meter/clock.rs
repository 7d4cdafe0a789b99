//! A meter's own clock against ours: read at each connection, set where it is wrong, carried along where it cannot
//! be set.

use std::time::Duration;

use varde_wire::{Decimal, DeviceId, Event, Flags, Instant, LocalTime, Metric, Observation, Unit, Value};

use crate::cursor::Cursor;
use crate::gatt::current_time::{CURRENT_TIME, CurrentTime};
use crate::gatt::date_time::{DATE_TIME, DateTime};
use crate::{FrameError, HomeTime, Request, Uuid};

/// Where meters have their clocks; most have one of the two, many none.
pub(super) const CHARACTERISTICS: [Uuid; 2] = [CURRENT_TIME, DATE_TIME];

/// Less is what reading and setting over the air cost.
const TOLERANCE_S: u32 = 10;

/// More makes a reading appear at another time of the day: a fault, if it stays.
const WRONG_S: u32 = 60;

/// How often the clock may come before the measurements.
const TURN: Duration = Duration::from_hours(24);

/// What is known of a meter's clock.
#[derive(Debug, Default)]
pub(crate) struct ClockCheck {
    step: Step,
    /// What has to be added to it, as read first at this connection.
    offset_s: Option<i32>,
    /// When it was set at this connection, on our clock.
    set_at: Option<HomeTime>,
    /// Whether a fault was told that has not been told restored.
    wrong: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Step {
    /// Not compared at this connection: our own clock is not right.
    #[default]
    Resting,
    /// The clocks were asked for; the first to answer is the meter's.
    Asked,
    /// This one was set, and asked for again.
    Set(Uuid),
}

/// What a meter's clock shows, beside ours.
#[derive(Debug)]
pub(crate) struct Shown {
    /// Where it is read and set.
    pub(crate) clock: Uuid,
    /// As time of day, if there can be such a moment.
    pub(crate) time: Option<LocalTime>,
    /// What has to be added to that to come to the home's local time; none where the clock was never set.
    pub(crate) offset_s: Option<i32>,
    /// How far the clock is wrong: the same, unless the meter does not show local time.
    pub(crate) error_s: Option<i32>,
    /// What sets it.
    pub(crate) setting: Vec<u8>,
}

/// What came of a clock's answer.
#[derive(Debug, Default)]
pub(crate) struct Clocked {
    pub(crate) observations: Vec<Observation>,
    pub(crate) requests: Vec<Request>,
}

/// Whether the clock comes before the measurements: some meters hang up as soon as those are sent.
#[derive(Debug, Default)]
pub(super) struct ClockTurn {
    /// Whether it does at this connection.
    pub(super) is_first: bool,
    /// Whether the last connection was over before the clock was compared.
    missed: bool,
    /// When it came first last.
    at: Option<Instant>,
}

impl ClockTurn {
    /// A connection begins. Whether the clock comes first: each time, it would cost the measurement of a meter that only
    /// waits a moment to be subscribed to.
    pub(super) fn comes_first(&mut self, now: Instant) -> bool {
        self.is_first = self.missed && self.at.is_none_or(|at| now.since(at) >= TURN);
        if self.is_first {
            self.at = Some(now);
        }
        self.is_first
    }

    /// The connection is over.
    pub(super) fn end(&mut self, before_the_clock: bool) {
        (self.missed, self.is_first) = (before_the_clock, false);
    }
}

impl ClockCheck {
    /// Whether the clock was to be compared at this connection, and was not, or set without showing it.
    pub(super) fn is_under_way(&self) -> bool {
        self.step != Step::Resting
    }

    /// A connection begins. Whether the meter's clock is compared depends on whether ours is right.
    pub(crate) fn begin(&mut self, ours_is_right: bool) {
        self.step = if ours_is_right { Step::Asked } else { Step::Resting };
        self.offset_s = None;
        self.set_at = None;
    }

    /// What has to be added to a time that the meter sent at this connection. A clock that was set at this
    /// connection has two answers: times from before it was set need the old one.
    pub(super) fn offset_of(&self, time: LocalTime, now: Option<HomeTime>) -> Option<i32> {
        let (Some(set_at), Some(now)) = (self.set_at, now) else { return self.offset_s };
        let is_new = set_at.ahead_of(time).is_some_and(|ahead| ahead <= 2)
            && now.ahead_of(time).is_some_and(|ahead| ahead >= -2);
        if is_new { Some(0) } else { self.offset_s }
    }

    /// Takes in what a clock showed.
    ///
    /// # Errors
    /// Where that is no time.
    pub(super) fn take(
        &mut self,
        uuid: Uuid,
        bytes: &[u8],
        now: Option<HomeTime>,
        device: &DeviceId,
    ) -> Result<Clocked, FrameError> {
        let shown = match uuid {
            CURRENT_TIME => CurrentTime::decode(bytes)?.date_time,
            _ => DateTime::take(&mut Cursor::new(bytes), "date time")?,
        };
        let Some(now) = now else { return Ok(Clocked::default()) };
        let offset_s = if shown.clock_is_unset() { None } else { now.ahead_of(shown.as_sent()) };
        let setting = match uuid {
            CURRENT_TIME => CurrentTime::encode(now),
            _ => DateTime::from(now.local()).encode().to_vec(),
        };
        let shown = Shown { clock: uuid, time: shown.moment(), offset_s, error_s: offset_s, setting };
        Ok(self.see(shown, now, device))
    }

    /// Takes in what a clock showed at `now`.
    pub(crate) fn see(&mut self, shown: Shown, now: HomeTime, device: &DeviceId) -> Clocked {
        match self.step {
            Step::Asked => self.compare(shown, now, device),
            Step::Set(set) if set == shown.clock => self.prove(shown.error_s, device),
            Step::Resting | Step::Set(_) => Clocked::default(),
        }
    }

    fn compare(&mut self, shown: Shown, now: HomeTime, device: &DeviceId) -> Clocked {
        self.offset_s = shown.offset_s;
        let observations = vec![coincident(shown.time, shown.offset_s, device)];
        if is_within(shown.error_s, TOLERANCE_S) {
            self.step = Step::Resting;
            return Clocked { observations, requests: Vec::new() }.and(self.judge(shown.error_s, device));
        }
        self.step = Step::Set(shown.clock);
        self.set_at = Some(now);
        let characteristic = shown.clock;
        let requests =
            vec![Request::Write { characteristic, bytes: shown.setting }, Request::Read(characteristic)];
        Clocked { observations, requests }
    }

    /// A meter that cannot be set, or does not take it, still shows the wrong time.
    fn prove(&mut self, error_s: Option<i32>, device: &DeviceId) -> Clocked {
        self.step = Step::Resting;
        if !is_within(error_s, TOLERANCE_S) {
            self.set_at = None;
        }
        self.judge(error_s, device)
    }

    fn judge(&mut self, error_s: Option<i32>, device: &DeviceId) -> Clocked {
        let wrong = is_wrong(error_s);
        if std::mem::replace(&mut self.wrong, wrong) == wrong {
            return Clocked::default();
        }
        let event = if wrong { Event::ClockWrong } else { Event::ClockRestored };
        let told = Observation::new(device.clone(), Metric::CLOCK, Value::Event(event));
        Clocked { observations: vec![told], requests: Vec::new() }
    }
}

impl Clocked {
    fn and(mut self, other: Self) -> Self {
        self.observations.extend(other.observations);
        self.requests.extend(other.requests);
        self
    }
}

/// Both clocks at one moment: the coincident time stamp of the HL7 PHD guide.
pub(in crate::gatt) fn coincident(
    shown: Option<LocalTime>,
    offset_s: Option<i32>,
    device: &DeviceId,
) -> Observation {
    let value = match offset_s {
        Some(offset) => Value::Decimal(Decimal::whole(offset.into())),
        None => Value::Absent(varde_wire::Absence::NotANumber),
    };
    let unset = if offset_s.is_none() { Flags::DEVICE_CLOCK_UNSET } else { Flags::NONE };
    Observation {
        unit: Some(Unit::Second),
        device_time: shown,
        flags: unset,
        ..Observation::new(device.clone(), Metric::CLOCK, value)
    }
}

/// Whether a clock that is so far off makes a reading appear at another time of the day.
pub(crate) fn is_wrong(error_s: Option<i32>) -> bool {
    !is_within(error_s, WRONG_S)
}

fn is_within(offset_s: Option<i32>, limit_s: u32) -> bool {
    offset_s.is_some_and(|offset| offset.unsigned_abs() <= limit_s)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: HomeTime = HomeTime { unix_s: 1_792_317_909, utc_offset_min: 120, daylight_saving_min: 60 };

    /// What the meter shows when it is that much behind.
    fn behind(seconds: i64) -> Vec<u8> {
        CurrentTime::encode(HomeTime { unix_s: NOW.unix_s - seconds, ..NOW })
    }

    fn shown(check: &mut ClockCheck, bytes: &[u8]) -> (Vec<Value>, usize) {
        let Clocked { observations, requests } =
            check.take(CURRENT_TIME, bytes, Some(NOW), &"scale-1".parse().unwrap()).unwrap();
        (observations.into_iter().map(|observation| observation.value).collect(), requests.len())
    }

    fn seconds(offset: i64) -> Value {
        Value::Decimal(Decimal::whole(offset))
    }

    #[test]
    fn a_clock_that_is_nearly_right_is_left_alone() {
        let mut check = ClockCheck::default();
        check.begin(true);
        assert_eq!(shown(&mut check, &behind(10)), (vec![seconds(10)], 0));
        assert_eq!(shown(&mut check, &behind(7200)), (vec![], 0), "a second characteristic with a clock");
        assert_eq!(check.offset_of(NOW.local(), Some(NOW)), Some(10));
    }

    #[test]
    fn a_wrong_clock_is_set_and_what_was_measured_before_keeps_the_old_offset() {
        let mut check = ClockCheck::default();
        check.begin(true);
        assert_eq!(shown(&mut check, &behind(7200)), (vec![seconds(7200)], 2));
        assert_eq!(shown(&mut check, &behind(0)), (vec![], 0));
        let later = NOW.after(std::time::Duration::from_secs(30));
        assert_eq!(check.offset_of(later.local(), Some(later)), Some(0));
        let stored = HomeTime { unix_s: NOW.unix_s - 7200 - 60, ..NOW };
        assert_eq!(check.offset_of(stored.local(), Some(later)), Some(7200));
    }

    #[test]
    fn a_clock_that_ran_ahead_gives_its_records_no_time_to_come() {
        let mut check = ClockCheck::default();
        check.begin(true);
        shown(&mut check, &behind(-3600));
        shown(&mut check, &behind(0));
        let stored = HomeTime { unix_s: NOW.unix_s + 1800, ..NOW };
        assert_eq!(check.offset_of(stored.local(), Some(NOW)), Some(-3600));
    }

    #[test]
    fn a_clock_that_cannot_be_set_is_a_fault_told_once_and_restored_once() {
        let mut check = ClockCheck::default();
        let wrong = vec![Value::Event(Event::ClockWrong)];
        for told in [wrong, vec![]] {
            check.begin(true);
            shown(&mut check, &behind(7200));
            assert_eq!(shown(&mut check, &behind(7201)), (told, 0));
            assert_eq!(check.offset_of(NOW.local(), Some(NOW)), Some(7200));
        }
        check.begin(true);
        assert_eq!(shown(&mut check, &behind(1)), (vec![seconds(1), Value::Event(Event::ClockRestored)], 0));
    }

    #[test]
    fn a_clock_that_was_never_set_is_set() {
        let mut check = ClockCheck::default();
        check.begin(true);
        let nothing = Value::Absent(varde_wire::Absence::NotANumber);
        assert_eq!(shown(&mut check, &[0; 10]), (vec![nothing], 2));
    }

    #[test]
    fn without_a_right_clock_of_our_own_none_is_judged_or_set() {
        let mut check = ClockCheck::default();
        check.begin(false);
        assert_eq!(shown(&mut check, &behind(7200)), (vec![], 0));
        let unknown = check.take(DATE_TIME, &[0; 7], None, &"scale-1".parse().unwrap()).unwrap();
        assert!(unknown.observations.is_empty() && unknown.requests.is_empty());
        assert_eq!(check.offset_of(NOW.local(), None), None);
    }
}
