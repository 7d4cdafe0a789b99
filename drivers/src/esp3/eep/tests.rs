use proptest::prelude::*;
use varde_wire::{Decimal, Event, Metric, Value};

use super::profile::{Bits, Field, Kind, Part};
use super::*;
use crate::Description;
use crate::describe::unhex;
use crate::esp3::SenderId;

/// A telegram with this payload that is no teach-in.
fn telegram(eep: Eep, payload: &str, status: u8) -> Telegram {
    Telegram {
        rorg: eep.rorg(),
        payload: unhex(payload),
        sender: SenderId([0x01, 0x82, 0x5D, 0xAB]),
        status,
        reception: None,
        payload_offset: 7,
    }
}

/// Shortcut and value of each field.
fn fields(description: &Description) -> String {
    let shown = |field: &crate::Field| format!("{}={}", field.name, shown(&field.value));
    description.fields().iter().map(shown).collect::<Vec<_>>().join(" ")
}

fn shown(value: &crate::FieldValue) -> String {
    match value {
        crate::FieldValue::Text(text) => text.clone(),
        crate::FieldValue::Number(number) => number.to_string(),
        crate::FieldValue::Bool(yes) => yes.to_string(),
        crate::FieldValue::List(_) | crate::FieldValue::Fields(_) => panic!("no profile has them"),
    }
}

/// Value, unit and what it is of, as `value unit METRIC`.
fn said(message: &Message, purpose: Option<Purpose>) -> String {
    let device = "device".parse().unwrap();
    let word = |observation: varde_wire::Observation| {
        let unit = observation.unit.map(|unit| format!(" {}", unit.ucum())).unwrap_or_default();
        let metric = observation.metric.to_string();
        let metric = metric.trim_start_matches("MDCX_").trim_start_matches("MDC_").to_owned();
        format!("{}{unit} {metric}", observation.value)
    };
    message.observations(purpose, &device).into_iter().map(word).collect::<Vec<_>>().join(", ")
}

#[test]
fn names_lead_to_what_they_name_and_no_two_are_the_same() {
    let mut seen = std::collections::HashSet::new();
    for eep in Eep::all() {
        assert_eq!(Eep::from_name(&eep.name().to_lowercase()), Some(eep));
        assert!(seen.insert(eep.name()), "{eep:?}");
        assert_eq!(format!("{:02X}", eep.rorg()), eep.name()[..2]);
        assert_eq!(eep.name().len(), 8);
    }
    assert_eq!(Eep::from_name("A5-99-01"), None);
    assert_eq!(Eep::near("d2-14-99").map(Eep::name).collect::<Vec<_>>(), ["D2-14-40", "D2-14-41"]);
    assert_eq!(Eep::near("D5-99-01").count(), 1);
    assert_eq!(Eep::near("pendant").count(), seen.len());
    assert!(seen.len() > 100);
}

/// Each field lies within the shortest telegram that has it (D2-01, whose commands differ in length, apart), is told
/// apart from the others by conditions that can be met, and a number's digits tell each of its values from the next.
#[test]
fn the_tables_are_sound() {
    for eep in Eep::all() {
        let profile = eep.0;
        assert!(!profile.fields.is_empty(), "{eep:?}");
        for field in profile.fields {
            let name = format!("{eep:?} {}", field.shortcut);
            let end = |bits: Bits| bits.offset + bits.size;
            let room = |bits: Bits| if bits.part == Part::Status { 8 } else { profile.payload[0] * 8 };
            let long = eep.name().starts_with("D2-01");
            assert!(end(field.bits) <= room(field.bits) || long, "{name}");
            for (bits, value) in field.only {
                assert!(end(*bits) <= room(*bits) || long, "{name}");
                assert!(u64::from(*value) < 1 << bits.size, "{name}");
            }
            judge(&name, field);
        }
    }
}

fn judge(name: &str, field: &Field) {
    let most = u32::MAX >> (32 - field.bits.size);
    match field.kind {
        Kind::Flag => assert_eq!(field.bits.size, 1, "{name}"),
        Kind::Number(scale) => {
            let [first, last] = scale.raw;
            let [low, high] = scale.scale;
            assert!(first.max(last) <= most && first != last, "{name}");
            assert!(low.abs_diff(high) >= u64::from(first.abs_diff(last)), "{name}: digits are lost");
            for (value, _) in scale.except {
                assert!(*value <= most && !(first.min(last)..=first.max(last)).contains(value), "{name}");
            }
        }
        Kind::Words(words) => {
            for (place, word) in words.iter().enumerate() {
                let [first, last] = word.values;
                assert!(first <= last && last <= most, "{name}: {}", word.word);
                let overlaps =
                    |other: &super::profile::Word| first <= other.values[1] && other.values[0] <= last;
                assert!(!words[..place].iter().any(overlaps), "{name}: {}", word.word);
            }
        }
    }
}

