//! A technician's window: as long as it is open, senders that show themselves on a stick's line are offered.
//!
//! The window has the line for itself. Nothing that it hears is a reading, and nothing is taken into a roster here:
//! that is for whoever opened it. A device that waits for an answer is told at once that it is taken up, where its
//! profile is known here, and that it is not where not.

use std::collections::VecDeque;

use super::radio::{RADIO_ERP1, RADIO_ERP2};
use super::stick::{RESPONSE, Stick};
use crate::esp3::{Deframer, Eep, Frame, SenderId, TeachIn, Telegram, UniversalAnswer};
use crate::{Description, FrameError};

/// The window.
#[derive(Debug, Default)]
pub struct TeachWindow {
    stick: Stick,
    deframer: Deframer,
    /// Each is offered once.
    offered: Vec<Offer>,
    outputs: VecDeque<TeachOutput>,
}

/// What the window wants done or known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TeachOutput {
    /// Send these bytes on the line.
    Send(Vec<u8>),
    /// A sender showed itself.
    Offered(Offer),
    /// A telegram that nobody here can read, such as an encrypted one.
    Refused(FrameError),
}

/// A sender that showed itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Its id.
    pub sender: SenderId,
    /// The kind of the telegram by which it did.
    pub rorg: u8,
    /// What it told; none of an RPS sender, of which any press shows it.
    pub teach_in: Option<TeachIn>,
    /// How strongly it was heard, in dBm.
    pub rssi_dbm: Option<i8>,
}

impl TeachWindow {
    /// The line has been opened.
    pub fn open() -> Self {
        let mut window = Self::default();
        let question = window.stick.greet();
        window.outputs.push_back(TeachOutput::Send(question));
        window
    }

    /// Bytes came from the line. Afterwards call [`poll_output`](Self::poll_output) until it gives `None`.
    pub fn handle_bytes(&mut self, bytes: &[u8]) {
        self.deframer.push(bytes);
        while let Some(found) = self.deframer.poll_frame() {
            // Noise on the line is nothing to tell a technician of.
            if let Ok(frame) = found
                && let Err(error) = self.take(&frame)
            {
                self.outputs.push_back(TeachOutput::Refused(error));
            }
        }
    }

    /// The line has been silent for longer than it ever is within a packet (100 ms).
    pub fn handle_silence(&mut self) {
        while let Some(found) = self.deframer.poll_in_silence() {
            if let Ok(frame) = found
                && let Err(error) = self.take(&frame)
            {
                self.outputs.push_back(TeachOutput::Refused(error));
            }
        }
    }

    /// What to do or to show next, in order.
    pub fn poll_output(&mut self) -> Option<TeachOutput> {
        self.outputs.pop_front()
    }

    /// What the stick has told of itself so far; empty where it tells nothing.
    pub fn stick(&self) -> Description {
        self.stick.describe()
    }

