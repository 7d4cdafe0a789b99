use varde_wire::Flags;

use super::*;
use crate::describe::unhex;
use crate::gatt::meter::MeterSession;
use crate::gatt::record_access::RECORD_ACCESS_CONTROL_POINT as CONTROL_POINT;
use crate::{Channel, Input, Output, Reading, Request, Session};

fn session() -> MeterSession<Oximeter> {
    MeterSession::new("oximeter-1".parse().unwrap(), Oximeter::default())
}

fn seconds(seconds: u64) -> Instant {
    Instant::from_millis(seconds * 1000)
}

fn outputs(session: &mut MeterSession<Oximeter>, uuid: Uuid, hex: &str, now: Instant) -> Vec<Output> {
    session.handle_input(Input::Chunk { channel: Channel::Notified(uuid), bytes: &unhex(hex) }, now);
    std::iter::from_fn(|| session.poll_output()).collect()
}

fn readings(session: &mut MeterSession<Oximeter>, uuid: Uuid, hex: &str, now: Instant) -> Vec<Reading> {
    let reading = |output| if let Output::Reading(reading) = output { Some(reading) } else { None };
    outputs(session, uuid, hex, now).into_iter().filter_map(reading).collect()
}

#[test]
fn of_a_stream_one_in_ten_seconds_is_passed_on_and_every_change_of_its_status() {
    let mut oximeter = session();
    let table = [
        (0, "0461004800 2000", true, "the first"),
        (1, "0462004900 2000", false, "other numbers"),
        (9, "0460004700 2000", false, "other numbers"),
        (10, "0461004800 2000", true, "ten seconds later"),
        (11, "0461004800 2040", true, "a doubt"),
        (12, "0461004800 2040", false, "still a doubt"),
        (13, "0461004800 2000", true, "no doubt any more"),
        (14, "04ff07ff07 2000", true, "no number: no finger"),
        (15, "04ff07ff07 2000", false, "still no finger"),
        (16, "0461004800 2000", true, "a number again"),
    ];
    for (at, hex, passed_on, why) in table {
        let readings = readings(&mut oximeter, CONTINUOUS, &hex.replace(' ', ""), seconds(at));
        assert_eq!(readings.len(), usize::from(passed_on), "{why}");
    }
}

#[test]
fn a_spot_check_is_stored_while_records_are_reported_and_live_after_that() {
    let mut oximeter = session();
    oximeter.handle_input(Input::Connected, seconds(0));
    while oximeter.poll_output().is_some() {}
    let spot = "0161004800ea070b160e1e00";
    let is_stored = |readings: Vec<Reading>| readings[0].observations[0].flags.has(Flags::STORED);
    assert!(!is_stored(readings(&mut oximeter, SPOT_CHECK, spot, seconds(1))));
    outputs(&mut oximeter, CONTROL_POINT, "05000100", seconds(2));
    assert!(is_stored(readings(&mut oximeter, SPOT_CHECK, spot, seconds(3))));
    let done = outputs(&mut oximeter, CONTROL_POINT, "06000101", seconds(4));
    assert!(done.contains(&Output::AwaitCommit));
    oximeter.handle_input(Input::Committed, seconds(5));
    assert_eq!(oximeter.poll_output(), None, "nothing is deleted, and the oximeter may go on");
    assert!(!is_stored(readings(&mut oximeter, SPOT_CHECK, spot, seconds(6))));
}

#[test]
fn an_oximeter_without_a_memory_is_not_hung_up_on() {
    let mut oximeter = session();
    oximeter.handle_input(Input::Connected, seconds(0));
    while oximeter.poll_output().is_some() {}
    assert_eq!(oximeter.poll_timeout(), Some(seconds(30)));
    oximeter.handle_timeout(seconds(30));
    let left: Vec<_> = std::iter::from_fn(|| oximeter.poll_output()).collect();
    assert!(!left.contains(&Output::Request(Request::Disconnect)), "{left:?}");
    assert_ne!(oximeter.poll_timeout(), Some(seconds(30)));
}
