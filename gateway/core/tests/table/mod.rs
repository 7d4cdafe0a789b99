//! Reads a timeline that a nurse could read, lives it, and writes down what really happened in the same words.
//!
//! A line is `Mon 22:10 bed left-bed`: day, time, device, and the word of an event. Or one of
//!
//! - `hub has it`, `nurse has seen it`, `nurse ends it`, `nurse calls it false`: of the alarm that was announced last
//! - `visit until 14:30`, `visit over`; `DEVICE cancel`, `DEVICE battery 9 %`, `DEVICE test-press`, `DEVICE measures`
//! - `radio down`, `radio up`; `power off`, followed by `power on`; `clock lost`, `clock set`
//!
//! A line with `=>` is what must come of it, and nothing else may.

use std::time::Duration;

use varde_core::alarm::{Source, Told};
use varde_core::guard::{Household, Output};
use varde_core::rules::{Because, Verdict};
use varde_core::supervision::{Cause, Finding, LinkNumber};
use varde_core::{Guard, Now};
use varde_wire::{
    AlarmStep, Change, Decimal, DeviceId, Event, Flags, Instant, Metric, Observation, Phase, Trouble, Unit,
    Value, VisitStep,
};

use crate::oslo;

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// 2026-03-02, a Monday.
const MONDAY: i64 = 20_514;

/// Lives the table in a home, in the week after that many others, and compares.
pub(crate) fn assert_timeline(household: Household, weeks: i64, table: &str) {
    let written: Vec<String> = table.lines().map(str::trim).filter(|l| !l.is_empty()).map(tidy).collect();
    let lived = Lived::of(household, weeks, written.iter().filter(|line| !line.contains("=>")));
    let (expected, got) = (written.join("\n"), lived.join("\n"));
    assert!(expected == got, "expected:\n\n{expected}\n\ngot:\n\n{got}\n");
}

