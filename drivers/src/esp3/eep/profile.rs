//! The words in which profiles are written down: one table a profile, one row a field.
//!
//! Bits are counted as EnOcean's tables count them: 0 is the most significant bit of the first byte of the payload.

use varde_wire::{Absence, Event, Metric, Unit};

use crate::Purpose;

/// A profile, as EnOcean Equipment Profiles (EEP) gives it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Profile {
    /// RORG, FUNC and TYPE, as the configuration writes them.
    pub(crate) name: &'static str,
    /// The lengths that its payload may have, in bytes.
    pub(crate) payload: [usize; 2],
    pub(crate) fields: &'static [Field],
    /// What such a device can be for; empty where the profile says so itself.
    pub(crate) purposes: &'static [Purpose],
}

/// A field of a message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    /// EnOcean's shortcut.
    pub(crate) shortcut: &'static str,
    pub(crate) bits: Bits,
    pub(crate) kind: Kind,
    /// The message has the field only where all of these bits have these values.
    pub(crate) only: &'static [(Bits, u32)],
    /// Which of several same things of the device the field is about, from 0.
    pub(crate) which: Option<Bits>,
}

/// Where a field is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bits {
    pub(crate) part: Part,
    pub(crate) offset: usize,
    /// At most 32.
    pub(crate) size: usize,
}

/// A part of a telegram that has fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Payload,
    Status,
}

/// How a field's bits are read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// Yes or no.
    Flag,
    Number(Scale),
    /// Each value has a meaning of its own.
    Words(&'static [Word]),
}

/// A straight line through two points: `raw` stands for `scale`, in units of ten to the `exponent`. Between them
/// alone there is a number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    pub(crate) raw: [u32; 2],
    pub(crate) scale: [i64; 2],
    pub(crate) exponent: i8,
    /// Values that say why there is no number.
    pub(crate) except: &'static [(u32, Absence)],
    /// What the number is passed on as.
    pub(crate) measures: Option<(Metric, Unit)>,
}

/// What some values of a field are called, and what they mean in the home.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Word {
    /// The first and the last value.
    pub(crate) values: [u32; 2],
    pub(crate) word: &'static str,
    pub(crate) means: Means,
}

/// What a value means in the home.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Means {
    /// Nothing that anybody has to know.
    Nothing,
    /// It stands until another value comes.
    Stands(Metric, Event),
    /// The same for what has no event: bit 0.
    Bit(Metric, bool),
    /// It happened with this telegram; mostly a device that does not tell when it is over.
    Happened(Metric, Event, Option<&'static str>),
    /// Something was asked for, of whoever listens.
    Asked,
    /// A button was pressed, in this way.
    Pressed(Option<&'static str>),
    /// A button was let go.
    Released,
    /// The wake input is low or high. In a water sensor, water pulls it low.
    Wake(bool),
}

impl Profile {
    /// RPS and 1BS: one byte.
    pub(crate) const fn one_byte(name: &'static str, fields: &'static [Field]) -> Self {
        Self { name, payload: [1, 1], fields, purposes: &[] }
    }

    /// 4BS: four bytes.
    pub(crate) const fn four_bytes(name: &'static str, fields: &'static [Field]) -> Self {
        Self { name, payload: [4, 4], fields, purposes: &[] }
    }

    /// VLD: at least so many bytes. A later edition of the profile may append some.
    pub(crate) const fn long(name: &'static str, least: usize, fields: &'static [Field]) -> Self {
        const LONGEST: usize = 14;
        Self { name, payload: [least, LONGEST], fields, purposes: &[] }
    }

    pub(crate) const fn for_purposes(self, purposes: &'static [Purpose]) -> Self {
        Self { purposes, ..self }
    }
}

/// Bits of the payload.
pub(crate) const fn data(offset: usize, size: usize) -> Bits {
    Bits { part: Part::Payload, offset, size }
}

/// Bits of the status byte, which an RPS telegram's sender has a say in.
pub(crate) const fn status(offset: usize, size: usize) -> Bits {
    Bits { part: Part::Status, offset, size }
}

impl Field {
    const fn new(shortcut: &'static str, bits: Bits, kind: Kind) -> Self {
        Self { shortcut, bits, kind, only: &[], which: None }
    }

    pub(crate) const fn flag(shortcut: &'static str, bits: Bits) -> Self {
        Self::new(shortcut, bits, Kind::Flag)
    }

    /// A number that is only shown.
    pub(crate) const fn number(
        shortcut: &'static str,
        bits: Bits,
        raw: [u32; 2],
        scale: [i64; 2],
        exponent: i8,
    ) -> Self {
        let scale = Scale { raw, scale, exponent, except: &[], measures: None };
        Self::new(shortcut, bits, Kind::Number(scale))
    }

    pub(crate) const fn words(shortcut: &'static str, bits: Bits, words: &'static [Word]) -> Self {
        Self::new(shortcut, bits, Kind::Words(words))
    }

    /// The number is passed on as this.
    pub(crate) const fn measures(self, metric: Metric, unit: Unit) -> Self {
        match self.kind {
            Kind::Number(scale) => {
                Self { kind: Kind::Number(Scale { measures: Some((metric, unit)), ..scale }), ..self }
            }
            Kind::Flag | Kind::Words(_) => self,
        }
    }

    /// These values say why there is no number.
    pub(crate) const fn except(self, except: &'static [(u32, Absence)]) -> Self {
        match self.kind {
            Kind::Number(scale) => Self { kind: Kind::Number(Scale { except, ..scale }), ..self },
            Kind::Flag | Kind::Words(_) => self,
        }
    }

    pub(crate) const fn only(self, only: &'static [(Bits, u32)]) -> Self {
        Self { only, ..self }
    }

    pub(crate) const fn which(self, which: Bits) -> Self {
        Self { which: Some(which), ..self }
    }
}

impl Word {
    /// One value.
    pub(crate) const fn of(value: u32, word: &'static str) -> Self {
        Self::range([value, value], word)
    }

    pub(crate) const fn range(values: [u32; 2], word: &'static str) -> Self {
        Self { values, word, means: Means::Nothing }
    }

    pub(crate) const fn means(self, means: Means) -> Self {
        Self { means, ..self }
    }
}
