//! Reports: every one that the format can tell apart, and what each says.

use serde_json::{Value as Json, json};
use varde_wire::{
    About, AlarmKind, AlarmReport, AlarmSource, AlarmStep, BoundedText, Change, CountReport, Event,
    Hindrance, Inhibitor, Metric, Origin, Phase, Report, RuleReport, Severity, SupervisionReport, Trouble,
    TroubleEdge, VisitStep,
};

/// Every kind, step, severity, trouble, change, origin, phase, hindrance and visit.
pub(crate) fn reports() -> Vec<(String, Report)> {
    let mut cases = Vec::new();
    let mut add = |name: String, about| cases.push((format!("report-{name}"), Report { age_ms: 250, about }));
    for step in STEPS {
        add(format!("alarm-{}", step.name()), About::Alarm(alarm(AlarmKind::Pendant, step)));
    }
    for kind in AlarmKind::ALL {
        add(format!("alarm-kind-{}", kind.name()), About::Alarm(alarm(*kind, AlarmStep::Raised)));
    }
    for severity in Severity::ALL {
        let source = AlarmSource::Rule(BoundedText::cut("night-bed"));
        let alarm = AlarmReport { source, severity, test: true, ..alarm(AlarmKind::Bed, AlarmStep::Seen) };
        add(format!("alarm-severity-{}", severity.number()), About::Alarm(alarm));
    }
    for trouble in Trouble::ALL {
        for change in [Change::Began, Change::Lasts, Change::Over] {
            let name = format!("supervision-{}-{}", trouble.name(), change.name());
            add(name, About::Supervision(single(trouble, change)));
        }
    }
    for phase in [Phase::Began, Phase::GoesOn, Phase::Over] {
        for origin in [Origin::PowerCut(phase), Origin::Silence(phase)] {
            let name = format!("supervision-{}-{}", origin.name(), phase.name());
            add(name, About::Supervision(story(origin)));
        }
    }
    let silent = Hindrance::Silent("bed-1".parse().unwrap());
    for (name, hindrance) in
        [("silent", Some(silent)), ("clock-unset", Some(Hindrance::ClockUnset)), ("judges", None)]
    {
        let rule = BoundedText::cut("night-bed");
        add(format!("rule-{name}"), About::Rule(RuleReport { rule, hindrance }));
    }
    for step in [VisitStep::Began { for_ms: 7_200_000 }, VisitStep::Ended, VisitStep::TimeUp] {
        add(format!("visit-{}", step.name()), About::Visit(step));
    }
    for (name, event) in [("event", Some(Event::Motion)), ("metric", None)] {
        add(format!("count-{name}"), About::Count(count(event)));
    }
    cases
}

const STEPS: [AlarmStep; 14] = [
    AlarmStep::Inhibited(Inhibitor::Visit),
    AlarmStep::Inhibited(Inhibitor::QuietHours),
    AlarmStep::Raised,
    AlarmStep::PreAlarm { for_ms: 10_000 },
    AlarmStep::Announced { number: 300 },
    AlarmStep::RaisedAgain,
    AlarmStep::NotGettingThrough,
    AlarmStep::Received,
    AlarmStep::Escalated,
    AlarmStep::Seen,
    AlarmStep::Cleared,
    AlarmStep::CancelRefused,
    AlarmStep::Cancelled,
    AlarmStep::Ended,
];

fn alarm(kind: AlarmKind, step: AlarmStep) -> AlarmReport {
    AlarmReport {
        alarm: 70_000,
        source: AlarmSource::Device("pendant-1".parse().unwrap()),
        kind,
        severity: kind.severity(),
        test: false,
        count: 3,
        step,
    }
}

fn single(trouble: Trouble, change: Change) -> SupervisionReport {
    let edges = vec![edge("pendant-1", trouble, change)];
    SupervisionReport { origin: Origin::Single, edges, out: Vec::new(), more: 0 }
}

