use proptest::prelude::*;
use varde_wire::{Event, Metric, Value};

use super::*;
use crate::describe::unhex;
use crate::esp3::frame::tests::{is_a_packet_beyond, noise, packet};
use crate::{Esp3Options, SerialDevice, SerialOptions, SerialRoster, Uuid};

const PRESSED: &str = "55000707017af650002989793001ffffffff37009d";
const RELEASED: &str = "55000707017af600002989792002ffffffff4a0003";
const OPENED: &str = "55000707017ad50801825dab0001ffffffff360053";
const LEARN: &str = "55000707017ad50001825dab0003ffffffffff0006";

fn home(rocker: Option<&str>) -> Box<dyn Session> {
    let purpose = rocker.map(|name| Purpose::from_name(name).unwrap());
    let device = |name: &str, id: &str, profile: &str| {
        let profile = Eep::from_name(profile).unwrap();
        let options = SerialOptions::Esp3(Esp3Options { id: id.parse().unwrap(), profile, purpose });
        SerialDevice { name: name.parse().unwrap(), options }
    };
    let mut roster = SerialRoster::new(device("rocker-1", "0029:8979", "F6-02-02"));
    roster.join(device("door-1", "01825DAB", "d5-00-01")).unwrap();
    roster.session()
}

fn at(ms: u64) -> Instant {
    Instant::from_millis(ms)
}

fn drain(session: &mut dyn Session) -> Vec<Output> {
    std::iter::from_fn(|| session.poll_output()).collect()
}

fn give(session: &mut dyn Session, bytes: &[u8]) -> Vec<Output> {
    session.handle_input(Input::Chunk { channel: Channel::Serial, bytes }, at(0));
    drain(session)
}

fn event(output: &Output) -> (&str, Metric, Event) {
    let Output::Reading(Reading { device, observations, .. }) = output else { panic!("{output:?}") };
    let [observation] = &observations[..] else { panic!("{output:?}") };
    assert_eq!(observation.device, *device);
    let Value::Event(event) = observation.value else { panic!("{output:?}") };
    (device.as_str(), observation.metric, event)
}

#[test]
fn a_pendant_alarms_at_press_and_is_only_heard_at_release() {
    for purpose in [None, Some("pendant")] {
        let mut home = home(purpose);
        let outputs = give(&mut *home, &unhex(&[PRESSED, RELEASED].concat()));
        assert_eq!(event(&outputs[0]), ("rocker-1", Metric::PERSONAL_ALARM, Event::SafetyAlarm));
        assert_eq!(outputs[1..], [Output::Heard("rocker-1".parse().unwrap())]);
    }
}

#[test]
fn a_switch_tells_both_and_a_contact_tells_what_it_did_but_not_that_it_learns() {
    let mut home = home(Some("switch"));
    let outputs = give(&mut *home, &unhex(&[PRESSED, RELEASED, OPENED, LEARN].concat()));
    assert_eq!(event(&outputs[0]), ("rocker-1", Metric::SWITCH, Event::ButtonPressed));
    assert_eq!(event(&outputs[1]), ("rocker-1", Metric::SWITCH, Event::ButtonReleased));
    assert_eq!(event(&outputs[2]), ("door-1", Metric::CONTACT, Event::DoorOpened));
    assert_eq!(outputs[3..], [Output::Heard("door-1".parse().unwrap())]);
}

#[test]
fn a_stranger_is_named_and_the_sticks_own_packets_are_passed_over() {
    let mut home = home(None);
    let stranger = unhex("55000a0701eba5000055080181b7440001ffffffff2d0075");
    assert_eq!(give(&mut *home, &stranger), [Output::UnknownSender("0181B744".to_owned())]);
    assert_eq!(give(&mut *home, &unhex("5500010004770107")), []);
}

