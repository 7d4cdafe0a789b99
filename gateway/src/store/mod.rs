//! The outbox: where an observation is safe.
//!
//! One SQLite file, one thread that writes it. An entry is sealed to the hub's key before it touches the
//! disk, and *committed* once its transaction is: WAL with `synchronous=FULL`, so a power cut takes nothing
//! that was committed. From then on only a verified receipt frees it.
//!
//! - [`outbox`]: one database: append, fetch, release, restart
//! - [`place`]: where a lane of it stands
//! - `cut`: entries become a signed batch
//! - [`commands`]: what the hub asked, and how far it came
//! - [`state`]: where the gateway's judgement stands, and the seal of it and of what drivers remember
//! - [`schema`]: its tables and how they came to be
//! - [`sealer`]: the epoch that seals
//! - [`salvage`]: what can be read back from a corrupt file
//! - [`handle`]: what other tasks ask of the thread
//! - `writer`: the thread: group commit, and what happens when the disk does not work

pub mod commands;
mod cut;
pub mod handle;
pub mod outbox;
pub mod place;
pub mod salvage;
pub mod schema;
pub mod sealer;
pub mod state;
mod writer;

use rusqlite::ErrorCode;
use thiserror::Error;
use varde_wire::{DecodeError, GatewayId, SealError, SealingKey, SigningKey};

pub use commands::{CommandStep, StoredCommand, TakenOn};
pub use handle::{Depth, Depths, Handed, Memory, Options, Queue, Reserved, Store};
pub use outbox::Outbox;
pub use state::{Judged, Part, Released, Seat, StateSeal};

/// Who the outbox belongs to and whom it is sealed for.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The gateway.
    pub gateway: GatewayId,
    /// Signs its batches.
    pub sign: SigningKey,
    /// The hub's: seals its entries.
    pub hub_seal: SealingKey,
}

/// Why the store did not do what it was asked.
#[derive(Debug, Error)]
pub enum StoreError {
    /// No room: the file system is full, or the outbox has reached its largest size.
    #[error("no room for the outbox: the disk is full, or store.max_size_mb is reached")]
    Full,
    /// The disk takes no writes.
    #[error("the disk takes no writes: {0}; mended by remounting, or by a new card")]
    Unwritable(String),
    /// The file is no database, or a damaged one.
    #[error("the outbox file is corrupt: {0}")]
    Corrupt(String),
    /// Written by a newer program.
    #[error(
        "the outbox file has schema version {found}, this program knows up to {known}: install the newer program again"
    )]
    Newer {
        /// In the file.
        found: i64,
        /// Here.
        known: i64,
    },
    /// Written by or for another gateway.
    #[error(
        "the outbox file belongs to gateway '{found}', the credentials to '{ours}': set the state directory aside, or put the right credentials back"
    )]
    Foreign {
        /// In the file.
        found: String,
        /// In the credentials.
        ours: String,
    },
    /// Another process has the file.
    #[error("another process uses the outbox: only one varde may run on a state directory")]
    InUse,
    /// Something else that SQLite says.
    #[error("the outbox cannot be used: {0}")]
    Database(String),
    /// It cannot be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// It cannot be encoded.
    #[error("an entry cannot be encoded: {0}")]
    Encode(#[from] DecodeError),
    /// No randomness.
    #[error(transparent)]
    Entropy(#[from] crate::entropy::NoEntropy),
    /// The store's thread has ended.
    #[error("the store has stopped")]
    Stopped,
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let text = error.to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Corrupt(text),
            Some(
                ErrorCode::ReadOnly
                | ErrorCode::SystemIoFailure
                | ErrorCode::CannotOpen
                | ErrorCode::PermissionDenied,
            ) => Self::Unwritable(text),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::InUse,
            _ => Self::Database(text),
        }
    }
}
