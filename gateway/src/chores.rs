//! What the daemon sees to beside its work: the clock, and whoever looks in.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sd_notify::NotifyState;
use varde_wire::{Trust, WallTime};

use crate::aside::Aside;
use crate::board::{Board, Fault};
use crate::clock::Clocks;
use crate::intake::Intake;
use crate::snapshot::Sources;
use crate::store::Store;
use crate::{observer, watch};

/// Between two looks at the clock, and at other things that seldom change.
const LOOK: Duration = Duration::from_secs(60);

/// Minds the clock: an anchor when it becomes right, the last trusted time for the next boot.
pub async fn look_at_clock(intake: Arc<Intake>, clocks: Arc<Clocks>, store: Store, board: Arc<Board>) {
    let mut kept = WallTime::from_unix_millis(i64::MIN);
    loop {
        if intake.look_at_clock().await.is_err() {
            return;
        }
        match clocks.worth() {
            Trust::Unset => board.fault(
                Fault::Clock,
                "the clock has not been set since power came: times are mended when it is; does the network let NTP through?",
            ),
            Trust::Estimated | Trust::Synchronised => board.well(&Fault::Clock),
        }
        store.tidy().await;
        // What this is for, certificates, is in no hurry.
        let trusted = clocks.last_trusted();
        if trusted.as_unix_millis().saturating_sub(kept.as_unix_millis()) > 3_600_000 {
            store.keep_trusted(trusted).await;
            kept = trusted;
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Lets `varde status` look in.
pub fn look_in(
    state_directory: PathBuf,
    gateway: String,
    started_ms: u64,
    board: &Arc<Board>,
    clocks: &Arc<Clocks>,
    store: &Store,
) -> impl Future<Output = ()> + Send + use<> {
    let (board, clocks, store) = (Arc::clone(board), Arc::clone(clocks), store.clone());
    async move {
        let sources = Sources {
            gateway: &gateway,
            started_ms,
            state_directory: &state_directory,
            board: &board,
            clocks: &clocks,
            store: &store,
        };
        let mut told = false;
        // A state directory that cannot be written now may be mended while we run.
        while let Err(error) = observer::serve(&sources).await {
            if !std::mem::replace(&mut told, true) {
                tracing::warn!("'varde status' cannot look in: {error}");
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// Lets technicians watch readings live.
pub async fn let_watch(state_directory: PathBuf, intake: Arc<Intake>, board: Arc<Board>) {
    let mut told = false;
    while let Err(error) = watch::serve(&state_directory, &intake, &board).await {
        if !std::mem::replace(&mut told, true) {
            tracing::warn!("'varde devices watch' cannot look in: {error}");
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Leaves devices and ports alone while technicians pair and teach in.
pub async fn stand_aside(state_directory: PathBuf, aside: Arc<Aside>) {
    let mut told = false;
    while let Err(error) = Arc::clone(&aside).serve(&state_directory).await {
        if !std::mem::replace(&mut told, true) {
            tracing::warn!(
                "'varde devices pair' and 'teach' cannot ask for devices to be left alone: {error}"
            );
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Feeds systemd's watchdog while the store answers: a thread that hangs is worse than one that dies.
pub async fn feed_watchdog(limit: Duration, store: Store) {
    while store.depths().await.is_ok() {
        let _ = sd_notify::notify(&[NotifyState::Watchdog]);
        tokio::time::sleep(limit / 3).await;
    }
}
