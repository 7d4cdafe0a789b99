//! The least that the work can cost on this machine, at this hour.

use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use varde_tests::sim::home::Home;
use varde_tests::sim::mqtt::Client;

use crate::table::Sample;

/// Rows per second that SQLite commits in groups of `group`, without sealing, signing or anything else.
pub(crate) fn rows_per_second(directory: &Path, rows: usize, group: usize) -> Result<f64, Box<dyn Error>> {
    let mut db = database(&directory.join("floor.db"))?;
    let blob = [0_u8; 120];
    let began = Instant::now();
    for first in (0..rows).step_by(group) {
        let transaction = db.transaction()?;
        {
            let mut insert = transaction.prepare_cached("INSERT INTO entry VALUES (?1, ?2)")?;
            for row in first..rows.min(first + group) {
                insert.execute(rusqlite::params![i64::try_from(row)?, blob])?;
            }
        }
        transaction.commit()?;
    }
    Ok(rows as f64 / began.elapsed().as_secs_f64())
}

/// One durable commit and two round trips over the home's own broker, with its own TLS.
pub(crate) async fn commit_and_two_round_trips(home: &Home, times: usize) -> Result<Sample, Box<dyn Error>> {
    let db = database(&home.directory().join("floor-alarm.db"))?;
    let listener = Client::connect(home.broker, home.hub.directory(), "floor-listener")
        .await?
        .listen("varde/v1/floor/up/urgent")
        .await?;
    let mut client = Client::connect(home.broker, home.hub.directory(), "floor-client").await?;
    let mut heard = 0;
    let mut durations = Vec::new();
    for time in 0..times {
        let began = Instant::now();
        db.execute(
            "INSERT INTO entry VALUES (?1, ?2)",
            rusqlite::params![i64::try_from(time)?, [0_u8; 120]],
        )?;
        for _ in 0..2 {
            client.publish("varde/v1/floor/up/urgent", &[0; 350]).await?;
            heard += 1;
            while listener.heard().len() < heard {
                tokio::task::yield_now().await;
            }
        }
        durations.push(began.elapsed());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(Sample::new(durations))
}

fn database(path: &Path) -> rusqlite::Result<Connection> {
    let db = Connection::open(path)?;
    db.pragma_update(None, "journal_mode", "WAL")?;
    db.pragma_update(None, "synchronous", "FULL")?;
    db.execute("CREATE TABLE entry (seq INTEGER PRIMARY KEY, sealed BLOB) STRICT", [])?;
    Ok(db)
}
