//! The serial line to one device that prints lines.

use std::collections::{BTreeMap, VecDeque};

use varde_wire::{DeviceId, Instant, Observation};

use crate::lines::{LineRules, Lines};
use crate::{Channel, FrameError, Input, Output, Problem, Reading, Refused, Session};

/// One device.
pub(crate) struct LinesSession {
    device: DeviceId,
    rules: LineRules,
    lines: Lines,
    /// By the place of a pattern, when a reading of it was passed on, and what has come since.
    paced: BTreeMap<usize, Paced>,
    outputs: VecDeque<Output>,
}

struct Paced {
    at: Instant,
    held: Option<Vec<Observation>>,
}

impl LinesSession {
    pub(crate) fn new(device: DeviceId, rules: LineRules) -> Self {
        Self { device, rules, lines: Lines::default(), paced: BTreeMap::new(), outputs: VecDeque::new() }
    }

    fn take(&mut self, line: Result<Vec<u8>, Problem>, now: Instant) {
        let read = line.and_then(|line| self.rules.read(&line, &self.device).ok_or(Problem::NoPattern));
        match read {
            Ok((place, said)) => {
                self.outputs.push_back(Output::Heard(self.device.clone()));
                // What happened waits for nothing.
                self.pass_on(said.events);
                self.pace(place, said.values, now);
            }
            Err(problem) => self.refuse(FrameError { field: "line", offset: 0, problem }),
        }
    }

    fn pace(&mut self, place: usize, values: Vec<Observation>, now: Instant) {
        match self.paced.get_mut(&place) {
            _ if values.is_empty() => {}
            Some(paced) if now.since(paced.at) < self.rules.every => paced.held = Some(values),
            _ => {
                self.paced.insert(place, Paced { at: now, held: None });
                self.pass_on(values);
            }
        }
    }

    fn pass_on(&mut self, observations: Vec<Observation>) {
        if !observations.is_empty() {
            self.outputs.push_back(Output::Reading(Reading::new(self.device.clone(), observations)));
        }
    }

    fn refuse(&mut self, error: FrameError) {
        self.outputs.push_back(Output::Refused(Refused { device: Some(self.device.clone()), error }));
    }
}

impl Session for LinesSession {
    fn handle_input(&mut self, input: Input<'_>, now: Instant) {
        match input {
            Input::Time(_) | Input::Committed => {}
            Input::Connected | Input::Disconnected => self.lines = Lines::default(),
            Input::Chunk { channel: Channel::Serial, bytes } => {
                for line in self.lines.push(bytes) {
                    self.take(line, now);
                }
            }
            Input::Chunk { .. } => {
                self.refuse(FrameError { field: "channel", offset: 0, problem: Problem::Unexpected });
            }
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        let every = self.rules.every;
        let due = |paced: &&mut Paced| now.since(paced.at) >= every;
        let mut passed = Vec::new();
        for paced in self.paced.values_mut().filter(due) {
            if let Some(values) = paced.held.take() {
                paced.at = now;
                passed.push(values);
            }
        }
        passed.into_iter().for_each(|values| self.pass_on(values));
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let held = self.paced.values().filter(|paced| paced.held.is_some());
        held.map(|paced| paced.at.after(self.rules.every)).min()
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn scale(every: Duration) -> LinesSession {
        let patterns = [
            r"^ST,GS,\+? *(?<weight>-?[0-9.]+|OL) *kg$",
            r"^(?<low>LOBAT)$",
            r"^T=(?<temperature>-?\d+);(?<water>WET)?$",
        ];
        let patterns = patterns.iter().map(|text| text.parse().unwrap()).collect();
        let values = [("weight", "MDC_MASS_BODY_ACTUAL kg"), ("temperature", "MDC_TEMP_ROOM Cel 1e-1")];
        let values = values.map(|(name, text)| (name.to_owned(), text.parse().unwrap())).to_vec();
        let events = [("low", "battery-low"), ("water", "water")];
        let events = events.map(|(name, text)| (name.to_owned(), text.parse().unwrap())).to_vec();
        let rules = LineRules::new(patterns, values, events, every).unwrap();
        LinesSession::new("scale-1".parse().unwrap(), rules)
    }

    fn told(session: &mut LinesSession) -> Vec<String> {
        let word = |output| match output {
            Output::Reading(reading) => {
                let value =
                    |o: &Observation| format!("{} {} {}", o.metric, o.value, o.unit.map_or("", |u| u.ucum()));
                Some(reading.observations.iter().map(value).collect::<Vec<_>>().join(", "))
            }
            Output::Refused(refused) => Some(refused.error.to_string()),
            Output::Heard(_) => None,
            other @ (Output::Request(_)
            | Output::Outcome(_)
            | Output::AwaitCommit
            | Output::Remember(_)
            | Output::Well(_)
            | Output::UnknownSender(_)) => panic!("{other:?}"),
        };
        std::iter::from_fn(|| session.poll_output()).filter_map(word).collect()
    }

    fn give(session: &mut LinesSession, text: &str, second: u64) -> Vec<String> {
        let input = Input::Chunk { channel: Channel::Serial, bytes: text.as_bytes() };
        session.handle_input(input, Instant::from_millis(second * 1000));
        told(session)
    }

    #[test]
    fn a_line_becomes_what_its_groups_mean() {
        let mut scale = scale(Duration::ZERO);
        let table = [
            ("ST,GS,+  82.40kg\r\n", vec!["MDC_MASS_BODY_ACTUAL 82.40 kg"]),
            ("ST,GS, OL kg\r", vec!["MDC_MASS_BODY_ACTUAL not-a-number kg"]),
            ("LOBAT\n", vec!["MDCX_BATTERY_STATE battery-low "]),
            ("T=-35;WET\n", vec!["MDC_AI_TYPE_SENSOR_WATER water ", "MDC_TEMP_ROOM -3.5 Cel"]),
            ("T=215;\n", vec!["MDC_TEMP_ROOM 21.5 Cel"]),
            ("hello\n\r\n", vec!["line at byte 0: it fits none of the device's patterns"]),
        ];
        for (text, expected) in table {
            assert_eq!(give(&mut scale, text, 0), expected, "{text}");
        }
    }

    #[test]
    fn a_stream_is_thinned_its_last_value_is_not_lost_and_what_happens_waits_for_nothing() {
        let mut scale = scale(Duration::from_secs(60));
        assert_eq!(give(&mut scale, "T=210;\n", 0), ["MDC_TEMP_ROOM 21.0 Cel"]);
        assert_eq!(give(&mut scale, "T=211;\nT=212;WET\n", 10), ["MDC_AI_TYPE_SENSOR_WATER water "]);
        assert_eq!(scale.poll_timeout(), Some(Instant::from_millis(60_000)));
        scale.handle_timeout(Instant::from_millis(59_999));
        assert_eq!(told(&mut scale), [""; 0]);
        scale.handle_timeout(Instant::from_millis(60_000));
        assert_eq!(told(&mut scale), ["MDC_TEMP_ROOM 21.2 Cel"]);
        assert_eq!(scale.poll_timeout(), None);
    }
}
