//! The gateway of a home: `varde` with its configuration and state.

use std::{
    fmt::Write as _,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitStatus,
    time::Duration,
};

use serde_json::Value;
use tokio::{
    io::AsyncReadExt as _,
    net::UnixStream,
    process::Command,
    time::{Instant, sleep},
};

use super::{Plan, json, run, url};
use crate::sim::{
    SimError,
    bluez::Address,
    programs::{Program, Programs},
};

const START_LIMIT: Duration = Duration::from_secs(60);
const STOP_LIMIT: Duration = Duration::from_secs(30);
/// Between two looks at its status.
const LOOK: Duration = Duration::from_millis(20);

/// A device in the gateway's roster.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Device {
    /// An EnOcean sender, heard through the stick.
    Esp3 {
        /// Its name in the roster.
        name: String,
        /// Its sender id.
        id: [u8; 4],
        /// Its EnOcean Equipment Profile, such as D5-00-01.
        profile: &'static str,
        /// What a rocker is for: `pendant` or `switch`.
        purpose: Option<&'static str>,
    },
    /// A Bluetooth device.
    Ble {
        /// Its name in the roster.
        name: String,
        /// Its address.
        address: Address,
        /// What it speaks, such as `blood-pressure`.
        profile: &'static str,
        /// Further keys of its table, as TOML.
        settings: String,
    },
    /// A Bluetooth sensor that is never connected to.
    Beacon {
        /// Its name in the roster.
        name: String,
        /// Its address.
        address: Address,
        /// The format of its advertisements, such as `bthome`.
        profile: &'static str,
        /// What it is for, such as `pendant`.
        purpose: Option<&'static str>,
        /// The key that its advertisements are encrypted with.
        bind_key: Option<[u8; 16]>,
    },
}

impl Device {
    /// An alarm pendant (EEP F6-02-01).
    pub fn pendant(name: &str, id: [u8; 4]) -> Self {
        Self::Esp3 { name: name.into(), id, profile: "F6-02-01", purpose: Some("pendant") }
    }

    /// A door contact (EEP D5-00-01).
    pub fn contact(name: &str, id: [u8; 4]) -> Self {
        Self::Esp3 { name: name.into(), id, profile: "D5-00-01", purpose: None }
    }

    /// A blood pressure monitor.
    pub fn cuff(name: &str, address: Address) -> Self {
        Self::meter(name, address, "blood-pressure")
    }

    /// A Bluetooth device with one of the gateway's profiles.
    pub fn meter(name: &str, address: Address, profile: &'static str) -> Self {
        Self::Ble { name: name.into(), address, profile, settings: String::new() }
    }

    /// The same with these keys in its table, as TOML. Only a Bluetooth device has any.
    #[must_use]
    pub fn with(self, keys: &str) -> Self {
        match self {
            Self::Ble { name, address, profile, settings } => {
                Self::Ble { name, address, profile, settings: format!("{settings}{keys}\n") }
            }
            Self::Esp3 { .. } | Self::Beacon { .. } => self,
        }
    }

    /// A sensor that advertises in one of the gateway's formats, in the clear.
    pub fn beacon(name: &str, address: Address, profile: &'static str) -> Self {
        Self::Beacon { name: name.into(), address, profile, purpose: None, bind_key: None }
    }

    pub(super) const fn is_bluetooth(&self) -> bool {
        matches!(self, Self::Ble { .. } | Self::Beacon { .. })
    }

    /// Its `[[device]]` table.
    fn table(&self, port: &Path) -> String {
        match self {
            Self::Esp3 { name, id, profile, purpose } => {
                let port = port.display();
                let id: String = id.iter().map(|byte| format!("{byte:02X}")).collect();
                let purpose = purpose.map(|purpose| format!("purpose = '{purpose}'\n")).unwrap_or_default();
                format!(
                    "\n[[device]]\nname = '{name}'\nprotocol = 'esp3'\nport = '{port}'\nid = '{id}'\n\
                     profile = '{profile}'\nforward = 'everything'\n{purpose}"
                )
            }
            Self::Ble { name, address, profile, settings } => ble_table(name, *address, profile) + settings,
            Self::Beacon { name, address, profile, purpose, bind_key } => {
                let purpose = purpose.map(|purpose| format!("purpose = '{purpose}'\n")).unwrap_or_default();
                let bind_key =
                    bind_key.map(|key| format!("bind_key = '{:032x}'\n", u128::from_be_bytes(key)));
                ble_table(name, *address, profile)
                    + "forward = 'everything'\n"
                    + &purpose
                    + &bind_key.unwrap_or_default()
            }
        }
    }
}

