//! What an observation says of a person: the signs that rules go by.

use varde_wire::{Event, Flags, Metric, Observation, Value};

/// A sign of life, or of where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sign {
    /// Somebody left the bed.
    LeftBed,
    /// Somebody lay down in the bed.
    InBed,
    /// A door opened or closed.
    Door,
    /// Somebody moves in a room, or came into it.
    Activity,
    /// The room is empty again.
    LeftRoom,
    /// A measurement was reported.
    Measured,
}

impl Sign {
    /// The sign that this observation is; none for a test, for what a device says of itself, and for a value on its way.
    #[expect(clippy::wildcard_enum_match_arm, reason = "every other event says nothing of a person")]
    pub fn of(observation: &Observation) -> Option<Self> {
        if observation.flags.has(Flags::TEST) || observation.flags.has(Flags::INTERMEDIATE) {
            return None;
        }
        Some(match observation.value {
            Value::Event(Event::LeftBed) => Self::LeftBed,
            Value::Event(Event::InBed) => Self::InBed,
            Value::Event(Event::DoorOpened | Event::DoorClosed) => Self::Door,
            Value::Event(Event::Motion | Event::EnteredRoom) => Self::Activity,
            Value::Event(Event::LeftRoom) => Self::LeftRoom,
            Value::Decimal(_) if !OF_THE_DEVICE.contains(&observation.metric) => Self::Measured,
            _ => return None,
        })
    }
}

/// Numbers that a device sends of itself: a meter that tells its battery has measured nobody.
const OF_THE_DEVICE: [Metric; 8] = [
    Metric::BATTERY,
    Metric::BATTERY_VOLTAGE,
    Metric::TX_POWER,
    Metric::CLOCK,
    Metric::DEVICE_TIME,
    Metric::CHANNEL,
    Metric::OBJECT_INDEX,
    Metric::COUNT,
];

#[cfg(test)]
mod tests {
    use super::*;
    use varde_wire::Decimal;

    #[test]
    fn a_meter_that_tells_its_battery_has_measured_nobody() {
        let number = Value::Decimal(Decimal::whole(70));
        let table = [
            (Metric::BODY_WEIGHT, Flags::NONE, Some(Sign::Measured)),
            (Metric::BATTERY, Flags::NONE, None),
            (Metric::CUFF, Flags::INTERMEDIATE, None),
            (Metric::BODY_WEIGHT, Flags::TEST, None),
        ];
        for (metric, flags, sign) in table {
            let mut observation = Observation::new("scale-1".parse().unwrap(), metric, number.clone());
            observation.flags = flags;
            assert_eq!(Sign::of(&observation), sign, "{metric}");
        }
    }
}
