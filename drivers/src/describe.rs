//! A measurement as a tree of named fields, for whoever shows it: drivers know no output format.

use varde_wire::{Absence, Decimal};

/// The fields of a measurement in the order of their specification; absent ones are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Description(Vec<Field>);

/// A field of a measurement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name, in lower case with underscores; EnOcean's shortcuts as they are.
    pub name: &'static str,
    /// What it holds.
    pub value: FieldValue,
}

/// What a field holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldValue {
    /// A text.
    Text(String),
    /// A number with its precision.
    Number(Decimal),
    /// Yes or no.
    Bool(bool),
    /// Several values.
    List(Vec<FieldValue>),
    /// Fields of its own.
    Fields(Description),
}

impl Description {
    /// The fields, in order.
    pub fn fields(&self) -> &[Field] {
        &self.0
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<FieldValue>) -> Self {
        self.0.push(Field { name, value: value.into() });
        self
    }

    pub(crate) fn with_some(self, name: &'static str, value: Option<impl Into<FieldValue>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Bytes whose meaning is not known, in hexadecimal; left out where there are none.
    pub(crate) fn with_bytes(self, name: &'static str, bytes: &[u8]) -> Self {
        if bytes.is_empty() { self } else { self.with(name, hex(bytes)) }
    }

    /// The numbers of the bits that are set; left out where none is.
    pub(crate) fn with_bits(self, name: &'static str, bits: u16) -> Self {
        self.with_wide_bits(name, bits.into())
    }

    /// The same of a field that is wider than two bytes.
    pub(crate) fn with_wide_bits(self, name: &'static str, bits: u32) -> Self {
        let set = (0..32_u8).filter(|bit| bits >> bit & 1 == 1).map(FieldValue::from).collect::<Vec<_>>();
        if set.is_empty() { self } else { self.with(name, FieldValue::List(set)) }
    }

    /// Each bit that has a name, from bit 0, as yes or no; then the numbers of the others that are set.
    pub(crate) fn with_named_bits(mut self, names: &[&'static str], bits: u32) -> Self {
        let set = |bit: u8| bits >> bit & 1 == 1;
        for (name, bit) in names.iter().zip(0..) {
            self = self.with(name, set(bit));
        }
        let unnamed = (0..32).skip(names.len()).filter(|bit| set(*bit)).map(FieldValue::from);
        let unnamed = unnamed.collect::<Vec<_>>();
        if unnamed.is_empty() { self } else { self.with("reserved", FieldValue::List(unnamed)) }
    }

    /// These fields, then `others`.
    pub(crate) fn and(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }
}

impl From<&str> for FieldValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for FieldValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for FieldValue {
    fn from(yes: bool) -> Self {
        Self::Bool(yes)
    }
}

impl From<u8> for FieldValue {
    fn from(number: u8) -> Self {
        u16::from(number).into()
    }
}

impl From<u16> for FieldValue {
    fn from(number: u16) -> Self {
        Self::Number(Decimal::whole(number.into()))
    }
}

impl From<u32> for FieldValue {
    fn from(number: u32) -> Self {
        Self::Number(Decimal::whole(number.into()))
    }
}

/// The number, or the word for why there is none.
impl From<Result<Decimal, Absence>> for FieldValue {
    fn from(number: Result<Decimal, Absence>) -> Self {
        number.map_or_else(|absence| absence.name().into(), Self::Number)
    }
}

impl From<Description> for FieldValue {
    fn from(fields: Description) -> Self {
        Self::Fields(fields)
    }
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes of a test vector.
#[cfg(test)]
pub(crate) fn unhex(hex: &str) -> Vec<u8> {
    hex.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}
