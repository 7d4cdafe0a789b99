//! What is wrong with a configuration: where, which key, what, and the mend. Read by technicians.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use thiserror::Error;
use varde_core::BadTimeOfDay;
use varde_drivers::{
    BadLineParameters, Crowded, LineParameters, esp3::BadSenderId, lines::BadRules, meaning::BadMeaning,
    modbus::BadItem,
};
use varde_link::NotAnAddress;
use varde_wire::{BadId, BadKey};

use super::broker::BadBroker;

/// Every fault of a configuration, in the order of its files and lines.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub struct Faults(Vec<Fault>);

/// One fault. Shown as `FILE:LINE: KEY: what is wrong, and the mend`, on one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where it stands.
    pub place: Place,
    /// The key in question with its table, such as `uplink.broker`.
    pub key: Option<String>,
    /// What is wrong there.
    pub problem: Problem,
}

/// A place in the configuration.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// A drop-in by its name, anything else by its path.
    pub file: PathBuf,
    /// The line, counted from 1; none where it is the whole file that is wrong.
    pub line: Option<usize>,
}

/// What can be wrong. The words say the mend too.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[expect(missing_docs, reason = "the message of each variant says what its fields are")]
pub enum Problem {
    #[error("no such {what}: {mend}")]
    Absent { what: &'static str, mend: &'static str },
    #[error("cannot be read ({error}): let the user that runs varde read it, such as by `chown -R varde`")]
    Unreadable { error: String },
    #[error("not a text in UTF-8: save it again as UTF-8")]
    NotUtf8,
    #[error("not TOML: {0}")]
    Syntax(String),
    #[error("no such key{} Known here: {}", meant(*.nearest), .known.join(", "))]
    UnknownKey { nearest: Option<&'static str>, known: Vec<&'static str> },
    #[error("expected {expected}, got {got}")]
    Type { expected: &'static str, got: &'static str },
    #[error("expected a whole number of {least} to {most}, got {got}")]
    Range { least: i64, most: i64, got: String },
    #[error("{} is no known {what}{} Known: {}", Quoted(.got), meant(*.nearest), .known.join(", "))]
    UnknownWord { what: &'static str, got: String, nearest: Option<&'static str>, known: Vec<&'static str> },
    #[error("missing: {mend}")]
    Missing { mend: String },
    #[error("means nothing to a device of protocol '{protocol}': leave it out, or mend the protocol")]
    OtherProtocol { protocol: &'static str },
    #[error("a device of profile {profile} has only one purpose: leave it out")]
    NoPurpose { profile: &'static str },
    #[error("means nothing to a device of profile {profile}: leave it out")]
    OtherProfile { profile: &'static str },
    #[error("expected 32 hexadecimal digits, as the sensor's maker or its app shows them")]
    BindKey,
    #[error("expected the code that the user chose on the scale, 0 to 9999 in quotes")]
    ConsentCode,
    #[error("expected the number of a user in the device, 0 to 254, got {}", Quoted(.got))]
    UserSlot { got: String },
    #[error("a device has one person, or users that it keeps apart: leave out one of the two")]
    PersonAndUsers,
    #[error("expected a path from the root such as {example}, got {}", Quoted(.got))]
    NotAbsolute { got: String, example: &'static str },
    #[error(transparent)]
    Broker(#[from] BadBroker),
    #[error(transparent)]
    Id(#[from] BadId),
    #[error("'gateway' is the name by which the box reports on itself: choose another")]
    ReservedName,
    #[error(transparent)]
    Address(#[from] NotAnAddress),
    #[error(transparent)]
    Sender(#[from] BadSenderId),
    #[error(transparent)]
    Crowded(#[from] Crowded),
    #[error(transparent)]
    Line(#[from] BadLineParameters),
    #[error(transparent)]
    Rules(#[from] BadRules),
    #[error(transparent)]
    Meaning(#[from] BadMeaning),
    #[error(transparent)]
    Item(#[from] BadItem),
    #[error("the devices of a port share its line, which is \"{line}\" at {first}: mend one of the two")]
    OtherLine { line: LineParameters, first: Place },
    #[error("{} stands at {first} already: two devices cannot share it", Quoted(.got))]
    Repeated { got: String, first: Place },
    #[error("{} is the name of the rule at {first} already: choose another", Quoted(.got))]
    RepeatedRule { got: String, first: Place },
    #[error("{} is the name of the path at {first} already: choose another", Quoted(.got))]
    RepeatedPath { got: String, first: Place },
    #[error("goes the same way as the path '{first}': give it an interface, a source or a broker of its own")]
    SamePath { first: String },
    #[error("is true of every path, so that routine readings would never leave: leave it out at one of them")]
    AllMetered,
    #[error("expected the name of a network interface as `ip link` shows it, at most 15 characters, got {}", Quoted(.got))]
    Interface { got: String },
    #[error("expected an IP address of this box as `ip address` shows it, got {}", Quoted(.got))]
    SourceAddress { got: String },
    #[error("a path has an interface or a source address: leave out one of the two")]
    InterfaceAndSource,
    #[error("{} is no device of this home: name one that has a [[device]]. There are: {}", Quoted(.got), .known.join(", "))]
    NoSuchDevice { got: String, known: Vec<String> },
    #[error("{} cannot tell {need}: name a device that can", Quoted(.got))]
    CannotTell { got: String, need: &'static str },
    #[error("expected one [[device]] and nothing else, got {got}")]
    NotOneDevice { got: usize },
    #[error("this rule watches one device: make a rule for each")]
    OneDevice,
    #[error("means nothing to a rule that watches '{watch}': leave it out")]
    OtherWatch { watch: String },
    #[error("expected 0, 10, 20, 30 or 40 (40 is critical), got {got}")]
    Severity { got: i64 },
    #[error(transparent)]
    Time(#[from] BadTimeOfDay),
    #[error(
        "wrong key file ({0}): copy the file of this name from the directory that `varde-hub enrol` wrote"
    )]
    Key(#[from] BadKey),
    #[error(
        "holds no {expected} in PEM form: copy the file of this name again from the directory that `varde-hub enrol` wrote"
    )]
    NoPem { expected: &'static str },
    #[error(
        "the {what} in it is damaged ({error}): copy the file again from the directory that `varde-hub enrol` wrote"
    )]
    Damaged { what: &'static str, error: String },
    #[error("does not belong to the key in {key}: both must come from the same `varde-hub enrol`")]
    KeyMismatch { key: &'static str },
    #[error("says {}, but {certificate} was made out to {}: both must come from the same `varde-hub enrol`", Quoted(.id), Quoted(.name))]
    NameMismatch { id: String, certificate: &'static str, name: String },
}

impl Faults {
    /// The faults in order, without echoes.
    ///
    /// Where a line is not TOML, what else seems wrong with it is only an echo of that; and a key that seems to
    /// be missing may stand in a line that could not be read.
    pub(super) fn gathered(mut faults: Vec<Fault>) -> Self {
        let is_syntax = |fault: &Fault| matches!(fault.problem, Problem::Syntax(_));
        let broken: Vec<Place> = faults.iter().filter(|f| is_syntax(f)).map(|f| f.place.clone()).collect();
        faults.retain(|fault| {
            let echo = broken.contains(&fault.place) || matches!(fault.problem, Problem::Missing { .. });
            broken.is_empty() || is_syntax(fault) || !echo
        });
        faults.sort_by(|a, b| a.place.cmp(&b.place));
        Self(faults)
    }

    /// `EX_CONFIG` of sysexits: what the programs exit with on these.
    pub const fn exit_code(&self) -> u8 {
        78
    }

    /// The faults one by one; there is at least one.
    pub fn iter(&self) -> impl Iterator<Item = &Fault> {
        self.0.iter()
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (count, fault) in self.0.iter().enumerate() {
            let separator = if count > 0 { "\n" } else { "" };
            write!(f, "{separator}{fault}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, key, problem } = self;
        match key {
            Some(key) => write!(f, "{place}: {key}: {problem}"),
            None => write!(f, "{place}: {problem}"),
        }
    }
}

impl Place {
    /// A file as a whole.
    pub(super) fn file(path: &Path) -> Self {
        Self { file: path.to_owned(), line: None }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A file's name may hold anything, and a fault is one line.
        write!(f, "{}", self.file.to_string_lossy().escape_debug())?;
        self.line.map_or(Ok(()), |line| write!(f, ":{line}"))
    }
}

/// A text of the configuration, on one line and not without end.
pub(super) struct Quoted<'a>(pub(super) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: String = self.0.chars().take(64).collect();
        let rest = if shown.len() < self.0.len() { "…" } else { "" };
        write!(f, "'{}{rest}'", shown.escape_debug())
    }
}

fn meant(nearest: Option<&str>) -> String {
    nearest.map_or_else(|| ".".to_owned(), |word| format!("; did you mean '{word}'?"))
}
