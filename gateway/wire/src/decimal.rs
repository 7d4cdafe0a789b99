//! Numbers as a device wrote them: with their precision, without a float in between.

use serde::{Deserialize, Serialize};

/// `mantissa × 10^exponent`. 2, 2.0 and 2.00 are three different decimals: the last digit says how exactly
/// the device measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Decimal {
    /// The digits.
    pub mantissa: i64,
    /// The power of ten; negative for decimal places. IEEE 11073 FLOAT gives -128 to 127.
    pub exponent: i8,
}

impl Decimal {
    /// A decimal of these digits and power of ten.
    pub const fn new(mantissa: i64, exponent: i8) -> Self {
        Self { mantissa, exponent }
    }

    /// A whole number.
    pub const fn whole(number: i64) -> Self {
        Self::new(number, 0)
    }
}

/// Plain notation, every digit kept: -5 × 10^-3 is `-0.005`, 2 × 10^2 is `200`.
impl std::fmt::Display for Decimal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = if self.mantissa < 0 { "-" } else { "" };
        let digits = self.mantissa.unsigned_abs().to_string();
        let places = usize::from(self.exponent.unsigned_abs());
        if self.exponent >= 0 {
            let zeros = if self.mantissa == 0 { 0 } else { places };
            return write!(f, "{sign}{digits}{:0<zeros$}", "");
        }
        let padded = format!("{digits:0>width$}", width = places.saturating_add(1));
        let (whole, fraction) = padded.split_at(padded.len().saturating_sub(places));
        write!(f, "{sign}{whole}.{fraction}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_digit_is_kept_and_none_is_invented() {
        let table = [
            (2, 0, "2"),
            (20, -1, "2.0"),
            (200, -2, "2.00"),
            (2, 1, "20"),
            (2, 2, "200"),
            (-1234, 0, "-1234"),
            (-5, -3, "-0.005"),
            (0, -1, "0.0"),
            (0, 3, "0"),
            (i64::MIN, 0, "-9223372036854775808"),
        ];
        for (mantissa, exponent, text) in table {
            assert_eq!(Decimal::new(mantissa, exponent).to_string(), text);
        }
    }
}
