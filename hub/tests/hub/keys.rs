//! The hub's keys change while it runs, and gateways go over to them one by one.

use std::fs;

use serde_json::Value;
use tokio::time::{sleep, timeout};
use varde_hub::{Error, Intake, Pair, Retire, Signature, list_keys, retire_keys};
use varde_wire::{Backlog, GatewayId, Heartbeat, Lane, Topic, Verdict};

use crate::broker::{Client, Serving};
use crate::gateway::{Gateway, Hub, alarm, reading, take};
use crate::heartbeats::{LOOK, PATIENCE, heartbeat, now, send};

fn pair(hub: &Hub, number: u32) -> Pair {
    let keys = hub.directory.keys().unwrap();
    keys.pairs().find(|pair| pair.number() == number).unwrap().clone()
}

/// The lines of `keys --json`: each pair's number and those that go by it.
fn listed(hub: &Hub) -> Vec<(Option<u64>, Vec<String>)> {
    let mut out = Vec::new();
    list_keys(&hub.directory, &hub.database(), true, &mut out).unwrap();
    let line = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        let gateways = line["gateways"].as_array().unwrap();
        let gateways = gateways.iter().map(|gateway| gateway.as_str().unwrap().to_owned());
        (line["pair"].as_u64(), gateways.collect())
    };
    String::from_utf8(out).unwrap().lines().map(line).collect()
}

fn retire(hub: &Hub, number: u32, give_up: &[&Gateway]) -> Result<(), String> {
    let give_up = give_up.iter().map(|gateway| gateway.id.clone()).collect();
    retire_keys(&hub.directory, &hub.database(), &Retire { number, give_up })
        .map_err(|error| error.to_string())
}

/// Says by which pair it goes, what waits there, and for how long its program has run; until the hub knows.
async fn says(client: &Client, hub: &Hub, gateway: &Gateway, number: u64, by: &Pair, oldest_s: Option<u64>) {
    let said = Heartbeat {
        hub_key: Some(by.id()),
        up_s: 100,
        urgent: Backlog::default(),
        routine: Backlog { entries: oldest_s.map_or(0, |_| 1), oldest_s },
        ..heartbeat(gateway, 1, number, now())
    };
    send(client, gateway, &said.sign(&gateway.signing).unwrap()).await;
    let known = async {
        let mut lines = Vec::new();
        while !lines.iter().any(|line: &Value| line["gateway"] == gateway.id.as_str() && line["up_s"] == 100)
            || hub_number(hub, &gateway.id) != Some(u64::from(by.number()))
        {
            sleep(LOOK).await;
            lines = crate::heartbeats::listed(hub, false).0;
        }
    };
    timeout(PATIENCE, known).await.unwrap();
}

