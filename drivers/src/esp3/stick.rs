//! The stick itself: what it is, and by which id it sends (ESP3 1.51 §2.2 and §2.5).
//!
//! It needs no command to hear: it is asked once for its version and its base id, and one that does not answer hears as
//! well as any.

use crate::Description;
use crate::cursor::Cursor;
use crate::esp3::{Frame, SenderId};

/// The packet type of an answer. It does not say to which question.
pub(super) const RESPONSE: u8 = 2;
pub(super) const COMMON_COMMAND: u8 = 5;

const CO_RD_VERSION: u8 = 3;
const CO_RD_IDBASE: u8 = 8;
const RET_OK: u8 = 0;

/// What a stick has told of itself.
#[derive(Debug, Default)]
pub(crate) struct Stick {
    /// What it was asked and has not answered.
    asked: Option<Question>,
    version: Option<Version>,
    base_id: Option<SenderId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Question {
    Version,
    BaseId,
}

/// The answer to CO_RD_VERSION.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    application: [u8; 4],
    interface: [u8; 4],
    chip_id: SenderId,
    description: String,
}

impl Stick {
    /// The first question, where the stick has just been opened.
    pub(crate) fn greet(&mut self) -> Vec<u8> {
        self.ask(Question::Version)
    }

    /// Takes an answer; the next question, if there is one.
    pub(crate) fn handle_response(&mut self, frame: &Frame) -> Option<Vec<u8>> {
        let answer = frame.data.split_first().filter(|(code, _)| **code == RET_OK).map(|(_, answer)| answer);
        match self.asked.take()? {
            Question::Version => {
                self.version = answer.and_then(Version::decode);
                Some(self.ask(Question::BaseId))
            }
            Question::BaseId => {
                self.base_id = answer.and_then(|answer| answer.first_chunk()).copied().map(SenderId);
                None
            }
        }
    }

    /// The id that the stick sends with: one of its own that a receiver can be taught, else that of its chip.
    pub(crate) fn sender(&self) -> Option<SenderId> {
        self.base_id.or_else(|| Some(self.version.as_ref()?.chip_id))
    }

    pub(crate) fn describe(&self) -> Description {
        let version = self.version.as_ref().map(Version::describe).unwrap_or_default();
        version.with_some("base_id", self.base_id.map(|id| id.to_string()))
    }

    fn ask(&mut self, question: Question) -> Vec<u8> {
        self.asked = Some(question);
        let code = match question {
            Question::Version => CO_RD_VERSION,
            Question::BaseId => CO_RD_IDBASE,
        };
        Frame::encode(COMMON_COMMAND, &[code], &[])
    }
}

impl Version {
    /// The answer without its return code; none where it is too short for one.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        let application = cursor.array("app version").ok()?;
        let interface = cursor.array("API version").ok()?;
        let chip_id = SenderId(cursor.array("chip id").ok()?);
        cursor.array::<4>("chip version").ok()?;
        let description = cursor.array::<16>("app description").ok()?;
        // A text of ASCII that ends with zeros.
        let text = description.iter().take_while(|byte| **byte != 0).map(|byte| char::from(*byte));
        let description = text.filter(char::is_ascii_graphic).collect();
        Some(Self { application, interface, chip_id, description })
    }

    pub(crate) fn describe(&self) -> Description {
        let dotted = |version: [u8; 4]| version.map(|part| part.to_string()).join(".");
        Description::default()
            .with("app_description", self.description.as_str())
            .with("app_version", dotted(self.application))
            .with("api_version", dotted(self.interface))
            .with("chip_id", self.chip_id.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::describe::{hex, unhex};

    fn response(data: &str) -> Frame {
        Frame { offset: 0, packet_type: RESPONSE, data: unhex(data), optional: Vec::new() }
    }

    const VERSION: &str = "00020f000002060500019f0001454f01044741544557415943\
                           54524c0000000000";

    /// The second question is a packet of python-enocean's tests (kipe/enocean, MIT).
    #[test]
    fn a_stick_is_asked_two_things_one_after_the_other() {
        let mut stick = Stick::default();
        assert_eq!(hex(&stick.greet()), "5500010005700309");
        assert_eq!(
            stick.handle_response(&response(VERSION)).map(|next| hex(&next)).unwrap(),
            "5500010005700838"
        );
        assert_eq!(stick.sender(), Some(SenderId([0x01, 0x9F, 0, 1])), "its chip's, for want of another");
        assert_eq!(stick.handle_response(&response("00ff800000")), None);
        assert_eq!(stick.sender(), Some(SenderId([0xFF, 0x80, 0, 0])));
        let fields = Description::default()
            .with("app_description", "GATEWAYCTRL")
            .with("app_version", "2.15.0.0")
            .with("api_version", "2.6.5.0")
            .with("chip_id", "019F0001")
            .with("base_id", "FF800000");
        assert_eq!(stick.describe(), fields);
        assert_eq!(stick.handle_response(&response("00ff800000")), None, "an answer to nothing");
    }

    #[test]
    fn a_stick_that_refuses_or_answers_too_little_is_asked_on_and_told_nothing_of() {
        let mut stick = Stick::default();
        stick.greet();
        assert!(stick.handle_response(&response("02")).is_some());
        assert_eq!(stick.handle_response(&response("00ff80")), None);
        assert_eq!((stick.sender(), stick.describe()), (None, Description::default()));
    }
}
