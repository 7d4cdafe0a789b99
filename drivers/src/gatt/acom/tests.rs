mod written;

use proptest::prelude::*;
use varde_wire::{Unit, Value};

use self::written::{any_observation, encode};
use super::*;
use crate::describe::unhex;

fn decode(hex: &str) -> Result<HealthObservation, FrameError> {
    HealthObservation::take(&mut Cursor::new(&unhex(hex)), false)
}

/// Observations as metric, value and unit.
fn words(observation: &HealthObservation) -> Vec<(u32, String, Option<Unit>)> {
    let observations = observation.observations(&"sensor-1".parse().unwrap());
    observations.into_iter().map(|o| (o.metric.code(), o.value.to_string(), o.unit)).collect()
}

fn code(code: u32) -> String {
    Metric::from_code(code).to_string()
}

const SPO2: u32 = 150_456;
const PULSE: u32 = 149_530;
const SPOT: u32 = 150_588;
const UNTYPED: u32 = 1024 * 65_536 + 62_976;
const STATUS: u32 = UNTYPED + 1;
const SUPPLEMENTAL: u32 = 68_193;

/// The bytes of STMicroelectronics' GHS application for STM32WBA (`ghs_app.c`), each of its observations but one: its
/// electrocardiogram writes the number of samples in one byte, where the same file's other sample array and the service
/// have four.
#[test]
fn the_observations_of_a_public_sensor_are_read_class_by_class() {
    let table = [
        (
            "011b006300b84b020022729d2b290000060001013c4c0200200262000000",
            vec![(SPO2, "98".to_owned(), Some(Unit::Percent)), (SUPPLEMENTAL, code(SPOT), None)],
        ),
        (
            // The source's comment says "value 98"; as a code that is 98.
            "0218004300b84b020022729d2b2900000600013c4c020062000000",
            vec![(SPO2, code(98), None), (SUPPLEMENTAL, code(SPOT), None)],
        ),
        ("030700000003004d616e", vec![(UNTYPED, "Man".to_owned(), None)]),
        (
            // The source's comment says "scale factor 1.612"; the bytes say 1612.
            "0420000000b2104c060000000800000a0000fd01010a000000f907fb07f507ff070c08",
            vec![(
                UNTYPED,
                "sample array: unit MDC 4:4274, scale factor 1612, offset 2048, period 0.010 s, 1 per period, \
                 1 bytes each: f907fb07f507ff070c08"
                    .to_owned(),
                None,
            )],
        ),
        (
            "082100000003b84b0200030004620000b84b0200030004630000b84b0200030004640000",
            ["98", "99", "100"].map(|number| (SPO2, number.to_owned(), None)).to_vec(),
        ),
        (
            "0735001300044a020022729d2b290000060040e2010003054a020001200f64000000064a020001200f3c000000074a020001200f\
             50000000",
            [(150_021, "100"), (150_022, "60"), (150_023, "80")]
                .map(|(metric, number)| (metric, number.to_owned(), Some(Unit::MillimetreOfMercury)))
                .to_vec(),
        ),
        (
            "0514008100f05580000140e2010002f0000300ae010300",
            vec![(8_410_608, format!("{} {}", code(3 << 16 | 240), code(3 << 16 | 430)), None)],
        ),
        (
            "0618008100f05580000140e2010004fffffffffffffffff0000300",
            vec![(8_410_608, "0x300f0".to_owned(), None)],
        ),
        (
            "ff2f00420022729d2b2900000600013c4c020002010c000100b84b0200200262000000010c0001001a480200a00a62000000",
            vec![
                (SPO2, "98".to_owned(), Some(Unit::Percent)),
                (PULSE, "98".to_owned(), Some(Unit::PerMinute)),
                (SUPPLEMENTAL, code(SPOT), None),
            ],
        ),
    ];
    for (hex, expected) in table {
        let observation = decode(hex).unwrap();
        assert_eq!(words(&observation), expected, "{hex}");
        assert!(observation.rest.is_empty(), "{hex}");
        observation.describe();
    }
}

