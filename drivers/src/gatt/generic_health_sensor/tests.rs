use proptest::collection::vec;
use proptest::prelude::*;
use varde_wire::{Decimal, Event, Instant, Metric, Value};

use super::*;
use crate::describe::unhex;
use crate::gatt::record_access::RECORD_ACCESS_CONTROL_POINT as RECORDS;
use crate::{BleOptions, BleProfile, Channel, HomeTime, Input, Output, Reading, Session};

/// 2026-10-18T10:05:09Z, 12:05:09 in the home.
const NOW: HomeTime = HomeTime { unix_s: 1_792_317_909, utc_offset_min: 120, daylight_saving_min: 60 };
/// The same in seconds after 2000, local time.
const LOCAL_S: u64 = 845_640_309;

/// A sensor's session, and what it asked for.
struct Home {
    session: Box<dyn Session>,
    now: Instant,
}

impl Home {
    fn new() -> Self {
        Self::with(&BleOptions::default())
    }

    /// Where what is kept is deleted.
    fn clearing() -> Self {
        Self::with(&BleOptions { clear_memory: true, ..BleOptions::default() })
    }

    fn with(options: &BleOptions) -> Self {
        let session = BleProfile::GenericHealthSensor.session("sensor-1".parse().unwrap(), options);
        Self { session, now: Instant::from_millis(1000) }
    }

    fn give(&mut self, input: Input<'_>) -> Vec<Output> {
        self.session.handle_input(input, self.now);
        self.drain()
    }

    fn drain(&mut self) -> Vec<Output> {
        std::iter::from_fn(|| self.session.poll_output()).collect()
    }

    fn connect(&mut self) -> Vec<Output> {
        self.give(Input::Time(NOW));
        self.give(Input::Connected)
    }

    fn read(&mut self, uuid: Uuid, bytes: &[u8]) -> Vec<Output> {
        self.give(Input::Chunk { channel: Channel::Read(uuid), bytes })
    }

    fn notify(&mut self, uuid: Uuid, bytes: &[u8]) -> Vec<Output> {
        self.give(Input::Chunk { channel: Channel::Notified(uuid), bytes })
    }

    /// The sensor says that it has stored nothing.
    fn has_nothing_stored(&mut self) -> Vec<Output> {
        self.notify(RECORDS, &[5, 0, 0, 0, 0, 0])
    }
}

/// What the clock shows: those flags, that count, and whether it is set.
fn clock(flags: u8, count: u64, status: u8) -> Vec<u8> {
    let mut bytes = vec![flags];
    bytes.extend(&count.to_le_bytes()[..6]);
    bytes.extend([7, 0, status, 0]);
    bytes
}

/// A saturation of 98 % with that time stamp, in one piece.
fn saturation(stamp: &[u8]) -> Vec<u8> {
    let mut bytes = unhex("01150003_00b84b0200".replace('_', "").as_str());
    bytes.extend(&stamp[..9]);
    bytes.extend(unhex("200262000000"));
    bytes
}

fn segment(header: u8, bytes: &[u8]) -> Vec<u8> {
    [&[header], bytes].concat()
}

fn readings(outputs: &[Output]) -> Vec<&Reading> {
    outputs
        .iter()
        .filter_map(|output| if let Output::Reading(reading) = output { Some(reading) } else { None })
        .collect()
}

fn writes(outputs: &[Output], to: Uuid) -> Vec<Vec<u8>> {
    let write = |output: &Output| {
        let Output::Request(Request::Write { characteristic, bytes }) = output else { return None };
        (*characteristic == to).then(|| bytes.clone())
    };
    outputs.iter().filter_map(write).collect()
}

