//! The capture file: what passed over a line, as text that a technician can read, trim and send.
//!
//! The first line names the format and its version. Each further line is one moment: milliseconds since the
//! recording began, the direction (`<` from the device, `>` to it), the channel or request, and bytes in
//! hexadecimal (`-` where there are none). What a sensor advertises has no connection, and stands in its capture without
//! any request. Empty lines and lines that begin with `#` are for people.
//!
//! ```text
//! varde-capture 1
//! 0 > subscribe 00002a35-0000-1000-8000-00805f9b34fb
//! 812 < notified 00002a35-0000-1000-8000-00805f9b34fb 0680005200
//! 4410 < serial 5500070701
//! ```
//!
//! A capture holds what a device said about a person: treat the file as health data.

mod writer;

use std::fmt;
use std::str::{FromStr, SplitWhitespace};

use uuid::Uuid;

pub use self::writer::CaptureWriter;
use crate::{Channel, Request};

/// The first line of a capture file of this version.
pub(crate) const HEADER: &str = "varde-capture 1";

/// A whole capture file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capture {
    /// What happened, in the order in which it passed the recorder.
    pub moments: Vec<Moment>,
}

/// One line of a capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Milliseconds since the recording began.
    pub at_ms: u64,
    /// What happened then.
    pub event: Event,
}

/// What happened on the line.
#[derive(Clone, PartialEq, Eq)]
pub enum Event {
    /// The device sent bytes.
    Heard {
        /// By which way.
        channel: Channel,
        /// The bytes, which `Debug` does not show.
        bytes: Vec<u8>,
    },
    /// The gateway asked for something, and the line did it.
    Asked(Request),
}

/// The text is no capture. Lines count from 1; what stands in them is not repeated, as it may be health data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CaptureError {
    /// The first line is not that of a capture which this version reads.
    #[error("line 1: expected `{HEADER}`: not a capture, or one of another version")]
    Header,
    /// A line does not follow the format.
    #[error("line {line}: expected {expected}")]
    Malformed {
        /// The line's number, from 1.
        line: usize,
        /// What should have stood there.
        expected: &'static str,
    },
}

impl FromStr for Capture {
    type Err = CaptureError;

    fn from_str(text: &str) -> Result<Self, CaptureError> {
        let mut lines = (1..).zip(text.lines());
        if lines.next().is_none_or(|(_, first)| first.trim_end() != HEADER) {
            return Err(CaptureError::Header);
        }
        let moments = lines
            .filter(|(_, text)| !text.trim().is_empty() && !text.starts_with('#'))
            .map(|(line, text)| moment(text).map_err(|expected| CaptureError::Malformed { line, expected }))
            .collect::<Result<_, _>>()?;
        Ok(Self { moments })
    }
}

impl fmt::Display for Capture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        self.moments.iter().try_for_each(|moment| writeln!(f, "{moment}"))
    }
}

/// The line, without its end.
impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.at_ms)?;
        match &self.event {
            Event::Heard { channel: Channel::Serial, bytes } => write!(f, "< serial {}", Hex(bytes)),
            Event::Heard { channel: Channel::Notified(from), bytes } => {
                write!(f, "< notified {from} {}", Hex(bytes))
            }
            Event::Heard { channel: Channel::Read(from), bytes } => write!(f, "< read {from} {}", Hex(bytes)),
            Event::Heard { channel: Channel::ServiceData(from), bytes } => {
                write!(f, "< service-data {from} {}", Hex(bytes))
            }
            Event::Heard { channel: Channel::ManufacturerData(company), bytes } => {
                write!(f, "< manufacturer-data {company} {}", Hex(bytes))
            }
            Event::Heard { channel: Channel::Rssi, bytes } => write!(f, "< rssi {}", Hex(bytes)),
            Event::Asked(Request::Send(bytes)) => write!(f, "> send {}", Hex(bytes)),
            Event::Asked(Request::Write { characteristic, bytes }) => {
                write!(f, "> write {characteristic} {}", Hex(bytes))
            }
            Event::Asked(Request::Subscribe { characteristic }) => write!(f, "> subscribe {characteristic}"),
            Event::Asked(Request::Read { characteristic }) => write!(f, "> read {characteristic}"),
            Event::Asked(Request::Disconnect) => write!(f, "> disconnect"),
        }
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Heard { channel, bytes } => write!(f, "Heard({channel:?}, {} bytes)", bytes.len()),
            Self::Asked(request) => write!(f, "Asked({request:?})"),
        }
    }
}

struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("-");
        }
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Reads one line, or tells what was expected.
fn moment(text: &str) -> Result<Moment, &'static str> {
    let mut words = text.split_whitespace();
    let at_ms = words.next().and_then(number).ok_or("milliseconds since the recording began")?;
    let event = match (words.next(), words.next()) {
        (Some("<"), Some("serial")) => heard(Channel::Serial, &mut words)?,
        (Some("<"), Some("notified")) => heard(Channel::Notified(characteristic(&mut words)?), &mut words)?,
        (Some("<"), Some("read")) => heard(Channel::Read(characteristic(&mut words)?), &mut words)?,
        (Some("<"), Some("service-data")) => {
            heard(Channel::ServiceData(characteristic(&mut words)?), &mut words)?
        }
        (Some("<"), Some("manufacturer-data")) => {
            heard(Channel::ManufacturerData(company(&mut words)?), &mut words)?
        }
        (Some("<"), Some("rssi")) => heard(Channel::Rssi, &mut words)?,
        (Some("<"), _) => {
            return Err(
                "`serial`, `notified`, `read`, `service-data`, `manufacturer-data` or `rssi` after `<`",
            );
        }
        (Some(">"), request) => Event::Asked(asked(request, &mut words)?),
        _ => return Err("`<` or `>` after the time"),
    };
    match words.next() {
        None => Ok(Moment { at_ms, event }),
        Some(_) => Err("the end of the line"),
    }
}

