//! Batches that were refused: kept once each, counted for ever, bounded in room.

use rusqlite::OptionalExtension as _;
use varde_wire::{ChainId, GatewayId, Hash, Lane, VerifyError, WallTime};

use super::{GatewayRow, Store, StoreError};

/// The most refused batches kept of one gateway; those of strangers share one such allowance.
const MOST_KEPT: i64 = 256;
/// The most bytes of them.
const MOST_BYTES: i64 = 8 * 1024 * 1024;

/// Why a batch or a heartbeat was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// Its topic names a gateway that is not enrolled.
    UnknownGateway,
    /// It names a key that the gateway never had.
    UnknownKey,
    /// It is signed with a key that the gateway had before it was enrolled again.
    SupersededKey,
    /// Its signature does not fit.
    Signature,
    /// It is another gateway's than its topic says.
    WrongGateway,
    /// It is of another lane than its topic says.
    WrongLane,
    /// It cannot be read.
    Malformed,
    /// Batches before it have not arrived.
    Missing,
    /// Another batch holds its place, or another one the place before it.
    Fork,
    /// It was done with long ago.
    Replay,
    /// Of a heartbeat: it was made too long ago to prove anything.
    Late,
}

impl Cause {
    /// Why something that does not verify is refused.
    pub(crate) const fn of(error: &VerifyError) -> Self {
        match error {
            VerifyError::UnknownKey => Self::UnknownKey,
            VerifyError::WrongGateway => Self::WrongGateway,
            VerifyError::Signature | VerifyError::Algorithm => Self::Signature,
            VerifyError::Envelope(_) | VerifyError::Content(_) => Self::Malformed,
        }
    }

    /// The word in tables and output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UnknownGateway => "unknown-gateway",
            Self::UnknownKey => "unknown-key",
            Self::SupersededKey => "superseded-key",
            Self::Signature => "signature",
            Self::WrongGateway => "wrong-gateway",
            Self::WrongLane => "wrong-lane",
            Self::Malformed => "malformed",
            Self::Missing => "missing",
            Self::Fork => "fork",
            Self::Replay => "replay",
            Self::Late => "late",
        }
    }
}

/// A refused batch, on its way into the database.
pub(crate) struct Evidence<'a> {
    /// The gateway, if it is enrolled.
    pub(crate) gateway: Option<GatewayRow>,
    /// The gateway that the topic names.
    pub(crate) claimed: &'a GatewayId,
    /// The lane that the topic names.
    pub(crate) lane: Lane,
    pub(crate) cause: Cause,
    pub(crate) hash: Hash,
    /// Its chain and number, where its signature held.
    pub(crate) place: Option<(ChainId, u64)>,
    pub(crate) bytes: &'a [u8],
}

/// A refused batch that was kept.
pub(crate) struct RefusedBatch {
    pub(crate) id: i64,
    pub(crate) claimed: String,
    pub(crate) lane: u8,
    pub(crate) cause: String,
    pub(crate) hash: [u8; 32],
    pub(crate) place: Option<([u8; 16], u64)>,
    pub(crate) count: i64,
    pub(crate) first: WallTime,
    pub(crate) last: WallTime,
}

/// How often batches were refused, kept or not.
pub(crate) struct Refusals {
    /// None for those of gateways that are not enrolled.
    pub(crate) gateway: Option<String>,
    pub(crate) lane: u8,
    pub(crate) cause: String,
    pub(crate) count: i64,
    pub(crate) last: WallTime,
}

