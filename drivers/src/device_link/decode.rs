//! Frames of the device link that a technician or a maker holds in hand.

use varde_device_link::{
    About, Answer, ClockSetting, Deframer, DeviceTime, Dose, Event, Greeting, Identity, Level, Packet,
    PlanHead, PlanPart, Request, State, ToDevice, ToGateway, Zone,
};
use varde_wire::{Decimal, DeviceId};

use super::words::observations;
use crate::describe::FieldValue;
use crate::{Decoded, Description, FrameError, Problem};

/// The frames in a stream, one by one, and what was between them. `device` is the name that observations get.
pub(crate) fn decode(bytes: &[u8], device: &DeviceId) -> Vec<Result<Decoded, FrameError>> {
    let mut deframer = Deframer::default();
    // What is not ended is told as well.
    let bytes = [bytes, &[0]].concat();
    let mut rest = bytes.as_slice();
    let mut found = Vec::new();
    while !rest.is_empty() {
        let (taken, body) = deframer.take(rest);
        let offset = bytes.len().saturating_sub(rest.len());
        found.extend(body.map(|body| match Packet::read(body) {
            Ok(packet) => Ok(decode_packet(&packet, device)),
            Err(fault) => Err(FrameError { field: "frame", offset, problem: Problem::DeviceLink(fault) }),
        }));
        rest = rest.get(taken..).unwrap_or_default();
    }
    found
}

/// What a device says of itself.
pub(super) fn describe(about: &About) -> Description {
    Description::default()
        .with("manufacturer_name", about.maker.as_str())
        .with("model_number", about.model.as_str())
        .with("serial_number", about.serial.as_str())
        .with("firmware_revision", about.firmware.as_str())
        .with("capabilities", words(about.capabilities.names()))
}

fn decode_packet(packet: &Packet, device: &DeviceId) -> Decoded {
    match packet {
        Packet::Greeting(_, greeting) => Decoded::fields(describe_greeting(greeting)),
        Packet::ToDevice(session, message) => {
            Decoded::fields(describe_to_device(message).with("session", *session))
        }
        Packet::ToGateway(session, message) => {
            let said = match message {
                ToGateway::Event { event, .. } => observations(event, device, &Zone::default()),
                ToGateway::State(_) | ToGateway::Answer(_) | ToGateway::Plan(_) => Vec::new(),
            };
            let measurement = describe_to_gateway(message).with("session", *session);
            Decoded { measurement, observations: said }
        }
    }
}

fn describe_greeting(greeting: &Greeting) -> Description {
    match greeting {
        Greeting::Hello { lowest, highest, nonce } => named("hello")
            .with("lowest_version", *lowest)
            .with("highest_version", *highest)
            .with("nonce", *nonce),
        Greeting::Identity(Identity {
            version,
            nonce,
            session,
            log,
            events_through,
            requests_through,
            about,
        }) => named("identity")
            .with("version", *version)
            .with("nonce", *nonce)
            .with("session", *session)
            .with("log", *log)
            .with("events_through", *events_through)
            .with("requests_through", *requests_through)
            .and(describe(about)),
        Greeting::Incompatible { lowest, highest } => {
            named("incompatible").with("lowest_version", *lowest).with("highest_version", *highest)
        }
        Greeting::Ungreeted => named("ungreeted"),
    }
}

fn describe_to_device(message: &ToDevice) -> Description {
    match message {
        ToDevice::Alive => named("alive"),
        ToDevice::Acknowledge { through } => named("acknowledge").with("through", *through),
        ToDevice::Request { number, request } => describe_request(request).with("number", *number),
        ToDevice::ReadPlan { part } => named("read plan").with("part", *part),
    }
}

