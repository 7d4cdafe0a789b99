//! The hub changes a gateway's roster: judged as a technician's drop-in is, and in force without a technician.

#![expect(clippy::unwrap_used, reason = "a scenario that cannot go on has failed")]

use std::{path::Path, process::Output, time::Duration};

use tokio::time::{sleep, timeout};
use varde_tests::sim::{
    chance::Chance,
    enocean::Telegram,
    home::{DOOR, Device, Home, PENDANT, Plan},
};

const LIMIT: Duration = Duration::from_secs(90);
/// How often a door that nobody may hear yet is moved.
const AGAIN: Duration = Duration::from_millis(200);

#[tokio::test]
async fn a_device_that_the_hub_adds_is_heard_and_one_that_it_removes_is_not() {
    let home = Home::start(plan()).await.unwrap();
    let process = home.gateway.program().unwrap().id();
    let table = door(&home, "door-1", DOOR);

    // What is wrong is told in the words of `varde check`, and changes nothing.
    for (table, message) in [
        (table.replace("D5-00-01", "D5-00-02"), "table:6: device.profile: 'D5-00-02' is no known profile"),
        (table.replace("door-1", "pendant-1"), "table:2: device.name: 'pendant-1' stands at 10-home.toml:"),
        (format!("log.level = 'debug'\n{table}"), "table:1: log: no such key. Known here: device"),
        (format!("{table}{table}"), "table: expected one [[device]] and nothing else, got 2"),
        ("# none".to_owned(), "table: expected one [[device]] and nothing else, got 0"),
    ] {
        let said = refused(&add(&home, &table).await);
        assert!(said.contains("invalid") && said.contains(message), "{said}");
    }
    let said = refused(&remove(&home, "pendant-1").await);
    assert!(said.contains("not-supported") && said.contains("stands at 10-home.toml:"), "{said}");
    let said = refused(&remove(&home, "door-1").await);
    assert!(said.contains("no-such-device"), "{said}");
    assert_eq!(added(&home), Vec::<String>::new());

    assert!(add(&home, &table).await.status.success());
    moves_until(&home, async || heard(&home, "door-1").await).await;
    let said = refused(&add(&home, &table.replace("D5-00-01", "F6-02-01")).await);
    assert!(said.contains("door-1"), "{said}");
    let report =
        home.gateway.command().arg("check").arg("--config").arg(home.gateway.configuration()).output();
    let report = text(&report.await.unwrap().stdout);
    assert!(report.contains("added by the hub, in ") && report.contains("devices.d: door-1\n"), "{report}");

    assert!(remove(&home, "door-1").await.status.success());
    assert_eq!(added(&home), Vec::<String>::new());
    moves_until(&home, async || strangers(&home).await).await;
    assert_eq!(home.gateway.program().unwrap().id(), process, "a service manager saw nothing of it");
}

#[tokio::test]
async fn a_change_is_made_once_and_whole_whenever_the_power_fails() {
    let mut chance = Chance::seeded(20_261_122);
    let mut home = Home::start(plan()).await.unwrap();
    let names: Vec<_> = (1..=6).map(|number| format!("door-{number}")).collect();
    for (number, name) in (1..).zip(&names) {
        let table = door(&home, name, [0x01, 0x82, 0x5D, number]);
        let file = home.directory().join("table.toml");
        std::fs::write(&file, table).unwrap();
        let file = file.to_str().unwrap().to_owned();
        cut_short(&mut home, &["roster", "add", &file], u64::from(number), &mut chance).await;
    }
    assert_eq!(added(&home), names);
    for (number, name) in (7..).zip(&names) {
        cut_short(&mut home, &["roster", "remove", name], number, &mut chance).await;
    }
    assert_eq!(added(&home), Vec::<String>::new());
}

/// Asks for a change and cuts the power at some moment of it; in the end it is done.
async fn cut_short(home: &mut Home, change: &[&str], number: u64, chance: &mut Chance) {
    let stored = ask(home, &[&["--no-wait", "--valid", "1h", "gw-1", "gateway"], change].concat()).await;
    assert!(stored.status.success(), "{stored:?}");
    sleep(chance.duration_below(Duration::from_millis(200))).await;
    home.gateway.kill().await.unwrap();
    home.gateway.start().await.unwrap();
    home.hub.wait_for_command(number, "done", LIMIT).await.unwrap();
}

fn plan() -> Plan {
    Plan { devices: vec![Device::pendant("pendant-1", PENDANT)], ..Plan::default() }
}

/// A door's table; its name is in the second line, its profile in the sixth.
fn door(home: &Home, name: &str, id: [u8; 4]) -> String {
    let id: String = id.iter().map(|byte| format!("{byte:02X}")).collect();
    let port = home.stick.path().display();
    format!(
        "[[device]]\nname = '{name}'\nprotocol = 'esp3'\nport = '{port}'\nid = '{id}'\nprofile = 'D5-00-01'\n\
         forward = 'everything'\n"
    )
}

async fn add(home: &Home, table: &str) -> Output {
    let file = home.directory().join("table.toml");
    std::fs::write(&file, table).unwrap();
    ask(home, &["gw-1", "gateway", "roster", "add", file.to_str().unwrap()]).await
}

async fn remove(home: &Home, name: &str) -> Output {
    ask(home, &["gw-1", "gateway", "roster", "remove", name]).await
}

async fn ask(home: &Home, words: &[&str]) -> Output {
    timeout(LIMIT, home.hub.ask(words)).await.unwrap().unwrap()
}

/// What was said to a change that was refused.
fn refused(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(69), "{output:?}");
    text(&output.stderr)
}

/// Moves the door until it shows.
async fn moves_until(home: &Home, shows: impl AsyncFn() -> bool) {
    let moving = async {
        for closed in [true, false].into_iter().cycle() {
            // Nobody may have the port open, in the midst of a change.
            home.stick.hear(&Telegram::contact(DOOR, closed)).await.unwrap();
            sleep(AGAIN).await;
            if shows().await {
                return;
            }
        }
    };
    timeout(LIMIT, moving).await.unwrap();
}

async fn heard(home: &Home, device: &str) -> bool {
    home.hub.show(0).await.unwrap().iter().any(|line| line["device"] == device)
}

/// Whether the gateway now runs and has heard somebody who is not in its roster.
async fn strangers(home: &Home) -> bool {
    let counted = "telegrams of senders that are not in the roster";
    home.gateway.status().await.is_ok_and(|status| status["counts"][counted].as_u64().unwrap_or_default() > 0)
}

/// The devices whose files stand where the hub's do.
fn added(home: &Home) -> Vec<String> {
    let files = std::fs::read_dir(home.gateway.state().join("devices.d")).into_iter().flatten();
    let paths = files.map(|file| file.unwrap().path());
    let paths = paths.filter(|path| path.extension().is_some_and(|extension| extension == "toml"));
    let stem = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
    let mut names: Vec<_> = paths.map(|path| stem(&path)).collect();
    names.sort();
    names
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