#[test]
fn what_is_stored_is_asked_for_first_then_the_clock_is_set_and_live_observations_are_asked_for() {
    let mut home = Home::new();
    let outputs = home.connect();
    assert_eq!(outputs[0], Output::Request(Request::Read(CURRENT_ELAPSED_TIME)));
    assert_eq!(writes(&outputs, RECORDS), [[4, 1]]);
    // Two hours slow, local time.
    let slow = clock(0x20, LOCAL_S - 7200, 0);
    assert!(readings(&home.read(CURRENT_ELAPSED_TIME, &slow)).is_empty());
    let outputs = home.notify(RECORDS, &[5, 0, 1, 0, 0, 0]);
    assert_eq!(writes(&outputs, RECORDS), [[7, 1]], "a combined report");
    assert!(writes(&outputs, CONTROL_POINT).is_empty());

    let stored = [&5_u32.to_le_bytes()[..], &saturation(&clock(0x20, LOCAL_S - 7260, 0))].concat();
    let outputs = home.notify(STORED_OBSERVATIONS, &segment(3, &stored));
    let [reading] = readings(&outputs)[..] else { panic!("{outputs:?}") };
    assert_eq!(reading.context.clock_offset_s, Some(7200));
    assert_eq!(reading.observations[0].device_time.unwrap().to_string(), "2026-10-18T10:04:09");
    assert_eq!(reading.observations[0].flags, Flags::STORED);

    assert_eq!(home.notify(RECORDS, &[8, 0, 1, 0, 0, 0]).last(), Some(&Output::AwaitCommit));
    let outputs = home.give(Input::Committed);
    assert!(matches!(outputs[0], Output::Remember(_)), "{outputs:?}");
    assert!(outputs.contains(&Output::Request(Request::Read(CURRENT_ELAPSED_TIME))));
    assert_eq!(writes(&outputs, CONTROL_POINT), [[1]]);

    let outputs = home.read(CURRENT_ELAPSED_TIME, &slow);
    let right = [&clock(0x20, LOCAL_S, 0)[..7], &[1, 0]].concat();
    assert_eq!(writes(&outputs, CURRENT_ELAPSED_TIME), [right]);
    assert_eq!(readings(&outputs)[0].observations[0].value, Value::Decimal(Decimal::whole(7200)));
    home.read(CURRENT_ELAPSED_TIME, &clock(0x20, LOCAL_S, 0));
    let outputs = home.notify(LIVE_OBSERVATIONS, &segment(3, &saturation(&clock(0x20, LOCAL_S, 0))));
    assert_eq!(readings(&outputs)[0].context.clock_offset_s, Some(0));
    assert_eq!(readings(&outputs)[0].observations[0].flags, Flags::NONE);
    let outputs = home.notify(LIVE_OBSERVATIONS, &segment(3, &saturation(&clock(0, LOCAL_S - 7200, 0))));
    assert_eq!(readings(&outputs)[0].context.clock_offset_s, None, "of a timeline that is over");
    assert_eq!(readings(&outputs)[0].observations[0].flags, Flags::DEVICE_CLOCK_UNSET);
}

#[test]
fn a_time_of_an_earlier_timeline_counts_if_the_clock_was_right_by_itself() {
    let mut home = Home::new();
    home.connect();
    home.read(CURRENT_ELAPSED_TIME, &clock(0x20, 300, 1));
    let table =
        [(0x00, 1, Some(0)), (0x02, 1, Some(7200)), (0x00, 4, None), (0x00, 7, None), (0x00, 0, None)];
    for (flags, sync_source, offset_s) in table {
        let mut stamp = clock(flags, LOCAL_S - 86_400, 0);
        stamp[7] = sync_source;
        let outputs = home.notify(LIVE_OBSERVATIONS, &segment(3, &saturation(&stamp)));
        let [reading] = readings(&outputs)[..] else { panic!("{outputs:?}") };
        assert_eq!(reading.context.clock_offset_s, offset_s, "{flags:02x} {sync_source}");
        let is_unset = reading.observations[0].flags.has(Flags::DEVICE_CLOCK_UNSET);
        assert_eq!(is_unset, offset_s.is_none(), "{flags:02x} {sync_source}");
    }
}

#[test]
fn the_last_record_is_remembered_by_its_long_number() {
    let mut home = Home::new();
    home.connect();
    home.notify(RECORDS, &[5, 0, 1, 0, 0, 0]);
    let stored = [&0x0001_0005_u32.to_le_bytes()[..], &saturation(&[0; 9])].concat();
    home.notify(STORED_OBSERVATIONS, &segment(3, &stored));
    home.notify(RECORDS, &[8, 0, 1, 0, 0, 0]);
    let outputs = home.give(Input::Committed);
    let Output::Remember(memory) = &outputs[0] else { panic!("{outputs:?}") };
    let mut next = Home::new();
    next.session.recall(memory);
    next.connect();
    let outputs = next.notify(RECORDS, &[5, 0, 2, 0, 0, 0]);
    assert_eq!(writes(&outputs, RECORDS), [[4, 3, 1, 6, 0, 1, 0]]);
}

#[test]
fn a_sensor_without_a_memory_is_asked_for_live_observations_after_a_while() {
    let mut home = Home::new();
    home.connect();
    home.now = home.session.poll_timeout().unwrap();
    home.session.handle_timeout(home.now);
    let outputs = home.drain();
    assert_eq!(writes(&outputs, CONTROL_POINT), [[1]]);
    assert!(outputs.contains(&Output::Request(Request::Read(CURRENT_ELAPSED_TIME))));
}

