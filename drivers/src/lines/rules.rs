//! What lines mean.

use std::time::Duration;

use regex::bytes::{Captures, Regex, RegexBuilder};
use thiserror::Error;
use varde_wire::{DeviceId, Observation, Value};

use crate::meaning::{Meaning, Told, decimal};

/// Larger than a pattern for a line of text ever gets, compiled.
const SIZE_LIMIT: usize = 256 * 1024;
const NEST_LIMIT: u32 = 20;

/// A regular expression for a whole kind of line. Bytes are Latin-1; `\d`, `\s` and `\w` are ASCII.
#[derive(Clone, Debug)]
pub struct Pattern(Regex);

/// What the lines of a device mean.
#[derive(Clone, Debug)]
pub struct LineRules {
    patterns: Vec<Pattern>,
    values: Vec<(String, Meaning)>,
    events: Vec<(String, Told)>,
    /// How often readings of one pattern are passed on at most; each where it is zero.
    pub(crate) every: Duration,
}

/// What is wrong with patterns or with what their groups mean.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadRules {
    /// No regular expression.
    #[error("no regular expression: {0}")]
    Syntax(String),
    /// One that would take too much memory.
    #[error("too large a regular expression: say less of it, or repeat less often")]
    TooLarge,
    /// A pattern that says nothing.
    #[error("has no named group such as (?<weight>[0-9.]+): nothing of the line would be passed on")]
    NoGroup,
    /// A group that nobody uses.
    #[error("the group '{0}' has no meaning: add it to values or to events")]
    Unused(String),
    /// A meaning without a group.
    #[error("no pattern has a group of this name: name one (?<{0}>…), or leave this out")]
    Missing(String),
}

impl std::str::FromStr for Pattern {
    type Err = BadRules;

    fn from_str(text: &str) -> Result<Self, BadRules> {
        let mut builder = RegexBuilder::new(text);
        builder.unicode(false).size_limit(SIZE_LIMIT).dfa_size_limit(SIZE_LIMIT).nest_limit(NEST_LIMIT);
        let regex = builder.build().map_err(|error| {
            if matches!(error, regex::Error::CompiledTooBig(_)) {
                return BadRules::TooLarge;
            }
            // The last line says what is wrong; those before it draw where.
            let text = error.to_string();
            BadRules::Syntax(text.lines().last().unwrap_or_default().replace("error: ", ""))
        })?;
        if regex.capture_names().flatten().next().is_none() {
            return Err(BadRules::NoGroup);
        }
        Ok(Self(regex))
    }
}

impl Pattern {
    /// The names of its groups.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        self.0.capture_names().flatten()
    }
}

impl LineRules {
    /// Patterns, and what their groups mean.
    ///
    /// # Errors
    /// Where a group has no meaning, or a meaning no group; the first.
    pub fn new(
        patterns: Vec<Pattern>,
        values: Vec<(String, Meaning)>,
        events: Vec<(String, Told)>,
        every: Duration,
    ) -> Result<Self, BadRules> {
        let named = |name: &str| patterns.iter().flat_map(Pattern::groups).any(|group| group == name);
        let names = || values.iter().map(|(name, _)| name).chain(events.iter().map(|(name, _)| name));
        if let Some(name) = names().find(|name| !named(name)) {
            return Err(BadRules::Missing(name.clone()));
        }
        let unused =
            patterns.iter().flat_map(Pattern::groups).find(|group| names().all(|name| name != group));
        if let Some(group) = unused {
            return Err(BadRules::Unused(group.to_owned()));
        }
        Ok(Self { patterns, values, events, every })
    }

    /// What a line says, and which pattern it fits; none where it fits none.
    pub(crate) fn read(&self, line: &[u8], device: &DeviceId) -> Option<(usize, Said)> {
        let fits = |(place, pattern): (usize, &Pattern)| Some((place, pattern.0.captures(line)?));
        let (place, captures) = self.patterns.iter().enumerate().find_map(fits)?;
        Some((place, self.said(&captures, device)))
    }

    fn said(&self, captures: &Captures<'_>, device: &DeviceId) -> Said {
        let value = |(name, meaning): &(String, Meaning)| {
            let text = String::from_utf8_lossy(captures.name(name)?.as_bytes()).into_owned();
            let value =
                decimal(&text).map_or_else(Value::Absent, |number| Value::Decimal(meaning.scale(number)));
            Some(Observation {
                unit: Some(meaning.unit),
                ..Observation::new(device.clone(), meaning.metric, value)
            })
        };
        let event = |(name, told): &(String, Told)| {
            captures.name(name)?;
            Some(Observation::new(device.clone(), told.metric, Value::Event(told.event)))
        };
        Said {
            values: self.values.iter().filter_map(value).collect(),
            events: self.events.iter().filter_map(event).collect(),
        }
    }
}

/// What one line says.
#[derive(Debug)]
pub(crate) struct Said {
    /// Numbers, or that there is none.
    pub(crate) values: Vec<Observation>,
    /// What happened.
    pub(crate) events: Vec<Observation>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Result<Pattern, BadRules> {
        text.parse()
    }

    #[test]
    fn a_pattern_that_is_none_is_refused_with_its_reason() {
        assert_eq!(
            pattern("(?<w>[0-9").unwrap_err(),
            BadRules::Syntax("unclosed character class".to_owned())
        );
        assert_eq!(pattern("^[0-9.]+$").unwrap_err(), BadRules::NoGroup);
        assert_eq!(pattern("(?<w>.{1000}){1000}").unwrap_err(), BadRules::TooLarge);
        assert!(matches!(
            pattern(&format!("{}(?<w>a){}", "(".repeat(50), ")".repeat(50))),
            Err(BadRules::Syntax(_))
        ));
    }

    #[test]
    fn groups_and_meanings_have_to_fit() {
        let patterns = || vec![pattern("^(?<w>[0-9.]+)kg$").unwrap(), pattern("^(?<low>LO)$").unwrap()];
        let weight = || ("w".to_owned(), "MDC_MASS_BODY_ACTUAL kg".parse().unwrap());
        let low = |name: &str| (name.to_owned(), "battery-low".parse().unwrap());
        let rules = |values, events| LineRules::new(patterns(), values, events, Duration::ZERO).map(|_| ());
        assert_eq!(rules(vec![weight()], vec![low("low")]), Ok(()));
        assert_eq!(rules(vec![weight()], vec![]), Err(BadRules::Unused("low".to_owned())));
        assert_eq!(
            rules(vec![weight()], vec![low("low"), low("lo")]),
            Err(BadRules::Missing("lo".to_owned()))
        );
    }
}
