//! What a living person or a working device can show. Outside of it a value is flagged, never dropped: the
//! people at the other end decide.
//!
//! The bounds are wide on purpose, and ours: what the meters themselves are able to display.

use varde_wire::{Decimal, Metric, Unit, Value};

/// Whether the value lies outside of what its metric can be.
pub(crate) fn is_implausible(metric: Metric, value: &Value, unit: Option<Unit>) -> bool {
    let (Value::Decimal(number), Some((low, high))) = (value, bounds(metric, unit)) else {
        return false;
    };
    !(at_least(*number, low) && at_least(Decimal::whole(high), *number))
}

fn bounds(metric: Metric, unit: Option<Unit>) -> Option<(Decimal, i64)> {
    let (low, high) = match (metric, unit) {
        (Metric::SYSTOLIC, Some(Unit::MillimetreOfMercury)) => (30, 300),
        (Metric::DIASTOLIC, Some(Unit::MillimetreOfMercury)) => (10, 250),
        (Metric::MEAN_ARTERIAL, Some(Unit::MillimetreOfMercury)) => (15, 280),
        (Metric::SYSTOLIC, Some(Unit::KiloPascal)) => (4, 40),
        (Metric::DIASTOLIC | Metric::MEAN_ARTERIAL, Some(Unit::KiloPascal)) => (1, 38),
        (Metric::CUFF, Some(Unit::MillimetreOfMercury)) => (0, 320),
        (Metric::CUFF, Some(Unit::KiloPascal)) => (0, 43),
        (Metric::PULSE_RATE_CUFF, Some(Unit::PerMinute)) => (20, 300),
        (Metric::BATTERY, Some(Unit::Percent)) => (0, 100),
        (metric, Some(Unit::MilligramPerDecilitre)) if is_glucose(metric) => (5, 900),
        (metric, Some(Unit::MillimolePerLitre)) if is_glucose(metric) => (0, 50),
        (Metric::HBA1C, Some(Unit::Percent)) => (2, 25),
        (Metric::SPO2 | Metric::SPO2_SPOT | Metric::SPO2_FAST | Metric::SPO2_SLOW, Some(Unit::Percent)) => {
            (30, 100)
        }
        (
            Metric::PULSE_RATE_OXIMETER | Metric::PULSE_RATE_FAST | Metric::PULSE_RATE_SLOW,
            Some(Unit::PerMinute),
        ) => (18, 350),
        _ => return None,
    };
    Some((Decimal::whole(low), high))
}

/// Concentrations of glucose, but for those of a control solution: people are not mixed to order.
fn is_glucose(metric: Metric) -> bool {
    [
        Metric::GLUCOSE,
        Metric::GLUCOSE_CAPILLARY_BLOOD,
        Metric::GLUCOSE_CAPILLARY_PLASMA,
        Metric::GLUCOSE_VENOUS_BLOOD,
        Metric::GLUCOSE_VENOUS_PLASMA,
        Metric::GLUCOSE_ARTERIAL_BLOOD,
        Metric::GLUCOSE_ARTERIAL_PLASMA,
        Metric::GLUCOSE_UNDETERMINED_BLOOD,
        Metric::GLUCOSE_UNDETERMINED_PLASMA,
        Metric::GLUCOSE_INTERSTITIAL_FLUID,
    ]
    .contains(&metric)
}

/// `a >= b`, exactly: both brought to the smaller exponent. A scale that 128 bits cannot hold is beyond every
/// bound, so its sign decides.
fn at_least(a: Decimal, b: Decimal) -> bool {
    let exponent = a.exponent.min(b.exponent);
    match (scaled(a, exponent), scaled(b, exponent)) {
        (Some(a), Some(b)) => a >= b,
        (None, _) => a.mantissa > 0,
        (_, None) => b.mantissa < 0,
    }
}

fn scaled(number: Decimal, exponent: i8) -> Option<i128> {
    let places = i32::from(number.exponent).checked_sub(i32::from(exponent))?;
    10_i128.checked_pow(u32::try_from(places).ok()?)?.checked_mul(i128::from(number.mantissa))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_no_living_person_shows_is_implausible() {
        let mmhg = Some(Unit::MillimetreOfMercury);
        let table = [
            (Decimal::whole(120), false),
            (Decimal::whole(30), false),
            (Decimal::new(299, -1), true),
            (Decimal::new(30, 1), false),
            (Decimal::new(301, 0), true),
            (Decimal::whole(2047), true),
            (Decimal::whole(-1), true),
            (Decimal::new(1, 127), true),
            (Decimal::new(i64::MAX, -128), true),
        ];
        for (number, expected) in table {
            assert_eq!(is_implausible(Metric::SYSTOLIC, &Value::Decimal(number), mmhg), expected, "{number}");
        }
        assert!(!is_implausible(Metric::from_code(1), &Value::Decimal(Decimal::whole(-5)), mmhg));
    }
}