#[test]
fn a_busy_sensor_is_asked_again_but_not_for_ever() {
    let mut home = Home::new();
    home.connect();
    assert_eq!(writes(&home.has_nothing_stored(), CONTROL_POINT).len(), 1);
    let asked: usize =
        (0..9).map(|_| writes(&home.notify(CONTROL_POINT, &[0x81]), CONTROL_POINT).len()).sum();
    assert_eq!(asked, 4);
    assert!(writes(&home.notify(CONTROL_POINT, &[0x80]), CONTROL_POINT).is_empty());
}

#[test]
fn an_observation_in_segments_is_put_together_and_a_lost_segment_is_refused_once() {
    let mut home = Home::new();
    home.connect();
    let whole = saturation(&clock(0x20, LOCAL_S, 0));
    let (first, second) = whole.split_at(12);
    assert!(readings(&home.notify(LIVE_OBSERVATIONS, &segment(0x01 | 63 << 2, first))).is_empty());
    let outputs = home.notify(LIVE_OBSERVATIONS, &segment(0x02, second));
    assert_eq!(readings(&outputs)[0].observations[0].metric, Metric::from_code(150_456));

    home.notify(LIVE_OBSERVATIONS, &segment(0x01, first));
    let outputs = home.notify(LIVE_OBSERVATIONS, &segment(0x02 | 2 << 2, second));
    let refused = outputs.iter().filter(|output| matches!(output, Output::Refused(_))).count();
    assert_eq!((refused, readings(&outputs).len()), (1, 0));
}

#[test]
fn what_one_connection_began_another_does_not_end() {
    let mut home = Home::new();
    home.connect();
    let whole = saturation(&clock(0x20, LOCAL_S, 0));
    let (first, second) = whole.split_at(12);
    home.notify(LIVE_OBSERVATIONS, &segment(0x01, first));
    home.give(Input::Disconnected);
    home.connect();
    let outputs = home.notify(LIVE_OBSERVATIONS, &segment(0x02 | 1 << 2, second));
    assert!(readings(&outputs).is_empty());
}

/// The same moment as four kinds of clock show it: what the observation's time is, and what has to be added to it.
#[test]
fn each_kind_of_clock_gives_its_observations_the_home_s_time() {
    let table = [
        ("local time", 0x20, LOCAL_S, 0, "2026-10-18T12:05:09", Some(0)),
        ("UTC", 0x22, LOCAL_S - 7200, 0, "2026-10-18T10:05:09", Some(7200)),
        ("UTC and a zone", 0x32, LOCAL_S - 7200, 8, "2026-10-18T12:05:09", Some(0)),
        ("UTC and the winter's zone", 0x32, LOCAL_S - 7200, 4, "2026-10-18T11:05:09", Some(3600)),
        ("milliseconds", 0x28, LOCAL_S * 1000 + 999, 0, "2026-10-18T12:05:09", Some(0)),
        ("ticks", 0x21, 1234, 0, "2026-10-18T12:05:09", Some(0)),
    ];
    for (kind, flags, count, zone, time, offset_s) in table {
        let mut home = Home::new();
        home.connect();
        let mut shown = clock(flags, count, 0);
        shown[8] = zone;
        home.read(CURRENT_ELAPSED_TIME, &shown);
        let outputs = home.notify(LIVE_OBSERVATIONS, &segment(3, &saturation(&shown)));
        let [reading] = readings(&outputs)[..] else { panic!("{kind}: {outputs:?}") };
        assert_eq!(
            reading.observations[0].device_time.map(|time| time.to_string()).as_deref(),
            Some(time),
            "{kind}"
        );
        assert_eq!(reading.context.clock_offset_s, offset_s, "{kind}");
    }
}

#[test]
fn ticks_of_another_life_of_the_counter_have_no_time() {
    let mut home = Home::new();
    home.connect();
    let unread = home.notify(LIVE_OBSERVATIONS, &segment(3, &saturation(&clock(0x21, 5, 0))));
    assert_eq!(readings(&unread)[0].observations[0].device_time, None, "the counter was not read yet");
    home.read(CURRENT_ELAPSED_TIME, &clock(0x21, 1234, 0));
    let old = home.notify(LIVE_OBSERVATIONS, &segment(3, &saturation(&clock(0x01, 1000, 0))));
    assert_eq!(readings(&old)[0].observations[0].device_time, None);
    assert_eq!(readings(&old)[0].context.clock_offset_s, None);
}

