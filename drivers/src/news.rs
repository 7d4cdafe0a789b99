//! What of all that a sensor says is news.
//!
//! What happened is always news. A state is when it changes, and once when it is heard first. A number is when it
//! changed, at most once a minute, and unchanged every half an hour.

use std::collections::BTreeMap;
use std::time::Duration;

use varde_wire::{DeviceId, Flags, Instant, Metric, Observation, Value};

use crate::statement::{Key, Said, Statement};

/// How often a number that changes is passed on: rooms are slow, and each entry costs flash and airtime.
const CHANGED: Duration = Duration::from_mins(1);

/// The same for what tells of the device itself, and trembles.
const CHANGED_OF_DEVICE: Duration = Duration::from_mins(30);

/// How often a number that stays is passed on: the receiver sees that it is still so.
const UNCHANGED: Duration = Duration::from_mins(30);

/// What was passed on so far. As large as one device has sensors, never larger.
#[derive(Debug, Default)]
pub(crate) struct News {
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

/// The news in what was said at once.
#[derive(Debug, Default)]
pub(crate) struct Sifted {
    /// Whether any of it is more than a number.
    pub(crate) is_event: bool,
    /// What happened, then what changed, each a reading of its own, so that none waits for or hides another; then the
    /// numbers.
    pub(crate) readings: Vec<Vec<Observation>>,
}

/// Numbers that belong to one reading, and those that need one of their own, as they say which of several they are.
#[derive(Default)]
struct Numbers {
    together: Vec<Observation>,
    alone: Vec<Vec<Observation>>,
}

impl News {
    /// The news among the statements.
    pub(crate) fn sift<'s>(
        &mut self,
        statements: impl IntoIterator<Item = &'s Statement>,
        device: &DeviceId,
        flags: Flags,
        now: Instant,
    ) -> Sifted {
        let (mut events, mut changes, mut numbers) = (Vec::new(), Vec::new(), Numbers::default());
        for statement in statements {
            let observations = statement.observations(device, flags);
            match &statement.said {
                Said::Happened { .. } => {
                    // What stood under this name is over: it is news if it stands again.
                    self.states.remove(&statement.key);
                    events.push(observations);
                }
                Said::State { value, at_first } => {
                    if self.is_change(statement.key, value, *at_first) {
                        changes.push(observations);
                    }
                }
                Said::Measured(..) => {
                    if let Some(observations) = self.number(statement.key, observations, now) {
                        numbers.push(statement.key, observations);
                    }
                }
            }
        }
        let is_event = !(events.is_empty() && changes.is_empty());
        Sifted { is_event, readings: events.into_iter().chain(changes).chain(numbers.readings()).collect() }
    }

    /// The numbers that changed a while ago and whose time has come.
    pub(crate) fn overdue(&mut self, now: Instant) -> Vec<Vec<Observation>> {
        let mut numbers = Numbers::default();
        while let Some((key, observations)) = self.poll(now) {
            numbers.push(key, observations);
        }
        numbers.readings().collect()
    }

    /// Whether the state is another than before; the first one is where `at_first` says so.
    fn is_change(&mut self, key: Key, value: &Value, at_first: bool) -> bool {
        match self.states.insert(key, value.clone()) {
            None => at_first,
            Some(before) => before != *value,
        }
    }

    /// The number's observations, if they are to be passed on now.
    fn number(&mut self, key: Key, heard: Vec<Observation>, now: Instant) -> Option<Vec<Observation>> {
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
    pub(crate) fn due(&self) -> Option<Instant> {
        let held = self.numbers.iter().filter(|(_, number)| number.held.is_some());
        held.map(|(key, number)| number.at.after(interval(key.metric))).min()
    }

    /// A number whose time has come.
    fn poll(&mut self, now: Instant) -> Option<(Key, Vec<Observation>)> {
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

impl Numbers {
    fn push(&mut self, key: Key, observations: Vec<Observation>) {
        if key.index.is_some() {
            self.alone.push(observations);
        } else {
            self.together.extend(observations);
        }
    }

    fn readings(self) -> impl Iterator<Item = Vec<Observation>> {
        std::iter::once(self.together).filter(|together| !together.is_empty()).chain(self.alone)
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
