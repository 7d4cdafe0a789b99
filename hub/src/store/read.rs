//! What `show` and `verify` ask. Short reads all: a long one would keep the writer's log from being emptied.

use rusqlite::OptionalExtension as _;
use varde_wire::{BootId, Hash, Instant, Lane, WallTime};

use super::{ChainRow, Store, StoreError};

/// How many entries are read at once.
const PAGE: i64 = 1024;

/// An opened entry with its circumstances.
pub(crate) struct StoredEntry {
    /// The cursor: rises with every entry stored.
    pub(crate) n: i64,
    pub(crate) gateway: String,
    pub(crate) lane: u8,
    pub(crate) seq: u64,
    pub(crate) number: u64,
    pub(crate) chain: [u8; 16],
    pub(crate) received: WallTime,
    pub(crate) record: Vec<u8>,
}

/// A moment on both clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AnchorPoint {
    pub(crate) uptime: Instant,
    pub(crate) wall: WallTime,
}

/// What there is of one lane of one gateway.
pub(crate) struct LaneState {
    pub(crate) gateway: String,
    pub(crate) lane: u8,
    pub(crate) entries: i64,
    pub(crate) chains: i64,
    pub(crate) last: WallTime,
}

/// A stored batch.
pub(crate) struct StoredBatch {
    pub(crate) hash: Hash,
    pub(crate) received: WallTime,
}

impl Store {
    /// The entries after cursor `since`, oldest first; not all at once. None when there are no more.
    pub(crate) fn entries_after(
        &self,
        since: i64,
        gateway: Option<&str>,
    ) -> Result<Vec<StoredEntry>, StoreError> {
        let mut statement = self.connection.prepare(
            "SELECT n, gateway.name, chain.lane, seq, batch.number, chain.chain, batch.received, record
             FROM entry JOIN batch ON batch.id = entry.batch JOIN chain ON chain.id = batch.chain
             JOIN gateway ON gateway.id = chain.gateway
             WHERE n > ?1 AND (?2 IS NULL OR gateway.name = ?2) ORDER BY n LIMIT ?3",
        )?;
        let rows = statement.query_map((since, gateway, PAGE), |row| {
            Ok(StoredEntry {
                n: row.get(0)?,
                gateway: row.get(1)?,
                lane: row.get(2)?,
                seq: row.get::<_, i64>(3)?.cast_unsigned(),
                number: row.get::<_, i64>(4)?.cast_unsigned(),
                chain: row.get(5)?,
                received: WallTime::from_unix_millis(row.get(6)?),
                record: row.get(7)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The anchor of this boot that is nearest after `uptime`, else the last one before it: a clock drifts
    /// less over a shorter time.
    pub(crate) fn anchor(
        &self,
        gateway: &str,
        boot: BootId,
        uptime: Instant,
    ) -> Result<Option<AnchorPoint>, StoreError> {
        let sql = "SELECT uptime, wall FROM anchor
             WHERE gateway = (SELECT id FROM gateway WHERE name = ?1) AND boot = ?2
             ORDER BY uptime < ?3, abs(uptime - ?3) LIMIT 1";
        let key = (gateway, boot.as_bytes(), uptime.as_millis().cast_signed());
        let point = |row: &rusqlite::Row<'_>| {
            Ok(AnchorPoint {
                uptime: Instant::from_millis(row.get::<_, i64>(0)?.cast_unsigned()),
                wall: WallTime::from_unix_millis(row.get(1)?),
            })
        };
        Ok(self.connection.query_row(sql, key, point).optional()?)
    }

    /// What there is, by gateway and lane.
    pub(crate) fn lanes(&self) -> Result<Vec<LaneState>, StoreError> {
        let mut statement = self.connection.prepare(
            "SELECT gateway.name, lane, count(*), max(last),
                    (SELECT count(*) FROM entry JOIN epoch ON epoch.id = entry.epoch
                     WHERE epoch.gateway = chain.gateway AND epoch.lane = chain.lane)
             FROM chain JOIN gateway ON gateway.id = chain.gateway GROUP BY chain.gateway, lane",
        )?;
        let rows = statement.query_map([], |row| {
            Ok(LaneState {
                gateway: row.get(0)?,
                lane: row.get(1)?,
                chains: row.get(2)?,
                last: WallTime::from_unix_millis(row.get(3)?),
                entries: row.get(4)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The batch that holds this place in its chain.
    pub(crate) fn batch(&self, chain: ChainRow, number: u64) -> Result<Option<StoredBatch>, StoreError> {
        let sql = "SELECT hash, received FROM batch WHERE chain = ?1 AND number = ?2";
        let batch = |row: &rusqlite::Row<'_>| {
            Ok(StoredBatch {
                hash: Hash::from_bytes(row.get(0)?),
                received: WallTime::from_unix_millis(row.get(1)?),
            })
        };
        Ok(self.connection.query_row(sql, (chain.0, number.cast_signed()), batch).optional()?)
    }
}

/// The word of a lane's number; lanes are only ever stored by their own numbers.
pub(crate) fn lane_name(number: u8) -> &'static str {
    Lane::ALL.into_iter().find(|lane| lane.number() == number).map_or("unknown", Lane::name)
}
