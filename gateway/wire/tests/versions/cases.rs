//! The messages that the golden files hold, made of fixed keys and fixed entropy.
//!
//! Only ever add a case: the files of the old ones are frozen.

use super::reports::reports;
use varde_wire::{
    Absence, Action, AlarmNotice, Anchor, Backlog, Batch, BootId, BoundedText, Cause, ChainId, Command,
    Content, Context, Date, Decimal, DeviceId, Dose, DosingPlan, Event, Flags, Gap, GapReason, GatewayId,
    GoesBy, Group, Hash, Heartbeat, HubKeys, Indication, Instant, Lane, LifeState, LocalTime, Metric,
    Observation, OpeningKey, Outcome, Receipt, Record, Refusal, RosterChange, Sealed, SealingEpoch,
    SigningKey, Stage, Stamp, Trust, Unit, Value, Verdict, WallTime, Weekdays,
};

/// Every fixed key.
pub(crate) struct Keys {
    /// Signs for `gw-1`.
    pub(crate) gateway: SigningKey,
    /// Signs for `gw-2`, whose key sits in a secure element.
    pub(crate) element: SigningKey,
    /// Signs for the hub.
    pub(crate) hub: SigningKey,
    /// Opens entries at the hub.
    pub(crate) hub_opening: OpeningKey,
    /// Opens commands at `gw-1`.
    pub(crate) gateway_opening: OpeningKey,
}

impl Keys {
    pub(crate) fn fixed() -> Self {
        Self {
            gateway: SigningKey::ed25519(&[0x11; 32]),
            element: SigningKey::es256(&[0x22; 32]).unwrap(),
            hub: SigningKey::ed25519(&[0x33; 32]),
            hub_opening: OpeningKey::derive(&[0x44; 32]),
            gateway_opening: OpeningKey::derive(&[0x55; 32]),
        }
    }

    /// The key files, by name.
    pub(crate) fn files(&self) -> Vec<(&'static str, String)> {
        let secret = |text: &str| text.to_owned();
        vec![
            ("gateway.sign", secret(&self.gateway.to_text())),
            ("gateway.verify", self.gateway.verifying_key().to_text()),
            ("element.sign", secret(&self.element.to_text())),
            ("element.verify", self.element.verifying_key().to_text()),
            ("hub.sign", secret(&self.hub.to_text())),
            ("hub.verify", self.hub.verifying_key().to_text()),
            ("hub.open", secret(&self.hub_opening.to_text())),
            ("hub.seal", self.hub_opening.sealing_key().to_text()),
            ("gateway.open", secret(&self.gateway_opening.to_text())),
            ("gateway.seal", self.gateway_opening.sealing_key().to_text()),
        ]
    }
}

/// A record of each kind, of each value, and with each number that a list of the format gives out.
pub(crate) fn records() -> Vec<(String, Record)> {
    let mut cases: Vec<(String, Record)> = Vec::new();
    let mut add = |name: &str, content| cases.push((name.to_owned(), record(Trust::Synchronised, content)));

    add("decimal", reading(Value::Decimal(Decimal::new(1205, -1)), Some(Unit::MillimetreOfMercury)));
    add("decimal-negative", reading(Value::Decimal(Decimal::new(-5, -3)), Some(Unit::Celsius)));
    add("decimal-power", reading(Value::Decimal(Decimal::new(2, 2)), Some(Unit::Second)));
    add("decimal-smallest", reading(Value::Decimal(Decimal::new(i64::MIN, i8::MIN)), None));
    add("decimal-largest", reading(Value::Decimal(Decimal::new(i64::MAX, i8::MAX)), None));
    add("bits", reading(Value::Bits(0x8000_0005), None));
    add("text", reading(Value::Text("Blodtrykk målt · ¡vale!".to_owned()), None));
    add("text-empty", reading(Value::Text(String::new()), None));
    add("everything-set", Content::Observation(everything_set()));
    add("in-context", Content::InContext(everything_set(), context()));
    add("in-context-empty", Content::InContext(everything_set(), Context::default()));
    add("gap-disk", Content::Gap(gap(GapReason::Disk)));
    add("gap-corruption", Content::Gap(gap(GapReason::Corruption)));
    add("anchor", Content::Anchor(Anchor { moved_ms: 1_700_000_000_000 }));
    add("anchor-backwards", Content::Anchor(Anchor { moved_ms: -250 }));

    for event in Event::ALL {
        add(&format!("event-{}", event.name()), reading(Value::Event(*event), None));
    }
    for absence in ABSENCES {
        add(&format!("absent-{}", absence.name()), reading(Value::Absent(absence), Some(Unit::PerMinute)));
    }
    for (number, unit) in Unit::ALL.iter().enumerate() {
        let value = Value::Decimal(Decimal::whole(1));
        add(&format!("unit-{number}"), reading(value, Some(*unit)));
    }
    for flag in FLAGS {
        let name = flag.names().next().unwrap();
        let observation = Observation { flags: flag, ..observation(Value::Bits(0), None) };
        add(&format!("flag-{name}"), Content::Observation(observation));
    }
    for (name, outcome) in outcomes() {
        add(&name, Content::Outcome(outcome));
    }
    for (name, report) in reports() {
        add(&name, Content::Report(report));
    }
    for trust in [Trust::Unset, Trust::Estimated] {
        let content = reading(Value::Event(Event::DoorOpened), None);
        cases.push((format!("trust-{}", trust.name()), record(trust, content)));
    }
    cases
}

