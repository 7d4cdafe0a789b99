//! Silence is noticed, a planned stop is none, and nothing but the gateway itself keeps it alive at the hub.

#![expect(clippy::unwrap_used, reason = "a scenario that cannot go on has failed")]

use std::time::Duration;

use tokio::time::{sleep, timeout};
use varde_tests::sim::{
    home::{Home, Plan},
    mqtt::{Client, Listener},
};
use varde_wire::{GatewayId, Heartbeat, LifeState, SignedHeartbeat, SigningKey};

const LIMIT: Duration = Duration::from_secs(120);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(50);
/// The shortest interval there is, in seconds.
const EVERY_S: u32 = 10;
const TOPIC: &str = "varde/v1/gw-1/heartbeat";

/// What ends a gateway's silence comes after three of its intervals; what is wrong is seen well before the limit.
#[tokio::test]
async fn a_killed_gateway_is_silent_until_it_is_back_whatever_the_hub_goes_through() {
    let mut home = hurried().await;
    home.gateway.kill().await.unwrap();
    let silent =
        home.hub.wait_for_gateway("silence", LIMIT, |line, _| line["state"] == "silent").await.unwrap();
    assert_eq!((&silent["after_stop"], silences(&home)), (&serde_json::Value::Null, (1, 0)));
    let (_, code) = home.hub.gateway().await.unwrap();
    assert_eq!(code, 2, "for programs that wake somebody");

    home.hub.kill().await.unwrap();
    home.hub.start().await.unwrap();
    let still = home.hub.wait_for_gateway("a hub that hears", LIMIT, |_, code| code == 2).await.unwrap();
    assert_eq!(still["silent_since"], silent["silent_since"]);

    home.gateway.start().await.unwrap();
    let back = home.hub.wait_for_gateway("its return", LIMIT, |_, code| code == 0).await.unwrap();
    assert_eq!(
        (&back["state"], &back["every_s"]),
        (&"running".into(), &EVERY_S.into()),
        "what the hub asked stays"
    );
    assert_eq!(silences(&home), (1, 1));
    let log = home.hub.log().unwrap();
    for told in ["gateway silent", "gateway restored"] {
        assert_eq!(log.matches(told).count(), 1, "{told}: {log}");
    }
}

#[tokio::test]
async fn a_planned_stop_says_so_and_a_hub_that_was_away_calls_nobody_silent() {
    let mut home = hurried().await;
    let heard = home.hub.gateway().await.unwrap().0;
    home.hub.stop().await.unwrap();
    let (_, code) = home.hub.gateway().await.unwrap();
    assert_eq!(code, 3, "nobody would notice");
    // Longer than what a gateway of this interval may be away.
    sleep(Duration::from_secs(u64::from(EVERY_S) * 4)).await;
    home.hub.start().await.unwrap();
    let again = |line: &serde_json::Value, code| code == 0 && line["last_sign"] != heard["last_sign"];
    home.hub.wait_for_gateway("its heartbeat", LIMIT, again).await.unwrap();

    let listener = attacker(&home).await.listen(TOPIC).await.unwrap();
    assert!(home.gateway.stop().await.unwrap().unwrap().success());
    home.hub.wait_for_gateway("a planned stop", LIMIT, |line, _| line["state"] == "stopped").await.unwrap();
    let last = recorded(&home, &listener, |heard| heard.state == LifeState::Stopping).await;
    let end = home.gateway.log().unwrap();
    assert!(!end.contains("panicked"), "{end}");
    home.gateway.start().await.unwrap();
    home.hub.wait_for_gateway("its next life", LIMIT, |line, _| line["state"] == "running").await.unwrap();
    let next = recorded(&home, &listener, |heard| heard.life > last.life).await;
    assert_eq!((next.number, next.state), (0, LifeState::Running));
    assert_eq!(silences(&home), (0, 0));
}