/// What is heard, as `profile | payload | status | fields | what it means`. From the tests of python-enocean
/// (kipe/enocean, MIT): F6-02-02, D5-00-01, A5-02-05, A5-20-01, D2-01-01. From those of advlib-eep-vld (reelyActive,
/// MIT): D2-14-41, D2-15-00. The others are made by hand, at the ends of ranges and beyond.
///
/// python-enocean's packet of A5-20-01 has a learn bit of 0, by which it is a teach-in: here the bit is 1. What it reads
/// of the same packet as a command to the actuator has no row: of an actuator in the roster that is never heard.
///
/// python-enocean differs in three rows. It names R1 of a U-message a button, where it counts buttons; it reads BCAP of
/// A5-20-01 the other way round; and it rounds nothing: 26.666666666666668 °C has more digits than the sensor.
const HEARD: &str = include_str!("tests/heard.txt");

#[test]
fn telegrams_are_read_field_by_field_and_mean_what_they_say() {
    let mut profiles = std::collections::HashSet::new();
    for line in HEARD.lines() {
        let [name, payload, status, expected, meaning] = line
            .split('|')
            .map(str::trim)
            .collect::<Vec<_>>()
            .try_into()
            .unwrap_or_else(|_| panic!("{line}"));
        let eep = Eep::from_name(name).unwrap_or_else(|| panic!("{line}"));
        let status = u8::from_str_radix(status, 16).unwrap();
        let message =
            eep.decode(&telegram(eep, payload, status)).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert_eq!(fields(&message.describe()), expected, "{line}");
        assert_eq!(said(&message, None), meaning, "{line}");
        profiles.insert(&name[..5]);
    }
    let families: std::collections::HashSet<_> = Eep::all().map(|eep| &eep.name()[..5]).collect();
    assert_eq!(profiles, families, "each family has a row");
}

/// The linear values at both ends of every thermometer of A5-02, as its name in EEP gives them.
#[test]
fn each_thermometer_has_the_range_that_its_name_says() {
    let ranges = [
        ("01", -40, 0),
        ("02", -30, 10),
        ("03", -20, 20),
        ("04", -10, 30),
        ("05", 0, 40),
        ("06", 10, 50),
        ("07", 20, 60),
        ("08", 30, 70),
        ("09", 40, 80),
        ("0A", 50, 90),
        ("0B", 60, 100),
        ("10", -60, 20),
        ("11", -50, 30),
        ("12", -40, 40),
        ("13", -30, 50),
        ("14", -20, 60),
        ("15", -10, 70),
        ("16", 0, 80),
        ("17", 10, 90),
        ("18", 20, 100),
        ("19", 30, 110),
        ("1A", 40, 120),
        ("1B", 50, 130),
    ];
    for (kind, low, high) in ranges {
        let eep = Eep::from_name(&format!("A5-02-{kind}")).unwrap();
        for (payload, expected) in [("0000ff08", low), ("00000008", high)] {
            let message = eep.decode(&telegram(eep, payload, 0)).unwrap();
            let [observation] = &message.observations(None, &"t".parse().unwrap())[..] else { panic!() };
            assert_eq!(
                observation.value,
                Value::Decimal(Decimal::new(expected * 10, -1)),
                "{kind} {payload}"
            );
        }
    }
    for (kind, low, high) in [("20", -1000, 4120), ("30", -4000, 6230)] {
        let eep = Eep::from_name(&format!("A5-02-{kind}")).unwrap();
        for (payload, expected) in [("0003ff08", low), ("00000008", high)] {
            let message = eep.decode(&telegram(eep, payload, 0)).unwrap();
            let [observation] = &message.observations(None, &"t".parse().unwrap())[..] else { panic!() };
            assert_eq!(observation.value, Value::Decimal(Decimal::new(expected, -2)), "{kind} {payload}");
        }
    }
}

