//! The tables, version by version.

use std::path::Path;

use rusqlite::Connection;

use super::StoreError;

/// One script a version, each taking the database from the version before. Never change one that was released.
const VERSIONS: &[&str] = &[VERSION_1, VERSION_2, VERSION_3, VERSION_4, VERSION_5];

const VERSION_1: &str = "
CREATE TABLE gateway (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE gateway_key (
    gateway INTEGER NOT NULL REFERENCES gateway,
    verifying TEXT NOT NULL,
    sealing TEXT NOT NULL,
    certificate_end INTEGER NOT NULL,
    enrolled INTEGER NOT NULL,
    superseded INTEGER
) STRICT;
CREATE INDEX gateway_key_of ON gateway_key (gateway);

CREATE TABLE chain (
    id INTEGER PRIMARY KEY,
    gateway INTEGER NOT NULL REFERENCES gateway,
    lane INTEGER NOT NULL,
    chain BLOB NOT NULL,
    next INTEGER NOT NULL,
    through INTEGER NOT NULL,
    began INTEGER NOT NULL,
    last INTEGER NOT NULL,
    UNIQUE (gateway, lane, chain)
) STRICT;

CREATE TABLE batch (
    id INTEGER PRIMARY KEY,
    chain INTEGER NOT NULL REFERENCES chain,
    number INTEGER NOT NULL,
    hash BLOB NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    received INTEGER NOT NULL,
    UNIQUE (chain, number)
) STRICT;

CREATE TABLE epoch (
    id INTEGER PRIMARY KEY,
    gateway INTEGER NOT NULL REFERENCES gateway,
    lane INTEGER NOT NULL,
    encapsulation BLOB NOT NULL,
    UNIQUE (gateway, lane, encapsulation)
) STRICT;

CREATE TABLE entry (
    n INTEGER PRIMARY KEY,
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    batch INTEGER NOT NULL,
    record BLOB NOT NULL,
    UNIQUE (epoch, seq)
) STRICT;

CREATE TABLE unreadable (
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    batch INTEGER NOT NULL,
    count INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    UNIQUE (epoch, seq)
) STRICT;

CREATE TABLE anchor (
    gateway INTEGER NOT NULL,
    boot BLOB NOT NULL,
    uptime INTEGER NOT NULL,
    wall INTEGER NOT NULL,
    PRIMARY KEY (gateway, boot, uptime)
) STRICT, WITHOUT ROWID;

CREATE TABLE incident (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    batch INTEGER NOT NULL REFERENCES batch,
    kind TEXT NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    count INTEGER NOT NULL,
    detail TEXT
) STRICT;

CREATE TABLE evidence (
    id INTEGER PRIMARY KEY,
    gateway INTEGER,
    claimed TEXT NOT NULL,
    lane INTEGER NOT NULL,
    cause TEXT NOT NULL,
    hash BLOB NOT NULL,
    chain BLOB,
    number INTEGER,
    bytes BLOB,
    count INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    UNIQUE (hash, cause, claimed, lane)
) STRICT;
CREATE INDEX evidence_of ON evidence (gateway);

CREATE TABLE refusal (
    gateway INTEGER NOT NULL,
    lane INTEGER NOT NULL,
    cause TEXT NOT NULL,
    count INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (gateway, lane, cause)
) STRICT, WITHOUT ROWID;
";

const VERSION_2: &str = "
CREATE TABLE command (
    id INTEGER PRIMARY KEY,
    gateway INTEGER NOT NULL REFERENCES gateway,
    number INTEGER NOT NULL,
    device TEXT NOT NULL,
    action TEXT NOT NULL,
    issued INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    signed BLOB NOT NULL,
    changed INTEGER NOT NULL,
    stage TEXT NOT NULL,
    cause TEXT,
    note TEXT NOT NULL DEFAULT '',
    rank INTEGER NOT NULL,
    UNIQUE (gateway, number)
) STRICT;
CREATE INDEX command_unanswered ON command (gateway, number) WHERE stage IN ('queued', 'sent');

CREATE TABLE command_floor (
    gateway INTEGER PRIMARY KEY REFERENCES gateway,
    highest INTEGER NOT NULL
) STRICT;
";

const VERSION_3: &str = "
CREATE TABLE alarm (
    id INTEGER PRIMARY KEY,
    gateway INTEGER NOT NULL REFERENCES gateway,
    number INTEGER NOT NULL,
    source TEXT NOT NULL,
    kind TEXT NOT NULL,
    test INTEGER NOT NULL,
    over INTEGER NOT NULL,
    closed INTEGER
) STRICT;
CREATE INDEX alarm_of ON alarm (gateway, number);
CREATE INDEX alarm_open ON alarm (test) WHERE over = 0 AND closed IS NULL;

CREATE TABLE alarm_step (
    alarm INTEGER NOT NULL REFERENCES alarm,
    step TEXT NOT NULL,
    entry INTEGER NOT NULL REFERENCES entry,
    PRIMARY KEY (alarm, step)
) STRICT, WITHOUT ROWID;

CREATE TABLE trouble (
    gateway INTEGER NOT NULL REFERENCES gateway,
    device TEXT NOT NULL,
    trouble TEXT NOT NULL,
    stands INTEGER NOT NULL,
    story TEXT,
    entry INTEGER NOT NULL REFERENCES entry,
    PRIMARY KEY (gateway, device, trouble)
) STRICT, WITHOUT ROWID;
";

const VERSION_4: &str = "
CREATE TABLE sign_of_life (
    gateway INTEGER PRIMARY KEY REFERENCES gateway,
    at INTEGER NOT NULL,
    heartbeat BLOB
) STRICT;

CREATE TABLE silence (
    id INTEGER PRIMARY KEY,
    gateway INTEGER NOT NULL REFERENCES gateway,
    raised INTEGER NOT NULL,
    after_stop INTEGER NOT NULL,
    merged INTEGER NOT NULL,
    restored INTEGER
) STRICT;
CREATE UNIQUE INDEX silence_now ON silence (gateway) WHERE restored IS NULL;

CREATE TABLE many_silent (
    id INTEGER PRIMARY KEY,
    raised INTEGER NOT NULL,
    restored INTEGER
) STRICT;

CREATE TABLE refused_heartbeat (
    gateway INTEGER NOT NULL,
    cause TEXT NOT NULL,
    count INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (gateway, cause)
) STRICT, WITHOUT ROWID;

CREATE TABLE hearing (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    since INTEGER,
    looked INTEGER NOT NULL
) STRICT;
";

const VERSION_5: &str = "
ALTER TABLE gateway_key ADD COLUMN hub_key BLOB;

CREATE TABLE condition (
    gateway INTEGER NOT NULL REFERENCES gateway,
    device TEXT NOT NULL,
    condition TEXT NOT NULL,
    stands INTEGER NOT NULL,
    entry INTEGER NOT NULL REFERENCES entry,
    PRIMARY KEY (gateway, device, condition)
) STRICT, WITHOUT ROWID;
";

/// Brings the database up to the newest version, in one transaction.
pub(super) fn bring_up(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let brought = check(connection, path).and_then(|found| {
        for script in VERSIONS.iter().skip(usize::try_from(found).unwrap_or_default()) {
            connection.execute_batch(script)?;
        }
        connection.pragma_update(None, "user_version", newest())?;
        Ok(())
    });
    connection.execute_batch(if brought.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
    brought
}

/// The database's version, if this program can read it.
pub(super) fn check(connection: &Connection, path: &Path) -> Result<i32, StoreError> {
    let failed = |source| StoreError::Open { path: path.to_owned(), source };
    let found = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(failed)?;
    let known = newest();
    if found > known {
        return Err(StoreError::Newer { path: path.to_owned(), found, known });
    }
    Ok(found)
}

fn newest() -> i32 {
    i32::try_from(VERSIONS.len()).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use crate::store::{Store, StoreError};

    #[test]
    fn a_database_of_a_later_version_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("hub.db");
        drop(Store::open(&path).unwrap());
        drop(Store::open(&path).unwrap());
        let later = rusqlite::Connection::open(&path).unwrap();
        later.pragma_update(None, "user_version", super::newest() + 1).unwrap();
        for opened in [Store::open(&path), Store::open_to_read(&path)] {
            let Err(StoreError::Newer { found, known, .. }) = opened else { panic!("it was opened") };
            assert_eq!((found, known), (super::newest() + 1, super::newest()));
        }
    }
}
