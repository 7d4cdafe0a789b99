//! Telegrams by which a sender shows itself, to be taken into a roster (EEP 2.6.8 §3).
//!
//! | sender | how | what it tells |
//! |---|---|---|
//! | RPS | nothing: any press of it | its id |
//! | 1BS | the learn bit | its id |
//! | 4BS variation 1 | the learn bit | its id |
//! | 4BS variations 2 and 3 | the learn bit and the learn type | its profile and maker; a sender of variation 3 may want an answer, and cannot be told from one of variation 2 |
//! | UTE | a telegram of its own | its profile and maker, and whether it wants an answer |
//!
//! Only UTE is answered: who answers a valve or a blind by 4BS has to steer it from then on.

use crate::cursor::Cursor;
use crate::esp3::{Eep, Frame, RADIO_ERP1, SenderId, Telegram};
use crate::{Description, FrameError};

/// A sender that is being taught in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TeachIn {
    /// Its id.
    pub sender: SenderId,
    /// How it does it.
    pub method: TeachInMethod,
    /// Its profile, where it tells.
    pub profile: Option<ProfileNumber>,
    /// Its maker by the number that EnOcean Alliance gave it, 11 bits, where it tells; 7FF is several makers'.
    pub manufacturer: Option<u16>,
}

/// How a sender is taught in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TeachInMethod {
    /// 1BS.
    OneByte,
    /// 4BS; the answer of a receiver has the same form.
    FourBytes {
        /// It is a receiver's answer, not a sender's question.
        is_answer: bool,
    },
    /// UTE.
    Universal(Universal),
}

/// What UTE says beside the profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Universal {
    /// What is wanted.
    pub request: UniversalRequest,
    /// Whether the device also listens.
    pub is_bidirectional: bool,
    /// Whether it waits for an answer.
    pub wants_answer: bool,
    /// How many channels are taught in; 255 is all.
    pub channels: u8,
    /// What an answer repeats: everything behind the first byte.
    echoed: [u8; 6],
}

/// What a UTE telegram is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UniversalRequest {
    /// To be taken up.
    TeachIn,
    /// To be forgotten.
    TeachOut,
    /// Whichever of the two the receiver has not done yet.
    Either,
    /// It is a receiver's answer to one of these, or of a form that is reserved.
    None,
}

/// What a receiver says to a UTE telegram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UniversalAnswer {
    /// It is taken up.
    TaughtIn,
    /// Its profile is not known here.
    ProfileUnknown,
}

/// RORG, FUNC and TYPE of a profile, known here or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ProfileNumber(pub [u8; 3]);

impl ProfileNumber {
    /// The profile, where it is known here.
    pub fn eep(self) -> Option<Eep> {
        Eep::from_name(&self.to_string())
    }
}

/// As the configuration writes it.
impl std::fmt::Display for ProfileNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self([rorg, func, kind]) = self;
        write!(f, "{rorg:02X}-{func:02X}-{kind:02X}")
    }
}

impl TeachIn {
    /// What a telegram says of its sender, if it is there for that.
    ///
    /// # Errors
    /// Where it is too short.
    pub fn read(telegram: &Telegram) -> Result<Option<Self>, FrameError> {
        if !telegram.is_teach_in() {
            return Ok(None);
        }
        let mut cursor = Cursor::at(telegram.payload_offset, &telegram.payload);
        let teach_in = match telegram.rorg {
            Telegram::TEACH_IN => Self::universal(telegram.sender, cursor.array("UTE")?),
            Telegram::FOUR_BYTES => Self::four_bytes(telegram.sender, cursor.array("4BS teach-in")?),
            _ => Self {
                sender: telegram.sender,
                method: TeachInMethod::OneByte,
                profile: None,
                manufacturer: None,
            },
        };
        Ok(Some(teach_in))
    }

    /// FUNC has 6 bits, TYPE 7, the maker 11; then LRN TYPE, which says that they mean something, two bits of the
    /// answer's, and LRN STATUS, which says that it is one.
    fn four_bytes(sender: SenderId, bytes: [u8; 4]) -> Self {
        let [first, second, third, last] = bytes;
        let tells = last & 1 << 7 != 0;
        let kind = (first & 0b11) << 5 | second >> 3;
        let manufacturer = u16::from_be_bytes([second & 0b111, third]);
        Self {
            sender,
            method: TeachInMethod::FourBytes { is_answer: last & 1 << 4 != 0 },
            profile: tells.then_some(ProfileNumber([Telegram::FOUR_BYTES, first >> 2, kind])),
            manufacturer: tells.then_some(manufacturer),
        }
    }

