//! Where a number stands in a unit, and how.

use varde_wire::{Absence, Decimal};

use crate::meaning::decimal;

/// The four tables of a unit (MODBUS Application Protocol V1.1b3 §4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// Bits that could be written.
    Coil,
    /// Bits that cannot.
    Discrete,
    /// Registers that could be written.
    Holding,
    /// Registers that cannot.
    Input,
}

/// How a number stands in registers. Within a register the high byte is first; of two registers the high word is, or the
/// low one where it is `swapped`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A bit of a table of bits.
    Single,
    /// A bit of a register, 0 the lowest.
    Bit(u8),
    /// 16 bits without sign.
    U16,
    /// 16 bits in two's complement.
    I16,
    /// 32 bits without sign.
    U32 {
        /// Whether the low word is first.
        swapped: bool,
    },
    /// 32 bits in two's complement.
    I32 {
        /// Whether the low word is first.
        swapped: bool,
    },
    /// IEEE 754, 32 bits.
    F32 {
        /// Whether the low word is first.
        swapped: bool,
    },
}

/// Where a number stands, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Register {
    /// In which table.
    pub table: Table,
    /// Its address as the protocol counts, from 0: 0 for what manuals call 30001 or 40001.
    pub address: u16,
    /// How it stands there.
    pub kind: Kind,
}

/// What stands in a register.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// A bit.
    Bit(bool),
    /// A whole number.
    Whole(i64),
    /// A fraction, as it is stored.
    Float(f32),
}

impl Table {
    pub(super) const ALL: [(&str, Self); 4] = [
        ("coil", Self::Coil),
        ("discrete", Self::Discrete),
        ("holding", Self::Holding),
        ("input", Self::Input),
    ];

    /// Whether it has bits; else registers of 16 bits.
    pub const fn has_bits(self) -> bool {
        matches!(self, Self::Coil | Self::Discrete)
    }

    /// The function that reads it (V1.1b3 §6.1 to §6.4).
    pub const fn function(self) -> u8 {
        match self {
            Self::Coil => 1,
            Self::Discrete => 2,
            Self::Holding => 3,
            Self::Input => 4,
        }
    }
}

impl Kind {
    /// How many places of its table it takes.
    pub(super) const fn width(self) -> u16 {
        match self {
            Self::Single | Self::Bit(_) | Self::U16 | Self::I16 => 1,
            Self::U32 { .. } | Self::I32 { .. } | Self::F32 { .. } => 2,
        }
    }

    /// The kind of this name, where a table has registers; none for `bit`, whose number follows.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "u16" => Self::U16,
            "i16" => Self::I16,
            "u32" => Self::U32 { swapped: false },
            "u32-swapped" => Self::U32 { swapped: true },
            "i32" => Self::I32 { swapped: false },
            "i32-swapped" => Self::I32 { swapped: true },
            "f32" => Self::F32 { swapped: false },
            "f32-swapped" => Self::F32 { swapped: true },
            _ => return None,
        })
    }

    pub(super) const NAMES: &str =
        "u16, i16, u32, i32, f32, u32-swapped, i32-swapped, f32-swapped, or bit with its number";
}

impl Register {
    /// What stands here in the data of an answer that begins at address `first`; none where the data end before.
    pub fn read(&self, first: u16, data: &[u8]) -> Option<Number> {
        let place = usize::from(self.address.checked_sub(first)?);
        if self.table.has_bits() {
            let byte = data.get(place / 8)?;
            return Some(Number::Bit(byte >> (place % 8) & 1 == 1));
        }
        let (words, _) = data.as_chunks::<2>();
        let word = |place: usize| words.get(place).map(|bytes| u16::from_be_bytes(*bytes));
        let one = word(place)?;
        let both = |swapped: bool| {
            let next = word(place.checked_add(1)?)?;
            let (high, low) = if swapped { (next, one) } else { (one, next) };
            Some(u32::from(high) << 16 | u32::from(low))
        };
        Some(match self.kind {
            Kind::Single => Number::Bit(one != 0),
            Kind::Bit(bit) => Number::Bit(one >> bit & 1 == 1),
            Kind::U16 => Number::Whole(one.into()),
            Kind::I16 => Number::Whole(one.cast_signed().into()),
            Kind::U32 { swapped } => Number::Whole(both(swapped)?.into()),
            Kind::I32 { swapped } => Number::Whole(both(swapped)?.cast_signed().into()),
            Kind::F32 { swapped } => Number::Float(f32::from_bits(both(swapped)?)),
        })
    }
}

