//! What an object means in the home.

use varde_wire::{Event, Metric, Unit, Value};

use super::objects::{command_name, press_name};
use super::table::Shape;
use super::{Object, ObjectValue};
use crate::Purpose;
use crate::describe::hex;
use crate::statement::Said;

impl Object {
    /// The metric that it is about, and what it says of it; nothing where it keeps a place free. None for what is
    /// about the device.
    pub(super) fn said(&self, purpose: Option<Purpose>) -> Option<(Metric, Option<Said>)> {
        let stands = |value| Some(Said::State { value, at_first: true });
        let happened = |value, unit, kind| Some(Said::Happened { value, unit, kind });
        Some(match (&self.value, self.shape()) {
            (ObjectValue::Number(number), Shape::Number { metric, unit, .. }) => {
                (metric, Some(Said::Measured(Ok(*number), unit)))
            }
            (ObjectValue::State(on), Shape::Bit(metric)) => (metric, stands(Value::Bits((*on).into()))),
            (ObjectValue::State(on), Shape::Events(metric, turned_on, turned_off)) => {
                let (metric, turned_on, turned_off) = in_use(purpose, metric, turned_on, turned_off);
                // Many thermometers send "power" for an output that nobody uses: off, and never anything else.
                let at_first = metric != Metric::MAINS || *on;
                let event = if *on { turned_on } else { turned_off };
                (metric, Some(Said::State { value: Value::Event(event), at_first }))
            }
            (ObjectValue::Button(press), _) => {
                let (metric, event) = match purpose.and_then(Purpose::alarm) {
                    Some(alarm) => (Metric::PERSONAL_ALARM, alarm),
                    None => (Metric::SWITCH, Event::ButtonPressed),
                };
                let kind = press_name(*press);
                (metric, kind.and_then(|kind| happened(Value::Event(event), None, Some(kind))))
            }
            (ObjectValue::Dimmer { steps, .. }, _) => {
                let turned = steps.map(Value::Decimal);
                (Metric::DIMMER, turned.and_then(|steps| happened(steps, Some(Unit::One), None)))
            }
            (ObjectValue::Command { opcode, .. }, _) => {
                let command = Value::Text(command_name(*opcode).to_owned());
                (Metric::REMOTE_COMMAND, happened(command, None, None))
            }
            (ObjectValue::Text(text), Shape::Text) => (Metric::TEXT, stands(Value::Text(text.clone()))),
            (ObjectValue::Raw(bytes), _) => (Metric::RAW, stands(Value::Text(hex(bytes)))),
            (ObjectValue::Number(_) | ObjectValue::State(_) | ObjectValue::Text(_), _) => return None,
        })
    }
}

/// A contact or a presence sensor at a bed tells who lies in it. A contact mat is closed by the weight on it.
fn in_use(purpose: Option<Purpose>, metric: Metric, on: Event, off: Event) -> (Metric, Event, Event) {
    match (purpose, metric) {
        (Some(Purpose::Bed), Metric::CONTACT) => (Metric::USAGE, Event::LeftBed, Event::InBed),
        (Some(Purpose::Bed), Metric::OCCUPANCY | Metric::PRESENCE) => {
            (Metric::USAGE, Event::InBed, Event::LeftBed)
        }
        _ => (metric, on, off),
    }
}
