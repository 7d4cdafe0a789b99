//! Commands to a radar and its answers (protocol V1.02 §2.2).
//!
//! A radar takes commands only between *enable configuration* and *end configuration*, and reports nothing meanwhile. One
//! that was left in between, such as by a technician's tool, is silent until somebody ends it.

use crate::cursor::Cursor;
use crate::ld2410::frame::COMMAND;
use crate::{FrameError, Problem};

/// What a radar is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    EnableConfiguration,
    ReadFirmware,
    EndConfiguration,
}

/// What it answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It takes commands now.
    Configuring,
    /// It runs this firmware.
    Firmware(String),
    /// It reports again.
    Reporting,
    /// Something that was not asked here.
    Other,
}

impl Command {
    const fn word(self) -> u16 {
        match self {
            Self::EnableConfiguration => 0x00FF,
            Self::ReadFirmware => 0x00A0,
            Self::EndConfiguration => 0x00FE,
        }
    }

    /// The bytes to send.
    pub(crate) fn encode(self) -> Vec<u8> {
        let value: &[u8] = match self {
            // The protocol's version.
            Self::EnableConfiguration => &[1, 0],
            Self::ReadFirmware | Self::EndConfiguration => &[],
        };
        let length = if value.is_empty() { [2, 0] } else { [4, 0] };
        [&COMMAND.header, length.as_slice(), &self.word().to_le_bytes(), value, &COMMAND.footer].concat()
    }
}

impl Answer {
    /// The answer in the data of a frame, which begin at `offset` of the stream.
    ///
    /// # Errors
    /// Where it ends within a field, or the radar refused.
    pub(crate) fn decode(data: &[u8], offset: usize) -> Result<Self, FrameError> {
        /// What an answer adds to the word of its command.
        const ANSWER: u16 = 0x0100;

        let mut cursor = Cursor::at(offset, data);
        let word = cursor.u16_le("command word")?;
        let status = cursor.error("status", Problem::DeviceRefused);
        if cursor.u16_le("status")? != 0 {
            return Err(status);
        }
        let answers = |command: Command| word == command.word() | ANSWER;
        if answers(Command::EnableConfiguration) {
            return Ok(Self::Configuring);
        }
        if answers(Command::EndConfiguration) {
            return Ok(Self::Reporting);
        }
        if !answers(Command::ReadFirmware) {
            return Ok(Self::Other);
        }
        cursor.u16_le("firmware type")?;
        let [minor, major] = cursor.array("major version")?;
        let build = cursor.u32_le("minor version")?;
        Ok(Self::Firmware(format!("V{major:x}.{minor:02x}.{build:08x}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::describe::{hex, unhex};
    use crate::ld2410::{Deframer, Frame};

    /// Commands and answers as Hi-Link's protocol V1.02 prints them (§2.2.1, §2.2.2, §2.2.8).
    #[test]
    fn commands_are_the_bytes_of_the_protocol() {
        assert_eq!(hex(&Command::EnableConfiguration.encode()), "fdfcfbfa0400ff00010004030201");
        assert_eq!(hex(&Command::EndConfiguration.encode()), "fdfcfbfa0200fe0004030201");
        assert_eq!(hex(&Command::ReadFirmware.encode()), "fdfcfbfa0200a00004030201");
    }

    #[test]
    fn answers_are_read_and_a_refusal_is_told() {
        let answer = |hex: &str| {
            let mut deframer = Deframer::default();
            deframer.push(&unhex(hex));
            let Some(Ok(Frame::Answer(data, at))) = deframer.poll() else { panic!("an answer was expected") };
            Answer::decode(&data, at)
        };
        assert_eq!(answer("fdfcfbfa0800ff0100000100400004030201"), Ok(Answer::Configuring));
        assert_eq!(answer("fdfcfbfa0400fe01000004030201"), Ok(Answer::Reporting));
        let firmware = answer("fdfcfbfa0c00a001000000010201162406220403 0201".replace(' ', "").as_str());
        assert_eq!(firmware, Ok(Answer::Firmware("V1.02.22062416".to_owned())));
        assert_eq!(answer("fdfcfbfa040064010000 04030201".replace(' ', "").as_str()), Ok(Answer::Other));
        let refused = answer("fdfcfbfa0400fe01010004030201").unwrap_err();
        assert_eq!(refused.to_string(), "status at byte 8: the device refused what it was asked");
    }
}