impl Store {
    /// Counts a refused batch, and keeps it as far as there is room.
    pub(crate) fn refuse(&self, evidence: &Evidence<'_>, now: WallTime) -> Result<(), StoreError> {
        let now = now.as_unix_millis();
        let (lane, cause) = (evidence.lane.number(), evidence.cause.name());
        let stranger_or = evidence.gateway.map_or(0, |row| row.0);
        self.connection.execute(
            "INSERT INTO refusal (gateway, lane, cause, count, last) VALUES (?1, ?2, ?3, 1, ?4)
             ON CONFLICT DO UPDATE SET count = count + 1, last = excluded.last",
            (stranger_or, lane, cause, now),
        )?;
        let seen_before = self.connection.execute(
            "UPDATE evidence SET count = count + 1, last = ?5
             WHERE hash = ?1 AND cause = ?2 AND claimed = ?3 AND lane = ?4",
            (evidence.hash.as_bytes(), cause, evidence.claimed.as_str(), lane, now),
        )?;
        if seen_before > 0 || !self.has_room_for(evidence)? {
            return Ok(());
        }
        // A batch that came too early comes again; its bytes would be evidence of nothing.
        let bytes = (evidence.cause != Cause::Missing).then_some(evidence.bytes);
        self.connection.execute(
            "INSERT INTO evidence (gateway, claimed, lane, cause, hash, chain, number, bytes, count, first, last)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 1, ?9, ?9)",
            (
                evidence.gateway.map(|row| row.0),
                evidence.claimed.as_str(),
                lane,
                cause,
                evidence.hash.as_bytes(),
                evidence.place.map(|(chain, _)| *chain.as_bytes()),
                evidence.place.map(|(_, number)| number.cast_signed()),
                bytes,
                now,
            ),
        )?;
        Ok(())
    }

    /// Lets go of a batch that came too early and now is stored.
    pub(super) fn clear_missing(&self, hash: Hash) -> Result<(), StoreError> {
        let sql = "DELETE FROM evidence WHERE hash = ?1 AND cause = ?2";
        self.connection.execute(sql, (hash.as_bytes(), Cause::Missing.name()))?;
        Ok(())
    }

    fn has_room_for(&self, evidence: &Evidence<'_>) -> Result<bool, StoreError> {
        let (kept, bytes): (i64, i64) = self.connection.query_row(
            "SELECT count(*), coalesce(sum(length(bytes)), 0) FROM evidence WHERE gateway IS ?1",
            [evidence.gateway.map(|row| row.0)],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        let more = i64::try_from(evidence.bytes.len()).unwrap_or(i64::MAX);
        Ok(kept < MOST_KEPT && bytes.saturating_add(more) <= MOST_BYTES)
    }

    /// The refused batches that were kept, oldest first.
    pub(crate) fn refused(&self) -> Result<Vec<RefusedBatch>, StoreError> {
        let mut statement = self.connection.prepare(
            "SELECT id, claimed, lane, cause, hash, chain, number, count, first, last FROM evidence ORDER BY id",
        )?;
        let rows = statement.query_map([], |row| {
            let chain: Option<[u8; 16]> = row.get(5)?;
            let number: Option<i64> = row.get(6)?;
            Ok(RefusedBatch {
                id: row.get(0)?,
                claimed: row.get(1)?,
                lane: row.get(2)?,
                cause: row.get(3)?,
                hash: row.get(4)?,
                place: chain.zip(number.map(i64::cast_unsigned)),
                count: row.get(7)?,
                first: WallTime::from_unix_millis(row.get(8)?),
                last: WallTime::from_unix_millis(row.get(9)?),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How often batches were refused, by gateway, lane and cause.
    pub(crate) fn refusals(&self) -> Result<Vec<Refusals>, StoreError> {
        let mut statement = self.connection.prepare(
            "SELECT gateway.name, lane, cause, count, last FROM refusal
             LEFT JOIN gateway ON gateway.id = refusal.gateway ORDER BY gateway.name, lane, cause",
        )?;
        let rows = statement.query_map([], |row| {
            Ok(Refusals {
                gateway: row.get(0)?,
                lane: row.get(1)?,
                cause: row.get(2)?,
                count: row.get(3)?,
                last: WallTime::from_unix_millis(row.get(4)?),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Why a batch of this hash was refused last, if it was kept.
    pub(crate) fn refused_for(&self, hash: &Hash) -> Result<Option<String>, StoreError> {
        let sql = "SELECT cause FROM evidence WHERE hash = ?1 ORDER BY last DESC LIMIT 1";
        Ok(self.connection.query_row(sql, [hash.as_bytes()], |row| row.get(0)).optional()?)
    }
}
