//! What stands in the outbox's file: the second witness of what was committed.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, Row};

use super::Gateway;
use crate::sim::SimError;

/// Where a lane stands in the outbox's file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Committed {
    /// `urgent` or `routine`.
    pub lane: &'static str,
    /// Its chain, in hexadecimal.
    pub chain: String,
    /// Every seq below this is committed.
    pub next_seq: u64,
    /// Every seq below this was freed by a receipt.
    pub released_seq: u64,
    /// The number of the next batch.
    pub next_number: u64,
}

impl Gateway {
    /// What the outbox's file says of each lane, urgent first; nothing where there is no whole file yet. A copy is
    /// opened and the file itself left alone. The gateway must not run.
    ///
    /// # Errors
    /// When the file cannot be copied or read.
    pub fn committed(&self) -> Result<Vec<Committed>, SimError> {
        if !self.outbox().exists() {
            return Ok(Vec::new());
        }
        let folder = tempfile::tempdir().map_err(SimError::io("making a folder for a copy of the outbox"))?;
        let copy = folder.path().join("outbox.db");
        copy_database(&self.outbox(), &copy)?;
        read(&copy).map_err(|error| {
            SimError::io("reading a copy of the outbox")(std::io::Error::other(error.to_string()))
        })
    }
}

/// Copies a database and what of it is still in its write-ahead log. Nobody may be writing it.
///
/// # Errors
/// When it cannot be copied.
pub fn copy_database(from: &Path, to: &Path) -> Result<(), SimError> {
    for ending in ["", "-wal"] {
        let named = |path: &Path| {
            let mut name = path.as_os_str().to_owned();
            name.push(ending);
            std::path::PathBuf::from(name)
        };
        let (from, to) = (named(from), named(to));
        if from.exists() {
            let copied = std::fs::copy(&from, &to);
            copied.map_err(SimError::io(format!("copying {} to {}", from.display(), to.display())))?;
        }
    }
    Ok(())
}

fn read(copy: &Path) -> rusqlite::Result<Vec<Committed>> {
    let db = Connection::open_with_flags(copy, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let tables = "SELECT count(*) FROM sqlite_schema WHERE name = 'lane'";
    if db.query_row(tables, [], |row| row.get::<_, u64>(0))? == 0 {
        return Ok(Vec::new());
    }
    let mut select = db.prepare(
        "SELECT lane, lower(hex(chain)), next_seq, released_seq, next_number FROM lane ORDER BY lane",
    )?;
    select.query_map([], lane)?.collect()
}

fn lane(row: &Row<'_>) -> rusqlite::Result<Committed> {
    Ok(Committed {
        lane: if row.get::<_, u8>(0)? == 0 { "urgent" } else { "routine" },
        chain: row.get(1)?,
        next_seq: row.get(2)?,
        released_seq: row.get(3)?,
        next_number: row.get(4)?,
    })
}