#[test]
fn a_telegram_that_the_profile_does_not_have_is_refused_but_heard() {
    let mut home = home(None);
    let door: DeviceId = "door-1".parse().unwrap();
    let rocker = packet(1, &[0xF6, 0x50, 0x01, 0x82, 0x5D, 0xAB, 0x30], &[]);
    let outputs = give(&mut *home, &rocker);
    assert_eq!(outputs[0], Output::Heard(door.clone()));
    let [_, Output::Refused(Refused { device, error })] = &outputs[..] else { panic!("{outputs:?}") };
    assert_eq!(device, &Some(door.clone()));
    assert_eq!(
        error.to_string(),
        "RORG at byte 6: the profile expects D5, got F6: is the device's profile the right one?"
    );
    let signal = packet(1, &[0xD0, 0x06, 0x40, 0x01, 0x82, 0x5D, 0xAB, 0x00], &[]);
    assert_eq!(give(&mut *home, &signal), [Output::Heard(door)]);
}

#[test]
fn what_is_encrypted_is_refused_with_what_to_do_and_so_is_erp2() {
    let mut home = home(None);
    let door: DeviceId = "door-1".parse().unwrap();
    let secured = packet(1, &[0x30, 1, 2, 3, 4, 0x01, 0x82, 0x5D, 0xAB, 0x00], &[]);
    let outputs = give(&mut *home, &secured);
    let [Output::Refused(Refused { device, error })] = &outputs[..] else { panic!("{outputs:?}") };
    assert_eq!((device, &error.problem), (&Some(door), &Problem::Secured));
    assert!(error.problem.needs_somebody());
    let outputs = give(&mut *home, &packet(10, &[0x21, 0x01, 0x82, 0x5D, 0xAB, 0x08, 0x12], &[]));
    let [Output::Refused(Refused { device: None, error })] = &outputs[..] else { panic!("{outputs:?}") };
    assert_eq!(error.problem, Problem::OtherRadioProtocol);
}

#[test]
fn a_telegram_through_repeaters_is_one_event_with_the_way_of_the_first() {
    let mut home = home(None);
    let through = |hops: u8, minus_dbm: u8| {
        let pressed = [0xF6, 0x50, 0x00, 0x29, 0x89, 0x79, 0x30 | hops];
        packet(1, &pressed, &[1, 0xFF, 0xFF, 0xFF, 0xFF, minus_dbm, 0])
    };
    let outputs = give(&mut *home, &[through(1, 80), through(0, 90), through(2, 70)].concat());
    let heard = Output::Heard("rocker-1".parse().unwrap());
    let [Output::Reading(Reading { context, .. }), rest @ ..] = &outputs[..] else { panic!("{outputs:?}") };
    assert_eq!((context.rssi_dbm, context.repeaters), (Some(-80), Some(1)));
    assert_eq!(rest, [heard.clone(), heard]);
    home.handle_input(Input::Chunk { channel: Channel::Serial, bytes: &through(0, 90) }, at(100));
    assert_eq!(event(&drain(&mut *home)[0]).2, Event::SafetyAlarm, "a hand is no faster than that");
}

#[test]
fn a_heartbeat_is_a_sign_of_life_and_no_event() {
    let mut home = home(None);
    let mut open = |ms| {
        home.handle_input(Input::Chunk { channel: Channel::Serial, bytes: &unhex(OPENED) }, at(ms));
        drain(&mut *home)
    };
    assert_eq!(event(&open(0)[0]).2, Event::DoorOpened);
    assert_eq!(open(1_500_000), [Output::Heard("door-1".parse().unwrap())]);
}

