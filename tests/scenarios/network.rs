//! The way to the hub: what it does to it, nothing is lost, nothing comes twice, and no alarm waits for what is less.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a scenario that cannot go on has failed")]

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde_json::Value;
use tokio::time::sleep;
use varde_tests::sim::{
    broker::Broker,
    home::{DOOR, Device, Home, PENDANT, Plan, WhichBroker, alarms, doors, fault},
    mqtt::{Client, Listener, Message},
    network::{Conditions, Network},
};
use varde_wire::{GatewayId, SignedBatch, SigningKey, Topic, VerifyingKey};

const LIMIT: Duration = Duration::from_secs(60);

/// Invariant 1. Somebody listens, so that the broker has nothing to find fault with; it is only not the hub.
#[tokio::test]
async fn a_puback_is_not_delivery() {
    let Some(mut home) = beside_mosquitto().await else { return };
    let listener = listen(&home).await;
    home.gateway.start().await.unwrap();
    home.press().await.unwrap();
    home.door(true).await.unwrap();
    home.committed(LIMIT, 1).await.unwrap();

    let unanswered = |status: &Value| !fault(status, "hub").is_empty();
    home.gateway.wait_for("the hub's silence", LIMIT, unanswered).await.unwrap();
    heard(&listener, "a batch that goes out again", |batches| batches.len() >= 3).await;
    let status = home.gateway.status().await.unwrap();
    assert_eq!(status["uplink"]["state"], "connected");
    assert!(fault(&status, "uplink").is_empty(), "{status:#}");
    for lane in ["urgent", "routine"] {
        assert_eq!(status["lanes"][lane]["released"], 0, "{status:#}");
    }

    home.hub.start().await.unwrap();
    home.drained(LIMIT).await.unwrap();
    let well = |status: &Value| fault(status, "hub").is_empty();
    home.gateway.wait_for("the hub's answer", LIMIT, well).await.unwrap();
    arrived_once(&home.hub.show(0).await.unwrap(), 1, 1);
}

/// Invariant 4.
#[tokio::test]
async fn what_is_sent_again_is_byte_identical() {
    let Some(mut home) = beside_mosquitto().await else { return };
    let listener = listen(&home).await;
    let (gateway, key) = signer(&home);
    let sent = |heard: &[Message]| sent(heard, &gateway, &key);

    home.gateway.start().await.unwrap();
    home.press().await.unwrap();
    home.door(true).await.unwrap();
    heard(&listener, "a batch of each lane", |heard| sent(heard).len() == 2).await;
    home.network.cut();
    home.press().await.unwrap();
    home.door(false).await.unwrap();
    home.committed(LIMIT, 2).await.unwrap();
    home.network.heal();
    heard(&listener, "the next connection", |heard| {
        sent(heard).len() >= 3 && sent(heard).values().filter(|times| times.len() >= 2).count() >= 2
    })
    .await;
    let before: BTreeSet<_> = sent(&listener.heard()).into_keys().collect();
    let so_far = listener.heard().len();
    home.gateway.kill().await.unwrap();
    home.gateway.start().await.unwrap();
    home.press().await.unwrap();
    heard(&listener, "all of it from the next life", |heard| {
        let again = sent(heard.get(so_far..).unwrap_or_default());
        before.iter().all(|place| again.contains_key(place)) && again.len() > before.len()
    })
    .await;

    for (place, payloads) in sent(&listener.heard()) {
        assert!(payloads.iter().all(|payload| *payload == payloads[0]), "{place:?} was changed");
    }
    home.hub.start().await.unwrap();
    home.drained(LIMIT).await.unwrap();
    arrived_once(&home.hub.show(0).await.unwrap(), 3, 2);
    let incidents = home.hub.incidents().await.unwrap();
    assert!(incidents.iter().all(|incident| incident["incident"] == "chain-began"), "{incidents:#?}");
}

#[tokio::test]
async fn a_stalled_broker_is_noticed() {
    let home = started().await;
    let connected = |status: &Value| status["uplink"]["state"] == "connected";
    home.gateway.wait_for("a connection", LIMIT, connected).await.unwrap();
    home.network.black_hole();
    home.press().await.unwrap();
    home.door(true).await.unwrap();
    home.committed(LIMIT, 1).await.unwrap();
    let stalled = |status: &Value| fault(status, "uplink").contains("stalled");
    let status = home.gateway.wait_for("the stalled broker", Duration::from_secs(30), stalled).await.unwrap();
    assert!(!connected(&status), "{status:#}");
    assert!(status["uplink"]["reason"].as_str().unwrap().contains("stalled"), "{status:#}");
    home.network.heal();
    home.drained(LIMIT).await.unwrap();
    arrived_once(&home.hub.show(0).await.unwrap(), 1, 1);
}

