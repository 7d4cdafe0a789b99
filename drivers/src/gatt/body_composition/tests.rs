use proptest::prelude::*;

use super::*;
use crate::decode_gatt;
use crate::describe::unhex;

/// The tests of im97mori's JavaBLEUtil (MIT). Of its measurement in two parts, `fe1f…`, these are the bytes of the
/// first part; its failed measurement with all values has a byte too many.
const VECTORS: &[(&str, &str)] = &[
    (
        "fe0f0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c",
        "51.3 % at 1027-05-06T07:08:09 user 10, basal_metabolism_kj 3083 kJ, muscle_percentage \
         359.7 %, muscle_mass 20.555 kg, fat_free_mass 23.125 kg, soft_lean_mass 25.695 kg, \
         body_water_mass 28.265 kg, impedance_ohm 616.7 Ohm, weight 33.405 kg, height 7.195 m",
    ),
    (
        "fe1f0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c",
        "51.3 % at 1027-05-06T07:08:09 user 10, basal_metabolism_kj 3083 kJ, muscle_percentage \
         359.7 %, muscle_mass 20.555 kg, fat_free_mass 23.125 kg, soft_lean_mass 25.695 kg, \
         body_water_mass 28.265 kg, impedance_ohm 616.7 Ohm, weight 33.405 kg, height 7.195 m, \
         part",
    ),
    ("00000102", "51.3 %"),
    ("01000102", "51.3 %"),
    ("020001022e060000000000", "51.3 % at 1582-00-00T00:00:00"),
    ("020001020f270101173b3b", "51.3 % at 9999-01-01T23:59:59"),
    ("020001020f270201173b3a", "51.3 % at 9999-02-01T23:59:58"),
    ("020001020f270301173b3a", "51.3 % at 9999-03-01T23:59:58"),
    ("020001020f270401173b3a", "51.3 % at 9999-04-01T23:59:58"),
    ("020001020f270501173b3a", "51.3 % at 9999-05-01T23:59:58"),
    ("020001020f270601173b3a", "51.3 % at 9999-06-01T23:59:58"),
    ("020001020f270701173b3a", "51.3 % at 9999-07-01T23:59:58"),
    ("020001020f270801173b3a", "51.3 % at 9999-08-01T23:59:58"),
    ("020001020f270901173b3a", "51.3 % at 9999-09-01T23:59:58"),
    ("020001020f270a01173b3a", "51.3 % at 9999-10-01T23:59:58"),
    ("020001020f270b01173b3a", "51.3 % at 9999-11-01T23:59:58"),
    ("020001020f270c01173b3a", "51.3 % at 9999-12-01T23:59:58"),
    ("0400010203", "51.3 % user 3"),
    ("080001020304", "51.3 %, basal_metabolism_kj 1027 kJ"),
    ("08000102ffff", "51.3 %, basal_metabolism_kj 65535 kJ"),
    ("100001020304", "51.3 %, muscle_percentage 102.7 %"),
    ("10000102ffff", "51.3 %, muscle_percentage 6553.5 %"),
    ("200001020304", "51.3 %, muscle_mass 5.135 kg"),
    ("20000102ffff", "51.3 %, muscle_mass 327.675 kg"),
    ("210001020304", "51.3 %, muscle_mass 10.27 [lb_av]"),
    ("21000102ffff", "51.3 %, muscle_mass 655.35 [lb_av]"),
    ("400001020304", "51.3 %, fat_free_mass 5.135 kg"),
    ("40000102ffff", "51.3 %, fat_free_mass 327.675 kg"),
    ("410001020304", "51.3 %, fat_free_mass 10.27 [lb_av]"),
    ("41000102ffff", "51.3 %, fat_free_mass 655.35 [lb_av]"),
    ("800001020304", "51.3 %, soft_lean_mass 5.135 kg"),
    ("80000102ffff", "51.3 %, soft_lean_mass 327.675 kg"),
    ("810001020304", "51.3 %, soft_lean_mass 10.27 [lb_av]"),
    ("81000102ffff", "51.3 %, soft_lean_mass 655.35 [lb_av]"),
    ("000101020304", "51.3 %, body_water_mass 5.135 kg"),
    ("00010102ffff", "51.3 %, body_water_mass 327.675 kg"),
    ("010101020304", "51.3 %, body_water_mass 10.27 [lb_av]"),
    ("01010102ffff", "51.3 %, body_water_mass 655.35 [lb_av]"),
    ("000201020304", "51.3 %, impedance_ohm 102.7 Ohm"),
    ("00020102ffff", "51.3 %, impedance_ohm 6553.5 Ohm"),
    ("000401020304", "51.3 %, weight 5.135 kg"),
    ("00040102ffff", "51.3 %, weight 327.675 kg"),
    ("010401020304", "51.3 %, weight 10.27 [lb_av]"),
    ("01040102ffff", "51.3 %, weight 655.35 [lb_av]"),
    ("000801020304", "51.3 %, height 1.027 m"),
    ("00080102ffff", "51.3 %, height 65.535 m"),
    ("010801020304", "51.3 %, height 102.7 [in_i]"),
    ("01080102ffff", "51.3 %, height 6553.5 [in_i]"),
    ("00100102", "51.3 %, part"),
    ("0000ffff", "unsuccessful"),
    (
        "fe0fffff000000000000000000000000000000000000000000000000000000",
        "unsuccessful at 0000-00-00T00:00:00 user 0, basal_metabolism_kj 0 kJ, \
         muscle_percentage 0.0 %, muscle_mass 0.000 kg, fat_free_mass 0.000 kg, soft_lean_mass \
         0.000 kg, body_water_mass 0.000 kg, impedance_ohm 0.0 Ohm, weight 0.000 kg, height \
         0.000 m",
    ),
    (
        "ff0f0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c",
        "51.3 % at 1027-05-06T07:08:09 user 10, basal_metabolism_kj 3083 kJ, muscle_percentage \
         359.7 %, muscle_mass 41.11 [lb_av], fat_free_mass 46.25 [lb_av], soft_lean_mass 51.39 \
         [lb_av], body_water_mass 56.53 [lb_av], impedance_ohm 616.7 Ohm, weight 66.81 \
         [lb_av], height 719.5 [in_i]",
    ),
];

