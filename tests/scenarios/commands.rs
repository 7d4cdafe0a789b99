//! What the hub asks: carried out once, answered once, and only if it is the hub that asks.

#![expect(clippy::unwrap_used, reason = "a scenario that cannot go on has failed")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::Read as _,
    os::fd::OwnedFd,
    path::Path,
    process::Output,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::Value;
use tokio::time::{sleep, timeout};
use varde_tests::sim::{
    chance::Chance,
    home::{Device, Home, PENDANT, Plan},
    mqtt::Client,
};
use varde_wire::{Action, Command, GatewayId, OpeningKey, SignedCommand, SigningKey, WallTime};

const LIMIT: Duration = Duration::from_secs(90);
const HOUR_MS: i64 = 3_600_000;

#[tokio::test]
async fn a_command_is_sent_carried_out_and_shown() {
    let home = Home::start(plan()).await.unwrap();
    let tested = ask(&home, &["gw-1", "gateway", "test-alarm"]).await;
    let said = text(&tested.stdout);
    assert!(tested.status.success(), "{tested:?}");
    assert!(
        said.starts_with("command 1 to gateway of gw-1: queued") && said.ends_with(" → done\n"),
        "{said}"
    );
    home.hub.wait_for("the test alarm", LIMIT, |seen| tests(seen).contains_key(&1)).await.unwrap();

    let report = text(&ask(&home, &["gw-1", "gateway", "diagnostics"]).await.stdout);
    assert!(report.contains("uplink connected") && report.contains("\npendant-1 "), "{report}");

    for (words, cause) in [
        (["gw-1", "pendant-1", "identify"], "not-supported"),
        (["gw-1", "lamp-1", "identify"], "no-such-device"),
        (["gw-1", "gateway", "lock"], "not-supported"),
    ] {
        let refused = ask(&home, &words).await;
        assert_eq!(refused.status.code(), Some(69), "{refused:?}");
        assert!(text(&refused.stderr).contains(cause), "{refused:?}");
    }
    let stages: Vec<_> =
        home.hub.commands().await.unwrap().iter().map(|line| line["stage"].to_string()).collect();
    assert_eq!(stages, ["\"done\"", "\"done\"", "\"refused\"", "\"refused\"", "\"refused\""]);
    let unknown = ask(&home, &["gw-2", "gateway", "test-alarm"]).await;
    assert_eq!(unknown.status.code(), Some(65), "{unknown:?}");
}

#[tokio::test]
async fn a_gateway_that_is_off_gets_what_is_still_in_time_when_it_comes() {
    let mut home = Home::start(plan()).await.unwrap();
    home.gateway.stop().await.unwrap();
    let late = ask(&home, &["--valid", "1s", "gw-1", "gateway", "test-alarm"]).await;
    assert_eq!(late.status.code(), Some(75), "{late:?}");
    assert!(text(&late.stdout).ends_with("unanswered\n"), "{late:?}");

    let waiting = {
        let mut command = home.hub.command("command");
        command.args(["--json", "gw-1", "gateway", "test-alarm"]).kill_on_drop(true);
        tokio::spawn(async move { command.output().await.unwrap() })
    };
    sleep(Duration::from_millis(500)).await;
    // The number is in the database, so that a hub that dies gives none twice.
    home.hub.kill().await.unwrap();
    home.hub.start().await.unwrap();
    home.gateway.start().await.unwrap();
    let done = timeout(LIMIT, waiting).await.unwrap().unwrap();
    assert!(done.status.success(), "{done:?}");
    let last: Value = serde_json::from_str(text(&done.stdout).lines().last().unwrap()).unwrap();
    assert_eq!((&last["number"], &last["stage"]), (&Value::from(2), &Value::from("done")));
    let third = ask(&home, &["gw-1", "gateway", "test-alarm"]).await;
    assert!(text(&third.stdout).starts_with("command 3 "), "{third:?}");
    home.drained(LIMIT).await.unwrap();
    let done: Vec<_> = tests(&home.hub.show(0).await.unwrap()).into_keys().collect();
    assert_eq!(done, [2, 3], "the first was out of time");
}

