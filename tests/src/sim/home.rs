//! A whole home: the real gateway, the real hub and a broker between them, with simulated devices and a network.
//!
//! ```no_run
//! # use std::time::Duration;
//! # use varde_tests::sim::{SimError, enocean::{Rocker, Telegram}, home::{Device, Home, Plan}};
//! # async fn example() -> Result<(), SimError> {
//! const PENDANT: [u8; 4] = [0xFE, 0xFB, 0x9A, 0x1C];
//! let plan = Plan { devices: vec![Device::pendant("pendant-1", PENDANT)], ..Plan::default() };
//! let mut home = Home::start(plan).await?;
//! home.stick.hear(&Telegram::pressed(PENDANT, Rocker::Ai)).await?;
//! home.hub.wait_for("the alarm", Duration::from_secs(30), |seen| seen.len() == 1).await?;
//! home.network.cut();
//! home.gateway.kill().await?;
//! home.gateway.start().await?;
//! # Ok(())
//! # }
//! ```
//!
//! Everything lives in a folder of its own, which goes with the [`Home`]. Where a test panics the folder stays, and
//! the ends of the logs go to standard error.

mod everyday;
mod gateway;
mod hub;
mod ledger;

use std::{
    io::Write as _,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Output,
    time::Duration,
};

use tempfile::TempDir;
use tokio::process::Command;

use self::gateway::Site;
pub use self::{
    everyday::{DOOR, PENDANT, alarms, doors, fault, technical_faults},
    gateway::{Device, Gateway},
    hub::Hub,
    ledger::{Committed, copy_database},
};
use super::{
    SimError,
    bluez::{Bluez, Systemd},
    broker::{self, Broker, Credentials},
    bus::Bus,
    enocean::Usb300,
    network::Network,
    programs::Programs,
};

/// How many lines of each log a failing test shows.
const LAST_LINES: usize = 60;

/// What the home is to be.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The gateway's id.
    pub gateway: String,
    /// Its devices. A fake BlueZ runs where one of them speaks Bluetooth.
    pub devices: Vec<Device>,
    /// The broker.
    pub broker: WhichBroker,
    /// Whether the gateway reaches the broker without [`Home::network`] between.
    pub direct: bool,
    /// Decides the network's jitter.
    pub seed: u64,
    /// Whether gateway, hub and D-Bus stay out of reach of the terminal's Ctrl-C. Killed without a chance to end them, we
    /// leave them running then.
    pub apart: bool,
    /// Further configuration, as TOML; it overrides the home's own.
    pub settings: String,
}

/// Which broker stands between gateway and hub.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum WhichBroker {
    /// The one within `varde-hub`: it comes and goes with the hub.
    #[default]
    Embedded,
    /// mosquitto, in [`Home::mosquitto`]. It must be installed: [`Broker::available`].
    Mosquitto,
}

impl Default for Plan {
    /// A gateway `gw-1` without devices, behind the network, with the embedded broker.
    fn default() -> Self {
        Self {
            gateway: "gw-1".into(),
            devices: Vec::new(),
            broker: WhichBroker::default(),
            direct: false,
            seed: 0,
            apart: false,
            settings: String::new(),
        }
    }
}

/// The home and the way out of it. Dropping it ends everything.
#[derive(Debug)]
pub struct Home {
    /// `varde run`.
    pub gateway: Gateway,
    /// `varde-hub serve`.
    pub hub: Hub,
    /// mosquitto, where the plan asked for it.
    pub mosquitto: Option<Broker>,
    /// Where the broker listens, beyond the network.
    pub broker: SocketAddr,
    /// What the gateway reaches the broker through, unless the plan says `direct`.
    pub network: Network,
    /// The EnOcean stick, plugged in; the plan's EnOcean devices are heard through it.
    pub stick: Usb300,
    /// Where the plan has Bluetooth devices.
    pub bluetooth: Option<Bluetooth>,
    /// Last, so that it outlives those who write into it.
    directory: TempDir,
}

/// The air between the Bluetooth devices and the gateway.
#[derive(Debug)]
pub struct Bluetooth {
    /// bluetoothd and the adapter.
    pub bluez: Bluez,
    /// Who restarts bluetoothd when the gateway asks for it.
    pub systemd: Systemd,
    /// What the gateway takes for the system's D-Bus.
    pub bus: Bus,
}

impl Home {
    /// A home in which hub and gateway run; see [`Home::prepare`].
    ///
    /// # Errors
    /// As [`Home::prepare`], [`Hub::start`] and [`Gateway::start`].
    pub async fn start(plan: Plan) -> Result<Self, SimError> {
        let mut home = Self::prepare(plan).await?;
        home.hub.start().await?;
        home.gateway.start().await?;
        Ok(home)
    }

