//! The hub changes its keys under a gateway in its home: nothing is lost on the way, and no key is believed for longer
//! than it is needed.

#![expect(clippy::unwrap_used, reason = "a scenario that cannot go on has failed")]

use std::{
    fs,
    process::Output,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::Value;
use tokio::time::{sleep, timeout};
use varde_tests::sim::{
    chance::Chance,
    enocean::{Rocker, Telegram},
    home::{DOOR, Device, Home, PENDANT, Plan, backlog},
    mqtt::Client,
};
use varde_wire::{Action, Command, DeviceId, OpeningKey, SigningKey, WallTime};

const LIMIT: Duration = Duration::from_secs(90);
/// Between two looks at what takes a heartbeat to be known.
const LOOK: Duration = Duration::from_millis(200);
/// No hand presses again so soon.
const HAND: Duration = Duration::from_millis(150);
const DOORS: u64 = 200;
const KILLS: u32 = 6;

#[tokio::test]
async fn a_gateway_goes_over_with_a_backlog_and_through_power_cuts_and_loses_nothing() {
    let mut chance = Chance::seeded(20_261_122);
    let mut home = start().await;
    press(&home, 1).await;
    home.hub.stop().await.unwrap();
    for number in 0..DOORS {
        home.stick.hear(&Telegram::contact(DOOR, number % 2 == 0)).await.unwrap();
    }
    home.gateway.wait_for("a backlog", LIMIT, |status| backlog(status) >= DOORS).await.unwrap();
    done(&keys(&home, &["new"]).await);
    done(&ask(&home, &["--no-wait", "--valid", "1h", "gw-1", "gateway", "hub-key"]).await);

    home.hub.start().await.unwrap();
    for _ in 0..KILLS {
        sleep(chance.duration_below(Duration::from_millis(300))).await;
        home.gateway.kill().await.unwrap();
        home.gateway.start().await.unwrap();
    }
    home.hub.wait_for_command(2, "done", LIMIT).await.unwrap();
    goes_by(&home, Some(2)).await;
    home.drained(LIMIT).await.unwrap();
    let doors = |seen: &[Value]| seen.iter().filter(|line| line["device"] == "door-1").count() as u64;
    assert_eq!(doors(&home.hub.show(0).await.unwrap()), DOORS);
    only_chains_began(&home).await;
    let report =
        home.gateway.command().arg("check").arg("--config").arg(home.gateway.configuration()).output();
    let report = text(&report.await.unwrap().stdout);
    assert!(
        report.contains("the hub changed its keys, in ") && report.contains("hub-keys.toml\n"),
        "{report}"
    );

    // From here on there is no first pair, for either of them.
    let first = fs::read_to_string(home.hub.directory().join("keys/1/sign.key")).unwrap();
    let retiring = async {
        while !keys(&home, &["retire", "1"]).await.status.success() {
            sleep(LOOK).await;
        }
    };
    timeout(LIMIT, retiring).await.unwrap();
    home.hub.kill().await.unwrap();
    home.gateway.kill().await.unwrap();
    home.hub.start().await.unwrap();
    home.gateway.start().await.unwrap();
    press(&home, 2).await;
    done(&ask(&home, &["gw-1", "gateway", "test-alarm"]).await);
    home.drained(LIMIT).await.unwrap();
    only_chains_began(&home).await;

    // Whoever has stolen it since is not obeyed.
    let stolen = SigningKey::from_text(&first).unwrap();
    let open = fs::read_to_string(home.gateway.credentials().join("open.key")).unwrap();
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap();
    let validity = [now, now + 3_600_000].map(WallTime::from_unix_millis);
    let to = (&"gw-1".parse().unwrap(), &OpeningKey::from_text(&open).unwrap().sealing_key());
    let command = Command { device: DeviceId::gateway(), action: Action::TestAlarm };
    let signed = command.sign(&stolen, to, 99, validity.into(), [7; 32]).unwrap();
    let mut thief = Client::connect(home.broker, home.hub.directory(), "hub:thief").await.unwrap();
    thief.publish("varde/v1/gw-1/command", signed.as_bytes()).await.unwrap();
    let refused = |status: &Value| status["counts"]["commands that did not verify"].as_u64() >= Some(1);
    home.gateway.wait_for("a command refused", LIMIT, refused).await.unwrap();
}

#[tokio::test]
async fn a_hub_from_a_backup_and_a_gateway_with_a_new_disk_find_each_other_again() {
    let mut home = start().await;
    press(&home, 1).await;
    home.drained(LIMIT).await.unwrap();
    home.hub.stop().await.unwrap();
    let backup = home.directory().join("backup.db");
    fs::copy(home.hub.database(), &backup).unwrap();
    home.hub.start().await.unwrap();
    done(&keys(&home, &["new"]).await);
    done(&ask(&home, &["gw-1", "gateway", "hub-key"]).await);
    goes_by(&home, Some(2)).await;
    press(&home, 2).await;
    home.drained(LIMIT).await.unwrap();

    // The gateway believes the second pair alone, and the hub knows nothing of that.
    home.hub.kill().await.unwrap();
    fs::copy(&backup, home.hub.database()).unwrap();
    for beside in ["hub.db-wal", "hub.db-shm"] {
        let _ = fs::remove_file(home.hub.directory().join(beside));
    }
    assert_eq!(number(&home).await, Some(1));
    home.hub.start().await.unwrap();
    // Of the one before, nobody has anything: it was receipted.
    press(&home, 2).await;
    home.drained(LIMIT).await.unwrap();
    assert_eq!(number(&home).await, Some(2));

    // What stays of a gateway with a new disk is what it was enrolled with.
    home.gateway.stop().await.unwrap();
    fs::remove_dir_all(home.gateway.state()).unwrap();
    home.gateway.start().await.unwrap();
    goes_by(&home, Some(1)).await;
    press(&home, 3).await;
    home.drained(LIMIT).await.unwrap();
    let refused = keys(&home, &["retire", "1"]).await;
    assert_eq!(refused.status.code(), Some(75), "{refused:?}");
    assert!(text(&refused.stderr).contains("gw-1 goes by it"), "{refused:?}");
    done(&ask(&home, &["gw-1", "gateway", "hub-key"]).await);
    goes_by(&home, Some(2)).await;
    let incidents = home.hub.incidents().await.unwrap();
    assert!(incidents.iter().all(|line| line["incident"] != "unreadable"), "{incidents:#?}");
}

/// A home whose gateway shows that it lives as often as is allowed.
async fn start() -> Home {
    let devices = vec![Device::pendant("pendant-1", PENDANT), Device::contact("door-1", DOOR)];
    let home = Home::start(Plan { devices, ..Plan::default() }).await.unwrap();
    done(&ask(&home, &["gw-1", "gateway", "heartbeat", "10"]).await);
    home
}

/// Presses the pendant, and waits until so many presses are at the hub.
async fn press(home: &Home, presses: usize) {
    // What comes sooner is taken for a repeat.
    sleep(HAND).await;
    home.stick.hear(&Telegram::pressed(PENDANT, Rocker::Ai)).await.unwrap();
    home.stick.hear(&Telegram::released(PENDANT)).await.unwrap();
    let pressed =
        |seen: &[Value]| seen.iter().filter(|line| line["value"] == "safety-alarm").count() == presses;
    home.hub.wait_for("the press", LIMIT, pressed).await.unwrap();
}

async fn ask(home: &Home, words: &[&str]) -> Output {
    timeout(LIMIT, home.hub.ask(words)).await.unwrap().unwrap()
}

async fn keys(home: &Home, words: &[&str]) -> Output {
    home.hub.command("keys").args(words).output().await.unwrap()
}

fn done(output: &Output) {
    assert!(output.status.success(), "{output:?}");
}

/// The pair that the hub knows its gateway to go by.
async fn number(home: &Home) -> Option<u64> {
    let lines = text(&keys(home, &["--json"]).await.stdout);
    let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut of_it = lines.filter(|line| line["gateways"] == serde_json::json!(["gw-1"]));
    of_it.next().unwrap()["pair"].as_u64()
}

async fn goes_by(home: &Home, pair: Option<u64>) {
    let said = async {
        while number(home).await != pair {
            sleep(LOOK).await;
        }
    };
    timeout(LIMIT, said).await.unwrap();
}

async fn only_chains_began(home: &Home) {
    let incidents = home.hub.incidents().await.unwrap();
    assert!(incidents.iter().all(|line| line["incident"] == "chain-began"), "{incidents:#?}");
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
