//! Any record that the types allow, for property tests.

use proptest::option;
use proptest::prelude::*;
use varde_wire::{
    About, Absence, AlarmKind, AlarmReport, AlarmSource, AlarmStep, Anchor, BootId, BoundedText, Cause,
    Change, Content, Context, Decimal, DeviceId, Event, Flags, Gap, GapReason, Group, Inhibitor, Instant,
    LocalTime, Metric, Observation, Origin, Outcome, Phase, Record, Report, Stage, Stamp, SupervisionReport,
    Trouble, TroubleEdge, Trust, Unit, Value, WallTime,
};

pub(crate) fn record() -> impl Strategy<Value = Record> {
    (stamp(), content()).prop_map(|(stamp, content)| Record { stamp, content })
}

fn content() -> impl Strategy<Value = Content> {
    prop_oneof![
        4 => observation().prop_map(Content::Observation),
        2 => (observation(), context()).prop_map(|(observation, context)| Content::InContext(observation, context)),
        1 => (any::<u64>(), stamp(), stamp(), gap_reason()).prop_map(|(observations, from, to, reason)| {
            Content::Gap(Gap { observations, from, to, reason })
        }),
        1 => any::<i64>().prop_map(|moved_ms| Content::Anchor(Anchor { moved_ms })),
        1 => outcome().prop_map(Content::Outcome),
        1 => (any::<u64>(), about()).prop_map(|(age_ms, about)| Content::Report(Report { age_ms, about })),
    ]
}

fn about() -> impl Strategy<Value = About> {
    let step = prop_oneof![
        any::<u32>().prop_map(|number| AlarmStep::Announced { number }),
        any::<u32>().prop_map(|for_ms| AlarmStep::PreAlarm { for_ms }),
        Just(AlarmStep::Inhibited(Inhibitor::QuietHours)),
        Just(AlarmStep::Ended),
    ];
    let source = prop_oneof![
        device().prop_map(AlarmSource::Device),
        "\\PC{0,64}".prop_map(|rule| AlarmSource::Rule(BoundedText::cut(&rule))),
    ];
    let kind = proptest::sample::select(AlarmKind::ALL);
    let alarm = (any::<(u64, bool, u32)>(), source, kind, step).prop_map(
        |((alarm, test, count), source, kind, step)| {
            let severity = kind.severity();
            About::Alarm(AlarmReport { alarm, source, kind, severity, test, count, step })
        },
    );
    let edge = (device(), proptest::sample::select(&Trouble::ALL[..]), any::<(u64, u64)>());
    let edge = edge.prop_map(|(device, trouble, (since_ms, certain_ms))| TroubleEdge {
        device,
        trouble,
        change: Change::Lasts,
        since_ms,
        certain_ms,
    });
    let edges = proptest::collection::vec(edge, 0..=SupervisionReport::MOST_EDGES);
    let out = proptest::collection::vec(device(), 0..=SupervisionReport::MOST_OUT);
    let supervision = (edges, out, any::<u8>()).prop_map(|(edges, out, more)| {
        About::Supervision(SupervisionReport { origin: Origin::PowerCut(Phase::GoesOn), edges, out, more })
    });
    prop_oneof![alarm, supervision]
}

fn outcome() -> impl Strategy<Value = Outcome> {
    let stage = prop_oneof![
        Just(Stage::Accepted),
        Just(Stage::Done),
        Just(Stage::Refused(Cause::Interrupted)),
        any::<u64>().prop_map(|highest| Stage::Refused(Cause::OutOfOrder { highest })),
    ];
    (any::<u64>(), device(), stage, "\\PC{0,64}").prop_map(|(number, device, stage, note)| Outcome {
        number,
        device,
        stage,
        note: BoundedText::cut(&note),
    })
}

fn stamp() -> impl Strategy<Value = Stamp> {
    let trust = prop_oneof![Just(Trust::Unset), Just(Trust::Estimated), Just(Trust::Synchronised)];
    (any::<[u8; 16]>(), any::<u64>(), any::<i64>(), trust).prop_map(|(boot, uptime, wall, trust)| Stamp {
        boot: BootId::from_bytes(boot),
        uptime: Instant::from_millis(uptime),
        wall: WallTime::from_unix_millis(wall),
        trust,
    })
}

fn observation() -> impl Strategy<Value = Observation> {
    let about = (device(), any::<u32>().prop_map(Metric::from_code), value(), option::of(unit()));
    let beside = (option::of(local_time()), option::of(any::<u8>()), flags(), option::of(group()));
    (about, beside).prop_map(|((device, metric, value, unit), (device_time, user, flags, group))| {
        Observation { device, metric, value, unit, device_time, user, flags, group }
    })
}

fn context() -> impl Strategy<Value = Context> {
    let person = option::of("[a-z0-9][a-z0-9._-]{0,31}".prop_map(|text| text.parse().unwrap()));
    (person, option::of(any::<i32>()), option::of(any::<i8>()), option::of(any::<u8>())).prop_map(
        |(person, clock_offset_s, rssi_dbm, repeaters)| Context {
            person,
            clock_offset_s,
            rssi_dbm,
            repeaters,
        },
    )
}

fn device() -> impl Strategy<Value = DeviceId> {
    "[a-z0-9][a-z0-9._-]{0,31}".prop_map(|text| text.parse().unwrap())
}

fn value() -> impl Strategy<Value = Value> {
    let absence = prop_oneof![
        Just(Absence::NotANumber),
        Just(Absence::NotAtThisResolution),
        Just(Absence::PositiveInfinity),
        Just(Absence::NegativeInfinity),
        Just(Absence::Reserved),
    ];
    prop_oneof![
        (any::<i64>(), any::<i8>()).prop_map(|(m, e)| Value::Decimal(Decimal::new(m, e))),
        absence.prop_map(Value::Absent),
        proptest::sample::select(Event::ALL).prop_map(Value::Event),
        any::<u32>().prop_map(Value::Bits),
        "\\PC{0,64}".prop_map(Value::Text),
    ]
}

fn unit() -> impl Strategy<Value = Unit> {
    proptest::sample::select(Unit::ALL)
}

fn local_time() -> impl Strategy<Value = LocalTime> {
    (any::<u16>(), any::<[u8; 5]>()).prop_map(|(year, [month, day, hour, minute, second])| LocalTime {
        year,
        month,
        day,
        hour,
        minute,
        second,
    })
}

fn flags() -> impl Strategy<Value = Flags> {
    let all = [
        Flags::IMPLAUSIBLE,
        Flags::QUESTIONABLE,
        Flags::STORED,
        Flags::DEVICE_CLOCK_UNSET,
        Flags::INTERMEDIATE,
        Flags::TEST,
    ];
    proptest::sample::subsequence(all.to_vec(), 0..=all.len())
        .prop_map(|set| set.into_iter().fold(Flags::NONE, Flags::with))
}

fn group() -> impl Strategy<Value = Group> {
    any::<(u64, u8, u8)>().prop_map(|(id, member, size)| Group { id, member, size })
}

fn gap_reason() -> impl Strategy<Value = GapReason> {
    prop_oneof![Just(GapReason::Disk), Just(GapReason::Corruption)]
}
