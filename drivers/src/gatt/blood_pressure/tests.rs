use proptest::prelude::*;

use super::*;
use crate::describe::unhex;

/// The tests of Nordic's Android BLE Library (BSD-3-Clause) and im97mori's JavaBLEUtil (MIT), whose rows for 2A36
/// have the same bytes as those for 2A35. The latter call the second and third number of 2A36 unused.
const VECTORS: &[(&str, &str)] = &[
    (
        "1e8a00580078000000041114293b3c00012700",
        "138 88 120 mm[Hg] at 0000-04-17T20:41:59 pulse 60 user 1 status 0027",
    ),
    ("15bdf00b009ff03c001200", "18.9 11 15.9 kPa pulse 60 status 0012"),
    ("00bdf00b009ff0", "18.9 11 15.9 mm[Hg]"),
    (
        "1e0400000000000000041114293b3c00012700",
        "4 0 0 mm[Hg] at 0000-04-17T20:41:59 pulse 60 user 1 status 0027",
    ),
    ("156ff0000000003c001200", "11.1 0 0 kPa pulse 60 status 0012"),
    ("00d7f000000000", "21.5 0 0 mm[Hg]"),
    ("00010002000300", "1 2 3 mm[Hg]"),
    ("01010002000300", "1 2 3 kPa"),
    ("020100020003002e060000000000", "1 2 3 mm[Hg] at 1582-00-00T00:00:00"),
    ("020100020003000f270101173b3b", "1 2 3 mm[Hg] at 9999-01-01T23:59:59"),
    ("020100020003000f27021f000000", "1 2 3 mm[Hg] at 9999-02-31T00:00:00"),
    ("020100020003000f27031f000000", "1 2 3 mm[Hg] at 9999-03-31T00:00:00"),
    ("020100020003000f27041f000000", "1 2 3 mm[Hg] at 9999-04-31T00:00:00"),
    ("020100020003000f27051f000000", "1 2 3 mm[Hg] at 9999-05-31T00:00:00"),
    ("020100020003000f27061f000000", "1 2 3 mm[Hg] at 9999-06-31T00:00:00"),
    ("020100020003000f27071f000000", "1 2 3 mm[Hg] at 9999-07-31T00:00:00"),
    ("020100020003000f27081f000000", "1 2 3 mm[Hg] at 9999-08-31T00:00:00"),
    ("020100020003000f27091f000000", "1 2 3 mm[Hg] at 9999-09-31T00:00:00"),
    ("020100020003000f270a1f000000", "1 2 3 mm[Hg] at 9999-10-31T00:00:00"),
    ("020100020003000f270b1f000000", "1 2 3 mm[Hg] at 9999-11-31T00:00:00"),
    ("020100020003000f270c1f000000", "1 2 3 mm[Hg] at 9999-12-31T00:00:00"),
    ("040100020003000400", "1 2 3 mm[Hg] pulse 4"),
    ("08010002000300ff", "1 2 3 mm[Hg] user 255"),
    ("0801000200030004", "1 2 3 mm[Hg] user 4"),
    ("100100020003000000", "1 2 3 mm[Hg] status 0000"),
    ("100100020003000100", "1 2 3 mm[Hg] status 0001"),
    ("100100020003000200", "1 2 3 mm[Hg] status 0002"),
    ("100100020003000400", "1 2 3 mm[Hg] status 0004"),
    ("100100020003000800", "1 2 3 mm[Hg] status 0008"),
    ("100100020003001000", "1 2 3 mm[Hg] status 0010"),
    ("100100020003002000", "1 2 3 mm[Hg] status 0020"),
    (
        "1e010002000300040005060708090a000b2500",
        "1 2 3 mm[Hg] at 0004-05-06T07:08:09 pulse 10 user 11 status 0025",
    ),
    (
        "1f010002000300040005060708090a000b2500",
        "1 2 3 kPa at 0004-05-06T07:08:09 pulse 10 user 11 status 0025",
    ),
];

#[test]
fn both_characteristics_agree_with_two_other_implementations() {
    for (hex, expected) in VECTORS {
        let bytes = unhex(hex);
        let measurement = BloodPressureMeasurement::decode(&bytes).unwrap();
        let pressures = [measurement.systolic, measurement.diastolic, measurement.mean_arterial_pressure];
        assert_eq!(summary(pressures, &measurement.context), *expected, "{hex}");

        let cuff = IntermediateCuffPressure::decode(&bytes).unwrap();
        let [second, third] = cuff.unused;
        assert_eq!(cuff.context, measurement.context);
        assert_eq!([cuff.current_cuff_pressure, second, third], pressures);
    }
}

