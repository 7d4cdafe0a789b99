//! What a sound configuration would run, and what about it deserves a second look.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use varde_core::supervision::Expectation;
use varde_wire::{DeviceId, WallTime};

use super::{Faults, Settings, added_devices};

/// Judges a configuration without running it.
///
/// # Errors
/// As [`Settings::load`].
pub fn check(directory: &Path, now: WallTime) -> Result<Report, Faults> {
    Settings::load(directory).map(|settings| Report { warnings: settings.warnings(now), settings })
}

/// What would run. Shown as a line a fact, and then a line a warning.
#[derive(Debug)]
pub struct Report {
    /// What the configuration says.
    pub settings: Settings,
    /// What deserves a second look.
    pub warnings: Vec<Warning>,
}

/// No fault, but worth a second look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// The gateway's certificate ends within a month.
    Ending {
        /// Its last moment.
        not_after: WallTime,
    },
    /// The gateway's certificate has ended.
    Expired {
        /// Its last moment.
        not_after: WallTime,
    },
    /// The gateway's certificate has not begun.
    NotYetValid {
        /// Its first moment.
        not_before: WallTime,
    },
    /// A secret file that every user of the box may read.
    Exposed(PathBuf),
    /// What links hear is written down.
    Capturing(PathBuf),
    /// The hub changed its keys, and that cannot be read: what, and why not.
    HubKeys(String),
    /// No device is configured.
    NoDevice,
}

const MONTH_MS: i64 = 30 * 24 * 60 * 60 * 1000;

impl Settings {
    /// What deserves a second look.
    pub fn warnings(&self, now: WallTime) -> Vec<Warning> {
        let credentials = &self.uplink.credentials;
        let (not_before, not_after) = (credentials.not_before, credentials.not_after);
        let ending = WallTime::from_unix_millis(not_after.as_unix_millis().saturating_sub(MONTH_MS));
        let mut warnings = Vec::new();
        if now < not_before {
            warnings.push(Warning::NotYetValid { not_before });
        } else if now > not_after {
            warnings.push(Warning::Expired { not_after });
        } else if now > ending {
            warnings.push(Warning::Ending { not_after });
        }
        warnings.extend(credentials.exposed.iter().cloned().map(Warning::Exposed));
        warnings.extend(self.capture_directory.iter().cloned().map(Warning::Capturing));
        warnings.extend(self.hub.damage.iter().cloned().map(Warning::HubKeys));
        if self.serial.is_empty() && self.ble.is_empty() {
            warnings.push(Warning::NoDevice);
        }
        warnings
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Settings { uplink, state_directory, store, serial, ble, added, home, hub, .. } = &self.settings;
        writeln!(f, "gateway {} to {}", uplink.credentials.gateway, uplink.broker)?;
        for path in uplink.paths.iter().filter(|_| uplink.paths.len() > 1) {
            write!(f, "path {}: {}", path.name, path.exit)?;
            if path.broker != uplink.broker {
                write!(f, ", to {}", path.broker)?;
            }
            let minutes = path.test_every.as_secs() / 60;
            let metered = if path.metered { ", metered: urgent entries only" } else { "" };
            writeln!(f, ", tested every {minutes} min{metered}")?;
        }
        writeln!(f, "certificate valid until {}", Utc(uplink.credentials.not_after))?;
        if let Some(path) = hub.changed_in() {
            writeln!(f, "the hub changed its keys, in {}", path.display())?;
        }
        let megabytes = store.max_size / 1_000_000;
        writeln!(f, "outbox in {}, at most {megabytes} MB", state_directory.display())?;
        for port in serial {
            let names: Vec<&str> = port.roster.entries().iter().map(|device| device.name.as_str()).collect();
            let protocol = port.roster.protocol().name();
            writeln!(f, "{protocol} on {} ({}): {}", port.path.display(), port.line, names.join(", "))?;
        }
        for device in ble {
            writeln!(f, "{} at {}: {}", device.profile.name(), device.address, device.name)?;
        }
        if !added.is_empty() {
            let names: Vec<&str> = added.iter().map(DeviceId::as_str).collect();
            let place = added_devices(state_directory);
            writeln!(f, "added by the hub, in {}: {}", place.display(), names.join(", "))?;
        }
        if !home.household.rules.is_empty() {
            let names: Vec<&str> = home.household.rules.iter().map(|rule| rule.name.as_str()).collect();
            writeln!(f, "rules: {}", names.join(", "))?;
        }
        for (name, expected) in &home.household.devices {
            if expected.silent_after != Expectation::NEVER {
                writeln!(
                    f,
                    "{name} is missing after {} min of silence",
                    expected.silent_after.as_secs() / 60
                )?;
            }
        }
        let unsupervised: Vec<&str> = home.unsupervised().map(DeviceId::as_str).collect();
        if !unsupervised.is_empty() {
            let names = unsupervised.join(", ");
            writeln!(f, "silent until somebody uses them, so that nobody hears of their end: {names}")?;
        }
        for warning in &self.warnings {
            writeln!(f, "warning: {warning}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ending { not_after } => {
                write!(f, "the gateway's certificate ends at {}: enrol it anew before", Utc(*not_after))
            }
            Self::Expired { not_after } => write!(
                f,
                "the gateway's certificate ended at {}, or this box's clock is ahead: enrol it anew or set the clock",
                Utc(*not_after)
            ),
            Self::NotYetValid { not_before } => write!(
                f,
                "the gateway's certificate begins at {}: set this box's clock, or wait",
                Utc(*not_before)
            ),
            Self::Exposed(path) => {
                write!(f, "every user of this box may read the secret {0}: chmod o-rwx {0}", path.display())
            }
            Self::Capturing(path) => {
                write!(f, "what devices say is recorded in {}: health data in clear", path.display())
            }
            Self::HubKeys(damage) => write!(
                f,
                "the hub changed its keys, and what it changed them to cannot be read ({damage}): those of its enrolment count until it changes them again, or is enrolled again"
            ),
            Self::NoDevice => f.write_str("no [[device]] is configured: the gateway reports on itself alone"),
        }
    }
}

/// A moment as RFC 3339 has it.
struct Utc(WallTime);

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Timestamp::from_millisecond(self.0.as_unix_millis()) {
            Ok(moment) => write!(f, "{moment}"),
            Err(_) => f.write_str("a time beyond all calendars"),
        }
    }
}
