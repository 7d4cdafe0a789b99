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

const CORE_TEMPERATURES: [Metric; 7] = [
    Metric::BODY_TEMPERATURE,
    Metric::BODY_TEMPERATURE_TYMPANUM,
    Metric::BODY_TEMPERATURE_RECTUM,
    Metric::BODY_TEMPERATURE_MOUTH,
    Metric::BODY_TEMPERATURE_EAR,
    Metric::BODY_TEMPERATURE_ARMPIT,
    Metric::BODY_TEMPERATURE_GUT,
];

const BODY_MASSES: [Metric; 5] = [
    Metric::BODY_WEIGHT,
    Metric::MUSCLE_MASS,
    Metric::FAT_FREE_MASS,
    Metric::SOFT_LEAN_MASS,
    Metric::BODY_WATER,
];

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
        (Metric::ROOM_TEMPERATURE | Metric::DEW_POINT, Some(Unit::Celsius)) => (-50, 100),
        (Metric::HUMIDITY | Metric::MOISTURE, Some(Unit::Percent)) => (0, 100),
        (Metric::AIR_PRESSURE, Some(Unit::Hectopascal)) => (500, 1156),
        (Metric::AIR_PRESSURE, Some(Unit::Pascal)) => (50_000, 115_600),
        (Metric::ILLUMINANCE, Some(Unit::Lux)) => (0, 167_772),
        (Metric::CARBON_DIOXIDE, Some(Unit::PartsPerMillion)) => (100, 40_000),
        (Metric::BATTERY_VOLTAGE, Some(Unit::Volt)) => (1, 15),
        (metric, Some(Unit::Celsius)) if CORE_TEMPERATURES.contains(&metric) => (25, 45),
        (metric, Some(Unit::Fahrenheit)) if CORE_TEMPERATURES.contains(&metric) => (77, 113),
        // Fingers and toes come close to the room's.
        (Metric::BODY_TEMPERATURE_FINGER | Metric::BODY_TEMPERATURE_TOE, Some(Unit::Celsius)) => (5, 45),
        (Metric::BODY_TEMPERATURE_FINGER | Metric::BODY_TEMPERATURE_TOE, Some(Unit::Fahrenheit)) => (41, 113),
        (Metric::HEART_RATE, Some(Unit::PerMinute)) => (20, 300),
        (Metric::RR_INTERVAL, Some(Unit::Millisecond)) => (200, 3000),
        (Metric::BODY_HEIGHT, Some(Unit::Metre)) => (0, 3),
        (Metric::BODY_HEIGHT, Some(Unit::Inch)) => (10, 110),
        (Metric::BODY_MASS_INDEX, Some(Unit::KilogramPerSquareMetre)) => (5, 150),
        (Metric::BODY_FAT | Metric::MUSCLE_PERCENTAGE, Some(Unit::Percent)) => (1, 99),
        (metric, Some(Unit::Kilogram)) if BODY_MASSES.contains(&metric) => (1, 500),
        (metric, Some(Unit::Pound)) if BODY_MASSES.contains(&metric) => (2, 1100),
        (Metric::BASAL_METABOLISM, Some(Unit::Kilojoule)) => (500, 40_000),
        (Metric::BODY_IMPEDANCE, Some(Unit::Ohm)) => (10, 6500),
        (Metric::GLUCOSE_TREND, Some(Unit::MilligramPerDecilitrePerMinute)) => (-100, 100),
        (Metric::CGM_QUALITY, Some(Unit::Percent)) => (0, 100),
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
    fn a_meter_of_each_kind_is_bounded_by_what_it_can_display_and_a_test_solution_is_not() {
        let table = [
            (Metric::GLUCOSE_CAPILLARY_BLOOD, Decimal::new(65, -1), Unit::MillimolePerLitre, false),
            (Metric::GLUCOSE_CAPILLARY_BLOOD, Decimal::new(501, -1), Unit::MillimolePerLitre, true),
            (Metric::GLUCOSE_UNDETERMINED_PLASMA, Decimal::whole(600), Unit::MilligramPerDecilitre, false),
            (
                Metric::GLUCOSE_UNDETERMINED_PLASMA,
                Decimal::whole(3_000_000),
                Unit::MilligramPerDecilitre,
                true,
            ),
            (Metric::GLUCOSE_CONTROL, Decimal::whole(3_000_000), Unit::MilligramPerDecilitre, false),
            (Metric::SPO2_SPOT, Decimal::whole(100), Unit::Percent, false),
            (Metric::SPO2, Decimal::whole(127), Unit::Percent, true),
            (Metric::PULSE_RATE_OXIMETER, Decimal::whole(511), Unit::PerMinute, true),
        ];
        for (metric, number, unit, expected) in table {
            assert_eq!(
                is_implausible(metric, &Value::Decimal(number), Some(unit)),
                expected,
                "{metric} {number}"
            );
        }
    }

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

    #[test]
    fn what_thermometers_belts_and_scales_show_of_a_person_is_plausible() {
        let table = [
            (Metric::BODY_TEMPERATURE_EAR, Decimal::new(369, -1), Unit::Celsius, false),
            (Metric::BODY_TEMPERATURE_EAR, Decimal::new(984, -1), Unit::Fahrenheit, false),
            (Metric::BODY_TEMPERATURE_EAR, Decimal::new(984, -1), Unit::Celsius, true),
            (Metric::BODY_TEMPERATURE_TOE, Decimal::new(180, -1), Unit::Celsius, false),
            (Metric::HEART_RATE, Decimal::whole(0), Unit::PerMinute, true),
            (Metric::RR_INTERVAL, Decimal::new(8330, -1), Unit::Millisecond, false),
            (Metric::BODY_WEIGHT, Decimal::new(72_500, -3), Unit::Kilogram, false),
            (Metric::BODY_WEIGHT, Decimal::new(0, -3), Unit::Kilogram, true),
            (Metric::BODY_WEIGHT, Decimal::new(15_984, -2), Unit::Pound, false),
            (Metric::BODY_HEIGHT, Decimal::new(1750, -3), Unit::Metre, false),
            (Metric::BODY_FAT, Decimal::new(0, -1), Unit::Percent, true),
            (Metric::BODY_IMPEDANCE, Decimal::new(5123, -1), Unit::Ohm, false),
        ];
        for (metric, number, unit, expected) in table {
            assert_eq!(
                is_implausible(metric, &Value::Decimal(number), Some(unit)),
                expected,
                "{metric} {number}"
            );
        }
    }
}
