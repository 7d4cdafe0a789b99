//! Heartbeats over a broker: which count, and what is listed then.

use std::time::Duration;

use serde_json::Value;
use tokio::time::{sleep, timeout};
use varde_hub::{Error, ListGateways, Signature, list_gateways};
use varde_wire::{
    Backlog, BoundedText, Heartbeat, Lane, LifeState, SignedHeartbeat, SigningKey, Stamp, Topic, Trust,
    WallTime,
};

use crate::broker::{Client, Serving};
use crate::gateway::{Gateway, Hub, alarm, stamp};

pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
pub(crate) const LOOK: Duration = Duration::from_millis(20);

fn now_ms() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    now.as_millis().try_into().unwrap()
}

pub(crate) fn heartbeat(gateway: &Gateway, life: u64, number: u64, stamp: Stamp) -> Heartbeat {
    Heartbeat {
        gateway: gateway.id.clone(),
        life,
        number,
        stamp,
        every_s: 60,
        state: LifeState::Running,
        version: BoundedText::cut("1.2.3"),
        up_s: 5,
        faults: 1,
        urgent: Backlog::default(),
        routine: Backlog { entries: 7, oldest_s: Some(30) },
        goes_by: None,
    }
}

pub(crate) fn now() -> Stamp {
    stamp(1_000, now_ms(), Trust::Synchronised)
}

pub(crate) async fn send(client: &Client, gateway: &Gateway, signed: &SignedHeartbeat) {
    client.send(&Topic::Heartbeat(gateway.id.clone()), signed.as_bytes()).await.unwrap();
}

/// The lines of `gateways --json`, and how it ended.
fn listed(hub: &Hub, silent: bool) -> (Vec<Value>, Result<(), Error>) {
    let mut out = Vec::new();
    let ended = list_gateways(&hub.database(), ListGateways { json: true, silent }, &mut out);
    let text = String::from_utf8(out).unwrap();
    (text.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), ended)
}

pub(crate) async fn until(hub: &Hub, what: &str, such: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let waiting = async {
        loop {
            let (lines, _) = listed(hub, false);
            if such(&lines) {
                return lines;
            }
            sleep(LOOK).await;
        }
    };
    timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("never {what}: {:#?}", listed(hub, false).0))
}

