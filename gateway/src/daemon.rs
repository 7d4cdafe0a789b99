//! `varde run`: everything together, from start to a clean stop.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use sd_notify::NotifyState;
use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;
use varde_core::supervision::LinkNumber;
use varde_drivers::SerialRoster;
use varde_wire::DeviceId;

use crate::aside::Aside;
use crate::belief::Belief;
use crate::board::{Board, Fault};
use crate::clock::{self, Clocks};
use crate::commands::mailbox::Mailbox;
use crate::commands::own::Own;
use crate::commands::roster::Roster;
use crate::commands::{Commands, Ends, Keys, Routes};
use crate::config::Settings;
use crate::devices::{ble, serial};
use crate::diary::Diary;
use crate::dispatch::Dispatcher;
use crate::guarding::Guarding;
use crate::heartbeat::Heart;
use crate::heartbeat::rhythm::Rhythm;
use crate::heartbeat::slot::slot;
use crate::indicator::Panels;
use crate::intake::Intake;
use crate::snapshot::rfc3339;
use crate::store::{Identity, Options, StateSeal, Store, StoreError};
use crate::tasks::{TaskEnded, Tasks};
use crate::uplink::{UplinkError, mqtt::Mqtt, tls};
use crate::vitals::{Places, SelfWatch};
use crate::ways::Ways;
use crate::{chores, fault_reports, indicator, integrity, stopping};