fn hub_number(hub: &Hub, gateway: &GatewayId) -> Option<u64> {
    let lines = listed(hub);
    lines.into_iter().find(|(_, gateways)| gateways.iter().any(|name| name == gateway.as_str()))?.0
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_goes_over_is_opened_and_answered_by_what_it_goes_by() {
    let hub = Hub::new();
    let mut gateway = hub.enrol("gw-1", Signature::Ed25519, false);
    let stays = hub.enrol("gw-2", Signature::Es256, false);
    let serving = Serving::embedded(&hub).await;
    let mut client = Client::connect(&serving.address, &gateway).await;
    let mut other = Client::connect(&serving.address, &stays).await;
    let up = |gateway: &Gateway, lane| Topic::Up(gateway.id.clone(), lane);
    let stored = |verdict| matches!(verdict, Verdict::Stored { .. });

    let (one, number) = (pair(&hub, 1), hub.directory.add_keys().unwrap());
    let two = pair(&hub, number);
    assert_eq!(listed(&hub), [(Some(1), vec!["gw-1".to_owned(), "gw-2".to_owned()]), (Some(2), vec![])]);
    let newcomer = hub.enrol("gw-3", Signature::Ed25519, false);
    assert_eq!(newcomer.hub_verify, two.signing.verifying_key());

    // What waits was sealed before the change, and what is made is sealed behind it; nobody said anything yet.
    let (old, mut urgent) = (gateway.outbox(Lane::Routine, 1).batch(&[reading(120)]), None);
    gateway.go_over(&two);
    client.send(&up(&gateway, Lane::Routine), old.as_bytes()).await.unwrap();
    gateway.go_over(&one);
    assert!(
        stored(client.receipt(&gateway, Lane::Routine).await.verdict),
        "by the key that it is known to go by"
    );
    gateway.go_over(&two);
    says(&client, &hub, &gateway, 0, &two, Some(500)).await;
    for (number, press) in [alarm(), alarm()].into_iter().enumerate() {
        let outbox = urgent.get_or_insert_with(|| gateway.outbox(Lane::Urgent, 2));
        client.send(&up(&gateway, Lane::Urgent), outbox.batch(&[press]).as_bytes()).await.unwrap();
        let receipt = client.receipt(&gateway, Lane::Urgent).await;
        assert!(matches!(receipt.verdict, Verdict::Stored { number: n, .. } if n == number as u64));
    }
    let press = stays.outbox(Lane::Urgent, 3).batch(&[alarm()]);
    other.send(&up(&stays, Lane::Urgent), press.as_bytes()).await.unwrap();
    assert!(stored(other.receipt(&stays, Lane::Urgent).await.verdict));
    assert_eq!(hub.observations().len(), 4);

    // The pair is destroyed when nobody needs it, and not before.
    let refused = retire(&hub, 1, &[&stays]).unwrap_err();
    assert!(refused.contains("gw-1 may hold entries that are sealed with it"), "{refused}");
    says(&client, &hub, &gateway, 1, &two, Some(60)).await;
    let refused = async {
        loop {
            match retire(&hub, 1, &[]) {
                Err(refused) if refused.contains("gw-1") => sleep(LOOK).await,
                refused => return refused.unwrap_err(),
            }
        }
    };
    let refused = timeout(PATIENCE, refused).await.unwrap();
    assert!(refused.contains("yet: gw-2 goes by it;"), "{refused}");
    says(&other, &hub, &stays, 0, &two, None).await;
    retire(&hub, 1, &[&newcomer]).unwrap();
    let refused = retire(&hub, 1, &[]).unwrap_err();
    assert!(refused.contains("holds no pair of keys 1, but these: 2"), "{refused}");
    assert!(retire(&hub, 2, &[]).unwrap_err().contains("pair 2 is the newest"));
    serving.end().await;
    assert!(listed(&hub).iter().all(|(pair, _)| *pair == Some(2)));
}

#[test]
fn a_pair_that_is_made_while_batches_come_opens_the_next_one() {
    let hub = Hub::new();
    let mut gateway = hub.enrol("gw-1", Signature::Ed25519, false);
    let mut intake = hub.intake();
    let mut routine = gateway.outbox(Lane::Routine, 1);
    let first = routine.batch(&[reading(118)]);
    take(&mut intake, &gateway, Lane::Routine, &[&first]);
    hub.directory.add_keys().unwrap();
    // Whoever is told of it is told by way of the database.
    hub.enrol("gw-2", Signature::Ed25519, false);
    let one = pair(&hub, 1);
    gateway.go_over(&pair(&hub, 2));
    let press = gateway.outbox(Lane::Urgent, 2).batch(&[alarm()]);
    gateway.go_over(&one);
    take(&mut intake, &gateway, Lane::Urgent, &[&press]);
    assert_eq!(hub.observations().len(), 2);
    assert!(hub.incidents().iter().all(|line| line["incident"] == "chain-began"));
}

#[test]
fn what_nobody_could_open_is_opened_when_its_key_is_put_back() {
    let hub = Hub::new();
    let mut gateway = hub.enrol("gw-1", Signature::Ed25519, false);
    let (keys, safe) = (hub.root.path().join("hub/keys"), hub.root.path().join("safe"));
    hub.directory.add_keys().unwrap();
    gateway.go_over(&pair(&hub, 2));
    fs::rename(keys.join("2"), &safe).unwrap();
    let sealed = gateway.outbox(Lane::Urgent, 2).batch(&[alarm(), reading(118)]);
    let mut intake = hub.intake();
    gateway.go_over(&pair(&hub, 1));
    let taken = take(&mut intake, &gateway, Lane::Urgent, &[&sealed]);
    assert!(hub.observations().is_empty(), "{taken:?}");

    let next = |intake: &mut Intake| intake.begin().unwrap().commit().unwrap();
    next(&mut intake);
    assert!(hub.observations().is_empty());
    fs::rename(&safe, keys.join("2")).unwrap();
    hub.enrol("gw-2", Signature::Ed25519, false);
    next(&mut intake);
    let seen = hub.observations();
    assert_eq!(seen.iter().map(|line| line["seq"].as_u64()).collect::<Vec<_>>(), [Some(1), Some(2)]);
    next(&mut intake);
    next(&mut hub.intake());
    assert_eq!(hub.observations(), seen, "once");
    let kinds: Vec<_> = hub.incidents().into_iter().map(|line| line["incident"].clone()).collect();
    assert_eq!(kinds, ["chain-began", "unreadable", "opened-later"]);
}

#[test]
fn half_a_pair_is_none_and_none_is_said_to_be_missing() {
    let hub = Hub::new();
    let keys = hub.root.path().join("hub/keys");
    fs::create_dir(keys.join("2.new")).unwrap();
    fs::write(keys.join("2.new/sign.key"), "varde-sign").unwrap();
    assert_eq!(hub.directory.keys().unwrap().newest().number(), 1);
    assert_eq!(hub.directory.add_keys().unwrap(), 2, "in place of what a power cut left");
    assert_eq!(hub.directory.keys().unwrap().newest().number(), 2);
    fs::remove_dir_all(&keys).unwrap();
    fs::create_dir(&keys).unwrap();
    let missing = hub.directory.keys().unwrap_err();
    assert!(matches!(missing, Error::NoKeys(_)), "{missing}");
}

#[test]
fn a_gateway_that_goes_by_keys_of_nobody_is_listed_so_and_not_asked_anything() {
    let hub = Hub::new();
    let gateway = hub.enrol("gw-1", Signature::Ed25519, false);
    fs::remove_dir_all(hub.root.path().join("hub/keys/1")).unwrap();
    hub.directory.add_keys().unwrap();
    assert_eq!(listed(&hub), [(Some(1), vec![]), (None, vec!["gw-1".to_owned()])]);
    let mut out = Vec::new();
    list_keys(&hub.directory, &hub.database(), false, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(text.contains(", the newest: no gateway goes by it\nnot held  "), "{text}");
    assert!(
        text.ends_with(": 1 gateway goes by it, gw-1; put it back below keys/, or enrol them again\n"),
        "{text}"
    );
    let follow = varde_hub::Follow { no_wait: true, ..varde_hub::Follow::default() };
    let asked =
        varde_hub::visit(&hub.directory, &hub.database(), &gateway.id, None, &follow, &mut Vec::new());
    assert!(matches!(asked, Err(Error::ForeignKeys(_))), "{asked:?}");
}
