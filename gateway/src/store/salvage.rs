//! What can be read back from a corrupt outbox: entries are sealed bytes, as good in a new file as in the old.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, Row, params};
use varde_wire::{Encapsulation, Lane, SignedBatch, WallTime};

use super::outbox::{Adopted, Outbox, entries_of};
use super::{Identity, StoreError};
use crate::clock;

/// How many entries are taken over in one transaction.
const CHUNK: usize = 512;

/// Renames the file and what belongs to it, out of the way of a new one. Nothing is deleted: a workshop may
/// read more than we can.
///
/// # Errors
/// Where the directory cannot be written.
pub fn set_aside(path: &Path) -> Result<PathBuf, StoreError> {
    let suffix = format!(".corrupt-{}", clock::wall().as_unix_millis());
    let with = |ending: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    };
    for ending in ["", "-wal", "-shm"] {
        let (from, to) = (with(ending), with(&format!("{suffix}{ending}")));
        if from.exists() {
            std::fs::rename(&from, &to).map_err(|e| StoreError::Unwritable(e.to_string()))?;
        }
    }
    Ok(with(&suffix))
}

/// What was brought over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Salvaged {
    /// Entries in the new outbox.
    pub entries: u64,
    /// Seqs that were never released, and could not be read; nothing where not even their number could be read.
    pub lost: Option<u64>,
}

/// Brings over what can be read of the unreleased entries. New seqs begin behind all that were ever given.
///
/// # Errors
/// Where the new outbox cannot be written; that nothing can be read of the old one is no error.
pub fn salvage(from: &Path, into: &mut Outbox, identity: &Identity) -> Result<Salvaged, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let old = Connection::open_with_flags(from, flags).ok();
    let mut salvaged = Salvaged { entries: 0, lost: Some(0) };
    for lane in Lane::ALL {
        let place = old.as_ref().and_then(|old| place(old, lane));
        let mut entries = 0;
        if let Some(old) = &old {
            entries += batches(old, lane, into, identity)?;
            entries += loose(old, lane, into)?;
        }
        match place {
            Some((released, next)) => {
                into.skip_to(lane, next)?;
                let lost = next.saturating_sub(released).saturating_sub(entries);
                salvaged.lost = salvaged.lost.map(|others| others.saturating_add(lost));
            }
            // Not even the counters can be read: a seq that no clock of this century can have reached.
            None => {
                salvaged.lost = None;
                into.skip_to(lane, u64::try_from(clock::wall().as_unix_millis()).unwrap_or_default() << 10)?;
            }
        }
        salvaged.entries += entries;
    }
    if let Some(old) = &old {
        into.adopt_commands(old)?;
        into.adopt_state(old)?;
    }
    Ok(salvaged)
}

fn place(old: &Connection, lane: Lane) -> Option<(u64, u64)> {
    old.query_row("SELECT released_seq, next_seq FROM lane WHERE lane = ?1", [lane.number()], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })
    .ok()
}

fn batches(old: &Connection, lane: Lane, into: &mut Outbox, identity: &Identity) -> Result<u64, StoreError> {
    let numbers =
        old.prepare("SELECT number FROM batch WHERE lane = ?1 ORDER BY number").and_then(|mut select| {
            let rows = select.query_map([lane.number()], |row| row.get::<_, u64>(0))?;
            Ok(rows.map_while(Result::ok).collect::<Vec<_>>())
        });
    let mut count = 0;
    for number in numbers.unwrap_or_default() {
        let row = old.query_row(
            "SELECT signed, made FROM batch WHERE lane = ?1 AND number = ?2",
            params![lane.number(), number],
            |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, i64>(1)?)),
        );
        // The signature tells a batch that rotted from one that did not.
        let Ok((signed, made)) = row else { continue };
        if let Ok(entries) = entries_of(&SignedBatch::from_bytes(signed), made, identity) {
            into.adopt(lane, &entries)?;
            count += u64::try_from(entries.len()).unwrap_or_default();
        }
    }
    Ok(count)
}

/// From the front until a page cannot be read, then from the back.
fn loose(old: &Connection, lane: Lane, into: &mut Outbox) -> Result<u64, StoreError> {
    let mut count = 0;
    let (mut low, mut high) = (0, i64::MAX as u64);
    let queries = [
        "SELECT seq, encapsulation, count, made, sealed FROM entry JOIN epoch ON epoch.id = entry.epoch
         WHERE lane = ?1 AND seq BETWEEN ?2 AND ?3 ORDER BY seq",
        "SELECT seq, encapsulation, count, made, sealed FROM entry JOIN epoch ON epoch.id = entry.epoch
         WHERE lane = ?1 AND seq BETWEEN ?2 AND ?3 ORDER BY seq DESC",
    ];
    for query in queries {
        let Ok(mut select) = old.prepare(query) else { continue };
        let Ok(mut rows) = select.query(params![lane.number(), low, high]) else { continue };
        let mut chunk = Vec::with_capacity(CHUNK);
        while let Ok(Some(row)) = rows.next() {
            let Ok(entry) = adopted(row) else { break };
            chunk.push(entry);
            if chunk.len() == CHUNK {
                count += take(&mut chunk, lane, into, &mut low, &mut high)?;
            }
        }
        count += take(&mut chunk, lane, into, &mut low, &mut high)?;
    }
    Ok(count)
}

fn take(
    chunk: &mut Vec<Adopted>,
    lane: Lane,
    into: &mut Outbox,
    low: &mut u64,
    high: &mut u64,
) -> Result<u64, StoreError> {
    let (Some(first), Some(last)) = (chunk.first(), chunk.last()) else { return Ok(0) };
    if first.seq <= last.seq {
        *low = (*low).max(last.seq + 1);
    } else {
        *high = last.seq.saturating_sub(1);
    }
    let count = u64::try_from(chunk.len()).unwrap_or_default();
    into.adopt(lane, chunk)?;
    chunk.clear();
    Ok(count)
}

fn adopted(row: &Row<'_>) -> rusqlite::Result<Adopted> {
    Ok(Adopted {
        seq: row.get(0)?,
        epoch: row.get::<_, Encapsulation>(1)?,
        count: row.get(2)?,
        made: WallTime::from_unix_millis(row.get(3)?),
        sealed: row.get(4)?,
    })
}
