//! The list of alarms, and what people say of them.

use crate::gateway::{BOOT, Gateway, Hub, Outbox, anchor, report, stamp, take};
use varde_hub::{Error, Follow, ListAlarms, Notice, Says, Signature};
use varde_wire::{
    About, Action, AlarmKind, AlarmNotice, AlarmReport, AlarmSource, AlarmStep, BootId, Content, Inhibitor,
    Lane, OpeningKey, Record, Report, Severity, SignedCommand, Trust, WallTime,
};

/// A step of an alarm, so long after the boot.
pub(crate) fn step(uptime: u64, alarm: u64, kind: AlarmKind, count: u32, step: AlarmStep) -> Record {
    let source = AlarmSource::Device(format!("{}-1", kind.name()).parse().unwrap());
    let severity = kind.severity();
    let alarm = AlarmReport { alarm, source, kind, severity, test: false, count, step };
    report(uptime, About::Alarm(alarm))
}

pub(crate) fn announced(number: u32) -> AlarmStep {
    AlarmStep::Announced { number }
}

/// The same a day later, in another life of its gateway's store.
fn in_another_boot(record: Record) -> Record {
    let mut record = record;
    record.stamp.wall = WallTime::from_unix_millis(record.stamp.wall.as_unix_millis() + 86_400_000);
    record.stamp.boot = BootId::from_bytes([7; 16]);
    record
}

fn as_test(record: Record) -> Record {
    let mut record = record;
    if let Content::Report(Report { about: About::Alarm(alarm), .. }) = &mut record.content {
        alarm.test = true;
    }
    record
}

fn arrives(hub: &Hub, gateway: &Gateway, outbox: &mut Outbox<'_>, records: &[Record]) {
    let batch = outbox.batch(records);
    take(&mut hub.intake(), gateway, Lane::Urgent, &[&batch]);
}

