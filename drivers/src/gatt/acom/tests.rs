use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use varde_wire::{Metric, Unit, Value};

use super::*;
use crate::describe::unhex;
use crate::gatt::elapsed_time::ElapsedTime;

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

fn any_medical() -> impl Strategy<Value = Medical> {
    prop_oneof![
        4 => (-8_388_605_i64..=8_388_605, any::<i8>()).prop_map(|(mantissa, exponent)| Ok(Decimal::new(mantissa, exponent))),
        1 => prop::sample::select(vec![
            Absence::NotANumber,
            Absence::NotAtThisResolution,
            Absence::PositiveInfinity,
            Absence::NegativeInfinity,
            Absence::Reserved,
        ])
        .prop_map(Err),
    ]
}

fn any_time() -> impl Strategy<Value = ElapsedTime> {
    any::<[u8; 9]>().prop_map(|bytes| ElapsedTime::take(&mut Cursor::new(&bytes), "time").unwrap())
}

fn any_tlv() -> impl Strategy<Value = Tlv> {
    (any::<u32>(), any::<u8>(), vec(any::<u8>(), 0..9)).prop_map(|(kind, format, value)| Tlv {
        kind,
        format,
        value,
    })
}

prop_compose! {
    fn any_attributes()(
        kind in option::of(any::<u32>()),
        time_stamp in option::of(any_time()),
        duration_s in option::of(any_medical()),
        status in option::of(any::<u16>().prop_map(MeasurementStatus)),
        object_id in option::of(any::<u32>()),
        patient in option::of(any::<u8>()),
        lists in (vec(any::<u32>(), 0..4), vec(any::<u32>(), 0..4), vec(any::<u32>(), 0..4)),
        tlvs in vec(any_tlv(), 0..3),
        reserved in 0_u16..64,
    ) -> Attributes {
        let (supplemental, derived_from, member_of) = lists;
        let reserved_flags = reserved << 10;
        Attributes {
            kind, time_stamp, duration_s, status, object_id, patient, supplemental, derived_from, member_of, tlvs,
            reserved_flags,
        }
    }
}

fn any_simple() -> impl Strategy<Value = (u8, ObservationValue)> {
    let samples = (
        any::<u16>(),
        any_medical(),
        any_medical(),
        any_medical(),
        any::<u8>(),
        1_u8..5,
        vec(any::<u8>(), 0..20),
    );
    prop_oneof![
        (any::<u16>(), any_medical())
            .prop_map(|(unit, number)| (1, ObservationValue::Numeric(Quantity { unit, number }))),
        any::<u32>().prop_map(|code| (2, ObservationValue::Discrete(code))),
        "[a-zåäö]{0,9}".prop_map(|text| (3, ObservationValue::Text(text))),
        samples.prop_map(|(unit, scale_factor, offset, period_s, per_period, bytes_per_sample, bytes)| {
            let count = bytes.len() / usize::from(bytes_per_sample);
            let bytes = bytes[..count * usize::from(bytes_per_sample)].to_vec();
            let count = u32::try_from(count).unwrap();
            let samples =
                Samples { unit, scale_factor, offset, period_s, per_period, bytes_per_sample, count, bytes };
            (4, ObservationValue::Samples(samples))
        }),
        vec(any::<u32>(), 0..5).prop_map(|codes| (5, ObservationValue::Events(codes))),
        vec(any::<[u8; 3]>(), 0..6).prop_map(|bits| {
            let field = |place: usize| bits.iter().map(|bits| bits[place]).collect();
            (6, ObservationValue::States(States { supported: field(0), events: field(1), bits: field(2) }))
        }),
    ]
}

fn any_single() -> impl Strategy<Value = HealthObservation> {
    let component = (any::<u32>(), any_simple().prop_map(|(_, value)| value));
    let value = prop_oneof![
        any_simple(),
        vec(component, 0..4).prop_map(|components| (7, ObservationValue::Compound(components))),
        vec(any_tlv(), 0..4).prop_map(|tlvs| (8, ObservationValue::Tlvs(tlvs))),
        (9_u8..255, vec(any::<u8>(), 0..9))
            .prop_map(|(class, bytes)| (class, ObservationValue::Unknown(bytes))),
    ];
    (any_attributes(), value, vec(any::<u8>(), 0..4)).prop_map(|(attributes, (class, value), rest)| {
        let rest = if matches!(value, ObservationValue::Unknown(_)) { Vec::new() } else { rest };
        HealthObservation { class, attributes, value, rest }
    })
}

fn any_observation() -> impl Strategy<Value = HealthObservation> {
    prop_oneof![
        3 => any_single(),
        1 => (any_attributes(), vec(any_single(), 0..4)).prop_map(|(attributes, members)| HealthObservation {
            class: 255,
            attributes,
            value: ObservationValue::Bundle(members),
            rest: Vec::new(),
        }),
    ]
}

/// What a device does: the other direction, from the service's tables.
fn encode(observation: &HealthObservation) -> Vec<u8> {
    let mut inner = encode_attributes(&observation.attributes);
    inner.extend(encode_value(&observation.value));
    inner.extend(&observation.rest);
    let mut bytes = vec![observation.class];
    bytes.extend(u16::try_from(inner.len()).unwrap().to_le_bytes());
    bytes.extend(inner);
    bytes
}

