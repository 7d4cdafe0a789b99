//! The hub's connection to the broker for one lane: hears batches, sends receipts, comes back when it breaks.
//!
//! One connection a lane, so that an urgent batch waits behind no routine one: not in the broker's queue for
//! us, not in a socket's buffer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use mqtt5::transport::tls::TlsConfig;
use mqtt5::{ConnectOptions, ConnectionEvent, MqttClient, MqttError, QoS, SubscribeOptions};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use thiserror::Error;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use varde_wire::{
    GatewayId, HEARTBEAT_FILTER, Lane, MAX_BATCH_BYTES, STATUS_FILTER, SignedBatch, SignedHeartbeat, Topic,
    filter_for_hub,
};

use crate::authority::HUB;
use crate::silence::{Sign, Signs};
use crate::waiting::Waiting;
use crate::{Answer, Arrival, Directory, Error, file, mosquitto};

const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// Of the keep-alive time: a ping after half of it, given up three quarters later and seen at the next ping.
/// A broker that stalls is noticed after one and a half keep-alive times.
const PING_AFTER_PERCENT: u8 = 50;
const GIVE_UP_AFTER_PERCENT: u8 = 75;
/// For connecting, and for a subscription.
const PATIENCE: Duration = Duration::from_secs(10);
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// For a last word to the broker.
const FAREWELL: Duration = Duration::from_secs(1);
/// How many receipts may be on their way. What comes on top is let go, and asked for again.
const MOST_RECEIPTS: usize = 64;
/// Batches the broker may send before we acknowledged the first.
const RECEIVE_MAXIMUM: u16 = 64;
/// A batch and its packet's header, topic and properties.
pub(crate) const MAX_PACKET_BYTES: usize = MAX_BATCH_BYTES + 1024;

/// Where the broker is: `mqtts://HOST[:PORT]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerAddress {
    host: String,
    port: u16,
}

/// Why a text is no broker's address.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("expected mqtts://HOST or mqtts://HOST:PORT")]
pub struct BadBrokerAddress;

impl BrokerAddress {
    /// The address of a broker on this machine.
    pub(crate) fn local(address: SocketAddr) -> Self {
        Self { host: address.ip().to_string(), port: address.port() }
    }
}

impl std::str::FromStr for BrokerAddress {
    type Err = BadBrokerAddress;

    fn from_str(text: &str) -> Result<Self, BadBrokerAddress> {
        let rest = text.strip_prefix("mqtts://").ok_or(BadBrokerAddress)?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        // An IPv6 address stands in brackets (RFC 3986 §3.2.2).
        let (host, port) = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, port)) => (host, port.strip_prefix(':')),
            None => rest.split_once(':').map_or((rest, None), |(host, port)| (host, Some(port))),
        };
        let port = port.map_or(Ok(mosquitto::PORT), str::parse).map_err(|_| BadBrokerAddress)?;
        if host.is_empty() || host.contains(['/', '@', '[', ']']) {
            return Err(BadBrokerAddress);
        }
        Ok(Self { host: host.to_owned(), port })
    }
}

impl std::fmt::Display for BrokerAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') {
            write!(f, "mqtts://[{host}]:{port}")
        } else {
            write!(f, "mqtts://{host}:{port}")
        }
    }
}

/// What the hub shows the broker, and what it believes the broker by.
pub(crate) struct Credentials {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    roots: Vec<CertificateDer<'static>>,
}

impl Credentials {
    pub(crate) fn load(directory: &Directory) -> Result<Self, Error> {
        Ok(Self {
            chain: certificates(&directory.client_crt())?,
            key: private_key(&directory.client_key())?,
            roots: certificates(&directory.ca_crt())?,
        })
    }
}

/// The certificates of a PEM file.
pub(crate) fn certificates(path: &std::path::Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let bad = |what: String| Error::Tls { path: path.to_owned(), what };
    let all: Vec<_> = CertificateDer::pem_slice_iter(file::read(path)?.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|e| bad(e.to_string()))?;
    if all.is_empty() { Err(bad("it holds no certificate".to_owned())) } else { Ok(all) }
}

/// The private key of a PEM file.
pub(crate) fn private_key(path: &std::path::Path) -> Result<PrivateKeyDer<'static>, Error> {
    PrivateKeyDer::from_pem_slice(file::read(path)?.as_bytes())
        .map_err(|e| Error::Tls { path: path.to_owned(), what: e.to_string() })
}

/// Something that goes to a gateway: a receipt or a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outgoing {
    pub(crate) topic: Topic,
    pub(crate) bytes: Vec<u8>,
}

