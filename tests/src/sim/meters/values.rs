//! The numbers and times that characteristics are made of.

use jiff::civil::DateTime;

/// A 16-bit medical float (IEEE 11073-20601 SFLOAT): four bits of decimal exponent over twelve of mantissa.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Sfloat(u16);

impl Sfloat {
    /// Not a number.
    pub const NAN: Self = Self(0x07FF);
    /// Not at this resolution.
    pub const NRES: Self = Self(0x0800);
    /// Beyond the upper end of the range.
    pub const POSITIVE_INFINITY: Self = Self(0x07FE);
    /// Beyond the lower end of the range.
    pub const NEGATIVE_INFINITY: Self = Self(0x0802);
    /// A value that the standard has set apart.
    pub const RESERVED: Self = Self(0x0801);

    /// `mantissa` times ten to the power of `exponent` (-8 to 7). From ±2046 on mantissas have special meanings; no
    /// meter reaches them, and what does ends there.
    pub fn new(mantissa: i16, exponent: i8) -> Self {
        let [low, high] = mantissa.clamp(-2045, 2045).to_le_bytes();
        let [exponent] = exponent.to_le_bytes();
        Self(u16::from_le_bytes([low, high & 0x0F | exponent << 4]))
    }

    /// A whole number.
    pub fn whole(number: u16) -> Self {
        Self::new(i16::try_from(number).unwrap_or(i16::MAX), 0)
    }

    /// As it is sent.
    pub const fn bytes(self) -> [u8; 2] {
        self.0.to_le_bytes()
    }
}

/// A 32-bit medical float (ibid. FLOAT): eight bits of decimal exponent over 24 of mantissa.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Float(u32);

impl Float {
    /// Not a number.
    pub const NAN: Self = Self(0x007F_FFFF);

    /// `mantissa` times ten to the power of `exponent`; a mantissa has 24 bits, the highest ones set apart.
    pub const fn new(mantissa: i32, exponent: i8) -> Self {
        let [a, b, c, _] = mantissa.to_le_bytes();
        let [exponent] = exponent.to_le_bytes();
        Self(u32::from_le_bytes([a, b, c, exponent]))
    }

    /// As it is sent.
    pub const fn bytes(self) -> [u8; 4] {
        self.0.to_le_bytes()
    }
}

/// A Date Time (GSS 3.71): year, month, day, hour, minute, second.
pub fn date_time(at: DateTime) -> [u8; 7] {
    let [low, high] = at.year().to_le_bytes();
    let parts = [at.month(), at.day(), at.hour(), at.minute(), at.second()];
    let [month, day, hour, minute, second] = parts.map(i8::cast_unsigned);
    [low, high, month, day, hour, minute, second]
}

/// Reads a Date Time; `None` where it is none, or where a part is not known.
pub fn read_date_time(bytes: &[u8]) -> Option<DateTime> {
    let [low, high, parts @ ..] = bytes.first_chunk::<7>()?;
    let [month, day, hour, minute, second] = parts.map(u8::cast_signed);
    DateTime::new(i16::from_le_bytes([*low, *high]), month, day, hour, minute, second, 0).ok()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn floats_hold_exponent_over_mantissa() {
        assert_eq!(Sfloat::new(364, -1).bytes(), [0x6C, 0xF1]);
        assert_eq!(Sfloat::new(-5, 2).bytes(), [0xFB, 0x2F]);
        assert_eq!(Sfloat::whole(40_000).bytes(), [0xFD, 0x07]);
        assert_eq!(Float::new(364, -1).bytes(), [0x6C, 0x01, 0x00, 0xFF]);
        assert_eq!(Float::new(-1, 0).bytes(), [0xFF, 0xFF, 0xFF, 0x00]);
    }

    #[test]
    fn a_time_reads_as_it_was_written() {
        let at = date(2026, 3, 9).at(7, 5, 30, 0);
        assert_eq!(date_time(at), [0xEA, 0x07, 3, 9, 7, 5, 30]);
        assert_eq!(read_date_time(&date_time(at)), Some(at));
        assert_eq!(read_date_time(&[0xEA, 0x07, 0, 9, 7, 5, 30]), None);
    }
}
