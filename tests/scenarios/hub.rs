//! What the hub does with batches that do not follow: none is believed, each is kept and told, and the gateway finds
//! its way on.

#![expect(clippy::unwrap_used, reason = "a scenario that cannot go on has failed")]

use std::{collections::BTreeSet, path::Path, time::Duration};

use serde_json::Value;
use tokio::time::{sleep, timeout};
use varde_tests::sim::{
    home::{DOOR, Device, Home, Hub, PENDANT, Plan, alarms, copy_database, doors},
    mqtt::{Client, Listener},
};
use varde_wire::{Batch, GatewayId, Hash, SignedBatch, SigningKey, WINDOW};

const LIMIT: Duration = Duration::from_secs(60);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(20);

#[tokio::test]
async fn a_forged_changed_or_replayed_batch_is_refused_kept_and_shown() {
    let mut home = prepared().await;
    let theirs = home.directory().join("gw-2");
    home.hub.enrol("gw-2", &theirs).await.unwrap();
    home.hub.start().await.unwrap();
    let listener = attacker(&home, "hub:listener").await.listen("varde/v1/gw-1/up/urgent").await.unwrap();
    home.gateway.start().await.unwrap();
    for alarm in 0..=WINDOW + 1 {
        home.press().await.unwrap();
        recorded(&listener, alarm + 1).await;
    }
    // What became of the first alarm has come in batches of its own.
    let every = |seen: &[Value]| alarms(seen) == WINDOW + 2;
    home.hub.wait_for("every press", LIMIT, every).await.unwrap();
    home.drained(LIMIT).await.unwrap();
    let before = home.hub.show(0).await.unwrap();

    let (ours, theirs) = (signer(home.gateway.credentials()), signer(&theirs));
    let batches = recorded(&listener, WINDOW + 2).await;
    let (oldest, newest) = (&batches[0], &batches[batches.len() - 1]);
    let last = opened(newest, &ours);
    let next =
        Batch { number: last.number + 1, previous: Hash::of(newest), first: last.last() + 1, ..last.clone() };
    let other = Batch { first: last.first + 1, ..last };
    let signed = |batch: &Batch, key: &SigningKey| batch.sign(key).unwrap().into_bytes();
    let attacks = [
        ("gw-1", "urgent", oldest.clone(), "replay"),
        ("gw-1", "urgent", flipped(newest), "signature"),
        ("gw-1", "urgent", signed(&next, &theirs), "unknown-key"),
        ("gw-2", "urgent", newest.clone(), "unknown-key"),
        ("gw-2", "urgent", signed(&next, &theirs), "wrong-gateway"),
        ("gw-1", "routine", newest.clone(), "wrong-lane"),
        ("gw-3", "urgent", newest.clone(), "unknown-gateway"),
        ("gw-1", "urgent", b"alarm".to_vec(), "malformed"),
        // Even with the gateway's own key nobody changes what the hub has.
        ("gw-1", "urgent", signed(&other, &ours), "fork"),
    ];
    let mut attacker = attacker(&home, "hub:attacker").await;
    for (gateway, lane, payload, _) in &attacks {
        for _ in 0..2 {
            attacker.publish(&format!("varde/v1/{gateway}/up/{lane}"), payload).await.unwrap();
        }
    }
    for (gateway, lane, payload, cause) in &attacks {
        let told = |incident: &Value| {
            incident["incident"] == "refused"
                && incident["cause"] == *cause
                && incident["gateway"] == *gateway
                && incident["lane"] == *lane
                && incident["hash"] == Hash::of(payload).to_string()
                && incident["count"] == 2
        };
        incident(&home.hub, cause, told).await;
        assert!(kept(&home.hub, payload), "{cause}");
    }
    assert_eq!(home.hub.show(0).await.unwrap(), before);

    home.press().await.unwrap();
    home.door(true).await.unwrap();
    home.committed(LIMIT, 1).await.unwrap();
    home.drained(LIMIT).await.unwrap();
    let seen = home.hub.show(0).await.unwrap();
    assert_eq!((alarms(&seen), doors(&seen)), (alarms(&before) + 1, 1));
    assert_eq!(chains(&seen, "urgent"), 1, "what others forge costs the gateway no chain");
}

