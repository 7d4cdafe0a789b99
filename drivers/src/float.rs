//! Medical numbers: FLOAT and SFLOAT of IEEE 11073-20601, as Bluetooth sends them, least byte first.
//!
//! A decimal exponent beside the mantissa, so that 2, 2.0 and 2.00 differ. Five mantissas at exponent 0 are not
//! numbers but reasons why there is none. The same mantissa at another exponent is a number: the standard gives
//! the special values whole, exponent included.

use varde_wire::{Absence, Decimal};

/// The 16-bit number: 4 bits of exponent, 12 of mantissa.
///
/// # Errors
/// Where it is one of the special values.
pub const fn sfloat(bytes: [u8; 2]) -> Result<Decimal, Absence> {
    let raw = u16::from_le_bytes(bytes);
    match raw {
        0x07FE => Err(Absence::PositiveInfinity),
        0x07FF => Err(Absence::NotANumber),
        0x0800 => Err(Absence::NotAtThisResolution),
        0x0801 => Err(Absence::Reserved),
        0x0802 => Err(Absence::NegativeInfinity),
        _ => {
            let [_, high] = bytes;
            let mantissa = (raw << 4).cast_signed() >> 4;
            Ok(Decimal::new(mantissa as i64, high.cast_signed() >> 4))
        }
    }
}

/// The 32-bit number: 8 bits of exponent, 24 of mantissa.
///
/// # Errors
/// Where it is one of the special values.
pub const fn float(bytes: [u8; 4]) -> Result<Decimal, Absence> {
    match u32::from_le_bytes(bytes) {
        0x007F_FFFE => Err(Absence::PositiveInfinity),
        0x007F_FFFF => Err(Absence::NotANumber),
        0x0080_0000 => Err(Absence::NotAtThisResolution),
        0x0080_0001 => Err(Absence::Reserved),
        0x0080_0002 => Err(Absence::NegativeInfinity),
        _ => {
            let [low, middle, high, exponent] = bytes;
            let mantissa = i32::from_le_bytes([0, low, middle, high]) >> 8;
            Ok(Decimal::new(mantissa as i64, exponent.cast_signed()))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// HL7's Personal Health Device implementation guide, "FLOATs" (CC0). Both forms of each row mean the same.
    #[test]
    fn the_table_of_the_phd_guide_is_read_as_it_stands() {
        let table: [(u32, u16, Result<&str, Absence>); 13] = [
            (0x0000_0002, 0x0002, Ok("2")),
            (0xFF00_0014, 0xF014, Ok("2.0")),
            (0xFE00_00C8, 0xE0C8, Ok("2.00")),
            (0x0100_0002, 0x1002, Ok("20")),
            (0x0200_0002, 0x2002, Ok("200")),
            (0x0000_00C8, 0x00C8, Ok("200")),
            (0x0000_04D2, 0x04D2, Ok("1234")),
            (0x00FF_FB2E, 0x0B2E, Ok("-1234")),
            (0x007F_FFFF, 0x07FF, Err(Absence::NotANumber)),
            (0x007F_FFFE, 0x07FE, Err(Absence::PositiveInfinity)),
            (0x0080_0002, 0x0802, Err(Absence::NegativeInfinity)),
            (0x0080_0000, 0x0800, Err(Absence::NotAtThisResolution)),
            (0x0080_0001, 0x0801, Err(Absence::Reserved)),
        ];
        for (long, short, expected) in table {
            let expected = expected.map(str::to_owned);
            assert_eq!(float(long.to_le_bytes()).map(|n| n.to_string()), expected, "{long:08x}");
            assert_eq!(sfloat(short.to_le_bytes()).map(|n| n.to_string()), expected, "{short:04x}");
        }
    }

    #[test]
    fn the_outermost_numbers_are_numbers() {
        assert_eq!(sfloat(0x77FD_u16.to_le_bytes()), Ok(Decimal::new(2045, 7)));
        assert_eq!(sfloat(0x8803_u16.to_le_bytes()), Ok(Decimal::new(-2045, -8)));
        assert_eq!(float(0x7F7F_FFFD_u32.to_le_bytes()), Ok(Decimal::new(8_388_605, 127)));
        assert_eq!(float(0x8080_0003_u32.to_le_bytes()), Ok(Decimal::new(-8_388_605, -128)));
        assert_eq!(sfloat(0xF7FF_u16.to_le_bytes()), Ok(Decimal::new(2047, -1)));
    }

    proptest! {
        #[test]
        fn every_number_comes_back_as_it_was_written(mantissa in -2045_i64..=2045, exponent in -8_i8..=7) {
            let long = u32::from_be_bytes([exponent.cast_unsigned(), 0, 0, 0])
                | u32::try_from(mantissa & 0xFF_FFFF).unwrap();
            let short = u16::try_from(i64::from(exponent) << 12 & 0xF000 | mantissa & 0xFFF).unwrap();
            prop_assert_eq!(float(long.to_le_bytes()), Ok(Decimal::new(mantissa, exponent)));
            prop_assert_eq!(sfloat(short.to_le_bytes()), Ok(Decimal::new(mantissa, exponent)));
        }
    }
}