pub(crate) const ABSENCES: [Absence; 5] = [
    Absence::NotANumber,
    Absence::NotAtThisResolution,
    Absence::PositiveInfinity,
    Absence::NegativeInfinity,
    Absence::Reserved,
];

pub(crate) const FLAGS: [Flags; 6] = [
    Flags::IMPLAUSIBLE,
    Flags::QUESTIONABLE,
    Flags::STORED,
    Flags::DEVICE_CLOCK_UNSET,
    Flags::INTERMEDIATE,
    Flags::TEST,
];

/// One batch, what is in it and who signs it.
pub(crate) struct BatchCase {
    pub(crate) name: &'static str,
    pub(crate) key: SigningKey,
    pub(crate) batch: Batch,
    pub(crate) records: Vec<Record>,
}

/// Two batches of one chain (the first of two epochs, the second after a hole of two seqs), and an alarm.
pub(crate) fn batches(keys: &Keys) -> Vec<BatchCase> {
    let hub = keys.hub_opening.sealing_key();
    let begin = |gateway, entropy| SealingEpoch::begin(&hub, gateway, [entropy; 32]).unwrap();
    let (first_gateway, second_gateway) = (gateway(1), gateway(2));
    let mut old = begin(&first_gateway, 0x61);
    let mut new = begin(&first_gateway, 0x62);
    let mut alarm = begin(&second_gateway, 0x63);

    let mut pressure = blood_pressure();
    let rest = vec![
        record(Trust::Synchronised, Content::Anchor(Anchor { moved_ms: 86_400_000 })),
        record(Trust::Synchronised, Content::Gap(gap(GapReason::Disk))),
        record(Trust::Estimated, reading(Value::Event(Event::DoorOpened), None)),
    ];
    let (mut entries, mut records) = (Vec::new(), Vec::new());
    for (seq, record) in (40..).zip(pressure.drain(..)) {
        entries.push(seal(&mut old, 0, Lane::Routine, seq, &record));
        records.push(record);
    }
    for (seq, record) in (43..).zip(rest) {
        entries.push(seal(&mut new, 1, Lane::Routine, seq, &record));
        records.push(record);
    }
    let chain = ChainId::from_bytes([0xc1; 16]);
    let routine_0 = Batch {
        gateway: first_gateway.clone(),
        lane: Lane::Routine,
        chain,
        number: 0,
        previous: Hash::NONE,
        first: 40,
        epochs: vec![*old.encapsulation(), *new.encapsulation()],
        entries,
    };
    let later = record(Trust::Synchronised, Content::Observation(everything_set()));
    let routine_1 = Batch {
        number: 1,
        previous: routine_0.sign(&keys.gateway).unwrap().hash(),
        first: 48,
        epochs: vec![*new.encapsulation()],
        entries: vec![seal(&mut new, 0, Lane::Routine, 48, &later)],
        ..routine_0.clone()
    };
    let pressed = record(Trust::Unset, reading(Value::Event(Event::SafetyAlarm), None));
    let urgent_0 = Batch {
        gateway: second_gateway,
        lane: Lane::Urgent,
        chain: ChainId::from_bytes([0xc2; 16]),
        number: 0,
        previous: Hash::NONE,
        first: 0,
        epochs: vec![*alarm.encapsulation()],
        entries: vec![seal(&mut alarm, 0, Lane::Urgent, 0, &pressed)],
    };
    let case = |name, key: &SigningKey, batch, records| BatchCase { name, key: key.clone(), batch, records };
    vec![
        case("batch-routine-0", &keys.gateway, routine_0, records),
        case("batch-routine-1", &keys.gateway, routine_1, vec![later]),
        case("batch-urgent-0-es256", &keys.element, urgent_0, vec![pressed]),
    ]
}

