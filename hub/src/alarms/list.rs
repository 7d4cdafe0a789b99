//! The list of alarms: the most serious first, and of these the oldest.

use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;
use varde_wire::{AlarmStep, GatewayId, Severity, Trust, WallTime};

use super::standing::Standing;
use crate::mending::{Anchors, Mended};
use crate::show::{Alarm, Source};
use crate::store::{StepTold, Store, StoreError, StoredAlarm, WhichAlarms};
use crate::{Error, clock};

/// Which alarms are listed, and how.
#[derive(Clone, Debug, Default)]
pub struct ListAlarms {
    /// Only this gateway's.
    pub gateway: Option<GatewayId>,
    /// Those that are held back or over too.
    pub all: bool,
    /// Test alarms, over or not, and no others.
    pub tests: bool,
    /// JSON, a line an alarm, instead of text for people.
    pub json: bool,
}

/// Lists alarms.
///
/// # Errors
/// Where the gateway is not enrolled, the database cannot be read or `out` not be written.
pub fn list_alarms(database: &Path, list: &ListAlarms, out: &mut impl Write) -> Result<(), Error> {
    let store = Store::open_to_read(database)?;
    if let Some(gateway) = &list.gateway
        && store.gateway(gateway)?.is_none()
    {
        return Err(Error::NotEnrolled(gateway.clone()));
    }
    let which = WhichAlarms {
        gateway: list.gateway.as_ref().map(GatewayId::as_str),
        tests: Some(list.tests),
        over: list.all || list.tests,
    };
    let mut anchors = Anchors::of(&store);
    let mut lines = Vec::new();
    for alarm in store.alarms(which)? {
        let standing = Standing::of(&alarm);
        if which.over || standing.state.is_open() {
            lines.push(Line::of(&alarm, standing, &mut anchors)?);
        }
    }
    lines.sort_by_key(|line| (std::cmp::Reverse(line.alarm.severity), line.moment));
    let write = |out: &mut dyn Write| -> io::Result<()> {
        for line in &lines {
            if list.json {
                serde_json::to_writer(&mut *out, line)?;
                writeln!(out)?;
            } else {
                line.in_words(out)?;
            }
        }
        if lines.is_empty() && !list.json {
            writeln!(out, "{}", if which.over { "no alarm is known" } else { "no alarm is open" })?;
        }
        out.flush()
    };
    write(out).map_err(Error::Output)
}

/// An alarm, for programs. Fields that do not apply are left out.
#[derive(Serialize)]
struct Line {
    gateway: String,
    /// As it was told last.
    #[serde(flatten)]
    alarm: Alarm,
    state: &'static str,
    #[serde(skip_serializing_if = "is_false")]
    escalated: bool,
    #[serde(skip_serializing_if = "is_false")]
    cleared: bool,
    /// Somebody at home wanted to cancel it.
    #[serde(skip_serializing_if = "is_false")]
    cancel_refused: bool,
    /// Its gateway knows nothing of it any more.
    #[serde(skip_serializing_if = "is_false")]
    forgotten: bool,
    /// When it was raised, or first heard of.
    since: Option<String>,
    trust: &'static str,
    /// The number of the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    announcement: Option<u32>,
    steps: Vec<Step>,
    #[serde(skip)]
    moment: WallTime,
    #[serde(skip)]
    words: String,
}

/// When a step was taken last.
#[derive(Serialize)]
struct Step {
    step: &'static str,
    time: Option<String>,
    trust: &'static str,
    received: Option<String>,
}

impl Line {
    fn of<'a>(alarm: &'a StoredAlarm, standing: Standing, anchors: &mut Anchors<'_>) -> Result<Self, Error> {
        let latest = |a: &'a StepTold, b: &'a StepTold| if b.told.is_after(&a.told) { b } else { a };
        let earliest = |a: &'a StepTold, b: &'a StepTold| if a.told.is_after(&b.told) { b } else { a };
        let raised = alarm.steps.iter().find(|step| step.report.step == AlarmStep::Raised);
        let raised = raised.or_else(|| alarm.steps.iter().reduce(earliest));
        let (Some(raised), Some(last)) = (raised, alarm.steps.iter().reduce(latest)) else {
            return Err(StoreError::Damaged("an alarm without a step").into());
        };
        let (moment, trust) = moment(raised, anchors.mend(&alarm.gateway, &raised.told.stamp)?);
        let mut line = Self {
            gateway: alarm.gateway.clone(),
            alarm: (&last.report).into(),
            state: standing.state.name(),
            escalated: standing.is_escalated,
            cleared: standing.is_cleared,
            cancel_refused: standing.is_unwanted,
            forgotten: alarm.is_forgotten,
            since: clock::rfc3339(moment),
            trust: trust.name(),
            announcement: announcement(alarm),
            steps: Vec::new(),
            moment,
            words: standing.in_words(),
        };
        for told in &alarm.steps {
            let when = anchors.mend(&alarm.gateway, &told.told.stamp)?;
            line.steps.push(Step {
                step: told.report.step.name(),
                time: clock::rfc3339(when.minus(told.age_ms)),
                trust: when.trust.name(),
                received: clock::rfc3339(told.told.received),
            });
        }
        Ok(line)
    }

    fn in_words(&self, out: &mut dyn Write) -> io::Result<()> {
        let Self { gateway, words, .. } = self;
        let Alarm { number, source, kind, vkp, severity, security, count } = &self.alarm;
        let test = if security.is_some() { "TEST " } else { "" };
        let (Source::Device(source) | Source::Rule(source)) = source;
        let kind = format!("{kind} ({vkp})");
        let severity = severity_word(*severity);
        let times = if *count == 1 { "once".to_owned() } else { format!("{count} times") };
        write!(out, "{test}{gateway} {number:<4} {kind:<18} {severity:<12} {source:<16} {times:<9} {words}")?;
        if self.forgotten {
            write!(out, "; its gateway has forgotten it")?;
        }
        write!(out, "; since {}", self.since.as_deref().unwrap_or_default())?;
        match self.announcement {
            Some(number) => writeln!(out, ", announcement {number}"),
            None => writeln!(out),
        }
    }
}

/// The last announcement's number.
pub(super) fn announcement(alarm: &StoredAlarm) -> Option<u32> {
    alarm.steps.iter().find_map(|told| {
        if let AlarmStep::Announced { number } = told.report.step { Some(number) } else { None }
    })
}

/// When a step was taken. What a clock showed that was never set is worth less than when it came.
fn moment(step: &StepTold, when: Mended) -> (WallTime, Trust) {
    match when.trust {
        Trust::Unset => (step.told.received, Trust::Estimated),
        Trust::Estimated | Trust::Synchronised => (when.minus(step.age_ms), when.trust),
    }
}

fn severity_word(number: u8) -> &'static str {
    match Severity::ALL.into_iter().find(|severity| severity.number() == number) {
        Some(Severity::Critical) => "critical",
        Some(Severity::Serious) => "serious",
        Some(Severity::Moderate) => "moderate",
        Some(Severity::Normal) => "normal",
        Some(Severity::Unreported) | None => "not reported",
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(flag: &bool) -> bool {
    !*flag
}