fn heard(channel: Channel, words: &mut SplitWhitespace<'_>) -> Result<Event, &'static str> {
    Ok(Event::Heard { channel, bytes: bytes(words)? })
}

fn asked(request: Option<&str>, words: &mut SplitWhitespace<'_>) -> Result<Request, &'static str> {
    match request {
        Some("send") => Ok(Request::Send(bytes(words)?)),
        Some("write") => Ok(Request::Write { characteristic: characteristic(words)?, bytes: bytes(words)? }),
        Some("subscribe") => Ok(Request::Subscribe { characteristic: characteristic(words)? }),
        Some("read") => Ok(Request::Read { characteristic: characteristic(words)? }),
        Some("disconnect") => Ok(Request::Disconnect),
        _ => Err("`send`, `write`, `subscribe`, `read` or `disconnect` after `>`"),
    }
}

fn characteristic(words: &mut SplitWhitespace<'_>) -> Result<Uuid, &'static str> {
    words.next().and_then(|word| Uuid::try_parse(word).ok()).ok_or("the UUID of a characteristic")
}

fn company(words: &mut SplitWhitespace<'_>) -> Result<u16, &'static str> {
    let number = words.next().and_then(number).and_then(|number| u16::try_from(number).ok());
    number.ok_or("the number of a company, 0 to 65535")
}

fn bytes(words: &mut SplitWhitespace<'_>) -> Result<Vec<u8>, &'static str> {
    const EXPECTED: &str = "bytes in hexadecimal, two digits each, or `-` for none";
    let word = words.next().ok_or(EXPECTED)?;
    if word == "-" {
        return Ok(Vec::new());
    }
    let (pairs, rest) = word.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return Err(EXPECTED);
    }
    let byte = |&[high, low]: &[u8; 2]| Some(digit(high)? << 4 | digit(low)?);
    pairs.iter().map(byte).collect::<Option<_>>().ok_or(EXPECTED)
}

fn digit(character: u8) -> Option<u8> {
    char::from(character).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// Digits alone: `parse` would also take a sign.
fn number(word: &str) -> Option<u64> {
    if word.bytes().all(|character| character.is_ascii_digit()) { word.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faulty::SplitMix;

    /// A random capture: every kind of event, bytes from none to a long frame.
    fn random_capture(seed: u64) -> Capture {
        let mut random = SplitMix::new(seed);
        let moments = (0..random.below(40)).map(|_| random_moment(&mut random)).collect();
        Capture { moments }
    }

    fn random_moment(random: &mut SplitMix) -> Moment {
        let characteristic = Uuid::from_u64_pair(random.next(), random.next());
        let bytes: Vec<u8> = (0..random.below(60)).map(|_| random.next().to_le_bytes()[0]).collect();
        let event = match random.below(11) {
            0 => Event::Heard { channel: Channel::Serial, bytes },
            1 => Event::Heard { channel: Channel::Notified(characteristic), bytes },
            2 => Event::Heard { channel: Channel::Read(characteristic), bytes },
            3 => Event::Asked(Request::Send(bytes)),
            4 => Event::Asked(Request::Write { characteristic, bytes }),
            5 => Event::Asked(Request::Subscribe { characteristic }),
            6 => Event::Asked(Request::Read { characteristic }),
            7 => Event::Heard { channel: Channel::ServiceData(characteristic), bytes },
            8 => Event::Heard {
                channel: Channel::ManufacturerData(u16::try_from(random.below(65_536)).unwrap()),
                bytes,
            },
            9 => Event::Heard { channel: Channel::Rssi, bytes },
            _ => Event::Asked(Request::Disconnect),
        };
        let bits = u32::try_from(random.below(64)).unwrap();
        Moment { at_ms: random.next() >> bits, event }
    }

    #[test]
    fn every_capture_reads_back_as_it_was_written() {
        for seed in 0..500 {
            let capture = random_capture(seed);
            let text = capture.to_string();
            let again: Capture = text.parse().unwrap();
            assert!(again == capture, "seed {seed}:\n{text}");
            assert_eq!(again.to_string(), text, "seed {seed}");
        }
    }

    /// If this fails, do not change the test: captures of version 1 lie in other people's mail.
    #[test]
    fn a_capture_of_version_1_reads_as_it_always_did() {
        let text = "varde-capture 1\n\
                    # ward 3, cuff by the window\n\
                    \n\
                    0 > subscribe 00002a35-0000-1000-8000-00805f9b34fb\n\
                    812 < notified 00002a35-0000-1000-8000-00805f9b34fb 0680FF\r\n\
                    900 < read 00002a19-0000-1000-8000-00805f9b34fb -\n\
                    4410 < serial 55\n\
                    4411 > disconnect";
        let characteristic = Uuid::from_u128(0x2a35_0000_1000_8000_0080_5f9b_34fb);
        let battery = Uuid::from_u128(0x2a19_0000_1000_8000_0080_5f9b_34fb);
        let expected = [
            (0, Event::Asked(Request::Subscribe { characteristic })),
            (812, Event::Heard { channel: Channel::Notified(characteristic), bytes: vec![6, 0x80, 0xFF] }),
            (900, Event::Heard { channel: Channel::Read(battery), bytes: vec![] }),
            (4410, Event::Heard { channel: Channel::Serial, bytes: vec![0x55] }),
            (4411, Event::Asked(Request::Disconnect)),
        ];
        let moments = expected.map(|(at_ms, event)| Moment { at_ms, event }).to_vec();
        assert_eq!(text.parse(), Ok(Capture { moments }));
    }

    #[test]
    fn a_malformed_line_is_named_by_its_number() {
        for (line, expected) in [
            ("x < serial 00", "milliseconds"),
            ("+1 < serial 00", "milliseconds"),
            ("99999999999999999999 < serial 00", "milliseconds"),
            ("1 = serial 00", "`<` or `>`"),
            ("1", "`<` or `>`"),
            ("1 < radio 00", "`serial`"),
            ("1 > shout 00", "`send`"),
            ("1 < notified 00", "UUID"),
            ("1 < serial", "hexadecimal"),
            ("1 < serial 0", "hexadecimal"),
            ("1 < serial 0g", "hexadecimal"),
            ("1 < serial +1", "hexadecimal"),
            ("1 < serial å0", "hexadecimal"),
            ("1 < serial 00 00", "end of the line"),
        ] {
            let error =
                format!("{HEADER}\n0 < serial 00\n{line}\n").parse::<Capture>().unwrap_err().to_string();
            assert!(error.starts_with("line 3: expected ") && error.contains(expected), "{line}: {error}");
        }
    }

    #[test]
    fn a_file_of_another_kind_or_version_is_refused_at_its_first_line() {
        for text in ["", "varde-capture 2\n", "varde-capture 10\n", "0 < serial 00\n", "\n"] {
            assert_eq!(text.parse::<Capture>(), Err(CaptureError::Header), "{text:?}");
        }
    }

    #[test]
    fn no_garbled_capture_panics() {
        for seed in 0..500 {
            let mut random = SplitMix::new(seed);
            let mut text = random_capture(seed).to_string().into_bytes();
            for _ in 0..random.below(6) {
                let place = usize::try_from(random.below(text.len() as u64)).unwrap();
                text[place] = random.next().to_le_bytes()[0];
            }
            let _ = String::from_utf8_lossy(&text).parse::<Capture>();
        }
    }
}
