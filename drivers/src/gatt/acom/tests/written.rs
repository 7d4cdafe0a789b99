//! Any observation, and what a device writes for it: the other direction, from the service's tables.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::super::*;

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
            (6, ObservationValue::States(States { supported: field(0), states: field(1), bits: field(2) }))
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

pub(super) fn any_observation() -> impl Strategy<Value = HealthObservation> {
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
pub(super) fn encode(observation: &HealthObservation) -> Vec<u8> {
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
        ObservationValue::States(States { supported, states, bits }) => {
            [&[u8::try_from(bits.len()).unwrap()], &supported[..], states, bits].concat()
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