fn ble_table(name: &str, address: Address, profile: &str) -> String {
    format!("\n[[device]]\nname = '{name}'\nprotocol = 'ble'\naddress = '{address}'\nprofile = '{profile}'\n")
}

/// What a gateway finds where it is installed.
pub(super) struct Site<'a> {
    pub(super) root: &'a Path,
    pub(super) broker: SocketAddr,
    pub(super) credentials: PathBuf,
    pub(super) port: &'a Path,
    pub(super) bus: Option<String>,
}

/// `varde`, running or not. What it has committed stays when it ends.
#[derive(Debug)]
pub struct Gateway {
    programs: &'static Programs,
    configuration: PathBuf,
    credentials: PathBuf,
    state: PathBuf,
    clock_marker: PathBuf,
    bus: Option<String>,
    body: PathBuf,
    look_every: Option<Duration>,
    apart: bool,
    log: PathBuf,
    /// `None` while it does not run.
    program: Option<Program>,
}

impl Gateway {
    /// Writes its configuration.
    pub(super) fn install(
        programs: &'static Programs,
        site: &Site<'_>,
        plan: &Plan,
    ) -> Result<Self, SimError> {
        let root = site.root;
        let gateway = Self {
            programs,
            configuration: root.join("config.d"),
            credentials: site.credentials.clone(),
            state: root.join("state"),
            clock_marker: root.join("clock-synchronised"),
            bus: site.bus.clone(),
            body: root.join("body"),
            look_every: None,
            apart: plan.apart,
            log: root.join("gateway.log"),
            program: None,
        };
        let writing = || SimError::io("writing the gateway's configuration");
        std::fs::create_dir(&gateway.configuration).map_err(writing())?;
        std::fs::write(&gateway.clock_marker, "").map_err(writing())?;
        gateway.configure("10-home.toml", &gateway.settings(site, plan))?;
        if !plan.settings.is_empty() {
            gateway.configure("20-plan.toml", &plan.settings)?;
        }
        Ok(gateway)
    }