fn encode_attributes(attributes: &Attributes) -> Vec<u8> {
    let present = [
        attributes.kind.is_some(),
        attributes.time_stamp.is_some(),
        attributes.duration_s.is_some(),
        attributes.status.is_some(),
        attributes.object_id.is_some(),
        attributes.patient.is_some(),
        !attributes.supplemental.is_empty(),
        !attributes.derived_from.is_empty(),
        !attributes.member_of.is_empty(),
        !attributes.tlvs.is_empty(),
    ];
    let flags = present
        .into_iter()
        .zip(0..)
        .fold(attributes.reserved_flags, |flags, (yes, bit)| flags | u16::from(yes) << bit);
    let mut bytes = flags.to_le_bytes().to_vec();
    bytes.extend(attributes.kind.iter().flat_map(|kind| kind.to_le_bytes()));
    bytes.extend(attributes.time_stamp.iter().flat_map(ElapsedTime::encode));
    bytes.extend(attributes.duration_s.iter().flat_map(|number| encode_float(*number)));
    bytes.extend(attributes.status.iter().flat_map(|status| status.0.to_le_bytes()));
    bytes.extend(attributes.object_id.iter().flat_map(|id| id.to_le_bytes()));
    bytes.extend(attributes.patient);
    for list in [&attributes.supplemental, &attributes.derived_from, &attributes.member_of] {
        if !list.is_empty() {
            bytes.extend(encode_codes(list));
        }
    }
    if !attributes.tlvs.is_empty() {
        bytes.extend(encode_tlvs(&attributes.tlvs));
    }
    bytes
}

fn encode_value(value: &ObservationValue) -> Vec<u8> {
    match value {
        ObservationValue::Numeric(Quantity { unit, number }) => {
            [&unit.to_le_bytes()[..], &encode_float(*number)].concat()
        }
        ObservationValue::Discrete(code) => code.to_le_bytes().to_vec(),
        ObservationValue::Text(text) => {
            [&u16::try_from(text.len()).unwrap().to_le_bytes(), text.as_bytes()].concat()
        }
        ObservationValue::Samples(samples) => [
            &samples.unit.to_le_bytes()[..],
            &encode_float(samples.scale_factor),
            &encode_float(samples.offset),
            &encode_float(samples.period_s),
            &[samples.per_period, samples.bytes_per_sample],
            &samples.count.to_le_bytes(),
            &samples.bytes,
        ]
        .concat(),
        ObservationValue::Events(codes) => encode_codes(codes),
        ObservationValue::States(States { supported, events, bits }) => {
            [&[u8::try_from(bits.len()).unwrap()], &supported[..], events, bits].concat()
        }
        ObservationValue::Compound(components) => {
            let mut bytes = vec![u8::try_from(components.len()).unwrap()];
            for (kind, value) in components {
                bytes.extend(kind.to_le_bytes());
                bytes.push(component_class(value));
                bytes.extend(encode_value(value));
            }
            bytes
        }
        ObservationValue::Tlvs(tlvs) => encode_tlvs(tlvs),
        ObservationValue::Bundle(members) => {
            let mut bytes = vec![u8::try_from(members.len()).unwrap()];
            bytes.extend(members.iter().flat_map(encode));
            bytes
        }
        ObservationValue::Unknown(bytes) => bytes.clone(),
    }
}

fn component_class(value: &ObservationValue) -> u8 {
    const CLASSES: [&str; 6] = [
        "numeric",
        "simple-discrete",
        "string",
        "sample-array",
        "compound-discrete-event",
        "compound-state-event",
    ];
    let place = CLASSES.iter().position(|class| *class == value.class()).unwrap();
    u8::try_from(place + 1).unwrap()
}

fn encode_codes(codes: &[u32]) -> Vec<u8> {
    let mut bytes = vec![u8::try_from(codes.len()).unwrap()];
    bytes.extend(codes.iter().flat_map(|code| code.to_le_bytes()));
    bytes
}

fn encode_tlvs(tlvs: &[Tlv]) -> Vec<u8> {
    let mut bytes = vec![u8::try_from(tlvs.len()).unwrap()];
    for Tlv { kind, format, value } in tlvs {
        bytes.extend(kind.to_le_bytes());
        bytes.extend(u16::try_from(value.len()).unwrap().to_le_bytes());
        bytes.push(*format);
        bytes.extend(value);
    }
    bytes
}

fn encode_float(number: Medical) -> [u8; 4] {
    let raw: u32 = match number {
        Ok(Decimal { mantissa, exponent }) => {
            u32::from(exponent.cast_unsigned()) << 24 | u32::try_from(mantissa & 0xFF_FFFF).unwrap()
        }
        Err(Absence::NotANumber) => 0x007F_FFFF,
        Err(Absence::NotAtThisResolution) => 0x0080_0000,
        Err(Absence::Reserved) => 0x0080_0001,
        Err(Absence::PositiveInfinity) => 0x007F_FFFE,
        Err(Absence::NegativeInfinity) => 0x0080_0002,
    };
    raw.to_le_bytes()
}
