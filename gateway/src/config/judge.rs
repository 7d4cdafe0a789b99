//! How single values become settings: each is judged, and every fault is kept.

use std::{
    ops::RangeInclusive,
    path::{Path, PathBuf},
    str::FromStr,
};

use super::{
    document::{Field, Located},
    fault::{Fault, Faults, Place, Problem},
    nearest::nearest,
};

/// Judges values. What is `None` after it has left a fault behind.
pub(super) struct Judge<'a> {
    directory: &'a Path,
    faults: Vec<Fault>,
}

impl<'a> Judge<'a> {
    /// A judge of what stands in this directory, with the faults found so far.
    pub(super) const fn new(directory: &'a Path, faults: Vec<Fault>) -> Self {
        Self { directory, faults }
    }

    /// Where the drop-ins stand.
    pub(super) const fn directory(&self) -> &Path {
        self.directory
    }

    /// What was made of the values, if all of them were right.
    pub(super) fn verdict<T>(self, made: Option<T>) -> Result<T, Faults> {
        match made {
            Some(made) if self.faults.is_empty() => Ok(made),
            _ => Err(Faults::gathered(self.faults)),
        }
    }

    pub(super) fn fault<T>(&mut self, place: &Place, key: &str, problem: impl Into<Problem>) -> Option<T> {
        self.faults.push(Fault { place: place.clone(), key: Some(key.to_owned()), problem: problem.into() });
        None
    }

    /// What was made elsewhere, or all its faults.
    pub(super) fn take<T>(&mut self, made: Result<T, Vec<Fault>>) -> Option<T> {
        made.map_err(|faults| self.faults.extend(faults)).ok()
    }

    /// Whether this line is not TOML, so that its value is a guess at best.
    pub(super) fn is_guess(&self, place: &Place) -> bool {
        self.faults.iter().any(|fault| fault.place == *place && matches!(fault.problem, Problem::Syntax(_)))
    }

    /// A key of `[table]` that must be there; `line` is an example of it.
    pub(super) fn required<'v, T>(
        &mut self,
        field: &'v Field<T>,
        key: &str,
        table: Option<&Place>,
        line: &str,
    ) -> Option<&'v Located<T>> {
        if let Some(given) = field {
            return given.as_ref().ok();
        }
        match table {
            Some(place) => {
                let mend = format!("add to this table the line {line}");
                self.fault(place, key, Problem::Missing { mend })
            }
            None => {
                let name = key.split('.').next().unwrap_or_default();
                let file = self.directory.join(format!("10-{name}.toml"));
                let mend = format!("put into {} the lines [{name}] and {line}", file.display());
                self.fault(&Place::file(self.directory), key, Problem::Missing { mend })
            }
        }
    }

    pub(super) fn parse<T>(&mut self, text: &Located<String>, key: &str) -> Option<T>
    where
        T: FromStr,
        Problem: From<T::Err>,
    {
        match text.value.parse() {
            Ok(value) => Some(value),
            Err(error) => self.fault(&text.place, key, error),
        }
    }

    /// What a word was `found` to mean; if nothing, the known ones are named.
    pub(super) fn word<T>(
        &mut self,
        text: &Located<String>,
        key: &str,
        what: &'static str,
        found: Option<T>,
        known: impl Iterator<Item = &'static str>,
    ) -> Option<T> {
        if found.is_some() {
            return found;
        }
        let known: Vec<&'static str> = known.collect();
        let nearest = nearest(&text.value, &known);
        self.fault(&text.place, key, Problem::UnknownWord { what, got: text.value.clone(), nearest, known })
    }

    /// A path from the root; `example` is one.
    pub(super) fn path(
        &mut self,
        text: &Located<String>,
        key: &str,
        example: &'static str,
    ) -> Option<PathBuf> {
        let path = PathBuf::from(&text.value);
        if path.is_absolute() && !text.value.contains('\0') {
            return Some(path);
        }
        self.fault(&text.place, key, Problem::NotAbsolute { got: text.value.clone(), example })
    }

    /// A path from the root that has a default.
    pub(super) fn path_or(
        &mut self,
        field: &Field<String>,
        key: &str,
        default: &'static str,
    ) -> Option<PathBuf> {
        match field {
            Some(given) => given.as_ref().ok().and_then(|text| self.path(text, key, default)),
            None => Some(PathBuf::from(default)),
        }
    }

    /// A number within a range that has a default.
    pub(super) fn number_or(
        &mut self,
        field: &Field<i64>,
        key: &str,
        range: RangeInclusive<i64>,
        default: u64,
    ) -> Option<u64> {
        let Some(given) = field else { return Some(default) };
        let Located { value, place } = given.as_ref().ok()?;
        match u64::try_from(*value) {
            Ok(number) if range.contains(value) => Some(number),
            _ => {
                let got = match *value {
                    i64::MAX | i64::MIN => "a number far beyond".to_owned(),
                    value => value.to_string(),
                };
                self.fault(place, key, Problem::Range { least: *range.start(), most: *range.end(), got })
            }
        }
    }
}
