use proptest::prelude::*;

use super::*;
use crate::describe::unhex;

/// Observations in one line.
fn line(observations: &[Observation]) -> String {
    let word = |o: &Observation| format!("{}={}{}", o.metric, o.value, o.unit.map_or("", Unit::ucum));
    observations.iter().map(word).collect::<Vec<_>>().join(" ")
}

fn spot(hex: &str) -> Vec<Observation> {
    SpotCheckMeasurement::decode(&unhex(hex)).unwrap().observations(&"oximeter-1".parse().unwrap())
}

fn continuous(hex: &str) -> Vec<Observation> {
    ContinuousMeasurement::decode(&unhex(hex)).unwrap().observations(&"oximeter-1".parse().unwrap())
}

/// After the service; tshark 4.0 reads these values the same.
#[test]
fn spot_checks_are_read_field_by_field() {
    let table = [
        ("0061004800", "MDC_MODALITY_SPOT=97% MDC_PULS_OXIM_PULS_RATE=72/min"),
        (
            "0fccf3d4f2ea070b160e1e0020010008 0023f0",
            "MDC_MODALITY_SPOT=97.2% MDC_PULS_OXIM_PULS_RATE=72.4/min MDC_PULS_OXIM_PERF_REL=3.5% \
             MDCX_PLX_MEASUREMENT_STATUS=0x120 MDC_PULS_OXIM_DEV_STATUS=0x800",
        ),
        // MIN, MAX, NOT AVAILABLE and its kin; what is in the middle without what comes first.
        ("0000000000", "MDC_MODALITY_SPOT=0% MDC_PULS_OXIM_PULS_RATE=0/min"),
        ("00fd77fd07", "MDC_MODALITY_SPOT=20450000000% MDC_PULS_OXIM_PULS_RATE=2045/min"),
        ("00ff07fe07", "MDC_MODALITY_SPOT=not-a-number% MDC_PULS_OXIM_PULS_RATE=positive-infinity/min"),
        (
            "0000080208",
            "MDC_MODALITY_SPOT=not-at-this-resolution% MDC_PULS_OXIM_PULS_RATE=negative-infinity/min",
        ),
        (
            "0461004800000080",
            "MDC_MODALITY_SPOT=97% MDC_PULS_OXIM_PULS_RATE=72/min MDC_PULS_OXIM_DEV_STATUS=0x800000",
        ),
        (
            "086100480001f0",
            "MDC_MODALITY_SPOT=97% MDC_PULS_OXIM_PULS_RATE=72/min MDC_PULS_OXIM_PERF_REL=0.1%",
        ),
    ];
    for (hex, expected) in table {
        assert_eq!(line(&spot(&hex.replace(' ', ""))), expected, "{hex}");
    }
}

/// After the service; tshark 4.0 reads these values the same.
#[test]
fn continuous_measurements_are_read_field_by_field() {
    let table = [
        ("0061004800", "MDC_PULS_OXIM_SAT_O2=97% MDC_PULS_OXIM_PULS_RATE=72/min"),
        (
            "1f6100480062004a005f0046002000 20000023f0",
            "MDC_PULS_OXIM_SAT_O2=97% MDC_PULS_OXIM_PULS_RATE=72/min MDC_MODALITY_FAST=98% \
             MDCX_PULS_OXIM_PULS_RATE_FAST=74/min MDC_MODALITY_SLOW=95% MDCX_PULS_OXIM_PULS_RATE_SLOW=70/min \
             MDC_PULS_OXIM_PERF_REL=3.5% MDCX_PLX_MEASUREMENT_STATUS=0x20 MDC_PULS_OXIM_DEV_STATUS=0x20",
        ),
        (
            "02ff07ff075f004600",
            "MDC_PULS_OXIM_SAT_O2=not-a-number% MDC_PULS_OXIM_PULS_RATE=not-a-number/min MDC_MODALITY_SLOW=95% \
             MDCX_PULS_OXIM_PULS_RATE_SLOW=70/min",
        ),
        (
            "0461004800 0080",
            "MDC_PULS_OXIM_SAT_O2=97% MDC_PULS_OXIM_PULS_RATE=72/min MDCX_PLX_MEASUREMENT_STATUS=0x8000",
        ),
    ];
    for (hex, expected) in table {
        assert_eq!(line(&continuous(&hex.replace(' ', ""))), expected, "{hex}");
    }
}

#[test]
fn a_clock_that_is_not_set_marks_the_reading_and_costs_nothing() {
    let table = [
        ("0161004800ea070b160e1e00", Some("2026-11-22T14:30:00"), Flags::NONE),
        ("1161004800ea070b160e1e00", Some("2026-11-22T14:30:00"), Flags::DEVICE_CLOCK_UNSET),
        ("0161004800ea07021e0e1e00", None, Flags::DEVICE_CLOCK_UNSET),
        ("1061004800", None, Flags::DEVICE_CLOCK_UNSET),
        ("0061004800", None, Flags::NONE),
    ];
    for (hex, time, flags) in table {
        for observation in spot(hex) {
            assert_eq!(observation.device_time.map(|time| time.to_string()).as_deref(), time, "{hex}");
            assert_eq!(observation.flags, flags, "{hex}");
        }
    }
}