    /// Writes a drop-in of its configuration, anew where there is one of that name. It holds from the next start on;
    /// later names override earlier ones. The home's own is `10-home.toml`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn configure(&self, name: &str, toml: &str) -> Result<(), SimError> {
        let path = self.configuration.join(name);
        std::fs::write(&path, toml).map_err(SimError::io(format!("writing {}", path.display())))
    }

    /// Starts it and waits until it answers `varde status`. One that runs is left alone.
    ///
    /// # Errors
    /// When it ends instead, or does not answer within a minute.
    pub async fn start(&mut self) -> Result<(), SimError> {
        self.launch()?;
        let Some(mut program) = self.program.take() else { return Ok(()) };
        let answers = async || self.status().await.is_ok();
        let answered = program.wait_until("answering", START_LIMIT, answers).await;
        self.program = Some(program);
        answered
    }

    /// Starts it and waits for nothing. One that runs is left alone.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn launch(&mut self) -> Result<(), SimError> {
        if let Some(program) = &mut self.program
            && program.ended()?.is_none()
        {
            return Ok(());
        }
        let mut command = self.command();
        command.arg("run").arg("--config").arg(&self.configuration);
        // A service manager around the tests is not around the gateway.
        command.env_remove("JOURNAL_STREAM").env_remove("NOTIFY_SOCKET").env_remove("WATCHDOG_USEC");
        // The meters' clocks are.
        command.env("TZ", "UTC");
        // How warm this machine is, or how short of memory, is no business of a scenario's.
        command.env("VARDE_VITALS_ROOT", &self.body);
        if let Some(every) = self.look_every {
            command.env("VARDE_VITALS_EVERY_MS", every.as_millis().to_string());
        }
        if let Some(bus) = &self.bus {
            command.env("DBUS_SYSTEM_BUS_ADDRESS", bus);
        }
        self.program = Some(Program::start(command, &self.log)?);
        Ok(())
    }

    /// Asks it to end (SIGTERM), waits and tells how it ended; `None` where it did not run.
    ///
    /// # Errors
    /// When it does not end within half a minute.
    pub async fn stop(&mut self) -> Result<Option<ExitStatus>, SimError> {
        match self.program.take() {
            Some(mut program) => program.stop(STOP_LIMIT).await.map(Some),
            None => Ok(None),
        }
    }

    /// Kills it (SIGKILL). One that does not run is left alone.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub async fn kill(&mut self) -> Result<(), SimError> {
        match self.program.take() {
            Some(mut program) => program.kill().await,
            None => Ok(()),
        }
    }

    /// Its process, for measuring; `None` while it does not run.
    pub const fn program(&self) -> Option<&Program> {
        self.program.as_ref()
    }

    /// What `varde status --json` prints.
    ///
    /// # Errors
    /// When the command fails, as it does while the gateway does not run, or prints something else.
    pub async fn status(&self) -> Result<Value, SimError> {
        let text = run(self.command().args(["status", "--json", "--state"]).arg(&self.state)).await?;
        json("varde status", &text)
    }

    /// The same picture straight from its socket: for those who measure, as it starts no program.
    ///
    /// # Errors
    /// When nobody answers there, or something else does.
    pub async fn glance(&self) -> Result<Value, SimError> {
        let asking = || SimError::io(format!("asking the gateway in {}", self.state.display()));
        let mut stream = UnixStream::connect(self.state.join("status.sock")).await.map_err(asking())?;
        let mut text = String::new();
        stream.read_to_string(&mut text).await.map_err(asking())?;
        json("the gateway's status", &text)
    }

    /// Looks at its status until `enough` holds; gives the status that did.
    ///
    /// # Errors
    /// When the limit passes, or the gateway does not run.
    pub async fn wait_for(
        &self,
        what: &str,
        limit: Duration,
        mut enough: impl FnMut(&Value) -> bool,
    ) -> Result<Value, SimError> {
        let until = Instant::now() + limit;
        loop {
            let status = self.status().await?;
            if enough(&status) {
                return Ok(status);
            }
            if Instant::now() >= until {
                return Err(SimError::TooLate { what: format!("in the gateway's status: {what}"), limit });
            }
            sleep(LOOK).await;
        }
    }

    /// A `varde` command, for what has no method here; it brings no arguments.
    pub fn command(&self) -> Command {
        let mut command = self.programs.varde();
        if self.apart {
            command.process_group(0);
        }
        command
    }

    /// Its configuration directory.
    pub fn configuration(&self) -> &Path {
        &self.configuration
    }

    /// Its credentials, as `varde-hub enrol` wrote them.
    pub fn credentials(&self) -> &Path {
        &self.credentials
    }

    /// Its state directory.
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// The database of what it has committed.
    pub fn outbox(&self) -> PathBuf {
        self.state.join("outbox.db")
    }

    /// Writes what the kernel tells of the box that it runs on: a file of `proc` or `sys`, such as
    /// `sys/class/thermal/thermal_zone0/temp`. There is none to begin with.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn feels(&self, file: &str, text: &str) -> Result<(), SimError> {
        let path = self.body.join(file);
        let folder = path.parent().unwrap_or(&self.body);
        std::fs::create_dir_all(folder)
            .and_then(|()| std::fs::write(&path, text))
            .map_err(SimError::io(format!("writing {}", path.display())))
    }

    /// How often it looks at its box, from the next start on; once a minute unless it is told otherwise.
    pub const fn looks_every(&mut self, every: Duration) {
        self.look_every = Some(every);
    }

    /// The file that tells it that its clock is synchronised. It exists unless it is removed.
    pub fn clock_marker(&self) -> &Path {
        &self.clock_marker
    }

    /// Everything it has logged, in all its runs.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn log(&self) -> Result<String, SimError> {
        let bytes =
            std::fs::read(&self.log).map_err(SimError::io(format!("reading {}", self.log.display())))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn settings(&self, site: &Site<'_>, plan: &Plan) -> String {
        let [state, credentials, marker] =
            [&self.state, &site.credentials, &self.clock_marker].map(|path| path.display());
        let broker = url(site.broker);
        let mut toml = format!(
            "state_directory = '{state}'\n\n\
             [uplink]\nbroker = '{broker}'\ncredentials = '{credentials}'\nkeep_alive_s = 5\n\n\
             [clock]\nsynchronised_marker = '{marker}'\n"
        );
        for device in &plan.devices {
            // Writing to a String cannot fail.
            let _ = toml.write_str(&device.table(site.port));
        }
        toml
    }
}
