//! `varde rules try`: when the configured rules would have raised alarms, over what a home once said.
//!
//! A recording is the output of `varde-hub show --json`, or lines with the same keys that somebody wrote to try a rule:
//! `{"time": "2026-03-02T21:10:00Z", "device": "bed-1", "code": 8519691, "value": "left-bed"}`. Nothing is raised.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;
use thiserror::Error;
use varde_core::alarm::raised_by;
use varde_core::rules::{Because, Judgement, Rule, Sign, Verdict};
use varde_core::{Now, Rules};
use varde_wire::{Decimal, DeviceId, Event, Flags, Instant, Metric, Observation, Value};

use crate::clock;

/// After the last line the rules are given so long to come to something: a day, and the night after it.
const AFTERWARDS_MS: i64 = 36 * 60 * 60 * 1000;

/// A recording cannot be tried.
#[derive(Debug, Error)]
pub enum TryError {
    /// A line is none of a recording.
    #[error("line {line}: {problem}: expected a line of `varde-hub show --json`")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong; no value of the line stands in it.
        problem: &'static str,
    },
    /// It has no line with a time.
    #[error("no line says when it was: was the gateway's clock never set?")]
    Timeless,
}

/// A line of a recording, as far as rules go by it.
#[derive(Deserialize)]
struct Line {
    device: DeviceId,
    code: u32,
    value: String,
    time: Option<String>,
    #[serde(default)]
    flags: Vec<String>,
}

/// The timeline that these rules make of a recording, in the home's time zone: a line of text for each alarm that would
/// have been raised, each that would have been over, and each time at which a rule could not have judged.
///
/// # Errors
/// The first line that is none of a recording.
pub fn timeline(rules: Vec<Rule>, recording: &str, zone: &TimeZone) -> Result<String, TryError> {
    let said = said(recording)?;
    let (Some((first, _)), Some((last, _))) = (said.first(), said.last()) else {
        return Err(TryError::Timeless);
    };
    let trial_begins = *first;
    let moment = |wall: i64| Now {
        at: Instant::from_millis(u64::try_from(wall.saturating_sub(trial_begins)).unwrap_or_default()),
        home: clock::home_clock(wall, zone),
    };
    let wall = |at: Instant| trial_begins.saturating_add(i64::try_from(at.as_millis()).unwrap_or(i64::MAX));
    let mut trial = Trial { rules: Rules::new(rules, moment(trial_begins)), zone, text: String::new() };
    for (at, observation) in &said {
        while let Some(due) = trial.rules.poll_timeout().map(wall).filter(|due| due <= at) {
            trial.rules.handle_timeout(moment(due));
            trial.write(due);
        }
        if let Some(sign) = Sign::of(observation) {
            trial.rules.handle_sign(&observation.device, sign, moment(*at));
        }
        trial.write(*at);
        if let Some(kind) = raised_by(observation) {
            trial.line(*at, &format!("ALARM {} by {}", kind.name(), observation.device));
        }
    }
    let end = last.saturating_add(AFTERWARDS_MS);
    while let Some(due) = trial.rules.poll_timeout().map(wall).filter(|due| *due <= end) {
        trial.rules.handle_timeout(moment(due));
        trial.write(due);
    }
    if trial.text.is_empty() {
        trial.text.push_str("nothing would have been raised\n");
    }
    Ok(trial.text)
}

struct Trial<'z> {
    rules: Rules,
    zone: &'z TimeZone,
    text: String,
}

impl Trial<'_> {
    fn write(&mut self, wall: i64) {
        while let Some(judgement) = self.rules.poll_output() {
            let words = self.words(&judgement);
            self.line(wall, &words);
        }
    }

    fn words(&self, judgement: &Judgement) -> String {
        let name = &judgement.rule;
        match &judgement.verdict {
            Verdict::Raise => {
                let rule = self.rules.rules().find(|rule| rule.name == *name);
                let kind = rule.map_or("", |rule| rule.alarm().name());
                let severity = rule.map_or(0, |rule| rule.severity.number());
                format!("ALARM {kind} by rule {name}, severity {severity}")
            }
            Verdict::Clear => format!("over: rule {name}"),
            Verdict::CannotJudge(Because::Silent(device)) => {
                format!("rule {name} cannot judge: {device} is silent")
            }
            Verdict::CannotJudge(Because::ClockUnset) => {
                format!("rule {name} cannot judge: the clock is not set")
            }
            Verdict::JudgesAgain => format!("rule {name} can judge again"),
        }
    }

    fn line(&mut self, wall: i64, words: &str) {
        let time = Timestamp::from_millisecond(wall).unwrap_or_default().to_zoned(self.zone.clone());
        // Writing to a text cannot fail.
        let _ = writeln!(self.text, "{}  {words}", time.strftime("%a %Y-%m-%d %H:%M:%S"));
    }
}