#[test]
fn a_stick_is_asked_what_it_is_and_its_silence_costs_nothing() {
    let mut home = home(None);
    home.handle_input(Input::Connected, at(0));
    let asks = |outputs: &[Output]| match outputs {
        [Output::Request(Request::Send(bytes))] => crate::describe::hex(bytes),
        other => panic!("{other:?}"),
    };
    assert_eq!(asks(&drain(&mut *home)), "5500010005700309");
    assert_eq!(event(&give(&mut *home, &unhex(PRESSED))[0]).2, Event::SafetyAlarm);
    assert_eq!(home.device_description(), Description::default());
    assert_eq!(asks(&give(&mut *home, &packet(2, &[2], &[]))), "5500010005700838");
    assert_eq!(give(&mut *home, &packet(2, &[0, 0xFF, 0x80, 0, 0], &[10])), []);
    assert_eq!(home.device_description(), Description::default().with("base_id", "FF800000"));
}

#[test]
fn an_alarm_behind_a_header_made_by_noise_waits_for_silence_and_no_longer() {
    let mut home = home(None);
    let lucky = &packet(1, &[0; 600], &[])[..6];
    assert_eq!(home.poll_timeout(), None);
    assert_eq!(give(&mut *home, &[lucky, &unhex(PRESSED)].concat()), []);
    assert_eq!(home.poll_timeout(), Some(at(100)));
    home.handle_timeout(at(99));
    assert_eq!(drain(&mut *home), []);
    home.handle_timeout(at(100));
    let outputs = drain(&mut *home);
    assert!(matches!(outputs[0], Output::Refused(_)));
    assert_eq!(event(&outputs[1]), ("rocker-1", Metric::PERSONAL_ALARM, Event::SafetyAlarm));
    assert_eq!(home.poll_timeout(), None);
}

#[test]
fn an_alarm_in_two_pieces_is_whole_however_late_the_second_comes() {
    let mut home = home(None);
    let alarm = unhex(PRESSED);
    assert_eq!(give(&mut *home, &alarm[..10]), []);
    home.handle_timeout(at(100));
    home.handle_timeout(at(5000));
    assert_eq!(event(&give(&mut *home, &alarm[10..])[0]).2, Event::SafetyAlarm);
}

#[test]
fn a_new_connection_begins_anew() {
    let mut home = home(None);
    give(&mut *home, &unhex(PRESSED)[..10]);
    home.handle_input(Input::Disconnected, at(1));
    assert!(matches!(drain(&mut *home)[..], [Output::Refused(_)]));
    assert_eq!(home.poll_timeout(), None);
    home.handle_input(Input::Connected, at(2));
    drain(&mut *home);
    assert_eq!(give(&mut *home, &unhex(PRESSED)).len(), 1);
}

#[test]
fn what_a_serial_line_cannot_bring_is_refused() {
    let mut home = home(None);
    home.handle_input(Input::Chunk { channel: Channel::Read(Uuid::sig(0x2A19)), bytes: &[1] }, at(0));
    assert!(matches!(drain(&mut *home)[..], [Output::Refused(_)]));
}

proptest! {
    /// But for one case: noise that happens to be a whole packet and ends within the alarm.
    #[test]
    fn no_bytes_in_any_pieces_at_any_pace_keep_the_next_alarm_back(
        pieces in proptest::collection::vec((noise(), 0..300_u64), 0..20),
    ) {
        let mut home = home(None);
        let mut now = 0;
        let mut stream = Vec::new();
        for (bytes, later) in pieces {
            now += later;
            if home.poll_timeout().is_some_and(|due| due <= at(now)) {
                home.handle_timeout(at(now));
            }
            home.handle_input(Input::Chunk { channel: Channel::Serial, bytes: &bytes }, at(now));
            drain(&mut *home);
            stream.extend(bytes);
        }
        let noise = stream.len();
        stream.extend(unhex(PRESSED));
        prop_assume!(!is_a_packet_beyond(&stream, 0..noise));

        home.handle_input(Input::Chunk { channel: Channel::Serial, bytes: &stream[noise..] }, at(now));
        if let Some(silence) = home.poll_timeout() {
            home.handle_timeout(silence);
        }
        let alarms = drain(&mut *home).iter().filter(|o| matches!(o, Output::Reading(_))).count();
        prop_assert_eq!(alarms, 1);
    }
}
