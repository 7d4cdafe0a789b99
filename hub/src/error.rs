//! What can go wrong, in words for the technician, and the exit code each gets.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use thiserror::Error;
use varde_wire::{BadId, BadKey, GatewayId, SealError};

use crate::store::StoreError;

/// Why a command of `varde-hub` could not be carried out.
#[derive(Debug, Error)]
pub enum Error {
    /// A file or directory did not do what it should.
    #[error("cannot {doing} {}", path.display())]
    File {
        /// What was tried, such as `write`.
        doing: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Nobody said which hub.
    #[error(
        "which hub? '--directory DIR' says where it lives, and so does VARDE_HUB_DIRECTORY in the environment"
    )]
    WhichHub,
    /// `init` found a hub where it was to make one.
    #[error("{} holds a hub already, and its keys open what its gateways send: choose another directory", .0.display())]
    HubExists(PathBuf),
    /// There is no hub.
    #[error("{} holds no hub: make one with 'varde-hub init --directory {}'", .0.display(), .0.display())]
    NoHub(PathBuf),
    /// There is no pair of keys.
    #[error(
        "{} holds no pair of keys: each is a directory there, the first '1', with sign.key and open.key in it; put them back from where they are kept safe (a hub of an early version has the first pair one directory higher)",
        .0.display()
    )]
    NoKeys(PathBuf),
    /// There is no pair of this number.
    #[error("the hub holds no pair of keys {number}, but these: {held}")]
    NoPair {
        /// The number asked for.
        number: u32,
        /// Those that there are.
        held: String,
    },
    /// The pair is the one that gateways are given.
    #[error(
        "pair {0} is the newest: make another with 'varde-hub keys new', and have the gateways go over to it first"
    )]
    NewestPair(u32),
    /// Gateways may need the pair.
    #[error(
        "pair {number} may be needed yet: {needing}; have each go over with 'varde-hub command GATEWAY gateway hub-key', and wait until it has sent what waits there; one that does not come back can be left out with '--give-up GATEWAY'"
    )]
    PairNeeded {
        /// The number asked for.
        number: u32,
        /// The gateways, each with why.
        needing: String,
    },
    /// The gateway goes by keys that the hub does not hold.
    #[error(
        "{0} goes by keys that this hub does not hold, and would not believe it: put them back from where they are kept safe, or enrol it again"
    )]
    ForeignKeys(GatewayId),
    /// A key file is not what it should be.
    #[error("the key file {} cannot be used", path.display())]
    Key {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        source: BadKey,
    },
    /// A certificate or its key cannot be used for TLS.
    #[error("the certificate or key in {} cannot be used: {what}", path.display())]
    Tls {
        /// Which file or directory.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// A certificate could not be made.
    #[error("a certificate could not be made; are all broker hosts names or addresses?")]
    Certificate(#[from] rcgen::Error),
    /// The system gave no random bytes.
    #[error("the system gave no random bytes: {0}")]
    Entropy(getrandom::Error),
    /// The id cannot be a gateway's.
    #[error("'{0}' is the hub's own name on the broker: choose another gateway id")]
    Reserved(GatewayId),
    /// The gateway is enrolled.
    #[error(
        "{0} is enrolled already; '--again' gives it new keys, and what it signed with the old ones is refused from then on"
    )]
    Enrolled(GatewayId),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The embedded broker's address is taken or not ours.
    #[error("the embedded broker cannot listen on {address}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The keys in the hub's directory cannot open what is sealed.
    #[error("the hub's sealing key cannot be used")]
    Seal(#[from] SealError),
    /// A file given to `verify` holds nothing that can be believed.
    #[error("{}: {why}", path.display())]
    Unverified {
        /// Which file.
        path: PathBuf,
        /// Why it is not believed.
        why: String,
    },
    /// Nobody of this id is known.
    #[error("{0} is not enrolled with this hub: 'varde-hub show' lists those that are")]
    NotEnrolled(GatewayId),
    /// A command cannot be made.
    #[error("the command cannot be made: {0}")]
    Command(String),
    /// A dosing plan's file is none.
    #[error("{} is no dosing plan: {what}", path.display())]
    Plan {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The gateway or its device refused a command.
    #[error("the command was refused: {cause}{note}")]
    CommandRefused {
        /// Why, by its word on the wire.
        cause: String,
        /// What the gateway said to it: with a colon before it, or nothing.
        note: String,
    },
    /// A command's time is over, and it did not come to its end.
    #[error(
        "the command's time is over, and it came no further than '{stage}'; should more be heard of it, 'varde-hub commands' shows it"
    )]
    Unfinished {
        /// How far it came.
        stage: String,
    },
    /// Nothing is open under this number.
    #[error("{gateway} has no open alarm {alarm}; open there: {open}")]
    NoSuchAlarm {
        /// Whose.
        gateway: GatewayId,
        /// The number asked for.
        alarm: u64,
        /// Those that are open: number, kind and source of each.
        open: String,
    },
    /// There is no announcement yet that a person could have seen.
    #[error(
        "alarm {alarm} of {gateway} is not announced yet, as it can still be cancelled at home: wait until it is, or end it"
    )]
    NotAnnounced {
        /// Whose.
        gateway: GatewayId,
        /// Which.
        alarm: u64,
    },
    /// The gateway gave the number to another alarm.
    #[error(
        "{gateway} has forgotten this alarm {alarm}, as its store is new: when it is dealt with, end it with '--only-here'"
    )]
    ForgottenAlarm {
        /// Whose.
        gateway: GatewayId,
        /// Which.
        alarm: u64,
    },
    /// Gateways are silent.
    #[error("silent gateways: {0}")]
    Silent(usize),
    /// Nobody hears gateways now.
    #[error(
        "no hub hears the gateways{}: what is listed may be old; does 'varde-hub serve' run, and reach its broker?",
        last.as_ref().map(|last| format!(" since {last}")).unwrap_or_default()
    )]
    Deaf {
        /// When it was last known how the hub hears, RFC 3339; none where it never ran.
        last: Option<String>,
    },
    /// A stored name is none.
    #[error("the database holds a bad name")]
    Name(#[from] BadId),
    /// The system gave no threads, sockets or signals.
    #[error("the system gave no threads or signals")]
    Runtime(#[source] io::Error),
    /// Standard output is gone or full.
    #[error("cannot write to standard output")]
    Output(#[source] io::Error),
}

impl Error {
    /// The exit code, as `sysexits.h` names them; of what is asked by monitoring systems, as they have them.
    pub fn exit_code(&self) -> u8 {
        const CRITICAL: u8 = 2;
        const UNKNOWN: u8 = 3;
        const USAGE: u8 = 64;
        const DATA: u8 = 65;
        const UNAVAILABLE: u8 = 69;
        const SYSTEM: u8 = 71;
        const TRY_AGAIN: u8 = 75;
        const CANNOT_CREATE: u8 = 73;
        const IO: u8 = 74;
        const NO_PERMISSION: u8 = 77;
        const CONFIG: u8 = 78;
        match self {
            Self::File { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => NO_PERMISSION,
            Self::File { doing: "create", .. } | Self::HubExists(_) | Self::Enrolled(_) => CANNOT_CREATE,
            Self::File { .. } | Self::Store(_) | Self::Output(_) => IO,
            Self::Entropy(_) | Self::Runtime(_) => SYSTEM,
            Self::NoHub(_)
            | Self::NoKeys(_)
            | Self::ForeignKeys(_)
            | Self::Key { .. }
            | Self::Tls { .. }
            | Self::Seal(_)
            | Self::Reserved(_) => CONFIG,
            Self::Certificate(_)
            | Self::Unverified { .. }
            | Self::Name(_)
            | Self::NotEnrolled(_)
            | Self::Command(_)
            | Self::NoSuchAlarm { .. }
            | Self::NotAnnounced { .. }
            | Self::NoPair { .. }
            | Self::NewestPair(_)
            | Self::ForgottenAlarm { .. }
            | Self::Plan { .. } => DATA,
            Self::Listen { .. } | Self::CommandRefused { .. } => UNAVAILABLE,
            Self::Unfinished { .. } | Self::PairNeeded { .. } => TRY_AGAIN,
            Self::WhichHub => USAGE,
            Self::Silent(_) => CRITICAL,
            Self::Deaf { .. } => UNKNOWN,
        }
    }
}

/// An error with all its causes, on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
