use varde_wire::{Event, Value};

use super::*;
use crate::nonin::format13::tests::spot;
use crate::nonin::packet::tests::packet_of;

fn session(format: DataFormat) -> NoninSession {
    NoninSession::new("oximeter-1".parse().unwrap(), format)
}

/// What comes out after bytes at a second: the values of each reading, joined; nothing of the rest.
fn give(session: &mut NoninSession, bytes: &[u8], second: u64) -> Vec<String> {
    session
        .handle_input(Input::Chunk { channel: Channel::Serial, bytes }, Instant::from_millis(second * 1000));
    let outputs = std::iter::from_fn(|| session.poll_output());
    let values = |reading: Reading| {
        reading.observations.iter().map(|o| o.value.to_string()).collect::<Vec<_>>().join(" ")
    };
    outputs
        .filter_map(|o| if let Output::Reading(reading) = o { Some(values(reading)) } else { None })
        .collect()
}

#[test]
fn a_stream_is_thinned_and_a_sensor_that_comes_off_is_told_and_is_never_a_number() {
    let mut session = session(DataFormat::Two);
    let mut told = Vec::new();
    for second in 0..100 {
        let status = if (30..40).contains(&second) { 0xC0 } else { 0x80 };
        let packet = packet_of(DataFormat::Two, status, 72, 97);
        for _ in 0..3 {
            told.extend(give(&mut session, &packet, second).into_iter().map(|values| (second, values)));
        }
    }
    let expected = [(0, "97 72"), (33, "not-a-number not-a-number 0x8000"), (43, "97 72")];
    assert_eq!(told, expected.map(|(second, values)| (second, values.to_owned())));
}

#[test]
fn a_low_battery_is_told_once_and_its_end_once() {
    let mut session = session(DataFormat::Eight);
    let mut events = Vec::new();
    for (second, low) in (0..).zip([0, 1, 1, 0, 0]) {
        events.extend(give(&mut session, &[0x80, 72, 97, 0x20 | low], second));
    }
    let expected = ["97 72", Event::BatteryLow.name(), Event::BatteryRestored.name()];
    assert_eq!(events, expected.map(str::to_owned));
}

#[test]
fn a_spot_check_is_acknowledged_when_it_is_committed_and_not_before() {
    let mut session = session(DataFormat::Thirteen);
    let bytes = [spot([2, 0], 72, 97, b""), spot([2, 0x10], 60, 98, b"501234567")].concat();
    session.handle_input(Input::Chunk { channel: Channel::Serial, bytes: &bytes }, Instant::from_millis(0));
    let outputs: Vec<_> = std::iter::from_fn(|| session.poll_output()).collect();
    assert!(outputs.iter().all(|o| matches!(o, Output::Reading(_) | Output::AwaitCommit)), "{outputs:?}");
    session.handle_input(Input::Committed, Instant::from_millis(1));
    let acknowledged: Vec<_> = std::iter::from_fn(|| session.poll_output()).collect();
    assert_eq!(acknowledged, vec![Output::Request(Request::Send(vec![6])); 2]);
    assert_eq!(session.device_description().fields()[0].value, "501234567".into());
    session.handle_input(Input::Committed, Instant::from_millis(2));
    assert_eq!(session.poll_output(), None);
}

#[test]
fn a_value_that_is_missing_is_told_as_absent() {
    let mut session = session(DataFormat::Thirteen);
    session.handle_input(
        Input::Chunk { channel: Channel::Serial, bytes: &spot([1, 0], 511, 127, b"") },
        Instant::from_millis(0),
    );
    let Some(Output::Reading(reading)) = session.poll_output() else { panic!("a reading was expected") };
    assert!(reading.observations.iter().all(|o| matches!(o.value, Value::Absent(_))));
}
