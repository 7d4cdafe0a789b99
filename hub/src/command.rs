//! The command line.

use std::io::{self, BufWriter, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use tracing_subscriber::EnvFilter;
use varde_wire::{DeviceId, GatewayId};

use crate::error::chain;
use crate::{
    Ask, Asked, Broker, BrokerAddress, Directory, Enrol, Error, Follow, ListAlarms, ListGateways, Notice,
    Retire, Says, Show, Signature, enrol, give_notice, init, list_alarms, list_commands, list_gateways,
    list_keys, list_troubles, retire_keys, serve, show, verify, visit,
};

/// EX_USAGE of `sysexits.h`.
const USAGE: u8 = 64;
/// What is logged unless RUST_LOG says otherwise. What befalls a connection we say ourselves, and once.
const LOGGED: &str = "info,mqtt5=off";

/// The receiving end of Varde: verifies what gateways send, opens it, stores it, gives receipts.
#[derive(Parser)]
#[command(name = "varde-hub", version)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Makes a hub: its keys, its certificate authority and the files of its broker.
    Init {
        /// Where the hub is to live.
        #[arg(long)]
        directory: PathBuf,
        /// A name or address that gateways reach the broker by; may be given several times.
        #[arg(long, required = true, num_args = 1.., value_name = "NAME_OR_IP")]
        broker_host: Vec<String>,
    },
    /// Gives a gateway its id, its certificate and its keys.
    Enrol {
        #[command(flatten)]
        hub: Hub,
        /// The gateway's id: a-z, 0-9, '-', '.' and '_'. Never a person's name.
        gateway: GatewayId,
        /// Where its credentials are written to.
        #[arg(long, value_name = "CREDENTIALS_DIR")]
        out: PathBuf,
        /// What it signs with.
        #[arg(long, value_enum, default_value_t)]
        signature: Signature,
        /// New keys for one that is enrolled; its old ones are not believed from then on.
        #[arg(long)]
        again: bool,
    },
    /// Receives.
    Serve {
        #[command(flatten)]
        hub: Hub,
        #[command(flatten)]
        broker: WhichBroker,
    },
    /// Shows what was received.
    Show {
        #[command(flatten)]
        hub: Hub,
        /// A JSON object a line.
        #[arg(long)]
        json: bool,
        /// Only observations with n above this.
        #[arg(long, default_value_t = 0, value_name = "N")]
        since: i64,
        /// Only this gateway's.
        #[arg(long, value_name = "ID")]
        gateway: Option<String>,
        /// What was refused, missing, given up or did not open.
        #[arg(long)]
        incidents: bool,
    },
    /// Asks something of a gateway or one of its devices, and shows how far it comes. Exits with 0 when it is done, 69
    /// when it is refused, 75 when its time was over first. A running `serve` sends it.
    #[command(name = "command")]
    Ask {
        #[command(flatten)]
        hub: Hub,
        /// Which gateway.
        gateway: GatewayId,
        /// Which of its devices; 'gateway' for the gateway itself.
        device: DeviceId,
        #[command(flatten)]
        follow: Following,
        #[command(subcommand)]
        ask: Ask,
    },
    /// Lists what was asked, and how far it came.
    Commands {
        #[command(flatten)]
        hub: Hub,
        /// A JSON object a line.
        #[arg(long)]
        json: bool,
        /// Only this gateway's.
        #[arg(long, value_name = "ID")]
        gateway: Option<String>,
    },
    /// Lists the alarms that are open, the most serious and oldest first; or tells a gateway what a person says of one.
    Alarms {
        #[command(flatten)]
        hub: Hub,
        /// Those that are held back or over too.
        #[arg(long)]
        all: bool,
        /// Only this gateway's.
        #[arg(long, value_name = "ID")]
        gateway: Option<GatewayId>,
        /// Test alarms, over or not, and no others.
        #[arg(long)]
        tests: bool,
        /// A JSON object a line.
        #[arg(long)]
        json: bool,
        #[command(subcommand)]
        say: Option<Say>,
    },
    /// Lists what is wrong with devices. Many of one cause, such as a power cut, are one story.
    Troubles {
        #[command(flatten)]
        hub: Hub,
        /// Only this gateway's.
        #[arg(long, value_name = "ID")]
        gateway: Option<GatewayId>,
        /// A JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Tells a gateway that staff is in the home, or gone: what they are there for is no alarm meanwhile. Calls for
    /// help and dangers to life always are.
    Visit {
        #[command(flatten)]
        hub: Hub,
        /// Which gateway.
        gateway: GatewayId,
        #[command(flatten)]
        staff: Staff,
        #[command(flatten)]
        follow: Following,
    },
    /// Lists the gateways, and which of them are silent. Exits with 0 when none is, 2 when one is, 3 when no running
    /// `serve` hears them.
    Gateways {
        #[command(flatten)]
        hub: Hub,
        /// A JSON object a line.
        #[arg(long)]
        json: bool,
        /// Only those that are silent.
        #[arg(long)]
        silent: bool,
    },
    /// Lists the hub's pairs of keys and which gateways go by which; or makes a pair, or retires one.
    Keys {
        #[command(flatten)]
        hub: Hub,
        /// A JSON object a line.
        #[arg(long)]
        json: bool,
        #[command(subcommand)]
        change: Option<Keys>,
    },
    /// Says what a file of signed bytes is, and whether it is to be believed.
    Verify {
        #[command(flatten)]
        hub: Hub,
        /// A signed batch or receipt, as it travelled.
        file: PathBuf,
    },
}

/// A change of the hub's keys.
#[derive(Subcommand)]
enum Keys {
    /// Makes a pair. Gateways go over to it when they are told: `varde-hub command GATEWAY gateway hub-key`.
    New,
    /// Destroys a pair that no gateway needs any more.
    Retire {
        /// The pair's number.
        pair: u32,
        /// A gateway that may need it and does not come back; may be given several times. It has to be enrolled again.
        #[arg(long, value_name = "GATEWAY")]
        give_up: Vec<GatewayId>,
    },
}

/// What a person says of an alarm.
#[derive(Subcommand)]
enum Say {
    /// Somebody has seen it, and deals with it: the person at home is told.
    Seen(Which),
    /// It is dealt with, and over.
    End(Closing),
    /// It was a false alarm, and is over.
    False(Closing),
}

#[derive(Args)]
struct Which {
    /// Whose alarm.
    gateway: GatewayId,
    /// The alarm's number, as the list shows it.
    number: u64,
    #[command(flatten)]
    follow: Following,
}

#[derive(Args)]
struct Closing {
    #[command(flatten)]
    which: Which,
    /// Closes it in this list alone, without its gateway: for one that is gone, or has forgotten it.
    #[arg(long)]
    only_here: bool,
}

/// How a command is sent, and waited for.
#[derive(Args)]
struct Following {
    /// How long it is valid, such as 90s, 10m or 2d: 5 minutes, a plan 7 days, unless said otherwise.
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    valid: Option<i64>,
    /// Does not wait for what becomes of it.
    #[arg(long)]
    no_wait: bool,
    /// A JSON object a step.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Staff {
    /// They are there, for so many minutes at the most: 1 to 480.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=480))]
    minutes: Option<u16>,
    /// They are gone.
    #[arg(long)]
    over: bool,
}

#[derive(Args)]
struct Hub {
    /// Where the hub lives.
    #[arg(long)]
    directory: PathBuf,
    /// Its database, if that is not in its directory.
    #[arg(long, value_name = "FILE")]
    database: Option<PathBuf>,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct WhichBroker {
    /// A broker that runs elsewhere: mqtts://HOST[:PORT].
    #[arg(long, value_name = "URL")]
    broker: Option<BrokerAddress>,
    /// A broker within this process; port 0 takes any that is free.
    #[arg(long, value_name = "ADDR:PORT")]
    embedded_broker: Option<SocketAddr>,
}

/// The whole program. Whatever fails is said once, on standard error.
pub fn main() -> ExitCode {
    let command = match CommandLine::try_parse() {
        Ok(line) => line.command,
        Err(e) => {
            let printed = e.print();
            return if e.use_stderr() || printed.is_err() {
                ExitCode::from(USAGE)
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    match run(command) {
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

fn run(command: Command) -> Result<(), Error> {
    match command {
        Command::Init { directory, broker_host } => init(&directory, &broker_host).map(drop),
        Command::Enrol { hub, gateway, out, signature, again } => {
            let (directory, database) = hub.open()?;
            enrol(&directory, &database, &Enrol { gateway, out, signature, again })
        }
        Command::Serve { hub, broker } => receive(&hub, broker),
        Command::Show { hub, json, since, gateway, incidents } => {
            let (_, database) = hub.open()?;
            let out = &mut BufWriter::new(io::stdout().lock());
            show(&database, &Show { json, since, gateway, incidents }, out)
        }
        Command::Ask { hub, gateway, device, follow, ask } => {
            let (directory, database) = hub.open()?;
            let asked = Asked { gateway, device, ask, follow: follow.into() };
            crate::ask(&directory, &database, &asked, &mut io::stdout().lock())
        }
        Command::Commands { hub, json, gateway } => {
            let (_, database) = hub.open()?;
            list_commands(&database, gateway.as_deref(), json, &mut BufWriter::new(io::stdout().lock()))
        }
        Command::Alarms { hub, say: Some(say), json, .. } => {
            let (directory, database) = hub.open()?;
            let mut notice = Notice::from(say);
            notice.follow.json |= json;
            give_notice(&directory, &database, &notice, &mut io::stdout().lock())
        }
        Command::Alarms { hub, all, gateway, tests, json, say: None } => {
            let (_, database) = hub.open()?;
            let list = ListAlarms { gateway, all, tests, json };
            list_alarms(&database, &list, &mut BufWriter::new(io::stdout().lock()))
        }
        Command::Troubles { hub, gateway, json } => {
            let (_, database) = hub.open()?;
            list_troubles(&database, gateway.as_ref(), json, &mut BufWriter::new(io::stdout().lock()))
        }
        Command::Visit { hub, gateway, staff, follow } => {
            let (directory, database) = hub.open()?;
            let out = &mut io::stdout().lock();
            // The group is required: without minutes they are gone.
            visit(&directory, &database, &gateway, staff.minutes, &follow.into(), out)
        }
        Command::Gateways { hub, json, silent } => {
            let (_, database) = hub.open()?;
            list_gateways(&database, ListGateways { json, silent }, &mut BufWriter::new(io::stdout().lock()))
        }
        Command::Keys { hub, json, change: None } => {
            let (directory, database) = hub.open()?;
            list_keys(&directory, &database, json, &mut BufWriter::new(io::stdout().lock()))
        }
        Command::Keys { hub, change: Some(Keys::New), .. } => {
            let (directory, _) = hub.open()?;
            let number = directory.add_keys()?;
            writeln!(
                io::stdout(),
                "pair {number} is made, below keys/{number}. Keep a copy of it safe before a gateway goes by it: without it, \
                 nobody can read what that sends."
            )
            .map_err(Error::Output)
        }
        Command::Keys { hub, change: Some(Keys::Retire { pair, give_up }), .. } => {
            let (directory, database) = hub.open()?;
            retire_keys(&directory, &database, &Retire { number: pair, give_up })
        }
        Command::Verify { hub, file } => {
            let (directory, database) = hub.open()?;
            let text = verify(&directory, &database, &file)?;
            io::stdout().write_all(text.as_bytes()).map_err(Error::Output)
        }
    }
}

impl Hub {
    fn open(&self) -> Result<(Directory, PathBuf), Error> {
        let directory = Directory::open(&self.directory)?;
        let database = self.database.clone().unwrap_or_else(|| directory.database());
        Ok((directory, database))
    }
}

impl From<Following> for Follow {
    fn from(Following { valid, no_wait, json }: Following) -> Self {
        Self { valid_s: valid, no_wait, json }
    }
}

impl From<Say> for Notice {
    fn from(say: Say) -> Self {
        let (says, Closing { which, only_here }) = match say {
            Say::Seen(which) => (Says::Seen, Closing { which, only_here: false }),
            Say::End(closing) => (Says::End, closing),
            Say::False(closing) => (Says::False, closing),
        };
        let Which { gateway, number, follow } = which;
        Self { gateway, alarm: number, says, only_here, follow: follow.into() }
    }
}

/// A positive time of whole seconds.
fn seconds(text: &str) -> Result<i64, String> {
    let time: jiff::SignedDuration = text.parse().map_err(|error: jiff::Error| error.to_string())?;
    if time.as_secs() > 0 { Ok(time.as_secs()) } else { Err("expected a time such as 5m".to_owned()) }
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