/// What the hub has of the chain is near: it knows that it is another batch.
#[tokio::test]
async fn a_gateway_whose_card_went_back_in_time_recovers() {
    a_card_goes_back(2, "fork").await;
}

/// What the hub has of the chain is far: it only knows that this was long ago.
#[tokio::test]
async fn a_gateway_whose_card_went_back_far_in_time_recovers() {
    a_card_goes_back(WINDOW + 2, "replay").await;
}

/// So many alarms and doors lie between the old card and its return.
async fn a_card_goes_back(between: u64, cause: &str) {
    let mut home = prepared().await;
    home.hub.start().await.unwrap();
    home.gateway.start().await.unwrap();
    home.press().await.unwrap();
    home.door(true).await.unwrap();
    home.committed(LIMIT, 1).await.unwrap();
    home.drained(LIMIT).await.unwrap();

    // The old card holds batches that were on their way when it was written.
    home.network.black_hole();
    home.press().await.unwrap();
    home.door(false).await.unwrap();
    let under_way =
        |status: &Value| ["urgent", "routine"].iter().all(|lane| status["lanes"][lane]["in_flight"] != 0);
    home.gateway.wait_for("batches under way", LIMIT, under_way).await.unwrap();
    home.gateway.kill().await.unwrap();
    let old = home.directory().join("old.db");
    copy_database(&home.gateway.outbox(), &old).unwrap();

    home.network.heal();
    home.gateway.start().await.unwrap();
    home.drained(LIMIT).await.unwrap();
    for number in 0..between {
        home.press().await.unwrap();
        home.door(number % 2 == 0).await.unwrap();
        home.committed(LIMIT, 3 + number).await.unwrap();
        home.drained(LIMIT).await.unwrap();
    }
    let before = home.hub.show(0).await.unwrap();
    assert_eq!((alarms(&before), doors(&before)), (2 + between, 2 + between));
    assert!(home.gateway.stop().await.unwrap().unwrap().success());
    replace_database(&old, &home.gateway.outbox());

    home.gateway.start().await.unwrap();
    home.drained(LIMIT).await.unwrap();
    assert_eq!(home.hub.show(0).await.unwrap(), before, "what the old card held is there already");
    for closed in [true, false] {
        home.press().await.unwrap();
        home.door(closed).await.unwrap();
    }
    let all = |seen: &[Value]| (alarms(seen), doors(seen)) == (4 + between, 4 + between);
    home.hub.wait_for("what was heard since", LIMIT, all).await.unwrap();
    home.drained(LIMIT).await.unwrap();
    let seen = home.hub.show(0).await.unwrap();
    assert!(all(&seen), "{seen:#?}");
    for lane in ["urgent", "routine"] {
        assert_eq!(chains(&seen, lane), 2);
        incident(&home.hub, cause, |incident| incident["cause"] == cause && incident["lane"] == lane).await;
    }
}

#[tokio::test]
async fn a_hub_that_lost_its_database_gets_all_that_waits() {
    let mut home = prepared().await;
    let enrolled = home.directory().join("enrolled.db");
    copy_database(&home.hub.database(), &enrolled).unwrap();
    home.hub.start().await.unwrap();
    home.gateway.start().await.unwrap();
    for presses in 1..=2 {
        home.press().await.unwrap();
        home.door(presses == 1).await.unwrap();
        home.committed(LIMIT, presses).await.unwrap();
        home.drained(LIMIT).await.unwrap();
    }
    home.hub.stop().await.unwrap();
    home.press().await.unwrap();
    home.door(true).await.unwrap();
    home.committed(LIMIT, 3).await.unwrap();
    replace_database(&enrolled, &home.hub.database());

    home.hub.start().await.unwrap();
    home.drained(LIMIT).await.unwrap();
    let seen = home.hub.show(0).await.unwrap();
    assert_eq!((alarms(&seen), doors(&seen)), (1, 1), "what waited, once");
    home.press().await.unwrap();
    home.door(false).await.unwrap();
    home.committed(LIMIT, 4).await.unwrap();
    home.drained(LIMIT).await.unwrap();
    let seen = home.hub.show(0).await.unwrap();
    assert_eq!((alarms(&seen), doors(&seen)), (2, 2));
    for lane in ["urgent", "routine"] {
        assert_eq!(chains(&seen, lane), 1);
        incident(&home.hub, "missing", |it| it["cause"] == "missing" && it["lane"] == lane).await;
    }
}