#[tokio::test]
async fn what_no_honest_hub_sends_is_not_carried_out_and_is_reported() {
    let home = Home::start(plan()).await.unwrap();
    let (hub, sealing) = (key(home.hub.directory()), opening(home.gateway.credentials()).sealing_key());
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap();
    let make = |key: &SigningKey, gateway: &str, number, from_ms, entropy| {
        let gateway: GatewayId = gateway.parse().unwrap();
        let command = Command { device: "gateway".parse().unwrap(), action: Action::TestAlarm };
        let validity = [from_ms, from_ms + HOUR_MS].map(WallTime::from_unix_millis);
        command.sign(key, (&gateway, &sealing), number, validity.into(), [entropy; 32]).unwrap()
    };
    let honest = make(&hub, "gw-1", 50, now, 1);
    let stranger = SigningKey::ed25519(&[9; 32]);
    let mut broker = Client::connect(home.broker, home.hub.directory(), "hub:attacker").await.unwrap();
    let counted = async |what: &str, least: u64| {
        let enough = |status: &Value| status["counts"][what].as_u64().unwrap_or_default() >= least;
        home.gateway.wait_for(what, LIMIT, enough).await.unwrap();
    };
    let connected = |status: &Value| status["uplink"]["state"] == "connected";
    home.gateway.wait_for("a connection", LIMIT, connected).await.unwrap();

    // The same bytes again are answered again; the listener of the first may not have heard.
    send(&mut broker, &honest).await;
    home.hub.wait_for("the test alarm", LIMIT, |seen| tests(seen).contains_key(&50)).await.unwrap();
    send(&mut broker, &honest).await;
    send(&mut broker, &make(&hub, "gw-1", 50, now, 2)).await;
    counted("commands replayed", 1).await;
    send(&mut broker, &make(&hub, "gw-1", 49, now, 3)).await;
    counted("commands out of order", 1).await;
    send(&mut broker, &make(&hub, "gw-1", 60, now - 2 * HOUR_MS, 4)).await;
    counted("commands out of date", 1).await;
    send(&mut broker, &make(&hub, "gw-2", 61, now, 5)).await;
    counted("commands for another gateway", 1).await;
    send(&mut broker, &make(&stranger, "gw-1", 62, now, 6)).await;
    let mut changed = make(&hub, "gw-1", 63, now, 7).as_bytes().to_vec();
    *changed.last_mut().unwrap() ^= 1;
    send(&mut broker, &SignedCommand::from_bytes(changed)).await;
    counted("commands that did not verify", 2).await;

    let reported = |seen: &[Value]| seen.iter().filter(|line| line["value"] == "command-refused").count();
    home.hub.wait_for("the reports", LIMIT, |seen| reported(seen) >= 3).await.unwrap();
    home.drained(LIMIT).await.unwrap();
    let seen = home.hub.show(0).await.unwrap();
    assert_eq!(tests(&seen), BTreeMap::from([(50, 1)]));
    assert_eq!(reported(&seen), 3, "a flood of them would fill the outbox");

    // This hub never gave those numbers, as one that lost its memory; the refusal told it where the gateway stands.
    let ahead = ask(&home, &["gw-1", "gateway", "test-alarm"]).await;
    assert!(ahead.status.success() && text(&ahead.stdout).starts_with("command 51 "), "{ahead:?}");
}

