use proptest::prelude::*;

use super::*;
use crate::decode_gatt;
use crate::describe::unhex;

/// The tests of Nordic's Android BLE Library (BSD-3-Clause) and im97mori's JavaBLEUtil (MIT), whose rows for 2A1E
/// have the same bytes as those for 2A1C.
const VECTORS: &[(&str, &str)] = &[
    ("06b00e00fedc070c050b321b04", "37.60 Cel at 2012-12-05T11:50:27 finger"),
    ("0001020304", "1971210000 Cel"),
    ("0101020304", "1971210000 [degF]"),
    ("02010203042e060000000000", "1971210000 Cel at 1582-00-00T00:00:00"),
    ("02010203040f270101173b3b", "1971210000 Cel at 9999-01-01T23:59:59"),
    ("02010203040f27021f000000", "1971210000 Cel at 9999-02-31T00:00:00"),
    ("02010203040f27031f000000", "1971210000 Cel at 9999-03-31T00:00:00"),
    ("02010203040f27041f000000", "1971210000 Cel at 9999-04-31T00:00:00"),
    ("02010203040f27051f000000", "1971210000 Cel at 9999-05-31T00:00:00"),
    ("02010203040f27061f000000", "1971210000 Cel at 9999-06-31T00:00:00"),
    ("02010203040f27071f000000", "1971210000 Cel at 9999-07-31T00:00:00"),
    ("02010203040f27081f000000", "1971210000 Cel at 9999-08-31T00:00:00"),
    ("02010203040f27091f000000", "1971210000 Cel at 9999-09-31T00:00:00"),
    ("02010203040f270a1f000000", "1971210000 Cel at 9999-10-31T00:00:00"),
    ("02010203040f270b1f000000", "1971210000 Cel at 9999-11-31T00:00:00"),
    ("02010203040f270c1f000000", "1971210000 Cel at 9999-12-31T00:00:00"),
    ("040102030401", "1971210000 Cel armpit"),
    ("040102030402", "1971210000 Cel body"),
    ("040102030403", "1971210000 Cel ear"),
    ("040102030404", "1971210000 Cel finger"),
    ("040102030405", "1971210000 Cel gastro-intestinal-tract"),
    ("040102030406", "1971210000 Cel mouth"),
    ("040102030407", "1971210000 Cel rectum"),
    ("040102030408", "1971210000 Cel toe"),
    ("040102030409", "1971210000 Cel tympanum"),
];

#[test]
fn both_characteristics_agree_with_two_other_implementations() {
    for (hex, expected) in VECTORS {
        let temperature = Temperature::decode(&unhex(hex)).unwrap();
        let mut text = format!("{} {}", temperature.temperature.unwrap(), temperature.unit.ucum());
        text.extend(temperature.time_stamp.map(|t| format!(" at {}", t.as_sent())));
        text.extend(temperature.temperature_type.map(|t| format!(" {}", t.name().unwrap())));
        assert_eq!(text, *expected, "{hex}");
    }
}

/// The first row: Nordic's test of a value that is too short.
#[test]
fn a_truncated_value_names_the_missing_field_and_where_it_begins() {
    let table = [
        (
            0x2A1C,
            "06b00e00fedc070c050b321b",
            "temperature type at byte 12: too short: expected length 1, got 0",
        ),
        (0x2A1C, "", "flags at byte 0: too short: expected length 1, got 0"),
        (0x2A1C, "00b00e00", "temperature at byte 1: too short: expected length 4, got 3"),
        (0x2A1E, "02b00e00fedc070c050b32", "time stamp at byte 5: too short: expected length 7, got 6"),
        (0x2A1D, "", "temperature type at byte 0: too short: expected length 1, got 0"),
        (0x2A21, "3c", "measurement interval at byte 0: too short: expected length 2, got 1"),
    ];
    for (uuid, hex, expected) in table {
        assert_eq!(decode_gatt(uuid, &unhex(hex)).unwrap_err().to_string(), expected);
    }
}

#[test]
fn a_special_value_is_no_temperature() {
    let table = [
        ("00ffff7f00", Absence::NotANumber),
        ("0000008000", Absence::NotAtThisResolution),
        ("00feff7f00", Absence::PositiveInfinity),
        ("0002008000", Absence::NegativeInfinity),
        ("0001008000", Absence::Reserved),
    ];
    for (hex, absence) in table {
        let observations = decode_gatt(0x2A1C, &unhex(hex)).unwrap().observations;
        assert_eq!(observations[0].value, Value::Absent(absence), "{hex}");
    }
}