#[test]
fn a_pendant_alarms_whenever_its_bow_is_pressed_and_at_no_other_time() {
    let device = "pendant-1".parse().unwrap();
    let rockers = ["F6-02-01", "F6-02-02", "F6-03-01", "F6-03-02"].map(|name| Eep::from_name(name).unwrap());
    for (eep, data, status) in rockers.into_iter().flat_map(|eep| {
        (0..=u8::MAX).flat_map(move |data| (0..=u8::MAX).step_by(5).map(move |status| (eep, data, status)))
    }) {
        let heard = Telegram { payload: vec![data], ..telegram(eep, "", status) };
        let rocker = eep.decode(&heard).unwrap();
        let event = |purpose| {
            let observations = rocker.observations(purpose, &device);
            observations.into_iter().map(|o| (o.metric, o.value)).collect::<Vec<_>>()
        };
        let pressed = data & 0x10 != 0;
        let alarm = (Metric::PERSONAL_ALARM, Value::Event(Event::SafetyAlarm));
        for purpose in [None, Some(Purpose::Pendant)] {
            assert_eq!(event(purpose), pressed.then(|| alarm.clone()).into_iter().collect::<Vec<_>>());
        }
        let switched = if pressed { Event::ButtonPressed } else { Event::ButtonReleased };
        assert_eq!(event(Some(Purpose::Switch)), [(Metric::SWITCH, Value::Event(switched))]);
    }
}

#[test]
fn a_button_with_a_battery_is_a_pendant_or_a_switch() {
    let eep = Eep::from_name("D2-03-0A").unwrap();
    let message = |payload| eep.decode(&telegram(eep, payload, 0)).unwrap();
    assert_eq!(said(&message("3202"), Some(Purpose::Pendant)), said(&message("3202"), None));
    let switch = said(&message("3202"), Some(Purpose::Switch));
    assert_eq!(
        switch,
        "50 % ATTR_VAL_BATT_CHARGE, button-pressed AI_TYPE_SENSOR_SWITCH, double_press EVENT_KIND"
    );
    assert_eq!(
        said(&message("6404"), Some(Purpose::Switch)),
        "100 % ATTR_VAL_BATT_CHARGE, button-released AI_TYPE_SENSOR_SWITCH"
    );
}

#[test]
fn an_input_module_that_feels_water_says_so() {
    let eep = Eep::from_name("A5-30-03").unwrap();
    let inputs = ["0x0 GENERIC_STATE, 1 1 OBJECT_INDEX", "0x0 GENERIC_STATE, 2 1 OBJECT_INDEX"].join(", ");
    for (payload, expected) in [("00ff0008", "water"), ("00ff1008", "water-cleared")] {
        let message = eep.decode(&telegram(eep, payload, 0)).unwrap();
        let said = said(&message, Some(Purpose::Water));
        assert!(
            said.contains(&inputs) && said.ends_with(&format!("{expected} AI_TYPE_SENSOR_WATER")),
            "{said}"
        );
    }
}

#[test]
fn a_device_that_is_being_taught_in_has_nothing_to_tell() {
    for (name, payload) in [("D5-00-01", "01"), ("A5-07-01", "1c080b80"), ("A5-02-05", "08280b80")] {
        let eep = Eep::from_name(name).unwrap();
        let message = eep.decode(&telegram(eep, payload, 0)).unwrap();
        assert_eq!(said(&message, None), "", "{name}");
        assert!(!message.describe().fields().is_empty());
    }
}

#[test]
fn what_the_profile_does_not_have_is_refused_with_the_field() {
    let refused = |name, payload| {
        let eep = Eep::from_name(name).unwrap();
        eep.decode(&telegram(eep, payload, 0)).unwrap_err().to_string()
    };
    assert_eq!(refused("F6-02-01", "5050"), "payload at byte 7: expected a length of 1 to 1, got 2");
    assert_eq!(refused("A5-02-05", "000008"), "payload at byte 7: expected a length of 4 to 4, got 3");
    assert_eq!(refused("D2-14-41", "0000"), "payload at byte 7: expected a length of 9 to 14, got 2");
    // A measurement response that ends within its value.
    assert_eq!(refused("D2-01-0E", "07600000"), "MV at byte 11: too short: expected length 6, got 4");
}

proptest! {
    #[test]
    fn no_telegram_makes_a_profile_panic(payload in proptest::collection::vec(any::<u8>(), 1..16), status: u8) {
        for eep in Eep::all() {
            let heard = Telegram { payload: payload.clone(), status, ..telegram(eep, "", 0) };
            if let Ok(message) = eep.decode(&heard) {
                message.describe();
                for purpose in Purpose::ALL.iter().copied().map(Some).chain([None]) {
                    message.observations(purpose, &"device".parse().unwrap());
                }
            }
        }
    }
}