/// Without a time service there are no anchors among what is committed.
async fn prepared() -> Home {
    let devices = vec![Device::pendant("pendant-1", PENDANT), Device::contact("contact-1", DOOR)];
    let home = Home::prepare(Plan { devices, ..Plan::default() }).await.unwrap();
    std::fs::remove_file(home.gateway.clock_marker()).unwrap();
    home
}

/// Somebody with the hub's credentials.
async fn attacker(home: &Home, id: &str) -> Client {
    Client::connect(home.broker, home.hub.directory(), id).await.unwrap()
}

/// The payloads that the listener heard, once there are so many different ones.
async fn recorded(listener: &Listener, count: u64) -> Vec<Vec<u8>> {
    let recording = async {
        loop {
            let mut payloads: Vec<_> = listener.heard().into_iter().map(|message| message.payload).collect();
            payloads.dedup();
            if payloads.len() as u64 >= count {
                return payloads;
            }
            sleep(LOOK).await;
        }
    };
    timeout(LIMIT, recording).await.unwrap_or_else(|_| panic!("{count} batches were never heard"))
}

fn signer(credentials: &Path) -> SigningKey {
    SigningKey::from_text(&std::fs::read_to_string(credentials.join("sign.key")).unwrap()).unwrap()
}

fn opened(payload: &[u8], key: &SigningKey) -> Batch {
    let gateway: GatewayId = "gw-1".parse().unwrap();
    let verified = SignedBatch::from_bytes(payload.to_vec()).verify(&key.verifying_key(), &gateway);
    verified.unwrap().batch().clone()
}

/// With another bit in its middle, where the entries are.
fn flipped(payload: &[u8]) -> Vec<u8> {
    let mut flipped = payload.to_vec();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    flipped
}

/// Waits until the hub shows such an incident.
async fn incident(hub: &Hub, what: &str, such: impl Fn(&Value) -> bool) {
    let waiting = async {
        while !hub.incidents().await.unwrap().iter().any(&such) {
            sleep(LOOK).await;
        }
    };
    if timeout(LIMIT, waiting).await.is_err() {
        panic!("no such {what}: {:#?}", hub.incidents().await.unwrap());
    }
}

/// Whether the hub's database holds these bytes of a refused batch.
fn kept(hub: &Hub, bytes: &[u8]) -> bool {
    let db = rusqlite::Connection::open(hub.database()).unwrap();
    let find = "SELECT EXISTS (SELECT 1 FROM evidence WHERE bytes = ?1)";
    db.query_row(find, [bytes], |row| row.get(0)).unwrap()
}

/// Puts a copy in the place of a database that nobody has open.
fn replace_database(copy: &Path, database: &Path) {
    for ending in ["", "-wal", "-shm"] {
        let mut name = database.as_os_str().to_owned();
        name.push(ending);
        // The last to close it has tidied up behind it.
        let _ = std::fs::remove_file(name);
    }
    copy_database(copy, database).unwrap();
}

fn chains(seen: &[Value], lane: &str) -> usize {
    let of_lane = seen.iter().filter(|line| line["lane"] == lane);
    of_lane.map(|line| line["chain"].as_str().unwrap()).collect::<BTreeSet<_>>().len()
}