    /// The profile comes last byte first.
    fn universal(sender: SenderId, bytes: [u8; 7]) -> Self {
        let [control, channels, maker_low, maker_high, kind, func, rorg] = bytes;
        let request = match (control & 0x0F, control >> 4 & 0b11) {
            (0, 0) => UniversalRequest::TeachIn,
            (0, 1) => UniversalRequest::TeachOut,
            (0, 2) => UniversalRequest::Either,
            _ => UniversalRequest::None,
        };
        let universal = Universal {
            request,
            is_bidirectional: control & 1 << 7 != 0,
            wants_answer: control & 1 << 6 == 0 && request != UniversalRequest::None,
            channels,
            echoed: [channels, maker_low, maker_high, kind, func, rorg],
        };
        Self {
            sender,
            method: TeachInMethod::Universal(universal),
            profile: Some(ProfileNumber([rorg, func, kind])),
            manufacturer: Some(u16::from_be_bytes([maker_high & 0b111, maker_low])),
        }
    }

    /// Whether somebody wants to be taken up with it.
    pub const fn is_request(&self) -> bool {
        match self.method {
            TeachInMethod::OneByte => true,
            TeachInMethod::FourBytes { is_answer } => !is_answer,
            TeachInMethod::Universal(universal) => {
                matches!(universal.request, UniversalRequest::TeachIn | UniversalRequest::Either)
            }
        }
    }

    /// The packet by which the stick answers, where an answer is waited for. `from` is the id that the stick sends
    /// with. The sender listens for half a second.
    pub fn answer(&self, answer: UniversalAnswer, from: SenderId) -> Option<Vec<u8>> {
        let TeachInMethod::Universal(universal) = self.method else { return None };
        // Bidirectional, the answer's code, and that it is an answer.
        let control = match answer {
            UniversalAnswer::TaughtIn => 0b1001_0001,
            UniversalAnswer::ProfileUnknown => 0b1011_0001,
        };
        let data = [&[Telegram::TEACH_IN, control], &universal.echoed[..], &from.0, &[0]].concat();
        universal.wants_answer.then(|| Frame::encode(RADIO_ERP1, &data, &to(self.sender)))
    }

    /// Its fields.
    pub fn describe(&self) -> Description {
        let method = match self.method {
            TeachInMethod::OneByte => Description::default().with("teach_in", "1BS"),
            TeachInMethod::FourBytes { is_answer: false } => {
                let variation =
                    if self.profile.is_some() { "4BS variation 2 or 3" } else { "4BS variation 1" };
                Description::default().with("teach_in", variation)
            }
            TeachInMethod::FourBytes { is_answer: true } => {
                Description::default().with("teach_in", "4BS variation 3: answer")
            }
            TeachInMethod::Universal(universal) => universal.describe(),
        };
        method
            .with_some("eep", self.profile.map(|profile| profile.to_string()))
            .with_some("manufacturer", self.manufacturer.map(|number| format!("{number:03X}")))
    }
}

/// The optional data of a telegram that is sent: three subtelegrams, to whom, as strongly as the stick can, plain.
fn to(SenderId([a, b, c, d]): SenderId) -> [u8; 7] {
    [3, a, b, c, d, 0xFF, 0]
}

