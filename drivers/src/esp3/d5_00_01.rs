//! D5-00-01: a contact on a door or window (EEP 2.6.8).

use varde_wire::{DeviceId, Event, Metric, Observation, Value};

use crate::esp3::Telegram;
use crate::{Description, FrameError};

/// A message of a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contact {
    /// LRN, bit 3, is 0 while the learn button is pressed.
    pub learn: bool,
    /// CO, bit 0: closed or open.
    pub closed: bool,
}

impl Contact {
    /// The message in a telegram of RORG D5.
    ///
    /// # Errors
    /// Where its payload is not one byte.
    pub fn decode(telegram: &Telegram) -> Result<Self, FrameError> {
        let data = telegram.single_byte()?;
        Ok(Self { learn: data & 1 << 3 == 0, closed: data & 1 != 0 })
    }

    /// Its fields, by EnOcean's shortcuts.
    pub fn describe(&self) -> Description {
        Description::default()
            .with("CO", if self.closed { "closed" } else { "open" })
            .with("LRN", if self.learn { "pressed" } else { "not pressed" })
    }

    /// What happened; nothing did while somebody presses the learn button.
    pub fn observation(&self, device: &DeviceId) -> Option<Observation> {
        let event = if self.closed { Event::DoorClosed } else { Event::DoorOpened };
        (!self.learn).then(|| Observation::new(device.clone(), Metric::CONTACT, Value::Event(event)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::esp3::frame::tests::telegram;

    /// Every D5-00-01 packet in the tests of python-enocean (kipe/enocean, MIT): heard, sent, addressed, learning.
    #[test]
    fn messages_are_read_field_by_field_and_learning_is_no_event() {
        let open = Some(Event::DoorOpened);
        let closed = Some(Event::DoorClosed);
        let table = [
            ("55000707017ad50801825dab0001ffffffff360053", false, false, open),
            ("55000707017ad50901825dab0001ffffffff3600c7", false, true, closed),
            ("55000707017ad50801825dab0003ffffffffff00ba", false, false, open),
            ("55000707017ad50901825dab0003ffffffffff002e", false, true, closed),
            ("55000707017ad50801825dab0003deadbeefff00b9", false, false, open),
            ("55000707017ad50001825dab0003ffffffffff0006", true, false, None),
            ("55000707017ad50101825dab0003ffffffffff0092", true, true, None),
        ];
        let device = "door-1".parse().unwrap();
        for (hex, learn, is_closed, event) in table {
            let contact = Contact::decode(&telegram(hex)).unwrap();
            assert_eq!(contact, Contact { learn, closed: is_closed }, "{hex}");
            assert_eq!(contact.observation(&device).map(|o| o.value), event.map(Value::Event), "{hex}");
        }
    }
}