impl Number {
    /// The number with its precision: of a fraction, as many digits as tell it from its neighbours.
    pub fn decimal(self) -> Result<Decimal, Absence> {
        match self {
            Self::Bit(bit) => Ok(Decimal::whole(bit.into())),
            Self::Whole(whole) => Ok(Decimal::whole(whole)),
            Self::Float(float) if float == f32::INFINITY => Err(Absence::PositiveInfinity),
            Self::Float(float) if float == f32::NEG_INFINITY => Err(Absence::NegativeInfinity),
            // NaN is no digits.
            Self::Float(float) => decimal(&float.to_string()),
        }
    }

    /// The number for a comparison.
    pub(super) fn comparable(self) -> f64 {
        match self {
            Self::Bit(bit) => f64::from(u8::from(bit)),
            // Of 32 bits at most.
            Self::Whole(whole) => i32::try_from(whole)
                .map_or_else(|_| u32::try_from(whole).map_or(f64::NAN, f64::from), f64::from),
            Self::Float(float) => float.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_as_its_kind_has_it() {
        let data = [0xFF, 0xFE, 0x41, 0xAC, 0x00, 0x00, 0x41, 0xAC];
        let at = |address, kind| Register { table: Table::Input, address, kind }.read(10, &data);
        let table = [
            (10, Kind::U16, Some(Number::Whole(0xFFFE))),
            (10, Kind::I16, Some(Number::Whole(-2))),
            (10, Kind::Bit(0), Some(Number::Bit(false))),
            (10, Kind::Bit(15), Some(Number::Bit(true))),
            (10, Kind::U32 { swapped: false }, Some(Number::Whole(0xFFFE_41AC))),
            (10, Kind::I32 { swapped: false }, Some(Number::Whole(-114_260))),
            (10, Kind::U32 { swapped: true }, Some(Number::Whole(0x41AC_FFFE))),
            (11, Kind::F32 { swapped: false }, Some(Number::Float(21.5))),
            (12, Kind::F32 { swapped: true }, Some(Number::Float(21.5))),
            (13, Kind::U16, Some(Number::Whole(0x41AC))),
            (13, Kind::U32 { swapped: false }, None),
            (14, Kind::U16, None),
            (9, Kind::U16, None),
        ];
        for (address, kind, expected) in table {
            assert_eq!(at(address, kind), expected, "{address} {kind:?}");
        }
        let bit = |address| Register { table: Table::Coil, address, kind: Kind::Single }.read(3, &[0b101, 1]);
        assert_eq!(
            [bit(3), bit(4), bit(5), bit(11)].map(Option::unwrap),
            [true, false, true, true].map(Number::Bit)
        );
    }

    #[test]
    fn a_fraction_keeps_its_digits_and_its_special_values_are_none() {
        let text = |float| Number::Float(float).decimal().map(|number| number.to_string());
        assert_eq!(text(21.5).unwrap(), "21.5");
        assert_eq!(text(0.1).unwrap(), "0.1");
        assert_eq!(text(-230.0).unwrap(), "-230");
        assert_eq!(text(f32::NAN), Err(Absence::NotANumber));
        assert_eq!(text(f32::INFINITY), Err(Absence::PositiveInfinity));
        assert_eq!(text(f32::NEG_INFINITY), Err(Absence::NegativeInfinity));
        assert_eq!(text(1e38), Err(Absence::NotANumber));
    }
}
