use proptest::prelude::*;

use super::*;
use crate::decode_gatt;
use crate::describe::unhex;

/// The tests of Nordic's Android BLE Library (BSD-3-Clause) and im97mori's JavaBLEUtil (MIT). Two of their rows are
/// read otherwise here:
/// - `170101` Nordic refuses, since the flags announce intervals and none is there. It is a heart rate between two
///   beats, and belts do send it.
/// - JavaBLEUtil reads the intervals as signed; the specification has them unsigned.
const VECTORS: &[(&str, &str)] = &[
    ("0055", "85"),
    ("04ff", "255 contact false"),
    ("1e5532002100", "85 contact true energy 50 rr [33]"),
    ("1f0101320101000201ffff", "257 contact true energy 306 rr [1, 258, 65535]"),
    ("170101", "257 contact true"),
    ("0001", "1"),
    ("010102", "513"),
    ("0201", "1"),
    ("0401", "1 contact false"),
    ("0601", "1 contact true"),
    ("08010203", "1 energy 770"),
    ("0901020304", "513 energy 1027"),
    (
        "100102030405060708090a0b0c0d0e0f10111213",
        "1 rr [770, 1284, 1798, 2312, 2826, 3340, 3854, 4368, 4882]",
    ),
    ("110102030405060708090a0b0c0d0e0f101112", "513 rr [1027, 1541, 2055, 2569, 3083, 3597, 4111, 4625]"),
    (
        "180102030405060708090a0b0c0d0e0f10111213",
        "1 energy 770 rr [1284, 1798, 2312, 2826, 3340, 3854, 4368, 4882]",
    ),
    (
        "190102030405060708090a0b0c0d0e0f101112",
        "513 energy 1027 rr [1541, 2055, 2569, 3083, 3597, 4111, 4625]",
    ),
];

#[test]
fn a_measurement_agrees_with_two_other_implementations() {
    for (hex, expected) in VECTORS {
        let measurement = HeartRateMeasurement::decode(&unhex(hex)).unwrap();
        let mut text = measurement.rate.to_string();
        text.extend(measurement.contact.map(|contact| format!(" contact {contact}")));
        text.extend(measurement.energy_expended.map(|energy| format!(" energy {energy}")));
        if measurement.has_intervals() {
            text += &format!(" rr {:?}", measurement.rr_intervals);
        }
        assert_eq!(text, *expected, "{hex}");
    }
}

#[test]
fn a_truncated_value_names_the_missing_field_and_where_it_begins() {
    let table = [
        (0x2A37, "", "flags at byte 0: too short: expected length 1, got 0"),
        (0x2A37, "00", "heart rate at byte 1: too short: expected length 1, got 0"),
        (0x2A37, "0155", "heart rate at byte 1: too short: expected length 2, got 1"),
        (0x2A37, "085532", "energy expended at byte 2: too short: expected length 2, got 1"),
        (0x2A37, "1055000433", "RR interval at byte 4: too short: expected length 2, got 1"),
        (0x2A38, "", "body sensor location at byte 0: too short: expected length 1, got 0"),
    ];
    for (uuid, hex, expected) in table {
        assert_eq!(decode_gatt(uuid, &unhex(hex)).unwrap_err().to_string(), expected);
    }
}

#[test]
fn reserved_flags_and_bytes_after_the_last_field_never_cost_the_reading() {
    let plain = decode_gatt(0x2A37, &unhex("0055")).unwrap();
    let odd = decode_gatt(0x2A37, &unhex("e055cafe")).unwrap();
    assert_eq!(odd.observations, plain.observations);
    let names: Vec<_> = odd.measurement.fields().iter().map(|field| field.name).collect();
    assert_eq!(names, ["heart_rate", "reserved_flags", "rest"]);
    let after_intervals = HeartRateMeasurement::decode(&unhex("305500047f")).unwrap();
    assert_eq!((after_intervals.rr_intervals, after_intervals.rest), (vec![1024], vec![0x7F]));
}

