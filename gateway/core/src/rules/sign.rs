//! What an observation says of a person: the signs that rules go by.

use varde_wire::{Event, Flags, Observation, Value};

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
            Value::Decimal(_) => Self::Measured,
            _ => return None,
        })
    }
}
