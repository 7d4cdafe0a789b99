//! What was opened, and what could not be.

use varde_wire::{Encapsulation, Lane, Sealed, Stamp};

use super::{BatchRow, GatewayRow, Store, StoreError};

/// The row of an epoch of one lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct EpochRow(i64);

/// Whether something was new to the database.
pub(crate) type New = bool;

/// The statements that run once an entry, prepared once a batch.
pub(crate) struct EntryInsert<'s> {
    connection: &'s rusqlite::Connection,
    entry: rusqlite::Statement<'s>,
    batch: BatchRow,
}

impl EntryInsert<'_> {
    /// Stores an opened entry, and gives its cursor; none where it came before in another chain.
    pub(crate) fn insert(
        &mut self,
        epoch: EpochRow,
        seq: u64,
        record: &[u8],
    ) -> Result<Option<i64>, StoreError> {
        let is_new = self.entry.execute((epoch.0, seq.cast_signed(), self.batch.0, record))? > 0;
        Ok(is_new.then(|| self.connection.last_insert_rowid()))
    }
}

impl Store {
    /// The row of an epoch of this gateway and lane, made if need be.
    pub(crate) fn epoch(
        &self,
        gateway: GatewayRow,
        lane: Lane,
        epoch: &Encapsulation,
    ) -> Result<EpochRow, StoreError> {
        let key = (gateway.0, lane.number(), epoch);
        self.connection.execute(
            "INSERT INTO epoch (gateway, lane, encapsulation) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            key,
        )?;
        let sql = "SELECT id FROM epoch WHERE gateway = ?1 AND lane = ?2 AND encapsulation = ?3";
        Ok(EpochRow(self.connection.query_row(sql, key, |row| row.get(0))?))
    }

    /// Ready to store the entries of a batch.
    pub(crate) fn entries_of(&self, batch: BatchRow) -> Result<EntryInsert<'_>, StoreError> {
        let entry = self.connection.prepare(
            "INSERT INTO entry (epoch, seq, batch, record) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
        )?;
        Ok(EntryInsert { connection: &self.connection, entry, batch })
    }

    /// Keeps an entry that did not open, as it came.
    pub(crate) fn keep_unreadable(
        &self,
        batch: BatchRow,
        epoch: EpochRow,
        seq: u64,
        sealed: &Sealed,
    ) -> Result<New, StoreError> {
        let sql = "INSERT INTO unreadable (epoch, seq, batch, count, sealed) VALUES (?1, ?2, ?3, ?4, ?5)
                   ON CONFLICT DO NOTHING";
        let row = (epoch.0, seq.cast_signed(), batch.0, sealed.count, &sealed.bytes);
        Ok(self.connection.execute(sql, row)? > 0)
    }

    /// Keeps a moment on both clocks.
    pub(crate) fn keep_anchor(&self, gateway: GatewayRow, stamp: &Stamp) -> Result<(), StoreError> {
        self.connection.execute(
            "INSERT INTO anchor (gateway, boot, uptime, wall) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
            (
                gateway.0,
                stamp.boot.as_bytes(),
                stamp.uptime.as_millis().cast_signed(),
                stamp.wall.as_unix_millis(),
            ),
        )?;
        Ok(())
    }
}
