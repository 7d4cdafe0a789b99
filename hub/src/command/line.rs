//! What may be typed.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use varde_wire::{DeviceId, GatewayId};

use crate::{Ask, BrokerAddress, Follow, Notice, Says, Signature};

/// The receiving end of Varde: verifies what gateways send, opens it, stores it, gives receipts.
#[derive(Parser)]
#[command(name = "varde-hub", version)]
pub(super) struct CommandLine {
    #[command(flatten)]
    pub(super) hub: Hub,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// Which hub.
#[derive(Args)]
pub(super) struct Hub {
    /// Where the hub lives, or is to live.
    #[arg(long, global = true, env = "VARDE_HUB_DIRECTORY", value_name = "DIR")]
    pub(super) directory: Option<PathBuf>,
    /// Its database, if that is not in its directory.
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) database: Option<PathBuf>,
}

#[derive(Subcommand)]
pub(super) enum Command {
    /// Makes a hub: its keys, its certificate authority and the files of its broker.
    Init {
        /// A name or address that gateways reach the broker by; may be given several times.
        #[arg(long, required = true, num_args = 1.., value_name = "NAME_OR_IP")]
        broker_host: Vec<String>,
    },
    /// Gives a gateway its id, its certificate and its keys.
    Enrol {
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
        broker: WhichBroker,
    },
    /// Shows what was received.
    Show {
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
        /// A JSON object a line.
        #[arg(long)]
        json: bool,
        /// Only this gateway's.
        #[arg(long, value_name = "ID")]
        gateway: Option<String>,
    },
    /// Lists the alarms that are open, the most serious and oldest first; or tells a gateway what a person says of one.
    Alarms {
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
        /// A JSON object a line.
        #[arg(long)]
        json: bool,
        /// Only those that are silent.
        #[arg(long)]
        silent: bool,
    },
    /// Lists the hub's pairs of keys and which gateways go by which; or makes a pair, or retires one.
    Keys {
        /// A JSON object a line.
        #[arg(long)]
        json: bool,
        #[command(subcommand)]
        change: Option<Keys>,
    },
    /// Says what a file of signed bytes is, and whether it is to be believed.
    Verify {
        /// A signed batch or receipt, as it travelled.
        file: PathBuf,
    },
}

/// A change of the hub's keys.
#[derive(Subcommand)]
pub(super) enum Keys {
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
pub(super) enum Say {
    /// Somebody has seen it, and deals with it: the person at home is told.
    Seen(Which),
    /// It is dealt with, and over.
    End(Closing),
    /// It was a false alarm, and is over.
    False(Closing),
}

#[derive(Args)]
pub(super) struct Which {
    /// Whose alarm.
    pub(super) gateway: GatewayId,
    /// The alarm's number, as the list shows it.
    pub(super) number: u64,
    #[command(flatten)]
    pub(super) follow: Following,
}

#[derive(Args)]
pub(super) struct Closing {
    #[command(flatten)]
    pub(super) which: Which,
    /// Closes it in this list alone, without its gateway: for one that is gone, or has forgotten it.
    #[arg(long)]
    pub(super) only_here: bool,
}

/// How a command is sent, and waited for.
#[derive(Args)]
pub(super) struct Following {
    /// How long it is valid, such as 90s, 10m or 2d: 5 minutes, a plan and other keys 7 days, unless said otherwise.
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    pub(super) valid: Option<i64>,
    /// Does not wait for what becomes of it.
    #[arg(long)]
    pub(super) no_wait: bool,
    /// A JSON object a step.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
pub(super) struct Staff {
    /// They are there, for so many minutes at the most: 1 to 480.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=480))]
    pub(super) minutes: Option<u16>,
    /// They are gone.
    #[arg(long)]
    pub(super) over: bool,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
pub(super) struct WhichBroker {
    /// A broker that runs elsewhere: mqtts://HOST[:PORT].
    #[arg(long, value_name = "URL")]
    pub(super) broker: Option<BrokerAddress>,
    /// A broker within this process; port 0 takes any that is free.
    #[arg(long, value_name = "ADDR:PORT")]
    pub(super) embedded_broker: Option<SocketAddr>,
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use clap::{CommandFactory as _, Parser as _};

    use super::*;

    #[test]
    fn which_hub_may_be_said_anywhere_in_the_line() {
        CommandLine::command().debug_assert();
        for line in [
            "varde-hub --directory hub alarms seen gw-1 3",
            "varde-hub alarms --directory hub seen gw-1 3",
            "varde-hub alarms seen gw-1 3 --directory hub",
        ] {
            let read = CommandLine::try_parse_from(line.split(' ')).unwrap_or_else(|e| panic!("{e}"));
            assert_eq!(read.hub.directory.as_deref(), Some(Path::new("hub")), "{line}");
        }
    }
}
