//! The command line.
//!
//! - [`line`]: what may be typed

mod line;

use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser as _;
use tracing_subscriber::EnvFilter;

use self::line::{Command, CommandLine, Hub, Keys, WhichBroker};
use crate::error::chain;
use crate::{
    Asked, Broker, BrokerAddress, Directory, Enrol, Error, ListAlarms, ListGateways, Notice, Retire, Show,
    enrol, give_notice, init, list_alarms, list_commands, list_gateways, list_keys, list_troubles,
    retire_keys, serve, show, verify, visit,
};

/// EX_USAGE of `sysexits.h`.
const USAGE: u8 = 64;
/// What is logged unless RUST_LOG says otherwise. What befalls a connection we say ourselves, and once.
const LOGGED: &str = "info,mqtt5=off";

/// The whole program. Whatever fails is said once, on standard error.
pub fn main() -> ExitCode {
    let line = match CommandLine::try_parse() {
        Ok(line) => line,
        Err(e) => {
            let printed = e.print();
            return if e.use_stderr() || printed.is_err() {
                ExitCode::from(USAGE)
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    match run(line) {
        // Whoever reads us has read enough.
        Err(Error::Output(e)) if e.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            // Where standard error is gone too, the exit code has to do.
            let _ = writeln!(io::stderr(), "varde-hub: {}", chain(&e));
            ExitCode::from(e.exit_code())
        }
    }
}

fn run(CommandLine { hub, command }: CommandLine) -> Result<(), Error> {
    match command {
        Command::Init { broker_host } => init(hub.directory()?, &broker_host).map(drop),
        Command::Enrol { gateway, out, signature, again } => {
            let (directory, database) = hub.open()?;
            enrol(&directory, &database, &Enrol { gateway, out, signature, again })
        }
        Command::Serve { broker } => receive(&hub, broker),
        Command::Show { json, since, gateway, incidents } => {
            let (_, database) = hub.open()?;
            let out = &mut BufWriter::new(io::stdout().lock());
            show(&database, &Show { json, since, gateway, incidents }, out)
        }
        Command::Ask { gateway, device, follow, ask } => {
            let (directory, database) = hub.open()?;
            let asked = Asked { gateway, device, ask, follow: follow.into() };
            crate::ask(&directory, &database, &asked, &mut io::stdout().lock())
        }
        Command::Commands { json, gateway } => {
            let (_, database) = hub.open()?;
            list_commands(&database, gateway.as_deref(), json, &mut BufWriter::new(io::stdout().lock()))
        }
        Command::Alarms { say: Some(say), json, .. } => {
            let (directory, database) = hub.open()?;
            let mut notice = Notice::from(say);
            notice.follow.json |= json;
            give_notice(&directory, &database, &notice, &mut io::stdout().lock())
        }
        Command::Alarms { all, gateway, tests, json, say: None } => {
            let (_, database) = hub.open()?;
            let list = ListAlarms { gateway, all, tests, json };
            list_alarms(&database, &list, &mut BufWriter::new(io::stdout().lock()))
        }
        Command::Troubles { gateway, json } => {
            let (_, database) = hub.open()?;
            list_troubles(&database, gateway.as_ref(), json, &mut BufWriter::new(io::stdout().lock()))
        }
        Command::Visit { gateway, staff, follow } => {
            let (directory, database) = hub.open()?;
            let out = &mut io::stdout().lock();
            // The group is required: without minutes they are gone.
            visit(&directory, &database, &gateway, staff.minutes, &follow.into(), out)
        }
        Command::Gateways { json, silent } => {
            let (_, database) = hub.open()?;
            list_gateways(&database, ListGateways { json, silent }, &mut BufWriter::new(io::stdout().lock()))
        }
        Command::Keys { json, change: None } => {
            let (directory, database) = hub.open()?;
            list_keys(&directory, &database, json, &mut BufWriter::new(io::stdout().lock()))
        }
        Command::Keys { change: Some(Keys::New), .. } => {
            let (directory, _) = hub.open()?;
            // A hub whose keys are not where they should be has to have them back first.
            directory.keys()?;
            let number = directory.add_keys()?;
            writeln!(
                io::stdout(),
                "pair {number} is made, below keys/{number}. Keep a copy of it safe before a gateway goes by it: without it, \
                 nobody can read what that sends."
            )
            .map_err(Error::Output)
        }
        Command::Keys { change: Some(Keys::Retire { pair, give_up }), .. } => {
            let (directory, database) = hub.open()?;
            retire_keys(&directory, &database, &Retire { number: pair, give_up })
        }
        Command::Verify { file } => {
            let (directory, database) = hub.open()?;
            let text = verify(&directory, &database, &file)?;
            io::stdout().write_all(text.as_bytes()).map_err(Error::Output)
        }
    }
}

impl Hub {
    fn directory(&self) -> Result<&Path, Error> {
        self.directory.as_deref().ok_or(Error::WhichHub)
    }

    fn open(&self) -> Result<(Directory, PathBuf), Error> {
        let directory = Directory::open(self.directory()?)?;
        let database = self.database.clone().unwrap_or_else(|| directory.database());
        Ok((directory, database))
    }
}

fn receive(hub: &Hub, broker: WhichBroker) -> Result<(), Error> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(LOGGED));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).init();
    let (directory, database) = hub.open()?;
    let broker = match (broker.broker, broker.embedded_broker) {
        (Some(address), _) => Broker::At(address),
        (None, Some(address)) => Broker::Embedded(address),
        // The group is required.
        (None, None) => return Ok(()),
    };
    let runtime = tokio::runtime::Runtime::new().map_err(Error::Runtime)?;
    runtime.block_on(async {
        let stop = stop_signal().map_err(Error::Runtime)?;
        serve(&directory, &database, broker, ready, stop).await
    })
}

/// One line on standard output, for scripts that wait for it.
fn ready(address: &BrokerAddress) {
    let mut out = io::stdout().lock();
    // Nobody may be listening there; the log has it too.
    let _ = writeln!(out, "ready {address}").and_then(|()| out.flush());
    tracing::info!(%address, "ready");
}

fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
    })
}
