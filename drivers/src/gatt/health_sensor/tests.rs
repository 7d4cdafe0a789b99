use varde_wire::{Absence, Decimal, Metric};

use super::*;
use crate::decode_gatt;
use crate::describe::unhex;

fn names(description: &Description) -> Vec<&'static str> {
    description.fields().iter().map(|field| field.name).collect()
}

/// A saturation of 98 %: STMicroelectronics' GHS application for STM32WBA.
const SATURATION: &str = "011b006300b84b020022729d2b290000060001013c4c0200200262000000";

#[test]
fn a_whole_observation_is_decoded_and_a_piece_of_one_is_shown_as_such() {
    let whole = decode_gatt(0x2B8B, &unhex(&format!("07{SATURATION}"))).unwrap();
    assert_eq!(
        names(&whole.measurement),
        [
            "first_segment",
            "last_segment",
            "segment_counter",
            "class",
            "type",
            "time_stamp",
            "patient",
            "supplemental_information",
            "value"
        ]
    );
    assert_eq!(whole.observations.len(), 2);
    assert_eq!(whole.observations[0].user, Some(1));
    let piece = decode_gatt(0x2B8B, &unhex(&format!("05{}", &SATURATION[..20]))).unwrap();
    assert_eq!(names(&piece.measurement), ["first_segment", "last_segment", "segment_counter", "segment"]);
    assert!(piece.observations.is_empty());
}

#[test]
fn a_stored_observation_has_its_record_number_and_is_marked() {
    let bytes = unhex(&format!("0b78563412{SATURATION}ff"));
    let stored = StoredObservation::decode(&bytes[1..]).unwrap();
    assert_eq!((stored.record_number, &stored.rest[..]), (0x1234_5678, &[0xFF][..]));
    let decoded = decode_gatt(0x2BDD, &bytes).unwrap();
    assert!(names(&decoded.measurement).contains(&"record_number"));
    assert!(decoded.observations.iter().all(|observation| observation.flags.has(Flags::STORED)));
    assert_eq!(decode_gatt(0x2BDD, &[3, 0, 0, 0]).unwrap_err().field, "record number");
}

/// The first row: STMicroelectronics' GHS application for STM32WBA, a pulse oximeter that calls itself a blood pressure
/// monitor.
#[test]
fn features_name_what_the_device_observes_and_is() {
    let features = HealthSensorFeatures::decode(&unhex("0102b84b02001a48020001071001")).unwrap();
    assert_eq!(features.observation_types, [150_456, 149_530]);
    assert_eq!(features.specializations, [Specialization { term: 4103, version: 1 }]);
    assert_eq!((features.reserved_flags, features.rest.is_empty()), (0, true));
    let plain = HealthSensorFeatures::decode(&unhex("fe00aa")).unwrap();
    assert_eq!((plain.reserved_flags, plain.rest), (0xFE, vec![0xAA]));
    assert_eq!(HealthSensorFeatures::decode(&unhex("0001b84b")).unwrap_err().field, "observation type");
    assert_eq!(HealthSensorFeatures::decode(&unhex("01000107")).unwrap_err().field, "device specialization");
}

/// The first row: STMicroelectronics' GHS application for STM32WBA, 1.0 s each.
#[test]
fn a_schedule_tells_how_long_and_how_often() {
    let schedule = ScheduleChanged::decode(&unhex("b84b02000a0000ff0a0000ff")).unwrap();
    assert_eq!(schedule.measurement_period_s, Ok(Decimal::new(10, -1)));
    assert_eq!(schedule.update_interval_s, Ok(Decimal::new(10, -1)));
    assert_eq!(Metric::from_code(schedule.kind).code(), 150_456);
    let unknown = ScheduleChanged::decode(&unhex("b84b0200ffff7f000a0000ff01")).unwrap();
    assert_eq!(unknown.measurement_period_s, Err(Absence::NotANumber));
    assert_eq!(unknown.rest, [1]);
    assert_eq!(ScheduleChanged::decode(&unhex("b84b02000a0000ff")).unwrap_err().field, "update interval");
}

#[test]
fn the_control_point_is_told_in_words() {
    for (code, word) in [(1, "start-sending-live-observations"), (0x80, "success"), (0x70, "70")] {
        let description = ControlPoint::decode(&[code]).unwrap().describe();
        assert_eq!(description.fields()[0].value, word.into());
    }
    assert!(ControlPoint::decode(&[]).is_err());
}
