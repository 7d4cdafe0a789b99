//! The hub's keys change while it runs, and gateways go over to them one by one.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value as Json;
use tokio::time::{sleep, timeout};
use varde_hub::{Error, Follow, Intake, Outcome, Pair, Retire, Signature, list_keys, retire_keys, visit};
use varde_wire::{
    BootId, Content, Event, GoesBy, Heartbeat, Lane, Metric, Observation, Sealed, Topic, Value, Verdict,
    WallTime,
};

use crate::broker::{Client, Serving};
use crate::gateway::{Gateway, Hub, NOW, alarm, reading, take};
use crate::heartbeats::{LOOK, PATIENCE, heartbeat, now, send, until};

fn pair(hub: &Hub, number: u32) -> Pair {
    let keys = hub.directory.keys().unwrap();
    keys.pairs().find(|pair| pair.number() == number).unwrap().clone()
}

/// The lines of `keys --json`: each pair's number and those that go by it.
fn listed(hub: &Hub) -> Vec<(Option<u64>, Vec<String>)> {
    let mut out = Vec::new();
    list_keys(&hub.directory, &hub.database(), true, &mut out).unwrap();
    let line = |line: &str| {
        let line: Json = serde_json::from_str(line).unwrap();
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

/// Says by which pair it goes, and whether anything older waits there; until the hub knows.
async fn says(client: &Client, hub: &Hub, gateway: &Gateway, number: u64, by: &Pair, older_wait: bool) {
    let said = Heartbeat {
        up_s: 1000 + number,
        goes_by: Some(GoesBy { key: by.id(), older_wait }),
        ..heartbeat(gateway, 1, number, now())
    };
    send(client, gateway, &said.sign(&gateway.signing).unwrap()).await;
    until(hub, "by which pair it goes", |lines| {
        lines.iter().any(|line| line["gateway"] == gateway.id.as_str() && line["up_s"] == said.up_s)
    })
    .await;
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

    assert_eq!(hub.directory.add_keys().unwrap(), 2);
    let two = pair(&hub, 2);
    assert_eq!(listed(&hub), [(Some(1), vec!["gw-1".to_owned(), "gw-2".to_owned()]), (Some(2), vec![])]);
    let newcomer = hub.enrol("gw-3", Signature::Ed25519, false);
    assert_eq!(newcomer.hub_verify, two.signing.verifying_key());

    // What waits was sealed before the change, and what is made then behind it.
    let mut waiting = gateway.outbox(Lane::Routine, 1);
    let old = [waiting.batch(&[reading(120)]), waiting.batch(&[reading(121)])];
    let [first, second] = &old;
    client.send(&up(&gateway, Lane::Routine), first.as_bytes()).await.unwrap();
    let receipt = client.receipt(&gateway, Lane::Routine).await;
    assert!(stored(receipt.verdict), "by the key that it is known to go by");
    drop(waiting);
    gateway.go_over(&two);
    says(&client, &hub, &gateway, 0, &two, true).await;
    client.send(&up(&gateway, Lane::Routine), second.as_bytes()).await.unwrap();
    assert!(
        stored(client.receipt(&gateway, Lane::Routine).await.verdict),
        "opened by the first, signed by the second"
    );
    let mut urgent = gateway.outbox(Lane::Urgent, 2);
    for number in 0..2 {
        client.send(&up(&gateway, Lane::Urgent), urgent.batch(&[alarm()]).as_bytes()).await.unwrap();
        let receipt = client.receipt(&gateway, Lane::Urgent).await;
        assert!(matches!(receipt.verdict, Verdict::Stored { number: n, .. } if n == number));
    }
    let press = stays.outbox(Lane::Urgent, 3).batch(&[alarm()]);
    other.send(&up(&stays, Lane::Urgent), press.as_bytes()).await.unwrap();
    assert!(stored(other.receipt(&stays, Lane::Urgent).await.verdict));
    assert_eq!(hub.observations().len(), 5);

    // The pair is destroyed when nobody needs it, and not before. One that was never heard needs none.
    let refused = retire(&hub, 1, &[&stays]).unwrap_err();
    assert!(refused.contains("yet: gw-1 may hold entries that are sealed with it;"), "{refused}");
    says(&client, &hub, &gateway, 1, &two, false).await;
    let refused = retire(&hub, 1, &[]).unwrap_err();
    assert!(refused.contains("yet: gw-2 goes by it;"), "{refused}");
    let follow = Follow { no_wait: true, ..Follow::default() };
    visit(&hub.directory, &hub.database(), &stays.id, None, &follow, &mut Vec::new()).unwrap();
    says(&other, &hub, &stays, 0, &two, false).await;
    // It is signed anew when it is sent next, which is while the broker is there.
    let retired = async {
        while retire(&hub, 1, &[]).is_err() {
            sleep(LOOK).await;
        }
    };
    timeout(PATIENCE, retired).await.unwrap();
    let refused = retire(&hub, 1, &[]).unwrap_err();
    assert!(refused.contains("holds no pair of keys 1, but these: 2"), "{refused}");
    assert!(retire(&hub, 2, &[]).unwrap_err().contains("pair 2 is the newest"));
    serving.end().await;
    assert!(listed(&hub).iter().all(|(pair, _)| *pair == Some(2)));
}

/// The hub keeps what a gateway may come to by an order that waits for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_pair_that_somebody_may_be_told_of_or_obeys_is_not_destroyed() {
    let hub = Hub::new();
    let late = hub.enrol("gw-1", Signature::Ed25519, false);
    hub.directory.add_keys().unwrap();
    hub.directory.add_keys().unwrap();
    let refused = retire(&hub, 2, &[]).unwrap_err();
    assert!(refused.contains("yet: gw-1 goes by an earlier one, and may be told of this;"), "{refused}");

    let follow = Follow { no_wait: true, ..Follow::default() };
    visit(&hub.directory, &hub.database(), &late.id, None, &follow, &mut Vec::new()).unwrap();
    let database = rusqlite::Connection::open(hub.database()).unwrap();
    let signed: Vec<u8> = database.query_row("SELECT signed FROM command", [], |row| row.get(0)).unwrap();
    let serving = Serving::embedded(&hub).await;
    let client = Client::connect(&serving.address, &late).await;
    says(&client, &hub, &late, 0, &pair(&hub, 3), false).await;
    serving.end().await;
    // As if the hub had been stopped before it could sign it anew.
    assert_eq!(database.execute("UPDATE command SET signed = ?1", [signed]).unwrap(), 1);
    drop(database);
    let refused = retire(&hub, 1, &[]).unwrap_err();
    assert!(refused.contains("yet: a command waits for gw-1 that is signed with it;"), "{refused}");
    retire(&hub, 1, &[&late]).unwrap();
    retire(&hub, 2, &[]).unwrap();
}

/// It may still believe the key before, and would let go of what nobody can open.
#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_goes_by_what_the_hub_does_not_hold_gets_no_receipt() {
    let hub = Hub::new();
    let gateway = hub.enrol("gw-1", Signature::Ed25519, false);
    hub.directory.add_keys().unwrap();
    let two = pair(&hub, 2);
    let serving = Serving::embedded(&hub).await;
    let client = Client::connect(&serving.address, &gateway).await;
    says(&client, &hub, &gateway, 0, &two, false).await;
    serving.end().await;
    fs::remove_dir_all(hub.root.path().join("hub/keys/2")).unwrap();
    let press = gateway.outbox(Lane::Urgent, 2).batch(&[alarm()]);
    let taken = take(&mut hub.intake(), &gateway, Lane::Urgent, &[&press]);
    assert!(taken[0].1.is_empty(), "{taken:?}");
    assert_eq!(listed(&hub), [(Some(1), vec![]), (None, vec!["gw-1".to_owned()])]);
}