    /// A home in which everything is set up and neither hub nor gateway runs yet. mosquitto does, where it is
    /// asked for. The gateway takes the clock for synchronised while [`Gateway::clock_marker`] exists, as it does.
    ///
    /// # Errors
    /// When the programs cannot be built, something the plan needs is not installed, or a piece cannot be set up.
    pub async fn prepare(plan: Plan) -> Result<Self, SimError> {
        let programs = Programs::built().await?;
        let directory = tempfile::Builder::new()
            .prefix("varde-home-")
            .tempdir()
            .map_err(SimError::io("making a folder for the home"))?;
        let root = directory.path();
        let mut hub = Hub::init(programs, &root.join("hub"), &root.join("hub.log"), plan.apart).await?;
        let credentials = root.join("credentials");
        hub.enrol(&plan.gateway, &credentials).await?;
        let mosquitto = match plan.broker {
            WhichBroker::Embedded => None,
            WhichBroker::Mosquitto => {
                Some(Broker::start(root, &Credentials::in_dir(&hub.broker_files())).await?)
            }
        };
        let broker = match &mosquitto {
            Some(mosquitto) => hub.hears(mosquitto.address()),
            None => hub.embeds(broker::free_address()?),
        };
        let network = Network::to(broker, plan.seed)?;
        let stick = Usb300::plug_in(&root.join("ttyUSB0"))?;
        let bluetooth = if plan.devices.iter().any(Device::is_bluetooth) {
            let bus = Bus::launch(root, plan.apart).await?;
            let bluez = Bluez::start(&bus).await?;
            let systemd = Systemd::start(&bus, &bluez).await?;
            Some(Bluetooth { bluez, systemd, bus })
        } else {
            None
        };
        let site = Site {
            root,
            broker: if plan.direct { broker } else { network.address() },
            credentials,
            port: stick.path(),
            bus: bluetooth.as_ref().map(|bluetooth| bluetooth.bus.address().to_owned()),
        };
        let gateway = Gateway::install(programs, &site, &plan)?;
        Ok(Self { gateway, hub, mosquitto, broker, network, stick, bluetooth, directory })
    }

    /// Where everything lies.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Waits until the hub has receipted all that the gateway has committed so far.
    ///
    /// # Errors
    /// When that does not happen within the limit, or the gateway does not run.
    pub async fn drained(&self, limit: Duration) -> Result<(), SimError> {
        let nothing_waits = |status: &serde_json::Value| backlog(status) == 0;
        self.gateway.wait_for("an empty outbox", limit, nothing_waits).await.map(drop)
    }

    /// The ends of all logs.
    pub fn logs(&self) -> String {
        let mut text = String::new();
        for log in self.log_files() {
            let bytes = std::fs::read(&log).unwrap_or_default();
            let whole = String::from_utf8_lossy(&bytes);
            let lines: Vec<_> = whole.lines().collect();
            let last = lines.get(lines.len().saturating_sub(LAST_LINES)..).unwrap_or_default();
            text += &format!("--- {} ---\n{}\n", log.display(), last.join("\n"));
        }
        text
    }

    fn log_files(&self) -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(self.directory()) else { return Vec::new() };
        let mut logs: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        logs.retain(|path| path.extension().is_some_and(|extension| extension == "log"));
        logs.sort();
        logs
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.directory.disable_cleanup(true);
            // A closed standard error leaves the logs in the folder.
            let _ = writeln!(std::io::stderr(), "{}", self.logs());
        }
    }
}

/// How many entries of a gateway's status wait for a receipt.
pub fn backlog(status: &serde_json::Value) -> u64 {
    let lanes = status.get("lanes").and_then(serde_json::Value::as_object);
    let count =
        |lane: &serde_json::Value, key: &str| lane.get(key).and_then(serde_json::Value::as_u64).unwrap_or(0);
    lanes
        .into_iter()
        .flatten()
        .map(|(_, lane)| count(lane, "committed").saturating_sub(count(lane, "released")))
        .sum()
}

/// Runs a command of `varde` or `varde-hub` to its end and gives what it printed.
async fn run(command: &mut Command) -> Result<String, SimError> {
    let program = command.as_std().get_program().to_string_lossy().into_owned();
    let output = command.kill_on_drop(true).output().await;
    let Output { status, stdout, stderr } = output.map_err(SimError::io(format!("running {program}")))?;
    if status.success() {
        return Ok(String::from_utf8_lossy(&stdout).into_owned());
    }
    Err(SimError::Refused { program, status, said: String::from_utf8_lossy(&stderr).trim_end().to_owned() })
}

fn url(address: SocketAddr) -> String {
    format!("mqtts://{address}")
}

fn json(what: &str, text: &str) -> Result<serde_json::Value, SimError> {
    serde_json::from_str(text).map_err(|_| SimError::Unexpected {
        what: what.to_owned(),
        expected: "JSON",
        got: text.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::enocean::{Rocker, Telegram};

    const LIMIT: Duration = Duration::from_secs(60);
    const PENDANT: [u8; 4] = [0xFE, 0xFB, 0x9A, 0x1C];

    async fn a_pressed_pendant_reaches_the_hub(broker: WhichBroker) {
        let devices = vec![Device::pendant("pendant-1", PENDANT)];
        let mut home = Home::start(Plan { broker, devices, ..Plan::default() }).await.unwrap();
        home.stick.opened().await.unwrap();
        assert!(home.stick.hear(&Telegram::pressed(PENDANT, Rocker::Ai)).await.unwrap());
        let seen = home.hub.wait_for("the alarm", LIMIT, |seen| !seen.is_empty()).await.unwrap();
        assert_eq!(seen[0]["device"], "pendant-1");
        home.drained(LIMIT).await.unwrap();

        home.hub.stop().await.unwrap();
        home.gateway.kill().await.unwrap();
        home.gateway.start().await.unwrap();
        home.hub.start().await.unwrap();
        home.drained(LIMIT).await.unwrap();
        assert_eq!(home.hub.show(0).await.unwrap(), seen);
        assert!(home.gateway.stop().await.unwrap().unwrap().success());
    }

    #[tokio::test]
    async fn a_home_lives_with_the_embedded_broker() {
        a_pressed_pendant_reaches_the_hub(WhichBroker::Embedded).await;
    }

    #[tokio::test]
    async fn a_home_lives_with_mosquitto() {
        if !Broker::available() {
            println!("skipped: mosquitto is not installed");
            return;
        }
        a_pressed_pendant_reaches_the_hub(WhichBroker::Mosquitto).await;
    }
}
