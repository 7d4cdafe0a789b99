//! MQTT 5 through rumqttc, used as a codec for one connection: a new client each time, clean start, dropped at
//! the first error. The outbox is the session; MQTT's own is never relied on.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{ConnectProperties, LastWill, Packet, PubAckReason};
use rumqttc::v5::{AsyncClient, ConnectionError, Event, EventLoop, MqttOptions};
use rumqttc::{Outgoing, Transport};
use rustls::ClientConfig;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use varde_wire::{GatewayId, Lane, MAX_BATCH_BYTES, Topic};

use super::dial::AddressBook;
use super::tunnel::{self, Mouth};
use super::{Connection, Incoming, Uplink, UplinkError};
use crate::config::UplinkPath;

/// Publishes that the broker has not acknowledged: more than all lanes' windows together, so that rumqttc's
/// packet ids never collide.
const IN_FLIGHT: u16 = 64;

/// Messages from the broker that wait to be looked at. What does not fit is dropped: a receipt comes again.
const INCOMING: usize = 128;

/// What is said of us, retained: words for operators, who are not to believe them.
const ONLINE: &str = "online";
const OFFLINE: &str = "offline";

/// The broker, and how to speak to it.
pub struct Mqtt {
    /// The ways to it, the most preferred first.
    pub paths: Vec<UplinkPath>,
    /// Where brokers were found before.
    pub book: Arc<AddressBook>,
    /// Who we are.
    pub gateway: GatewayId,
    /// How often we show that we are there.
    pub keep_alive: Duration,
    /// TLS.
    pub tls: Arc<ClientConfig>,
}

impl Uplink for Mqtt {
    type Connection = MqttConnection;

    async fn connect(&mut self, path: usize, patience: Duration) -> Result<MqttConnection, UplinkError> {
        let silent = |_| UplinkError::Silent { seconds: patience.as_secs() };
        timeout(patience, self.over(self.path(path)?)).await.map_err(silent)?
    }

    /// As far as the TLS handshake: a second session with the name of this gateway would end the first.
    fn test(&self, path: usize) -> BoxFuture<'static, Result<(), UplinkError>> {
        let (path, book, tls) = (self.path(path).cloned(), Arc::clone(&self.book), Arc::clone(&self.tls));
        Box::pin(async move { tunnel::connect(&path?, &book, tls).await.map(drop) })
    }
}

impl Mqtt {
    fn path(&self, number: usize) -> Result<&UplinkPath, UplinkError> {
        self.paths.get(number).ok_or(UplinkError::NoPath(number))
    }

    async fn over(&self, path: &UplinkPath) -> Result<MqttConnection, UplinkError> {
        let far = tunnel::connect(path, &self.book, Arc::clone(&self.tls)).await?;
        let mouth = Mouth::open().map_err(|e| UplinkError::Lost(e.to_string()))?;
        let options = self.options(mouth.path());
        // A ping goes out at each keep-alive whatever the traffic, and its answer comes back: half as long again
        // without a byte, and the peer has stalled.
        let tunnel = tokio::spawn(tunnel::carry(mouth, far, self.keep_alive.mul_f32(1.5)));
        let mut connection = MqttConnection::start(options, tunnel, self.status());
        connection.settle(&self.gateway, self.keep_alive).await?;
        Ok(connection)
    }

    fn status(&self) -> String {
        Topic::Status(self.gateway.clone()).to_string()
    }

    fn options(&self, path: String) -> MqttOptions {
        let status = self.status();
        let mut options = MqttOptions::new(self.gateway.as_str(), path, 0);
        options
            .set_transport(Transport::Unix)
            .set_keep_alive(self.keep_alive)
            .set_clean_start(true)
            .set_connection_timeout(self.keep_alive.as_secs())
            .set_last_will(LastWill::new(status, OFFLINE, QoS::AtLeastOnce, true, None))
            .set_outgoing_inflight_upper_limit(IN_FLIGHT)
            .set_request_channel_capacity(4);
        let mut properties = ConnectProperties::new();
        // What the broker may send us: receipts and commands are small.
        properties.max_packet_size = u32::try_from(MAX_BATCH_BYTES).ok();
        properties.receive_maximum = Some(IN_FLIGHT);
        options.set_connect_properties(properties);
        options
    }
}

/// One connection to the broker: the client, and the two tasks below it.
pub struct MqttConnection {
    client: AsyncClient,
    /// The topic where it is said whether we are there.
    status: String,
    incoming: mpsc::Receiver<Signal>,
    events: JoinHandle<UplinkError>,
    tunnel: JoinHandle<UplinkError>,
    waiting: Option<Incoming>,
}

enum Signal {
    Connected,
    Incoming(Incoming),
}