#[tokio::test]
async fn an_alarm_does_not_wait_behind_a_backlog_on_a_slow_link() {
    const BACKLOG: u64 = 4000;
    let home = started().await;
    home.network.cut();
    for number in 0..BACKLOG {
        home.door(number % 2 == 0).await.unwrap();
    }
    home.committed(LIMIT, BACKLOG).await.unwrap();
    home.network.set(Conditions { bandwidth: Some(20_000), ..Conditions::default() });
    home.network.heal();
    home.hub.wait_for("the first of the backlog", LIMIT, |seen| doors(seen) > 0).await.unwrap();
    home.press().await.unwrap();
    let seen = home.hub.wait_for("the alarm", LIMIT, |seen| alarms(seen) == 1).await.unwrap();
    let before: Vec<_> = seen.into_iter().take_while(|line| line["lane"] == "routine").collect();
    println!("{} of {BACKLOG} doors came before the alarm", doors(&before));
    assert!(doors(&before) < BACKLOG / 2, "the alarm came behind {} of {BACKLOG} doors", doors(&before));

    home.network.set(Conditions::default());
    home.drained(LIMIT).await.unwrap();
    arrived_once(&home.hub.show(0).await.unwrap(), 1, BACKLOG);
}

#[tokio::test]
async fn alarms_and_readings_of_an_outage_arrive_once_when_it_ends() {
    let home = started().await;
    home.press().await.unwrap();
    home.hub.wait_for("an alarm in good weather", LIMIT, |seen| alarms(seen) == 1).await.unwrap();
    let outages: [fn(&Network); 3] = [Network::cut, Network::half_open, Network::black_hole];
    for (outages, outage) in (1..).zip(outages) {
        outage(&home.network);
        home.press().await.unwrap();
        for closed in [true, false] {
            home.door(closed).await.unwrap();
        }
        home.committed(LIMIT, 2 * outages).await.unwrap();
        home.network.heal();
        home.drained(LIMIT).await.unwrap();
    }
    arrived_once(&home.hub.show(0).await.unwrap(), 4, 6);
}

/// A home in which all is well and hub and gateway run.
async fn started() -> Home {
    let mut home = prepared(WhichBroker::Embedded).await;
    home.hub.start().await.unwrap();
    home.gateway.start().await.unwrap();
    home
}

/// Without a time service there are no anchors among what is committed.
async fn prepared(broker: WhichBroker) -> Home {
    let devices = vec![Device::pendant("pendant-1", PENDANT), Device::contact("contact-1", DOOR)];
    let home = Home::prepare(Plan { devices, broker, ..Plan::default() }).await.unwrap();
    std::fs::remove_file(home.gateway.clock_marker()).unwrap();
    home
}

/// A home whose broker stands while the hub does not run; `None` where there is no such broker.
async fn beside_mosquitto() -> Option<Home> {
    if !Broker::available() {
        println!("skipped: mosquitto is not installed");
        return None;
    }
    Some(prepared(WhichBroker::Mosquitto).await)
}

/// Somebody with the hub's credentials who hears all batches and answers none.
async fn listen(home: &Home) -> Listener {
    let client = Client::connect(home.broker, home.hub.directory(), "hub:listener").await.unwrap();
    client.listen("varde/v1/+/up/#").await.unwrap()
}

/// Waits until what the listener heard is enough.
async fn heard(listener: &Listener, what: &str, enough: impl Fn(&[Message]) -> bool) {
    let waiting = async {
        loop {
            let heard = listener.heard();
            if enough(&heard) {
                return;
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LIMIT, waiting).await.unwrap_or_else(|_| panic!("never heard: {what}"));
}

/// Whose batches these are.
fn signer(home: &Home) -> (GatewayId, VerifyingKey) {
    let read = |name: &str| std::fs::read_to_string(home.gateway.credentials().join(name)).unwrap();
    let key = SigningKey::from_text(&read("sign.key")).unwrap().verifying_key();
    (read("gateway.id").trim().parse().unwrap(), key)
}

/// What came, by lane, chain and number: the payload of each time.
fn sent(
    heard: &[Message],
    gateway: &GatewayId,
    key: &VerifyingKey,
) -> BTreeMap<(String, String, u64), Vec<Vec<u8>>> {
    let mut sent: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for Message { topic, payload } in heard {
        let verified = SignedBatch::from_bytes(payload.clone()).verify(key, gateway).unwrap();
        let batch = verified.batch();
        assert_eq!(*topic, Topic::Up(gateway.clone(), batch.lane).to_string());
        let place = (batch.lane.to_string(), batch.chain.to_string(), batch.number);
        sent.entry(place).or_default().push(payload.clone());
    }
    sent
}

fn arrived_once(seen: &[Value], expected_alarms: u64, expected_doors: u64) {
    assert_eq!((alarms(seen), doors(seen)), (expected_alarms, expected_doors));
    let places: BTreeSet<_> = seen.iter().map(|line| (line["lane"].as_str(), line["seq"].as_u64())).collect();
    assert_eq!(places.len(), seen.len(), "a seq came twice");
}