#[test]
fn reserved_flags_and_bytes_after_the_last_field_never_cost_the_reading() {
    let plain = decode_gatt(0x2A1C, &unhex("00710100ff")).unwrap();
    let odd = decode_gatt(0x2A1C, &unhex("f8710100ffcafe")).unwrap();
    assert_eq!(odd.observations, plain.observations);
    let names: Vec<_> = odd.measurement.fields().iter().map(|field| field.name).collect();
    assert_eq!(names, ["temperature", "unit", "reserved_flags", "rest"]);
}

#[test]
fn a_measurement_carries_its_place_time_and_doubts_and_a_passing_one_says_so() {
    let [measured] = &decode_gatt(0x2A1C, &unhex("06710100ffe807021d14293b07")).unwrap().observations[..]
    else {
        panic!("one observation");
    };
    assert_eq!((measured.metric, measured.unit), (Metric::BODY_TEMPERATURE_RECTUM, Some(Unit::Celsius)));
    assert_eq!(measured.value.to_string(), "36.9");
    assert_eq!(measured.device_time.unwrap().to_string(), "2024-02-29T20:41:59");
    assert_eq!(measured.flags, Flags::NONE);

    // 30 February, at a place that the specification does not know.
    let [passing] = &decode_gatt(0x2A1E, &unhex("07c80300ffe807021e0000000a")).unwrap().observations[..]
    else {
        panic!("one observation");
    };
    assert_eq!((passing.metric, passing.unit), (Metric::BODY_TEMPERATURE, Some(Unit::Fahrenheit)));
    assert_eq!((passing.value.to_string().as_str(), passing.device_time), ("96.8", None));
    assert_eq!(passing.flags, Flags::INTERMEDIATE.with(Flags::DEVICE_CLOCK_UNSET));
}

/// 01 to 09 and 03: the tests of im97mori's `JavaBLEUtil` (MIT) and Nordic's Android BLE Library (BSD-3-Clause). The
/// latter refuses `0300` as too long; to us a byte too many is no reason to lose what is well said.
#[test]
fn every_place_has_its_word_and_a_reserved_one_stays_a_number() {
    let field = |bytes: &[u8]| decode_gatt(0x2A1D, bytes).unwrap().measurement.fields()[0].value.clone();
    for (number, (name, _)) in (1..).zip(TemperatureType::SITES) {
        assert_eq!(field(&[number]), name.into());
    }
    for number in [0, 10, 255] {
        assert_eq!(field(&[number]), number.into());
        assert_eq!(TemperatureType(number).metric(), Metric::BODY_TEMPERATURE);
    }
    assert_eq!(field(&[3, 0]), "ear".into());
}

/// The same two.
#[test]
fn an_interval_is_in_seconds_and_nothing_is_none() {
    for (hex, seconds) in [("3c00", 60), ("0000", 0), ("0102", 513), ("ffff", 65_535)] {
        assert_eq!(MeasurementInterval::decode(&unhex(hex)).unwrap().seconds, seconds);
    }
}

proptest! {
    #[test]
    fn whatever_is_written_is_read_and_every_shorter_value_is_refused(
        flags in 0..8_u8,
        temperature in any::<[u8; 4]>(),
        time in any::<[u8; 7]>(),
        site in any::<u8>(),
    ) {
        let mut bytes = [&[flags][..], &temperature].concat();
        bytes.extend(time.iter().filter(|_| flags & 2 != 0));
        bytes.extend([site].iter().filter(|_| flags & 4 != 0));
        let decoded = Temperature::decode(&bytes).unwrap();
        prop_assert_eq!(decoded.temperature, crate::float::float(temperature));
        prop_assert_eq!(decoded.time_stamp.map(|t| t.encode()), (flags & 2 != 0).then_some(time));
        prop_assert_eq!(decoded.temperature_type, (flags & 4 != 0).then_some(TemperatureType(site)));
        prop_assert!(decoded.rest.is_empty());
        for length in 0..bytes.len() {
            prop_assert!(Temperature::decode(&bytes[..length]).unwrap_err().offset <= length);
        }
    }
}
