use proptest::prelude::*;

use super::*;
use crate::decode_gatt;
use crate::describe::unhex;

/// The tests of im97mori's JavaBLEUtil (MIT).
const VECTORS: &[(&str, &str)] = &[
    ("000000", "0.000 kg"),
    ("00ffff", "unsuccessful kg"),
    ("010000", "0.00 [lb_av]"),
    ("01ffff", "unsuccessful [lb_av]"),
    ("0200002e060000000000", "0.000 kg at 1582-00-00T00:00:00"),
    ("0200000f270101173b3b", "0.000 kg at 9999-01-01T23:59:59"),
    ("0200000f27021f000000", "0.000 kg at 9999-02-31T00:00:00"),
    ("0200000f27031f000000", "0.000 kg at 9999-03-31T00:00:00"),
    ("0200000f27041f000000", "0.000 kg at 9999-04-31T00:00:00"),
    ("0200000f27051f000000", "0.000 kg at 9999-05-31T00:00:00"),
    ("0200000f27061f000000", "0.000 kg at 9999-06-31T00:00:00"),
    ("0200000f27071f000000", "0.000 kg at 9999-07-31T00:00:00"),
    ("0200000f27081f000000", "0.000 kg at 9999-08-31T00:00:00"),
    ("0200000f27091f000000", "0.000 kg at 9999-09-31T00:00:00"),
    ("0200000f270a1f000000", "0.000 kg at 9999-10-31T00:00:00"),
    ("0200000f270b1f000000", "0.000 kg at 9999-11-31T00:00:00"),
    ("0200000f270c1f000000", "0.000 kg at 9999-12-31T00:00:00"),
    ("040000ff", "0.000 kg user 255"),
    ("04000000", "0.000 kg user 0"),
    ("040000fe", "0.000 kg user 254"),
    ("08000000000000", "0.000 kg bmi 0.0 height 0.000 m"),
    ("080000ffffffff", "0.000 kg bmi 6553.5 height 65.535 m"),
    ("09000000000000", "0.00 [lb_av] bmi 0.0 height 0.0 [in_i]"),
    ("090000ffffffff", "0.00 [lb_av] bmi 6553.5 height 6553.5 [in_i]"),
    ("000102", "2.565 kg"),
    ("010102", "5.13 [lb_av]"),
    ("02010204030506070809", "2.565 kg at 0772-05-06T07:08:09"),
    ("03010204030506070809", "5.13 [lb_av] at 0772-05-06T07:08:09"),
    ("0401020a", "2.565 kg user 10"),
    ("0501020a", "5.13 [lb_av] user 10"),
    ("060102040305060708090a", "2.565 kg at 0772-05-06T07:08:09 user 10"),
    ("070102040305060708090a", "5.13 [lb_av] at 0772-05-06T07:08:09 user 10"),
    ("0801020b0c0d0e", "2.565 kg bmi 308.3 height 3.597 m"),
    ("0901020b0c0d0e", "5.13 [lb_av] bmi 308.3 height 359.7 [in_i]"),
    ("0a0102040305060708090b0c0d0e", "2.565 kg at 0772-05-06T07:08:09 bmi 308.3 height 3.597 m"),
    ("0b0102040305060708090b0c0d0e", "5.13 [lb_av] at 0772-05-06T07:08:09 bmi 308.3 height 359.7 [in_i]"),
    ("0c01020a0b0c0d0e", "2.565 kg user 10 bmi 308.3 height 3.597 m"),
    ("0d01020a0b0c0d0e", "5.13 [lb_av] user 10 bmi 308.3 height 359.7 [in_i]"),
    ("0e0102040305060708090a0b0c0d0e", "2.565 kg at 0772-05-06T07:08:09 user 10 bmi 308.3 height 3.597 m"),
    (
        "0f0102040305060708090a0b0c0d0e",
        "5.13 [lb_av] at 0772-05-06T07:08:09 user 10 bmi 308.3 height 359.7 [in_i]",
    ),
];

#[test]
fn a_measurement_agrees_with_another_implementation() {
    for (hex, expected) in VECTORS {
        let measurement = WeightMeasurement::decode(&unhex(hex)).unwrap();
        let weight = measurement.weight.map_or("unsuccessful".to_owned(), |weight| weight.to_string());
        let mut text = format!("{weight} {}", measurement.units.of_mass().ucum());
        text.extend(measurement.stamp.time_stamp.map(|t| format!(" at {}", t.as_sent())));
        text.extend(measurement.stamp.user_id.map(|user| format!(" user {user}")));
        text.extend(measurement.body_mass_index.map(|bmi| format!(" bmi {bmi}")));
        text.extend(
            measurement
                .height
                .map(|height| format!(" height {height} {}", measurement.units.of_height().ucum())),
        );
        assert_eq!(text, *expected, "{hex}");
    }
}

#[test]
fn a_truncated_value_names_the_missing_field_and_where_it_begins() {
    let table = [
        (0x2A9D, "", "flags at byte 0: too short: expected length 1, got 0"),
        (0x2A9D, "0001", "weight at byte 1: too short: expected length 2, got 1"),
        (0x2A9D, "020102e8070203", "time stamp at byte 3: too short: expected length 7, got 4"),
        (0x2A9D, "040102", "user id at byte 3: too short: expected length 1, got 0"),
        (0x2A9D, "08010203", "body mass index at byte 3: too short: expected length 2, got 1"),
        (0x2A9D, "080102030405", "height at byte 5: too short: expected length 2, got 1"),
        (0x2A9E, "010203", "weight scale feature at byte 0: too short: expected length 4, got 3"),
    ];
    for (uuid, hex, expected) in table {
        assert_eq!(decode_gatt(uuid, &unhex(hex)).unwrap_err().to_string(), expected);
    }
}

