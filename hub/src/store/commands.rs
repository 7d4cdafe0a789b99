//! What gateways are asked, and how far each command came.

use rusqlite::{OptionalExtension as _, Row};
use varde_wire::{Cause, GatewayId, Outcome, SealingKey, SignedCommand, Stage, WallTime};

use super::{GatewayRow, Store, StoreError};

/// How far a command came, as the hub knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    /// `queued`, `sent`, then the stages of [`Stage::name`]; `unanswered` where its time is over and the gateway said
    /// nothing.
    pub(crate) stage: String,
    /// The cause where it was refused.
    pub(crate) cause: Option<String>,
    /// The gateway's word to it.
    pub(crate) note: String,
}

/// A command as it is stored.
#[derive(Clone, Debug)]
pub(crate) struct StoredCommand {
    pub(crate) gateway: String,
    pub(crate) number: u64,
    pub(crate) device: String,
    pub(crate) action: String,
    pub(crate) issued: WallTime,
    pub(crate) expires: WallTime,
    /// When anything was last known of it.
    pub(crate) changed: WallTime,
    pub(crate) progress: Progress,
}

/// A command that is to be stored, all but its number.
pub(crate) struct NewCommand<'a> {
    pub(crate) gateway: GatewayRow,
    pub(crate) device: &'a str,
    pub(crate) action: &'a str,
    pub(crate) validity: (WallTime, WallTime),
}

/// A command that no gateway answered yet, ready to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Unanswered {
    pub(crate) gateway: GatewayId,
    pub(crate) row: i64,
    pub(crate) expires: WallTime,
    pub(crate) was_sent: bool,
    pub(crate) signed: SignedCommand,
}

/// The word for a command that was stored, and for one that was sent; the rest are the gateway's.
const QUEUED: &str = "queued";
const SENT: &str = "sent";
const UNANSWERED: &str = "unanswered";

impl Store {
    /// What a gateway's commands are sealed with.
    pub(crate) fn sealing_key(&self, gateway: GatewayRow) -> Result<SealingKey, StoreError> {
        let sql = "SELECT sealing FROM gateway_key WHERE gateway = ?1 AND superseded IS NULL";
        let text: String = self.connection.query_row(sql, [gateway.0], |row| row.get(0))?;
        SealingKey::from_text(&text).map_err(|_| StoreError::Damaged("a gateway's sealing key"))
    }

