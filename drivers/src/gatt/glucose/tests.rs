use proptest::prelude::*;

use super::*;
use crate::describe::unhex;

/// A measurement in one line.
fn summary(hex: &str) -> String {
    let measurement = match GlucoseMeasurement::decode(&unhex(hex)) {
        Ok(measurement) => measurement,
        Err(error) => return error.to_string(),
    };
    let time = measurement.user_facing_time().map_or_else(|| "never".to_owned(), |time| time.to_string());
    let mut text = format!("#{} at {time}", measurement.sequence_number);
    if let Some(concentration) = measurement.concentration {
        let (number, unit) = concentration.in_common_unit();
        let number = number.map_or_else(|absence| absence.name().to_owned(), |number| number.to_string());
        let place = concentration.location.name().unwrap_or("reserved");
        text += &format!(" {number} {} {} {place}", unit.ucum(), concentration.fluid.name());
    }
    text.extend(measurement.sensor_status.map(|status| format!(" status {:04x}", status.0)));
    text + if measurement.context_follows { " context" } else { "" }
}

/// The first two: tests of Nordic's Android BLE Library (BSD-3-Clause). The others follow the service; tshark 4.0 reads
/// them the same, in kg/L and mol/L and without adding the offset to the time.
#[test]
fn measurements_are_read_field_by_field() {
    let table = [
        (
            "1b0100e307021b0b0a1efbff1e00120501",
            "#1 at 2019-02-27T11:05:30 3000000 mg/dL capillary-plasma finger status 0105 context",
        ),
        (
            "1b0000e207041a0b091e1e00120501",
            "sensor status annunciation at byte 15: too short: expected length 2, got 0",
        ),
        // 0.00117 kg/L and 0.0065 mol/L, each with the digits the meter measured.
        ("020200ea070b160e1e0075b011", "#2 at 2026-11-22T14:30:00 117 mg/dL capillary-whole-blood finger"),
        ("060300ea070b160e1e0041c018", "#3 at 2026-11-22T14:30:00 6.5 mmol/L undetermined-plasma finger"),
        ("06ffffea070b160e1e0082b019", "#65535 at 2026-11-22T14:30:00 1.30 mmol/L interstitial-fluid finger"),
        // MIN, MAX and NOT AVAILABLE of the number; a control solution; a reserved type and place.
        ("020000ea070b160e1e000000fa", "#0 at 2026-11-22T14:30:00 0 mg/dL control-solution not-available"),
        (
            "020000ea070b160e1e00fd774a",
            "#0 at 2026-11-22T14:30:00 2045000000000000 mg/dL control-solution control-solution",
        ),
        (
            "020000ea070b160e1e00ff0721",
            "#0 at 2026-11-22T14:30:00 not-a-number mg/dL capillary-whole-blood alternate-site-test",
        ),
        (
            "020000ea070b160e1e00fe0731",
            "#0 at 2026-11-22T14:30:00 positive-infinity mg/dL capillary-whole-blood earlobe",
        ),
        (
            "020000ea070b160e1e00020873",
            "#0 at 2026-11-22T14:30:00 negative-infinity mg/dL venous-whole-blood reserved",
        ),
        ("02000000000000000000000800", "#0 at never not-at-this-resolution mg/dL reserved reserved"),
        // The offset: over midnight and the year's end, the longest, and what does not fit into the field.
        ("010000ea070101000000ffff", "#0 at 2025-12-31T23:59:00"),
        ("010000ea0701010000000100", "#0 at 2026-01-01T00:01:00"),
        ("010000ea070101000000fe7f", "#0 at 2026-01-23T18:06:00"),
        ("010000ea0701010000000180", "#0 at 2025-12-09T05:53:00"),
        ("010000ea070101000000ff7f", "#0 at never"),
        ("010000ea0701010000000080", "#0 at never"),
        ("000000ea070101000000", "#0 at 2026-01-01T00:00:00"),
        ("000000ea070001000000", "#0 at 2026-00-01T00:00:00"),
        ("000000ea07021d000000", "#0 at never"),
    ];
    for (hex, expected) in table {
        assert_eq!(summary(hex), expected, "{hex}");
    }
}

#[test]
fn a_truncated_value_names_the_missing_field() {
    let table = [
        ("", "flags at byte 0: too short: expected length 1, got 0"),
        ("0001", "sequence number at byte 1: too short: expected length 2, got 1"),
        ("000100ea07", "base time at byte 3: too short: expected length 7, got 2"),
        ("010000ea07010100000001", "time offset at byte 10: too short: expected length 2, got 1"),
        ("020000ea07010100000001", "glucose concentration at byte 10: too short: expected length 2, got 1"),
        (
            "020000ea0701010000000101",
            "type and sample location at byte 12: too short: expected length 1, got 0",
        ),
    ];
    for (hex, expected) in table {
        assert_eq!(summary(hex), expected);
    }
    let refused = GlucoseFeature::decode(&[1]).unwrap_err();
    assert_eq!(refused.to_string(), "glucose feature at byte 0: too short: expected length 2, got 1");
}

