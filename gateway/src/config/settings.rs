//! The second stage: what the gateway runs by. Everything in it is judged, and nothing that is needed is left out.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use tracing::Level;
use varde_core::rules::Rule;
use varde_wire::DeviceId;

use super::{
    KnownHub, added,
    broker::Broker,
    credentials::Credentials,
    devices::{BleDevice, Roster},
    document::{Field, Located},
    fault::Faults,
    fragment::Fragment,
    home::{Home, Wanted},
    judge::Judge,
    paths::{self, UplinkPath},
    rules::{self, Known},
    serial::SerialPort,
    whose::Whose,
};

/// What the gateway runs by.
#[derive(Debug)]
pub struct Settings {
    /// The directory of the drop-ins that say it.
    pub configuration: PathBuf,
    /// Where the outbox and all else that must outlive a restart is kept.
    pub state_directory: PathBuf,
    /// The way out.
    pub uplink: Uplink,
    /// The outbox.
    pub store: Store,
    /// A file that exists while a time service disciplines the clock.
    pub synchronised_marker: PathBuf,
    /// How much is logged.
    pub log_level: Level,
    /// Where to record what links hear, if anywhere. It is health data in clear.
    pub capture_directory: Option<PathBuf>,
    /// Serial ports, in the order in which they are first named, each with its devices.
    pub serial: Vec<SerialPort>,
    /// Bluetooth devices.
    pub ble: Vec<BleDevice>,
    /// How long all Bluetooth sensors together may be silent before the radio is suspected.
    pub bluetooth_quiet: Duration,
    /// What the hub is known by.
    pub hub: KnownHub,
    /// The devices that the hub added, in the order of their names.
    pub added: Vec<DeviceId>,
    /// Whose the devices are.
    pub whose: Whose,
    /// What is expected in the home, what its alarms do, and what leaves it.
    pub home: Home,
    /// What shows how alarms stand.
    pub indicator: Indicator,
}

/// What on the box shows the person at home how their alarms stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Indicator {
    /// The folder of a light, below `/sys/class/leds`.
    pub light: Option<PathBuf>,
    /// A command that makes a sound, and its arguments; the indication's word comes last.
    pub sound: Option<Vec<String>>,
}

/// The way to the hub.
#[derive(Debug)]
pub struct Uplink {
    /// The broker.
    pub broker: Broker,
    /// The ways to it, the most preferred first; at least one.
    pub paths: Vec<UplinkPath>,
    /// Who the gateway is.
    pub credentials: Credentials,
    /// How long the line may be silent before the broker is asked whether it lives.
    pub keep_alive: Duration,
}

/// How the outbox is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Store {
    /// How long a routine entry may wait for others, to be committed with them. Urgent ones never wait.
    pub commit_window: Duration,
    /// What the file never grows beyond, in bytes. (A megabyte of the configuration is 1,000,000.)
    pub max_size: u64,
}

const STATE_DIRECTORY_KEY: &str = "state_directory";
pub(super) const STATE_DIRECTORY: &str = "/var/lib/varde";
const CREDENTIALS_DIRECTORY: &str = "/var/lib/varde/credentials";
const CAPTURE_DIRECTORY: &str = "/var/lib/varde/captures";
const KEEP_ALIVE_S: u64 = 30;
const COMMIT_WINDOW_MS: u64 = 200;
const MAX_SIZE_MB: u64 = 1024;
const BLUETOOTH_QUIET_S: u64 = 600;
const SYNCHRONISED_MARKER: &str = "/run/systemd/timesync/synchronized";
const LEVELS: [(&str, Level); 5] = [
    ("error", Level::ERROR),
    ("warn", Level::WARN),
    ("info", Level::INFO),
    ("debug", Level::DEBUG),
    ("trace", Level::TRACE),
];

impl Settings {
    /// Reads the `*.toml` drop-ins of a directory in the order of their names, the devices that the hub added, and the
    /// credentials.
    ///
    /// # Errors
    /// Every fault of every file, not only the first.
    pub fn load(directory: &Path) -> Result<Self, Faults> {
        let (fragment, faults) = added::with_added(directory);
        Self::of_fragment(fragment, Judge::new(directory, faults))
    }

    /// As [`Settings::load`], with the drop-in `name` besides, as if it lay in the directory already.
    ///
    /// # Errors
    /// As [`Settings::load`].
    pub fn load_with(directory: &Path, name: &Path, text: &str) -> Result<Self, Faults> {
        let (fragment, mut faults) = added::with_added(directory);
        let (besides, more) = Fragment::of_text(name, text);
        faults.extend(more);
        Self::of_fragment(fragment.overridden_by(besides), Judge::new(directory, faults))
    }

    /// Where a configuration keeps its state. Nothing else is judged and no credentials are read: whoever only
    /// looks in may not be allowed to.
    ///
    /// # Errors
    /// Every fault in how the drop-ins are written, and a state directory that is no path from the root.
    pub fn state_directory(directory: &Path) -> Result<PathBuf, Faults> {
        let (fragment, faults) = Fragment::of_directory(directory);
        let mut judge = Judge::new(directory, faults);
        let state = judge.path_or(&fragment.state_directory, STATE_DIRECTORY_KEY, STATE_DIRECTORY);
        judge.verdict(state)
    }

