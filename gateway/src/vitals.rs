//! The gateway watches itself: it looks at the box it runs on once a minute, and at what it is itself once a start.
//! `varde_core::Vitals` decides what is told.

mod look;
mod words;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use varde_core::Vitals;
use varde_core::vitals::{Change, Reading};
use varde_wire::{Event, Value, WallTime};

use self::look::Look;
pub use self::words::Places;
use crate::board::{Board, Fault};
use crate::clock::{self, Clocks};
use crate::diary::Diary;
use crate::snapshot::rfc3339;
use crate::store::StoreError;

/// Between two looks.
const EVERY: Duration = Duration::from_secs(60);

/// After so many looks the program has lived long: its start was no part of a loop.
const LONG_LIFE: u32 = 60;

/// Where tests let the gateway look for `/proc` and `/sys`, and how often.
const ROOT_FOR_TESTS: &str = "VARDE_VITALS_ROOT";
const EVERY_MS_FOR_TESTS: &str = "VARDE_VITALS_EVERY_MS";

/// What is watched.
pub struct SelfWatch {
    /// What faults are told with.
    pub places: Places,
    /// When the certificate ends.
    pub certificate_ends: WallTime,
    /// The clocks, which may jump.
    pub clocks: Arc<Clocks>,
    /// Where faults are shown.
    pub board: Arc<Board>,
    /// What earlier runs left.
    pub diary: Arc<Diary>,
}

impl SelfWatch {
    /// Watches until the store stops. `configuration` is the fingerprint of what the gateway was started with.
    pub async fn run(self, configuration: [u8; 32]) {
        // Only a store that has stopped ends it.
        let _ = self.watch(configuration).await;
    }

    async fn watch(self, configuration: [u8; 32]) -> Result<(), StoreError> {
        self.tell_changes(configuration).await?;
        let look = Look::new(root(), self.places.state_directory.clone());
        let every = every();
        let mut vitals = Vitals::new(every, &self.diary.read(|kept| kept.vitals.clone()).await);
        let mut altered = None;
        for number in 1_u32.. {
            let reading = Reading {
                certificate_left_s: Some(self.certificate_left_s()),
                clock: Some(self.clocks.stamp_only()),
                starts: Some(self.diary.read(|kept| kept.past.starts()).await),
                program_altered: altered,
                ..look.take().await
            };
            vitals.handle_reading(&reading, clock::now());
            self.tell_turns(&mut vitals, &reading).await?;
            // Not among the work of a start: on a small box it takes a while.
            if number == 1 {
                altered = self.is_program_altered().await?;
            }
            if number == LONG_LIFE {
                self.diary.write(Vec::new(), |kept| kept.past.handle_good_life()).await?;
            }
            tokio::time::sleep(every).await;
        }
        Ok(())
    }

    async fn tell_changes(&self, configuration: [u8; 32]) -> Result<(), StoreError> {
        let version = format!("{} of {}", env!("CARGO_PKG_VERSION"), rfc3339(clock::built()));
        let mut past = self.diary.read(|kept| kept.past.clone()).await;
        let mut tell = Vec::new();
        for change in past.handle_start(&version, configuration) {
            let (event, text) = match change {
                Change::Software { from, to } => {
                    (Event::SoftwareChanged, format!("varde {from} was replaced by {to}"))
                }
                Change::Configuration => (
                    Event::ConfigurationChanged,
                    "the configuration is another than at the last start".to_owned(),
                ),
            };
            tracing::info!("{text}");
            tell.extend([Value::Event(event), Value::Text(text)]);
        }
        self.diary.write(tell, |kept| kept.past = past).await
    }

    async fn tell_turns(&self, vitals: &mut Vitals, reading: &Reading) -> Result<(), StoreError> {
        let mut turned = false;
        while let Some(turn) = vitals.poll_output() {
            turned = true;
            let fault = Fault::Vital(turn.vital);
            if turn.to == 0 {
                self.board.well(&fault);
                continue;
            }
            let message = words::message(&turn, reading, &self.places);
            self.board.fault(fault.clone(), message);
            if turn.from > 0 && turn.to > turn.from {
                self.board.worse(&fault);
            }
        }
        if turned {
            self.diary.write(Vec::new(), |kept| kept.vitals = vitals.told()).await?;
        }
        Ok(())
    }

    fn certificate_left_s(&self) -> i64 {
        let left_ms = self
            .certificate_ends
            .as_unix_millis()
            .saturating_sub(self.clocks.certificate_time().as_unix_millis());
        left_ms.div_euclid(1_000)
    }

    /// Whether the program's file is another than when this version ran first; nothing where it cannot be read.
    async fn is_program_altered(&self) -> Result<Option<bool>, StoreError> {
        let hashed = tokio::task::spawn_blocking(|| sha256_of(Path::new("/proc/self/exe"))).await;
        let Ok(Ok(sha256)) = hashed else { return Ok(None) };
        let mut altered = false;
        self.diary.write(Vec::new(), |kept| altered = kept.past.handle_program(sha256)).await?;
        Ok(Some(altered))
    }
}

fn sha256_of(file: &Path) -> std::io::Result<[u8; 32]> {
    let mut file = std::fs::File::open(file)?;
    let mut hash = Sha256::new();
    let mut piece = vec![0; 1 << 16];
    loop {
        match std::io::Read::read(&mut file, &mut piece)? {
            0 => return Ok(hash.finalize().into()),
            length => hash.update(&piece[..length]),
        }
    }
}

fn root() -> PathBuf {
    std::env::var_os(ROOT_FOR_TESTS).map_or_else(|| PathBuf::from("/"), PathBuf::from)
}

fn every() -> Duration {
    let ms = std::env::var(EVERY_MS_FOR_TESTS).ok().and_then(|text| text.parse().ok());
    ms.map_or(EVERY, Duration::from_millis)
}
