//! Carries what is in SQLite's log over into the database file, beside the thread that stores: a checkpoint
//! in the middle of a commit would make an alarm wait for it.

use std::io;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use crate::store::Store;

/// A checkpoint is due after so many bytes of batches.
const DUE_AFTER: usize = 4 * 1024 * 1024;

/// Tells the checkpointing thread when there is enough to do. Dropped, it ends it.
pub(crate) struct Checkpoints {
    due: SyncSender<()>,
    bytes: usize,
}

impl Checkpoints {
    /// Starts the thread on a connection of its own.
    pub(crate) fn begin(store: Store) -> io::Result<Self> {
        let (due, is_due) = sync_channel(1);
        thread::Builder::new().name("checkpoint".to_owned()).spawn(move || {
            while is_due.recv().is_ok() {
                if let Err(e) = store.checkpoint() {
                    // The storing connection does it, slower, once the log is long.
                    tracing::debug!("no checkpoint: {}", crate::error::chain(&e));
                }
            }
        })?;
        Ok(Self { due, bytes: 0 })
    }

    /// So many bytes were committed.
    pub(crate) fn committed(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes >= DUE_AFTER {
            self.bytes = 0;
            // One that is due already will do.
            let _ = self.due.try_send(());
        }
    }
}