/// Why the daemon cannot run, or not on. Everything else is a fault on the board, and tried again.
#[derive(Debug, Error)]
pub enum Fatal {
    /// The runtime.
    #[error("the system gives no event loop: {0}")]
    Runtime(#[from] std::io::Error),
    /// The store would do harm.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The credentials do not make a TLS configuration.
    #[error(transparent)]
    Tls(#[from] UplinkError),
    /// A part of it does not work any more: it is started again whole.
    #[error(transparent)]
    Task(#[from] TaskEnded),
}

/// How long the links may take for their last words when the daemon stops. systemd waits longer (`TimeoutStopSec=`).
const LAST_WORDS: Duration = Duration::from_secs(3);

/// How long the last heartbeat may take to leave.
const FAREWELL: Duration = Duration::from_secs(1);

/// What is to come after a clean stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// Nothing: somebody asked for the end.
    Nothing,
    /// Another start, with the configuration as it stands now.
    Start,
}

/// Runs until SIGTERM or SIGINT, or until a command of the hub counts only after another start.
/// `configuration` is the fingerprint of what the settings were made from.
///
/// # Errors
/// Where it cannot run at all, or not on; see [`Fatal`].
pub fn run(settings: Settings, configuration: [u8; 32]) -> Result<After, Fatal> {
    // One thread: the daemon waits, it does not compute. The store has its own.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let after = runtime.block_on(live(settings, configuration));
    // The check of a long backlog may still run. It only reads, and nobody is heard until it is left alone.
    runtime.shutdown_background();
    after
}

async fn live(settings: Settings, configuration: [u8; 32]) -> Result<After, Fatal> {
    let started_ms = clock::boot_ms();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;

    let credentials = &settings.uplink.credentials;
    let gateway = credentials.gateway.clone();
    let serial_names = settings.serial.iter().flat_map(|port| port.roster.entries());
    let serial_names = serial_names.map(|device| device.name.clone());
    let roster: Vec<_> = serial_names.chain(settings.ble.iter().map(|device| device.name.clone())).collect();
    let board = Arc::new(Board::new(roster.iter().cloned()));
    if let Err(error) = std::fs::create_dir_all(&settings.state_directory) {
        let directory = settings.state_directory.display();
        board.fault(Fault::Disk, format!("the state directory {directory} cannot be made: {error}"));
    }
    let _alone = alone(&settings.state_directory)?;
    let outbox = settings.state_directory.join("outbox.db");
    let options = Options {
        path: outbox.clone(),
        commit_window: settings.store.commit_window,
        max_size_bytes: settings.store.max_size,
    };
    if let Some(damage) = &settings.hub.damage {
        board.fault(Fault::HubKeys, damage);
    }
    let belief = Arc::new(Belief::new(gateway.clone(), settings.hub));
    let identity = Identity {
        gateway: gateway.clone(),
        sign: credentials.sign.clone(),
        hub_seal: belief.keys().sealing.clone(),
    };
    let (store, last_trusted) = Store::start(options, identity, Arc::clone(&board))?;
    // The gateway's own name stands for its diary.
    store.remember_only(roster.into_iter().chain([DeviceId::gateway()]).collect()).await;
    let clocks = Arc::new(Clocks::new(settings.synchronised_marker.clone(), last_trusted));
    let seal = || StateSeal::new(gateway.clone(), credentials.open.clone());
    let (guarding, aftermaths) =
        Guarding::begin(settings.home, seal(), store.clone(), Arc::clone(&clocks), Arc::clone(&board)).await;
    let guarding = Arc::new(guarding);
    let intake = Arc::new(Intake::new(
        Arc::clone(&guarding),
        Arc::clone(&clocks),
        (store.clone(), seal()),
        Arc::clone(&board),
        settings.whose,
    ));
    let uplink = Mqtt {
        paths: settings.uplink.paths.clone(),
        book: Arc::default(),
        gateway: gateway.clone(),
        keep_alive: settings.uplink.keep_alive,
        tls: Arc::new(tls::configuration(credentials, Arc::clone(&clocks))?),
    };
    let (certificate, certificate_ends) = credentials.first_to_end();
    let places = Places {
        state_directory: settings.state_directory.clone(),
        certificate: format!("{certificate} (until {})", rfc3339(certificate_ends)),
    };
    let ends = Ends::default();
    let (giver, taker) = slot();
    let dispatcher = Dispatcher::new(
        (uplink, Ways::new(&settings.uplink.paths, Arc::clone(&board))),
        store.clone(),
        Arc::clone(&board),
        (gateway.clone(), Arc::clone(&belief)),
        ends.signed.clone(),
        taker,
    );
    let keys = Keys { open: credentials.open.clone(), belief: Arc::clone(&belief) };

    let rhythm = Arc::new(Rhythm::open(&settings.state_directory));
    let heart = Heart {
        gateway: gateway.clone(),
        sign: credentials.sign.clone(),
        started_ms,
        rhythm: Arc::clone(&rhythm),
        hub_key: belief.keys().verifying.id(),
        intake: Arc::clone(&intake),
        board: Arc::clone(&board),
        store: store.clone(),
    };

    let (stop, stopping) = stopping::stopping();
    let mut lines = Tasks::default();
    let mut tasks = Tasks::default();
    tasks.spawn("guard", Arc::clone(&guarding).run(aftermaths));
    // Its last beat ends the connection, so it comes after the links' last words.
    let (farewell, farewell_due) = stopping::stopping();
    let mut heartbeat = Tasks::default();
    heartbeat.spawn("heartbeat", heart.run(giver, farewell_due));
    tasks.spawn("uplink", dispatcher.run());
    let mut routes: Routes = settings.ble.iter().map(|device| (device.name.clone(), None)).collect();
    let captures = settings.capture_directory.clone();
    let aside = Arc::new(Aside::default());
    if !(settings.serial.is_empty() && settings.ble.is_empty()) {
        tasks.spawn(
            "standing aside",
            chores::stand_aside(settings.state_directory.clone(), Arc::clone(&aside)),
        );
    }
    let mut panels = Panels::new();
    for (port, number) in settings.serial.into_iter().zip(0_u8..) {
        let mailbox = Arc::new(Mailbox::new(ends.outcomes.clone()));
        if let SerialRoster::DeviceLink(panel) = &port.roster {
            panels.insert(panel.clone(), Arc::clone(&mailbox));
        }
        let names = port.roster.entries().into_iter().map(|device| device.name.clone());
        routes.extend(names.map(|name| (name, Some(Arc::clone(&mailbox)))));
        let name = format!("port {}", port.path.display());
        let known = (Arc::clone(&intake), Arc::clone(&board));
        let told = (Arc::clone(&aside), mailbox, stopping.clone());
        lines.spawn(name, serial::serve(port, LinkNumber(number), captures.clone(), known, told));
    }
    let own = Own {
        gateway: gateway.clone(),
        started_ms,
        state_directory: settings.state_directory.clone(),
        roster: Roster {
            configuration: settings.configuration,
            state_directory: settings.state_directory.clone(),
        },
        intake: Arc::clone(&intake),
        board: Arc::clone(&board),
        clocks: Arc::clone(&clocks),
        store: store.clone(),
        guarding: Arc::clone(&guarding),
        rhythm: Arc::clone(&rhythm),
        belief,
    };
    let shows = indicator::serve(guarding.shown(), settings.indicator, panels, Arc::clone(&board));
    tasks.spawn("indicator", shows);
    let anew = Arc::new(Notify::new());
    tasks.spawn("commands", Commands::new(keys, own, routes, Arc::clone(&anew)).run(ends));
    if !settings.ble.is_empty() {
        let (quiet, intake, board) = (settings.bluetooth_quiet, Arc::clone(&intake), Arc::clone(&board));
        lines.spawn("bluetooth", ble::serve(settings.ble, quiet, captures, intake, board, aside, stopping));
    }
    let diary = Arc::new(Diary::open(Arc::clone(&intake)).await);
    board.told_before(diary.read(|kept| kept.told.clone()).await);
    let reports = (Arc::clone(&board), Arc::clone(&diary));
    tasks.spawn("reports of faults", async move { fault_reports::report(&reports.0, &reports.1).await });
    let watch_itself = SelfWatch {
        places,
        certificate_ends,
        clocks: Arc::clone(&clocks),
        board: Arc::clone(&board),
        diary: Arc::clone(&diary),
    };
    tasks.spawn("vitals", watch_itself.run(configuration));
    let looks =
        chores::look_at_clock(Arc::clone(&intake), Arc::clone(&clocks), store.clone(), Arc::clone(&board));
    tasks.spawn("clock", looks);
    tasks.spawn("watching", chores::let_watch(settings.state_directory.clone(), intake, Arc::clone(&board)));
    let looks_in =
        chores::look_in(settings.state_directory, gateway.to_string(), started_ms, &board, &clocks, &store);
    tasks.spawn("status", looks_in);
    tasks.spawn_finite("integrity check", integrity::check_once(outbox, store.clone()));
    if let Some(watchdog) = sd_notify::watchdog_enabled() {
        tasks.spawn("watchdog", chores::feed_watchdog(watchdog, store.clone()));
    }

    tracing::info!("gateway {gateway}, version {}: ready", env!("CARGO_PKG_VERSION"));
    // Without systemd there is nobody to tell.
    let _ = sd_notify::notify(&[NotifyState::Ready]);
    let (mut after, mut failed) = (After::Nothing, None);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = anew.notified() => after = After::Start,
        ended = tasks.failed() => failed = Some(ended),
        ended = lines.failed() => failed = Some(ended),
        ended = heartbeat.failed() => failed = Some(ended),
    }
    match after {
        After::Nothing => {
            let _ = sd_notify::notify(&[NotifyState::Stopping]);
            tracing::info!("stopping: what is committed stays, what is on its way is sent again next time");
        }
        // For systemd, the service goes on.
        After::Start => tracing::info!("beginning anew: a command of the hub changed the configuration"),
    }
    stop.now();
    if tokio::time::timeout(LAST_WORDS, lines.ended()).await.is_err() {
        tracing::warn!(
            "a device did not let go in time: what it still had to say is asked for again next time"
        );
    }
    lines.shutdown().await;
    // A fault in the program is no planned stop.
    if failed.is_none() {
        farewell.now();
        // Where the network does not take it, the hub finds out by itself.
        let _ = tokio::time::timeout(FAREWELL, heartbeat.ended()).await;
    }
    heartbeat.shutdown().await;
    // Where the store has stopped, it says so itself.
    let _ = guarding.save().await;
    store.keep_trusted(clocks.last_trusted()).await;
    if failed.is_none() {
        // A store that has stopped says so when it is stopped.
        let _ = diary.write(Vec::new(), |kept| kept.past.handle_good_life()).await;
    }
    let stopped = store.stop().await;
    tasks.shutdown().await;
    match failed {
        Some(ended) => {
            if let Err(error) = stopped {
                tracing::error!("{error}");
            }
            Err(ended.into())
        }
        None => {
            stopped?;
            let asked_to_end = [&mut terminate, &mut interrupt].map(|asked| asked.recv().now_or_never());
            Ok(if asked_to_end == [None; 2] { after } else { After::Nothing })
        }
    }
}

/// Holds the state directory until the process ends: two writers would give the same seqs twice. SQLite alone
/// would let both in, by turns.
fn alone(state_directory: &Path) -> Result<Option<File>, StoreError> {
    // A directory that cannot be opened holds nothing to be alone with; the store says what is wrong with it.
    let Ok(directory) = File::open(state_directory) else { return Ok(None) };
    match rustix::fs::flock(&directory, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
        Err(rustix::io::Errno::WOULDBLOCK) => Err(StoreError::InUse),
        // A file system without locks is no reason to stay silent.
        Ok(()) | Err(_) => Ok(Some(directory)),
    }
}
