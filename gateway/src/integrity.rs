//! Is the outbox's file whole? Asked once after each start, beside the work: with a long backlog the answer takes
//! longer than a start may.

use std::path::PathBuf;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::store::Store;

/// `PRAGMA quick_check` on a connection of its own that cannot write. Tells the store where it is not whole.
pub async fn check_once(outbox: PathBuf, store: Store) {
    // After the first readings and the first connection.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let checked = tokio::task::spawn_blocking(move || quick_check(&outbox)).await;
    if let Ok(Err(what)) = checked {
        store.found_corrupt(what).await;
    }
}

fn quick_check(outbox: &std::path::Path) -> Result<(), String> {
    let Ok(db) = Connection::open_with_flags(outbox, OpenFlags::SQLITE_OPEN_READ_ONLY) else {
        // The writer has the same trouble, and deals with it.
        return Ok(());
    };
    let verdict: rusqlite::Result<String> = db
        .pragma_update(None, "cache_size", -256)
        .and_then(|()| db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)));
    match verdict {
        Ok(verdict) if verdict == "ok" => Ok(()),
        Ok(verdict) => Err(verdict),
        Err(error) => match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase) => {
                Err(error.to_string())
            }
            _ => Ok(()),
        },
    }
}
