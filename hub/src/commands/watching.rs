//! How far commands came.

use std::io::{self, Write};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;
use varde_wire::{DeviceId, GatewayId, WallTime};

use super::Follow;
use crate::store::{GatewayRow, Progress, Store, StoredCommand};
use crate::{Error, clock};

/// Between two looks.
const LOOK: Duration = Duration::from_millis(100);

/// After so long in the queue, something is said.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long after its time is over an answer may still come, in milliseconds.
const GRACE_MS: i64 = 30_000;

/// One command that is followed.
pub(super) struct Watch<'a> {
    pub(super) store: &'a Store,
    pub(super) row: GatewayRow,
    pub(super) gateway: &'a GatewayId,
    pub(super) device: &'a DeviceId,
    pub(super) number: u64,
    pub(super) expires: WallTime,
    pub(super) follow: &'a Follow,
}

/// A step, for programs.
#[derive(Serialize)]
struct Step<'a> {
    gateway: &'a str,
    number: u64,
    stage: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    note: &'a str,
}

impl Watch<'_> {
    /// Shows each step as it comes; ends with the command, or at once where nobody waits.
    pub(super) fn follow(&self, out: &mut impl Write) -> Result<(), Error> {
        let began = Instant::now();
        let (mut shown, mut hinted) = (None, false);
        loop {
            let Some(progress) = self.store.progress(self.row, self.number)? else {
                return Err(Error::Command("the command is gone from the database".to_owned()));
            };
            if shown.as_ref() != Some(&progress) {
                self.show(&progress, shown.is_none(), out)?;
                shown = Some(progress.clone());
            }
            let ended = ended(&progress);
            if ended.is_some() || self.follow.no_wait {
                self.end(&progress, out)?;
                return ended.unwrap_or(Ok(()));
            }
            if progress.stage == "queued" && began.elapsed() > PATIENCE && !hinted && !self.follow.json {
                hinted = true;
                write!(out, " (nobody sends it: is 'varde-hub serve' running?)")
                    .and_then(|()| out.flush())
                    .map_err(Error::Output)?;
            }
            if clock::now().as_unix_millis() > self.expires.as_unix_millis().saturating_add(GRACE_MS) {
                self.end(&progress, out)?;
                return Err(Error::Unfinished { stage: progress.stage });
            }
            thread::sleep(LOOK);
        }
    }

    /// One line that grows, so that a person sees it come.
    fn show(&self, progress: &Progress, is_first: bool, out: &mut impl Write) -> Result<(), Error> {
        let Self { gateway, device, .. } = self;
        let Progress { stage, cause, note } = progress;
        let number = self.number;
        let write = |out: &mut dyn Write| -> io::Result<()> {
            if self.follow.json {
                let cause = cause.as_deref();
                let step = Step { gateway: gateway.as_str(), number, stage, cause, note };
                serde_json::to_writer(&mut *out, &step)?;
                writeln!(out)?;
            } else if is_first {
                write!(out, "command {number} to {device} of {gateway}: {stage}")?;
            } else {
                write!(out, " → {stage}")?;
            }
            out.flush()
        };
        write(out).map_err(Error::Output)
    }

    fn end(&self, progress: &Progress, out: &mut impl Write) -> Result<(), Error> {
        let write = |out: &mut dyn Write| -> io::Result<()> {
            if self.follow.json {
                return Ok(());
            }
            writeln!(out)?;
            // What it was refused for is said where errors are.
            if !progress.note.is_empty() && progress.stage == "done" {
                writeln!(out, "{}", progress.note)?;
            }
            out.flush()
        };
        write(out).map_err(Error::Output)
    }
}

/// How it ended, if it did.
fn ended(progress: &Progress) -> Option<Result<(), Error>> {
    match progress.stage.as_str() {
        "done" => Some(Ok(())),
        "refused" => {
            let cause = progress.cause.clone().unwrap_or_default();
            let note = if progress.note.is_empty() { String::new() } else { format!(": {}", progress.note) };
            Some(Err(Error::CommandRefused { cause, note }))
        }
        "expired" | "unanswered" => Some(Err(Error::Unfinished { stage: progress.stage.clone() })),
        _ => None,
    }
}

/// A command of the list, for programs.
#[derive(Serialize)]
struct Line {
    gateway: String,
    number: u64,
    device: String,
    action: String,
    issued: Option<String>,
    expires: Option<String>,
    changed: Option<String>,
    stage: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    note: String,
}

/// Lists what was asked, of all gateways or one, and how far it came.
///
/// # Errors
/// Where the database cannot be read or `out` not be written.
pub fn list_commands(
    database: &Path,
    gateway: Option<&str>,
    json: bool,
    out: &mut impl Write,
) -> Result<(), Error> {
    let store = Store::open_to_read(database)?;
    for command in store.commands(gateway)? {
        let StoredCommand { gateway, number, device, action, issued, expires, changed, progress } = command;
        let Progress { stage, cause, note } = progress;
        let [issued, expires, changed] = [issued, expires, changed].map(clock::rfc3339);
        let line = Line { gateway, number, device, action, issued, expires, changed, stage, cause, note };
        let written = if json {
            serde_json::to_writer(&mut *out, &line).map_err(io::Error::from).and_then(|()| writeln!(out))
        } else {
            in_words(&line, out)
        };
        written.map_err(Error::Output)?;
    }
    out.flush().map_err(Error::Output)
}

fn in_words(line: &Line, out: &mut impl Write) -> io::Result<()> {
    let Line { gateway, number, device, action, changed, stage, cause, note, .. } = line;
    let changed = changed.as_deref().unwrap_or_default();
    write!(out, "{gateway} {number:<4} {action:<14} {device:<16} {stage}")?;
    if let Some(cause) = cause {
        write!(out, " ({cause})")?;
    }
    write!(out, " at {changed}")?;
    // A report has many lines.
    match note.lines().next() {
        Some(first) if !first.is_empty() => writeln!(out, ": {first}"),
        _ => writeln!(out),
    }
}