#[test]
fn reserved_flags_and_bytes_after_the_last_field_never_cost_the_reading() {
    let plain = decode_gatt(0x2A9D, &unhex("00a438")).unwrap();
    let odd = decode_gatt(0x2A9D, &unhex("f0a438cafe")).unwrap();
    assert_eq!(odd.observations, plain.observations);
    let names: Vec<_> = odd.measurement.fields().iter().map(|field| field.name).collect();
    assert_eq!(names, ["weight", "unit", "reserved_flags", "rest"]);
}

#[test]
fn a_measurement_becomes_one_observation_a_value_with_its_time_and_user() {
    // 72.5 kg on 2024-02-29, user 2, body mass index 23.7, 1.75 m.
    let observations = decode_gatt(0x2A9D, &unhex("0ea438e807021d14293b02ed00d606")).unwrap().observations;
    let expected = [
        (Metric::BODY_WEIGHT, "72.500", Unit::Kilogram),
        (Metric::BODY_MASS_INDEX, "23.7", Unit::KilogramPerSquareMetre),
        (Metric::BODY_HEIGHT, "1.750", Unit::Metre),
    ];
    assert_eq!(observations.len(), expected.len());
    for (observation, (metric, value, unit)) in observations.iter().zip(expected) {
        assert_eq!((observation.metric, observation.unit), (metric, Some(unit)));
        assert_eq!(observation.value.to_string(), value);
        assert_eq!(observation.device_time.unwrap().to_string(), "2024-02-29T20:41:59");
        assert_eq!((observation.user, observation.flags), (Some(2), Flags::NONE));
    }
}

#[test]
fn a_weight_that_failed_is_no_number_and_a_date_that_cannot_be_marks_the_clock() {
    let observations = decode_gatt(0x2A9D, &unhex("06ffffe807021e000000ff")).unwrap().observations;
    let [weight] = &observations[..] else { panic!("{observations:?}") };
    assert_eq!(weight.value, Value::Absent(Absence::NotANumber));
    assert_eq!((weight.user, weight.device_time, weight.flags), (Some(255), None, Flags::DEVICE_CLOCK_UNSET));
}

/// The tests of im97mori's `JavaBLEUtil` (MIT), but for the last row: reserved numbers.
#[test]
fn every_bit_of_the_feature_is_told() {
    let table = [
        ("00000000", vec![]),
        ("01000000", vec!["time_stamp"]),
        ("02000000", vec!["multiple_users"]),
        ("04000000", vec!["body_mass_index"]),
        ("08000000", vec!["0.5 kg or 1 lb"]),
        ("10000000", vec!["0.2 kg or 0.5 lb"]),
        ("18000000", vec!["0.1 kg or 0.2 lb"]),
        ("20000000", vec!["0.05 kg or 0.1 lb"]),
        ("28000000", vec!["0.02 kg or 0.05 lb"]),
        ("30000000", vec!["0.01 kg or 0.02 lb"]),
        ("38000000", vec!["0.005 kg or 0.01 lb"]),
        ("80000000", vec!["0.01 m or 1 in"]),
        ("00010000", vec!["0.005 m or 0.5 in"]),
        ("80010000", vec!["0.001 m or 0.1 in"]),
        ("78020000", vec!["reserved", "reserved"]),
    ];
    for (hex, expected) in table {
        let described = WeightScaleFeature::decode(&unhex(hex)).unwrap().describe();
        let told: Vec<_> = described.fields().iter().filter_map(told).collect();
        assert_eq!(told, expected, "{hex}");
    }
    let reserved = WeightScaleFeature::decode(&unhex("0004008001")).unwrap().describe();
    let [.., bits, rest] = reserved.fields() else { panic!("{reserved:?}") };
    assert_eq!((bits.name, &bits.value), ("reserved", &FieldValue::List(vec![10_u8.into(), 31_u8.into()])));
    assert_eq!((rest.name, &rest.value), ("rest", &"01".into()));
}

/// What is supported, and any step that is given.
fn told(field: &crate::Field) -> Option<&str> {
    match &field.value {
        FieldValue::Bool(yes) => yes.then_some(field.name),
        FieldValue::Text(text) => (text != "not-specified").then_some(text),
        FieldValue::Number(_) | FieldValue::List(_) | FieldValue::Fields(_) => panic!("{field:?}"),
    }
}

proptest! {
    #[test]
    fn whatever_is_written_is_read_and_every_shorter_value_is_refused(
        flags in 0..16_u8,
        weight in any::<u16>(),
        time in any::<[u8; 7]>(),
        user in any::<u8>(),
        body in any::<[u8; 4]>(),
    ) {
        let mut bytes = vec![flags];
        bytes.extend(weight.to_le_bytes());
        bytes.extend(time.iter().filter(|_| flags & 2 != 0));
        bytes.extend([user].iter().filter(|_| flags & 4 != 0));
        bytes.extend(body.iter().filter(|_| flags & 8 != 0));
        let decoded = WeightMeasurement::decode(&bytes).unwrap();
        prop_assert_eq!(decoded.weight.is_ok(), weight != UNSUCCESSFUL);
        prop_assert_eq!(decoded.stamp.time_stamp.map(|t| t.encode()), (flags & 2 != 0).then_some(time));
        prop_assert_eq!(decoded.stamp.user_id, (flags & 4 != 0).then_some(user));
        prop_assert_eq!(decoded.body_mass_index.is_some(), flags & 8 != 0);
        prop_assert_eq!(decoded.height.is_some(), flags & 8 != 0);
        prop_assert!(decoded.rest.is_empty());
        for length in 0..bytes.len() {
            prop_assert!(WeightMeasurement::decode(&bytes[..length]).unwrap_err().offset <= length);
        }
    }
}
