//! One drop-in as TOML, with the line of everything in it.
//!
//! Not by serde: its derive stops at the first unknown key or wrong type, and a technician on a doorstep wants
//! to hear of every fault at once.

use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::{
    fault::{Fault, Place, Problem},
    nearest::nearest,
};

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Located<T> {
    pub(super) value: T,
    pub(super) place: Place,
}

/// What stands at a key, if anything.
pub(super) type Field<T> = Option<Result<Located<T>, Mistyped>>;

/// A value of another type than the key's. Its fault has been told; the key is not missing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mistyped;

/// A table on its way to be read: each key is asked for once, and what nobody asked for is unknown.
pub(super) struct Table<'a> {
    source: &'a Source,
    /// The table's name, empty for the document itself.
    name: &'static str,
    place: Place,
    left: DeTable<'a>,
    known: Vec<&'static str>,
    faults: Vec<Fault>,
}

/// Reads a document and gives what `read` makes of it, with every fault.
pub(super) fn read<T: Default>(
    name: &Path,
    text: &str,
    read: impl FnOnce(Table<'_>) -> (T, Vec<Fault>),
) -> (T, Vec<Fault>) {
    let source = Source { file: name.to_owned(), line_ends: line_ends(text) };
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut faults = Vec::new();
    let mut header_is_broken = false;
    for error in errors {
        let place = source.place(error.span().map_or(text.len(), |span| span.start));
        let line = place.line.and_then(|line| text.lines().nth(line.saturating_sub(1))).unwrap_or_default();
        header_is_broken |= line.trim_start().starts_with('[');
        let problem = Problem::Syntax(error.message().lines().collect::<Vec<_>>().join("; "));
        faults.push(Fault { place, key: None, problem });
    }
    // Without its header, nobody knows which table a key belongs to.
    if header_is_broken {
        return (T::default(), faults);
    }
    let place = Place::file(name);
    let root = Table {
        source: &source,
        name: "",
        place,
        left: table.into_inner(),
        known: Vec::new(),
        faults: Vec::new(),
    };
    let (read, more) = read(root);
    faults.extend(more);
    (read, faults)
}

impl<'a> Table<'a> {
    /// Where the table begins.
    pub(super) const fn place(&self) -> &Place {
        &self.place
    }

    /// A text.
    pub(super) fn text(&mut self, key: &'static str) -> Field<String> {
        let (value, place) = self.take(key)?;
        let DeValue::String(text) = value else {
            return Some(Err(self.mistyped(key, "a text in double quotes", &value, place)));
        };
        Some(Ok(Located { value: text.into_owned(), place }))
    }

    /// A whole number; `i64::MAX` or `i64::MIN` for one that is larger or smaller still.
    pub(super) fn number(&mut self, key: &'static str) -> Field<i64> {
        let (value, place) = self.take(key)?;
        let DeValue::Integer(number) = value else {
            return Some(Err(self.mistyped(key, "a whole number without quotes", &value, place)));
        };
        let beyond = if number.as_str().starts_with('-') { i64::MIN } else { i64::MAX };
        let value = i64::from_str_radix(number.as_str(), number.radix()).unwrap_or(beyond);
        Some(Ok(Located { value, place }))
    }

    /// Yes or no.
    pub(super) fn truth(&mut self, key: &'static str) -> Field<bool> {
        let (value, place) = self.take(key)?;
        let DeValue::Boolean(value) = value else {
            return Some(Err(self.mistyped(key, "true or false without quotes", &value, place)));
        };
        Some(Ok(Located { value, place }))
    }

    /// A list of texts.
    pub(super) fn list(&mut self, key: &'static str) -> Field<Vec<Located<String>>> {
        const EXPECTED: &str = "a list of texts such as [\"a\", \"b\"]";
        let (value, place) = self.take(key)?;
        let DeValue::Array(array) = value else {
            return Some(Err(self.mistyped(key, EXPECTED, &value, place)));
        };
        let mut texts = Vec::new();
        for element in array {
            let at = self.source.place(element.span().start);
            let value = element.into_inner();
            let DeValue::String(text) = value else {
                return Some(Err(self.mistyped(key, EXPECTED, &value, at)));
            };
            texts.push(Located { value: text.into_owned(), place: at });
        }
        Some(Ok(Located { value: texts, place }))
    }

    /// A table of texts whose keys are anything.
    pub(super) fn texts(&mut self, key: &'static str) -> Vec<(Located<String>, Located<String>)> {
        const EXPECTED: &str = "pairs in braces such as { \"1\" = \"p-1\", \"2\" = \"p-2\" }";
        let Some((value, place)) = self.take(key) else { return Vec::new() };
        let DeValue::Table(table) = value else {
            self.mistyped(key, EXPECTED, &value, place);
            return Vec::new();
        };
        let mut texts = Vec::new();
        for (name, value) in table {
            let place = self.source.place(name.span().start);
            let name = Located { value: name.into_inner().into_owned(), place: place.clone() };
            let value = value.into_inner();
            if let DeValue::String(text) = value {
                texts.push((name, Located { value: text.into_owned(), place }));
            } else {
                self.mistyped(key, EXPECTED, &value, place);
            }
        }
        texts
    }

    /// The table `[key]`.
    pub(super) fn table(&mut self, key: &'static str) -> Option<Table<'a>> {
        let (value, place) = self.take(key)?;
        let DeValue::Table(table) = value else {
            self.mistyped(key, "a table, headed by its name in square brackets", &value, place);
            return None;
        };
        Some(self.inner(key, table, place))
    }

    /// The tables `[[key]]`.
    pub(super) fn tables(&mut self, key: &'static str) -> Vec<Table<'a>> {
        const EXPECTED: &str = "tables, each headed by its name in double square brackets";
        let Some((value, place)) = self.take(key) else { return Vec::new() };
        let DeValue::Array(array) = value else {
            self.mistyped(key, EXPECTED, &value, place);
            return Vec::new();
        };
        let mut tables = Vec::new();
        for element in array {
            let place = self.source.place(element.span().start);
            let value = element.into_inner();
            if let DeValue::Table(table) = value {
                tables.push(self.inner(key, table, place));
            } else {
                self.mistyped(key, EXPECTED, &value, place);
            }
        }
        tables
    }

    /// Every fault of the table: wrong types, and the keys that nobody asked for.
    pub(super) fn finish(mut self) -> Vec<Fault> {
        for (key, _) in std::mem::take(&mut self.left) {
            let problem = Problem::UnknownKey {
                nearest: nearest(key.get_ref(), &self.known),
                known: self.known.clone(),
            };
            let shown: String = key.get_ref().chars().take(64).collect();
            let name = self.path(&shown.escape_debug().to_string());
            self.faults.push(Fault { place: self.source.place(key.span().start), key: Some(name), problem });
        }
        self.faults
    }

    fn take(&mut self, key: &'static str) -> Option<(DeValue<'a>, Place)> {
        self.known.push(key);
        let (found, value) = self.left.remove_entry(key)?;
        // The value may be lines below its key; the key of a table of tables is at the last of them.
        let place = self.source.place(found.span().start.min(value.span().start));
        Some((value.into_inner(), place))
    }

    fn inner(&self, name: &'static str, left: DeTable<'a>, place: Place) -> Table<'a> {
        Table { source: self.source, name, place, left, known: Vec::new(), faults: Vec::new() }
    }

    fn mistyped(&mut self, key: &str, expected: &'static str, got: &DeValue<'_>, place: Place) -> Mistyped {
        let got = match got {
            DeValue::String(_) => "a text in quotes",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a number with a decimal point",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date or time",
            DeValue::Array(_) => "a list in square brackets",
            DeValue::Table(_) => "a table",
        };
        let key = Some(self.path(key));
        self.faults.push(Fault { place, key, problem: Problem::Type { expected, got } });
        Mistyped
    }

    fn path(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) }
    }
}

/// A drop-in's name and where its lines end.
struct Source {
    file: PathBuf,
    line_ends: Vec<usize>,
}

impl Source {
    fn place(&self, offset: usize) -> Place {
        let line = self.line_ends.partition_point(|end| *end < offset).saturating_add(1);
        Place { file: self.file.clone(), line: Some(line) }
    }
}

fn line_ends(text: &str) -> Vec<usize> {
    text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at).collect()
}
