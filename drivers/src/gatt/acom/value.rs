//! What an observation says, by its class.

use varde_wire::{Absence, Decimal, Metric, Unit, Value};

use super::tlv::{Tlv, text};
use super::unit::unit_of;
use super::{HealthObservation, Medical};
use crate::cursor::Cursor;
use crate::describe::hex;
use crate::{Description, FieldValue, FrameError, Problem};

/// The value of an observation or of one component of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ObservationValue {
    /// Class 1.
    Numeric(Quantity),
    /// Class 2: an MDC code.
    Discrete(u32),
    /// Class 3.
    Text(String),
    /// Class 4.
    Samples(Samples),
    /// Class 5: MDC codes.
    Events(Vec<u32>),
    /// Class 6.
    States(States),
    /// Class 7: values that have a type of their own, an MDC code.
    Compound(Vec<(u32, Self)>),
    /// Class 8.
    Tlvs(Vec<Tlv>),
    /// Class 255: observations that have in common what the bundle tells of them.
    Bundle(Vec<HealthObservation>),
    /// A class that this program does not know.
    Unknown(Vec<u8>),
}

/// A number with its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Quantity {
    /// The unit: a term of partition 4 of ISO/IEEE 11073-10101.
    pub unit: u16,
    /// The number.
    pub number: Medical,
}

/// A waveform. A sample times the factor plus the offset is a number in the unit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Samples {
    /// The unit: a term of partition 4 of ISO/IEEE 11073-10101.
    pub unit: u16,
    /// What a sample is multiplied with.
    pub scale_factor: Medical,
    /// What is added then.
    pub offset: Medical,
    /// Seconds from one period to the next.
    pub period_s: Medical,
    /// How many samples are taken in one period.
    pub per_period: u8,
    /// How long one is.
    pub bytes_per_sample: u8,
    /// How many there are, as the device says.
    pub count: u32,
    /// They.
    pub bytes: Vec<u8>,
}

/// States and events as bits, all three fields of one length; the first byte holds bits 0 to 7.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct States {
    /// Which of the bits the device can tell.
    pub supported: Vec<u8>,
    /// Which of them are states; the others are events.
    pub states: Vec<u8>,
    /// The bits.
    pub bits: Vec<u8>,
}

impl ObservationValue {
    const COMPOUND: u8 = 7;
    const TLVS: u8 = 8;
    const BUNDLE: u8 = 255;

    /// The value of this class. Bundles hold no bundles: one in a bundle is as good as unknown.
    pub(super) fn take(class: u8, bundled: bool, cursor: &mut Cursor<'_>) -> Result<Self, FrameError> {
        Ok(match class {
            Self::COMPOUND => Self::Compound(take_components(cursor)?),
            Self::TLVS => Self::Tlvs(Tlv::take_all(cursor)?),
            Self::BUNDLE if !bundled => {
                let count = cursor.u8("number of observations")?;
                let members = (0..count).map(|_| HealthObservation::take(cursor, true));
                Self::Bundle(members.collect::<Result<_, _>>()?)
            }
            _ => match Self::take_simple(class, cursor)? {
                Some(value) => value,
                None => Self::Unknown(cursor.take(cursor.rest().len(), "value")?.to_vec()),
            },
        })
    }

    /// The classes that a component can have too.
    fn take_simple(class: u8, cursor: &mut Cursor<'_>) -> Result<Option<Self>, FrameError> {
        Ok(Some(match class {
            1 => {
                let unit = cursor.u16_le("unit")?;
                Self::Numeric(Quantity { unit, number: cursor.float("value")? })
            }
            2 => Self::Discrete(cursor.u32_le("value")?),
            3 => {
                let length = cursor.u16_le("length of the text")?;
                Self::Text(text(cursor.take(length.into(), "text")?))
            }
            4 => Self::Samples(Samples::take(cursor)?),
            5 => {
                let count = cursor.u8("number of codes")?;
                Self::Events((0..count).map(|_| cursor.u32_le("code")).collect::<Result<_, _>>()?)
            }
            6 => {
                let size = cursor.u8("size of the bits")?.into();
                let mut take = |field| cursor.take(size, field).map(<[u8]>::to_vec);
                let (supported, states) = (take("supported bits")?, take("state bits")?);
                Self::States(States { supported, states, bits: take("bits")? })
            }
            _ => return Ok(None),
        }))
    }