impl From<Answer> for Outgoing {
    fn from(answer: Answer) -> Self {
        Self { topic: answer.topic(), bytes: answer.receipt.as_bytes().to_vec() }
    }
}

/// One lane's link.
pub(crate) struct Link {
    pub(crate) lane: Lane,
    pub(crate) broker: BrokerAddress,
    pub(crate) credentials: Arc<Credentials>,
    pub(crate) waiting: Arc<Waiting>,
    pub(crate) outgoing: mpsc::Receiver<Outgoing>,
    /// Who wants to know of the gateways themselves; the link of one lane is enough to tell.
    pub(crate) gateways: Option<Gateways>,
    /// Tells whether the lane is being heard.
    pub(crate) up: watch::Sender<bool>,
}

/// Who wants to know of gateways.
pub(crate) struct Gateways {
    /// Which came online.
    pub(crate) online: std::sync::mpsc::Sender<GatewayId>,
    /// Which show that they live.
    pub(crate) signs: Signs,
}

/// Why a connection came to nothing.
#[derive(Debug, Error)]
enum LinkError {
    #[error("no address for this host: {0}")]
    Resolve(std::io::Error),
    #[error("{0}")]
    Mqtt(#[from] MqttError),
    #[error("no answer within {} s", PATIENCE.as_secs())]
    Silent,
    #[error("the connection ended: {0}")]
    Ended(String),
    #[error("the host has no address")]
    NoAddress,
    #[error("the broker grants {0:?} where at least once is needed")]
    Granted(QoS),
}

impl Link {
    /// Keeps the link up until `stop` says so.
    pub(crate) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let (lane, broker) = (self.lane, self.broker.clone());
        let mut pause = FIRST_PAUSE;
        let mut last_trouble = String::new();
        loop {
            // A new client each time: nothing of a connection that broke outlives it.
            let client = MqttClient::with_options(self.options());
            let ended = tokio::select! {
                ended = self.connect_and_serve(&client) => Some(ended),
                _ = stop.wait_for(|stop| *stop) => None,
            };
            // Ends the client's tasks, whatever state its connection is in.
            let _ = timeout(FAREWELL, client.disconnect()).await;
            let Some(ended) = ended else { return };
            if self.up.send_replace(false) {
                pause = FIRST_PAUSE;
                last_trouble.clear();
            }
            // Said once, not at every attempt.
            let trouble = ended.to_string();
            if trouble != last_trouble {
                tracing::warn!(%lane, %broker, "not connected, and trying on: {trouble}");
                last_trouble = trouble;
            }
            // What the gateways were to hear is asked for again when they resend.
            while self.outgoing.try_recv().is_ok() {}
            tokio::select! {
                () = tokio::time::sleep(jittered(pause)) => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
            pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
        }
    }

    async fn connect_and_serve(&mut self, client: &MqttClient) -> LinkError {
        let (ended, mut end) = watch::channel(None);
        let watched = client.on_connection_event(move |event| {
            if let ConnectionEvent::Disconnected { reason } = event {
                ended.send_replace(Some(format!("{reason:?}")));
            }
        });
        if let Err(e) = watched.await {
            return e.into();
        }
        if let Err(e) = self.connect(client).await {
            return e;
        }
        tracing::info!(lane = %self.lane, broker = %self.broker, "connected");
        self.up.send_replace(true);
        let mut sending = JoinSet::new();
        loop {
            tokio::select! {
                ended = end.wait_for(Option::is_some) => {
                    return LinkError::Ended(ended.ok().and_then(|why| why.clone()).unwrap_or_default());
                }
                Some(_) = sending.join_next() => {}
                Some(outgoing) = self.outgoing.recv(), if sending.len() < MOST_RECEIPTS => {
                    sending.spawn(send(client.clone(), outgoing));
                }
            }
        }
    }

    async fn connect(&self, client: &MqttClient) -> Result<(), LinkError> {
        let target = (self.broker.host.as_str(), self.broker.port);
        let addresses = tokio::net::lookup_host(target).await.map_err(LinkError::Resolve)?;
        let mut outcome = Err(LinkError::NoAddress);
        for address in addresses {
            let connecting = client.connect_with_tls(self.tls(address));
            outcome = match timeout(PATIENCE, connecting).await {
                Ok(connected) => connected.map_err(LinkError::from),
                Err(_) => Err(LinkError::Silent),
            };
            if outcome.is_ok() {
                break;
            }
        }
        outcome?;
        let (waiting, own) = (Arc::clone(&self.waiting), self.lane);
        let options = SubscribeOptions { qos: QoS::AtLeastOnce, ..SubscribeOptions::default() };
        let subscribing = client.subscribe_with_options(filter_for_hub(self.lane), options, move |message| {
            if let Some(Topic::Up(gateway, lane)) = Topic::parse(&message.topic)
                && lane == own
            {
                let signed = SignedBatch::from_bytes(message.payload);
                if !waiting.push(Arrival { gateway, lane, signed }) {
                    tracing::debug!(%lane, "let a batch go that its gateway will send again: too many wait");
                }
            }
        });
        let (_, granted) = timeout(PATIENCE, subscribing).await.map_err(|_| LinkError::Silent)??;
        if granted == QoS::AtMostOnce {
            return Err(LinkError::Granted(granted));
        }
        self.watch(client).await
    }