/// What was said, in the order of its times; lines whose time nobody knows are left out.
fn said(recording: &str) -> Result<Vec<(i64, Observation)>, TryError> {
    let mut said = Vec::new();
    for (number, text) in recording.lines().enumerate().filter(|(_, text)| !text.trim().is_empty()) {
        let at_fault = |problem| TryError::Line { line: number.saturating_add(1), problem };
        let line: Line = serde_json::from_str(text).map_err(|_| at_fault("not such a JSON object"))?;
        let Some(time) = &line.time else { continue };
        let time: Timestamp = time.parse().map_err(|_| at_fault("its time is none of RFC 3339"))?;
        said.push((time.as_millisecond(), line.observation()));
    }
    said.sort_by_key(|(at, _)| *at);
    Ok(said)
}

impl Line {
    fn observation(self) -> Observation {
        let event = Event::ALL.iter().copied().find(|event| event.name() == self.value);
        let is_number = self.value.parse::<f64>().is_ok_and(f64::is_finite);
        let value = match event {
            Some(event) => Value::Event(event),
            // Rules ask whether something was measured, not what.
            None if is_number => Value::Decimal(Decimal::whole(0)),
            None => Value::Text(String::new()),
        };
        let mut observation = Observation::new(self.device, Metric::from_code(self.code), value);
        for (word, flag) in [("test", Flags::TEST), ("intermediate", Flags::INTERMEDIATE)] {
            if self.flags.iter().any(|given| given == word) {
                observation.flags = observation.flags.with(flag);
            }
        }
        observation
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use varde_core::rules::Watch;
    use varde_core::{Weekdays, Window};
    use varde_wire::Severity;

    use super::*;

    fn night_bed() -> Vec<Rule> {
        let (from, to) = ("22:00".parse().unwrap(), "07:00".parse().unwrap());
        let watch = Watch::NotBackInBed { bed: "bed-1".parse().unwrap(), within: Duration::from_mins(30) };
        let window = Some(Window { from, to, days: Weekdays::ALL });
        vec![Rule { name: "night-bed".to_owned(), watch, window, severity: Severity::Serious }]
    }

    #[test]
    fn a_night_of_summer_time_is_tried_in_the_homes_own_time() {
        let line = |time: &str, value: &str| {
            format!(
                r#"{{"n":1,"device":"bed-1","code":8519691,"value":"{value}","time":"{time}","flags":[]}}"#
            )
        };
        let recording = [
            line("2026-03-28T20:00:00Z", "in-bed"),
            line("2026-03-29T00:50:00Z", "left-bed"),
            line("2026-03-29T01:40:00Z", "in-bed"),
            line("2026-03-29T08:00:00Z", "left-bed"),
            line("2026-03-29T08:01:00Z", "safety-alarm"),
        ];
        let zone = TimeZone::get("Europe/Oslo").unwrap();
        assert_eq!(
            timeline(night_bed(), &recording.join("\n"), &zone).unwrap(),
            "Sun 2026-03-29 03:20:00  ALARM bed by rule night-bed, severity 30\n\
             Sun 2026-03-29 03:40:00  over: rule night-bed\n\
             Sun 2026-03-29 10:01:00  ALARM pendant by bed-1\n"
        );
    }

    #[test]
    fn what_is_no_recording_is_said_by_its_line_and_without_its_values() {
        let zone = TimeZone::UTC;
        let good = r#"{"device":"d","code":1,"value":"12.5","time":"2026-03-28T20:00:00Z"}"#;
        let error =
            timeline(night_bed(), &format!("{good}\n\n{{\"device\":\"secret\"}}"), &zone).unwrap_err();
        assert!(error.to_string().starts_with("line 3:") && !error.to_string().contains("secret"), "{error}");
        assert!(matches!(timeline(night_bed(), "", &zone), Err(TryError::Timeless)));
        assert_eq!(timeline(night_bed(), good, &zone).unwrap(), "nothing would have been raised\n");
    }
}
