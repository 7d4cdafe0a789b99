//! The commands that were taken on: how far each came, and its signed bytes until that is final.
//!
//! What is asked is kept as it came, sealed: the box holds nothing readable.

use rusqlite::{Connection, Row, Transaction, params};
use varde_core::{Claim, KEPT_COMMANDS};
use varde_wire::{Content, Hash, Outcome, Record, SignedCommand, Stamp, WallTime};

use super::StoreError;

/// A command that is taken on: written down with its first outcome, before anything is carried out.
#[derive(Clone, Debug)]
pub struct TakenOn {
    /// What it says of itself.
    pub claim: Claim,
    /// Its bytes.
    pub signed: SignedCommand,
}

/// A step in the life of a command; its outcome becomes an entry in the same transaction.
#[derive(Clone, Debug)]
pub struct CommandStep {
    /// The command, where this is its first step.
    pub taken_on: Option<TakenOn>,
    /// How far it came.
    pub outcome: Outcome,
    /// When.
    pub stamp: Stamp,
}

/// A command as it is stored.
#[derive(Clone, Debug)]
pub struct StoredCommand {
    /// What it says of itself.
    pub claim: Claim,
    /// How far it came.
    pub outcome: Outcome,
    /// Its bytes, unless that is final.
    pub signed: Option<SignedCommand>,
}

impl CommandStep {
    /// The entry that tells of it.
    pub fn record(&self) -> Record {
        Record { stamp: self.stamp, content: Content::Outcome(self.outcome.clone()) }
    }
}

/// Writes a step down.
pub(super) fn write(db: &Transaction<'_>, step: &CommandStep) -> Result<(), StoreError> {
    let outcome = step.record().encode()?;
    let number = step.outcome.number.cast_signed();
    if let Some(TakenOn { claim, signed }) = &step.taken_on {
        db.prepare_cached(
            "INSERT INTO command (number, hash, expires, signed, outcome) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            number,
            claim.hash.as_bytes(),
            claim.expires.as_unix_millis(),
            signed.as_bytes(),
            outcome
        ])?;
    } else {
        db.prepare_cached("UPDATE command SET outcome = ?2 WHERE number = ?1")?
            .execute(params![number, outcome])?;
    }
    if step.outcome.stage.is_final() {
        db.prepare_cached("UPDATE command SET signed = NULL WHERE number = ?1")?.execute([number])?;
        db.prepare_cached(
            "DELETE FROM command WHERE signed IS NULL
             AND number NOT IN (SELECT number FROM command ORDER BY number DESC LIMIT ?1)",
        )?
        .execute([i64::try_from(KEPT_COMMANDS).unwrap_or(i64::MAX)])?;
    }
    Ok(())
}

/// Every command that is stored, in the order of the numbers.
///
/// # Errors
/// Where the database cannot be read.
pub(super) fn load(db: &Connection) -> Result<Vec<StoredCommand>, StoreError> {
    let mut select =
        db.prepare("SELECT number, hash, expires, signed, outcome FROM command ORDER BY number")?;
    let rows = select.query_map([], |row| Ok(stored(row)))?;
    // A row that makes no sense is none of ours: what matters of it, its number, is in its neighbours.
    Ok(rows.flatten().flatten().collect())
}

/// Brings what can be read of another file over: a command that was carried out must not be carried out again.
pub(super) fn adopt(from: &Connection, into: &Connection) -> Result<(), StoreError> {
    let rows =
        from.prepare("SELECT number, hash, expires, signed, outcome FROM command").and_then(|mut select| {
            let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?));
            let rows = select.query_map([], row)?;
            Ok(rows.map_while(Result::ok).collect::<Vec<(i64, Vec<u8>, i64, Option<Vec<u8>>, Vec<u8>)>>())
        });
    for row in rows.unwrap_or_default() {
        into.execute(
            "INSERT OR IGNORE INTO command (number, hash, expires, signed, outcome) VALUES (?1, ?2, ?3, ?4, ?5)",
            row,
        )?;
    }
    Ok(())
}

fn stored(row: &Row<'_>) -> Option<StoredCommand> {
    let number: i64 = row.get(0).ok()?;
    let hash: [u8; 32] = row.get(1).ok()?;
    let record: Vec<u8> = row.get(4).ok()?;
    let Content::Outcome(outcome) = Record::decode(&record).ok()?.content else { return None };
    Some(StoredCommand {
        claim: Claim {
            number: number.cast_unsigned(),
            hash: Hash::from_bytes(hash),
            expires: WallTime::from_unix_millis(row.get(2).ok()?),
        },
        outcome,
        signed: row.get::<_, Option<Vec<u8>>>(3).ok()?.map(SignedCommand::from_bytes),
    })
}

#[cfg(test)]
mod tests;
