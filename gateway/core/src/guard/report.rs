//! What the guard comes to, in the wire's words.

use std::time::Duration;

use varde_wire::{
    About, AlarmReport, AlarmSource, BoundedText, Hindrance, Instant, Lane, Origin, Report, RuleReport,
    SupervisionReport, Trouble, TroubleEdge,
};

use super::Output;
use crate::alarm::{AlarmNews, Source, Told};
use crate::rules::{Because, Verdict};
use crate::supervision::{Cause, Edge, Finding};

impl Output {
    /// What of it is kept and sent, told now; in several parts where it is too long for one record. What a rule comes to is
    /// told by its alarm.
    pub fn reports(&self, now: Instant) -> Vec<Report> {
        let told = |at: Instant, about| vec![Report { age_ms: millis(now.since(at)), about }];
        match self {
            Self::Finding(Finding::Single(edge)) => {
                told(edge.at, About::Supervision(report(Origin::Single, vec![edge_report(edge, now)])))
            }
            Self::Finding(Finding::Story(story)) => {
                let origin = match story.cause {
                    Cause::PowerCut => Origin::PowerCut(story.phase),
                    Cause::Silence => Origin::Silence(story.phase),
                };
                let parts = parts(origin, &story.edges, &story.out, now);
                parts.flat_map(|part| told(story.at, About::Supervision(part))).collect()
            }
            Self::Judgement(judgement) => {
                let hindrance = match &judgement.verdict {
                    Verdict::Raise | Verdict::Clear => return Vec::new(),
                    Verdict::CannotJudge(Because::Silent(device)) => Some(Hindrance::Silent(device.clone())),
                    Verdict::CannotJudge(Because::ClockUnset) => Some(Hindrance::ClockUnset),
                    Verdict::JudgesAgain => None,
                };
                let rule = BoundedText::cut(&judgement.rule);
                told(judgement.at, About::Rule(RuleReport { rule, hindrance }))
            }
            Self::Alarm(Told::Alarm(news)) => told(news.at, About::Alarm(alarm_report(news))),
            Self::Alarm(Told::Visit(visit)) => told(visit.at, About::Visit(visit.step)),
        }
    }

    /// Where it queues. All steps of an alarm go the same way, so that they come in their order; and so does what says that
    /// alarms may not come.
    pub fn lane(&self) -> Lane {
        match self {
            Self::Alarm(Told::Alarm(_)) | Self::Finding(Finding::Story(_)) => Lane::Urgent,
            Self::Finding(Finding::Single(edge)) => match edge.trouble {
                Trouble::Contact | Trouble::BatteryEmpty | Trouble::Mains | Trouble::Tamper => Lane::Urgent,
                Trouble::BatteryLow | Trouble::Clock | Trouble::Signal | Trouble::User => Lane::Routine,
            },
            Self::Judgement(_) | Self::Alarm(Told::Visit(_)) => Lane::Routine,
        }
    }
}

fn alarm_report(news: &AlarmNews) -> AlarmReport {
    let AlarmNews { alarm, ref call, count, step, .. } = *news;
    let source = match &call.source {
        Source::Device(device) => AlarmSource::Device(device.clone()),
        Source::Rule(rule) => AlarmSource::Rule(BoundedText::cut(rule)),
    };
    AlarmReport { alarm, source, kind: call.kind, severity: call.severity, test: call.test, count, step }
}

fn report(origin: Origin, edges: Vec<TroubleEdge>) -> SupervisionReport {
    SupervisionReport { origin, edges, out: Vec::new(), more: 0 }
}

/// At least one report, and as many as it takes.
fn parts(
    origin: Origin,
    edges: &[Edge],
    out: &[varde_wire::DeviceId],
    now: Instant,
) -> impl Iterator<Item = SupervisionReport> {
    let mut edges = edges.chunks(SupervisionReport::MOST_EDGES);
    let mut out = out.chunks(SupervisionReport::MOST_OUT);
    let count = edges.len().max(out.len()).max(1);
    let mut parts: Vec<SupervisionReport> = std::iter::repeat_with(|| {
        let edges = edges.next().unwrap_or_default().iter().map(|edge| edge_report(edge, now)).collect();
        SupervisionReport { out: out.next().unwrap_or_default().to_vec(), ..report(origin, edges) }
    })
    .take(count)
    .collect();
    for (part, more) in parts.iter_mut().rev().zip(0_u8..) {
        part.more = more;
    }
    parts.into_iter()
}

fn edge_report(edge: &Edge, now: Instant) -> TroubleEdge {
    let Edge { device, trouble, change, since, at } = edge;
    TroubleEdge {
        device: device.clone(),
        trouble: *trouble,
        change: *change,
        since_ms: millis(now.since(*since)),
        certain_ms: millis(now.since(*at)),
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supervision::Story;
    use varde_wire::{BootId, Change, Content, Phase, Record, Stamp, Trust, WallTime};

    #[test]
    fn a_story_of_two_hundred_devices_loses_none_of_them_and_fits_into_its_records() {
        let name = |n: u32| format!("device-with-a-very-long-name-{n:03}").parse().unwrap();
        let at = Instant::from_millis(1_000);
        let edges = (0..200)
            .map(|n| Edge {
                device: name(n),
                trouble: Trouble::Mains,
                change: Change::Began,
                since: Instant::from_millis(400),
                at,
            })
            .collect();
        let out: Vec<_> = (0..200).map(name).collect();
        let story = Story { cause: Cause::PowerCut, phase: Phase::Began, edges, out: out.clone(), at };
        let output = Output::Finding(Finding::Story(story));
        let reports = output.reports(Instant::from_millis(u64::MAX));
        let (mut told, mut listed, mut more) = (Vec::new(), Vec::new(), Vec::new());
        for report in reports {
            let stamp = Stamp {
                boot: BootId::from_bytes([0xff; 16]),
                uptime: Instant::from_millis(u64::MAX),
                wall: WallTime::from_unix_millis(i64::MIN),
                trust: Trust::Synchronised,
            };
            let About::Supervision(part) = &report.about else { panic!("{report:?}") };
            told.extend(part.edges.iter().map(|edge| edge.device.clone()));
            listed.extend(part.out.clone());
            more.push(part.more);
            Record { stamp, content: Content::Report(report.clone()) }.encode().unwrap();
        }
        assert_eq!((&told, &listed), (&out, &out));
        assert_eq!(more, (0..13).rev().collect::<Vec<u8>>());
    }
}