fn summary(pressures: [Medical; 3], context: &Context) -> String {
    let [first, second, third] = pressures.map(|number| number.unwrap());
    let mut text = format!("{first} {second} {third} {}", context.unit.ucum());
    text.extend(context.time_stamp.map(|t| format!(" at {}", t.as_sent())));
    text.extend(context.pulse_rate.map(|rate| format!(" pulse {}", rate.unwrap())));
    text.extend(context.user_id.map(|user| format!(" user {user}")));
    text.extend(context.measurement_status.map(|status| format!(" status {:04x}", status.0)));
    text
}

/// The first two rows: Nordic's tests of a value that is too short.
#[test]
fn a_truncated_value_names_the_missing_field_and_where_it_begins() {
    let table = [
        ("010203040506", "mean arterial pressure at byte 5: too short: expected length 2, got 1"),
        ("03020304050607", "time stamp at byte 7: too short: expected length 7, got 0"),
        ("", "flags at byte 0: too short: expected length 1, got 0"),
        ("1401000200030004", "pulse rate at byte 7: too short: expected length 2, got 1"),
        ("08010002000300", "user id at byte 7: too short: expected length 1, got 0"),
        ("1001000200030000", "measurement status at byte 7: too short: expected length 2, got 1"),
    ];
    for (hex, expected) in table {
        assert_eq!(BloodPressureMeasurement::decode(&unhex(hex)).unwrap_err().to_string(), expected);
    }
    let cuff = IntermediateCuffPressure::decode(&[0]).unwrap_err();
    assert_eq!(cuff.to_string(), "current cuff pressure at byte 1: too short: expected length 2, got 0");
}

#[test]
fn reserved_flags_and_bytes_after_the_last_field_never_cost_the_reading() {
    let plain = BloodPressureMeasurement::decode(&unhex("00780050005d00")).unwrap();
    let odd = BloodPressureMeasurement::decode(&unhex("e0780050005d00cafe")).unwrap();
    let device = "cuff-1".parse().unwrap();
    assert_eq!(odd.observations(&device), plain.observations(&device));
    assert_eq!((odd.context.reserved_flags, odd.context.rest), (0xE0, vec![0xCA, 0xFE]));
}

#[test]
fn a_measurement_becomes_one_observation_a_value_with_time_user_and_doubts() {
    let device: DeviceId = "cuff-1".parse().unwrap();
    // Sys 138, dia 88, mean NaN, at 2024-02-29 20:41:59, pulse 60, user 1, body moved.
    let bytes = unhex("1e8a005800ff07e807021d14293b3c00010100");
    let observations = BloodPressureMeasurement::decode(&bytes).unwrap().observations(&device);
    let mmhg = Some(Unit::MillimetreOfMercury);
    let expected = [
        (Metric::SYSTOLIC, Value::Decimal(Decimal::whole(138)), mmhg),
        (Metric::DIASTOLIC, Value::Decimal(Decimal::whole(88)), mmhg),
        (Metric::MEAN_ARTERIAL, Value::Absent(Absence::NotANumber), mmhg),
        (Metric::PULSE_RATE_CUFF, Value::Decimal(Decimal::whole(60)), Some(Unit::PerMinute)),
        (Metric::BLOOD_PRESSURE_STATUS, Value::Bits(1), None),
    ];
    assert_eq!(observations.len(), expected.len());
    for (observation, (metric, value, unit)) in observations.iter().zip(expected) {
        assert_eq!((observation.metric, &observation.value, observation.unit), (metric, &value, unit));
        assert_eq!(observation.device_time.unwrap().to_string(), "2024-02-29T20:41:59");
        assert_eq!((observation.user, observation.group), (Some(1), None));
        assert_eq!(observation.flags, Flags::QUESTIONABLE);
    }
}

#[test]
fn an_impossible_date_marks_the_clock_and_keeps_the_reading() {
    let device = "cuff-1".parse().unwrap();
    let bytes = unhex("02780050005d000f27021f000000");
    for observation in BloodPressureMeasurement::decode(&bytes).unwrap().observations(&device) {
        assert_eq!((observation.device_time, observation.flags), (None, Flags::DEVICE_CLOCK_UNSET));
    }
}