#[test]
fn each_bit_of_both_statuses_marks_what_it_says() {
    for bit in 0..16 {
        let marks = continuous(&format!("0461004800{}", crate::describe::hex(&(1_u16 << bit).to_le_bytes())))
            [0]
        .flags;
        let expected = match bit {
            6 => Flags::INTERMEDIATE,
            9 => Flags::STORED,
            10 | 11 => Flags::TEST,
            12..=15 => Flags::QUESTIONABLE,
            _ => Flags::NONE,
        };
        assert_eq!(marks, expected, "measurement status, bit {bit}");
    }
    for bit in 0..24 {
        let status = crate::describe::hex(&(1_u32 << bit).to_le_bytes()[..3]);
        let marks = continuous(&format!("0861004800{status}"))[0].flags;
        let expected = if matches!(bit, 1..=8 | 10..=15) { Flags::QUESTIONABLE } else { Flags::NONE };
        assert_eq!(marks, expected, "device and sensor status, bit {bit}");
    }
}

#[test]
fn every_bit_has_its_name_and_reserved_ones_are_shown() {
    let named = |description: Description| {
        let set = |field: &&crate::Field| field.value == true.into();
        description.fields().iter().filter(set).map(|field| field.name).collect::<Vec<_>>()
    };
    for (name, bit) in MeasurementStatus::NAMES.iter().zip(5..) {
        assert_eq!(named(MeasurementStatus(1 << bit).describe()), [*name]);
    }
    for (name, bit) in DeviceAndSensorStatus::NAMES.iter().zip(0..) {
        assert_eq!(named(DeviceAndSensorStatus(1 << bit).describe()), [*name]);
    }
    let reserved =
        |description: Description| description.fields().iter().any(|field| field.name == "reserved");
    assert!(
        reserved(MeasurementStatus(1 << 4).describe()) && !reserved(MeasurementStatus(0xFFE0).describe())
    );
    assert!(reserved(DeviceAndSensorStatus(1 << 23).describe()));
    let features = PlxFeatures::decode(&unhex("0f0020f000f800")).unwrap();
    let names: Vec<_> = features.describe().fields().iter().map(|field| field.name).collect();
    assert_eq!(names[8..], ["measurement_status", "device_and_sensor_status"]);
    assert_eq!((features.measurement_status.unwrap().0, features.device_status.unwrap().0), (0xF020, 0xF800));
    assert_eq!(named(features.describe()), PlxFeatures::NAMES[..4]);
}

#[test]
fn a_truncated_value_names_the_missing_field() {
    let spot = |hex: &str| SpotCheckMeasurement::decode(&unhex(hex)).unwrap_err().to_string();
    let continuous = |hex: &str| ContinuousMeasurement::decode(&unhex(hex)).unwrap_err().to_string();
    let table = [
        (spot(""), "flags at byte 0: too short: expected length 1, got 0"),
        (spot("0061"), "spo2 at byte 1: too short: expected length 2, got 1"),
        (spot("00610048"), "pulse rate at byte 3: too short: expected length 2, got 1"),
        (spot("0161004800ea07"), "time stamp at byte 5: too short: expected length 7, got 2"),
        (spot("026100480001"), "measurement status at byte 5: too short: expected length 2, got 1"),
        (spot("04610048000102"), "device and sensor status at byte 5: too short: expected length 3, got 2"),
        (spot("0861004800"), "pulse amplitude index at byte 5: too short: expected length 2, got 0"),
        (continuous("00"), "spo2 normal at byte 1: too short: expected length 2, got 0"),
        (continuous("0161004800"), "spo2 fast at byte 5: too short: expected length 2, got 0"),
        (continuous("03610048006100480061"), "spo2 slow at byte 9: too short: expected length 2, got 1"),
    ];
    for (refused, expected) in table {
        assert_eq!(refused, expected);
    }
}

#[test]
fn reserved_flags_and_bytes_after_the_last_field_never_cost_the_reading() {
    assert_eq!(spot("e061004800cafe"), spot("0061004800"));
    assert_eq!(continuous("e061004800cafe"), continuous("0061004800"));
    let odd = ContinuousMeasurement::decode(&unhex("e061004800cafe")).unwrap().status;
    assert_eq!((odd.reserved_flags, odd.rest), (0xE0, vec![0xCA, 0xFE]));
}

proptest! {
    #[test]
    fn whatever_is_written_is_read_and_every_shorter_value_is_refused(
        flags in 0..32_u8,
        bytes in proptest::collection::vec(any::<u8>(), 19),
    ) {
        let bit = |bit: u8| flags >> bit & 1 == 1;
        let present = |lengths: [(usize, bool); 5]| {
            4 + lengths.iter().filter(|(_, present)| *present).map(|(length, _)| length).sum::<usize>()
        };
        let length = present([(7, bit(0)), (2, bit(1)), (3, bit(2)), (2, bit(3)), (0, bit(4))]);
        let value = [vec![flags], bytes[..length].to_vec()].concat();
        prop_assert!(SpotCheckMeasurement::decode(&value).unwrap().status.rest.is_empty());
        for shorter in 0..value.len() {
            prop_assert!(SpotCheckMeasurement::decode(&value[..shorter]).is_err());
        }
        let length = present([(4, bit(0)), (4, bit(1)), (2, bit(2)), (3, bit(3)), (2, bit(4))]);
        let value = [vec![flags], bytes[..length].to_vec()].concat();
        prop_assert!(ContinuousMeasurement::decode(&value).unwrap().status.rest.is_empty());
        for shorter in 0..value.len() {
            prop_assert!(ContinuousMeasurement::decode(&value[..shorter]).is_err());
        }
    }
}