impl MqttConnection {
    fn start(options: MqttOptions, tunnel: JoinHandle<UplinkError>, status: String) -> Self {
        let (client, event_loop) = AsyncClient::new(options, 4);
        let (sender, incoming) = mpsc::channel(INCOMING);
        let events = tokio::spawn(poll(event_loop, sender));
        Self { client, status, incoming, events, tunnel, waiting: None }
    }

    /// Waits for the broker's word, subscribes, and says that we are there.
    async fn settle(&mut self, gateway: &GatewayId, patience: Duration) -> Result<(), UplinkError> {
        match tokio::time::timeout(patience, self.signal()).await {
            Ok(signal) => match signal? {
                Signal::Connected => {}
                Signal::Incoming(incoming) => self.waiting = Some(incoming),
            },
            Err(_) => return Err(UplinkError::Silent { seconds: patience.as_secs() }),
        }
        let lost = |_| UplinkError::Lost("the client ended".to_owned());
        let receipts = Lane::ALL.map(|lane| Topic::Receipt(gateway.clone(), lane));
        for topic in receipts.into_iter().chain([Topic::Command(gateway.clone())]) {
            self.client.subscribe(topic.to_string(), QoS::AtLeastOnce).await.map_err(lost)?;
        }
        self.client.publish(&self.status, QoS::AtLeastOnce, true, ONLINE).await.map_err(lost)
    }

    async fn signal(&mut self) -> Result<Signal, UplinkError> {
        tokio::select! {
            biased;
            Some(signal) = self.incoming.recv() => Ok(signal),
            // The tunnel knows better than MQTT why it broke.
            ended = &mut self.tunnel => Err(ended.unwrap_or_else(|e| UplinkError::Lost(e.to_string()))),
            ended = &mut self.events => Err(ended.unwrap_or_else(|e| UplinkError::Lost(e.to_string()))),
        }
    }
}

impl Connection for MqttConnection {
    async fn publish(&mut self, topic: &Topic, bytes: Vec<u8>) -> Result<(), UplinkError> {
        // Nothing is lost with one heartbeat, and nothing is wrong where nobody hears it: the broker need not answer.
        let qos = match topic {
            Topic::Heartbeat(_) => QoS::AtMostOnce,
            Topic::Up(..) | Topic::Receipt(..) | Topic::Command(_) | Topic::Status(_) => QoS::AtLeastOnce,
        };
        let publish = self.client.publish(topic.to_string(), qos, false, bytes);
        publish.await.map_err(|_| UplinkError::Lost("the client ended".to_owned()))
    }

    async fn next(&mut self) -> Result<Incoming, UplinkError> {
        if let Some(incoming) = self.waiting.take() {
            return Ok(incoming);
        }
        loop {
            if let Signal::Incoming(incoming) = self.signal().await? {
                return Ok(incoming);
            }
        }
    }

    async fn leave(&mut self) {
        // The broker drops the last will of a client that says good-bye, so its word is said before.
        let status = self.client.publish(&self.status, QoS::AtLeastOnce, true, OFFLINE).await;
        if status.is_ok() && self.client.disconnect().await.is_ok() {
            // The client hangs up behind its last word, and the tunnel when it has carried that away.
            let _ = (&mut self.tunnel).await;
        }
    }
}

/// Without its tasks there is no connection.
impl Drop for MqttConnection {
    fn drop(&mut self) {
        self.events.abort();
        self.tunnel.abort();
    }
}

/// Polls until the first error: polled again, rumqttc would connect by itself, with what it has queued.
async fn poll(mut event_loop: EventLoop, sender: mpsc::Sender<Signal>) -> UplinkError {
    let mut connected = false;
    loop {
        let signal = match event_loop.poll().await {
            Ok(Event::Incoming(Packet::ConnAck(_))) => {
                connected = true;
                Signal::Connected
            }
            Ok(Event::Incoming(Packet::Publish(publish))) => {
                let topic = std::str::from_utf8(&publish.topic).ok().and_then(Topic::parse);
                let Some(topic) = topic else { continue };
                Signal::Incoming(Incoming::Message { topic, bytes: publish.payload.to_vec() })
            }
            Ok(Event::Incoming(Packet::PubAck(ack))) if ack.reason != PubAckReason::Success => {
                Signal::Incoming(Incoming::Undelivered { reason: format!("{:?}", ack.reason) })
            }
            Ok(Event::Incoming(Packet::Disconnect(disconnect))) => {
                return UplinkError::Lost(format!("the broker said {:?}", disconnect.reason_code));
            }
            Ok(Event::Outgoing(Outgoing::Disconnect)) => return UplinkError::Lost("we left".to_owned()),
            Ok(_) => continue,
            Err(ConnectionError::ConnectionRefused(code)) => {
                return UplinkError::Refused(format!("{code:?}"));
            }
            Err(error) if connected => return UplinkError::Lost(error.to_string()),
            Err(error) => return UplinkError::Refused(format!("it ended the connection: {error}")),
        };
        // Never waits: a client that waits for us would stop its own pings.
        let _ = sender.try_send(signal);
    }
}
