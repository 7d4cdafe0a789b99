//! The door: what a device said becomes what is kept.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use varde_wire::{DeviceId, Event, Flags, Group, Instant, Lane, Observation, Value};

use crate::plausible::is_implausible;

/// How long after a reading without a time of its own the very same one counts as its echo.
///
/// Radio repeaters and sub-telegrams arrive within some 100 ms (EnOcean: 40 ms, and repeaters add to it); a hand
/// needs longer to press twice, and lets go in between.
pub const REPEAT_WINDOW: Duration = Duration::from_millis(100);

/// How many timed readings of one device are remembered: meters send their whole memory again.
const REMEMBERED: usize = 64;

/// A reading on its way to the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// Where it queues.
    pub lane: Lane,
    /// Its observations, grouped.
    pub observations: Vec<Observation>,
}

/// Decides what is kept and where it queues. Exact repeats are dropped, nothing else ever is.
#[derive(Debug, Default)]
pub struct Admission {
    heard: HashMap<DeviceId, Heard>,
    groups: u64,
    repeated: u64,
}

/// What a device said lately.
#[derive(Debug, Default)]
struct Heard {
    /// Readings with a time of their own, by which they can be told apart for ever.
    timed: VecDeque<Vec<Observation>>,
    /// The last reading without one.
    last: Option<(Instant, Vec<Observation>)>,
}

impl Admission {
    /// Takes the observations of one reading of one device, and flags what is implausible; nothing where it is an exact
    /// repeat, or empty.
    pub fn admit(&mut self, mut observations: Vec<Observation>, now: Instant) -> Option<Vec<Observation>> {
        let device = observations.first()?.device.clone();
        if self.heard.entry(device).or_default().repeats(&observations, now) {
            self.repeated = self.repeated.saturating_add(1);
            return None;
        }
        for observation in &mut observations {
            if is_implausible(observation.metric, &observation.value, observation.unit) {
                observation.flags = observation.flags.with(Flags::IMPLAUSIBLE);
            }
        }
        Some(observations)
    }

    /// Sends what of a reading is to be kept on its way, as one group.
    pub fn send(&mut self, mut observations: Vec<Observation>) -> Admitted {
        let lane = observations.iter().map(lane).min().unwrap_or(Lane::Routine);
        let size = u8::try_from(observations.len()).unwrap_or(u8::MAX);
        if size > 1 {
            for (member, observation) in (0..=u8::MAX).zip(observations.iter_mut()) {
                observation.group = Some(Group { id: self.groups, member, size });
            }
            self.groups = self.groups.saturating_add(1);
        }
        Admitted { lane, observations }
    }

    /// How many exact repeats were dropped.
    pub fn repeated(&self) -> u64 {
        self.repeated
    }
}

impl Heard {
    fn repeats(&mut self, reading: &[Observation], now: Instant) -> bool {
        // A reading is told apart by its device's clock only if that clock is set.
        let timed =
            reading.iter().any(|o| o.device_time.is_some() && !o.flags.has(Flags::DEVICE_CLOCK_UNSET));
        if timed {
            let known = self.timed.iter().any(|old| old == reading);
            if !known {
                self.timed.push_back(reading.to_vec());
                if self.timed.len() > REMEMBERED {
                    self.timed.pop_front();
                }
            }
            return known;
        }
        let echo =
            self.last.as_ref().is_some_and(|(at, last)| now.since(*at) < REPEAT_WINDOW && last == reading);
        if !echo {
            self.last = Some((now, reading.to_vec()));
        }
        echo
    }
}

/// Alarms are urgent, and so is what says that alarms may not come.
fn lane(observation: &Observation) -> Lane {
    match observation.value {
        Value::Event(
            Event::SafetyAlarm
            | Event::PullCord
            | Event::Fall
            | Event::Seizure
            | Event::Smoke
            | Event::Gas
            | Event::Water
            | Event::TechnicalFault
            | Event::CommandRefused,
        ) => Lane::Urgent,
        Value::Event(_) | Value::Decimal(_) | Value::Absent(_) | Value::Bits(_) | Value::Text(_) => {
            Lane::Routine
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use varde_wire::{Decimal, LocalTime, Metric, Unit};

    fn observation(value: Value) -> Observation {
        Observation {
            device: "d-1".parse().unwrap(),
            metric: Metric::SYSTOLIC,
            value,
            unit: Some(Unit::MillimetreOfMercury),
            device_time: None,
            user: None,
            flags: Flags::NONE,
            group: None,
        }
    }

    fn at(ms: u64) -> Instant {
        Instant::from_millis(ms)
    }

    #[test]
    fn an_echo_is_dropped_and_a_second_press_is_not() {
        let mut admission = Admission::default();
        let press = || vec![observation(Value::Event(Event::SafetyAlarm))];
        let other = || vec![observation(Value::Event(Event::DoorOpened))];
        assert!(admission.admit(press(), at(0)).is_some());
        assert_eq!(admission.admit(press(), at(99)), None);
        assert!(admission.admit(press(), at(100)).is_some());
        assert!(admission.admit(other(), at(110)).is_some());
        assert!(admission.admit(press(), at(120)).is_some(), "something else came in between");
        assert_eq!(admission.repeated(), 1);
    }

    #[test]
    fn a_meter_that_sends_its_memory_again_adds_nothing() {
        let mut admission = Admission::default();
        let reading = |minute, systolic| {
            let mut observation = observation(Value::Decimal(Decimal::whole(systolic)));
            let time = LocalTime { year: 2026, month: 3, day: 1, hour: 8, minute, second: 0 };
            observation.device_time = Some(time);
            vec![observation]
        };
        for minute in 0..50 {
            assert!(admission.admit(reading(minute, 120), at(0)).is_some());
        }
        for minute in 0..50 {
            assert_eq!(admission.admit(reading(minute, 120), at(1_000_000)), None);
        }
        assert!(admission.admit(reading(0, 121), at(0)).is_some(), "another value is no repeat");
    }

    #[test]
    fn a_meter_whose_clock_stands_still_loses_nothing() {
        let mut admission = Admission::default();
        let reading = || {
            let mut observation = observation(Value::Decimal(Decimal::whole(120)));
            observation.device_time =
                Some(LocalTime { year: 2000, month: 1, day: 1, hour: 0, minute: 0, second: 0 });
            observation.flags = Flags::DEVICE_CLOCK_UNSET;
            vec![observation]
        };
        assert!(admission.admit(reading(), at(0)).is_some());
        assert!(admission.admit(reading(), at(60_000)).is_some());
    }

    #[test]
    fn the_implausible_is_flagged_and_kept_with_its_group() {
        let mut admission = Admission::default();
        let reading = vec![
            observation(Value::Decimal(Decimal::whole(2046))),
            observation(Value::Decimal(Decimal::whole(80))),
        ];
        let admitted = admission.admit(reading, at(0)).unwrap();
        let admitted = admission.send(admitted);
        assert_eq!(admitted.lane, Lane::Routine);
        let flags: Vec<_> = admitted.observations.iter().map(|o| o.flags.has(Flags::IMPLAUSIBLE)).collect();
        assert_eq!(flags, [true, false]);
        let groups: Vec<_> = admitted.observations.iter().map(|o| o.group.unwrap()).collect();
        assert_eq!(groups[0], Group { id: 0, member: 0, size: 2 });
        assert_eq!(groups[1], Group { id: 0, member: 1, size: 2 });
    }
}
