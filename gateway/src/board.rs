//! What is known about the running gateway right now, in one place: every task tells, looking in is read-only.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use varde_core::vitals::Vital;
use varde_core::{FaultChange, FaultWatch};
use varde_wire::{DeviceId, Instant, WallTime};

use crate::clock;

/// Something that does not work. Each is logged once when it comes, once when it goes, and told to the hub as
/// a technical alarm if it lasts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Fault {
    /// The outbox cannot be written, or was corrupt.
    Disk,
    /// The kernel gives no randomness, or a key does not work.
    Seal,
    /// The clock has not been set since power came.
    Clock,
    /// No connection to the broker.
    Uplink,
    /// The broker is there, the hub does not answer.
    Hub,
    /// What the hub changed its keys to cannot be read.
    HubKeys,
    /// The Bluetooth adapter or its daemon is not there.
    Bluetooth,
    /// The radio seems well, and nothing is heard of devices that speak all the time.
    BluetoothSilence,
    /// The light that shows how alarms stand cannot be set.
    Indicator,
    /// The command that makes their sound cannot be run.
    Sound,
    /// A serial port is not there, or somebody else has it.
    Port(String),
    /// A Bluetooth device is in reach but cannot be used.
    Device(DeviceId),
    /// The box, or what is installed on it, is not well.
    Vital(Vital),
    /// The preferred path to the broker is lost, while another works.
    PrimaryPath(String),
    /// A path in reserve is lost, while another works.
    RedundantPath(String),
}

impl Fault {
    /// How long it may last before it is told.
    fn grace(&self) -> Duration {
        Duration::from_secs(match self {
            // What the radio's silence and a vital sign had to last for, they have lasted.
            Self::Disk | Self::Seal | Self::HubKeys | Self::BluetoothSilence | Self::Vital(_) => 0,
            // Tests of a lost path follow each other that fast that one which failed by chance is over by then.
            Self::PrimaryPath(_) | Self::RedundantPath(_) => 30,
            Self::Port(_) | Self::Bluetooth | Self::Indicator | Self::Sound => 60,
            Self::Clock | Self::Uplink | Self::Hub | Self::Device(_) => 600,
        })
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Disk => f.write_str("disk"),
            Self::Seal => f.write_str("seal"),
            Self::Clock => f.write_str("clock"),
            Self::Uplink => f.write_str("uplink"),
            Self::Hub => f.write_str("hub"),
            Self::HubKeys => f.write_str("hub keys"),
            Self::Bluetooth => f.write_str("bluetooth"),
            Self::BluetoothSilence => f.write_str("bluetooth silence"),
            Self::Indicator => f.write_str("indicator"),
            Self::Sound => f.write_str("sound"),
            Self::Port(path) => write!(f, "port {path}"),
            Self::Device(name) => write!(f, "device {name}"),
            Self::Vital(vital) => f.write_str(vital.name()),
            Self::PrimaryPath(name) => write!(f, "primary path {name}"),
            Self::RedundantPath(name) => write!(f, "redundant path {name}"),
        }
    }
}

/// How long after a start a fault that an earlier run told of may take to be met again. After that it is over.
const MET_AGAIN_WITHIN: Duration = Duration::from_mins(15);

/// A fault that stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// What and how to mend it.
    pub message: String,
    /// Since when.
    pub since: WallTime,
}

/// What is known of one device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceState {
    /// `waiting`, `connected`, `listening` or `failed`.
    pub link: &'static str,
    /// When it was last heard.
    pub last_heard: Option<WallTime>,
    /// Its battery, in percent.
    pub battery_percent: Option<u8>,
    /// It should have been heard, and was not.
    pub is_missing: bool,
    /// Observations taken from it.
    pub observations: u64,
    /// Frames of it that could not be read.
    pub refused: u64,
}

/// How the uplink stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UplinkState {
    /// `connecting` at the start, then `connected`, or `waiting` between attempts.
    pub state: &'static str,
    /// Since when.
    pub since: WallTime,
    /// Why it is not connected.
    pub reason: Option<String>,
}

/// How one of several paths to the broker stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathState {
    /// Its name.
    pub name: String,
    /// `in use`, `works`, `lost` or `not known`.
    pub state: &'static str,
    /// Since when.
    pub since: WallTime,
    /// Why it is lost.
    pub reason: Option<String>,
}

/// Everything that is known.
#[derive(Debug)]
pub struct Facts {
    /// The faults that stand.
    pub faults: BTreeMap<Fault, Standing>,
    /// The devices of the roster.
    pub devices: BTreeMap<DeviceId, DeviceState>,
    /// The uplink.
    pub uplink: UplinkState,
    /// The paths to the broker, the most preferred first; empty where there is only one.
    pub paths: Vec<PathState>,
    /// How many alarms are open.
    pub open_alarms: usize,
    /// Counted events: what they are, and how many.
    pub counts: BTreeMap<&'static str, u64>,
    watch: FaultWatch<Fault>,
}

