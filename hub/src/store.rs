//! The hub's database: one SQLite file, one writer, any number of readers beside it.
//!
//! | table | what |
//! |---|---|
//! | `gateway`, `gateway_key` | who is enrolled, with the keys they have and had |
//! | `chain`, `batch` | the chains of each lane, and every batch they are made of |
//! | `epoch`, `entry` | what was opened: the record's bytes, decoded when they are shown |
//! | `anchor` | the moments that mend earlier times |
//! | `unreadable` | entries of well signed batches that did not open, as they came |
//! | `incident` | chains that began, seqs that are missing, gaps, what did not open |
//! | `evidence`, `refusal` | batches that were refused, and how often |
//! | `sign_of_life`, `silence`, `many_silent` | when each gateway last showed that it lives, and when it did not |
//! | `hearing`, `refused_heartbeat` | whether the hub hears, and what it did not believe |
//! | `command`, `command_floor` | what gateways are asked, how far it came, and below which numbers none is given |
//! | `alarm`, `alarm_step` | the alarms that gateways told of, and the entry that told each of their steps last |
//! | `trouble` | what is wrong with devices, or was, and the entry that told it last |
//! | `condition` | what devices say of themselves until they say otherwise, and the entry that told it last |
//!
//! A u64 (number, seq) is stored as the i64 of the same bits.

mod alarms;
mod chains;
mod commands;
mod conditions;
mod entries;
mod evidence;
mod gateways;
mod incidents;
mod lives;
mod read;
mod schema;
mod told;
mod troubles;

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};
use thiserror::Error;

pub(crate) use alarms::{StepTold, StoredAlarm, WhichAlarms};
pub(crate) use chains::{BatchRow, ChainRow, Tracked};
pub(crate) use commands::{NewCommand, Progress, StoredCommand, Unanswered};
pub(crate) use conditions::StandingCondition;
pub(crate) use entries::{EpochRow, Unread};
pub use evidence::Cause;
pub(crate) use evidence::{Evidence, Refusals};
pub(crate) use gateways::{Enrolment, Gateway, GatewayRow};
pub(crate) use incidents::{Incident, IncidentKind};
pub(crate) use lives::{Hearing, Life, RefusedHeartbeats, Silence};
pub(crate) use read::{AnchorPoint, StoredEntry, lane_name};
pub(crate) use told::Told;
pub(crate) use troubles::StandingTrouble;

/// Why the database did not do what it should.
#[derive(Debug, Error)]
pub enum StoreError {
    /// It cannot be opened.
    #[error("cannot open the database {}", path.display())]
    Open {
        /// Which file.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// A later version of this program wrote it.
    #[error(
        "the database {} has schema version {found}, and this program knows up to {known}: use the program that wrote it",
        path.display()
    )]
    Newer {
        /// Which file.
        path: PathBuf,
        /// The version found.
        found: i32,
        /// The newest version known.
        known: i32,
    },
    /// A statement failed.
    #[error("the database failed")]
    Sqlite(#[from] rusqlite::Error),
    /// A row holds what was never put there.
    #[error("the database is damaged: {0}")]
    Damaged(&'static str),
}

/// FULL: a commit has to survive a power cut, as a receipt follows it. A commit carries the log over into the
/// database only when it has grown to 64 MiB: see `checkpoint.rs`.
const SETTINGS: &str = "
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA wal_autocheckpoint = 16384;
PRAGMA foreign_keys = ON;
";

/// The hub's database.
pub struct Store {
    connection: Connection,
}

impl Store {
    /// The database in this file, made if it is not there; to write and read.
    ///
    /// # Errors
    /// Where the file cannot be opened, is no database, or was written by a later version.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let failed = |source| StoreError::Open { path: path.to_owned(), source };
        create_for_owner(path).map_err(failed)?;
        let connection = Connection::open_with_flags(
            path,
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )
        .map_err(failed)?;
        connection.execute_batch(SETTINGS).map_err(failed)?;
        schema::bring_up(&connection, path)?;
        Ok(Self { connection })
    }

    /// The same to look into only, while another process writes.
    ///
    /// # Errors
    /// Where there is no such file, it is no database, or was written by a later version.
    pub fn open_to_read(path: &Path) -> Result<Self, StoreError> {
        let connection = Connection::open_with_flags(
            path,
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )
        .map_err(|source| StoreError::Open { path: path.to_owned(), source })?;
        schema::check(&connection, path)?;
        Ok(Self { connection })
    }

    /// From now on this connection's commits survive the program, and not a power cut: for what nobody is given a
    /// receipt for, and comes again by itself. It must not make alarms wait for the disk.
    pub(crate) fn forgo_sync(&self) -> Result<(), StoreError> {
        Ok(self.connection.pragma_update(None, "synchronous", "NORMAL")?)
    }

    /// Begins a transaction. Others may read meanwhile, none may write.
    pub(crate) fn begin(&self) -> Result<(), StoreError> {
        Ok(self.connection.execute_batch("BEGIN IMMEDIATE")?)
    }

    /// Ends the transaction; it is on the disk when this returns.
    pub(crate) fn commit(&self) -> Result<(), StoreError> {
        Ok(self.connection.execute_batch("COMMIT")?)
    }

    /// Undoes the transaction.
    pub(crate) fn roll_back(&self) -> Result<(), StoreError> {
        // A failed COMMIT may have ended the transaction already.
        if self.connection.is_autocommit() {
            return Ok(());
        }
        Ok(self.connection.execute_batch("ROLLBACK")?)
    }

    /// Carries the log over into the database as far as that holds up nobody.
    pub(crate) fn checkpoint(&self) -> Result<(), StoreError> {
        Ok(self.connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?)
    }

    /// A number that changes whenever somebody else has written.
    pub(crate) fn data_version(&self) -> Result<i64, StoreError> {
        Ok(self.connection.query_row("PRAGMA data_version", [], |row| row.get(0))?)
    }
}

/// SQLite would make the file readable to all; its -wal and -shm take their mode from it.
fn create_for_owner(path: &Path) -> Result<(), rusqlite::Error> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let made = std::fs::OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path);
    made.map(drop).map_err(|_| rusqlite::Error::InvalidPath(path.to_owned()))
}
