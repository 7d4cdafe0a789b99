//! `varde-hub gateways`: who lives, who is silent, and whether anybody would notice.

use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;
use varde_wire::{Heartbeat, LifeState, WallTime};

use crate::store::{Life, RefusedHeartbeats, Store};
use crate::{Error, clock};

/// A hub that has said nothing for so long does not run, in milliseconds.
const HEARING_MS: i64 = 60_000;

/// What is to be listed.
#[derive(Clone, Copy, Debug, Default)]
pub struct ListGateways {
    /// A JSON object a line instead of text for people.
    pub json: bool,
    /// Only those that are silent.
    pub silent: bool,
}

/// A gateway, for programs. Fields that do not apply are left out.
#[derive(Serialize)]
struct Line {
    gateway: String,
    /// `running`, `stopped` (as planned), `silent`, `no-heartbeat` (it sends batches only, so that its silence would not
    /// be noticed), or `never-heard`.
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_sign: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    silent_since: Option<String>,
    /// Whether one that is silent had said that it stops.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    after_stop: bool,
    #[serde(flatten)]
    said: Option<Said>,
    /// Heartbeats in its name that were not believed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    refused: Vec<Refused>,
}

/// What its newest heartbeat said.
#[derive(Serialize)]
struct Said {
    every_s: u32,
    version: String,
    up_s: u64,
    clock: &'static str,
    faults: u32,
    urgent_waiting: u64,
    routine_waiting: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    oldest_s: Option<u64>,
}

#[derive(Clone, Serialize)]
struct Refused {
    cause: String,
    count: u64,
    last: Option<String>,
}

/// Lists the enrolled gateways, and how each shows that it lives.
///
/// # Errors
/// Where the database cannot be read or `out` not be written; [`Error::Deaf`] where no hub hears the gateways now, and
/// [`Error::Silent`] where a gateway is silent.
pub fn list_gateways(database: &Path, wanted: ListGateways, out: &mut impl Write) -> Result<(), Error> {
    let store = Store::open_to_read(database)?;
    let lives = store.lives()?;
    let silent = lives.iter().filter(|life| life.silence.is_some()).count();
    let refused = store.refused_heartbeats()?;
    let many = store.many_silent()?;
    let write = || -> io::Result<()> {
        for life in lives.into_iter().filter(|life| !wanted.silent || life.silence.is_some()) {
            let line = line(life, &refused);
            if wanted.json {
                serde_json::to_writer(&mut *out, &line)?;
                writeln!(out)?;
            } else {
                in_words(&line, out)?;
            }
        }
        if let (Some(since), false) = (many.and_then(clock::rfc3339), wanted.json) {
            writeln!(out, "many fell silent at once at {since}: look at the broker and the network first")?;
        }
        out.flush()
    };
    write().map_err(Error::Output)?;
    hears(&store, clock::now())?;
    if silent > 0 { Err(Error::Silent(silent)) } else { Ok(()) }
}

/// What stands in the database is only true as long as somebody keeps it so.
fn hears(store: &Store, now: WallTime) -> Result<(), Error> {
    let hearing = store.hearing()?;
    let is_recent =
        |looked: WallTime| now.as_unix_millis().saturating_sub(looked.as_unix_millis()) < HEARING_MS;
    match hearing {
        Some(hearing) if hearing.since.is_some() && is_recent(hearing.looked) => Ok(()),
        Some(hearing) => Err(Error::Deaf { last: clock::rfc3339(hearing.looked) }),
        None => Err(Error::Deaf { last: None }),
    }
}

fn line(life: Life, refused: &[RefusedHeartbeats]) -> Line {
    let state = match (&life.silence, &life.heartbeat, life.last_sign) {
        (Some(_), ..) => "silent",
        (None, Some(heartbeat), _) => match heartbeat.state {
            LifeState::Running => "running",
            LifeState::Stopping => "stopped",
        },
        (None, None, Some(_)) => "no-heartbeat",
        (None, None, None) => "never-heard",
    };
    let of_it = refused.iter().filter(|refused| refused.gateway.as_ref() == Some(&life.name));
    let refused = of_it.map(|refused| Refused {
        cause: refused.cause.clone(),
        count: refused.count,
        last: clock::rfc3339(refused.last),
    });
    Line {
        state,
        last_sign: life.last_sign.and_then(clock::rfc3339),
        silent_since: life.silence.and_then(|silence| clock::rfc3339(silence.raised)),
        after_stop: life.silence.is_some_and(|silence| silence.after_stop),
        said: life.heartbeat.map(said),
        refused: refused.collect(),
        gateway: life.name,
    }
}

fn said(heartbeat: Heartbeat) -> Said {
    let Heartbeat { every_s, version, up_s, stamp, faults, urgent, routine, .. } = heartbeat;
    Said {
        every_s,
        version: version.into(),
        up_s,
        clock: stamp.trust.name(),
        faults,
        urgent_waiting: urgent.entries,
        routine_waiting: routine.entries,
        oldest_s: urgent.oldest_s.max(routine.oldest_s),
    }
}

fn in_words(line: &Line, out: &mut impl Write) -> io::Result<()> {
    let Line { gateway, state, last_sign, silent_since, after_stop, said, refused } = line;
    write!(out, "{gateway:<24} {state}")?;
    if let Some(since) = silent_since {
        write!(out, " since {since}")?;
    }
    if *after_stop {
        write!(out, ", after a planned stop")?;
    }
    if let Some(last) = last_sign {
        write!(out, ", last sign of life {last}")?;
    }
    if let Some(Said { every_s, version, faults, urgent_waiting, routine_waiting, oldest_s, .. }) = said {
        write!(out, ", each {every_s} s, version {version}, {faults} faults")?;
        write!(out, ", waiting {urgent_waiting} urgent and {routine_waiting} routine")?;
        if let Some(age) = oldest_s {
            write!(out, ", the oldest for {age} s")?;
        }
    }
    writeln!(out)?;
    for Refused { cause, count, last } in refused {
        writeln!(out, "  {count} heartbeats refused: {cause}, last {}", last.as_deref().unwrap_or_default())?;
    }
    Ok(())
}
