//! The hub of a home: `varde-hub` with its directory.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Output,
    time::Duration,
};

use serde_json::Value;
use tokio::{
    process::Command,
    time::{Instant, sleep},
};

use super::{json, run, url};
use crate::sim::{
    SimError,
    programs::{Program, Programs},
};

const START_LIMIT: Duration = Duration::from_secs(60);
const STOP_LIMIT: Duration = Duration::from_secs(30);
/// Between two looks into what it has received.
const LOOK: Duration = Duration::from_millis(20);

/// `varde-hub`, running or not. What it has received stays when it ends.
#[derive(Debug)]
pub struct Hub {
    programs: &'static Programs,
    directory: PathBuf,
    log: PathBuf,
    /// `--broker URL` or `--embedded-broker ADDRESS`.
    broker: [String; 2],
    apart: bool,
    /// `None` while it does not run.
    program: Option<Program>,
}

impl Hub {
    /// Makes a hub with `varde-hub init`.
    pub(super) async fn init(
        programs: &'static Programs,
        directory: &Path,
        log: &Path,
        apart: bool,
    ) -> Result<Self, SimError> {
        let mut command = programs.varde_hub();
        command.arg("init").arg("--directory").arg(directory);
        command.args(["--broker-host", "127.0.0.1", "--broker-host", "localhost"]);
        run(&mut command).await?;
        let (directory, log) = (directory.to_owned(), log.to_owned());
        Ok(Self { programs, directory, log, broker: Default::default(), apart, program: None })
    }

    /// Enrols a gateway: `out` then holds its credentials.
    ///
    /// # Errors
    /// When the hub refuses, as it does for one it knows.
    pub async fn enrol(&self, gateway: &str, out: &Path) -> Result<(), SimError> {
        let mut command = self.command("enrol");
        command.arg(gateway).arg("--out").arg(out);
        run(&mut command).await.map(drop)
    }

    /// Lets it use the broker at `address`, which is given back.
    pub(super) fn hears(&mut self, address: SocketAddr) -> SocketAddr {
        self.broker = ["--broker".into(), url(address)];
        address
    }

    /// Lets it be the broker at `address`, which is given back.
    pub(super) fn embeds(&mut self, address: SocketAddr) -> SocketAddr {
        self.broker = ["--embedded-broker".into(), address.to_string()];
        address
    }

    /// Starts it and waits until it hears both lanes. One that runs is left alone.
    ///
    /// # Errors
    /// When it ends instead, or its broker cannot be reached within a minute.
    pub async fn start(&mut self) -> Result<(), SimError> {
        let Some(seen) = self.spawn()? else { return Ok(()) };
        let log = self.log.clone();
        let ready = async || times_ready(&log) > seen;
        match &mut self.program {
            Some(program) => program.wait_until("ready", START_LIMIT, ready).await,
            None => Ok(()),
        }
    }

