use super::*;
use crate::gatt::Cuff;
use crate::gatt::blood_pressure::{FEATURE, INTERMEDIATE_CUFF_PRESSURE, MEASUREMENT};

fn session() -> MeterSession<Cuff> {
    MeterSession::new("cuff-1".parse().unwrap(), Cuff::default())
}

fn hour(hours: u64) -> Instant {
    Instant::from_millis(hours * 3_600_000)
}

fn give(session: &mut MeterSession<Cuff>, input: Input<'_>, now: Instant) -> Vec<Output> {
    session.handle_input(input, now);
    std::iter::from_fn(|| session.poll_output()).collect()
}

fn reads(outputs: &[Output]) -> usize {
    outputs.iter().filter(|o| matches!(o, Output::Request(Request::Read(_)))).count()
}

#[test]
fn the_measurement_is_subscribed_to_before_anything_else_is_asked() {
    let outputs = give(&mut session(), Input::Connected, hour(0));
    assert_eq!(outputs[0], Output::Request(Request::Subscribe(MEASUREMENT)));
    assert_eq!(outputs[1], Output::Request(Request::Subscribe(INTERMEDIATE_CUFF_PRESSURE)));
    assert_eq!(outputs[4], Output::Request(Request::Read(BATTERY_LEVEL)));
    assert_eq!(reads(&outputs), 13);
}

#[test]
fn questions_are_asked_once_a_day_and_again_where_none_was_answered() {
    let mut cuff = session();
    let battery = Input::Chunk { channel: Channel::Read(BATTERY_LEVEL), bytes: &[97] };
    assert_eq!(reads(&give(&mut cuff, Input::Connected, hour(1))), 13);
    give(&mut cuff, Input::Disconnected, hour(1));
    assert_eq!(reads(&give(&mut cuff, Input::Connected, hour(2))), 13, "nothing was answered");
    assert!(matches!(give(&mut cuff, battery, hour(2))[..], [Output::Reading(_)]));
    give(&mut cuff, Input::Disconnected, hour(2));
    assert_eq!(reads(&give(&mut cuff, Input::Connected, hour(25))), 2, "within the day: its clock only");
    give(&mut cuff, Input::Disconnected, hour(25));
    assert_eq!(reads(&give(&mut cuff, Input::Connected, hour(26))), 13, "a day later");
}

#[test]
fn a_cuff_that_stays_connected_is_asked_again_when_the_day_is_over() {
    let mut cuff = session();
    assert_eq!(cuff.poll_timeout(), None);
    give(&mut cuff, Input::Connected, hour(0));
    assert_eq!(cuff.poll_timeout(), Some(hour(24)));
    cuff.handle_timeout(hour(23));
    assert_eq!(cuff.poll_output(), None);
    cuff.handle_timeout(hour(24));
    assert!(cuff.poll_output().is_some());
    assert_eq!(cuff.poll_timeout(), Some(hour(48)));
    give(&mut cuff, Input::Disconnected, hour(25));
    assert_eq!(cuff.poll_timeout(), None);
}

#[test]
fn what_the_cuff_tells_of_itself_is_a_sign_of_life_and_is_kept() {
    let mut cuff = session();
    let heard = [Output::Heard("cuff-1".parse().unwrap())];
    let model = Input::Chunk { channel: Channel::Read(Uuid::sig(0x2A24)), bytes: b"UA-651BLE" };
    let feature = Input::Chunk { channel: Channel::Read(FEATURE), bytes: &[3, 0] };
    assert_eq!(give(&mut cuff, model, hour(0)), heard);
    assert_eq!(give(&mut cuff, feature, hour(0)), heard);
    let names: Vec<_> = cuff.device_description().fields().iter().map(|f| f.name).collect();
    assert_eq!(names, ["model_number", "features"]);
}

