//! `varde devices …`: what a technician does with the devices of a home.
//!
//! The commands speak to BlueZ and to sticks themselves; the daemon has no part in pairing or teaching in. A technician's
//! window is the life of `varde devices pair` or `teach`: nothing can be added to a box before which nobody stands.
//!
//! - [`mod@scan`]: who is near
//! - [`mod@pair`]: one device is paired, its bond proved, and it is put into the roster
//! - [`mod@teach`]: who shows itself on an EnOcean stick, and one of them is put into the roster
//! - [`mod@list`], [`mod@forget`], [`mod@watch`]: the roster, and what becomes of it
//! - `kind`: what an advertisement gives a device away as
//! - `drop_in`: the device's own file in the configuration
//! - `terminal`: lines out, answers in

mod drop_in;
mod failure;
pub mod forget;
mod kind;
pub mod list;
pub mod pair;
mod questions;
mod restart;
pub mod scan;
pub mod teach;
mod terminal;
pub mod watch;

use std::path::PathBuf;

use clap::Subcommand;
use tokio::signal::unix::{SignalKind, signal};
use varde_wire::DeviceId;

pub use failure::Failure;
use forget::Parting;
use pair::Wish;
use teach::Lesson;

use crate::config::DEFAULT_DIRECTORY;

/// What to do with devices.
#[derive(Debug, Subcommand)]
pub enum DevicesCommand {
    /// List the Bluetooth devices nearby, the nearest first
    Scan {
        /// How long to listen
        #[arg(long, value_name = "N", default_value_t = 20)]
        seconds: u64,
        /// Directory of the configuration's *.toml files
        #[arg(long, value_name = "DIR", default_value = DEFAULT_DIRECTORY)]
        config: PathBuf,
    },
    /// Pair a Bluetooth device, prove the bond, and put the device into the configuration
    Pair(Wish),
    /// Show who is taught in on an EnOcean stick, and put one of them into the configuration
    Teach(Lesson),
    /// List the roster: bonds, links, when each device was last heard
    List {
        /// Directory of the configuration's *.toml files
        #[arg(long, value_name = "DIR", default_value = DEFAULT_DIRECTORY)]
        config: PathBuf,
    },
    /// Remove a device's bond, and the file that `pair` wrote for it
    Forget(Parting),
    /// Show a device's readings live, decoded
    Watch {
        /// The device's name in the roster
        name: DeviceId,
        /// Directory of the configuration's *.toml files
        #[arg(long, value_name = "DIR", default_value = DEFAULT_DIRECTORY)]
        config: PathBuf,
    },
}

/// Runs the command.
///
/// # Errors
/// With what to tell the technician, and the exit code.
pub fn run(command: DevicesCommand) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::io)?;
    runtime.block_on(async {
        match command {
            DevicesCommand::Scan { seconds, config } => scan::scan(seconds, &config).await,
            DevicesCommand::Pair(wish) => pair::pair(wish).await,
            DevicesCommand::Teach(lesson) => teach::teach(lesson).await,
            DevicesCommand::List { config } => list::list(&config).await,
            DevicesCommand::Forget(parting) => forget::forget(parting).await,
            DevicesCommand::Watch { name, config } => watch::watch(&name, &config).await,
        }
    })
}

/// Waits for Ctrl-C, or for the end that a service manager or a closed terminal asks for.
async fn interrupted() -> Failure {
    let listened = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()].map(signal);
    let [Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)] = listened else {
        // Without signals there is nothing to wait for; the command ends by itself.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
    Failure::interrupted()
}