/// The shared board.
#[derive(Debug)]
pub struct Board {
    facts: Mutex<Facts>,
    faults_changed: Notify,
}

impl Board {
    /// An empty board for these devices.
    pub fn new(devices: impl IntoIterator<Item = DeviceId>) -> Self {
        let waiting = DeviceState { link: "waiting", ..DeviceState::default() };
        let facts = Facts {
            faults: BTreeMap::new(),
            devices: devices.into_iter().map(|name| (name, waiting.clone())).collect(),
            uplink: UplinkState { state: "connecting", since: clock::wall(), reason: None },
            paths: Vec::new(),
            open_alarms: 0,
            counts: BTreeMap::new(),
            watch: FaultWatch::default(),
        };
        Self { facts: Mutex::new(facts), faults_changed: Notify::new() }
    }

    /// Reads all of it at one moment.
    pub fn read<T>(&self, look: impl FnOnce(&Facts) -> T) -> T {
        look(&self.facts())
    }

    /// Something does not work. Logged where it is new, or where it fails for another reason than before.
    pub fn fault(&self, fault: Fault, message: impl std::fmt::Display) {
        let message = message.to_string();
        let mut facts = self.facts();
        facts.watch.handle_fault(fault.clone(), fault.grace(), clock::now());
        match facts.faults.get_mut(&fault) {
            Some(standing) if standing.message == message => return,
            Some(standing) => standing.message.clone_from(&message),
            None => {
                let standing = Standing { message: message.clone(), since: clock::wall() };
                facts.faults.insert(fault.clone(), standing);
            }
        }
        drop(facts);
        tracing::warn!("{fault}: {message}");
        self.faults_changed.notify_one();
    }

    /// An earlier run told of these faults, and not of their end.
    pub fn told_before(&self, told: BTreeSet<Fault>) {
        self.facts().watch.handle_restart(told, MET_AGAIN_WITHIN, clock::now());
        self.faults_changed.notify_one();
    }

    /// What does not work is worse than when it was told: it is told again.
    pub fn worse(&self, fault: &Fault) {
        self.facts().watch.handle_worse(fault);
        self.faults_changed.notify_one();
    }

    /// Whether this does not work.
    pub fn stands(&self, fault: &Fault) -> bool {
        self.facts().faults.contains_key(fault)
    }

    /// It works.
    pub fn well(&self, fault: &Fault) {
        let mut facts = self.facts();
        facts.watch.handle_well(fault);
        let stood = facts.faults.remove(fault).is_some();
        drop(facts);
        if stood {
            tracing::info!("{fault}: works again");
        }
        // One that stood before a restart alone may have its end to be told too.
        self.faults_changed.notify_one();
    }

    /// Waits for the next fault that is to be told, or to be told restored; with its message.
    pub async fn next_change(&self) -> (FaultChange<Fault>, String) {
        loop {
            let due = {
                let mut facts = self.facts();
                facts.watch.handle_timeout(clock::now());
                if let Some(change) = facts.watch.poll_output() {
                    let (FaultChange::Raised(fault) | FaultChange::Restored(fault)) = &change;
                    let message = facts.faults.get(fault).map(|s| s.message.clone()).unwrap_or_default();
                    return (change, message);
                }
                facts.watch.poll_timeout()
            };
            let until = |at: Instant| at.since(clock::now());
            tokio::select! {
                () = self.faults_changed.notified() => {}
                () = tokio::time::sleep(due.map_or(Duration::MAX, until)), if due.is_some() => {}
            }
        }
    }

    /// Changes what is known of a device.
    pub fn device(&self, name: &DeviceId, change: impl FnOnce(&mut DeviceState)) {
        change(self.facts().devices.entry(name.clone()).or_default());
    }

    /// What the guard knows: how many alarms are open, and who is missing.
    pub fn guard(&self, open_alarms: usize, is_missing: impl Fn(&DeviceId) -> bool) {
        let mut facts = self.facts();
        facts.open_alarms = open_alarms;
        for (name, device) in &mut facts.devices {
            device.is_missing = is_missing(name);
        }
    }

    /// The uplink's state; logged where it changes.
    pub fn uplink(&self, state: &'static str, reason: Option<String>) {
        let mut facts = self.facts();
        if facts.uplink.state != state {
            facts.uplink.since = clock::wall();
            tracing::debug!("uplink: {state}");
        }
        facts.uplink.state = state;
        facts.uplink.reason = reason;
    }

    /// How the paths stand.
    pub fn paths(&self, paths: Vec<PathState>) {
        self.facts().paths = paths;
    }

    /// Counts something.
    pub fn count(&self, what: &'static str) {
        *self.facts().counts.entry(what).or_default() += 1;
    }

    /// Sets a count that is kept elsewhere.
    pub fn set_count(&self, what: &'static str, count: u64) {
        self.facts().counts.insert(what, count);
    }

    fn facts(&self) -> MutexGuard<'_, Facts> {
        // Every change is whole by itself, so a panic elsewhere does not spoil what is known.
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