    /// Starts it and waits for nothing: its broker may be away. One that runs is left alone.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn launch(&mut self) -> Result<(), SimError> {
        self.spawn().map(drop)
    }

    /// Asks it to end and waits. One that does not run is left alone.
    ///
    /// # Errors
    /// When it does not end within half a minute.
    pub async fn stop(&mut self) -> Result<(), SimError> {
        match self.program.take() {
            Some(mut program) => program.stop(STOP_LIMIT).await.map(drop),
            None => Ok(()),
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

    /// Every observation received with `n` above `since`, in the order it came.
    ///
    /// # Errors
    /// As [`Hub::show_all`].
    pub async fn show(&self, since: u64) -> Result<Vec<Value>, SimError> {
        let mut lines = self.show_all(since).await?;
        lines.retain(|line| line.get("report").is_none());
        Ok(lines)
    }

    /// What the gateway came to by itself, with `n` above `since`, in the order it came.
    ///
    /// # Errors
    /// As [`Hub::show_all`].
    pub async fn reports(&self, since: u64) -> Result<Vec<Value>, SimError> {
        let mut lines = self.show_all(since).await?;
        lines.retain(|line| line.get("report").is_some());
        Ok(lines)
    }

    /// What `varde-hub show --json` prints: observations and reports with `n` above `since`, in the order they came.
    ///
    /// # Errors
    /// When the command fails or prints something else.
    pub async fn show_all(&self, since: u64) -> Result<Vec<Value>, SimError> {
        let mut command = self.command("show");
        command.args(["--json", "--since", &since.to_string()]);
        let text = run(&mut command).await?;
        text.lines().map(|line| json("varde-hub show", line)).collect()
    }

    /// What `varde-hub alarms --json` prints with these options.
    ///
    /// # Errors
    /// When the command fails or prints something else.
    pub async fn alarms(&self, options: &[&str]) -> Result<Vec<Value>, SimError> {
        let text = run(self.command("alarms").arg("--json").args(options)).await?;
        text.lines().map(|line| json("varde-hub alarms", line)).collect()
    }

    /// What `varde-hub show --incidents --json` prints.
    ///
    /// # Errors
    /// As [`Hub::show`].
    pub async fn incidents(&self) -> Result<Vec<Value>, SimError> {
        let text = run(self.command("show").args(["--json", "--incidents"])).await?;
        text.lines().map(|line| json("varde-hub show --incidents", line)).collect()
    }

    /// What `varde-hub gateways --json` prints of its only gateway, and its exit code.
    ///
    /// # Errors
    /// When the command cannot be run or prints something else.
    pub async fn gateway(&self) -> Result<(Value, i32), SimError> {
        let mut command = self.command("gateways");
        let output = command.arg("--json").kill_on_drop(true).output().await;
        let output = output.map_err(SimError::io("running varde-hub gateways"))?;
        let line = json("varde-hub gateways", &String::from_utf8_lossy(&output.stdout))?;
        Ok((line, output.status.code().unwrap_or(-1)))
    }

    /// Looks at its only gateway until `enough` holds; gives what was listed then.
    ///
    /// # Errors
    /// When the limit passes or [`Hub::gateway`] fails.
    pub async fn wait_for_gateway(
        &self,
        what: &str,
        limit: Duration,
        mut enough: impl FnMut(&Value, i32) -> bool,
    ) -> Result<Value, SimError> {
        let until = Instant::now() + limit;
        loop {
            let (line, code) = self.gateway().await?;
            if enough(&line, code) {
                return Ok(line);
            }
            if Instant::now() >= until {
                return Err(SimError::TooLate { what: format!("at the hub: {what}, but {line}"), limit });
            }
            sleep(LOOK).await;
        }
    }

    /// How `varde-hub command` with these words ends, and what it prints.
    ///
    /// # Errors
    /// When it cannot be run.
    pub async fn ask(&self, words: &[&str]) -> Result<Output, SimError> {
        let mut command = self.command("command");
        let output = command.args(words).kill_on_drop(true).output().await;
        output.map_err(SimError::io("running varde-hub command"))
    }

    /// What `varde-hub commands --json` prints.
    ///
    /// # Errors
    /// When the command fails or prints something else.
    pub async fn commands(&self) -> Result<Vec<Value>, SimError> {
        let text = run(self.command("commands").arg("--json")).await?;
        text.lines().map(|line| json("varde-hub commands", line)).collect()
    }

    /// Waits until it knows that a command of its only gateway came that far.
    ///
    /// # Errors
    /// When it ended otherwise, the limit passes or [`Hub::commands`] fails.
    pub async fn wait_for_command(&self, number: u64, stage: &str, limit: Duration) -> Result<(), SimError> {
        let until = Instant::now() + limit;
        loop {
            let line = self.commands().await?.into_iter().find(|line| line["number"] == number);
            if line.as_ref().is_some_and(|line| line["stage"] == stage) {
                return Ok(());
            }
            let ended = line.as_ref().and_then(|line| line["stage"].as_str());
            let ended =
                ended.is_some_and(|word| ["done", "refused", "expired", "unanswered"].contains(&word));
            if ended || Instant::now() >= until {
                let what = format!("at the hub: command {number} {stage}, but {line:?}");
                return Err(SimError::TooLate { what, limit });
            }
            sleep(LOOK).await;
        }
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

    /// Looks into all it has received until `enough` holds; gives what it saw then. It may be down meanwhile.
    ///
    /// # Errors
    /// When the limit passes or `show` fails.
    pub async fn wait_for(
        &self,
        what: &str,
        limit: Duration,
        mut enough: impl FnMut(&[Value]) -> bool,
    ) -> Result<Vec<Value>, SimError> {
        let until = Instant::now() + limit;
        let mut seen = Vec::new();
        loop {
            let since = seen.last().and_then(|last: &Value| last.get("n")?.as_u64()).unwrap_or_default();
            seen.extend(self.show(since).await?);
            if enough(&seen) {
                return Ok(seen);
            }
            if Instant::now() >= until {
                return Err(SimError::TooLate { what: format!("at the hub: {what}"), limit });
            }
            sleep(LOOK).await;
        }
    }

    /// Its directory, as `varde-hub --directory` takes it.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Its database.
    pub fn database(&self) -> PathBuf {
        self.directory.join("hub.db")
    }

    /// Certificates and access list for a broker.
    pub(super) fn broker_files(&self) -> PathBuf {
        self.directory.join("broker")
    }

    /// How often it had been ready before, if it was started now.
    fn spawn(&mut self) -> Result<Option<usize>, SimError> {
        if let Some(program) = &mut self.program
            && program.ended()?.is_none()
        {
            return Ok(None);
        }
        let seen = times_ready(&self.log);
        let mut command = self.command("serve");
        command.args(&self.broker);
        self.program = Some(Program::start(command, &self.log)?);
        Ok(Some(seen))
    }

    /// A command of `varde-hub` on this hub, for what has no method here; it brings its verb and its directory.
    pub fn command(&self, verb: &str) -> Command {
        let mut command = self.programs.varde_hub();
        command.arg(verb).arg("--directory").arg(&self.directory);
        if self.apart {
            command.process_group(0);
        }
        command
    }
}

/// How often the log, which all runs share, says that the hub is ready.
fn times_ready(log: &Path) -> usize {
    let bytes = std::fs::read(log).unwrap_or_default();
    String::from_utf8_lossy(&bytes).lines().filter(|line| line.starts_with("ready mqtts://")).count()
}