/// The hub's answers to the first batch: stored, and every refusal.
pub(crate) fn receipts(keys: &Keys) -> Vec<(String, Receipt)> {
    let batch = batches(keys).remove(0);
    let hash = batch.batch.sign(&keys.gateway).unwrap().hash();
    let to = |verdict| Receipt {
        gateway: gateway(1),
        lane: Lane::Routine,
        chain: ChainId::from_bytes([0xc1; 16]),
        verdict,
    };
    let mut cases = vec![(
        "receipt-stored".to_owned(),
        to(Verdict::Stored { number: 0, hash, through: batch.batch.last() }),
    )];
    for reason in [Refusal::Missing, Refusal::Fork, Refusal::Replay] {
        let verdict = Verdict::Refused { number: 0, hash, reason, expected: 17, through: 299 };
        cases.push((format!("receipt-refused-{}", reason.name()), to(verdict)));
    }
    cases
}

/// A gateway that runs and is behind, one whose key sits in a secure element, the last of a life, and one that tells by
/// which key it knows its hub.
pub(crate) fn heartbeats(keys: &Keys) -> Vec<(&'static str, SigningKey, Heartbeat)> {
    let running = Heartbeat {
        gateway: gateway(1),
        life: 1_700_000_000,
        number: 0,
        stamp: stamp(Trust::Synchronised),
        every_s: 60,
        state: LifeState::Running,
        version: BoundedText::cut("0.1.0"),
        up_s: 12,
        faults: 2,
        urgent: Backlog { entries: 1, oldest_s: Some(3) },
        routine: Backlog { entries: 1_000, oldest_s: Some(86_400) },
        goes_by: None,
    };
    let none = Backlog::default();
    let element = Heartbeat {
        gateway: gateway(2),
        stamp: stamp(Trust::Unset),
        life: u64::MAX,
        number: u64::MAX,
        every_s: 86_400,
        faults: 0,
        urgent: none,
        routine: none,
        ..running.clone()
    };
    let stopping =
        Heartbeat { number: 77, every_s: 10, state: LifeState::Stopping, urgent: none, ..running.clone() };
    let goes_by = GoesBy { key: keys.hub.verifying_key().id(), older_wait: true };
    let knowing = Heartbeat { goes_by: Some(goes_by), ..running.clone() };
    vec![
        ("heartbeat-running", keys.gateway.clone(), running),
        ("heartbeat-running-es256", keys.element.clone(), element),
        ("heartbeat-stopping", keys.gateway.clone(), stopping),
        ("heartbeat-2-hub-key", keys.gateway.clone(), knowing),
    ]
}

/// A command with its number, its validity and the entropy it is sealed with.
pub(crate) struct CommandCase {
    pub(crate) name: &'static str,
    pub(crate) command: Command,
    pub(crate) number: u64,
    pub(crate) validity: (WallTime, WallTime),
    pub(crate) entropy: [u8; 32],
}