    /// The rules of a configuration. Only they and the devices are judged, and no credentials are read: rules are tried
    /// where there is no gateway.
    ///
    /// # Errors
    /// Every fault in how the drop-ins are written, in the devices and in the rules.
    pub fn rules(directory: &Path) -> Result<Vec<Rule>, Faults> {
        let (fragment, faults) = added::with_added(directory);
        let mut judge = Judge::new(directory, faults);
        let known = Known::of_fragments(&fragment.devices);
        let roster = Roster::of_fragments(fragment.devices, &mut judge);
        let rules = rules::of_fragments(&fragment.rules, &known.with(&roster), &mut judge);
        judge.verdict(Some(rules))
    }

    pub(super) fn of_fragment(from: Fragment, mut judge: Judge<'_>) -> Result<Self, Faults> {
        let uplink = Uplink::of_fragment(&from, &mut judge);
        let commit_window =
            judge.number_or(&from.commit_window_ms, "store.commit_window_ms", 0..=5000, COMMIT_WINDOW_MS);
        let max_size = judge.number_or(&from.max_size_mb, "store.max_size_mb", 16..=1_048_576, MAX_SIZE_MB);
        let state_directory = judge.path_or(&from.state_directory, STATE_DIRECTORY_KEY, STATE_DIRECTORY);
        let marker = &from.synchronised_marker;
        let synchronised_marker = judge.path_or(marker, "clock.synchronised_marker", SYNCHRONISED_MARKER);
        let log_level = match &from.log_level {
            Some(Ok(text)) => {
                let found = LEVELS.iter().find(|(word, _)| *word == text.value).map(|(_, level)| *level);
                judge.word(text, "log.level", "level", found, LEVELS.iter().map(|(word, _)| *word))
            }
            Some(Err(_)) => None,
            None => Some(Level::INFO),
        };
        let capture_directory = from
            .capture_directory
            .and_then(Result::ok)
            .and_then(|path| judge.path(&path, "capture.directory", CAPTURE_DIRECTORY));
        let known = Known::of_fragments(&from.devices);
        let added = added::names(&from.devices);
        let wanted = Wanted::of_fragments(&from.devices, from.quiet.as_ref(), &mut judge);
        let roster = Roster::of_fragments(from.devices, &mut judge);
        let rules = rules::of_fragments(&from.rules, &known.with(&roster), &mut judge);
        let home = wanted.home(&roster, rules);
        let indicator = Indicator::of_fragment(from.light, from.sound, &mut judge);
        let quiet =
            judge.number_or(&from.bluetooth_quiet_s, "bluetooth.quiet_s", 10..=86_400, BLUETOOTH_QUIET_S);
        let store = commit_window.zip(max_size);
        let made = match (uplink, state_directory, synchronised_marker, log_level, store, quiet) {
            (
                Some(uplink),
                Some(state_directory),
                Some(synchronised_marker),
                Some(log_level),
                Some((window, megabytes)),
                Some(quiet),
            ) => Some(Self {
                configuration: judge.directory().to_owned(),
                hub: KnownHub::read(&state_directory, &uplink.credentials),
                state_directory,
                uplink,
                store: Store {
                    commit_window: Duration::from_millis(window),
                    max_size: megabytes.saturating_mul(1_000_000),
                },
                synchronised_marker,
                log_level,
                capture_directory,
                serial: roster.serial,
                ble: roster.ble,
                bluetooth_quiet: Duration::from_secs(quiet),
                added,
                whose: roster.whose,
                home,
                indicator,
            }),
            _ => None,
        };
        judge.verdict(made)
    }
}

impl Indicator {
    fn of_fragment(light: Field<String>, sound: Field<Vec<Located<String>>>, judge: &mut Judge<'_>) -> Self {
        let light = light.and_then(Result::ok);
        let light = light.and_then(|path| judge.path(&path, "indicator.light", "/sys/class/leds/ACT"));
        let sound = sound.and_then(Result::ok).map(|list| list.value).unwrap_or_default();
        let program = sound.first().and_then(|path| judge.path(path, "indicator.sound", "/usr/bin/aplay"));
        let sound = program.map(|_| sound.into_iter().map(|word| word.value).collect());
        Self { light, sound }
    }
}

impl Uplink {
    fn of_fragment(from: &Fragment, judge: &mut Judge<'_>) -> Option<Self> {
        const BROKER: &str = "broker = \"mqtts://HOST:8883\"";
        const CREDENTIALS: &str = "credentials = \"/var/lib/varde/credentials\"";
        let table = from.uplink.as_ref();
        let broker = judge
            .required(&from.broker, "uplink.broker", table, BROKER)
            .and_then(|broker| judge.parse(broker, "uplink.broker"));
        let credentials = judge
            .required(&from.credentials, "uplink.credentials", table, CREDENTIALS)
            .filter(|path| !judge.is_guess(&path.place))
            .and_then(|path| judge.path(path, "uplink.credentials", CREDENTIALS_DIRECTORY))
            .and_then(|directory| judge.take(Credentials::read(&directory)));
        let keep_alive = judge.number_or(&from.keep_alive_s, "uplink.keep_alive_s", 5..=600, KEEP_ALIVE_S);
        let broker = broker?;
        let paths = paths::of_fragments(&from.paths, &broker, judge);
        let keep_alive = Duration::from_secs(keep_alive?);
        Some(Self { broker, paths: paths?, credentials: credentials?, keep_alive })
    }
}
