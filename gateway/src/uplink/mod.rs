//! The way to the hub. MQTT stands behind this one trait.
//!
//! - [`mqtt`]: MQTT 5 through rumqttc, a new client for each connection
//! - [`dial`]: a TCP connection over one of the home's paths
//! - [`tunnel`]: the TLS connection below it, which notices a peer that has stalled
//! - [`tls`]: who is trusted, and what time it is

pub mod dial;
pub mod mqtt;
pub mod tls;
pub mod tunnel;

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::BoxFuture;
use thiserror::Error;
use varde_wire::Topic;

use crate::config::Exit;

/// What comes from the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// A message in one of our topics.
    Message {
        /// Its topic.
        topic: Topic,
        /// Its payload.
        bytes: Vec<u8>,
    },
    /// The broker took a publish, but did not deliver it to anybody, or refused it.
    Undelivered {
        /// The reason in MQTT's words.
        reason: String,
    },
}

/// Connects to the hub's broker.
pub trait Uplink: Send {
    /// A connection.
    type Connection: Connection;

    /// A new connection over one of the paths, subscribed to all that is for this gateway; none after `patience`.
    fn connect(
        &mut self,
        path: usize,
        patience: Duration,
    ) -> impl Future<Output = Result<Self::Connection, UplinkError>> + Send;

    /// Sees whether this path leads to the broker, without disturbing a connection over another.
    fn test(&self, path: usize) -> BoxFuture<'static, Result<(), UplinkError>>;
}

/// One connection: it lasts until it fails, and is never mended.
pub trait Connection: Send {
    /// Hands a message to the broker: at least once, a heartbeat at most once. That it was handed over is all that is
    /// known.
    fn publish(
        &mut self,
        topic: &Topic,
        bytes: Vec<u8>,
    ) -> impl Future<Output = Result<(), UplinkError>> + Send;

    /// What comes next. Cancel-safe.
    fn next(&mut self) -> impl Future<Output = Result<Incoming, UplinkError>> + Send;

    /// Says good-bye, and waits until all that was published has left this machine, or the connection is gone.
    fn leave(&mut self) -> impl Future<Output = ()> + Send;
}

/// Why there is no connection.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum UplinkError {
    /// The broker's name is not known.
    #[error("no address for the broker '{host}': {cause}; check uplink.broker, and the DNS of this network")]
    Resolve {
        /// The name.
        host: String,
        /// What the resolver said.
        cause: String,
    },
    /// The path's own way out of the box is not there.
    #[error("the box cannot go out {exit}: {cause}; is the modem or cable plugged in, and the interface up?")]
    NoExit {
        /// The interface or address.
        exit: Exit,
        /// What the system said.
        cause: String,
    },
    /// There is no such path.
    #[error("there is no path of number {0}")]
    NoPath(usize),
    /// Nobody answers there.
    #[error("the broker at {address} cannot be reached: {cause}")]
    Unreachable {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        cause: String,
    },
    /// Nobody answered in time.
    #[error("the broker does not answer within {seconds} s")]
    Silent {
        /// How long we waited.
        seconds: u64,
    },
    /// No trust between the two.
    #[error("TLS with the broker failed: {0}")]
    Tls(String),
    /// The broker does not let us in.
    #[error("the broker refuses this gateway: {0}")]
    Refused(String),
    /// It was there, and is gone.
    #[error("the connection was lost: {0}")]
    Lost(String),
    /// It is there, but nothing comes.
    #[error("the broker has stalled: nothing came for {seconds} s")]
    Stalled {
        /// How long.
        seconds: u64,
    },
}
