//! Who is enrolled.

use rusqlite::OptionalExtension as _;
use varde_wire::{GatewayId, KeyId, SealingKey, VerifyingKey, WallTime};

use super::{Store, StoreError};

/// A gateway's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct GatewayRow(pub(crate) i64);

/// A gateway with the keys it has and had.
#[derive(Clone, Debug)]
pub(crate) struct Gateway {
    pub(crate) row: GatewayRow,
    /// What its batches are verified with.
    pub(crate) verifying: VerifyingKey,
    /// What they were verified with before it was enrolled again.
    pub(crate) superseded: Vec<VerifyingKey>,
    /// By which of the hub's keys it goes, as it said last or was enrolled; none where that is not known.
    pub(crate) hub_key: Option<KeyId>,
}

/// What `enrol` registers.
pub(crate) struct Enrolment {
    pub(crate) gateway: GatewayId,
    pub(crate) verifying: VerifyingKey,
    pub(crate) sealing: SealingKey,
    pub(crate) certificate_end: WallTime,
    /// The hub's key that it was given.
    pub(crate) hub_key: KeyId,
}

impl Store {
    /// The gateway of this id, if it is enrolled.
    pub(crate) fn gateway(&self, id: &GatewayId) -> Result<Option<Gateway>, StoreError> {
        let row = self
            .connection
            .query_row("SELECT id FROM gateway WHERE name = ?1", [id.as_str()], |row| row.get(0))
            .optional()?;
        let Some(row) = row else { return Ok(None) };
        // The key in force is the one that nothing superseded; nulls come first.
        let mut statement = self.connection.prepare(
            "SELECT verifying, hub_key FROM gateway_key WHERE gateway = ?1
             ORDER BY superseded IS NOT NULL, superseded DESC",
        )?;
        let texts = statement.query_map([row], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))?;
        let mut keys = Vec::new();
        for stored in texts {
            let (text, hub_key): (_, Option<KeyId>) = stored?;
            let key = VerifyingKey::from_text(&text);
            keys.push((key.map_err(|_| StoreError::Damaged("a gateway's verifying key"))?, hub_key));
        }
        let mut keys = keys.into_iter();
        let (verifying, enrolled) = keys.next().ok_or(StoreError::Damaged("a gateway without a key"))?;
        let row = GatewayRow(row);
        let said = self.newest_heartbeat(row)?.and_then(|heartbeat| heartbeat.goes_by);
        let superseded = keys.map(|(key, _)| key).collect();
        Ok(Some(Gateway {
            row,
            verifying,
            superseded,
            hub_key: said.map(|goes_by| goes_by.key).or(enrolled),
        }))
    }

    /// Registers a gateway, or its new keys.
    pub(crate) fn enrol(&mut self, enrolment: &Enrolment, now: WallTime) -> Result<(), StoreError> {
        let transaction = self.connection.transaction()?;
        let name = enrolment.gateway.as_str();
        transaction.execute("INSERT INTO gateway (name) VALUES (?1) ON CONFLICT DO NOTHING", [name])?;
        let row: i64 =
            transaction.query_row("SELECT id FROM gateway WHERE name = ?1", [name], |row| row.get(0))?;
        transaction.execute(
            "UPDATE gateway_key SET superseded = ?2 WHERE gateway = ?1 AND superseded IS NULL",
            (row, now.as_unix_millis()),
        )?;
        transaction.execute(
            "INSERT INTO gateway_key (gateway, verifying, sealing, certificate_end, enrolled, hub_key)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            (
                row,
                enrolment.verifying.to_text(),
                enrolment.sealing.to_text(),
                enrolment.certificate_end.as_unix_millis(),
                now.as_unix_millis(),
                enrolment.hub_key,
            ),
        )?;
        // Its heartbeats have new places from now on.
        transaction.execute("UPDATE sign_of_life SET heartbeat = NULL WHERE gateway = ?1", [row])?;
        Ok(transaction.commit()?)
    }

    /// Every gateway's id with the end of its certificate, in order.
    pub(crate) fn gateways(&self) -> Result<Vec<(String, WallTime)>, StoreError> {
        let mut statement = self.connection.prepare(
            "SELECT gateway.name, gateway_key.certificate_end FROM gateway
             JOIN gateway_key ON gateway_key.gateway = gateway.id AND superseded IS NULL ORDER BY name",
        )?;
        let rows =
            statement.query_map([], |row| Ok((row.get(0)?, WallTime::from_unix_millis(row.get(1)?))))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