#[test]
fn what_cannot_be_read_is_refused_with_the_device_and_the_next_reading_is_taken() {
    let mut cuff = session();
    let notified = |bytes| Input::Chunk { channel: Channel::Notified(MEASUREMENT), bytes };
    let refused = give(&mut cuff, notified(&[0, 1]), hour(0));
    let Output::Refused(Refused { device: Some(device), error }) = &refused[0] else { panic!("{refused:?}") };
    assert_eq!(device.as_str(), "cuff-1");
    assert_eq!(error.to_string(), "systolic at byte 1: too short: expected length 2, got 1");
    for channel in [Channel::Serial, Channel::Notified(BATTERY_LEVEL), Channel::Read(Uuid(7))] {
        let refused = give(&mut cuff, Input::Chunk { channel, bytes: &[1] }, hour(0));
        assert!(matches!(refused[..], [Output::Refused(_)]), "{channel:?}");
    }
    let reading = give(&mut cuff, notified(&[0, 120, 0, 80, 0, 93, 0]), hour(0));
    let [Output::Reading(reading)] = &reading[..] else { panic!("{reading:?}") };
    assert_eq!(reading.observations.len(), 3);
}

#[test]
fn a_meter_that_stays_and_says_nothing_is_asked_something_it_has_answered_before() {
    let mut cuff = session();
    give(&mut cuff, Input::Connected, hour(0));
    assert_eq!(cuff.poll_timeout(), Some(hour(24)), "it has never answered: there is nothing to ask");
    let battery = Input::Chunk { channel: Channel::Read(BATTERY_LEVEL), bytes: &[97] };
    give(&mut cuff, battery, hour(1));
    let due = hour(1).after(SILENCE);
    assert_eq!(cuff.poll_timeout(), Some(due));
    cuff.handle_timeout(due);
    assert_eq!(cuff.poll_output(), Some(Output::Request(Request::Read(BATTERY_LEVEL))));
    assert_eq!(cuff.poll_timeout(), Some(due.after(SILENCE)), "not before it has had time to answer");
}

#[test]
#[expect(clippy::wildcard_enum_match_arm, reason = "only what comes before the first subscription counts")]
fn a_meter_that_sends_and_goes_is_asked_for_its_clock_first_the_next_time_and_then_not_for_a_day() {
    const CLOCK: Uuid = Uuid::sig(0x2A2B);
    let home = HomeTime { unix_s: 1_792_317_909, utc_offset_min: 120, daylight_saving_min: 60 };
    let slow = HomeTime { unix_s: home.unix_s - 3600, ..home };
    let shows = |time| crate::gatt::current_time::CurrentTime::encode(time);
    let mut cuff = session();
    // Each visit: what it is asked first, and that it hangs up as soon as it is subscribed to.
    let mut visit = |at: Instant| {
        cuff.handle_input(Input::Time(home), at);
        cuff.handle_input(Input::Connected, at);
        let mut asked = Vec::new();
        let mut shown = slow;
        while let Some(output) = cuff.poll_output() {
            match output {
                Output::Request(Request::Subscribe(_)) => break,
                Output::Request(Request::Read(CLOCK)) => {
                    asked.push("read");
                    let bytes = shows(shown);
                    let chunk = Input::Chunk { channel: Channel::Read(CLOCK), bytes: &bytes };
                    cuff.handle_input(chunk, at);
                }
                Output::Request(Request::Write { characteristic: CLOCK, bytes }) if bytes == shows(home) => {
                    asked.push("set");
                    shown = home;
                }
                Output::Request(_)
                | Output::Reading(_)
                | Output::Outcome(_)
                | Output::AwaitCommit
                | Output::Remember(_)
                | Output::Heard(_)
                | Output::Well(_)
                | Output::Refused(_)
                | Output::UnknownSender(_) => {}
            }
        }
        while cuff.poll_output().is_some() {}
        cuff.handle_input(Input::Disconnected, at);
        asked
    };
    assert_eq!(visit(hour(1)), [""; 0]);
    assert_eq!(visit(hour(2)), ["read", "set", "read"]);
    assert_eq!(visit(hour(3)), [""; 0], "it was compared");
    assert_eq!(visit(hour(4)), [""; 0], "within the day");
    assert_eq!(visit(hour(26)), ["read", "set", "read"]);
}