/// Every action.
pub(crate) fn commands() -> Vec<CommandCase> {
    let command = |name, action, number, entropy| CommandCase {
        name,
        command: Command { device: "dispenser-1".parse().unwrap(), action },
        number,
        validity: (
            WallTime::from_unix_millis(1_760_000_000_000),
            WallTime::from_unix_millis(1_760_000_060_000),
        ),
        entropy: [entropy; 32],
    };
    vec![
        command("command-identify", Action::Identify, 1, 0x71),
        command("command-switch-on", Action::Switch { on: true }, 2, 0x72),
        command("command-switch-off", Action::Switch { on: false }, 300, 0x73),
        command("command-plan", Action::Plan(plan()), 301, 0x74),
        command("command-plan-empty", Action::Plan(empty_plan()), 302, 0x75),
        command("command-dispense", Action::Dispense { compartment: Some(7) }, 303, 0x76),
        command("command-dispense-next", Action::Dispense { compartment: None }, 304, 0x77),
        command("command-lock", Action::Lock { locked: true }, 305, 0x78),
        command(
            "command-message",
            Action::Message { id: 9, text: "Husk å spise · ¡vale!".parse().unwrap() },
            306,
            0x79,
        ),
        command("command-indicate-heard-here", Action::Indicate(Indication::HeardHere), 307, 0x7a),
        command("command-indicate-received", Action::Indicate(Indication::Received), 308, 0x7b),
        command("command-indicate-seen", Action::Indicate(Indication::Seen), 309, 0x7c),
        command(
            "command-indicate-not-getting-through",
            Action::Indicate(Indication::NotGettingThrough),
            310,
            0x7d,
        ),
        command("command-indicate-off", Action::Indicate(Indication::Off), 311, 0x7e),
        command("command-test-alarm", Action::TestAlarm, 312, 0x7f),
        command("command-roster-add", Action::Roster(added()), 313, 0x80),
        command(
            "command-roster-remove",
            Action::Roster(RosterChange::Remove { device: DeviceId::gateway() }),
            314,
            0x81,
        ),
        command("command-supervise", Action::Supervise { expected_every_s: Some(86_400) }, 315, 0x82),
        command("command-supervise-not", Action::Supervise { expected_every_s: None }, 316, 0x83),
        command("command-heartbeat", Action::Heartbeat { every_s: 60 }, 317, 0x84),
        command("command-diagnose", Action::Diagnose, 318, 0x85),
        command("command-change-hub-keys", Action::ChangeHubKeys(other_hub()), u64::MAX, 0x86),
        command("command-alarm-seen", notice(AlarmNotice::Seen { announcement: 300 }), 319, 0x87),
        command("command-alarm-ended", notice(AlarmNotice::Ended), 320, 0x88),
        command("command-alarm-false", notice(AlarmNotice::FalseAlarm), 321, 0x89),
        command("command-visit", Action::Visit { minutes: Some(480) }, 322, 0x8a),
        command("command-visit-over", Action::Visit { minutes: None }, 323, 0x8b),
    ]
}

fn notice(notice: AlarmNotice) -> Action {
    Action::Alarm { alarm: 70_000, notice }
}

fn plan() -> DosingPlan {
    let dose = |id, minute, weekdays, compartment| Dose {
        id,
        minute,
        weekdays: Weekdays::from_bits(weekdays),
        window_minutes: 90,
        compartment,
        count: 2,
    };
    DosingPlan {
        version: 70_000,
        zone: "Europe/Oslo".parse().unwrap(),
        from: Some(Date { year: 2025, month: 10, day: 9 }),
        until: Some(Date { year: 2028, month: 2, day: 29 }),
        doses: vec![dose(1, 8 * 60, 0x7f, Some(3)), dose(65_535, 1439, 0x41, None)],
        travel_until: Some(WallTime::from_unix_millis(1_760_086_400_000)),
        paused_until: Some(WallTime::from_unix_millis(1_760_000_030_000)),
    }
}

fn empty_plan() -> DosingPlan {
    let doses = Vec::new();
    DosingPlan { from: None, until: None, doses, travel_until: None, paused_until: None, ..plan() }
}

fn added() -> RosterChange {
    let table = "[[device]]\nname = \"pendant-2\"\n";
    RosterChange::Add { table: table.parse().unwrap() }
}

fn other_hub() -> HubKeys {
    HubKeys {
        verifying: SigningKey::es256(&[0x66; 32]).unwrap().verifying_key(),
        sealing: OpeningKey::derive(&[0x67; 32]).sealing_key(),
    }
}

