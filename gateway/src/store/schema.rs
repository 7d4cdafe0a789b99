//! The outbox's tables.
//!
//! The version stands in `PRAGMA user_version`. A step to the next version is one function more in
//! `STEPS`; all that are needed run in one transaction.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::StoreError;

/// One step of the schema: from the version that is its place in [`STEPS`] to the next.
type Step = fn(&Transaction<'_>) -> rusqlite::Result<()>;

const STEPS: &[Step] = &[version_1, version_2, version_3, version_4];

/// Opens the outbox's file, or one in memory, brought to today's schema.
///
/// # Errors
/// Where the file cannot be opened or written, is corrupt, or is newer than this program.
pub fn open(path: Option<&Path>, max_size_bytes: u64) -> Result<Connection, StoreError> {
    let mut db = match path {
        Some(path) => Connection::open(path)?,
        None => Connection::open_in_memory()?,
    };
    prepare(&db, max_size_bytes)?;
    migrate(&mut db)?;
    Ok(db)
}

/// Only ever one writer: a second process finds the file locked at once.
fn prepare(db: &Connection, max_size_bytes: u64) -> Result<(), StoreError> {
    db.busy_timeout(Duration::from_millis(200))?;
    // Before the first table, else it takes a full VACUUM.
    db.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    db.pragma_update(None, "journal_mode", "WAL")?;
    // An fsync at each commit: NORMAL loses the last commits at a power cut.
    db.pragma_update(None, "synchronous", "FULL")?;
    db.pragma_update(None, "journal_size_limit", 8 << 20)?;
    // 1 MiB: the backlog is read front to back, a larger cache would only hold what is done with.
    db.pragma_update(None, "cache_size", -1024)?;
    db.pragma_update(None, "mmap_size", 0)?;
    let page: u64 = db.query_row("PRAGMA page_size", [], |row| row.get(0))?;
    db.pragma_update(None, "max_page_count", (max_size_bytes / page).max(64))?;
    Ok(())
}

fn migrate(db: &mut Connection) -> Result<(), StoreError> {
    let known = i64::try_from(STEPS.len()).unwrap_or(i64::MAX);
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    for step in STEPS.iter().skip(usize::try_from(found).unwrap_or_default()) {
        step(&transaction)?;
    }
    transaction.pragma_update(None, "user_version", known)?;
    Ok(transaction.commit()?)
}

/// - `fact`: the gateway's id and the last trusted time
/// - `epoch`: the encapsulations; what opens them is not here
/// - `lane`: where each lane stands; a lane's chain, the next seq, the first seq that is in no batch, and so on
/// - `entry`: sealed entries that are in no batch yet
/// - `batch`: signed batches without a receipt; their entries are in them
fn version_1(db: &Transaction<'_>) -> rusqlite::Result<()> {
    db.execute_batch(
        "CREATE TABLE fact (name TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
         CREATE TABLE epoch (id INTEGER PRIMARY KEY, encapsulation BLOB NOT NULL UNIQUE) STRICT;
         CREATE TABLE lane (
             lane INTEGER PRIMARY KEY,
             chain BLOB NOT NULL,
             next_seq INTEGER NOT NULL,
             cut_seq INTEGER NOT NULL,
             released_seq INTEGER NOT NULL,
             next_number INTEGER NOT NULL,
             oldest_number INTEGER NOT NULL,
             head BLOB NOT NULL
         ) STRICT;
         CREATE TABLE entry (
             lane INTEGER NOT NULL,
             seq INTEGER NOT NULL,
             epoch INTEGER NOT NULL,
             count INTEGER NOT NULL,
             made INTEGER NOT NULL,
             sealed BLOB NOT NULL,
             PRIMARY KEY (lane, seq)
         ) STRICT, WITHOUT ROWID;
         CREATE TABLE batch (
             lane INTEGER NOT NULL,
             number INTEGER NOT NULL,
             last_seq INTEGER NOT NULL,
             made INTEGER NOT NULL,
             hash BLOB NOT NULL,
             signed BLOB NOT NULL,
             PRIMARY KEY (lane, number)
         ) STRICT;",
    )
}

/// - `memory`: what the driver of a device keeps over restarts, such as how far its records were fetched; sealed
fn version_2(db: &Transaction<'_>) -> rusqlite::Result<()> {
    db.execute_batch(
        "CREATE TABLE memory (device TEXT PRIMARY KEY, bytes BLOB NOT NULL) STRICT, WITHOUT ROWID;",
    )
}

/// - `command`: what the hub asked and was taken on; `signed` until its outcome is final
fn version_3(db: &Transaction<'_>) -> rusqlite::Result<()> {
    db.execute_batch(
        "CREATE TABLE command (
             number INTEGER PRIMARY KEY,
             hash BLOB NOT NULL,
             expires INTEGER NOT NULL,
             signed BLOB,
             outcome BLOB NOT NULL
         ) STRICT;",
    )
}

/// - `state`: where the gateway's judgement stands: alarms, supervision, rules. What it needs to go on after a restart, and
///   no history
fn version_4(db: &Transaction<'_>) -> rusqlite::Result<()> {
    db.execute_batch("CREATE TABLE state (name TEXT PRIMARY KEY, bytes BLOB NOT NULL) STRICT, WITHOUT ROWID;")
}