#[test]
fn a_measurement_agrees_with_another_implementation() {
    for (hex, expected) in VECTORS {
        let measurement = BodyComposition::decode(&unhex(hex)).unwrap();
        let mut text = measurement.body_fat.map_or("unsuccessful".to_owned(), |fat| format!("{fat} %"));
        text.extend(measurement.stamp.time_stamp.map(|t| format!(" at {}", t.as_sent())));
        text.extend(measurement.stamp.user_id.map(|user| format!(" user {user}")));
        for (quantity, number) in &measurement.values {
            text += &format!(", {} {number} {}", quantity.name(), quantity.unit(measurement.units).ucum());
        }
        text.extend(measurement.is_part.then_some(", part"));
        assert_eq!(text, *expected, "{hex}");
    }
}

#[test]
fn a_truncated_value_names_the_missing_field_and_where_it_begins() {
    let table = [
        (0x2A9C, "00", "flags at byte 0: too short: expected length 2, got 1"),
        (0x2A9C, "000001", "body fat percentage at byte 2: too short: expected length 2, got 1"),
        (0x2A9C, "02000102e8070203", "time stamp at byte 4: too short: expected length 7, got 4"),
        (0x2A9C, "04000102", "user id at byte 4: too short: expected length 1, got 0"),
        (0x2A9C, "0800010203", "basal_metabolism_kj at byte 4: too short: expected length 2, got 1"),
        (0x2A9C, "000c0102030405", "height at byte 6: too short: expected length 2, got 1"),
        (0x2A9B, "010203", "body composition feature at byte 0: too short: expected length 4, got 3"),
    ];
    for (uuid, hex, expected) in table {
        assert_eq!(decode_gatt(uuid, &unhex(hex)).unwrap_err().to_string(), expected);
    }
}

#[test]
fn reserved_flags_and_bytes_after_the_last_field_never_cost_the_reading() {
    let plain = decode_gatt(0x2A9C, &unhex("0000e100")).unwrap();
    let odd = decode_gatt(0x2A9C, &unhex("00e0e100cafe")).unwrap();
    assert_eq!(odd.observations, plain.observations);
    let names: Vec<_> = odd.measurement.fields().iter().skip(4).map(|field| field.name).collect();
    assert_eq!(names, ["reserved_flags", "rest"]);
}