fn tidy(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A home while its timeline is lived.
struct Lived {
    household: Household,
    guard: Guard,
    /// Milliseconds between the instant and the wall.
    ahead: i64,
    clock_set: bool,
    off_since: Option<(Instant, Vec<u8>)>,
    lines: Vec<String>,
    last: Option<(u64, u32)>,
}

impl Lived {
    fn of<'t>(household: Household, weeks: i64, inputs: impl Iterator<Item = &'t String>) -> Vec<String> {
        let start = (MONDAY + 7 * weeks) * 86_400_000;
        let mut wall = first_showing(start, start);
        let ahead = wall;
        let guard = Guard::new(household.clone(), now(0, ahead, true));
        let mut lived =
            Self { household, guard, ahead, clock_set: true, off_since: None, lines: Vec::new(), last: None };
        for line in inputs {
            let mut words = line.splitn(3, ' ');
            let (day, time, what) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
            wall = next_showing(wall, day, time);
            let ms = u64::try_from(wall - lived.ahead).unwrap();
            if lived.off_since.is_none() {
                lived.pass(ms);
            }
            lived.lines.push(line.clone());
            lived.happen(what, ms);
            lived.take(ms);
        }
        lived.lines
    }

    fn now(&self, ms: u64) -> Now {
        now(ms, self.ahead, self.clock_set)
    }

    fn pass(&mut self, until: u64) {
        while let Some(due) = self.guard.poll_timeout().filter(|due| due.as_millis() <= until) {
            self.guard.handle_timeout(self.now(due.as_millis()));
            self.take(due.as_millis());
        }
    }

    fn happen(&mut self, what: &str, ms: u64) {
        let now = self.now(ms);
        let words: Vec<&str> = what.split(' ').collect();
        let (alarm, number) = self.last.unwrap_or_default();
        match words[..] {
            ["wait"] => self.guard.handle_timeout(now),
            ["hub", "has", "it"] => self.guard.handle_alarms(now, |a| a.handle_received(alarm, number, now)),
            ["nurse", "has", "seen", "it"] => {
                self.guard.handle_alarms(now, |a| a.handle_seen(alarm, number, now))
            }
            ["nurse", "ends", "it"] => self.guard.handle_alarms(now, |a| a.handle_ended(alarm, now)),
            ["nurse", "calls", "it", "false"] => {
                self.guard.handle_alarms(now, |a| a.handle_false_alarm(alarm, now));
            }
            ["visit", "over"] => self.guard.handle_alarms(now, |a| a.handle_visit_over(now)),
            ["visit", "for", minutes, "min"] => {
                let until = now.at.after(Duration::from_mins(minutes.parse().unwrap()));
                self.guard.handle_alarms(now, |a| a.handle_visit(until, now));
            }
            ["radio", "down"] => self.guard.handle_link_down(LinkNumber(0), now),
            ["radio", "up"] => self.guard.handle_link_up(LinkNumber(0), now),
            ["power", "off"] => {
                self.guard.handle_timeout(now);
                self.take(ms);
                self.off_since = Some((now.at, self.guard.snapshot()));
            }
            ["power", "on"] => {
                let (since, saved) = self.off_since.take().unwrap();
                self.guard = Guard::restore(self.household.clone(), &saved, since, now);
            }
            ["clock", "lost"] | ["clock", "set"] => {
                self.clock_set = words[1] == "set";
                self.guard.handle_timeout(self.now(ms));
            }
            [device, "cancel"] => {
                let source = Source::Device(device.parse().unwrap());
                self.guard.handle_alarms(now, |a| a.handle_cancelled_at_home(&source, now));
            }
            [device, "battery", percent, "%"] => {
                let mut observation = said(device, Metric::BATTERY, Value::Decimal(whole(percent)));
                observation.unit = Some(Unit::Percent);
                self.guard.handle_observation(&observation, None, now);
            }
            [device, "measures"] => {
                let observation = said(device, Metric::BODY_WEIGHT, Value::Decimal(whole("70")));
                self.guard.handle_observation(&observation, None, now);
            }
            [device, "test-press"] => {
                let mut observation = said(device, Metric::PERSONAL_ALARM, Value::Event(Event::SafetyAlarm));
                observation.flags = Flags::TEST;
                self.guard.handle_observation(&observation, None, now);
            }
            [device, event] => {
                let event = Event::ALL.iter().copied().find(|e| e.name() == event).expect(event);
                self.guard.handle_observation(&said(device, Metric::SWITCH, Value::Event(event)), None, now);
            }
            _ => panic!("no such line: {what}"),
        }
    }

    /// Writes down what came of it.
    fn take(&mut self, ms: u64) {
        let time = shown(self.ahead + i64::try_from(ms).unwrap());
        while let Some(output) = self.guard.poll_output() {
            match output {
                Output::Finding(finding) => {
                    let words = self.finding(finding);
                    self.lines.push(format!("{time} => {words}"));
                }
                Output::Judgement(judgement) => {
                    let words = match judgement.verdict {
                        Verdict::Raise | Verdict::Clear => continue,
                        Verdict::CannotJudge(Because::Silent(device)) => {
                            format!("cannot judge: {device} is silent")
                        }
                        Verdict::CannotJudge(Because::ClockUnset) => "cannot judge: clock unset".to_owned(),
                        Verdict::JudgesAgain => "judges again".to_owned(),
                    };
                    self.lines.push(format!("{time} => {}: {words}", judgement.rule));
                }
                Output::Alarm(Told::Visit(step)) => {
                    let words = match step.step {
                        VisitStep::Began { .. } => "began",
                        VisitStep::Ended => "over",
                        VisitStep::TimeUp => "over: time is up",
                    };
                    self.lines.push(format!("{time} => visit {words}"));
                }
                Output::Alarm(Told::Alarm(alarm)) => {
                    let source = match &alarm.call.source {
                        Source::Device(device) => device.as_str(),
                        Source::Rule(rule) => rule,
                    };
                    let test = if alarm.call.test { "TEST " } else { "" };
                    let start = format!("{time} => {test}ALARM {} of {source}:", alarm.call.kind.name());
                    let words = step_words(alarm.step, alarm.count);
                    if let AlarmStep::Announced { number } = alarm.step {
                        self.last = Some((alarm.alarm, number));
                    }
                    match self.lines.last_mut().filter(|line| line.starts_with(&start)) {
                        Some(line) => *line = format!("{line}, {words}"),
                        None => self.lines.push(format!("{start} {words}")),
                    }
                }
            }
        }
    }

    fn finding(&self, finding: Finding) -> String {
        match finding {
            Finding::Single(edge) => {
                let change = match edge.change {
                    Change::Began => "",
                    Change::Lasts => " still",
                    Change::Over => " no more",
                };
                let since = if edge.trouble == Trouble::Contact && edge.change == Change::Began {
                    let since = self.ahead + i64::try_from(edge.since.as_millis()).unwrap();
                    format!(", last heard {}", shown(since))
                } else {
                    String::new()
                };
                format!("{}{change} {}{since}", edge.device, edge.trouble.name().replace('-', " "))
            }
            Finding::Story(story) => {
                let cause = match story.cause {
                    Cause::PowerCut => "POWER CUT",
                    Cause::Silence => "MANY SILENT",
                };
                let phase = match story.phase {
                    Phase::Began => "began",
                    Phase::GoesOn => "goes on",
                    Phase::Over => "over",
                };
                let out: Vec<&str> = story.out.iter().map(DeviceId::as_str).collect();
                let out = if out.is_empty() { "nobody".to_owned() } else { out.join(" ") };
                format!("{cause} {phase}; out: {out}")
            }
        }
    }
}

