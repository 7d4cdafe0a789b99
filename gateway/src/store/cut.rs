//! Cutting: entries that wait become the next signed batch of their lane.

use rusqlite::{Transaction, params};
use varde_wire::{Batch, Encapsulation, Lane, MAX_BATCH_ENTRIES, Sealed, SignedBatch};

use super::place::Place;
use super::{Identity, StoreError};

/// The most sealed bytes that go into one batch, whatever the caller asks for: a link that turned slow carries it
/// in a few seconds, and the wire's own limit is far.
pub(super) const BATCH_BYTES: usize = 32 * 1024;

/// The most entries that go into one batch.
const BATCH_ENTRIES: usize = 512;
const _: () = assert!(BATCH_ENTRIES <= MAX_BATCH_ENTRIES);

/// How a batch is to be cut.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    /// Only if the entries that wait fill it.
    pub(super) only_full: bool,
    /// No larger than this, in sealed bytes.
    pub(super) at_most: usize,
}

impl Cut {
    /// Whatever waits: alarms go out as they come.
    pub(super) const NOW: Self = Self { only_full: false, at_most: BATCH_BYTES };
}

/// Makes the next batch of a lane from the entries that wait; none where none do, or where they do not fill
/// one and `how` wants a full one.
pub(super) fn cut(
    db: &Transaction<'_>,
    identity: &Identity,
    lane: Lane,
    place: &mut Place,
    how: Cut,
) -> Result<Option<SignedBatch>, StoreError> {
    let Some(run) = next_run(db, lane, place.cut_seq, how.at_most.min(BATCH_BYTES))? else {
        place.cut_seq = place.next_seq;
        return Ok(None);
    };
    if how.only_full && !run.full {
        return Ok(None);
    }
    let batch = Batch {
        gateway: identity.gateway.clone(),
        lane,
        chain: place.chain,
        number: place.next_number,
        previous: place.head,
        first: run.first,
        epochs: run.epochs,
        entries: run.entries,
    };
    let signed = batch.sign(&identity.sign)?;
    let hash = signed.hash();
    db.prepare_cached(
        "INSERT INTO batch (lane, number, last_seq, made, hash, signed) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        lane.number(),
        place.next_number,
        batch.last(),
        run.made,
        hash.as_bytes(),
        signed.as_bytes()
    ])?;
    db.prepare_cached("DELETE FROM entry WHERE lane = ?1 AND seq BETWEEN ?2 AND ?3")?.execute(params![
        lane.number(),
        run.first,
        batch.last()
    ])?;
    place.cut_seq = batch.last() + 1;
    place.next_number += 1;
    place.head = hash;
    Ok(Some(signed))
}

/// Consecutive entries that make a batch.
struct Run {
    first: u64,
    made: i64,
    epochs: Vec<Encapsulation>,
    entries: Vec<Sealed>,
    full: bool,
}

fn next_run(db: &Transaction<'_>, lane: Lane, from: u64, at_most: usize) -> Result<Option<Run>, StoreError> {
    let mut select = db.prepare_cached(
        "SELECT seq, encapsulation, count, made, sealed FROM entry JOIN epoch ON epoch.id = entry.epoch
         WHERE lane = ?1 AND seq >= ?2 ORDER BY seq LIMIT ?3",
    )?;
    let mut rows = select.query(params![lane.number(), from, BATCH_ENTRIES])?;
    let mut run: Option<Run> = None;
    let mut bytes = 0;
    while let Some(row) = rows.next()? {
        let seq: u64 = row.get(0)?;
        let epoch: Encapsulation = row.get(1)?;
        let sealed: Vec<u8> = row.get(4)?;
        bytes += sealed.len();
        let run = run.get_or_insert(Run {
            first: seq,
            made: row.get(3)?,
            epochs: Vec::new(),
            entries: Vec::new(),
            full: false,
        });
        let consecutive = u64::try_from(run.entries.len()).is_ok_and(|n| run.first + n == seq);
        let known = run.epochs.iter().position(|known| *known == epoch);
        let place = known.unwrap_or(run.epochs.len());
        if !consecutive || (bytes > at_most && !run.entries.is_empty()) || place > usize::from(u8::MAX) {
            run.full = true;
            break;
        }
        if known.is_none() {
            run.epochs.push(epoch);
        }
        let place = u8::try_from(place).unwrap_or(u8::MAX);
        run.entries.push(Sealed { epoch: place, count: row.get(2)?, bytes: sealed });
    }
    Ok(run.map(|run| Run { full: run.full || run.entries.len() == BATCH_ENTRIES, ..run }))
}
