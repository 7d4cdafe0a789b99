//! The hub behind a broker with real TLS on loopback: a gateway's client on the one side, `serve` on the other.

use std::path::{Path, PathBuf};
use std::time::Duration;

use mqtt5::transport::tls::TlsConfig;
use mqtt5::{ConnectOptions, MqttClient, MqttError, QoS, SubscribeOptions};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use varde_hub::{Broker, BrokerAddress, Error, Signature, serve};
use varde_wire::{GatewayId, Lane, Receipt, Refusal, SignedReceipt, Topic, Verdict};

use crate::gateway::{Gateway, Hub, alarm, reading};

/// For what happens at once unless something is broken.
const PATIENCE: Duration = Duration::from_secs(30);

/// `serve` in this process.
pub(crate) struct Serving {
    pub(crate) address: BrokerAddress,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<Result<(), Error>>,
}

impl Serving {
    async fn begin(hub: &Hub, broker: Broker) -> Self {
        let (stop, stopped) = oneshot::channel();
        let (ready, is_ready) = oneshot::channel();
        let (directory, database) = (hub.directory.clone(), hub.database());
        let ended = tokio::spawn(async move {
            let ready = |address: &BrokerAddress| ready.send(address.clone()).unwrap();
            let stop = async { stopped.await.unwrap_or_default() };
            serve(&directory, &database, broker, ready, stop).await
        });
        let address = timeout(PATIENCE, is_ready).await.expect("ready").unwrap();
        Self { address, stop, ended }
    }

    pub(crate) async fn embedded(hub: &Hub) -> Self {
        Self::begin(hub, Broker::Embedded("127.0.0.1:0".parse().unwrap())).await
    }

    pub(crate) async fn end(self) {
        self.stop.send(()).unwrap();
        timeout(PATIENCE, self.ended).await.expect("a clean stop").unwrap().unwrap();
    }
}

/// A gateway's connection.
pub(crate) struct Client {
    mqtt: MqttClient,
    receipts: mpsc::UnboundedReceiver<(Topic, Vec<u8>)>,
}

fn tls(address: &BrokerAddress, certificate: &Path, key: &Path, ca: &Path) -> TlsConfig {
    let text = address.to_string();
    let address = text.strip_prefix("mqtts://").unwrap().replace("localhost", "127.0.0.1");
    let mut tls = TlsConfig::new(address.parse().unwrap(), "localhost").with_system_roots(false);
    let file = |path: &Path| std::fs::read(path).unwrap();
    tls.load_client_cert_pem_bytes(&file(certificate)).unwrap();
    tls.load_client_key_pem_bytes(&file(key)).unwrap();
    tls.load_ca_cert_pem_bytes(&file(ca)).unwrap();
    tls
}

async fn connect(
    address: &BrokerAddress,
    credentials: &Path,
    client_id: &str,
) -> Result<MqttClient, MqttError> {
    let file = |name: &str| credentials.join(name);
    let tls = tls(address, &file("client.crt"), &file("client.key"), &file("ca.crt"));
    let options = ConnectOptions::new(client_id).with_automatic_reconnect(false);
    let mqtt = MqttClient::with_options(options);
    mqtt.connect_with_tls(tls).await.map(|()| mqtt)
}

impl Client {
    pub(crate) async fn connect(address: &BrokerAddress, gateway: &Gateway) -> Self {
        let mqtt = connect(address, &gateway.credentials, gateway.id.as_str()).await.unwrap();
        let (heard, receipts) = mpsc::unbounded_channel();
        for lane in Lane::ALL {
            let heard = heard.clone();
            let options = SubscribeOptions { qos: QoS::AtLeastOnce, ..SubscribeOptions::default() };
            let topic = Topic::Receipt(gateway.id.clone(), lane).to_string();
            let hear = move |message: mqtt5::Message| {
                let _ = heard.send((Topic::parse(&message.topic).unwrap(), message.payload));
            };
            mqtt.subscribe_with_options(topic, options, hear).await.unwrap();
        }
        Self { mqtt, receipts }
    }

