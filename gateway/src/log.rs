//! Logging: to journald where it takes us, to standard error elsewhere.

use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Starts logging at this level.
///
/// journald is used only where systemd says that standard error goes there (`JOURNAL_STREAM`): a technician who
/// starts the program by hand sees what it says.
pub fn start(level: Level) {
    // rumqttc and the D-Bus libraries speak of each packet at debug level, with its content: never ours to log.
    let ours = Targets::new().with_default(LevelFilter::ERROR).with_targets([
        ("varde", level),
        ("varde_core", level),
        ("varde_link", level),
        ("varde_drivers", level),
    ]);
    let registry = tracing_subscriber::registry().with(ours);
    let journald = std::env::var_os("JOURNAL_STREAM").and_then(|_| tracing_journald::layer().ok());
    // Fails only where logging was started before.
    let _ = match journald {
        Some(journald) => registry.with(journald).try_init(),
        None => registry
            .with(tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(false))
            .try_init(),
    };
}