fn story(origin: Origin) -> SupervisionReport {
    let edges =
        vec![edge("lamp-1", Trouble::Mains, Change::Began), edge("lamp-2", Trouble::Contact, Change::Over)];
    SupervisionReport { origin, edges, out: vec!["lamp-1".parse().unwrap()], more: 1 }
}

fn edge(device: &str, trouble: Trouble, change: Change) -> TroubleEdge {
    TroubleEdge { device: device.parse().unwrap(), trouble, change, since_ms: 86_400_000, certain_ms: 60_000 }
}

fn count(event: Option<Event>) -> CountReport {
    CountReport { device: "hall-1".parse().unwrap(), metric: Metric::MOTION, event, day: 20_541, times: 412 }
}

pub(crate) fn words(report: &Report) -> Json {
    let (kind, about) = match &report.about {
        About::Alarm(alarm) => ("alarm", of_alarm(alarm)),
        About::Supervision(supervision) => ("supervision", of_supervision(supervision)),
        About::Rule(RuleReport { rule, hindrance }) => ("rule", {
            let hindrance = hindrance.as_ref().map(|hindrance| match hindrance {
                Hindrance::Silent(device) => json!({ "silent": device.as_str() }),
                Hindrance::ClockUnset => json!("clock-unset"),
            });
            json!({ "rule": rule.as_str(), "hindrance": hindrance })
        }),
        About::Visit(VisitStep::Began { for_ms }) => ("visit", json!({ "began": { "for_ms": for_ms } })),
        About::Visit(step) => ("visit", json!(step.name())),
        About::Count(count) => (
            "count",
            json!({
                "device": count.device.as_str(), "metric": count.metric.code(),
                "event": count.event.map(Event::name), "day": count.day, "times": count.times,
            }),
        ),
    };
    json!({ "age_ms": report.age_ms, kind: about })
}

fn of_alarm(alarm: &AlarmReport) -> Json {
    let source = match &alarm.source {
        AlarmSource::Device(device) => json!({ "device": device.as_str() }),
        AlarmSource::Rule(rule) => json!({ "rule": rule.as_str() }),
    };
    let step = match alarm.step {
        AlarmStep::PreAlarm { for_ms } => json!({ "pre-alarm": { "for_ms": for_ms } }),
        AlarmStep::Announced { number } => json!({ "announced": { "number": number } }),
        AlarmStep::Inhibited(Inhibitor::Visit) => json!({ "inhibited": "visit" }),
        AlarmStep::Inhibited(Inhibitor::QuietHours) => json!({ "inhibited": "quiet-hours" }),
        AlarmStep::Raised
        | AlarmStep::RaisedAgain
        | AlarmStep::NotGettingThrough
        | AlarmStep::Received
        | AlarmStep::Escalated
        | AlarmStep::Seen
        | AlarmStep::Cleared
        | AlarmStep::CancelRefused
        | AlarmStep::Cancelled
        | AlarmStep::Ended => json!(alarm.step.name()),
    };
    json!({
        "alarm": alarm.alarm, "source": source, "kind": { "name": alarm.kind.name(), "vkp": alarm.kind.vkp() },
        "severity": alarm.severity.number(), "test": alarm.test, "count": alarm.count, "step": step,
    })
}

fn of_supervision(report: &SupervisionReport) -> Json {
    let origin = match report.origin.phase() {
        Some(phase) => json!({ report.origin.name(): phase.name() }),
        None => json!(report.origin.name()),
    };
    let edges: Vec<_> = report
        .edges
        .iter()
        .map(|edge| {
            json!({
                "device": edge.device.as_str(), "trouble": edge.trouble.name(), "change": edge.change.name(),
                "since_ms": edge.since_ms, "certain_ms": edge.certain_ms,
            })
        })
        .collect();
    let out: Vec<_> = report.out.iter().map(|device| device.as_str()).collect();
    json!({ "origin": origin, "edges": edges, "out": out, "more": report.more })
}