/// Every stage and every cause.
fn outcomes() -> impl Iterator<Item = (String, Outcome)> {
    let causes = [
        Cause::NotSupported,
        Cause::NoSuchDevice,
        Cause::Unreachable,
        Cause::Busy,
        Cause::Unanswered,
        Cause::DeviceRefused,
        Cause::Invalid,
        Cause::Interrupted,
        Cause::ClockUnset,
        Cause::CannotOpen,
        Cause::CannotRecord,
        Cause::OutOfOrder { highest: 300 },
    ];
    let stages = [Stage::Accepted, Stage::Delivered, Stage::Done, Stage::Expired];
    stages.into_iter().chain(causes.map(Stage::Refused)).map(|stage| {
        let (name, note) = match stage {
            Stage::Refused(cause) => (format!("outcome-refused-{}", cause.name()), "the lid is open"),
            Stage::Accepted | Stage::Delivered | Stage::Done | Stage::Expired => {
                (format!("outcome-{}", stage.name()), "")
            }
        };
        let (device, note) = ("dispenser-1".parse().unwrap(), note.parse().unwrap());
        (name, Outcome { number: 300, device, stage, note })
    })
}

pub(crate) fn gateway(number: u8) -> GatewayId {
    format!("gw-{number}").parse().unwrap()
}

fn seal(epoch: &mut SealingEpoch, place: u8, lane: Lane, seq: u64, record: &Record) -> Sealed {
    let (count, bytes) = epoch.seal(lane, seq, &record.encode().unwrap()).unwrap();
    Sealed { epoch: place, count, bytes }
}

fn record(trust: Trust, content: Content) -> Record {
    Record { stamp: stamp(trust), content }
}

fn stamp(trust: Trust) -> Stamp {
    Stamp {
        boot: BootId::from_bytes([0xb0; 16]),
        uptime: Instant::from_millis(3_600_000),
        wall: WallTime::from_unix_millis(match trust {
            Trust::Unset => -1,
            Trust::Estimated | Trust::Synchronised => 1_760_000_000_123,
        }),
        trust,
    }
}

fn gap(reason: GapReason) -> Gap {
    Gap { observations: 1_000_000, from: stamp(Trust::Unset), to: stamp(Trust::Estimated), reason }
}

fn reading(value: Value, unit: Option<Unit>) -> Content {
    Content::Observation(observation(value, unit))
}

fn observation(value: Value, unit: Option<Unit>) -> Observation {
    Observation {
        device: "pendant-1".parse().unwrap(),
        metric: Metric::PERSONAL_ALARM,
        value,
        unit,
        device_time: None,
        user: None,
        flags: Flags::NONE,
        group: None,
    }
}

fn context() -> Context {
    Context {
        person: Some("p-2".parse().unwrap()),
        clock_offset_s: Some(-3600),
        rssi_dbm: Some(-71),
        repeaters: Some(2),
    }
}

fn everything_set() -> Observation {
    Observation {
        device: DeviceId::gateway(),
        metric: Metric::from_code(u32::MAX),
        value: Value::Decimal(Decimal::new(-1_000, 3)),
        unit: Some(Unit::Kilogram),
        device_time: Some(LocalTime { year: 2025, month: 12, day: 31, hour: 23, minute: 59, second: 58 }),
        user: Some(255),
        flags: FLAGS.into_iter().fold(Flags::NONE, Flags::with),
        group: Some(Group { id: u64::MAX, member: 1, size: 3 }),
    }
}

fn blood_pressure() -> Vec<Record> {
    [(Metric::SYSTOLIC, 142), (Metric::DIASTOLIC, 88), (Metric::MEAN_ARTERIAL, 106)]
        .into_iter()
        .zip(0..)
        .map(|((metric, pressure), member)| {
            let observation = Observation {
                device: "cuff-1".parse().unwrap(),
                metric,
                value: Value::Decimal(Decimal::whole(pressure)),
                unit: Some(Unit::MillimetreOfMercury),
                device_time: Some(LocalTime {
                    year: 2025,
                    month: 10,
                    day: 9,
                    hour: 8,
                    minute: 53,
                    second: 20,
                }),
                user: Some(1),
                flags: Flags::STORED.with(Flags::QUESTIONABLE),
                group: Some(Group { id: 7, member, size: 3 }),
            };
            record(Trust::Synchronised, Content::Observation(observation))
        })
        .collect()
}