#[test]
fn a_record_that_comes_at_two_connections_has_the_same_time_twice() {
    let mut home = Home::new();
    let mut times = Vec::new();
    for late in 0..3 {
        home.connect();
        home.read(CURRENT_ELAPSED_TIME, &clock(0x21, 1234 + late, 0));
        let outputs = home.notify(LIVE_OBSERVATIONS, &segment(3, &saturation(&clock(0x21, 1000, 0))));
        times.push(readings(&outputs)[0].observations[0].device_time);
        home.give(Input::Disconnected);
    }
    assert_eq!(times, [times[0]; 3]);
}

#[test]
fn a_clock_that_was_never_set_marks_its_observations_and_is_a_fault_if_it_cannot_be_set() {
    let mut home = Home::new();
    home.connect();
    // Five minutes after the battery was put in.
    let unset = clock(0x20, 300, 1);
    home.read(CURRENT_ELAPSED_TIME, &unset);
    let outputs = home.notify(LIVE_OBSERVATIONS, &segment(3, &saturation(&clock(0x20, 240, 0))));
    assert_eq!(readings(&outputs)[0].observations[0].flags, Flags::DEVICE_CLOCK_UNSET);
    assert_eq!(readings(&outputs)[0].context.clock_offset_s, Some(845_640_009));
    home.has_nothing_stored();
    assert_eq!(writes(&home.read(CURRENT_ELAPSED_TIME, &unset), CURRENT_ELAPSED_TIME).len(), 1);
    let outputs = home.read(CURRENT_ELAPSED_TIME, &unset);
    assert_eq!(readings(&outputs)[0].observations[0].value, Value::Event(Event::ClockWrong));
    // A sensor that says so for ever, though it took the time.
    home.give(Input::Disconnected);
    home.connect();
    let set = clock(0x20, LOCAL_S, 1);
    home.read(CURRENT_ELAPSED_TIME, &set);
    home.has_nothing_stored();
    let outputs = home.read(CURRENT_ELAPSED_TIME, &set);
    let told: Vec<_> = readings(&outputs)[0].observations.iter().map(|o| o.value.clone()).collect();
    assert_eq!(told, [Value::Decimal(Decimal::whole(0)), Value::Event(Event::ClockRestored)]);
    let outputs = home.notify(LIVE_OBSERVATIONS, &segment(3, &saturation(&set)));
    assert_eq!(readings(&outputs)[0].observations[0].flags, Flags::NONE);
}

#[test]
fn without_a_right_clock_of_our_own_nothing_is_set_or_judged() {
    let mut home = Home::new();
    home.give(Input::Connected);
    home.read(CURRENT_ELAPSED_TIME, &clock(0x20, 300, 1));
    home.has_nothing_stored();
    assert!(writes(&home.read(CURRENT_ELAPSED_TIME, &clock(0x20, 300, 1)), CURRENT_ELAPSED_TIME).is_empty());
    let outputs = home.notify(LIVE_OBSERVATIONS, &segment(3, &saturation(&clock(0x20, 240, 0))));
    let [reading] = readings(&outputs)[..] else { panic!("{outputs:?}") };
    assert_eq!(reading.context.clock_offset_s, None);
    assert_eq!(reading.observations[0].device_time.unwrap().to_string(), "2000-01-01T00:04:00");
}

#[test]
fn the_sensor_tells_of_itself() {
    let mut home = Home::new();
    home.connect();
    home.read(FEATURES, &unhex("0102b84b02001a48020001071001"));
    home.read(RC_FEATURE, &[0xFF, 0xFF, 6, 0, 0]);
    home.read(RC_SETTINGS, &[3, 0x10, 0]);
    home.notify(SCHEDULE_CHANGED, &unhex("b84b02000a0000ff0a0000ff"));
    let names: Vec<_> = home.session.device_description().fields().iter().map(|field| field.name).collect();
    assert_eq!(names, ["features", "schedule", "reconnection_feature", "reconnection_settings"]);
}

/// A stored record in two segments.
fn record(number: u32, counter: u8) -> [Vec<u8>; 2] {
    let whole =
        [&number.to_le_bytes()[..], &saturation(&clock(0x20, LOCAL_S - u64::from(number), 0))].concat();
    let (first, second) = whole.split_at(12);
    [segment(0x01 | counter << 2, first), segment(0x02 | (counter + 1) << 2, second)]
}