impl Universal {
    fn describe(&self) -> Description {
        let request = match self.request {
            UniversalRequest::TeachIn => "UTE: teach in",
            UniversalRequest::TeachOut => "UTE: teach out",
            UniversalRequest::Either => "UTE: teach in or out",
            UniversalRequest::None => "UTE: answer",
        };
        Description::default()
            .with("teach_in", request)
            .with("bidirectional", self.is_bidirectional)
            .with("wants_answer", self.wants_answer)
            .with("channels", self.channels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::describe::{hex, unhex};
    use crate::{FieldValue, Problem};

    fn telegram(rorg: u8, payload: &str) -> Telegram {
        Telegram {
            rorg,
            payload: unhex(payload),
            sender: SenderId([0x01, 0x94, 0xE3, 0xB9]),
            status: 0,
            reception: None,
            payload_offset: 7,
        }
    }

    fn line(teach_in: &TeachIn) -> String {
        let shown = |field: &crate::Field| match &field.value {
            FieldValue::Text(text) => format!("{}={text}", field.name),
            FieldValue::Number(number) => format!("{}={number}", field.name),
            FieldValue::Bool(yes) => format!("{}={yes}", field.name),
            FieldValue::List(_) | FieldValue::Fields(_) => panic!("{field:?}"),
        };
        teach_in.describe().fields().iter().map(shown).collect::<Vec<_>>().join(" ")
    }

    /// Row 3: the link telegram of EnOcean's occupancy sensors (EOSC, operational description 1.2). Rows 4 to 6: made
    /// by hand of the tables in EEP 2.6.8 §3.3. Row 7: python-enocean's tests (kipe/enocean, MIT); row 8: EnOcean's
    /// commonest, with no answer. The others are made by hand.
    #[test]
    fn each_way_to_teach_in_is_read_field_by_field() {
        let table = [
            (0xD5, "00", "teach_in=1BS"),
            (0xA5, "00000000", "teach_in=4BS variation 1"),
            (0xA5, "1c080b87", "teach_in=4BS variation 2 or 3 eep=A5-07-01 manufacturer=00B"),
            (0xA5, "802fff80", "teach_in=4BS variation 2 or 3 eep=A5-20-05 manufacturer=7FF"),
            (0xA5, "1c080bf0", "teach_in=4BS variation 3: answer eep=A5-07-01 manufacturer=00B"),
            (0xA5, "ffffff80", "teach_in=4BS variation 2 or 3 eep=A5-3F-7F manufacturer=7FF"),
            (
                0xD4,
                "a0ff3e000101d2",
                "teach_in=UTE: teach in or out bidirectional=true wants_answer=true channels=255 eep=D2-01-01 \
                 manufacturer=03E",
            ),
            (
                0xD4,
                "40ff0b004114d2",
                "teach_in=UTE: teach in bidirectional=false wants_answer=false channels=255 eep=D2-14-41 \
                 manufacturer=00B",
            ),
            (
                0xD4,
                "9001ff07000fd2",
                "teach_in=UTE: teach out bidirectional=true wants_answer=true channels=1 eep=D2-0F-00 manufacturer=7FF",
            ),
            (
                0xD4,
                "91ff3e000101d2",
                "teach_in=UTE: answer bidirectional=true wants_answer=false channels=255 eep=D2-01-01 manufacturer=03E",
            ),
        ];
        for (rorg, payload, expected) in table {
            let teach_in = TeachIn::read(&telegram(rorg, payload)).unwrap().unwrap();
            assert_eq!(line(&teach_in), expected, "{payload}");
        }
        for (rorg, payload) in [(0xD5, "08"), (0xA5, "00005508"), (0xF6, "00"), (0xD2, "000000")] {
            assert_eq!(TeachIn::read(&telegram(rorg, payload)), Ok(None));
        }
        let short = TeachIn::read(&telegram(0xD4, "a0ff")).unwrap_err();
        assert_eq!(short.problem, Problem::Truncated { expected: 7, got: 2 });
    }

    #[test]
    fn only_a_request_that_wants_an_answer_gets_one() {
        let from = SenderId([0xFF, 0x80, 0, 0]);
        let answer = |rorg, payload| {
            let teach_in = TeachIn::read(&telegram(rorg, payload)).unwrap().unwrap();
            (teach_in.is_request(), teach_in.answer(UniversalAnswer::TaughtIn, from).map(|bytes| hex(&bytes)))
        };
        let packet = "55000d0701fdd491ff3e000101d2ff80000000030194e3b9ff00a8";
        assert_eq!(answer(0xD4, "a0ff3e000101d2"), (true, Some(packet.to_owned())));
        assert_eq!(answer(0xD4, "e0ff3e000101d2"), (true, None));
        assert_eq!(answer(0xD4, "91ff3e000101d2"), (false, None));
        assert_eq!(answer(0xA5, "802fff80"), (true, None));
        assert_eq!(answer(0xA5, "1c080bf0"), (false, None));
        assert_eq!(answer(0xD5, "00"), (true, None));
    }
}