#[test]
fn a_measurement_becomes_one_observation_a_value_with_its_time_and_user() {
    // 22.5 % fat on 2024-02-29, user 2, 6500 kJ, impedance 512.3 ohm, 72.5 kg.
    let bytes = unhex("0e06e100e807021d14293b0264190314a438");
    let observations = decode_gatt(0x2A9C, &bytes).unwrap().observations;
    let expected = [
        (Metric::BODY_FAT, "22.5", Unit::Percent),
        (Metric::BASAL_METABOLISM, "6500", Unit::Kilojoule),
        (Metric::BODY_IMPEDANCE, "512.3", Unit::Ohm),
        (Metric::BODY_WEIGHT, "72.500", Unit::Kilogram),
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
fn what_comes_with_a_measurement_that_failed_is_kept_and_doubtful() {
    let observations = decode_gatt(0x2A9C, &unhex("0004ffffa438")).unwrap().observations;
    let [fat, weight] = &observations[..] else { panic!("{observations:?}") };
    assert_eq!(fat.value, Value::Absent(Absence::NotANumber));
    assert_eq!((weight.value.to_string().as_str(), weight.flags), ("72.500", Flags::QUESTIONABLE));
}

fn part(hex: &str) -> BodyComposition {
    BodyComposition::decode(&unhex(hex)).unwrap()
}

#[test]
fn two_parts_are_one_measurement_in_the_order_of_the_specification() {
    let first = part("0616e100e807021d14293b020314a438");
    let second = part("2010e100c832");
    assert!(first.goes_on_in(&second));
    let whole = first.with(second);
    let quantities: Vec<_> = whole.values.iter().map(|(quantity, _)| *quantity).collect();
    assert_eq!(quantities, [Quantity::MuscleMass, Quantity::Impedance, Quantity::Weight]);
    assert_eq!((whole.body_fat, whole.stamp.user_id), (Ok(Decimal::new(225, -1)), Some(2)));
}

#[test]
fn what_is_anothers_or_said_twice_is_no_part_of_the_measurement() {
    let first = part("0414e10002a438");
    let others = [
        ("2000e100c832", "it is whole"),
        ("2110e100c832", "in other units"),
        ("2410e10001c832", "of another user"),
        ("2210e100e807021d14293bc832", "at a time of its own"),
        ("0014e100a438", "the weight again"),
    ];
    for (hex, why) in others {
        assert!(!first.goes_on_in(&part(hex)), "{why}");
    }
    assert!(first.goes_on_in(&part("2410e10002c832")));
    assert!(!part("0404e10002a438").goes_on_in(&part("2010e100c832")), "after a whole one");
}

/// The tests of im97mori's `JavaBLEUtil` (MIT): each bit and each step alone; the last row: reserved numbers.
#[test]
fn every_bit_of_the_feature_is_told() {
    let told = |bits: u32| -> Vec<String> {
        let described = BodyCompositionFeature::decode(&bits.to_le_bytes()).unwrap().describe();
        let told = described.fields().iter().filter_map(|field| match &field.value {
            FieldValue::Bool(yes) => yes.then(|| field.name.to_owned()),
            FieldValue::Text(text) => (text != "not-specified").then(|| text.clone()),
            FieldValue::Number(_) | FieldValue::List(_) | FieldValue::Fields(_) => {
                Some(field.name.to_owned())
            }
        });
        told.collect()
    };
    assert!(told(0).is_empty());
    for (bit, name) in BodyCompositionFeature::NAMES.into_iter().enumerate() {
        assert_eq!(told(1 << bit), [name]);
    }
    let masses = [
        "0.5 kg or 1 lb",
        "0.2 kg or 0.5 lb",
        "0.1 kg or 0.2 lb",
        "0.05 kg or 0.1 lb",
        "0.02 kg or 0.05 lb",
        "0.01 kg or 0.02 lb",
        "0.005 kg or 0.01 lb",
    ];
    for (step, text) in (1..).zip(masses) {
        assert_eq!(told(step << 11), [text]);
    }
    for (step, text) in (1..).zip(["0.01 m or 1 in", "0.005 m or 0.5 in", "0.001 m or 0.1 in"]) {
        assert_eq!(told(step << 15), [text]);
    }
    assert_eq!(told(8 << 11 | 4 << 15 | 1 << 18), ["reserved", "reserved", "reserved"]);
}

proptest! {
    #[test]
    fn whatever_is_written_is_read_and_every_shorter_value_is_refused(
        flags in 0..0x2000_u16,
        fat in any::<u16>(),
        time in any::<[u8; 7]>(),
        user in any::<u8>(),
        steps in any::<[u16; 9]>(),
    ) {
        let mut bytes = [flags.to_le_bytes(), fat.to_le_bytes()].concat();
        bytes.extend(time.iter().filter(|_| flags & 2 != 0));
        bytes.extend([user].iter().filter(|_| flags & 4 != 0));
        let present: Vec<_> = (0..9).filter(|place| flags >> (place + 3) & 1 == 1).collect();
        bytes.extend(present.iter().flat_map(|place| steps[*place].to_le_bytes()));
        let decoded = BodyComposition::decode(&bytes).unwrap();
        prop_assert_eq!(decoded.body_fat.is_ok(), fat != UNSUCCESSFUL);
        prop_assert_eq!(decoded.stamp.time_stamp.map(|t| t.encode()), (flags & 2 != 0).then_some(time));
        prop_assert_eq!(decoded.stamp.user_id, (flags & 4 != 0).then_some(user));
        let quantities: Vec<_> = decoded.values.iter().map(|(quantity, _)| *quantity).collect();
        prop_assert_eq!(quantities, present.iter().map(|place| Quantity::ALL[*place]).collect::<Vec<_>>());
        prop_assert!(decoded.rest.is_empty());
        for length in 0..bytes.len() {
            prop_assert!(BodyComposition::decode(&bytes[..length]).unwrap_err().offset <= length);
        }
    }
}
