//! The chains of each lane, and the batches they are made of.

use rusqlite::OptionalExtension as _;
use varde_wire::{Chain, ChainId, Hash, Lane, VerifiedBatch, WINDOW, WallTime};

use super::{GatewayRow, Store, StoreError};

/// A chain's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ChainRow(pub(super) i64);

/// A stored batch's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct BatchRow(pub(super) i64);

/// A chain, and its row once there is one.
#[derive(Clone, Debug)]
pub(crate) struct Tracked {
    pub(crate) row: Option<ChainRow>,
    pub(crate) chain: Chain,
}

impl Store {
    /// A chain as it was left; one without a row if nothing of it has come.
    pub(crate) fn chain(&self, gateway: GatewayRow, lane: Lane, id: ChainId) -> Result<Tracked, StoreError> {
        let found = self
            .connection
            .query_row(
                "SELECT id, next, through FROM chain WHERE gateway = ?1 AND lane = ?2 AND chain = ?3",
                (gateway.0, lane.number(), id.as_bytes()),
                |row| Ok((row.get(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?)),
            )
            .optional()?;
        let Some((row, next, through)) = found else {
            return Ok(Tracked { row: None, chain: Chain::new(id) });
        };
        let mut statement = self
            .connection
            .prepare("SELECT hash FROM batch WHERE chain = ?1 ORDER BY number DESC LIMIT ?2")?;
        let hashes = statement.query_map((row, WINDOW.cast_signed()), |row| row.get(0))?;
        let mut recent: Vec<[u8; 32]> = hashes.collect::<Result<_, _>>()?;
        recent.reverse();
        let recent = recent.into_iter().map(Hash::from_bytes);
        let chain = Chain::resume(id, next.cast_unsigned(), Some(through.cast_unsigned()), recent);
        Ok(Tracked { row: Some(ChainRow(row)), chain })
    }

    /// Makes a chain's row, before its first batch.
    pub(crate) fn begin_chain(
        &self,
        gateway: GatewayRow,
        lane: Lane,
        id: ChainId,
        now: WallTime,
    ) -> Result<ChainRow, StoreError> {
        self.connection.execute(
            "INSERT INTO chain (gateway, lane, chain, next, through, began, last) VALUES (?1, ?2, ?3, 0, 0, ?4, ?4)",
            (gateway.0, lane.number(), id.as_bytes(), now.as_unix_millis()),
        )?;
        Ok(ChainRow(self.connection.last_insert_rowid()))
    }

    /// Adds a batch to its chain.
    pub(crate) fn extend_chain(
        &self,
        chain: ChainRow,
        verified: &VerifiedBatch,
        now: WallTime,
    ) -> Result<BatchRow, StoreError> {
        let batch = verified.batch();
        let (number, last) = (batch.number.cast_signed(), batch.last().cast_signed());
        let now = now.as_unix_millis();
        self.connection.execute(
            "INSERT INTO batch (chain, number, hash, first, last, received) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            (chain.0, number, verified.hash().as_bytes(), batch.first.cast_signed(), last, now),
        )?;
        let row = BatchRow(self.connection.last_insert_rowid());
        self.connection.execute(
            "UPDATE chain SET next = ?2, through = ?3, last = ?4 WHERE id = ?1",
            (chain.0, number.wrapping_add(1), last, now),
        )?;
        self.clear_missing(verified.hash())?;
        Ok(row)
    }

    /// The highest seq of a lane in any chain.
    pub(crate) fn highest(&self, gateway: GatewayRow, lane: Lane) -> Result<Option<u64>, StoreError> {
        let highest: Option<i64> = self.connection.query_row(
            "SELECT max(through) FROM chain WHERE gateway = ?1 AND lane = ?2",
            (gateway.0, lane.number()),
            |row| row.get(0),
        )?;
        Ok(highest.map(i64::cast_unsigned))
    }
}