    pub(crate) async fn receipt(&mut self, gateway: &Gateway, lane: Lane) -> Receipt {
        let (topic, bytes) = timeout(PATIENCE, self.receipts.recv()).await.expect("a receipt").unwrap();
        assert_eq!(topic, Topic::Receipt(gateway.id.clone(), lane));
        SignedReceipt::from_bytes(bytes).verify(&gateway.hub_verify, &gateway.id).unwrap()
    }

    pub(crate) async fn send(&self, topic: &Topic, bytes: &[u8]) -> Result<(), MqttError> {
        self.mqtt.publish_qos1(topic.to_string(), bytes).await.map(drop)
    }
}

fn up(gateway: &Gateway, lane: Lane) -> Topic {
    Topic::Up(gateway.id.clone(), lane)
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_of_both_lanes_are_receipted_and_bad_ones_refused() {
    let hub = Hub::new();
    let gateway = hub.enrol("gw-1", Signature::Ed25519, false);
    let serving = Serving::embedded(&hub).await;
    let mut client = Client::connect(&serving.address, &gateway).await;

    let urgent = gateway.outbox(Lane::Urgent, 1).batch(&[alarm()]);
    client.send(&up(&gateway, Lane::Urgent), urgent.as_bytes()).await.unwrap();
    let receipt = client.receipt(&gateway, Lane::Urgent).await;
    assert_eq!(receipt.verdict, Verdict::Stored { number: 0, hash: urgent.hash(), through: 1 });

    let mut outbox = gateway.outbox(Lane::Routine, 2);
    let routine: Vec<_> = (0..20).map(|mmhg| outbox.batch(&[reading(mmhg)])).collect();
    for batch in &routine {
        client.send(&up(&gateway, Lane::Routine), batch.as_bytes()).await.unwrap();
    }
    let mut stored = 0;
    while stored < 20 {
        if let Verdict::Stored { through, .. } = client.receipt(&gateway, Lane::Routine).await.verdict {
            stored = through;
        }
    }

    // A fork, a replay, and a signature that does not fit: the last gets no answer.
    let fork = gateway.outbox(Lane::Urgent, 1).batch(&[alarm(), alarm()]);
    let mut changed = urgent.as_bytes().to_vec();
    *changed.last_mut().unwrap() ^= 1;
    client.send(&up(&gateway, Lane::Urgent), &changed).await.unwrap();
    client.send(&up(&gateway, Lane::Urgent), fork.as_bytes()).await.unwrap();
    client.send(&up(&gateway, Lane::Routine), routine[0].as_bytes()).await.unwrap();
    for _ in 0..2 {
        let (topic, bytes) = timeout(PATIENCE, client.receipts.recv()).await.expect("a receipt").unwrap();
        let receipt = SignedReceipt::from_bytes(bytes).verify(&gateway.hub_verify, &gateway.id).unwrap();
        let wanted = if receipt.lane == Lane::Urgent { Refusal::Fork } else { Refusal::Replay };
        assert_eq!(topic, Topic::Receipt(gateway.id.clone(), receipt.lane));
        assert!(matches!(receipt.verdict, Verdict::Refused { reason, .. } if reason == wanted));
    }
    assert_eq!(hub.observations().len(), 21);
    let mut refused: Vec<String> =
        hub.incidents().iter().filter_map(|line| line["cause"].as_str().map(str::to_owned)).collect();
    refused.sort();
    assert_eq!(refused, ["fork", "replay", "signature"]);
    client.mqtt.disconnect().await.unwrap();
    serving.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_broker_keeps_each_client_to_what_its_certificate_says() {
    let hub = Hub::new();
    let gateway = hub.enrol("gw-1", Signature::Ed25519, false);
    let other = hub.enrol("gw-2", Signature::Ed25519, false);
    let serving = Serving::embedded(&hub).await;
    let client = Client::connect(&serving.address, &gateway).await;
    let batch = gateway.outbox(Lane::Urgent, 1).batch(&[alarm()]);

    for topic in [up(&other, Lane::Urgent), Topic::Receipt(gateway.id.clone(), Lane::Urgent)] {
        assert!(client.send(&topic, batch.as_bytes()).await.is_err(), "{topic}");
    }
    for filter in ["varde/v1/gw-2/receipt/urgent", "varde/v1/+/up/urgent", "#"] {
        assert!(client.mqtt.subscribe(filter, |_| ()).await.is_err(), "{filter}");
    }
    let status = Topic::Status(gateway.id.clone());
    client.send(&status, b"online").await.unwrap();
    // With another one's client id; with a certificate of another hub.
    assert!(connect(&serving.address, &gateway.credentials, "gw-2").await.is_err());
    let elsewhere = Hub::new();
    let stranger = elsewhere.enrol("gw-1", Signature::Ed25519, false);
    std::fs::copy(gateway.credentials.join("ca.crt"), stranger.credentials.join("ca.crt")).unwrap();
    assert!(connect(&serving.address, &stranger.credentials, "gw-1").await.is_err());
    assert!(hub.observations().is_empty() && hub.incidents().is_empty());
    serving.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_while_the_hub_was_away_is_stored_when_it_is_sent_again() {
    let hub = Hub::new();
    let gateway = hub.enrol("gw-1", Signature::Ed25519, false);
    let mut outbox = gateway.outbox(Lane::Routine, 1);
    let (first, second) = (outbox.batch(&[reading(1)]), outbox.batch(&[reading(2)]));
    for batches in [vec![&first], vec![&first, &second]] {
        let serving = Serving::embedded(&hub).await;
        let mut client = Client::connect(&serving.address, &gateway).await;
        for batch in &batches {
            client.send(&up(&gateway, Lane::Routine), batch.as_bytes()).await.unwrap();
            let receipt = client.receipt(&gateway, Lane::Routine).await;
            assert!(matches!(receipt.verdict, Verdict::Stored { hash, .. } if hash == batch.hash()));
        }
        serving.end().await;
    }
    assert_eq!(hub.observations().len(), 2);
}

/// mosquitto with the files that `init` wrote, on a port of its own.
struct Mosquitto {
    process: std::process::Child,
    address: BrokerAddress,
}

impl Mosquitto {
    /// None where mosquitto is not installed.
    fn begin(hub: &Hub) -> Option<Self> {
        let program = ["/usr/sbin/mosquitto", "/usr/bin/mosquitto", "/usr/local/sbin/mosquitto"]
            .into_iter()
            .find(|path| Path::new(path).exists())?;
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let written: PathBuf = hub.root.path().join("hub/broker/mosquitto.conf");
        let text = std::fs::read_to_string(&written).unwrap();
        let moved = hub.root.path().join("hub/broker/moved.conf");
        // As root, mosquitto would change to a user who may not read a temporary directory.
        let text = text.replace("listener 8883", &format!("listener {port} 127.0.0.1\nuser root"));
        std::fs::write(&moved, text).unwrap();
        let process = std::process::Command::new(program)
            .arg("-c")
            .arg(&moved)
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let address = format!("mqtts://localhost:{port}").parse().unwrap();
        Some(Self { process, address })
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mosquitto_with_the_files_that_init_wrote_serves_as_well() {
    let hub = Hub::new();
    let gateway = hub.enrol("gw-1", Signature::Ed25519, false);
    let Some(mosquitto) = Mosquitto::begin(&hub) else {
        eprintln!("mosquitto is not installed: nothing tested");
        return;
    };
    let serving = Serving::begin(&hub, Broker::At(mosquitto.address.clone())).await;
    let mut client = Client::connect(&serving.address, &gateway).await;
    let batch = gateway.outbox(Lane::Urgent, 1).batch(&[alarm()]);
    client.send(&up(&gateway, Lane::Urgent), batch.as_bytes()).await.unwrap();
    let receipt = client.receipt(&gateway, Lane::Urgent).await;
    assert_eq!(receipt.verdict, Verdict::Stored { number: 0, hash: batch.hash(), through: 1 });
    client.send(&Topic::Heartbeat(gateway.id.clone()), b"").await.unwrap();
    let other: GatewayId = "gw-2".parse().unwrap();
    for elsewhere in [Topic::Up(other.clone(), Lane::Urgent), Topic::Heartbeat(other)] {
        assert!(client.send(&elsewhere, batch.as_bytes()).await.is_err(), "{elsewhere}");
    }
    serving.end().await;
}
