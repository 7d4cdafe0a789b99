//! One picture of the running gateway: command line, and later metrics and page, render this and nothing else.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use varde_wire::WallTime;

use crate::board::{Board, Facts};
use crate::clock::{self, Clocks};
use crate::store::{Depths, Queue, Store, StoreError};

/// The picture. This is what `varde status --json` prints; fields are added, never changed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Snapshot {
    /// The program's version.
    pub version: String,
    /// The gateway's id.
    pub gateway: String,
    /// How long the program has run.
    pub uptime_s: u64,
    /// What the clock is worth: `synchronised`, `estimated`, `unset`.
    pub clock_trust: String,
    /// The way to the hub.
    pub uplink: UplinkView,
    /// The lanes, by name.
    pub lanes: BTreeMap<String, LaneView>,
    /// The devices, by name.
    pub devices: BTreeMap<String, DeviceView>,
    /// The disk.
    pub disk: DiskView,
    /// How many alarms are open.
    #[serde(default)]
    pub open_alarms: usize,
    /// What does not work, and how to mend it.
    pub faults: Vec<FaultView>,
    /// Counted since the start, errors among them.
    pub counts: BTreeMap<String, u64>,
}

/// The way to the hub.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UplinkView {
    /// `connecting`, `connected`, `waiting`.
    pub state: String,
    /// Since when, RFC 3339.
    pub since: String,
    /// Why it is not connected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Its paths, the most preferred first; empty where there is only one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<PathView>,
}

/// One path to the broker.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PathView {
    /// Its name.
    pub name: String,
    /// `in use`, `works`, `lost`, `not known`.
    pub state: String,
    /// Since when, RFC 3339.
    pub since: String,
    /// Why it is lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// One lane.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct LaneView {
    /// Entries ever committed.
    pub committed: u64,
    /// Entries in batches that wait for a receipt.
    pub in_flight: u64,
    /// Entries that a receipt freed.
    pub released: u64,
    /// How old the oldest entry without a receipt is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oldest_age_s: Option<u64>,
    /// Entries that went, or wait to go, from memory because the disk did not work.
    #[serde(default)]
    pub in_memory: u64,
}

/// One device.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DeviceView {
    /// `waiting`, `listening`, `connected`, `failed`.
    pub link: String,
    /// When it was last heard, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_heard: Option<String>,
    /// Its battery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub battery_percent: Option<u8>,
    /// Whether it should have been heard, and was not.
    #[serde(default)]
    pub missing: bool,
    /// Observations taken from it since the start.
    pub observations: u64,
    /// Frames of it that could not be read, since the start.
    pub refused_frames: u64,
}

/// The disk.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DiskView {
    /// Bytes in the outbox.
    pub outbox_bytes: u64,
    /// Bytes that are free on its file system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub free_bytes: Option<u64>,
    /// `working` or `failing`.
    pub state: String,
}

/// One fault.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FaultView {
    /// What does not work.
    pub what: String,
    /// Why, and how to mend it.
    pub message: String,
    /// Since when, RFC 3339.
    pub since: String,
}

/// Who is asked for a picture.
pub struct Sources<'a> {
    /// The gateway's id.
    pub gateway: &'a str,
    /// When the program started, since boot.
    pub started_ms: u64,
    /// The state directory.
    pub state_directory: &'a std::path::Path,
    /// What is known.
    pub board: &'a Board,
    /// What the clocks are worth.
    pub clocks: &'a Clocks,
    /// What is stored.
    pub store: &'a Store,
}

impl Sources<'_> {
    /// Takes a picture.
    ///
    /// # Errors
    /// Where the store has stopped.
    pub async fn picture(&self) -> Result<Snapshot, StoreError> {
        let depths = self.store.depths().await?;
        let free =
            rustix::fs::statvfs(self.state_directory).ok().map(|fs| fs.f_bavail.saturating_mul(fs.f_frsize));
        Ok(self.board.read(|facts| Snapshot {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            gateway: self.gateway.to_owned(),
            uptime_s: clock::boot_ms().saturating_sub(self.started_ms) / 1000,
            clock_trust: self.clocks.worth().name().to_owned(),
            uplink: UplinkView {
                state: facts.uplink.state.to_owned(),
                since: rfc3339(facts.uplink.since),
                reason: facts.uplink.reason.clone(),
                paths: facts.paths.iter().map(path).collect(),
            },
            lanes: lanes(&depths),
            devices: facts.devices.iter().map(|(name, state)| (name.to_string(), device(state))).collect(),
            disk: DiskView {
                outbox_bytes: depths.size_bytes,
                free_bytes: free,
                state: disk_state(facts).to_owned(),
            },
            open_alarms: facts.open_alarms,
            faults: facts.faults.iter().map(fault).collect(),
            counts: facts.counts.iter().map(|(what, count)| ((*what).to_owned(), *count)).collect(),
        }))
    }
}

/// RFC 3339, UTC.
pub fn rfc3339(time: WallTime) -> String {
    Timestamp::from_millisecond(time.as_unix_millis())
        .map_or_else(|_| "unknown".to_owned(), |t| t.to_string())
}

/// The lanes, by name.
pub fn lanes(depths: &Depths) -> BTreeMap<String, LaneView> {
    let mut lanes: BTreeMap<String, LaneView> = BTreeMap::new();
    for (queue, depth) in Queue::ALL.into_iter().zip(&depths.queues) {
        let lane = lanes.entry(queue.lane().name().to_owned()).or_default();
        let Some(depth) = depth else { continue };
        let age = depth.oldest_made.map(|made| {
            let ms = clock::wall().as_unix_millis().saturating_sub(made.as_unix_millis());
            u64::try_from(ms).unwrap_or_default() / 1000
        });
        lane.committed += depth.committed;
        lane.in_flight += depth.in_batches;
        lane.released += depth.released;
        lane.oldest_age_s = lane.oldest_age_s.max(age);
        if queue == Queue::Memory {
            lane.in_memory = depth.committed;
        }
    }
    lanes
}

fn path(state: &crate::board::PathState) -> PathView {
    PathView {
        name: state.name.clone(),
        state: state.state.to_owned(),
        since: rfc3339(state.since),
        reason: state.reason.clone(),
    }
}

fn device(state: &crate::board::DeviceState) -> DeviceView {
    DeviceView {
        link: state.link.to_owned(),
        last_heard: state.last_heard.map(rfc3339),
        battery_percent: state.battery_percent,
        missing: state.is_missing,
        observations: state.observations,
        refused_frames: state.refused,
    }
}

fn fault((fault, standing): (&crate::board::Fault, &crate::board::Standing)) -> FaultView {
    FaultView { what: fault.to_string(), message: standing.message.clone(), since: rfc3339(standing.since) }
}

fn disk_state(facts: &Facts) -> &'static str {
    if facts.faults.contains_key(&crate::board::Fault::Disk) { "failing" } else { "working" }
}
