//! What was opened, and what could not be.

use varde_wire::{Encapsulation, GatewayId, Lane, Sealed, Stamp, WallTime};

use super::{BatchRow, GatewayRow, Store, StoreError};

/// The row of an epoch of one lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct EpochRow(i64);

/// Whether something was new to the database.
pub(crate) type New = bool;

/// An entry that did not open, as it came.
pub(crate) struct Unread {
    pub(crate) row: i64,
    pub(crate) gateway: GatewayRow,
    pub(crate) name: GatewayId,
    pub(crate) lane: Lane,
    pub(crate) epoch: EpochRow,
    pub(crate) encapsulation: Encapsulation,
    pub(crate) seq: u64,
    pub(crate) batch: BatchRow,
    /// When the batch came.
    pub(crate) received: WallTime,
    pub(crate) count: u32,
    pub(crate) sealed: Vec<u8>,
}

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

    /// Of the entries that did not open, the next ones behind this row, at most so many.
    pub(crate) fn unread(&self, after: i64, most: u32) -> Result<Vec<Unread>, StoreError> {
        let mut statement = self.connection.prepare(
            "SELECT unreadable.rowid, gateway.id, name, lane, epoch, encapsulation, seq, batch, received, count, sealed
             FROM unreadable JOIN batch ON batch.id = batch JOIN epoch ON epoch.id = epoch
             JOIN gateway ON gateway.id = epoch.gateway
             WHERE unreadable.rowid > ?1 ORDER BY unreadable.rowid LIMIT ?2",
        )?;
        let mut rows = statement.query((after, most))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let (name, lane): (String, u8) = (row.get(2)?, row.get(3)?);
            let lane = Lane::ALL.into_iter().find(|known| known.number() == lane);
            found.push(Unread {
                row: row.get(0)?,
                gateway: GatewayRow(row.get(1)?),
                name: name.parse().map_err(|_| StoreError::Damaged("a gateway's name"))?,
                lane: lane.ok_or(StoreError::Damaged("an epoch of no known lane"))?,
                epoch: EpochRow(row.get(4)?),
                encapsulation: row.get(5)?,
                seq: row.get::<_, i64>(6)?.cast_unsigned(),
                batch: BatchRow(row.get(7)?),
                received: WallTime::from_unix_millis(row.get(8)?),
                count: row.get(9)?,
                sealed: row.get(10)?,
            });
        }
        Ok(found)
    }

    /// An entry that did not open did.
    pub(crate) fn forget_unread(&self, row: i64) -> Result<(), StoreError> {
        self.connection.execute("DELETE FROM unreadable WHERE rowid = ?1", [row])?;
        Ok(())
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