#[tokio::test]
async fn every_command_ends_once_and_is_carried_out_once_at_the_most_through_fifty_kills() {
    let quick = std::env::var_os("VARDE_QUICK").is_some_and(|quick| quick == "1");
    let kills = if quick { 10 } else { 50 };
    let mut chance = Chance::seeded(20_261_122);
    let mut home = Home::start(plan()).await.unwrap();
    // What is for the pendant is taken on and waits for its stick; what is for the gateway is done at once.
    home.stick.unplug().await;
    for number in 1..=kills {
        let waits = number % 2 == 0;
        let to: &[&str] = if waits { &["pendant-1", "identify"] } else { &["gateway", "test-alarm"] };
        let stored = ask(&home, &[&["--no-wait", "--valid", "1h", "gw-1"], to].concat()).await;
        assert!(stored.status.success(), "{stored:?}");
        if waits {
            home.hub.wait_for_command(number, "accepted", LIMIT).await.unwrap();
        } else {
            sleep(chance.duration_below(Duration::from_millis(250))).await;
        }
        home.gateway.kill().await.unwrap();
        if number % 10 == 0 {
            home.hub.kill().await.unwrap();
            home.hub.start().await.unwrap();
        }
        home.gateway.start().await.unwrap();
    }
    home.stick.plug_in_again().await.unwrap();
    for number in (2..=kills).step_by(2) {
        home.hub.wait_for_command(number, "refused", LIMIT).await.unwrap();
    }
    let last = ask(&home, &["gw-1", "gateway", "test-alarm"]).await;
    assert!(last.status.success(), "{last:?}");
    home.drained(LIMIT).await.unwrap();

    let commands = home.hub.commands().await.unwrap();
    let carried_out = tests(&home.hub.show(0).await.unwrap());
    let numbers: BTreeSet<_> = commands.iter().map(|line| line["number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=kills + 1).collect());
    let mut interrupted = 0;
    for line in &commands {
        let times = carried_out.get(&line["number"].as_u64().unwrap()).copied().unwrap_or_default();
        match (line["stage"].as_str().unwrap(), line["cause"].as_str()) {
            ("done", None) => assert_eq!(times, 1, "{line}"),
            ("refused", Some("not-supported")) => assert_eq!(line["device"], "pendant-1", "{line}"),
            ("refused", Some("interrupted")) => {
                interrupted += 1;
                assert!(times <= 1, "{line} was carried out {times} times");
            }
            other => panic!("{other:?}: {line}"),
        }
    }
    println!("{} commands, {interrupted} interrupted", commands.len());
}

/// Whoever waits at a terminal sees each step when it comes.
#[tokio::test]
async fn progress_is_seen_on_a_terminal() {
    let home = Home::start(plan()).await.unwrap();
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap().into_string().unwrap();
    let mut command = home.hub.command("command");
    let far_end = File::options().read(true).write(true).open(&name).unwrap();
    command.args(["gw-1", "gateway", "diagnostics"]).stdout(far_end).kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    // The command keeps its end open for itself alone.
    drop(command);
    let read = tokio::task::spawn_blocking(move || shown(terminal));
    assert!(timeout(LIMIT, child.wait()).await.unwrap().unwrap().success());
    let screen = timeout(LIMIT, read).await.unwrap().unwrap();
    assert!(screen.starts_with("command 1 to gateway of gw-1: queued → "), "{screen}");
    assert!(screen.contains(" → done\r\nvarde "), "{screen}");
}

fn plan() -> Plan {
    Plan { devices: vec![Device::pendant("pendant-1", PENDANT)], ..Plan::default() }
}

async fn ask(home: &Home, words: &[&str]) -> Output {
    timeout(LIMIT, home.hub.ask(words)).await.unwrap().unwrap()
}

async fn send(broker: &mut Client, command: &SignedCommand) {
    broker.publish("varde/v1/gw-1/command", command.as_bytes()).await.unwrap();
}

/// By the numbers of the commands, how often each test alarm came.
fn tests(seen: &[Value]) -> BTreeMap<u64, u32> {
    let mut times = BTreeMap::new();
    for line in seen {
        let Some(number) =
            line["value"].as_str().and_then(|text| text.strip_prefix("test alarm by command "))
        else {
            continue;
        };
        assert_eq!(line["flags"], Value::from(vec!["test"]), "{line}");
        *times.entry(number.parse().unwrap()).or_default() += 1;
    }
    times
}

/// What stands on a terminal in the end.
fn shown(terminal: OwnedFd) -> String {
    let (mut terminal, mut bytes, mut chunk) = (File::from(terminal), Vec::new(), [0; 1024]);
    // EIO once nobody has the other end open.
    while let Ok(count @ 1..) = terminal.read(&mut chunk) {
        bytes.extend_from_slice(&chunk[..count]);
    }
    text(&bytes)
}

fn key(directory: &Path) -> SigningKey {
    SigningKey::from_text(&std::fs::read_to_string(directory.join("keys/1/sign.key")).unwrap()).unwrap()
}

fn opening(credentials: &Path) -> OpeningKey {
    OpeningKey::from_text(&std::fs::read_to_string(credentials.join("open.key")).unwrap()).unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
