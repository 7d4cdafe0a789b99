//! When a gateway told what it came to by itself, and which of two tellings is the later one.

use rusqlite::Row;
use varde_wire::{Content, Record, Report, Stamp, WallTime};

use super::StoreError;

/// The circumstances of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    /// The entry's cursor: rises with every entry stored.
    pub(crate) n: i64,
    pub(crate) seq: u64,
    pub(crate) received: WallTime,
    pub(crate) stamp: Stamp,
}

impl Told {
    /// Whether it was told after `other`. Within a boot the gateway's own time decides, whatever order it came in: while
    /// its disk fails a gateway speaks from two outboxes. Across boots there is only the order in which it came; what could be read only later came no later.
    pub(crate) fn is_after(&self, other: &Self) -> bool {
        if self.stamp.boot == other.stamp.boot {
            (self.stamp.uptime, self.seq) > (other.stamp.uptime, other.seq)
        } else {
            (self.received, self.n) > (other.received, other.n)
        }
    }
}

/// A report as it is stored.
#[derive(Clone, Debug)]
pub(crate) struct Telling {
    pub(crate) told: Told,
    pub(crate) report: Report,
}

/// What [`Stored::of`] reads, of `entry` and the `batch` that brought it.
pub(super) const COLUMNS: &str = "entry.n, entry.seq, batch.received, entry.record";

/// A telling that is not decoded yet.
pub(super) struct Stored {
    n: i64,
    seq: i64,
    received: i64,
    record: Vec<u8>,
}

impl Stored {
    /// Out of [`COLUMNS`], of which the first stands there.
    pub(super) fn of(row: &Row<'_>, first: usize) -> rusqlite::Result<Self> {
        Ok(Self {
            n: row.get(first)?,
            seq: row.get(first + 1)?,
            received: row.get(first + 2)?,
            record: row.get(first + 3)?,
        })
    }

    pub(super) fn decode(self) -> Result<Telling, StoreError> {
        let damaged = StoreError::Damaged("an entry that is no report");
        let Ok(Record { stamp, content: Content::Report(report) }) = Record::decode(&self.record) else {
            return Err(damaged);
        };
        let (seq, received) = (self.seq.cast_unsigned(), WallTime::from_unix_millis(self.received));
        Ok(Telling { told: Told { n: self.n, seq, received, stamp }, report })
    }
}