#[test]
fn a_gateway_of_before_there_were_pairs_goes_by_the_first() {
    let hub = Hub::new();
    let gateway = hub.enrol("gw-1", Signature::Ed25519, false);
    let database = rusqlite::Connection::open(hub.database()).unwrap();
    database.execute("UPDATE gateway_key SET hub_key = NULL", []).unwrap();
    drop(database);
    hub.directory.add_keys().unwrap();
    assert_eq!(listed(&hub)[0], (Some(1), vec!["gw-1".to_owned()]));
    let press = gateway.outbox(Lane::Urgent, 2).batch(&[alarm()]);
    let taken = take(&mut hub.intake(), &gateway, Lane::Urgent, &[&press]);
    assert_eq!(taken[0].1.len(), 1, "signed with the key that it believes");
    let refused = retire(&hub, 1, &[]).unwrap_err();
    assert!(refused.contains("gw-1 has not said by which pair it goes"), "{refused}");
}

/// An entry that rotted on its box says nothing of which key its epoch is to be opened with.
#[test]
fn one_entry_that_nothing_opens_does_not_close_its_epoch() {
    let hub = Hub::new();
    let gateway = hub.enrol("gw-1", Signature::Ed25519, false);
    hub.directory.add_keys().unwrap();
    let mut outbox = gateway.outbox(Lane::Urgent, 1);
    let rotten = Sealed { epoch: 0, count: 9, bytes: vec![0; 40] };
    let batches = [outbox.batch_of(vec![rotten]), outbox.batch(&[alarm()])];
    let taken = take(&mut hub.intake(), &gateway, Lane::Urgent, &[&batches[0], &batches[1]]);
    assert_eq!(taken[1].0, Outcome::Stored { new: 1 });
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

/// Else a trouble that is over would stand again, and an alarm that was ended be open.
#[test]
fn what_is_read_late_was_told_no_later_than_it_came() {
    let hub = Hub::new();
    let mut gateway = hub.enrol("gw-1", Signature::Ed25519, false);
    let (keys, safe) = (hub.root.path().join("hub/keys"), hub.root.path().join("safe"));
    hub.directory.add_keys().unwrap();
    let says = |boot: u8, event| {
        let mut record = reading(0);
        record.stamp.boot = BootId::from_bytes([boot; 16]);
        let device = "dispenser-1".parse().unwrap();
        record.content =
            Content::Observation(Observation::new(device, Metric::MEDICINE, Value::Event(event)));
        record
    };
    let over = gateway.outbox(Lane::Routine, 1).batch(&[says(2, Event::PlanRestored)]);
    gateway.go_over(&pair(&hub, 2));
    let began = gateway.outbox(Lane::Urgent, 2).batch(&[says(1, Event::PlanDiffers)]);
    fs::rename(keys.join("2"), &safe).unwrap();
    let mut intake = hub.intake();
    for (minute, lane, batch) in [(0, Lane::Urgent, &began), (1, Lane::Routine, &over)] {
        let mut round = intake.begin().unwrap();
        let received = WallTime::from_unix_millis(NOW.as_unix_millis() + minute * 60_000);
        round.take(&gateway.arrival(lane, batch), received).unwrap();
        round.commit().unwrap();
    }
    fs::rename(&safe, keys.join("2")).unwrap();
    hub.intake().begin().unwrap().commit().unwrap();
    assert_eq!(hub.observations().len(), 2);
    let mut out = Vec::new();
    varde_hub::list_troubles(&hub.database(), None, false, &mut out).unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), "no device is in trouble\n");
}

#[test]
fn half_a_pair_is_none_and_none_is_said_to_be_missing() {
    let hub = Hub::new();
    let keys = hub.root.path().join("hub/keys");
    for name in ["2.new", "7.retired", "+1", "01"] {
        fs::create_dir(keys.join(name)).unwrap();
    }
    fs::write(keys.join("2.new/sign.key"), "varde-sign").unwrap();
    assert_eq!(hub.directory.keys().unwrap().newest().number(), 1);
    assert_eq!(hub.directory.add_keys().unwrap(), 2, "in place of what a power cut left");
    assert_eq!(hub.directory.keys().unwrap().newest().number(), 2);
    assert_eq!(fs::metadata(&keys).unwrap().permissions().mode() & 0o777, 0o700);
    retire(&hub, 1, &[]).unwrap();
    assert!(!keys.join("7.retired").exists(), "what was to be destroyed is");
    fs::remove_dir_all(&keys).unwrap();
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
