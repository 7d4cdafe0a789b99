//! What gateways came to by themselves, as `show --json` prints it beside what devices said.

use crate::gateway::{Hub, reading, report, take};
use serde_json::{Value, json};
use varde_hub::Signature;
use varde_wire::{
    About, AlarmKind, AlarmReport, AlarmSource, AlarmStep, Change, CountReport, Event, Hindrance, Lane,
    Metric, Origin, Phase, RuleReport, Severity, SupervisionReport, Trouble, TroubleEdge, VisitStep,
};

#[test]
fn each_report_is_a_line_of_its_own_kind_with_the_circumstances_of_any_entry() {
    let alarm = AlarmReport {
        alarm: 3,
        source: AlarmSource::Device("pendant-1".parse().unwrap()),
        kind: AlarmKind::Pendant,
        severity: Severity::Critical,
        test: false,
        count: 2,
        step: AlarmStep::Announced { number: 4 },
    };
    let test = AlarmReport {
        source: AlarmSource::Rule("night door".parse().unwrap()),
        step: AlarmStep::PreAlarm { for_ms: 10_000 },
        test: true,
        ..alarm.clone()
    };
    let edge = TroubleEdge {
        device: "lamp-1".parse().unwrap(),
        trouble: Trouble::Mains,
        change: Change::Began,
        since_ms: 60_000,
        certain_ms: 1_000,
    };
    let story = SupervisionReport {
        origin: Origin::PowerCut(Phase::Began),
        edges: vec![edge],
        out: vec!["lamp-1".parse().unwrap()],
        more: 1,
    };
    let rule = |hindrance| RuleReport { rule: "night door".parse().unwrap(), hindrance };
    let count = CountReport {
        device: "motion-1".parse().unwrap(),
        metric: Metric::PERSONAL_ALARM,
        event: Some(Event::Motion),
        day: 20_513,
        times: 41,
    };
    let cases = [
        (
            About::Alarm(alarm),
            json!({"report": "alarm", "alarm": 3, "device": "pendant-1", "kind": "pendant", "vkp": "3", "severity": 40,
                   "count": 2, "step": "announced", "announcement": 4}),
        ),
        (
            About::Alarm(test),
            json!({"report": "alarm", "alarm": 3, "rule": "night door", "kind": "pendant", "vkp": "3", "severity": 40,
                   "security": "HTEST", "count": 2, "step": "pre-alarm", "for_ms": 10_000}),
        ),
        (
            About::Supervision(story),
            json!({"report": "supervision", "origin": "power-cut", "phase": "began", "out": ["lamp-1"], "more": 1,
                   "troubles": [{"device": "lamp-1", "trouble": "no-mains", "change": "began",
                                 "since": "2023-11-14T22:12:20.007Z", "certain": "2023-11-14T22:13:19.007Z"}]}),
        ),
        (
            About::Rule(rule(Some(Hindrance::Silent("bed-1".parse().unwrap())))),
            json!({"report": "rule", "rule": "night door", "judges": false, "hindrance": "silent", "device": "bed-1"}),
        ),
        (
            About::Rule(rule(Some(Hindrance::ClockUnset))),
            json!({"report": "rule", "rule": "night door", "judges": false, "hindrance": "clock-unset"}),
        ),
        (About::Rule(rule(None)), json!({"report": "rule", "rule": "night door", "judges": true})),
        (
            About::Visit(VisitStep::Began { for_ms: 600_000 }),
            json!({"report": "visit", "step": "began", "for_ms": 600_000}),
        ),
        (About::Visit(VisitStep::TimeUp), json!({"report": "visit", "step": "time-up"})),
        (
            About::Count(count),
            json!({"report": "count", "device": "motion-1", "metric": Metric::PERSONAL_ALARM.to_string(),
                   "code": Metric::PERSONAL_ALARM.code(), "event": "motion", "day": "2026-03-01", "times": 41}),
        ),
    ];
    let hub = Hub::new();
    let gateway = hub.enrol("gw-1", Signature::Ed25519, false);
    let mut records = vec![reading(120)];
    records.extend(cases.iter().map(|(about, _)| report(7, about.clone())));
    let batch = gateway.outbox(Lane::Urgent, 1).batch(&records);
    take(&mut hub.intake(), &gateway, Lane::Urgent, &[&batch]);
    let shown = hub.observations();
    assert_eq!(shown.len(), records.len());
    let common = shown[0].as_object().unwrap();
    assert!(!common.contains_key("report"));
    for ((seq, shown), (_, expected)) in (2..).zip(&shown[1..]).zip(&cases) {
        let mut shown = shown.as_object().unwrap().clone();
        for (key, value) in expected.as_object().unwrap() {
            assert_eq!(shown.remove(key).as_ref(), Some(value), "{key} of {expected}");
        }
        assert_eq!((&shown["n"], &shown["seq"]), (&json!(seq), &json!(seq)));
        assert_eq!((&shown["time"], &shown["age_ms"]), (&json!("2023-11-14T22:13:20.007Z"), &json!(0)));
        let of_its_own: Vec<_> = shown.keys().filter(|key| !common.contains_key(*key)).collect();
        assert_eq!(of_its_own, ["age_ms"], "{expected}");
    }
}

#[test]
fn what_was_told_late_is_shown_at_its_own_time() {
    let hub = Hub::new();
    let gateway = hub.enrol("gw-1", Signature::Ed25519, false);
    let mut late = report(60_000, About::Visit(VisitStep::TimeUp));
    if let varde_wire::Content::Report(report) = &mut late.content {
        report.age_ms = 3_600_000;
    }
    let batch = gateway.outbox(Lane::Routine, 1).batch(&[late]);
    take(&mut hub.intake(), &gateway, Lane::Routine, &[&batch]);
    let shown: Value = hub.observations().remove(0);
    assert_eq!((&shown["time"], &shown["uptime_ms"]), (&json!("2023-11-14T21:14:20.000Z"), &json!(60_000)));
    assert!(hub.incidents().iter().all(|line| line["incident"] == "chain-began"));
}