#[tokio::test]
async fn recorded_and_forged_heartbeats_keep_no_dead_gateway_alive() {
    let mut home = Home::start(Plan::default()).await.unwrap();
    home.hub.wait_for_gateway("its heartbeat", LIMIT, |line, _| line["state"] == "running").await.unwrap();
    let listener = attacker(&home).await.listen(TOPIC).await.unwrap();
    hurry(&home).await;
    let newest = recorded(&home, &listener, |heard| heard.every_s == EVERY_S).await;
    home.gateway.kill().await.unwrap();
    let recorded: Vec<_> = listener.heard().into_iter().map(|message| message.payload).collect();
    drop(listener);
    // What it said last is looked at within half a second.
    sleep(Duration::from_secs(2)).await;
    let dead = home.hub.gateway().await.unwrap().0;

    let forged = Heartbeat { life: newest.life + 1, ..newest };
    let forged = forged.sign(&SigningKey::ed25519(&[9; 32])).unwrap().into_bytes();
    let mut broker = attacker(&home).await;
    let count = recorded.len() as u64;
    for payload in recorded.iter().chain([&forged]) {
        broker.publish(TOPIC, payload).await.unwrap();
    }
    // The status word, which anybody can say, says nothing.
    broker.publish("varde/v1/gw-1/status", b"online").await.unwrap();
    let refused = |line: &serde_json::Value, cause: &str| {
        let all = line["refused"].as_array().cloned().unwrap_or_default();
        all.iter()
            .find(|refused| refused["cause"] == cause)
            .map_or(0, |refused| refused["count"].as_u64().unwrap())
    };
    let all =
        |line: &serde_json::Value, _| refused(line, "replay") == count && refused(line, "unknown-key") == 1;
    home.hub.wait_for_gateway("all of them refused", LIMIT, all).await.unwrap();
    let silent =
        home.hub.wait_for_gateway("silence", LIMIT, |line, _| line["state"] == "silent").await.unwrap();
    assert_eq!(silent["last_sign"], dead["last_sign"]);
}

/// A home whose gateway was asked for a heartbeat as often as it can be.
async fn hurried() -> Home {
    let home = Home::start(Plan::default()).await.unwrap();
    hurry(&home).await;
    home
}

async fn hurry(home: &Home) {
    let mut command = home.hub.command("command");
    command.args(["gw-1", "gateway", "heartbeat", &EVERY_S.to_string()]).kill_on_drop(true);
    let done = timeout(LIMIT, command.output()).await.unwrap().unwrap();
    assert!(done.status.success(), "{done:?}");
    let hurries = |line: &serde_json::Value, _| line["every_s"] == EVERY_S;
    home.hub.wait_for_gateway("the interval it was asked for", LIMIT, hurries).await.unwrap();
}

/// How many silences the hub told of, and how many of them it told the end of.
fn silences(home: &Home) -> (u32, u32) {
    let db = rusqlite::Connection::open(home.hub.database()).unwrap();
    db.query_row("SELECT count(*), count(restored) FROM silence", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
}

async fn attacker(home: &Home) -> Client {
    Client::connect(home.broker, home.hub.directory(), "hub:attacker").await.unwrap()
}

/// The first heartbeat of this kind that the listener heard.
async fn recorded(home: &Home, listener: &Listener, such: impl Fn(&Heartbeat) -> bool) -> Heartbeat {
    let gateway: GatewayId = "gw-1".parse().unwrap();
    let key = std::fs::read_to_string(home.gateway.credentials().join("sign.key")).unwrap();
    let key = SigningKey::from_text(&key).unwrap().verifying_key();
    let hearing = async {
        loop {
            let mut heard = listener
                .heard()
                .into_iter()
                .map(|message| SignedHeartbeat::from_bytes(message.payload).verify(&key, &gateway).unwrap());
            if let Some(heartbeat) = heard.find(&such) {
                return heartbeat;
            }
            sleep(LOOK).await;
        }
    };
    timeout(LIMIT, hearing).await.expect("such a heartbeat was never heard")
}