#[test]
fn what_a_bundle_tells_holds_for_its_members_unless_they_tell_their_own() {
    // Patient 7, questionable; the second member is patient 9's.
    let bundle = decode(
        "ff2e00_2a00_320029f42d00000108_0200_07_02_010c000100b84b0200200262000000_010d0021001a48020009a00a3c000000"
            .replace('_', "")
            .as_str(),
    )
    .unwrap();
    let observations = bundle.observations(&"sensor-1".parse().unwrap());
    let told: Vec<_> = observations.iter().map(|o| (o.metric.code(), o.user)).collect();
    assert_eq!(told, [(SPO2, Some(7)), (PULSE, Some(9)), (STATUS, Some(7))]);
    for observation in &observations {
        assert_eq!(observation.device_time.unwrap().to_string(), "2024-06-06T10:00:00");
        assert!(observation.flags.has(Flags::QUESTIONABLE));
    }
    assert_eq!(bundle.time_stamp(), bundle.attributes.time_stamp);
}

/// 36.2 with a unit that has a word and one that has none, and the numbers that are none.
#[test]
fn a_number_keeps_its_digits_and_never_loses_its_unit() {
    let table = [
        ("a0176a0100ff", Value::Decimal(Decimal::new(362, -1)), Some(Unit::Celsius)),
        ("d2062a0500fe", Value::Decimal(Decimal::new(1322, -5)), Some(Unit::Gram)),
        ("60156a0100ff", Value::Text("36.2 MDC 4:5472".into()), None),
        ("a017ffff7f00", Value::Absent(Absence::NotANumber), Some(Unit::Celsius)),
        ("a01700008000", Value::Absent(Absence::NotAtThisResolution), Some(Unit::Celsius)),
        ("a017feff7f00", Value::Absent(Absence::PositiveInfinity), Some(Unit::Celsius)),
        ("a01702008000", Value::Absent(Absence::NegativeInfinity), Some(Unit::Celsius)),
        ("6015ffff7f00", Value::Absent(Absence::NotANumber), None),
        // 1 × 10^-128 milligram: no exponent is left for the prefix.
        ("d20601000080", Value::Text(format!("0.{}1 MDC 4:1746", "0".repeat(127))), None),
        ("c006fdff7f7f", Value::Decimal(Decimal::new(8_388_605, 127)), Some(Unit::Gram)),
    ];
    for (value, expected, unit) in table {
        let observation = decode(&format!("010c0001005c4b0200{value}")).unwrap();
        let observations = observation.observations(&"sensor-1".parse().unwrap());
        assert_eq!(observations[0].value, expected, "{value}");
        assert_eq!(observations[0].unit, unit, "{value}");
    }
}

#[test]
fn the_status_says_how_far_the_value_is_to_be_believed() {
    let table = [
        (0b0001, Flags::QUESTIONABLE),
        (0b0010, Flags::QUESTIONABLE),
        (0b0100, Flags::QUESTIONABLE),
        (0b1000, Flags::QUESTIONABLE),
        (1 << 4, Flags::TEST),
        (1 << 5, Flags::INTERMEDIATE),
        (1 << 6, Flags::NONE),
        (1 << 7, Flags::NONE),
        (0xFF00, Flags::NONE),
    ];
    for (status, flags) in table {
        let attributes = Attributes { status: Some(MeasurementStatus(status)), ..Attributes::default() };
        let value = ObservationValue::Discrete(1);
        let observation = HealthObservation { class: 2, attributes, value, rest: Vec::new() };
        let observations = observation.observations(&"sensor-1".parse().unwrap());
        assert_eq!(observations[0].flags, flags, "{status:04x}");
        assert_eq!(observations[1].value, Value::Bits(status.into()));
    }
}