fn values(hex: &str) -> Vec<(Metric, String, &'static str)> {
    let observations = decode_gatt(0x2A37, &unhex(hex)).unwrap().observations;
    observations.iter().map(|o| (o.metric, o.value.to_string(), o.unit.unwrap().ucum())).collect()
}

#[test]
fn a_measurement_becomes_a_rate_its_energy_and_its_intervals() {
    let rate = (Metric::HEART_RATE, "72".to_owned(), "/min");
    let energy = (Metric::ENERGY_EXPENDED, "300".to_owned(), "kJ");
    let interval = |ms: &str| (Metric::RR_INTERVAL, ms.to_owned(), "ms");
    let expected = vec![rate, energy, interval("1000.0"), interval("1.0"), interval("63999.0")];
    assert_eq!(values("1e482c0100040100ffff"), expected);
}

#[test]
fn without_contact_there_is_neither_a_rate_nor_an_interval() {
    assert_eq!(values("144800040004"), [(Metric::HEART_RATE, "not-a-number".to_owned(), "/min")]);
}

#[test]
fn energy_that_is_counted_to_the_end_is_no_number() {
    assert_eq!(values("0848feff")[1].1, "65534");
    assert_eq!(values("0848ffff")[1].1, "positive-infinity");
}

#[test]
fn no_two_intervals_become_the_same() {
    let all: Vec<_> = (0..=u16::MAX).map(milliseconds).collect();
    let tenths = |value: &Value| {
        let Value::Decimal(number) = value else { panic!("{value}") };
        number.mantissa
    };
    assert!(all.windows(2).all(|pair| tenths(&pair[0]) < tenths(&pair[1])));
}

/// The tests of im97mori's `JavaBLEUtil` (MIT).
#[test]
fn every_place_has_its_word_and_a_reserved_one_stays_a_number() {
    for (number, name) in (0..).zip(BodySensorLocation::NAMES) {
        assert_eq!(BodySensorLocation::decode(&[number]).unwrap().name(), Some(name));
    }
    let reserved = BodySensorLocation::decode(&[7, 1]).unwrap();
    assert_eq!((reserved.name(), reserved.rest.as_slice()), (None, &[1][..]));
    assert_eq!(reserved.describe().fields()[0].value, 7_u8.into());
}

proptest! {
    #[test]
    fn whatever_is_written_is_read_and_every_value_that_ends_within_a_field_is_refused(
        flags in 0..32_u8,
        rate in any::<u16>(),
        energy in any::<u16>(),
        intervals in proptest::collection::vec(any::<u16>(), 0..9),
    ) {
        let rate = if flags & 1 == 0 { rate & 0xFF } else { rate };
        let mut bytes = vec![flags];
        bytes.extend(rate.to_le_bytes().iter().take(if flags & 1 == 0 { 1 } else { 2 }));
        bytes.extend(energy.to_le_bytes().iter().filter(|_| flags & 8 != 0));
        let fixed = bytes.len();
        bytes.extend(intervals.iter().flat_map(|i| i.to_le_bytes()).filter(|_| flags & 16 != 0));
        let decoded = HeartRateMeasurement::decode(&bytes).unwrap();
        prop_assert_eq!(decoded.rate, rate);
        prop_assert_eq!(decoded.contact, (flags & 4 != 0).then_some(flags & 2 != 0));
        prop_assert_eq!(decoded.energy_expended, (flags & 8 != 0).then_some(energy));
        prop_assert_eq!(&decoded.rr_intervals[..], if flags & 16 != 0 { &intervals[..] } else { &[] });
        prop_assert!(decoded.rest.is_empty());
        for length in 0..bytes.len() {
            let whole = length >= fixed && (length - fixed) % 2 == 0;
            prop_assert_eq!(HeartRateMeasurement::decode(&bytes[..length]).is_ok(), whole);
        }
    }
}