fn step_words(step: AlarmStep, count: u32) -> String {
    match step {
        AlarmStep::Inhibited(by) => format!("held back by {by:?}"),
        AlarmStep::Raised => "raised".to_owned(),
        AlarmStep::PreAlarm { .. } => "can be cancelled".to_owned(),
        AlarmStep::Announced { number } => format!("announced {number}"),
        AlarmStep::RaisedAgain => format!("raised again ({count})"),
        AlarmStep::NotGettingThrough => "not getting through".to_owned(),
        AlarmStep::Received => "received".to_owned(),
        AlarmStep::Escalated => "escalated".to_owned(),
        AlarmStep::Seen => "seen".to_owned(),
        AlarmStep::Cleared => "cleared".to_owned(),
        AlarmStep::CancelRefused => "too late to cancel".to_owned(),
        AlarmStep::Cancelled => "cancelled".to_owned(),
        AlarmStep::Ended => "ended".to_owned(),
    }
}

fn said(device: &str, metric: Metric, value: Value) -> Observation {
    Observation::new(device.parse().unwrap(), metric, value)
}

fn whole(text: &str) -> Decimal {
    Decimal::whole(text.parse().unwrap())
}

fn now(ms: u64, ahead: i64, clock_set: bool) -> Now {
    let wall = ahead + i64::try_from(ms).unwrap();
    Now { at: Instant::from_millis(ms), home: clock_set.then(|| oslo::clock(wall)) }
}

/// What the wall shows: local milliseconds.
fn local(wall: i64) -> i64 {
    wall + oslo::offset(wall.div_euclid(60_000)) * 60_000
}

fn shown(wall: i64) -> String {
    let local = local(wall);
    let day = DAYS[usize::try_from((local.div_euclid(86_400_000) + 3).rem_euclid(7)).unwrap()];
    let seconds = local.rem_euclid(86_400_000) / 1000;
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let tail = if second == 0 { String::new() } else { format!(":{second:02}") };
    format!("{day} {hour:02}:{minute:02}{tail}")
}

/// The first moment from `wall` on that shows this day and time.
fn next_showing(wall: i64, day: &str, time: &str) -> i64 {
    let parts: Vec<i64> = time.split(':').map(|part| part.parse().unwrap()).collect();
    let seconds = parts[0] * 3600 + parts[1] * 60 + parts.get(2).copied().unwrap_or(0);
    let weekday = i64::try_from(DAYS.iter().position(|name| *name == day).unwrap()).unwrap();
    let today = local(wall).div_euclid(86_400_000);
    (today..today + 8)
        .filter(|day| (day + 3).rem_euclid(7) == weekday)
        .map(|day| first_showing(day * 86_400_000 + seconds * 1000, wall))
        .find(|moment| *moment >= wall)
        .unwrap()
}

/// The first moment, not before `from`, at which the wall shows this.
fn first_showing(shown: i64, from: i64) -> i64 {
    [120, 60]
        .map(|offset| shown - offset * 60_000)
        .into_iter()
        .find(|moment| local(*moment) == shown && *moment >= from - 7_200_000)
        .unwrap()
}
