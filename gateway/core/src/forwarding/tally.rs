//! How often each thing happened in a day: what leaves the home instead of the things themselves.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};
use varde_wire::{CountReport, DeviceId, Event, Instant, Metric, Observation, Value};

use crate::home_clock::Day;
use crate::{Now, TimeOfDay, saved};

const VERSION: u8 = 1;

/// Counts until midnight. While the clock is not set the day goes on.
#[derive(Debug, Default)]
pub struct Tally {
    state: State,
    now: Option<Now>,
    counts: VecDeque<CountReport>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct State {
    day: Option<Day>,
    /// No more of them than the home has devices and a device has words.
    counts: BTreeMap<(DeviceId, Metric, Option<u16>), u32>,
}

impl Tally {
    /// Goes on from a [`Self::snapshot`], or from the beginning where the bytes are none.
    pub fn restore(bytes: &[u8], now: Now) -> Self {
        let state = saved::read(VERSION, bytes).unwrap_or_default();
        let mut tally = Self { state, now: None, counts: VecDeque::new() };
        tally.handle_timeout(now);
        tally
    }

    /// What has been counted today.
    pub fn snapshot(&self) -> Vec<u8> {
        saved::bytes(VERSION, &self.state)
    }

    /// This happened, and is forgotten but for that it did.
    pub fn handle_counted(&mut self, observation: &Observation, now: Now) {
        self.handle_timeout(now);
        let event = match &observation.value {
            Value::Event(event) => place(*event),
            Value::Decimal(_) | Value::Absent(_) | Value::Bits(_) | Value::Text(_) => None,
        };
        let key = (observation.device.clone(), observation.metric, event);
        let times = self.state.counts.entry(key).or_default();
        *times = times.saturating_add(1);
    }

    /// Time has passed, or the clock on the wall was changed.
    pub fn handle_timeout(&mut self, now: Now) {
        self.now = Some(now);
        let Some(clock) = now.home else { return };
        let (today, _) = clock.shown();
        // A clock that goes back ends no day twice.
        let before = self.state.day.replace(today.max(self.state.day.unwrap_or(today)));
        if let Some(day) = before.filter(|day| *day < today) {
            let counts = std::mem::take(&mut self.state.counts).into_iter();
            self.counts.extend(counts.map(|((device, metric, event), times)| {
                let event = event.and_then(|place| Event::ALL.get(usize::from(place)).copied());
                CountReport { device, metric, event, day, times }
            }));
        }
    }

    /// When the day ends, if the clock is not changed before.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let now = self.now?;
        let clock = now.home?;
        let (today, _) = clock.shown();
        let midnight = clock.comes(today.saturating_add(1), TimeOfDay::new(0, 0)?);
        (!self.state.counts.is_empty()).then(|| now.instant(&clock, midnight))
    }

    /// The counts of a day that is over.
    pub fn poll_output(&mut self) -> Option<CountReport> {
        self.counts.pop_front()
    }
}

/// An event's place in the list of all, by which it is ordered and saved.
fn place(event: Event) -> Option<u16> {
    Event::ALL.iter().position(|other| *other == event).and_then(|place| u16::try_from(place).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::HomeClock;
    use varde_wire::WallTime;

    /// So many minutes after midnight in UTC, on a wall an hour ahead.
    fn at(minutes: u64) -> Now {
        let wall = WallTime::from_unix_millis(i64::try_from(minutes).unwrap() * 60_000);
        let home = HomeClock { wall, utc_offset_min: 60, before: None, after: None };
        Now { at: Instant::from_millis(minutes * 60_000), home: Some(home) }
    }

    #[test]
    fn a_day_is_told_once_at_its_end_even_through_a_restart() {
        let motion = Observation::new("hall".parse().unwrap(), Metric::MOTION, Value::Event(Event::Motion));
        let mut tally = Tally::default();
        for minutes in [600, 700, 800] {
            tally.handle_counted(&motion, at(minutes));
        }
        assert_eq!(tally.poll_timeout(), Some(at(23 * 60).at));
        let mut tally = Tally::restore(&tally.snapshot(), at(900));
        tally.handle_counted(&motion, at(1000));
        tally.handle_counted(&motion, Now { home: None, ..at(1100) });
        assert_eq!(tally.poll_output(), None);
        tally.handle_timeout(at(23 * 60));
        let count = tally.poll_output().unwrap();
        assert_eq!((count.event, count.times), (Some(Event::Motion), 5));
        tally.handle_timeout(at(22 * 60));
        tally.handle_timeout(at(24 * 60));
        assert_eq!((tally.poll_output(), tally.poll_timeout()), (None, None));
    }
}