/// What the list says to people, without the times.
fn in_words(hub: &Hub, list: &ListAlarms) -> String {
    let mut out = Vec::new();
    varde_hub::list_alarms(&hub.database(), list, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    let lines = text.lines().map(|line| line.split_once("; since").map_or(line, |(words, _)| words));
    lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ") + "\n").collect()
}

#[test]
fn the_list_says_how_each_alarm_stands_and_what_is_over_or_held_back_is_not_in_it() {
    use AlarmStep::*;
    let sent = [Raised, announced(1)];
    let cases: &[(&[AlarmStep], &str, &str)] = &[
        (&[Raised], "raised", "raised"),
        (&[Raised, PreAlarm { for_ms: 10_000 }], "pre-alarm", "can still be cancelled at home"),
        (&[Raised, PreAlarm { for_ms: 10_000 }, Cancelled], "cancelled", ""),
        (&sent, "unseen", "nobody has seen it"),
        (&[Raised, announced(1), NotGettingThrough, announced(2), Received], "unseen", "nobody has seen it"),
        (&[Raised, announced(1), Received, Escalated], "unseen", "nobody has seen it, escalated"),
        (&[Raised, announced(1), Cleared], "unseen", "nobody has seen it, its cause is gone"),
        (&[Raised, announced(1), Cleared, RaisedAgain], "unseen", "nobody has seen it"),
        (
            &[Raised, announced(1), CancelRefused],
            "unseen",
            "nobody has seen it, somebody at home wants it cancelled",
        ),
        (&[Raised, announced(1), Received, Escalated, Seen], "seen", "seen"),
        (&[Raised, announced(1), Received, Seen, announced(2)], "seen", "seen"),
        (&[Raised, announced(1), Received, Seen, RaisedAgain, announced(2)], "unseen", "nobody has seen it"),
        (&[Raised, announced(1), Received, Seen, Ended], "ended", ""),
        (&[Raised, announced(1), Seen, Cleared, Ended], "ended", ""),
        (&[Raised, announced(1), Received, Cancelled], "cancelled", ""),
        (&[Inhibited(Inhibitor::Visit)], "held-back", ""),
        (&[Inhibited(Inhibitor::QuietHours), Cleared, Ended], "ended", ""),
        (&[Inhibited(Inhibitor::Visit), Raised, announced(1)], "unseen", "nobody has seen it"),
        // A hub that lost its memory.
        (&[announced(7)], "unseen", "nobody has seen it"),
        (&[Escalated], "unseen", "nobody has seen it, escalated"),
        (&[CancelRefused], "unseen", "nobody has seen it, somebody at home wants it cancelled"),
        (&[Seen], "seen", "seen"),
        (&[Ended], "ended", ""),
    ];
    let hub = Hub::new();
    for (case, (steps, state, words)) in cases.iter().enumerate() {
        let gateway = hub.enrol(&format!("gw-{case}"), Signature::Ed25519, false);
        let records: Vec<_> =
            (1..).zip(*steps).map(|(at, s)| step(at, 3, AlarmKind::Pendant, 1, *s)).collect();
        arrives(&hub, &gateway, &mut gateway.outbox(Lane::Urgent, 1), &records);
        let open = ListAlarms { gateway: Some(gateway.id.clone()), ..ListAlarms::default() };
        let all = hub.alarms(ListAlarms { all: true, ..open.clone() });
        assert_eq!((all.len(), &all[0]["state"]), (1, &(*state).into()), "{steps:?}");
        let listed = in_words(&hub, &open);
        let expected = match *words {
            "" => "no alarm is open\n".to_owned(),
            words => format!("gw-{case} 3 pendant (3) critical pendant-1 once {words}\n"),
        };
        assert_eq!(listed, expected, "{steps:?}");
    }
}

#[test]
fn the_most_serious_stands_first_and_of_these_the_oldest() {
    let hub = Hub::new();
    let (one, two) =
        (hub.enrol("gw-1", Signature::Ed25519, false), hub.enrol("gw-2", Signature::Ed25519, false));
    let raised = |at, alarm, kind| {
        [step(at, alarm, kind, 1, AlarmStep::Raised), step(at, alarm, kind, 2, announced(4))]
    };
    let records = [raised(10, 0, AlarmKind::Water), raised(30, 1, AlarmKind::Pendant)].concat();
    arrives(&hub, &one, &mut one.outbox(Lane::Urgent, 1), &records);
    let mut quieter = raised(5, 0, AlarmKind::Fall).to_vec();
    for record in &mut quieter {
        let Content::Report(Report { age_ms, about: About::Alarm(alarm) }) = &mut record.content else {
            panic!("{record:?}");
        };
        (alarm.severity, *age_ms) = (Severity::Normal, 5_000);
    }
    let records = [raised(20, 1, AlarmKind::Fall).to_vec(), quieter].concat();
    arrives(&hub, &two, &mut two.outbox(Lane::Urgent, 1), &records);

    let listed = in_words(&hub, &ListAlarms::default());
    assert_eq!(
        listed,
        "gw-2 1 fall (4.1) critical fall-1 2 times nobody has seen it\n\
         gw-1 1 pendant (3) critical pendant-1 2 times nobody has seen it\n\
         gw-1 0 water (4.17) moderate water-1 2 times nobody has seen it\n\
         gw-2 0 fall (4.1) normal fall-1 2 times nobody has seen it\n"
    );
    let of_two = hub.alarms(ListAlarms { gateway: Some(two.id.clone()), ..ListAlarms::default() });
    assert_eq!(of_two.len(), 2);
    let line = &of_two[1];
    assert_eq!((&line["device"], &line["announcement"]), (&"fall-1".into(), &4.into()));
    assert_eq!(line["since"], "2023-11-14T22:13:15.005Z", "the age is taken off");
    assert_eq!(line["steps"][0]["step"], "raised");
    assert!(line.get("security").is_none() && line.get("escalated").is_none());
    let stranger = ListAlarms { gateway: Some("gw-3".parse().unwrap()), ..ListAlarms::default() };
    let unknown = varde_hub::list_alarms(&hub.database(), &stranger, &mut Vec::new());
    assert!(matches!(unknown, Err(Error::NotEnrolled(_))), "an empty list would look like peace");
}

#[test]
fn test_alarms_are_listed_by_themselves() {
    let hub = Hub::new();
    let gateway = hub.enrol("gw-1", Signature::Ed25519, false);
    let mut outbox = gateway.outbox(Lane::Urgent, 1);
    let test = |at, taken| as_test(step(at, 1, AlarmKind::Pendant, 1, taken));
    let real = step(1, 0, AlarmKind::Pendant, 1, announced(1));
    arrives(&hub, &gateway, &mut outbox, &[real, test(2, AlarmStep::Raised), test(3, announced(1))]);
    let tests = ListAlarms { tests: true, ..ListAlarms::default() };
    let over = [test(4, AlarmStep::Received), test(5, AlarmStep::Ended)];
    for (state, next) in [("unseen", &over[..]), ("ended", &[anchor(6, 1_700_000_000_006)])] {
        for real in [ListAlarms::default(), ListAlarms { all: true, ..ListAlarms::default() }] {
            let shown = hub.alarms(real);
            assert_eq!((shown.len(), &shown[0]["alarm"]), (1, &0.into()));
        }
        let shown = hub.alarms(tests.clone());
        assert_eq!((shown.len(), &shown[0]["alarm"]), (1, &1.into()));
        assert_eq!((&shown[0]["security"], &shown[0]["state"]), (&"HTEST".into(), &state.into()));
        arrives(&hub, &gateway, &mut outbox, next);
    }
    assert_eq!(in_words(&hub, &tests), "TEST gw-1 1 pendant (3) critical pendant-1 once ended\n");
}

#[test]
fn an_alarm_of_a_boot_whose_clock_was_set_later_gets_its_time_then() {
    let hub = Hub::new();
    let gateway = hub.enrol("gw-1", Signature::Ed25519, false);
    let mut outbox = gateway.outbox(Lane::Urgent, 1);
    let mut early = step(5_000, 0, AlarmKind::Pendant, 1, AlarmStep::Raised);
    early.stamp = stamp(5_000, 77, Trust::Unset);
    assert_eq!(early.stamp.boot, BOOT);
    arrives(&hub, &gateway, &mut outbox, &[early]);
    let shown = hub.alarms(ListAlarms::default());
    assert_eq!(shown[0]["since"], "2027-01-15T08:00:00.000Z", "when it came: 1970 helps nobody");
    arrives(&hub, &gateway, &mut outbox, &[anchor(65_000, 1_700_000_060_000)]);
    let shown = hub.alarms(ListAlarms::default());
    assert_eq!(
        (&shown[0]["since"], &shown[0]["trust"]),
        (&"2023-11-14T22:13:20.000Z".into(), &"synchronised".into())
    );
}

#[test]
fn what_a_gateway_tells_under_a_known_number_after_it_lost_its_store_is_another_alarm() {
    let hub = Hub::new();
    let gateway = hub.enrol("gw-1", Signature::Ed25519, false);
    let mut outbox = gateway.outbox(Lane::Urgent, 1);
    let old = [
        step(1, 0, AlarmKind::Pendant, 1, AlarmStep::Raised),
        step(2, 0, AlarmKind::Pendant, 5, announced(9)),
        step(3, 0, AlarmKind::Pendant, 5, AlarmStep::Ended),
        step(4, 1, AlarmKind::Smoke, 1, announced(1)),
        step(5, 2, AlarmKind::Fall, 3, announced(8)),
    ];
    arrives(&hub, &gateway, &mut outbox, &old);
    let new = [
        step(1, 0, AlarmKind::Pendant, 1, announced(1)),
        step(2, 1, AlarmKind::Water, 1, announced(1)),
        step(3, 2, AlarmKind::Fall, 1, announced(1)),
    ];
    arrives(&hub, &gateway, &mut outbox, &new.map(in_another_boot));
    assert_eq!(
        in_words(&hub, &ListAlarms::default()),
        "gw-1 1 smoke (4.11) critical smoke-1 once nobody has seen it; its gateway has forgotten it\n\
         gw-1 0 pendant (3) critical pendant-1 once nobody has seen it\n\
         gw-1 2 fall (4.1) critical fall-1 once nobody has seen it\n\
         gw-1 1 water (4.17) moderate water-1 once nobody has seen it\n",
    );
    assert_eq!(
        hub.alarms(ListAlarms::default())[2]["announcement"],
        1,
        "of the same fall a gateway that forgot it accepts no higher one"
    );
    assert_eq!(
        say(&hub, "gw-1", 1, Says::End, true).unwrap(),
        "alarm 1 of gw-1 is closed here; its gateway was not told\n"
    );
    let listed = in_words(&hub, &ListAlarms::default());
    assert!(!listed.contains("smoke") && listed.contains("water"), "{listed}");
}

#[test]
fn a_notice_names_the_last_announcement_and_goes_to_the_gateway_itself() {
    let hub = Hub::new();
    let gateway = hub.enrol("gw-1", Signature::Ed25519, false);
    let mut outbox = gateway.outbox(Lane::Urgent, 1);
    let kind = AlarmKind::Pendant;
    arrives(
        &hub,
        &gateway,
        &mut outbox,
        &[step(1, 3, kind, 1, AlarmStep::Raised), step(2, 3, kind, 1, announced(1))],
    );
    arrives(
        &hub,
        &gateway,
        &mut outbox,
        &[step(3, 3, kind, 2, AlarmStep::RaisedAgain), step(4, 3, kind, 2, announced(2))],
    );
    let says = [
        (Says::Seen, AlarmNotice::Seen { announcement: 2 }),
        (Says::End, AlarmNotice::Ended),
        (Says::False, AlarmNotice::FalseAlarm),
    ];
    for (number, (says, notice)) in (1..).zip(says) {
        let said = say(&hub, "gw-1", 3, says, false).unwrap();
        assert_eq!(said, format!("command {number} to gateway of gw-1: queued\n"));
        let command = stored(&hub, &gateway, number);
        assert_eq!(
            (command.device.as_str(), command.action),
            ("gateway", Action::Alarm { alarm: 3, notice })
        );
    }
    let staff = varde_hub::visit(
        &hub.directory,
        &hub.database(),
        &gateway.id,
        Some(45),
        &unwatched(),
        &mut Vec::new(),
    );
    staff.unwrap();
    assert_eq!(stored(&hub, &gateway, 4).action, Action::Visit { minutes: Some(45) });
    let bad = varde_hub::visit(
        &hub.directory,
        &hub.database(),
        &gateway.id,
        Some(0),
        &unwatched(),
        &mut Vec::new(),
    );
    assert_eq!(bad.unwrap_err().exit_code(), 65);
}

#[test]
fn a_notice_of_what_is_not_open_says_what_is() {
    let hub = Hub::new();
    let gateway = hub.enrol("gw-1", Signature::Ed25519, false);
    let mut outbox = gateway.outbox(Lane::Urgent, 1);
    let refused = |number, says, words: &str| {
        let error = say(&hub, "gw-1", number, says, false).unwrap_err();
        assert_eq!((error.to_string(), error.exit_code()), (words.to_owned(), 65));
    };
    refused(3, Says::Seen, "gw-1 has no open alarm 3; open there: none");
    let open = [
        step(1, 3, AlarmKind::Pendant, 1, AlarmStep::PreAlarm { for_ms: 9 }),
        step(2, 4, AlarmKind::Smoke, 1, announced(1)),
        step(3, 5, AlarmKind::Fall, 1, AlarmStep::Ended),
    ];
    arrives(&hub, &gateway, &mut outbox, &open);
    refused(
        5,
        Says::End,
        "gw-1 has no open alarm 5; open there: 3 (pendant of pendant-1), 4 (smoke of smoke-1)",
    );
    refused(
        3,
        Says::Seen,
        "alarm 3 of gw-1 is not announced yet, as it can still be cancelled at home: wait until it is, or end it",
    );
    arrives(
        &hub,
        &gateway,
        &mut outbox,
        &[in_another_boot(step(1, 4, AlarmKind::Water, 1, AlarmStep::Ended))],
    );
    refused(
        4,
        Says::End,
        "gw-1 has forgotten this alarm 4, as its store is new: when it is dealt with, end it with '--only-here'",
    );
    let unknown = say(&hub, "gw-2", 3, Says::Seen, false);
    assert!(matches!(unknown, Err(Error::NotEnrolled(_))));
}

#[test]
fn an_alarm_that_was_closed_here_is_open_again_when_its_gateway_announces_it() {
    let hub = Hub::new();
    let gateway = hub.enrol("gw-1", Signature::Ed25519, false);
    let mut outbox = gateway.outbox(Lane::Urgent, 1);
    let kind = AlarmKind::Pendant;
    arrives(&hub, &gateway, &mut outbox, &[step(1, 3, kind, 1, announced(1))]);
    say(&hub, "gw-1", 3, Says::False, true).unwrap();
    assert!(hub.alarms(ListAlarms::default()).is_empty());
    let all = ListAlarms { all: true, ..ListAlarms::default() };
    assert_eq!(hub.alarms(all)[0]["state"], "closed");
    arrives(&hub, &gateway, &mut outbox, &[step(2, 3, kind, 1, AlarmStep::Received)]);
    assert!(hub.alarms(ListAlarms::default()).is_empty());
    arrives(&hub, &gateway, &mut outbox, &[step(3, 3, kind, 1, announced(2))]);
    assert_eq!(hub.alarms(ListAlarms::default())[0]["state"], "unseen");
}

fn unwatched() -> Follow {
    Follow { no_wait: true, ..Follow::default() }
}

fn say(hub: &Hub, gateway: &str, alarm: u64, says: Says, only_here: bool) -> Result<String, Error> {
    let notice = Notice { gateway: gateway.parse()?, alarm, says, only_here, follow: unwatched() };
    let mut out = Vec::new();
    varde_hub::give_notice(&hub.directory, &hub.database(), &notice, &mut out)?;
    Ok(String::from_utf8_lossy(&out).into_owned())
}

/// A stored command, as its gateway opens it.
fn stored(hub: &Hub, gateway: &Gateway, number: u64) -> varde_wire::Command {
    let database = rusqlite::Connection::open(hub.database()).unwrap();
    let sql = "SELECT signed FROM command WHERE number = ?1";
    let bytes = database.query_row(sql, [number.cast_signed()], |row| row.get(0)).unwrap();
    let key = std::fs::read_to_string(gateway.credentials.join("open.key")).unwrap();
    let verified = SignedCommand::from_bytes(bytes).verify(&gateway.hub_verify, &gateway.id).unwrap();
    verified.open(&OpeningKey::from_text(&key).unwrap()).unwrap()
}
