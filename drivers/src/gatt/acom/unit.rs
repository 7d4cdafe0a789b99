//! The units of ISO/IEEE 11073-10101 (partition 4) in UCUM's words.

use varde_wire::Unit;

/// The unit of a term of partition 4, and the power of ten by which a number in the one becomes a number in the other.
pub(super) fn unit_of(term: u16) -> Option<(Unit, i8)> {
    let exact = || EXACT.iter().find(|(known, ..)| *known == term).map(|(_, unit)| (*unit, 0));
    let prefixed = || {
        let prefix = prefix(term & PREFIX)?;
        let (_, unit, power) = PREFIXED.iter().find(|(known, ..)| *known == term & !PREFIX)?;
        Some((*unit, power.checked_add(prefix)?))
    };
    exact().or_else(prefixed)
}

/// The bits of a term that hold the prefix.
const PREFIX: u16 = 0b1_1111;

/// The power of ten of a prefix.
const fn prefix(code: u16) -> Option<i8> {
    Some(match code {
        0 => 0,
        1 => 1,
        2 => 2,
        3 => 3,
        4 => 6,
        5 => 9,
        6 => 12,
        16 => -1,
        17 => -2,
        18 => -3,
        19 => -6,
        20 => -9,
        21 => -12,
        _ => return None,
    })
}

/// Units without a prefix, and prefixed ones that have a word of their own here: a number stays as the device shows it.
const EXACT: &[(u16, Unit)] = &[
    (512, Unit::One),                     // MDC_DIM_DIMLESS
    (544, Unit::Percent),                 // MDC_DIM_PERCENT
    (608, Unit::PartsPerMillion),         // MDC_DIM_PARTS_PER_10_TO_MINUS_6
    (640, Unit::PartsPerBillion),         // MDC_DIM_PARTS_PER_10_TO_MINUS_9
    (736, Unit::Degree),                  // MDC_DIM_ANG_DEG
    (1283, Unit::Kilometre),              // MDC_DIM_KILO_M
    (1298, Unit::Millimetre),             // MDC_DIM_MILLI_M
    (1376, Unit::Inch),                   // MDC_DIM_INCH
    (1618, Unit::Millilitre),             // MDC_DIM_MILLI_L
    (1731, Unit::Kilogram),               // MDC_DIM_KILO_G
    (1760, Unit::Pound),                  // MDC_DIM_LB
    (2194, Unit::Millisecond),            // MDC_DIM_MILLI_SEC
    (2208, Unit::Minute),                 // MDC_DIM_MIN
    (2240, Unit::Hour),                   // MDC_DIM_HR
    (2272, Unit::Day),                    // MDC_DIM_DAY
    (2528, Unit::PerMinute),              // MDC_DIM_PER_MIN
    (2720, Unit::PerMinute),              // MDC_DIM_BEAT_PER_MIN
    (2752, Unit::PerMinute),              // MDC_DIM_PULS_PER_MIN
    (2784, Unit::PerMinute),              // MDC_DIM_RESP_PER_MIN
    (3842, Unit::Hectopascal),            // MDC_DIM_HECTO_PASCAL
    (3843, Unit::KiloPascal),             // MDC_DIM_KILO_PASCAL
    (3872, Unit::MillimetreOfMercury),    // MDC_DIM_MMHG
    (3971, Unit::Kilojoule),              // MDC_DIM_KILO_JOULES
    (4384, Unit::Kelvin),                 // MDC_DIM_KELVIN
    (4416, Unit::Fahrenheit),             // MDC_DIM_FAHR
    (6048, Unit::Celsius),                // MDC_DIM_DEGC
    (7747, Unit::KilogramPerSquareMetre), // MDC_DIM_KILO_G_PER_M_SQ
    (8355, Unit::Kilocalorie),            // MDC_DIM_KILO_CAL
];

/// Units that take a prefix, with the power of ten between their unprefixed form and the word here.
const PREFIXED: &[(u16, Unit, i8)] = &[
    (1280, Unit::Metre, 0),                 // MDC_DIM_X_M
    (1600, Unit::Litre, 0),                 // MDC_DIM_X_L
    (1728, Unit::Gram, 0),                  // MDC_DIM_X_G
    (2048, Unit::MilligramPerDecilitre, 2), // MDC_DIM_X_G_PER_L
    (2112, Unit::MilligramPerDecilitre, 3), // MDC_DIM_X_G_PER_DL
    (2176, Unit::Second, 0),                // MDC_DIM_X_SEC
    (2816, Unit::MetrePerSecond, 0),        // MDC_DIM_X_M_PER_SEC
    (3072, Unit::LitrePerMinute, 0),        // MDC_DIM_X_L_PER_MIN
    (3840, Unit::Pascal, 0),                // MDC_DIM_X_PASCAL
    (3968, Unit::Joule, 0),                 // MDC_DIM_X_JOULES
    (4032, Unit::Watt, 0),                  // MDC_DIM_X_WATT
    (4160, Unit::Ampere, 0),                // MDC_DIM_X_AMPS
    (4256, Unit::Volt, 0),                  // MDC_DIM_X_VOLT
    (4288, Unit::Ohm, 0),                   // MDC_DIM_X_OHM
    (4704, Unit::MillimolePerLitre, 3),     // MDC_DIM_X_MOLE_PER_L
    (6720, Unit::Lux, 0),                   // MDC_DIM_X_LUMEN_PER_M_SQ
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Context-free codes (partition 4) as Philips' GHS client example (MIT) lists them.
    #[test]
    fn units_are_found_with_and_without_a_prefix() {
        let table = [
            (262_656, Some((Unit::One, 0))),
            (262_688, Some((Unit::Percent, 0))),
            (263_441, Some((Unit::Metre, -2))),
            (263_442, Some((Unit::Millimetre, 0))),
            (263_762, Some((Unit::Millilitre, 0))),
            (263_872, Some((Unit::Gram, 0))),
            (263_875, Some((Unit::Kilogram, 0))),
            (263_890, Some((Unit::Gram, -3))),
            (263_904, Some((Unit::Pound, 0))),
            (264_192, Some((Unit::MilligramPerDecilitre, 2))),
            (264_274, Some((Unit::MilligramPerDecilitre, 0))),
            (264_320, Some((Unit::Second, 0))),
            (264_339, Some((Unit::Second, -6))),
            (264_352, Some((Unit::Minute, 0))),
            (264_864, Some((Unit::PerMinute, 0))),
            (265_234, Some((Unit::LitrePerMinute, -3))),
            (265_987, Some((Unit::KiloPascal, 0))),
            (266_016, Some((Unit::MillimetreOfMercury, 0))),
            (266_418, Some((Unit::Volt, -3))),
            (266_560, Some((Unit::Fahrenheit, 0))),
            (266_866, Some((Unit::MillimolePerLitre, 0))),
            (268_192, Some((Unit::Celsius, 0))),
            (269_891, Some((Unit::KilogramPerSquareMetre, 0))),
            (270_499, Some((Unit::Kilocalorie, 0))),
            (267_616, None), // international units: no word here
            (262_144, None), // unspecified
            (262_707, None), // percent takes no prefix
        ];
        for (code, expected) in table {
            assert_eq!(unit_of(u16::try_from(code - 262_144).unwrap()), expected, "{code}");
        }
    }
}
