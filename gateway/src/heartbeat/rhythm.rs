//! What of the heartbeat outlives the program: how often the hub wants one, and which life was the last.
//!
//! It lies in a file of its own, and not in the outbox: a gateway whose database is broken, or is being salvaged, must go
//! on to show that it lives. It is written once a start and once for each other interval.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, watch};
use varde_wire::HEARTBEAT_EVERY_S;

use crate::lasting;

/// The file in the state directory.
const FILE: &str = "heartbeat.toml";

/// Until the hub wants another interval.
const EVERY_S: u32 = 60;

/// The interval and the life, in memory and on the disk.
#[derive(Debug)]
pub struct Rhythm {
    path: PathBuf,
    kept: Mutex<Kept>,
    every_s: watch::Sender<u32>,
    latest_life: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    life: Option<u64>,
    every_s: Option<u32>,
}

impl Rhythm {
    /// As it was kept in this state directory; the usual one where nothing was, or nothing can be read.
    pub fn open(state_directory: &Path) -> Self {
        let path = state_directory.join(FILE);
        let kept = match lasting::read::<Kept>(&path) {
            Ok(kept) => kept,
            Err(error) => {
                tracing::warn!("{}: {error}; the heartbeat comes each {EVERY_S} s again", path.display());
                Kept::default()
            }
        };
        let every_s = kept.every_s.filter(|every| HEARTBEAT_EVERY_S.contains(every)).unwrap_or(EVERY_S);
        let latest_life = kept.life;
        Self { path, kept: Mutex::new(kept), every_s: watch::Sender::new(every_s), latest_life }
    }

    /// The interval in seconds, as it is and as it changes.
    pub fn every_s(&self) -> watch::Receiver<u32> {
        self.every_s.subscribe()
    }

    /// The latest life of earlier starts, if any is known.
    pub const fn latest_life(&self) -> Option<u64> {
        self.latest_life
    }

    /// The heartbeat comes so often from now on, and after each start.
    ///
    /// # Errors
    /// Where it cannot be kept; nothing is changed then.
    pub async fn change(&self, every_s: u32) -> io::Result<()> {
        self.keep(|kept| kept.every_s = Some(every_s)).await?;
        self.every_s.send_replace(every_s);
        Ok(())
    }

    /// This life has begun.
    ///
    /// # Errors
    /// Where it cannot be kept.
    pub async fn keep_life(&self, life: u64) -> io::Result<()> {
        self.keep(|kept| kept.life = Some(life)).await
    }

    async fn keep(&self, change: impl FnOnce(&mut Kept)) -> io::Result<()> {
        let mut kept = self.kept.lock().await;
        let mut changed = *kept;
        change(&mut changed);
        let path = self.path.clone();
        // The disk may take its time; the daemon has one thread.
        tokio::task::spawn_blocking(move || lasting::write(&path, &changed))
            .await
            .map_err(io::Error::other)??;
        *kept = changed;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[tokio::test]
    async fn what_was_kept_comes_back_and_what_cannot_be_kept_is_not_changed() {
        let directory = tempfile::tempdir().unwrap();
        let rhythm = Rhythm::open(directory.path());
        assert_eq!((rhythm.latest_life(), *rhythm.every_s().borrow()), (None, EVERY_S));
        rhythm.keep_life(u64::from(u32::MAX)).await.unwrap();
        rhythm.change(10).await.unwrap();
        assert_eq!(*rhythm.every_s().borrow(), 10);
        let again = Rhythm::open(directory.path());
        assert_eq!((again.latest_life(), *again.every_s().borrow()), (Some(u64::from(u32::MAX)), 10));

        let nowhere = Rhythm::open(&directory.path().join("gone"));
        assert!(nowhere.change(10).await.is_err());
        assert_eq!(*nowhere.every_s().borrow(), EVERY_S);
    }

    #[test]
    fn a_file_that_makes_no_sense_stops_nothing() {
        let directory = tempfile::tempdir().unwrap();
        for text in ["\0\0\0", "life = -1", "every_s = 9", "every_s = 'often'"] {
            fs::write(directory.path().join(FILE), text).unwrap();
            let rhythm = Rhythm::open(directory.path());
            assert_eq!((rhythm.latest_life(), *rhythm.every_s().borrow()), (None, EVERY_S), "{text}");
        }
    }
}