fn observed(hex: &str) -> Vec<Observation> {
    GlucoseMeasurement::decode(&unhex(hex)).unwrap().observations(&"meter-1".parse().unwrap())
}

#[test]
fn a_measurement_becomes_its_number_its_place_and_its_status() {
    let found = observed("0b0200ea070b160e1e003c0075b0110000");
    let words: Vec<_> = found.iter().map(|o| (o.metric, o.value.to_string(), o.unit)).collect();
    let expected = [
        (Metric::GLUCOSE_CAPILLARY_BLOOD, "117".to_owned(), Some(Unit::MilligramPerDecilitre)),
        (Metric::GLUCOSE_SAMPLE_LOCATION, "finger".to_owned(), None),
        (Metric::GLUCOSE_STATUS, "0x0".to_owned(), None),
    ];
    assert_eq!(words, expected);
    for observation in found {
        assert_eq!(observation.device_time.unwrap().to_string(), "2026-11-22T15:30:00");
        assert_eq!(observation.flags, Flags::NONE);
    }
}

#[test]
fn a_control_solution_is_a_test_and_nobodys_glucose() {
    for hex in ["020000ea070b160e1e0075b01a", "020000ea070b160e1e0075b041"] {
        let [number, ..] = &observed(hex)[..] else { panic!() };
        assert_eq!((number.metric, number.flags), (Metric::GLUCOSE_CONTROL, Flags::TEST), "{hex}");
    }
}

#[test]
fn what_could_not_be_measured_is_told_without_a_number() {
    let found = observed("080400ea070b160e1e000400");
    assert_eq!(found[0].metric, Metric::GLUCOSE);
    assert_eq!(found[0].value, Value::Absent(Absence::NotANumber));
    assert_eq!((found[1].metric, &found[1].value), (Metric::GLUCOSE_STATUS, &Value::Bits(4)));
    assert_eq!(found[0].flags, Flags::QUESTIONABLE);
}

#[test]
fn each_bit_of_the_status_marks_what_it_says() {
    for bit in 0..16 {
        let status = crate::describe::hex(&(1_u16 << bit).to_le_bytes());
        let marks = observed(&format!("080400ea070b160e1e00{status}"))[0].flags;
        let expected = match bit {
            1..=10 => Flags::QUESTIONABLE,
            11 => Flags::DEVICE_CLOCK_UNSET,
            _ => Flags::NONE,
        };
        assert_eq!(marks, expected, "bit {bit}");
    }
}

#[test]
fn every_type_has_its_code() {
    let codes: Vec<_> = (0..=15).map(|fluid| Fluid(fluid).metric().code() - 131_072).collect();
    let generic = 28_948;
    let expected = [
        generic, 29_112, 29_116, 29_120, 29_124, 29_128, 29_132, 29_292, 29_296, 29_140, 29_136, generic,
        generic, generic, generic, generic,
    ];
    assert_eq!(codes, expected);
}

#[test]
fn reserved_flags_and_bytes_after_the_last_field_never_cost_the_reading() {
    let odd = GlucoseMeasurement::decode(&unhex("e20200ea070b160e1e0075b011cafe")).unwrap();
    let device = "meter-1".parse().unwrap();
    assert_eq!(odd.observations(&device), observed("020200ea070b160e1e0075b011"));
    assert_eq!((odd.reserved_flags, odd.rest), (0xE0, vec![0xCA, 0xFE]));
}

/// The first: a test of Nordic's Android BLE Library (BSD-3-Clause).
#[test]
fn every_bit_of_the_feature_is_one_feature() {
    let supported = |bits: u16| {
        let described = GlucoseFeature::decode(&bits.to_le_bytes()).unwrap().describe();
        let yes = described.fields().iter().filter(|field| field.value == true.into());
        yes.map(|field| field.name).collect::<Vec<_>>()
    };
    assert_eq!(supported(0x03F0), GlucoseFeature::NAMES[4..10]);
    for (bit, name) in GlucoseFeature::NAMES.iter().enumerate() {
        assert_eq!(supported(1 << bit), [*name]);
    }
}

proptest! {
    #[test]
    fn whatever_is_written_is_read_and_every_shorter_value_is_refused(
        flags in 0..16_u8,
        bytes in proptest::collection::vec(any::<u8>(), 16),
    ) {
        let present = [true, true, flags & 1 != 0, flags & 2 != 0, flags & 8 != 0];
        let length: usize = [2, 7, 2, 3, 2].into_iter().zip(present).filter(|(_, p)| *p).map(|(l, _)| l).sum();
        let whole = [vec![flags], bytes[..length].to_vec()].concat();
        let decoded = GlucoseMeasurement::decode(&whole).unwrap();
        prop_assert!(decoded.rest.is_empty());
        prop_assert_eq!(decoded.time_offset.is_some(), present[2]);
        prop_assert_eq!(decoded.concentration.is_some(), present[3]);
        prop_assert_eq!(decoded.sensor_status.is_some(), present[4]);
        for shorter in 0..whole.len() {
            prop_assert!(GlucoseMeasurement::decode(&whole[..shorter]).is_err());
        }
    }
}
