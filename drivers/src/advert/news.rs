//! What of a sensor's states and numbers is news.

use std::collections::BTreeMap;
use std::time::Duration;

use varde_wire::{Instant, Metric, Observation, Value};

use super::statement::Key;

/// How often a number that changes is passed on: rooms are slow, and each entry costs flash and airtime.
const CHANGED: Duration = Duration::from_mins(1);

/// The same for what tells of the device itself, and trembles.
const CHANGED_OF_DEVICE: Duration = Duration::from_mins(30);

/// How often a number that stays is passed on: the receiver sees that it is still so.
const UNCHANGED: Duration = Duration::from_mins(30);

/// What was passed on so far. As large as one device has sensors, never larger.
#[derive(Debug, Default)]
pub(super) struct News {
    states: BTreeMap<Key, Value>,
    numbers: BTreeMap<Key, Number>,
}

#[derive(Debug)]
struct Number {
    passed: Vec<Observation>,
    at: Instant,
    /// What it has become since.
    held: Option<Vec<Observation>>,
}

impl News {
    /// Whether the state is another than before; the first one is where `at_first` says so.
    pub(super) fn is_change(&mut self, key: Key, value: &Value, at_first: bool) -> bool {
        match self.states.insert(key, value.clone()) {
            None => at_first,
            Some(before) => before != *value,
        }
    }

    /// The number's observations, if they are to be passed on now.
    pub(super) fn number(
        &mut self,
        key: Key,
        heard: Vec<Observation>,
        now: Instant,
    ) -> Option<Vec<Observation>> {
        let absent = heard.first().is_some_and(|heard| matches!(heard.value, Value::Absent(_)));
        let Some(number) = self.numbers.get_mut(&key) else {
            if absent {
                return None;
            }
            self.numbers.insert(key, Number { passed: heard.clone(), at: now, held: None });
            return Some(heard);
        };
        let changed = number.passed != heard;
        if absent && !changed {
            number.held = None;
            return None;
        }
        if now.since(number.at) < if changed { interval(key.metric) } else { UNCHANGED } {
            number.held = changed.then_some(heard);
            return None;
        }
        *number = Number { passed: heard.clone(), at: now, held: None };
        Some(heard)
    }

    /// When a number that changed is to be passed on, even if nothing more comes.
    pub(super) fn due(&self) -> Option<Instant> {
        let held = self.numbers.iter().filter(|(_, number)| number.held.is_some());
        held.map(|(key, number)| number.at.after(interval(key.metric))).min()
    }

    /// A number whose time has come.
    pub(super) fn poll(&mut self, now: Instant) -> Option<(Key, Vec<Observation>)> {
        self.numbers.iter_mut().find_map(|(key, number)| {
            if now.since(number.at) < interval(key.metric) {
                return None;
            }
            let heard = number.held.take()?;
            *number = Number { passed: heard.clone(), at: now, held: None };
            Some((*key, heard))
        })
    }
}

fn interval(metric: Metric) -> Duration {
    const OF_DEVICE: [Metric; 7] = [
        Metric::BATTERY,
        Metric::BATTERY_VOLTAGE,
        Metric::TX_POWER,
        Metric::ACCELERATION_X,
        Metric::ACCELERATION_Y,
        Metric::ACCELERATION_Z,
        Metric::DEVICE_TIME,
    ];
    if OF_DEVICE.contains(&metric) { CHANGED_OF_DEVICE } else { CHANGED }
}

#[cfg(test)]
mod tests;