#[test]
fn a_cuff_pressure_is_marked_as_intermediate_and_its_unused_places_mean_nothing() {
    let device = "cuff-1".parse().unwrap();
    let cuff = IntermediateCuffPressure::decode(&unhex("01d7f0ff07ff07")).unwrap();
    let observations = cuff.observations(&device);
    assert_eq!(observations.len(), 1);
    assert_eq!((observations[0].metric, observations[0].flags), (Metric::CUFF, Flags::INTERMEDIATE));
    assert_eq!(observations[0].value.to_string(), "21.5");
    let names: Vec<_> = cuff.describe().fields().iter().map(|field| field.name).collect();
    assert_eq!(names, ["current_cuff_pressure", "unit"]);
}

/// Bits as in the status assertions of Nordic's tests, and bits alone.
#[test]
fn every_bit_of_the_status_is_told_and_any_of_them_is_a_doubt() {
    let words = |bits| {
        let status = MeasurementStatus(bits);
        let flags = [
            status.body_movement_detected(),
            status.cuff_too_loose(),
            status.irregular_pulse_detected(),
            status.improper_measurement_position(),
        ];
        (flags, status.pulse_rate_range(), status.is_questionable())
    };
    let no = [false; 4];
    assert_eq!(words(0x27), ([true; 4], "within-range", true));
    assert_eq!(words(0x12), ([false, true, false, false], "below-lower-limit", true));
    assert_eq!(words(0x08), (no, "exceeds-upper-limit", true));
    assert_eq!(words(0x18), (no, "reserved", true));
    assert_eq!(words(0xFFC0), (no, "within-range", false));
}

/// The tests of im97mori's JavaBLEUtil (MIT): each bit alone is one feature, and none is none.
#[test]
fn every_bit_of_the_feature_is_one_feature() {
    let supported = |bits: u16| {
        let described = BloodPressureFeature::decode(&bits.to_le_bytes()).unwrap().describe();
        let yes = described.fields().iter().filter(|field| field.value == true.into());
        yes.map(|field| field.name).collect::<Vec<_>>()
    };
    assert!(supported(0).is_empty());
    for (bit, name) in BloodPressureFeature::NAMES.iter().enumerate() {
        assert_eq!(supported(1 << bit), [*name]);
    }
    assert_eq!(
        BloodPressureFeature::decode(&[1]).unwrap_err().to_string(),
        "blood pressure feature at byte 0: too short: expected length 2, got 1"
    );
}

/// A measurement as a device would write it: which fields, and the bytes of each.
fn values() -> impl Strategy<Value = (u8, Vec<Vec<u8>>)> {
    let fields = [2_usize, 2, 2, 7, 2, 1, 2].map(|length| proptest::collection::vec(any::<u8>(), length));
    (0..32_u8, fields.to_vec()).prop_map(|(flags, fields)| {
        let present = |place: usize| place < 3 || flags >> (place - 2) & 1 == 1;
        (flags, fields.into_iter().enumerate().filter(|(i, _)| present(*i)).map(|(_, f)| f).collect())
    })
}

proptest! {
    #[test]
    fn whatever_is_written_is_read_and_every_shorter_value_is_refused((flags, fields) in values()) {
        let bytes = [vec![flags], fields.concat()].concat();
        let decoded = BloodPressureMeasurement::decode(&bytes).unwrap();
        prop_assert!(decoded.context.rest.is_empty());
        prop_assert_eq!(decoded.context.time_stamp.is_some(), flags & 2 != 0);
        prop_assert_eq!(decoded.context.pulse_rate.is_some(), flags & 4 != 0);
        prop_assert_eq!(decoded.context.user_id.is_some(), flags & 8 != 0);
        prop_assert_eq!(decoded.context.measurement_status.is_some(), flags & 16 != 0);
        if flags & 16 != 0 {
            let last = fields.last().unwrap();
            prop_assert_eq!(decoded.context.measurement_status.unwrap().0.to_le_bytes().to_vec(), last.clone());
        }
        for length in 0..bytes.len() {
            let refused = BloodPressureMeasurement::decode(&bytes[..length]).unwrap_err();
            prop_assert!(refused.offset <= length);
        }
    }
}