fn refused(line: &Value, cause: &str) -> u64 {
    let all = line["refused"].as_array().map_or(&[][..], Vec::as_slice);
    all.iter()
        .find(|refused| refused["cause"] == cause)
        .map_or(0, |refused| refused["count"].as_u64().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_heartbeat_that_is_new_fresh_and_its_own_counts() {
    let hub = Hub::new();
    let gateway = hub.enrol("gw-1", Signature::Ed25519, false);
    let element = hub.enrol("gw-2", Signature::Es256, false);
    let serving = Serving::embedded(&hub).await;
    let (client, other) = (
        Client::connect(&serving.address, &gateway).await,
        Client::connect(&serving.address, &element).await,
    );
    let states = |lines: &[Value]| lines.iter().map(|line| line["state"].to_string()).collect::<Vec<_>>();
    assert_eq!(states(&listed(&hub, false).0), ["\"never-heard\""; 2]);

    let first = heartbeat(&gateway, 5, 7, now()).sign(&gateway.signing).unwrap();
    send(&client, &gateway, &first).await;
    send(&other, &element, &heartbeat(&element, 0, 0, now()).sign(&element.signing).unwrap()).await;
    let lines =
        until(&hub, "both running", |lines| lines.iter().all(|line| line["state"] == "running")).await;
    let said = ["every_s", "version", "faults", "urgent_waiting", "routine_waiting", "oldest_s", "clock"];
    let said: Vec<String> = said.iter().map(|field| lines[0][field].to_string()).collect();
    assert_eq!(said, ["60", "\"1.2.3\"", "1", "0", "7", "30", "\"synchronised\""]);
    assert!(listed(&hub, true).0.is_empty());

    let stranger = SigningKey::ed25519(&[9; 32]);
    let next = heartbeat(&gateway, 5, 8, now());
    let mut flipped = next.sign(&gateway.signing).unwrap().into_bytes();
    *flipped.last_mut().unwrap() ^= 1;
    let held_back =
        Heartbeat { stamp: stamp(1_000, now_ms() - 6 * 60_000, Trust::Synchronised), ..next.clone() };
    let of_other = heartbeat(&element, 5, 8, now());
    let signed = |heartbeat: &Heartbeat, key| heartbeat.sign(key).unwrap();
    for (refused_for, forged) in [
        ("replay", first.clone()),
        ("replay", signed(&heartbeat(&gateway, 5, 6, now()), &gateway.signing)),
        ("replay", signed(&heartbeat(&gateway, 4, 99, now()), &gateway.signing)),
        ("unknown-key", signed(&next, &stranger)),
        ("signature", SignedHeartbeat::from_bytes(flipped)),
        ("wrong-gateway", signed(&of_other, &gateway.signing)),
        ("late", signed(&held_back, &gateway.signing)),
        ("malformed", SignedHeartbeat::from_bytes(b"online".to_vec())),
    ] {
        let before = refused(&listed(&hub, false).0[0], refused_for);
        send(&client, &gateway, &forged).await;
        until(&hub, refused_for, |lines| refused(&lines[0], refused_for) == before + 1).await;
    }
    let after = listed(&hub, false).0;
    assert_eq!(after[0]["last_sign"], lines[0]["last_sign"], "none of them was a sign of life");

    // A clock that is not set cannot be held against it; a new life with a lower number follows.
    let next = heartbeat(&gateway, 6, 0, stamp(0, 0, Trust::Unset)).sign(&gateway.signing).unwrap();
    send(&client, &gateway, &next).await;
    until(&hub, "in its next life", |lines| lines[0]["clock"] == "unset").await;
    serving.end().await;

    let (lines, ended) = listed(&hub, false);
    assert_eq!(lines[0]["state"], "running");
    assert!(matches!(ended, Err(Error::Deaf { last: Some(_) })), "nobody would notice: {ended:?}");
    let serving = Serving::embedded(&hub).await;
    let client = Client::connect(&serving.address, &gateway).await;
    let before = refused(&lines[0], "replay");
    send(&client, &gateway, &next).await;
    until(&hub, "refused after a restart", |lines| refused(&lines[0], "replay") == before + 1).await;
    // The thread of the list may take a look to say so.
    let hears = async {
        while !matches!(listed(&hub, false).1, Ok(())) {
            sleep(LOOK).await;
        }
    };
    timeout(PATIENCE, hears).await.unwrap();
    serving.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_enrolled_again_begins_anew_and_its_old_keys_prove_nothing() {
    let hub = Hub::new();
    let old = hub.enrol("gw-1", Signature::Ed25519, false);
    let serving = Serving::embedded(&hub).await;
    let client = Client::connect(&serving.address, &old).await;
    send(&client, &old, &heartbeat(&old, u64::MAX, 7, now()).sign(&old.signing).unwrap()).await;
    until(&hub, "running", |lines| lines[0]["state"] == "running").await;

    let new = hub.enrol("gw-1", Signature::Ed25519, true);
    let last_of_old = heartbeat(&old, u64::MAX, 8, now()).sign(&old.signing).unwrap();
    send(&client, &old, &last_of_old).await;
    until(&hub, "refused", |lines| refused(&lines[0], "unknown-key") == 1).await;
    let first_of_new = Heartbeat { version: BoundedText::cut("2"), ..heartbeat(&new, 1, 0, now()) };
    send(&client, &new, &first_of_new.sign(&new.signing).unwrap()).await;
    until(&hub, "running with its new keys", |lines| lines[0]["version"] == "2").await;
    serving.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_was_made_just_now_is_a_sign_of_life_and_an_old_one_is_none() {
    let hub = Hub::new();
    let gateway = hub.enrol("gw-1", Signature::Ed25519, false);
    let serving = Serving::embedded(&hub).await;
    let mut client = Client::connect(&serving.address, &gateway).await;
    let mut outbox = gateway.outbox(Lane::Urgent, 1);
    let old = outbox.batch(&[alarm()]);
    let mut record = alarm();
    record.stamp.wall = WallTime::from_unix_millis(now_ms());
    for (before, (batch, state)) in
        [(old, "never-heard"), (outbox.batch(&[record]), "no-heartbeat")].into_iter().enumerate()
    {
        client.send(&Topic::Up(gateway.id.clone(), Lane::Urgent), batch.as_bytes()).await.unwrap();
        client.receipt(&gateway, Lane::Urgent).await;
        // What comes behind it is looked at behind it.
        send(&client, &gateway, &SignedHeartbeat::from_bytes(b"online".to_vec())).await;
        let looked = |lines: &[Value]| refused(&lines[0], "malformed") > before as u64;
        let lines = until(&hub, "looked at", looked).await;
        assert_eq!(lines[0]["state"], state);
    }
    serving.end().await;
}
