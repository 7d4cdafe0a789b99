//! F6-02-01 and F6-02-02: rockers of two buttons a side (EEP 2.6.8), such as alarm pendants and wall switches.
//! The two profiles differ only in what a button does to a lamp.

use varde_wire::{DeviceId, Event, Metric, Observation, Value};

use crate::esp3::Telegram;
use crate::{Description, FrameError, Purpose};

/// A message of a rocker.
///
/// T21 should be 1 in these profiles. A telegram where it is 0 is read all the same: an alarm is not lost for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rocker {
    /// Status bit 5: a switch module of type 2.
    pub t21: bool,
    /// Status bit 4: an N-message, which names buttons; else a U-message, which counts them.
    pub nu: bool,
    /// N-message: the first button pressed, 0 to 3 for AI, AO, BI, BO. U-message: 0 for no button, 3 for three or
    /// four.
    pub r1: u8,
    /// The energy bow: pressed or released.
    pub eb: bool,
    /// N-message: the second button pressed, if `sa`.
    pub r2: u8,
    /// N-message: whether there is a second button.
    pub sa: bool,
}

impl Rocker {
    /// The message in a telegram of RORG F6.
    ///
    /// # Errors
    /// Where its payload is not one byte.
    pub fn decode(telegram: &Telegram) -> Result<Self, FrameError> {
        let data = telegram.single_byte()?;
        Ok(Self {
            t21: telegram.status & 1 << 5 != 0,
            nu: telegram.status & 1 << 4 != 0,
            r1: data >> 5,
            eb: data & 1 << 4 != 0,
            r2: data >> 1 & 0b111,
            sa: data & 1 != 0,
        })
    }

    /// Whether it says that something is pressed, in either kind of message: a hand that presses both sides at
    /// once makes a U-message, and means no less.
    pub const fn is_pressed(&self) -> bool {
        self.eb
    }

    /// Its fields, by EnOcean's shortcuts.
    pub fn describe(&self) -> Description {
        let head = Description::default().with("T21", self.t21).with("NU", self.nu);
        let bow = if self.eb { "pressed" } else { "released" };
        if self.nu {
            head.with("R1", button(self.r1))
                .with("EB", bow)
                .with_some("R2", self.sa.then(|| button(self.r2)))
                .with("SA", self.sa)
        } else {
            head.with("R1", self.count()).with("EB", bow)
        }
    }

    /// What it means where it hangs. A pendant's alarm is raised when it is pressed; letting go says nothing more.
    pub fn observation(&self, purpose: Purpose, device: &DeviceId) -> Option<Observation> {
        let (metric, event) = match (purpose, self.is_pressed()) {
            (Purpose::Pendant, true) => (Metric::PERSONAL_ALARM, Event::SafetyAlarm),
            (Purpose::Pendant, false) => return None,
            (Purpose::Switch | Purpose::Bed, true) => (Metric::SWITCH, Event::ButtonPressed),
            (Purpose::Switch | Purpose::Bed, false) => (Metric::SWITCH, Event::ButtonReleased),
        };
        Some(Observation::new(device.clone(), metric, Value::Event(event)))
    }

    /// The U-message's R1 in words.
    const fn count(&self) -> &'static str {
        match self.r1 {
            0 => "no button",
            3 => "3 or 4 buttons",
            _ => "reserved",
        }
    }
}

/// A button's name: A and B are the sides, I and O the ends.
const fn button(number: u8) -> &'static str {
    match number {
        0 => "AI",
        1 => "AO",
        2 => "BI",
        3 => "BO",
        _ => "reserved",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::esp3::frame::tests::telegram;

    fn rocker(hex: &str) -> Rocker {
        Rocker::decode(&telegram(hex)).unwrap()
    }

    /// Rows 1 and 2: the tests of python-enocean (kipe/enocean, MIT), as heard and as sent. That library names the
    /// R1 of row 2 "Button AI", but NU is 0 there: a U-message, which counts buttons. The others are made by hand.
    #[test]
    fn messages_are_read_field_by_field() {
        let pressed = Rocker { t21: true, nu: true, r1: 2, eb: true, r2: 0, sa: false };
        let released = Rocker { t21: true, nu: false, r1: 0, eb: false, r2: 0, sa: false };
        let table = [
            ("55000707017af650002989793001ffffffff37009d", pressed),
            ("55000707017af650002989793003ffffffffff0061", pressed),
            ("55000707017af600002989792002ffffffff4a0003", released),
            ("55000707017af600002989792003ffffffffff00d2", released),
        ];
        for (hex, expected) in table {
            assert_eq!(rocker(hex), expected, "{hex}");
        }
        let both = Telegram { payload: vec![0b0011_0101], ..telegram(table[0].0) };
        let expected = Rocker { t21: true, nu: true, r1: 1, eb: true, r2: 2, sa: true };
        assert_eq!(Rocker::decode(&both), Ok(expected));
        let long = Telegram { payload: vec![0x50, 0x50], ..both };
        assert_eq!(
            Rocker::decode(&long).unwrap_err().to_string(),
            "payload at byte 7: expected a length of 1 to 1, got 2"
        );
    }

    #[test]
    fn a_pendant_alarms_whenever_its_bow_is_pressed_and_at_no_other_time() {
        let device = "pendant-1".parse().unwrap();
        for data in 0..=u8::MAX {
            for status in 0..=u8::MAX {
                let heard = Telegram {
                    payload: vec![data],
                    status,
                    ..telegram("55000707017af650002989793001ffffffff37009d")
                };
                let rocker = Rocker::decode(&heard).unwrap();
                let event = |purpose| rocker.observation(purpose, &device).map(|o| (o.metric, o.value));
                let pressed = data & 0x10 != 0;
                let alarm = (Metric::PERSONAL_ALARM, Value::Event(Event::SafetyAlarm));
                assert_eq!(event(Purpose::Pendant), pressed.then_some(alarm));
                let switched = if pressed { Event::ButtonPressed } else { Event::ButtonReleased };
                assert_eq!(event(Purpose::Switch), Some((Metric::SWITCH, Value::Event(switched))));
            }
        }
    }
}