    /// Stores a command under the next number of its gateway, as `sign` makes it. No number is given twice.
    pub(crate) fn command<E: From<StoreError>>(
        &mut self,
        new: &NewCommand<'_>,
        sign: impl FnOnce(u64) -> Result<SignedCommand, E>,
    ) -> Result<u64, E> {
        let failed = |error: rusqlite::Error| E::from(StoreError::from(error));
        let transaction = self
            .connection
            .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
            .map_err(failed)?;
        let sql = "SELECT max(coalesce((SELECT max(number) FROM command WHERE gateway = ?1), 0),
                              coalesce((SELECT highest FROM command_floor WHERE gateway = ?1), 0)) + 1";
        let number: i64 = transaction.query_row(sql, [new.gateway.0], |row| row.get(0)).map_err(failed)?;
        let signed = sign(number.cast_unsigned())?;
        let (issued, expires) = new.validity;
        transaction
            .execute(
                "INSERT INTO command (gateway, number, device, action, issued, expires, signed, changed, stage, rank)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?5, ?8, 0)",
                (
                    new.gateway.0,
                    number,
                    new.device,
                    new.action,
                    issued.as_unix_millis(),
                    expires.as_unix_millis(),
                    signed.as_bytes(),
                    QUEUED,
                ),
            )
            .map_err(failed)?;
        transaction.commit().map_err(failed)?;
        Ok(number.cast_unsigned())
    }

    /// A gateway told how far a command came. Later stages win, whatever the order they come in.
    pub(crate) fn note_outcome(
        &self,
        gateway: GatewayRow,
        outcome: &Outcome,
        now: WallTime,
    ) -> Result<(), StoreError> {
        let cause = match outcome.stage {
            Stage::Refused(cause) => Some(cause),
            Stage::Accepted | Stage::Delivered | Stage::Done | Stage::Expired => None,
        };
        if let Some(Cause::OutOfOrder { highest }) = cause {
            // This hub forgot what it had asked, such as after a backup: it goes on behind that.
            self.connection.execute(
                "INSERT INTO command_floor (gateway, highest) VALUES (?1, ?2)
                 ON CONFLICT DO UPDATE SET highest = max(highest, excluded.highest)",
                (gateway.0, highest.cast_signed()),
            )?;
        }
        self.connection.execute(
            "UPDATE command SET stage = ?3, cause = ?4, note = ?5, rank = ?6, changed = ?7
             WHERE gateway = ?1 AND number = ?2 AND rank < ?6",
            (
                gateway.0,
                outcome.number.cast_signed(),
                outcome.stage.name(),
                cause.map(Cause::name),
                outcome.note.as_str(),
                rank(outcome.stage),
                now.as_unix_millis(),
            ),
        )?;
        Ok(())
    }

    /// Of each gateway the first command that it has not answered: the next is sent only after that.
    pub(crate) fn unanswered(&self) -> Result<Vec<Unanswered>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT gateway.name, command.id, min(command.number), expires, stage, signed
             FROM command JOIN gateway ON gateway.id = command.gateway
             WHERE stage IN ('queued', 'sent') GROUP BY command.gateway",
        )?;
        let rows = statement.query_map([], |row| {
            Ok((row.get::<_, String>(0)?, row.get(1)?, row.get(3)?, row.get::<_, String>(4)?, row.get(5)?))
        })?;
        let mut found = Vec::new();
        for row in rows {
            let (gateway, row, expires, stage, signed) = row?;
            let gateway = gateway.parse().map_err(|_| StoreError::Damaged("a gateway's name"))?;
            found.push(Unanswered {
                gateway,
                row,
                expires: WallTime::from_unix_millis(expires),
                was_sent: stage == SENT,
                signed: SignedCommand::from_bytes(signed),
            });
        }
        Ok(found)
    }

    /// The commands that no gateway answered yet, and whose they are.
    pub(crate) fn waiting_commands(&self) -> Result<Vec<(GatewayId, SignedCommand)>, StoreError> {
        let mut statement = self.connection.prepare(
            "SELECT name, signed FROM command JOIN gateway ON gateway.id = command.gateway
             WHERE stage IN ('queued', 'sent') ORDER BY name, number",
        )?;
        let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))?;
        rows.map(|row| {
            let (name, signed) = row?;
            let gateway = name.parse().map_err(|_| StoreError::Damaged("a gateway's name"))?;
            Ok((gateway, SignedCommand::from_bytes(signed)))
        })
        .collect()
    }

    /// A command is signed with another key of the hub from now on.
    pub(crate) fn note_signed(&self, row: i64, signed: &SignedCommand) -> Result<(), StoreError> {
        let sql = "UPDATE command SET signed = ?2 WHERE id = ?1";
        self.connection.execute(sql, (row, signed.as_bytes()))?;
        Ok(())
    }

    /// A command went out for the first time.
    pub(crate) fn note_sent(&self, row: i64, now: WallTime) -> Result<(), StoreError> {
        self.note_stage(row, SENT, now)
    }

    /// Its time is over, and its gateway said nothing.
    pub(crate) fn note_unanswered(&self, row: i64, now: WallTime) -> Result<(), StoreError> {
        self.note_stage(row, UNANSWERED, now)
    }

    fn note_stage(&self, row: i64, stage: &str, now: WallTime) -> Result<(), StoreError> {
        let sql = "UPDATE command SET stage = ?2, changed = ?3 WHERE id = ?1 AND rank = 0";
        self.connection.execute(sql, (row, stage, now.as_unix_millis()))?;
        Ok(())
    }

    /// How far this command came, if there is one of this number.
    pub(crate) fn progress(&self, gateway: GatewayRow, number: u64) -> Result<Option<Progress>, StoreError> {
        let sql = "SELECT stage, cause, note FROM command WHERE gateway = ?1 AND number = ?2";
        let key = (gateway.0, number.cast_signed());
        Ok(self.connection.query_row(sql, key, |row| progress(row, 0)).optional()?)
    }

    /// Every command, of each gateway in the order of the numbers.
    pub(crate) fn commands(&self, gateway: Option<&str>) -> Result<Vec<StoredCommand>, StoreError> {
        let mut statement = self.connection.prepare(
            "SELECT name, number, device, action, issued, expires, changed, stage, cause, note
             FROM command JOIN gateway ON gateway.id = command.gateway
             WHERE ?1 IS NULL OR name = ?1 ORDER BY name, number",
        )?;
        let time = |row: &Row<'_>, place| row.get(place).map(WallTime::from_unix_millis);
        let rows = statement.query_map([gateway], |row| {
            Ok(StoredCommand {
                gateway: row.get(0)?,
                number: row.get::<_, i64>(1)?.cast_unsigned(),
                device: row.get(2)?,
                action: row.get(3)?,
                issued: time(row, 4)?,
                expires: time(row, 5)?,
                changed: time(row, 6)?,
                progress: progress(row, 7)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

fn progress(row: &Row<'_>, first: usize) -> rusqlite::Result<Progress> {
    Ok(Progress { stage: row.get(first)?, cause: row.get(first + 1)?, note: row.get(first + 2)? })
}

/// 0 is what the hub knows by itself.
const fn rank(stage: Stage) -> i64 {
    match stage {
        Stage::Accepted => 1,
        Stage::Delivered => 2,
        Stage::Done | Stage::Refused(_) | Stage::Expired => 3,
    }
}

#[cfg(test)]
mod tests;