    /// Hears who comes online, and heartbeats. The first proves nothing and only saves waiting, of the second the next
    /// one comes soon: so it does not matter what is granted.
    async fn watch(&self, client: &MqttClient) -> Result<(), LinkError> {
        let Some(Gateways { online, signs }) = &self.gateways else { return Ok(()) };
        let (online, signs) = (online.clone(), signs.clone());
        let options = SubscribeOptions { qos: QoS::AtMostOnce, ..SubscribeOptions::default() };
        let watching = client.subscribe_with_options(STATUS_FILTER, options.clone(), move |message| {
            if let Some(Topic::Status(gateway)) = Topic::parse(&message.topic)
                && message.payload == b"online"
            {
                // It fails only where the hub is stopping.
                let _ = online.send(gateway);
            }
        });
        timeout(PATIENCE, watching).await.map_err(|_| LinkError::Silent)??;
        let listening = client.subscribe_with_options(HEARTBEAT_FILTER, options, move |message| {
            if let Some(Topic::Heartbeat(gateway)) = Topic::parse(&message.topic) {
                signs.heard(Sign::Heartbeat(gateway, SignedHeartbeat::from_bytes(message.payload)));
            }
        });
        timeout(PATIENCE, listening).await.map_err(|_| LinkError::Silent)??;
        Ok(())
    }

    fn options(&self) -> ConnectOptions {
        let mut options = ConnectOptions::new(format!("{HUB}:{}", self.lane))
            .with_clean_start(true)
            .with_keep_alive(KEEP_ALIVE)
            .with_keepalive_timeout_percent(GIVE_UP_AFTER_PERCENT)
            .with_receive_maximum(RECEIVE_MAXIMUM)
            .with_automatic_reconnect(false);
        if let Some(keep_alive) = &mut options.keepalive_config {
            keep_alive.ping_interval_percent = PING_AFTER_PERCENT;
        }
        options.protocol_options.properties.maximum_packet_size = u32::try_from(MAX_PACKET_BYTES).ok();
        options
    }

    fn tls(&self, address: SocketAddr) -> TlsConfig {
        let Credentials { chain, key, roots } = &*self.credentials;
        TlsConfig::new(address, self.broker.host.clone())
            .with_connect_timeout(PATIENCE)
            .with_system_roots(false)
            .with_root_certs(roots.clone())
            .with_client_auth(chain.clone(), key.clone_key())
    }
}

async fn send(client: MqttClient, outgoing: Outgoing) {
    let Outgoing { topic, bytes } = outgoing;
    if let Err(e) = client.publish_qos1(topic.to_string(), bytes).await {
        // Not lost: the gateway resends its batch and is answered again, and a command is sent again.
        tracing::debug!(%topic, "a message did not go out: {e}");
    }
}

/// Between half of `pause` and all of it, so that not all come back at the same instant.
fn jittered(pause: Duration) -> Duration {
    let half = pause / 2;
    let random = getrandom::u32().unwrap_or(u32::MAX);
    half.saturating_add(half.mul_f64(f64::from(random) / f64::from(u32::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_address_reads_back_and_a_wrong_one_is_refused() {
        for (text, whole) in [
            ("mqtts://broker.example", "mqtts://broker.example:8883"),
            ("mqtts://127.0.0.1:1", "mqtts://127.0.0.1:1"),
            ("mqtts://[::1]:8884/", "mqtts://[::1]:8884"),
            ("mqtts://[::1]", "mqtts://[::1]:8883"),
        ] {
            assert_eq!(text.parse::<BrokerAddress>().unwrap().to_string(), whole);
        }
        for bad in
            ["mqtt://a", "a:8883", "mqtts://", "mqtts://:1", "mqtts://a:x", "mqtts://u@a", "mqtts://a/b"]
        {
            assert_eq!(bad.parse::<BrokerAddress>(), Err(BadBrokerAddress), "{bad}");
        }
    }
}
