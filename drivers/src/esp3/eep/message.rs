//! A telegram read by the table of its profile.

use varde_wire::{Absence, Decimal, DeviceId, Event, Flags, Metric, Observation, Value};

use super::profile::{Bits, Field, Kind, Means, Part, Profile, Scale, Word, data};
use crate::esp3::Telegram;
use crate::statement::{Key, Said, Statement};
use crate::{Description, FieldValue, FrameError, Problem, Purpose};

/// A message of a device: the fields of its profile.
#[derive(Clone, Debug)]
pub struct Message {
    fields: Vec<Read>,
    /// The device is being taught in: what else its telegram holds happened to nobody.
    teaches: bool,
}

/// A field of a telegram.
#[derive(Clone, Copy, Debug)]
struct Read {
    field: &'static Field,
    raw: u32,
    /// Which of several same things of the device it is about, from 1; none for the first, which is mostly the only.
    which: Option<u8>,
}

/// The learn bit of 1BS (EEP 2.6.8 §3.2) is there in every telegram.
const LEARN_1BS: Field =
    Field::words("LRN", data(4, 1), &[Word::of(0, "pressed"), Word::of(1, "not pressed")]);

/// The learn bit of 4BS (EEP 2.6.8 §3.3). Where it is 0, the rest is no message.
const LEARN_4BS: Field = Field::words("LRNB", data(28, 1), &[Word::of(0, "teach-in"), Word::of(1, "data")]);

impl Message {
    /// The message in a telegram whose RORG is the profile's.
    pub(super) fn read(profile: &'static Profile, telegram: &Telegram) -> Result<Self, FrameError> {
        let [least, most] = profile.payload;
        let got = telegram.payload.len();
        if !(least..=most).contains(&got) {
            let problem = Problem::Length { least, most, got };
            return Err(FrameError { field: "payload", offset: telegram.payload_offset, problem });
        }
        let teaches = telegram.is_teach_in();
        let (own, learn): (&[Field], &[Field]) = match telegram.rorg {
            Telegram::FOUR_BYTES if teaches => (&[], &[LEARN_4BS]),
            Telegram::FOUR_BYTES => (profile.fields, &[LEARN_4BS]),
            Telegram::ONE_BYTE => (profile.fields, &[LEARN_1BS]),
            _ => (profile.fields, &[]),
        };
        let mut fields = Vec::with_capacity(own.len());
        for field in own.iter().chain(learn) {
            if field.is_in(telegram)? {
                let which = field.which.map(|bits| bits.read(telegram, field.shortcut)).transpose()?;
                let which = which.filter(|which| *which > 0).and_then(|which| u8::try_from(which).ok());
                let raw = field.bits.read(telegram, field.shortcut)?;
                fields.push(Read { field, raw, which: which.map(|which| which.saturating_add(1)) });
            }
        }
        Ok(Self { fields, teaches })
    }

    /// Its fields, by EnOcean's shortcuts.
    pub fn describe(&self) -> Description {
        let fields = self.fields.iter();
        fields.fold(Description::default(), |description, read| {
            description.with(read.field.shortcut, read.field.describe(read.raw))
        })
    }

    /// What it says in the common words. `purpose` is what the device is for, where its profile leaves that open; a
    /// button is a pendant where nothing is said.
    pub fn observations(&self, purpose: Option<Purpose>, device: &DeviceId) -> Vec<Observation> {
        let statements = self.statements(purpose);
        statements.iter().flat_map(|statement| statement.observations(device, Flags::NONE)).collect()
    }

    pub(crate) fn statements(&self, purpose: Option<Purpose>) -> Vec<Statement> {
        let told = self.fields.iter().filter(|_| !self.teaches);
        let said = told.filter_map(|read| {
            let (metric, said) = read.field.said(read.raw, purpose)?;
            Some((read.which, metric, said))
        });
        let said: Vec<_> = said.collect();
        let numbered =
            Statement::indexed(said.iter().map(|(_, metric, said)| (*metric, Some(said.clone()))).collect());
        // A device that numbers its things itself is believed.
        let named = numbered.into_iter().zip(&said).map(|(statement, (which, ..))| {
            let index = which.or(statement.key.index);
            Statement { key: Key { index, ..statement.key }, ..statement }
        });
        named.collect()
    }
}

