//! What a gateway came to by itself, as a line of JSON.

use serde::Serialize;
use varde_wire::{
    About, AlarmKind, AlarmReport, AlarmSource, AlarmStep, CountReport, Hindrance, Report, RuleReport,
    SupervisionReport, TroubleEdge, VisitStep,
};

use super::entry::{self, Made, Place};
use crate::clock;
use crate::mending::Mended;

/// FHIR's label of what is no real event (`http://terminology.hl7.org/CodeSystem/v3-ActReason`).
const HTEST: &str = "HTEST";

/// What scripts read. Fields that do not apply are left out.
#[derive(Serialize)]
pub(super) struct Line {
    #[serde(flatten)]
    place: Place,
    #[serde(flatten)]
    about: Words,
    /// `time` is when it happened, `uptime_ms` when it was told.
    #[serde(flatten)]
    made: Made,
    /// How long before it was told it happened, in milliseconds.
    age_ms: u64,
    received: Option<String>,
}

#[derive(Serialize)]
#[serde(tag = "report", rename_all = "kebab-case")]
enum Words {
    Alarm {
        #[serde(flatten)]
        alarm: Alarm,
        step: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        announcement: Option<u32>,
        #[serde(skip_serializing_if = "Option::is_none")]
        for_ms: Option<u32>,
    },
    Supervision {
        origin: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        phase: Option<&'static str>,
        troubles: Vec<Edge>,
        /// Who of a story is in trouble now.
        out: Vec<String>,
        /// So many lines of the same follow.
        more: u8,
    },
    Rule {
        rule: String,
        judges: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        hindrance: Option<&'static str>,
        /// Who is silent.
        #[serde(skip_serializing_if = "Option::is_none")]
        device: Option<String>,
    },
    Visit {
        step: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        for_ms: Option<u32>,
    },
    Count {
        device: String,
        metric: String,
        code: u32,
        #[serde(skip_serializing_if = "Option::is_none")]
        event: Option<&'static str>,
        /// In the home's time.
        #[serde(skip_serializing_if = "Option::is_none")]
        day: Option<String>,
        times: u32,
    },
}

/// What an alarm is.
#[derive(Serialize)]
pub(crate) struct Alarm {
    #[serde(rename = "alarm")]
    pub(crate) number: u64,
    #[serde(flatten)]
    pub(crate) source: Source,
    pub(crate) kind: &'static str,
    pub(crate) vkp: &'static str,
    /// VKP's: 0 to 40.
    pub(crate) severity: u8,
    /// `HTEST` where it is a test.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) security: Option<&'static str>,
    /// How often it was raised.
    pub(crate) count: u32,
}

/// Who raised an alarm: `device` or `rule`.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Source {
    Device(String),
    Rule(String),
}

#[derive(Serialize)]
struct Edge {
    device: String,
    trouble: &'static str,
    change: &'static str,
    /// Since when it is so: for a missing device, when it was heard last.
    since: Option<String>,
    /// Since when that is certain.
    certain: Option<String>,
}

pub(super) fn line(
    place: Place,
    made: Made,
    received: Option<String>,
    when: &Mended,
    report: Report,
) -> entry::Line {
    let Report { age_ms, about } = report;
    let about = match about {
        About::Alarm(alarm) => words_of_alarm(&alarm),
        About::Supervision(report) => words_of_supervision(report, when),
        About::Rule(report) => words_of_rule(report),
        About::Visit(step) => {
            let for_ms = match step {
                VisitStep::Began { for_ms } => Some(for_ms),
                VisitStep::Ended | VisitStep::TimeUp => None,
            };
            Words::Visit { step: step.name(), for_ms }
        }
        About::Count(CountReport { device, metric, event, day, times }) => Words::Count {
            device: device.to_string(),
            metric: metric.to_string(),
            code: metric.code(),
            event: event.map(varde_wire::Event::name),
            day: clock::date(day),
            times,
        },
    };
    let made = made.happened(when.minus(age_ms));
    entry::Line::Report(Box::new(Line { place, about, made, age_ms, received }))
}

impl From<&AlarmSource> for Source {
    fn from(source: &AlarmSource) -> Self {
        match source {
            AlarmSource::Device(device) => Self::Device(device.to_string()),
            AlarmSource::Rule(rule) => Self::Rule(rule.as_str().to_owned()),
        }
    }
}

impl From<&AlarmReport> for Alarm {
    fn from(report: &AlarmReport) -> Self {
        let AlarmReport { alarm, ref source, kind, severity, test, count, .. } = *report;
        Self {
            number: alarm,
            source: source.into(),
            kind: kind.name(),
            vkp: AlarmKind::vkp(kind),
            severity: severity.number(),
            security: test.then_some(HTEST),
            count,
        }
    }
}

fn words_of_alarm(report: &AlarmReport) -> Words {
    let step = report.step;
    let (announcement, for_ms) = match step {
        AlarmStep::Announced { number } => (Some(number), None),
        AlarmStep::PreAlarm { for_ms } => (None, Some(for_ms)),
        AlarmStep::Inhibited(_)
        | AlarmStep::Raised
        | AlarmStep::RaisedAgain
        | AlarmStep::NotGettingThrough
        | AlarmStep::Received
        | AlarmStep::Escalated
        | AlarmStep::Seen
        | AlarmStep::Cleared
        | AlarmStep::CancelRefused
        | AlarmStep::Cancelled
        | AlarmStep::Ended => (None, None),
    };
    Words::Alarm { alarm: report.into(), step: step.name(), announcement, for_ms }
}

fn words_of_supervision(report: SupervisionReport, when: &Mended) -> Words {
    let SupervisionReport { origin, edges, out, more } = report;
    let edge = |edge: TroubleEdge| Edge {
        device: edge.device.to_string(),
        trouble: edge.trouble.name(),
        change: edge.change.name(),
        since: clock::rfc3339(when.minus(edge.since_ms)),
        certain: clock::rfc3339(when.minus(edge.certain_ms)),
    };
    Words::Supervision {
        origin: origin.name(),
        phase: origin.phase().map(varde_wire::Phase::name),
        troubles: edges.into_iter().map(edge).collect(),
        out: out.iter().map(ToString::to_string).collect(),
        more,
    }
}

fn words_of_rule(report: RuleReport) -> Words {
    let RuleReport { rule, hindrance } = report;
    let (word, device) = match &hindrance {
        Some(Hindrance::Silent(device)) => (Some("silent"), Some(device.to_string())),
        Some(Hindrance::ClockUnset) => (Some("clock-unset"), None),
        None => (None, None),
    };
    Words::Rule { rule: rule.as_str().to_owned(), judges: hindrance.is_none(), hindrance: word, device }
}
