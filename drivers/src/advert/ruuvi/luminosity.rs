//! The logarithmic luminosity of format 6: a code c stands for 65536^(c/254) - 1 lux.

use varde_wire::Decimal;

/// 65536^(1/254), with 48 binary places.
const STEP: u128 = 294_037_222_207_361;

/// The luminosity, in lux with two places: the format asks not to show more.
#[expect(
    clippy::arithmetic_side_effects,
    reason = "254 steps end below 2^17, with 48 places below 2^65: products fit"
)]
pub(super) fn of_code(code: u8) -> Decimal {
    const ONE: u128 = 1 << 48;
    const HALF: u128 = ONE / 2;
    let power = (0..code).fold(ONE, |power, _| (power * STEP + HALF) / ONE);
    let hundredths = ((power - ONE) * 100 + HALF) / ONE;
    Decimal::new(i64::try_from(hundredths).unwrap_or(i64::MAX), -2)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of docs.ruuvi.com, "Data format 6", and its test vector. Its example of 244.06 lux is printed
    /// beside code 0x80; by its own formula that is 0x7E.
    #[test]
    fn codes_stand_for_what_the_specification_says() {
        let table = [
            (0, "0.00"),
            (1, "0.04"),
            (0x10, "1.01"),
            (0x7E, "244.06"),
            (0x80, "266.43"),
            (0xD9, "13026.67"),
            (0xFE, "65535.00"),
        ];
        for (code, lux) in table {
            assert_eq!(of_code(code).to_string(), lux, "{code:#04x}");
        }
    }
}
