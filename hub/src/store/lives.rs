//! When each gateway last showed that it lives, and when it did not.

use rusqlite::{OptionalExtension as _, Row};
use varde_wire::{Heartbeat, KeyId, WallTime};

use super::{Cause, GatewayRow, Store, StoreError};

/// What is known of a gateway's life.
pub(crate) struct Life {
    pub(crate) gateway: GatewayRow,
    pub(crate) name: String,
    /// When it last showed that it lives, by the hub's clock.
    pub(crate) last_sign: Option<WallTime>,
    /// Its newest heartbeat under the keys that it has now.
    pub(crate) heartbeat: Option<Heartbeat>,
    /// If it is silent.
    pub(crate) silence: Option<Silence>,
    /// The hub's key that it was enrolled with, if that was written down.
    enrolled_with: Option<KeyId>,
    /// Whether it had been enrolled before.
    pub(crate) enrolled_again: bool,
}

impl Life {
    /// By which of the hub's keys it goes, as it said last or was enrolled; none where that is not known.
    pub(crate) fn hub_key(&self) -> Option<KeyId> {
        let said = self.heartbeat.as_ref().and_then(|heartbeat| heartbeat.goes_by);
        said.map(|goes_by| goes_by.key).or(self.enrolled_with)
    }
}

/// A silence that has not ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Silence {
    /// When it was noticed.
    pub(crate) raised: WallTime,
    /// Whether the gateway had said that it stops.
    pub(crate) after_stop: bool,
    /// Whether it is part of the story of many.
    pub(crate) merged: bool,
}

/// Heartbeats that were refused.
pub(crate) struct RefusedHeartbeats {
    /// None for those in the name of gateways that are not enrolled.
    pub(crate) gateway: Option<String>,
    pub(crate) cause: String,
    pub(crate) count: u64,
    pub(crate) last: WallTime,
}

/// How the hub hears.
pub(crate) struct Hearing {
    /// Since when it hears gateways; none while it does not.
    pub(crate) since: Option<WallTime>,
    /// When it last said so.
    pub(crate) looked: WallTime,
}

impl Store {
    /// What is known of the life of every enrolled gateway, in the order of their ids.
    pub(crate) fn lives(&self) -> Result<Vec<Life>, StoreError> {
        let mut statement = self.connection.prepare(
            "SELECT gateway.id, name, at, heartbeat, raised, after_stop, merged, hub_key,
                    EXISTS (SELECT 1 FROM gateway_key AS old WHERE old.gateway = gateway.id AND old.superseded NOT NULL)
             FROM gateway
             LEFT JOIN gateway_key ON gateway_key.gateway = gateway.id AND gateway_key.superseded IS NULL
             LEFT JOIN sign_of_life ON sign_of_life.gateway = gateway.id
             LEFT JOIN silence ON silence.gateway = gateway.id AND restored IS NULL
             ORDER BY name",
        )?;
        let rows = statement.query_map([], |row| Ok((life(row)?, row.get::<_, Option<Vec<u8>>>(3)?)))?;
        rows.map(|row| {
            let (life, bytes) = row?;
            Ok(Life { heartbeat: bytes.map(heartbeat).transpose()?, ..life })
        })
        .collect()
    }

    /// A gateway's newest heartbeat under the keys that it has now.
    pub(crate) fn newest_heartbeat(&self, gateway: GatewayRow) -> Result<Option<Heartbeat>, StoreError> {
        let sql = "SELECT heartbeat FROM sign_of_life WHERE gateway = ?1";
        let bytes =
            self.connection.prepare_cached(sql)?.query_row([gateway.0], |row| row.get(0)).optional()?;
        bytes.flatten().map(heartbeat).transpose()
    }

