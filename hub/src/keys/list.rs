//! `varde-hub keys`: the pairs, and who goes by which.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;
use varde_wire::{GatewayId, KeyId};

use super::holders::holders;
use crate::store::Store;
use crate::{Directory, Error};

/// More gateways than this are counted instead of named, where people read.
const MOST_NAMED: usize = 10;

/// A pair, for programs.
#[derive(Serialize)]
struct Line {
    /// Its number; none where this hub does not hold it.
    pair: Option<u32>,
    /// The id of its verifying key.
    #[serde(serialize_with = "as_hex")]
    key: KeyId,
    newest: bool,
    /// Those that go by it.
    gateways: Vec<GatewayId>,
}

/// Lists the pairs that the hub holds, and those that gateways go by which it does not hold.
///
/// # Errors
/// Where the keys or the database cannot be read, or `out` not be written.
pub fn list_keys(
    directory: &Directory,
    database: &Path,
    json: bool,
    out: &mut impl Write,
) -> Result<(), Error> {
    let lines = lines(directory, database)?;
    let write = || -> io::Result<()> {
        for line in lines {
            if json {
                serde_json::to_writer(&mut *out, &line)?;
                writeln!(out)?;
            } else {
                in_words(&line, out)?;
            }
        }
        out.flush()
    };
    write().map_err(Error::Output)
}

fn lines(directory: &Directory, database: &Path) -> Result<Vec<Line>, Error> {
    let keys = directory.keys()?;
    let (newest, first) = (keys.newest().id(), keys.of(None).map(super::Pair::id));
    let line = |pair, key| Line { pair, key, newest: key == newest, gateways: Vec::new() };
    let mut lines: Vec<_> = keys.pairs().map(|pair| line(Some(pair.number()), pair.id())).collect();
    let mut not_held: BTreeMap<KeyId, Line> = BTreeMap::new();
    for holder in holders(&Store::open_to_read(database)?)? {
        let Some(key) = holder.key.or(first) else { continue };
        let held = lines.iter_mut().find(|line| line.key == key);
        let line = held.unwrap_or_else(|| not_held.entry(key).or_insert_with(|| line(None, key)));
        line.gateways.push(holder.gateway);
    }
    lines.extend(not_held.into_values());
    Ok(lines)
}

fn in_words(line: &Line, out: &mut impl Write) -> io::Result<()> {
    let Line { pair, key, newest, gateways } = line;
    let key = hex(key);
    match pair {
        Some(number) => write!(out, "pair {number}  {key}")?,
        None => write!(out, "not held  {key}")?,
    }
    if *newest {
        write!(out, ", the newest")?;
    }
    match gateways.len() {
        0 => write!(out, ": no gateway goes by it")?,
        1 => write!(out, ": 1 gateway goes by it")?,
        count => write!(out, ": {count} gateways go by it")?,
    }
    if !newest && (1..=MOST_NAMED).contains(&gateways.len()) {
        let names: Vec<_> = gateways.iter().map(GatewayId::as_str).collect();
        write!(out, ", {}", names.join(", "))?;
    }
    if pair.is_none() {
        write!(out, "; put it back below keys/, or enrol them again")?;
    }
    writeln!(out)
}

fn as_hex<S: serde::Serializer>(key: &KeyId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&hex(key))
}

fn hex(key: &KeyId) -> String {
    key.iter().map(|byte| format!("{byte:02x}")).collect()
}