#[test]
fn reserved_flags_and_later_bytes_are_kept_and_cost_nothing_but_trust() {
    let plain = decode("010c0001fcb84b0200200262000000").unwrap();
    assert_eq!(plain.attributes.reserved_flags, 0xFC00);
    let observations = plain.observations(&"sensor-1".parse().unwrap());
    assert_eq!(
        (&observations[0].value, observations[0].flags),
        (&Value::Decimal(Decimal::whole(98)), Flags::NONE)
    );
    let longer = decode("010e000104b84b0200200262000000aabb").unwrap();
    assert_eq!(longer.rest, [0xAA, 0xBB]);
    assert!(longer.observations(&"sensor-1".parse().unwrap())[0].flags.has(Flags::QUESTIONABLE));
    let vendor = decode("010e000100b84b0200200262000000aabb").unwrap();
    assert_eq!(vendor.observations(&"sensor-1".parse().unwrap())[0].flags, Flags::NONE);
}

#[test]
fn an_unknown_class_is_passed_on_as_it_came() {
    let future = decode("200800_0100_b84b0200_abcd".replace('_', "").as_str()).unwrap();
    assert_eq!(words(&future), [(SPO2, "abcd".to_owned(), None)]);
    let nested = decode("ff0b000000_01_ff0500010012345678".replace('_', "").as_str());
    assert_eq!(nested.unwrap_err().field, "observation type");
    let nested = decode("ff0b000000_01_ff0500000012_3456".replace('_', "").as_str()).unwrap();
    let ObservationValue::Bundle(members) = nested.value else { panic!("{nested:?}") };
    assert_eq!(members[0].value, ObservationValue::Unknown(vec![0x12, 0x34, 0x56]));
}

#[test]
fn what_ends_within_a_field_is_refused_with_its_name() {
    let table = [
        ("", "observation class at byte 0: too short: expected length 1, got 0"),
        ("0102", "observation length at byte 1: too short: expected length 2, got 1"),
        ("01030001", "observation at byte 3: too short: expected length 3, got 1"),
        ("010100ff", "flags at byte 3: too short: expected length 2, got 1"),
        ("0104000100b84b", "observation type at byte 5: too short: expected length 4, got 2"),
        ("01060002002200ff00", "time stamp at byte 5: too short: expected length 9, got 4"),
        ("0103004000ff", "supplemental information at byte 6: too short: expected length 4, got 0"),
        ("030500000004004d", "text at byte 7: too short: expected length 4, got 1"),
        ("0804000000010203", "TLV type at byte 6: too short: expected length 4, got 1"),
        ("060400000004ff", "supported bits at byte 6: too short: expected length 4, got 1"),
        (
            "07090000000100000000f1ff",
            "class of the component at byte 10: of a kind that this program does not know; what follows it cannot be read",
        ),
        (
            "0417000000b2104c060000000800000a0000fd0102ffffffff00",
            "samples at byte 25: too short: expected length 8589934590, got 1",
        ),
    ];
    for (hex, message) in table {
        assert_eq!(decode(hex).unwrap_err().to_string(), message);
    }
}

proptest! {
    #[test]
    fn every_observation_is_read_back_as_it_was_written(observation in any_observation()) {
        let bytes = encode(&observation);
        let mut cursor = Cursor::new(&bytes);
        prop_assert_eq!(&HealthObservation::take(&mut cursor, false).unwrap(), &observation);
        prop_assert!(cursor.rest().is_empty());
        observation.describe();
        observation.observations(&"sensor-1".parse().unwrap());
    }

    #[test]
    fn no_part_of_an_observation_is_taken_for_a_whole_one(observation in any_observation(), cut in any::<prop::sample::Index>()) {
        let bytes = encode(&observation);
        let part = &bytes[..cut.index(bytes.len())];
        prop_assert!(HealthObservation::take(&mut Cursor::new(part), false).is_err());
    }
}