    /// A gateway showed that it lives; by this heartbeat, if that is how.
    pub(crate) fn note_sign_of_life(
        &self,
        gateway: GatewayRow,
        at: WallTime,
        heartbeat: Option<&[u8]>,
    ) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "INSERT INTO sign_of_life (gateway, at, heartbeat) VALUES (?1, ?2, ?3)
                 ON CONFLICT DO UPDATE SET at = ?2, heartbeat = coalesce(?3, heartbeat)",
            )?
            .execute((gateway.0, at.as_unix_millis(), heartbeat))?;
        Ok(())
    }

    /// A gateway fell silent.
    pub(crate) fn note_silent(&self, gateway: GatewayRow, silence: Silence) -> Result<(), StoreError> {
        let Silence { raised, after_stop, merged } = silence;
        self.connection.execute(
            "INSERT INTO silence (gateway, raised, after_stop, merged) VALUES (?1, ?2, ?3, ?4)",
            (gateway.0, raised.as_unix_millis(), after_stop, merged),
        )?;
        Ok(())
    }

    /// One that was silent is heard.
    pub(crate) fn note_restored(&self, gateway: GatewayRow, at: WallTime) -> Result<(), StoreError> {
        let sql = "UPDATE silence SET restored = ?2 WHERE gateway = ?1 AND restored IS NULL";
        self.connection.execute(sql, (gateway.0, at.as_unix_millis()))?;
        Ok(())
    }

    /// The silence of one of many has become its own.
    pub(crate) fn note_still_silent(&self, gateway: GatewayRow) -> Result<(), StoreError> {
        let sql = "UPDATE silence SET merged = 0 WHERE gateway = ?1 AND restored IS NULL";
        self.connection.execute(sql, [gateway.0])?;
        Ok(())
    }

    /// Many fell silent at once.
    pub(crate) fn note_many_silent(&self, at: WallTime) -> Result<(), StoreError> {
        let sql = "INSERT INTO many_silent (raised) VALUES (?1)";
        self.connection.execute(sql, [at.as_unix_millis()])?;
        Ok(())
    }

    /// Most of them are heard again.
    pub(crate) fn note_many_restored(&self, at: WallTime) -> Result<(), StoreError> {
        let sql = "UPDATE many_silent SET restored = ?1 WHERE restored IS NULL";
        self.connection.execute(sql, [at.as_unix_millis()])?;
        Ok(())
    }

    /// Since when many are silent at once, if they are.
    pub(crate) fn many_silent(&self) -> Result<Option<WallTime>, StoreError> {
        let sql = "SELECT min(raised) FROM many_silent WHERE restored IS NULL";
        let since: Option<i64> = self.connection.query_row(sql, [], |row| row.get(0))?;
        Ok(since.map(WallTime::from_unix_millis))
    }

    /// Counts heartbeats that were refused, the last of them then.
    pub(crate) fn note_refused_heartbeats(
        &self,
        gateway: Option<GatewayRow>,
        cause: Cause,
        count: u32,
        last: WallTime,
    ) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "INSERT INTO refused_heartbeat (gateway, cause, count, last) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT DO UPDATE SET count = count + excluded.count, last = excluded.last",
            )?
            .execute((gateway.map_or(0, |row| row.0), cause.name(), count, last.as_unix_millis()))?;
        Ok(())
    }

    /// How many heartbeats were refused, by gateway and cause.
    pub(crate) fn refused_heartbeats(&self) -> Result<Vec<RefusedHeartbeats>, StoreError> {
        let mut statement = self.connection.prepare(
            "SELECT name, cause, count, last FROM refused_heartbeat
             LEFT JOIN gateway ON gateway.id = refused_heartbeat.gateway ORDER BY name, cause",
        )?;
        let rows = statement.query_map([], |row| {
            Ok(RefusedHeartbeats {
                gateway: row.get(0)?,
                cause: row.get(1)?,
                count: row.get::<_, i64>(2)?.cast_unsigned(),
                last: WallTime::from_unix_millis(row.get(3)?),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The hub hears gateways since then, or does not.
    pub(crate) fn note_hearing(&self, hearing: &Hearing) -> Result<(), StoreError> {
        let since = hearing.since.map(WallTime::as_unix_millis);
        let sql = "INSERT OR REPLACE INTO hearing (id, since, looked) VALUES (1, ?1, ?2)";
        self.connection.execute(sql, (since, hearing.looked.as_unix_millis()))?;
        Ok(())
    }

    /// How the hub hears; none where it never ran.
    pub(crate) fn hearing(&self) -> Result<Option<Hearing>, StoreError> {
        let hearing = |row: &Row<'_>| {
            let since: Option<i64> = row.get(0)?;
            let looked = WallTime::from_unix_millis(row.get(1)?);
            Ok(Hearing { since: since.map(WallTime::from_unix_millis), looked })
        };
        Ok(self.connection.query_row("SELECT since, looked FROM hearing", [], hearing).optional()?)
    }
}

fn heartbeat(bytes: Vec<u8>) -> Result<Heartbeat, StoreError> {
    Heartbeat::decode(&bytes).map_err(|_| StoreError::Damaged("a heartbeat that cannot be read"))
}

fn life(row: &Row<'_>) -> rusqlite::Result<Life> {
    let time =
        |column| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(column)?.map(WallTime::from_unix_millis));
    let silence = match time(4)? {
        Some(raised) => Some(Silence { raised, after_stop: row.get(5)?, merged: row.get(6)? }),
        None => None,
    };
    let (gateway, name) = (GatewayRow(row.get(0)?), row.get(1)?);
    let (enrolled_with, enrolled_again) = (row.get(7)?, row.get(8)?);
    Ok(Life { gateway, name, last_sign: time(2)?, heartbeat: None, silence, enrolled_with, enrolled_again })
}
