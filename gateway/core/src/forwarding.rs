//! What leaves the home of what its devices say: no more than is needed.
//!
//! What moves, who is in bed and which door is open is judged in the home; by default only alarms leave it, and the rest
//! is neither stored nor sent. What a device says of itself, and every alarm, is always sent.

mod tally;

use serde::{Deserialize, Serialize};
use varde_wire::{Event, Metric, Observation, Value};

pub use tally::Tally;

use crate::alarm::{cleared_by, raised_by};
use crate::supervision::Condition;

/// How much of what a device says leaves the home.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Forwarding {
    /// Everything.
    Everything,
    /// Alarms, and what the device says of itself.
    AlarmsOnly,
    /// The same, and how often each other thing happened in a day.
    DailySummary,
}

/// What is done with an observation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// It is kept and sent.
    Forward,
    /// It is counted ([`Tally`]) and forgotten.
    Count,
    /// It is forgotten.
    Forget,
}

/// What tells where somebody is.
const OF_PEOPLE: [Metric; 5] =
    [Metric::MOTION, Metric::USAGE, Metric::CONTACT, Metric::OCCUPANCY, Metric::PRESENCE];

impl Forwarding {
    /// Every policy.
    pub const ALL: [Self; 3] = [Self::Everything, Self::AlarmsOnly, Self::DailySummary];

    /// The word in configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Everything => "everything",
            Self::AlarmsOnly => "alarms-only",
            Self::DailySummary => "daily-summary",
        }
    }

    /// What holds where nothing is configured.
    pub fn default_for(metric: Metric) -> Self {
        if OF_PEOPLE.contains(&metric) { Self::AlarmsOnly } else { Self::Everything }
    }

    /// What is done with this observation.
    pub fn fate(self, observation: &Observation) -> Fate {
        match self {
            Self::Everything => Fate::Forward,
            Self::AlarmsOnly | Self::DailySummary if is_always_sent(observation) => Fate::Forward,
            Self::AlarmsOnly => Fate::Forget,
            Self::DailySummary => Fate::Count,
        }
    }
}

fn is_always_sent(observation: &Observation) -> bool {
    raised_by(observation).is_some()
        || cleared_by(observation).is_some()
        || Condition::of(observation).is_some()
        || matches!(observation.value, Value::Event(Event::DeviceFault | Event::DeviceFaultCleared))
}

#[cfg(test)]
mod tests {
    use super::*;
    use varde_wire::Decimal;

    #[test]
    fn by_default_nobody_outside_learns_who_moves_and_nothing_that_matters_is_held_back() {
        let event = Value::Event;
        let table = [
            (Metric::MOTION, event(Event::Motion), Fate::Forget),
            (Metric::USAGE, event(Event::LeftBed), Fate::Forget),
            (Metric::CONTACT, event(Event::DoorOpened), Fate::Forget),
            (Metric::MOTION, event(Event::BatteryLow), Fate::Forward),
            (Metric::MOTION, event(Event::Tamper), Fate::Forward),
            (Metric::MOTION, event(Event::Fall), Fate::Forward),
            (Metric::CONTACT, event(Event::DeviceFault), Fate::Forward),
            (Metric::PERSONAL_ALARM, event(Event::SafetyAlarm), Fate::Forward),
            (Metric::BODY_WEIGHT, Value::Decimal(Decimal::whole(70)), Fate::Forward),
        ];
        for (metric, value, fate) in table {
            let observation = Observation::new("d-1".parse().unwrap(), metric, value);
            assert_eq!(Forwarding::default_for(metric).fate(&observation), fate, "{observation:?}");
        }
    }
}