fn describe_request(request: &Request) -> Description {
    match request {
        Request::SetClock(ClockSetting { utc_ms, zone }) => named("set clock")
            .with("utc_ms", time(*utc_ms))
            .with("utc_offset_min", signed(zone.offset_min))
            .with_some("change_at_s", zone.change.map(|change| time(change.at_s)))
            .with_some("changed_offset_min", zone.change.map(|change| signed(change.offset_min))),
        Request::BeginPlan(head) => named("begin plan").and(describe_head(head)),
        Request::PlanDoses(part) => named("plan doses").and(describe_part(part)),
        Request::CommitPlan { version, digest } => {
            named("commit plan").with("plan", *version).with("digest", *digest)
        }
        Request::Dispense { compartment } => named("dispense").with_some("compartment", *compartment),
        Request::Lock { locked } => named("lock").with("locked", *locked),
        Request::ShowMessage { id, text } => {
            named("show message").with("id", *id).with("text", text.as_str())
        }
        Request::Indicate(indicator) => named("indicate").with("indicator", format!("{indicator:?}")),
        Request::Identify => named("identify"),
    }
}

fn describe_to_gateway(message: &ToGateway) -> Description {
    match message {
        ToGateway::State(state) => named("state").and(describe_state(state)),
        ToGateway::Event { first, event } => {
            named("event").with("first_kept", *first).and(describe_event(event))
        }
        ToGateway::Answer(answered) => {
            let answer = match answered.answer {
                Answer::Done => "done".to_owned(),
                Answer::NotSupported => "not supported".to_owned(),
                Answer::Refused(refusal) => format!("refused: {}", refusal.reason()),
                Answer::Runs { version } => format!("runs plan {version}"),
            };
            named("answer").with("number", answered.number).with("answer", answer)
        }
        ToGateway::Plan(None) => named("no plan"),
        ToGateway::Plan(Some(copy)) => {
            named("plan").and(describe_head(&copy.head)).and(describe_part(&copy.part))
        }
    }
}

fn describe_state(state: &State) -> Description {
    let faults = words(state.faults.names());
    let compartments = match &state.level {
        Level::Compartments(each) => {
            Some(FieldValue::List(each.iter().copied().map(FieldValue::from).collect()))
        }
        Level::Unknown | Level::Doses(_) => None,
    };
    describe_time(state.clock)
        .with_some("plan", state.plan)
        .with_some("battery_percent", state.battery)
        .with_some("mains", state.mains)
        .with_some("open", state.open)
        .with_some("locked", state.locked)
        .with_some("doses_left", state.level.doses())
        .with_some("compartments", compartments)
        .with("faults", faults)
}

/// What happened is told by the observations.
fn describe_event(event: &Event) -> Description {
    Description::default().with("number", event.number).and(describe_time(event.time))
}

fn describe_time(at: DeviceTime) -> Description {
    match at {
        DeviceTime::SinceBoot(ms) => Description::default().with("since_boot_ms", time(ms)),
        DeviceTime::Utc(ms) => Description::default().with("utc_ms", time(ms)),
    }
}

fn describe_head(head: &PlanHead) -> Description {
    Description::default()
        .with("plan", head.version)
        .with("doses", head.doses)
        .with_some("valid_from_day", head.valid_from.map(|day| day.0))
        .with_some("valid_until_day", head.valid_until.map(|day| day.0))
        .with_some("travel_until_s", head.travel_until_s.map(time))
        .with_some("pause_until_s", head.pause_until_s.map(time))
}

fn describe_part(part: &PlanPart) -> Description {
    let doses = part.doses.iter().map(|dose| FieldValue::Fields(describe_dose(dose))).collect();
    Description::default().with("part", part.index).with("doses_of_part", FieldValue::List(doses))
}

fn describe_dose(dose: &Dose) -> Description {
    Description::default()
        .with("id", dose.id)
        .with("minute", dose.minute)
        .with_bits("weekdays", dose.weekdays.into())
        .with("window_min", dose.window_min)
        .with_some("compartment", dose.compartment)
        .with("count", dose.count)
}

fn named(message: &'static str) -> Description {
    Description::default().with("message", message)
}

fn words(names: impl Iterator<Item = &'static str>) -> FieldValue {
    FieldValue::List(names.map(FieldValue::from).collect())
}

/// More than a description's numbers can hold is shown as the most that they can.
fn time(number: u64) -> FieldValue {
    signed(i64::try_from(number).unwrap_or(i64::MAX))
}

fn signed(number: impl Into<i64>) -> FieldValue {
    FieldValue::Number(Decimal::whole(number.into()))
}
