//! Entries that did not open when they came, tried again: their key may have been put back since, or this program may
//! know more than the one that kept them.

use std::collections::{BTreeMap, HashMap};

use varde_wire::{OpeningEpoch, Record, WallTime};

use crate::Keyring;
use crate::filing::Filing;
use crate::store::{BatchRow, Incident, IncidentKind, Store, StoreError, Told, Unread};

/// No more are tried in one round: an alarm may be waiting for its end.
const AT_ONCE: u32 = 1024;

/// How far it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reopening {
    /// Those behind this row are to be tried.
    Behind(i64),
    /// All were.
    Done,
}

impl Reopening {
    /// Nothing was tried yet.
    pub(crate) const ALL: Self = Self::Behind(0);

    /// Tries the next ones, within the transaction that is open.
    pub(crate) fn go_on(&mut self, store: &Store, keys: &Keyring, now: WallTime) -> Result<(), StoreError> {
        let Self::Behind(after) = *self else { return Ok(()) };
        let unread = store.unread(after, AT_ONCE)?;
        *self = unread.last().map_or(Self::Done, |last| Self::Behind(last.row));
        let mut opened: BTreeMap<BatchRow, Vec<u64>> = BTreeMap::new();
        let mut epochs = HashMap::new();
        for entry in unread {
            let epoch = epochs.entry(entry.epoch).or_insert_with(|| begin(&entry, keys));
            let Some(record) = open(&entry, epoch) else { continue };
            let Ok(bytes) = record.encode() else { continue };
            let filing = Filing { store, gateway: entry.gateway, batch: entry.batch, now };
            if let Some(n) = store.entries_of(entry.batch)?.insert(entry.epoch, entry.seq, &bytes)? {
                let told = Told { n, seq: entry.seq, received: entry.received, stamp: record.stamp };
                filing.attend(&told, &record.content)?;
            }
            store.forget_unread(entry.row)?;
            opened.entry(entry.batch).or_default().push(entry.seq);
        }
        for (batch, seqs) in opened {
            let (first, last) = (seqs.iter().min(), seqs.iter().max());
            let Some(span) = first.copied().zip(last.copied()) else { continue };
            let count = u64::try_from(seqs.len()).unwrap_or(u64::MAX);
            let opened = Incident { kind: IncidentKind::Opened, seqs: span, count, detail: None };
            store.note(batch, &opened, now)?;
        }
        Ok(())
    }
}

/// The epoch of an entry, with each of the keys.
fn begin(entry: &Unread, keys: &Keyring) -> Vec<OpeningEpoch> {
    let begin = |key| OpeningEpoch::begin(key, &entry.name, entry.encapsulation).ok();
    keys.opening().into_iter().filter_map(begin).collect()
}

fn open(entry: &Unread, epochs: &[OpeningEpoch]) -> Option<Record> {
    epochs.iter().find_map(|epoch| {
        let bytes = epoch.open(entry.lane, entry.seq, entry.count, &entry.sealed).ok()?;
        Record::decode(&bytes).ok()
    })
}