    fn take(&mut self, frame: &Frame) -> Result<(), FrameError> {
        match frame.packet_type {
            RADIO_ERP1 | RADIO_ERP2 => {
                let telegram = Telegram::decode(frame)?;
                telegram.refuse_secured()?;
                self.hear(&telegram)
            }
            RESPONSE => {
                self.outputs.extend(self.stick.handle_response(frame).map(TeachOutput::Send));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn hear(&mut self, telegram: &Telegram) -> Result<(), FrameError> {
        let teach_in = TeachIn::read(telegram)?;
        match &teach_in {
            Some(teach_in) if teach_in.is_request() => self.answer(teach_in),
            None if telegram.rorg == Telegram::ROCKER => {}
            _ => return Ok(()),
        }
        let rssi_dbm = telegram.context().rssi_dbm;
        let offer = Offer { sender: telegram.sender, rorg: telegram.rorg, teach_in, rssi_dbm };
        if !self.offered.iter().any(|offered| offered.is_of(&offer)) {
            self.offered.push(offer.clone());
            self.outputs.push_back(TeachOutput::Offered(offer));
        }
        Ok(())
    }

    /// Each time that it asks: the answer may have been lost.
    fn answer(&mut self, teach_in: &TeachIn) {
        let is_known = teach_in.profile.is_some_and(|profile| profile.eep().is_some());
        let answer = if is_known { UniversalAnswer::TaughtIn } else { UniversalAnswer::ProfileUnknown };
        let packet = self.stick.sender().and_then(|from| teach_in.answer(answer, from));
        self.outputs.extend(packet.map(TeachOutput::Send));
    }
}

impl Offer {
    /// The profiles that the sender may have: its own if it told, else all of its kind of telegram. Empty where it
    /// told one that is not known here.
    pub fn profiles(&self) -> Vec<Eep> {
        match self.teach_in.as_ref().and_then(|teach_in| teach_in.profile) {
            Some(profile) => profile.eep().into_iter().collect(),
            None => Eep::all().filter(|eep| eep.rorg() == self.rorg).collect(),
        }
    }

    /// Whether the other says the same, however strongly.
    fn is_of(&self, other: &Self) -> bool {
        (self.sender, self.rorg, &self.teach_in) == (other.sender, other.rorg, &other.teach_in)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::describe::{hex, unhex};

    /// UTE: python-enocean's tests (kipe/enocean, MIT). The stick's answer is what that library makes of it for the
    /// id FF800000.
    const UTE: &str = "55000d0701fdd4a0ff3e000101d20194e3b90001ffffffff4000ab";
    const BASE_ID: &str = "00ff800000";

    fn packet(packet_type: u8, data: &str) -> Vec<u8> {
        Frame::encode(packet_type, &unhex(data), &[])
    }

    fn drain(window: &mut TeachWindow) -> Vec<TeachOutput> {
        std::iter::from_fn(|| window.poll_output()).collect()
    }

    /// A window on a stick that has told its base id.
    fn opened() -> TeachWindow {
        let mut window = TeachWindow::open();
        window.handle_bytes(&packet(RESPONSE, "02"));
        window.handle_bytes(&packet(RESPONSE, BASE_ID));
        assert_eq!(drain(&mut window).len(), 2);
        window
    }

    fn offers(outputs: &[TeachOutput]) -> Vec<&Offer> {
        outputs
            .iter()
            .filter_map(|o| if let TeachOutput::Offered(offer) = o { Some(offer) } else { None })
            .collect()
    }

    #[test]
    fn a_device_that_waits_for_an_answer_gets_it_each_time_and_is_offered_once() {
        let mut window = opened();
        window.handle_bytes(&unhex(UTE));
        let outputs = drain(&mut window);
        let [TeachOutput::Send(answer), TeachOutput::Offered(offer)] = &outputs[..] else {
            panic!("{outputs:?}")
        };
        assert_eq!(hex(&answer[6..]), "d491ff3e000101d2ff80000000030194e3b9ff00a8");
        assert_eq!(offer.profiles(), [Eep::from_name("D2-01-01").unwrap()]);
        assert_eq!((offer.sender.to_string().as_str(), offer.rssi_dbm), ("0194E3B9", Some(-64)));
        window.handle_bytes(&unhex(UTE));
        assert_eq!(drain(&mut window), [TeachOutput::Send(answer.clone())]);
    }

    #[test]
    fn a_stick_without_an_id_answers_nobody_but_offers_all_the_same() {
        let mut window = TeachWindow::open();
        drain(&mut window);
        window.handle_bytes(&unhex(UTE));
        assert_eq!(offers(&drain(&mut window)).len(), 1);
    }

    #[test]
    fn an_unknown_profile_is_answered_as_such_and_offered_without_one() {
        let mut window = opened();
        window.handle_bytes(&packet(1, "d4a0ff3e000199d20194e3b900"));
        let outputs = drain(&mut window);
        let [TeachOutput::Send(answer), TeachOutput::Offered(offer)] = &outputs[..] else {
            panic!("{outputs:?}")
        };
        assert_eq!(answer[7], 0b1011_0001);
        assert_eq!(offer.profiles(), []);
        assert_eq!(offer.teach_in.as_ref().unwrap().profile.unwrap().to_string(), "D2-99-01");
    }

    /// What shows itself, and the profiles that it may have.
    #[test]
    fn whatever_can_be_taught_in_is_offered_and_nothing_else() {
        let table = [
            ("f65000298979 30", Some(9)),
            ("d500 01825dab 00", Some(1)),
            ("d508 01825dab 00", None),
            ("a51c080b80 0181b744 00", Some(1)),
            ("a500000000 0181b744 00", Some(80)),
            ("a51c080bf0 0181b744 00", None),
            ("a500005508 0181b744 00", None),
            ("d4 91ff3e000101d2 0194e3b9 00", None),
            ("d4 90ff3e000101d2 0194e3b9 00", None),
        ];
        for (hex, profiles) in table {
            let mut window = opened();
            window.handle_bytes(&packet(1, &hex.replace(' ', "")));
            let outputs = drain(&mut window);
            let found = offers(&outputs).first().map(|offer| offer.profiles().len());
            match profiles {
                Some(80) => assert!(found.unwrap() > 50, "{hex}"),
                expected => assert_eq!(found, expected, "{hex}"),
            }
        }
    }

    #[test]
    fn what_cannot_be_read_is_told_and_noise_is_not() {
        let mut window = opened();
        window.handle_bytes(&[0x55, 0xAA, 0x55]);
        window.handle_bytes(&packet(1, "30aabbccddee01825dab00"));
        window.handle_bytes(&packet(10, "2101825dab0812"));
        window.handle_silence();
        let fields: Vec<_> = drain(&mut window)
            .into_iter()
            .map(|o| if let TeachOutput::Refused(error) = o { error.field } else { "" })
            .collect();
        assert_eq!(fields, ["RORG", "packet type"]);
    }
}