impl Field {
    /// Whether the telegram has the field.
    fn is_in(&self, telegram: &Telegram) -> Result<bool, FrameError> {
        for (bits, value) in self.only {
            if bits.read(telegram, self.shortcut)? != *value {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn describe(&self, raw: u32) -> FieldValue {
        match &self.kind {
            Kind::Flag => (raw != 0).into(),
            Kind::Number(scale) => scale.value(raw).into(),
            Kind::Words(words) => Word::among(words, raw).map_or("reserved", |word| word.word).into(),
        }
    }

    /// What the value means in the home, if anything.
    fn said(&self, raw: u32, purpose: Option<Purpose>) -> Option<(Metric, Said)> {
        match &self.kind {
            Kind::Flag => None,
            Kind::Number(scale) => {
                let (metric, unit) = scale.measures?;
                Some((metric, Said::Measured(scale.value(raw), unit)))
            }
            Kind::Words(words) => {
                let word = Word::among(words, raw)?;
                word.means.said(word.word, purpose)
            }
        }
    }
}

impl Word {
    fn among(words: &'static [Self], raw: u32) -> Option<&'static Self> {
        words.iter().find(|word| {
            let [first, last] = word.values;
            (first..=last).contains(&raw)
        })
    }
}

impl Means {
    fn said(&self, word: &'static str, purpose: Option<Purpose>) -> Option<(Metric, Said)> {
        let happened = |metric, event, kind| {
            Some((metric, Said::Happened { value: Value::Event(event), unit: None, kind }))
        };
        let stands = |metric, value| Some((metric, Said::State { value, at_first: true }));
        match (self, purpose) {
            (Self::Nothing, _) => None,
            (Self::Stands(metric, event), _) => stands(*metric, Value::Event(*event)),
            (Self::Bit(metric, on), _) => stands(*metric, Value::Bits((*on).into())),
            (Self::Happened(metric, event, kind), _) => happened(*metric, *event, *kind),
            (Self::Asked, _) => {
                let value = Value::Text(word.to_owned());
                Some((Metric::REMOTE_COMMAND, Said::Happened { value, unit: None, kind: None }))
            }
            (Self::Pressed(kind), purpose) => match purpose.unwrap_or(Purpose::Pendant).alarm() {
                Some(alarm) => happened(Metric::PERSONAL_ALARM, alarm, *kind),
                None => happened(Metric::SWITCH, Event::ButtonPressed, *kind),
            },
            // Letting go of what called for help says nothing more.
            (Self::Released, purpose) => match purpose.unwrap_or(Purpose::Pendant).alarm() {
                Some(_) => None,
                None => happened(Metric::SWITCH, Event::ButtonReleased, None),
            },
            (Self::Wake(false), Some(Purpose::Water)) => happened(Metric::WATER, Event::Water, None),
            (Self::Wake(true), Some(Purpose::Water)) => {
                stands(Metric::WATER, Value::Event(Event::WaterCleared))
            }
            (Self::Wake(high), _) => stands(Metric::GENERIC_STATE, Value::Bits((*high).into())),
        }
    }
}

impl Scale {
    /// The number, rounded to the digits that the field can tell apart, or why there is none.
    fn value(&self, raw: u32) -> Result<Decimal, Absence> {
        if let Some((_, absence)) = self.except.iter().find(|(value, _)| *value == raw) {
            return Err(*absence);
        }
        let [first, last] = self.raw;
        if !(first.min(last)..=first.max(last)).contains(&raw) {
            return Err(Absence::Reserved);
        }
        let [low, high] = self.scale;
        let [first, last] = [first, last].map(i64::from);
        let way = i64::from(raw).saturating_sub(first).saturating_mul(high.saturating_sub(low));
        let length = last.saturating_sub(first);
        Ok(Decimal::new(low.saturating_add(rounded(way, length)), self.exponent))
    }
}

/// The quotient, half away from zero.
fn rounded(dividend: i64, divisor: i64) -> i64 {
    let half = (divisor.saturating_abs() >> 1).saturating_mul(dividend.signum());
    dividend.saturating_add(half).checked_div(divisor).unwrap_or_default()
}

impl Bits {
    /// What the bits hold.
    fn read(self, telegram: &Telegram, field: &'static str) -> Result<u32, FrameError> {
        let bytes = match self.part {
            Part::Payload => telegram.payload.as_slice(),
            Part::Status => std::slice::from_ref(&telegram.status),
        };
        let end = self.offset.saturating_add(self.size);
        (self.offset..end).try_fold(0, |value: u32, place| {
            let byte = bytes.get(place >> 3).ok_or_else(|| {
                let offset = telegram.payload_offset.saturating_add(bytes.len());
                let problem = Problem::Truncated { expected: end.div_ceil(8), got: bytes.len() };
                FrameError { field, offset, problem }
            })?;
            let bit = byte >> (7 & !place) & 1;
            Ok(value << 1 | u32::from(bit))
        })
    }
}