    /// The word for the class.
    pub(super) const fn class(&self) -> &'static str {
        match self {
            Self::Numeric(_) => "numeric",
            Self::Discrete(_) => "simple-discrete",
            Self::Text(_) => "string",
            Self::Samples(_) => "sample-array",
            Self::Events(_) => "compound-discrete-event",
            Self::States(_) => "compound-state-event",
            Self::Compound(_) => "compound",
            Self::Tlvs(_) => "tlv-encoded",
            Self::Bundle(_) => "bundle",
            Self::Unknown(_) => "unknown",
        }
    }

    /// What it says of `metric` in common words, and of metrics of its own; nothing for a bundle.
    pub(super) fn read(&self, metric: Metric) -> Vec<(Metric, Value, Option<Unit>)> {
        let one = |value| vec![(metric, value, None)];
        match self {
            Self::Numeric(quantity) => {
                let (value, unit) = quantity.read();
                vec![(metric, value, unit)]
            }
            Self::Discrete(code) => one(Value::Text(name(*code))),
            Self::Text(text) => one(Value::Text(text.clone())),
            Self::Samples(samples) => one(Value::Text(samples.text())),
            Self::Events(codes) => {
                one(Value::Text(codes.iter().map(|code| name(*code)).collect::<Vec<_>>().join(" ")))
            }
            Self::States(states) => one(states.read()),
            Self::Compound(components) => {
                components.iter().flat_map(|(kind, value)| value.read(Metric::from_code(*kind))).collect()
            }
            Self::Tlvs(tlvs) => {
                tlvs.iter().map(|tlv| (Metric::from_code(tlv.kind), tlv.read(), None)).collect()
            }
            Self::Bundle(_) => Vec::new(),
            Self::Unknown(bytes) => one(Value::Text(hex(bytes))),
        }
    }

    pub(super) fn describe(&self) -> FieldValue {
        match self {
            Self::Numeric(quantity) => quantity.describe().into(),
            Self::Discrete(code) => name(*code).into(),
            Self::Text(text) => text.as_str().into(),
            Self::Samples(samples) => samples.describe().into(),
            Self::Events(codes) => FieldValue::List(codes.iter().map(|code| name(*code).into()).collect()),
            Self::States(states) => states.describe().into(),
            Self::Compound(components) => FieldValue::List(
                components
                    .iter()
                    .map(|(kind, value)| {
                        Description::default()
                            .with("type", name(*kind))
                            .with("class", value.class())
                            .with("value", value.describe())
                            .into()
                    })
                    .collect(),
            ),
            Self::Tlvs(tlvs) => FieldValue::List(tlvs.iter().map(|tlv| tlv.describe().into()).collect()),
            Self::Bundle(members) => {
                FieldValue::List(members.iter().map(|member| member.describe().into()).collect())
            }
            Self::Unknown(bytes) => hex(bytes).into(),
        }
    }
}

/// A count, then that many types with a class and a value. Where a component's class is not known, neither is its
/// length, and what follows cannot be found.
fn take_components(cursor: &mut Cursor<'_>) -> Result<Vec<(u32, ObservationValue)>, FrameError> {
    let count = cursor.u8("number of components")?;
    (0..count)
        .map(|_| {
            let kind = cursor.u32_le("type of the component")?;
            let unknown = cursor.error("class of the component", Problem::UnknownKind);
            let class = cursor.u8("class of the component")?;
            let value = ObservationValue::take_simple(class, cursor)?.ok_or(unknown)?;
            Ok((kind, value))
        })
        .collect()
}