#[test]
fn a_record_of_which_a_segment_is_lost_is_fetched_again_before_any_is_forgotten() {
    let mut home = Home::new();
    home.connect();
    assert_eq!(writes(&home.notify(RECORDS, &[5, 0, 2, 0, 0, 0]), RECORDS), [[7, 1]]);
    let [first, second] = record(1, 0);
    home.notify(STORED_OBSERVATIONS, &first);
    assert_eq!(readings(&home.notify(STORED_OBSERVATIONS, &second)).len(), 1);
    let [first, _lost] = record(2, 2);
    home.notify(STORED_OBSERVATIONS, &first);
    assert_eq!(writes(&home.notify(RECORDS, &[8, 0, 2, 0, 0, 0]), RECORDS), [[7, 1]], "asked again");
    let mut given = 0;
    for part in record(1, 10).iter().chain(&record(2, 12)) {
        given += readings(&home.notify(STORED_OBSERVATIONS, part)).len();
    }
    assert_eq!(given, 1, "the first is known");
    assert_eq!(home.notify(RECORDS, &[8, 0, 2, 0, 0, 0]).last(), Some(&Output::AwaitCommit));
}

#[test]
fn a_memory_is_cleared_only_of_what_is_kept() {
    let mut home = Home::clearing();
    home.connect();
    home.notify(RECORDS, &[5, 0, 1, 0, 0, 0]);
    for part in record(0x0001_0002, 0) {
        home.notify(STORED_OBSERVATIONS, &part);
    }
    let outputs = home.notify(RECORDS, &[8, 0, 1, 0, 0, 0]);
    assert_eq!((outputs.last(), writes(&outputs, RECORDS).len()), (Some(&Output::AwaitCommit), 0));
    assert_eq!(writes(&home.give(Input::Committed), RECORDS), [[4, 1]], "is it still as it was?");
    assert_eq!(writes(&home.notify(RECORDS, &[5, 0, 1, 0, 0, 0]), RECORDS), [[2, 2, 1, 2, 0, 1, 0]]);
    assert_eq!(writes(&home.notify(RECORDS, &[6, 0, 2, 1]), CONTROL_POINT), [[1]]);
}

#[test]
fn what_was_told_live_is_not_told_again_from_the_memory() {
    let mut home = Home::new();
    home.connect();
    home.has_nothing_stored();
    let live = saturation(&clock(0x20, LOCAL_S, 0));
    assert_eq!(readings(&home.notify(LIVE_OBSERVATIONS, &segment(3, &live))).len(), 1);
    home.give(Input::Disconnected);
    home.connect();
    home.notify(RECORDS, &[5, 0, 2, 0, 0, 0]);
    let stored = |number: u32, body: &[u8]| segment(3, &[&number.to_le_bytes()[..], body].concat());
    assert!(readings(&home.notify(STORED_OBSERVATIONS, &stored(1, &live))).is_empty());
    let other = saturation(&clock(0x20, LOCAL_S + 1, 0));
    assert_eq!(readings(&home.notify(STORED_OBSERVATIONS, &stored(2, &other))).len(), 1);
}

#[test]
fn times_that_may_come_again_tell_nothing_apart() {
    // A tick counter, and a clock that begins at 2000 with each battery.
    for (flags, status) in [(0x21, 0), (0x20, 1)] {
        let mut home = Home::new();
        home.connect();
        home.read(CURRENT_ELAPSED_TIME, &clock(flags, 70, status));
        let body = saturation(&clock(flags, 60, 0));
        home.notify(LIVE_OBSERVATIONS, &segment(3, &body));
        home.notify(RECORDS, &[5, 0, 1, 0, 0, 0]);
        let stored = segment(3, &[&1_u32.to_le_bytes()[..], &body].concat());
        assert_eq!(readings(&home.notify(STORED_OBSERVATIONS, &stored)).len(), 1);
    }
}

proptest! {
    /// Whatever a sensor sends: no panic, and no output without an end.
    #[test]
    fn any_life_is_survived(values in vec((0_usize..9, vec(any::<u8>(), 0..40), any::<bool>()), 0..40)) {
        let characteristics = [
            LIVE_OBSERVATIONS, STORED_OBSERVATIONS, RECORDS, CONTROL_POINT, CURRENT_ELAPSED_TIME, SCHEDULE_CHANGED,
            FEATURES, RC_FEATURE, RC_SETTINGS,
        ];
        let mut home = Home::clearing();
        home.connect();
        for (place, bytes, is_read) in values {
            let uuid = characteristics[place];
            let outputs = if is_read { home.read(uuid, &bytes) } else { home.notify(uuid, &bytes) };
            prop_assert!(outputs.len() < 10);
            home.give(Input::Committed);
        }
    }
}
