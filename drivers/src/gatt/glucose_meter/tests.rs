use varde_wire::{Instant, Metric};

use super::*;
use crate::describe::unhex;
use crate::gatt::meter::MeterSession;
use crate::gatt::record_access::RECORD_ACCESS_CONTROL_POINT as CONTROL_POINT;
use crate::{Channel, Input, Output, Request, Session};

/// A meter's session, and what it says next.
struct Meeting(MeterSession<GlucoseMeter>);

impl Meeting {
    fn begin() -> Self {
        let mut meeting = Self(MeterSession::new("meter-1".parse().unwrap(), GlucoseMeter::default()));
        let asked = meeting.give(Input::Connected);
        assert!(asked.contains(&"subscribe 2a52".to_owned()) && asked.contains(&"write 0401".to_owned()));
        meeting
    }

    fn notify(&mut self, uuid: Uuid, hex: &str) -> Vec<String> {
        self.give(Input::Chunk { channel: Channel::Notified(uuid), bytes: &unhex(hex) })
    }

    fn give(&mut self, input: Input<'_>) -> Vec<String> {
        self.0.handle_input(input, Instant::default());
        std::iter::from_fn(|| self.0.poll_output()).filter_map(word).collect()
    }
}

fn word(output: Output) -> Option<String> {
    Some(match output {
        Output::Reading(reading) => {
            let short = |o: &Observation| {
                let stored = if o.flags.has(Flags::STORED) { " stored" } else { "" };
                let time = o.device_time.map_or_else(String::new, |time| format!(" {time}"));
                format!("{}{time}{stored}", o.metric.code() & 0xFFFF)
            };
            reading.observations.iter().map(short).collect::<Vec<_>>().join(", ")
        }
        Output::Request(Request::Write { bytes, .. }) => format!("write {}", crate::describe::hex(&bytes)),
        Output::Request(Request::Subscribe(uuid)) => format!("subscribe {:x}", uuid.short()?),
        Output::Request(Request::Disconnect) => "disconnect".to_owned(),
        Output::AwaitCommit => "await commit".to_owned(),
        Output::Remember(memory) => format!("remember {}", crate::describe::hex(&memory)),
        Output::Refused(refused) => refused.error.to_string(),
        Output::Request(Request::Read(_) | Request::Send(_))
        | Output::Heard(_)
        | Output::Outcome(_)
        | Output::UnknownSender(_)
        | Output::Well(_) => {
            return None;
        }
    })
}

/// Number `n`, 117 mg/dL at half past `hour`, with or without a context.
fn measurement(n: u8, hour: u8, has_context: bool) -> String {
    let flags = if has_context { "12" } else { "02" };
    format!("{flags}{n:02x}00ea070b16{hour:02x}1e0075b0f1")
}

#[test]
fn a_context_is_joined_to_its_measurement_and_one_that_never_comes_holds_nothing_back() {
    let mut meter = Meeting::begin();
    assert_eq!(meter.notify(CONTROL_POINT, "05000400"), ["write 0101"]);
    assert!(meter.notify(MEASUREMENT, &measurement(1, 8, true)).is_empty());
    let joined = meter.notify(CONTEXT, "02010003");
    assert_eq!(
        joined,
        [
            "29112 2026-11-22T08:30:00 stored, 29236 2026-11-22T08:30:00 stored, 29256 2026-11-22T08:30:00 stored",
            "remember 02000000000000000000010000000100"
        ]
    );
    assert!(meter.notify(MEASUREMENT, &measurement(2, 9, true)).is_empty());
    // The next comes: the context of the second does not.
    let both = meter.notify(MEASUREMENT, &measurement(3, 10, false));
    assert!(both[0].contains("T09:30:00") && both[2].contains("T10:30:00"));
    // Each is remembered when nothing more can belong to it, and right behind it.
    assert_eq!(both[1], "remember 02000000000000000000010001000200");
    assert_eq!(both[3], "remember 02000000000000000000010001000300");
    assert!(meter.notify(MEASUREMENT, &measurement(4, 11, true)).is_empty());
    // The transfer is over: the fourth is not held back, and counts as passed on before the commit is awaited.
    assert_eq!(meter.notify(CONTROL_POINT, "06000101"), ["write 0401"]);
    let last = meter.notify(CONTROL_POINT, "05000400");
    assert!(last[0].contains("T11:30:00") && last[1] == "await commit", "{last:?}");
    // Late, but it has the time of its measurement.
    assert_eq!(meter.notify(CONTEXT, "02020003"), ["29256 2026-11-22T09:30:00"]);
    assert_eq!(meter.give(Input::Committed), ["remember 0100000000000000000400", "disconnect"]);
}

#[test]
fn what_is_held_back_when_the_link_breaks_is_passed_on() {
    let mut meter = Meeting::begin();
    meter.notify(CONTROL_POINT, "05000200");
    meter.notify(MEASUREMENT, &measurement(1, 8, true));
    let passed_on = meter.give(Input::Disconnected);
    assert!(passed_on[0].starts_with("29112") && passed_on[1] == "await commit", "{passed_on:?}");
}

#[test]
fn a_measurement_outside_of_a_transfer_is_live_and_waits_for_nothing() {
    let mut meter = Meeting::begin();
    let live = meter.notify(MEASUREMENT, &measurement(1, 8, true));
    assert_eq!(live, ["29112 2026-11-22T08:30:00, 29236 2026-11-22T08:30:00"]);
    assert_eq!(meter.notify(CONTEXT, "02010003"), ["29256 2026-11-22T08:30:00"]);
}

#[test]
fn a_context_of_no_known_measurement_is_told_by_itself() {
    let mut meter = Meeting::begin();
    assert_eq!(meter.notify(CONTEXT, "02090003"), ["29256"]);
    let metric = Metric::GLUCOSE_MEAL.code() & 0xFFFF;
    assert_eq!(metric, 29_256);
}