/// An MDC code by its reference identifier, or its number where this program has no name for it.
pub(crate) fn name(code: u32) -> String {
    Metric::from_code(code).to_string()
}

/// A unit's word, or its term.
fn unit_name(term: u16) -> FieldValue {
    match unit_of(term) {
        Some((unit, 0)) => unit.ucum().into(),
        _ => format!("MDC 4:{term}").into(),
    }
}

impl Quantity {
    /// The number in a unit that has a word here. Where the unit has none, number and code stay together as a text: a
    /// number without its unit could be taken for another.
    fn read(self) -> (Value, Option<Unit>) {
        let unit = unit_of(self.unit);
        let number = match self.number {
            Ok(number) => number,
            Err(absence) => return (Value::Absent(absence), unit.map(|(unit, _)| unit)),
        };
        let scaled = unit.and_then(|(unit, power)| {
            let exponent = number.exponent.checked_add(power)?;
            Some((Value::Decimal(Decimal { exponent, ..number }), Some(unit)))
        });
        scaled.unwrap_or_else(|| (Value::Text(format!("{number} MDC 4:{}", self.unit)), None))
    }

    fn describe(self) -> Description {
        Description::default().with("number", self.number).with("unit", unit_name(self.unit))
    }
}

impl Samples {
    fn take(cursor: &mut Cursor<'_>) -> Result<Self, FrameError> {
        let unit = cursor.u16_le("unit")?;
        let scale_factor = cursor.float("scale factor")?;
        let offset = cursor.float("offset")?;
        let period_s = cursor.float("sample period")?;
        let per_period = cursor.u8("samples per period")?;
        let bytes_per_sample = cursor.u8("bytes per sample")?;
        let count = cursor.u32_le("number of samples")?;
        let length = u64::from(count).saturating_mul(bytes_per_sample.into());
        let bytes = cursor.take(usize::try_from(length).unwrap_or(usize::MAX), "samples")?.to_vec();
        Ok(Self { unit, scale_factor, offset, period_s, per_period, bytes_per_sample, count, bytes })
    }

    /// The wire has no word for a waveform yet: everything that is needed to draw it, as a text.
    fn text(&self) -> String {
        format!(
            "sample array: unit MDC 4:{}, scale factor {}, offset {}, period {} s, {} per period, {} bytes each: {}",
            self.unit,
            number(self.scale_factor),
            number(self.offset),
            number(self.period_s),
            self.per_period,
            self.bytes_per_sample,
            hex(&self.bytes),
        )
    }

    fn describe(&self) -> Description {
        Description::default()
            .with("unit", unit_name(self.unit))
            .with("scale_factor", self.scale_factor)
            .with("offset", self.offset)
            .with("period_s", self.period_s)
            .with("samples_per_period", self.per_period)
            .with("bytes_per_sample", self.bytes_per_sample)
            .with("number_of_samples", self.count)
            .with_bytes("samples", &self.bytes)
    }
}

fn number(number: Medical) -> String {
    number.map_or_else(|absence: Absence| absence.name().to_owned(), |number| number.to_string())
}

impl States {
    /// The bits that the device can tell, as a number where that is long enough.
    fn read(&self) -> Value {
        let told: Vec<u8> =
            self.bits.iter().zip(&self.supported).map(|(bits, supported)| bits & supported).collect();
        let mut four = [0; 4];
        if let Some(low) = four.get_mut(..told.len()) {
            low.copy_from_slice(&told);
            Value::Bits(u32::from_le_bytes(four))
        } else {
            Value::Text(hex(&told))
        }
    }

    fn describe(&self) -> Description {
        Description::default()
            .with("supported", hex(&self.supported))
            .with("states", hex(&self.states))
            .with("bits", hex(&self.bits))
    }
}
