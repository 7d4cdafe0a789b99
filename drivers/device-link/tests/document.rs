//! The bytes in `docs/device-link.md` are those that both ends send, and read.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test"
)]

use varde_device_link::*;

#[test]
fn every_example_of_the_document_is_what_is_sent_and_reads_back_as_what_it_says() {
    let document = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/device-link.md"))
        .expect("the document for makers");
    let mut written = Vec::new();
    for line in document.lines() {
        if let Some((name, bytes)) = line.strip_prefix("example ").and_then(|rest| rest.split_once(": ")) {
            written.push((name.to_owned(), bytes.to_owned()));
        }
    }
    let expected: Vec<(String, String)> = examples()
        .into_iter()
        .map(|(name, packet)| (name.to_owned(), hex(&packet.frame().unwrap())))
        .collect();
    assert_eq!(written, expected);

    for ((_, packet), (name, bytes)) in examples().into_iter().zip(&written) {
        let mut deframer = Deframer::default();
        let bytes = unhex(bytes);
        let (taken, body) = deframer.take(&bytes);
        assert_eq!(taken, bytes.len(), "{name}");
        assert_eq!(Packet::read(body.unwrap()), Ok(packet), "{name}");
    }
}

#[test]
fn the_numbers_of_the_document_are_the_crates() {
    let document =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/device-link.md")).unwrap();
    let numbers = [
        ("RETRY", RETRY_MS),
        ("HEARTBEAT", HEARTBEAT_MS),
        ("GONE", GONE_MS),
        ("GREETING", GREETING_MS),
        ("WINDOW", u64::from(WINDOW)),
        ("MAX_BODY", u64::try_from(MAX_BODY).unwrap()),
        ("MAX_FRAME", u64::try_from(MAX_FRAME).unwrap()),
        ("MAX_DOSES", u64::try_from(MAX_DOSES).unwrap()),
        ("PART_DOSES", u64::try_from(PART_DOSES).unwrap()),
    ];
    for (name, number) in numbers {
        let row = format!("| {name} | {number}");
        assert!(document.contains(&row), "expected a row that begins with '{row}'");
    }
    assert!(document.contains(&format!("digest: `{:08x}`", plan().digest())), "{:08x}", plan().digest());
}

fn examples() -> Vec<(&'static str, Packet)> {
    const SESSION: u32 = 4096;
    let to_gateway = |message| Packet::ToGateway(SESSION, message);
    let to_device = |message| Packet::ToDevice(SESSION, message);
    let day = Day(20_541);
    let dose = Some(DoseRef { plan: 7, dose: 1, day });
    let identity = Identity {
        version: 1,
        nonce: 1000,
        session: SESSION,
        log: 0xCAFE_F00D,
        events_through: 41,
        requests_through: 12,
        about: About {
            maker: words("Maker"),
            model: words("D1"),
            serial: words("0001"),
            firmware: words("1.0.0"),
            capabilities: Capabilities::PLAN.with(Capabilities::DISPENSE).with(Capabilities::LEVEL),
        },
    };
    let state = State {
        clock: DeviceTime::Utc(1_774_764_000_000),
        plan: Some(7),
        battery: Some(90),
        mains: Some(true),
        open: Some(false),
        locked: None,
        level: Level::Doses(28),
        faults: Faults::NONE,
    };
    let event = Event {
        number: 41,
        time: DeviceTime::Utc(1_774_764_000_000),
        what: What::Dispensed { how: How::Unassisted, portion: Portion { dose, compartment: Some(2) } },
    };
    let clock = ClockSetting {
        utc_ms: 1_774_742_400_000,
        zone: Zone { offset_min: 60, change: Some(ZoneChange { at_s: 1_774_746_000, offset_min: 120 }) },
    };
    let request = |number, request| to_device(ToDevice::Request { number, request });
    let plan = plan();
    vec![
        (
            "hello",
            Packet::Greeting(Direction::ToDevice, Greeting::Hello { lowest: 1, highest: 1, nonce: 1000 }),
        ),
        ("identity", Packet::Greeting(Direction::ToGateway, Greeting::Identity(identity))),
        ("ungreeted", Packet::Greeting(Direction::ToGateway, Greeting::Ungreeted)),
        ("state", to_gateway(ToGateway::State(state))),
        ("alive", to_device(ToDevice::Alive)),
        ("event", to_gateway(ToGateway::Event { first: 41, event })),
        ("acknowledge", to_device(ToDevice::Acknowledge { through: 41 })),
        ("set-clock", request(13, Request::SetClock(clock))),
        ("begin-plan", request(14, Request::BeginPlan(*plan.head()))),
        ("plan-doses", request(15, Request::PlanDoses(plan.part(0)))),
        ("commit-plan", request(16, Request::CommitPlan { version: 7, digest: plan.digest() })),
        ("runs", to_gateway(ToGateway::Answer(Answered { number: 16, answer: Answer::Runs { version: 7 } }))),
        ("dispense", request(17, Request::Dispense { compartment: None })),
        (
            "refused",
            to_gateway(ToGateway::Answer(Answered { number: 17, answer: Answer::Refused(Refusal::Empty) })),
        ),
        (
            "message",
            request(18, Request::ShowMessage { id: 5, text: MessageText::try_from("Husk å spise").unwrap() }),
        ),
        ("indicate", request(19, Request::Indicate(Indicator::Received))),
    ]
}

fn plan() -> Plan {
    let head = PlanHead {
        version: 7,
        doses: 2,
        valid_from: Some(Day(20_541)),
        valid_until: None,
        travel_until_s: None,
        pause_until_s: None,
    };
    let dose = |id, minute| Dose {
        id,
        minute,
        weekdays: 0b111_1111,
        window_min: 60,
        compartment: Some(2),
        count: 1,
    };
    Plan::new(head, &[dose(1, 8 * 60), dose(2, 20 * 60)]).unwrap()
}

fn words(text: &str) -> Words {
    Words::try_from(text).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

fn unhex(text: &str) -> Vec<u8> {
    text.split(' ').map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
}
