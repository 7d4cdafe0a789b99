//! A dispenser on a serial port, with the real programs: its events reach the hub, and prototypes are tested.

#![expect(clippy::unwrap_used, reason = "a scenario that cannot go on has failed")]

use std::{path::Path, process::Output, time::Duration};

use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use tempfile::TempDir;
use tokio::time::timeout;
use varde::store::StateSeal;
use varde_device_link::{Dose, Indicator, Memory as _, Portion, Request, What};
use varde_tests::sim::{
    dispenser::{Defect, Dispenser, Flash, Habit, Injury, Person},
    home::{Home, Plan},
    programs::Programs,
};
use varde_wire::OpeningKey;

const LIMIT: Duration = Duration::from_secs(120);

#[tokio::test]
async fn a_call_for_help_is_at_the_hub_and_the_dispensers_clock_is_set() {
    let (directory, dispenser, home) = home().await;
    dispenser.happens(What::Alarm).await;
    let seen =
        home.hub.wait_for("the call for help", LIMIT, |seen| said(seen, "safety-alarm") == 1).await.unwrap();
    let alarm = seen.iter().find(|row| row["value"] == "safety-alarm").unwrap();
    assert_eq!((&alarm["lane"], &alarm["device"]), (&"urgent".into(), &"dispenser-1".into()), "{alarm:#}");
    // It was set by the gateway, and so the dispenser tells a time of day.
    dispenser.happens(What::Button { index: 2 }).await;
    let seen =
        home.hub.wait_for("the button", LIMIT, |seen| said(seen, "button-pressed") == 1).await.unwrap();
    let button = seen.iter().find(|row| row["value"] == "button-pressed").unwrap();
    assert_eq!(button["flags"], Value::Array(Vec::new()), "{button:#}");
    drop(directory);
}

#[tokio::test]
async fn through_a_bad_line_power_cuts_and_kills_of_the_gateway_every_event_is_at_the_hub_once_and_in_order()
{
    let (directory, dispenser, mut home) = home().await;
    dispenser.injure(Injury { garbles_one_in: 6, loses_one_in: 6, is_slow: true, merges: false }).await;
    let mut events = 0_u64;
    for round in 0..6 {
        for _ in 0..5 {
            events += 1;
            dispenser
                .happens(What::Dispensed {
                    how: varde_device_link::How::AsNeeded,
                    portion: Portion::default(),
                })
                .await;
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
        match round % 3 {
            0 => {
                home.gateway.kill().await.unwrap();
                home.gateway.start().await.unwrap();
            }
            1 => {
                dispenser.lose_power().await;
                dispenser.switch_on(person()).await;
            }
            _ => {
                dispenser.unplug().await;
                dispenser.plug_in_again().await.unwrap();
            }
        }
    }
    let all: Vec<u64> = (1..=events).collect();
    let seen =
        home.hub.wait_for("every event", LIMIT, |seen| numbers(seen).len() >= all.len()).await.unwrap();
    assert_eq!(numbers(&seen), all);
    drop(directory);
}

#[tokio::test]
async fn events_that_come_in_one_piece_are_at_the_hub_once_and_in_order() {
    let (directory, dispenser, home) = home().await;
    dispenser.injure(Injury { merges: true, ..Injury::default() }).await;
    let events = 30_u8;
    for index in 1..=events {
        dispenser.happens(What::Button { index }).await;
    }
    let all: Vec<u64> = (1..=events.into()).collect();
    let seen =
        home.hub.wait_for("every event", LIMIT, |seen| numbers(seen).len() >= all.len()).await.unwrap();
    assert_eq!(numbers(&seen), all);
    drop((dispenser, directory));
}

#[tokio::test]
async fn what_the_hub_asks_of_a_dispenser_is_done_and_shown_and_told() {
    let (directory, dispenser, mut home) = home().await;
    let plan = directory.path().join("plan.toml");
    std::fs::write(&plan, PLAN).unwrap();
    let asks: [&[&str]; 6] = [
        &["plan", plan.to_str().unwrap()],
        &["dispense", "--compartment", "3"],
        &["unlock"],
        &["indicator", "seen"],
        &["message", "--id", "5", "Kaffe kl. 12"],
        &["identify"],
    ];
    for (number, ask) in (1..).zip(asks) {
        let done = hub_asks(&home, ask).await;
        let said = String::from_utf8_lossy(&done.stdout);
        assert!(done.status.success() && said.starts_with(&format!("command {number} ")), "{done:?}");
    }
    let (version, indicator, performed) = dispenser
        .look(|machine| {
            let version = machine.flash().plan().map(varde_device_link::Plan::version);
            (version, machine.indicator, machine.performed().to_vec())
        })
        .await
        .unwrap();
    assert_eq!((version, indicator), (Some(7), Indicator::Seen));
    assert!(performed.contains(&Request::Dispense { compartment: Some(3) }), "{performed:?}");
    assert!(performed.contains(&Request::Lock { locked: false }), "{performed:?}");
    assert!(
        performed.iter().any(|request| matches!(request, Request::ShowMessage { id: 5, .. })),
        "{performed:?}"
    );
    nothing_of_the_plan_is_readable(&home).await;
    home.hub.wait_for("the dose", LIMIT, |seen| said(seen, "dose-dispensed") == 1).await.unwrap();

    // What cannot be done is said by the dispenser, and the gateway's kill costs nobody a second dose.
    let refused = hub_asks(&home, &["switch", "on"]).await;
    assert_eq!(refused.status.code(), Some(69), "{refused:?}");
    // 08:00 in Oslo is not 08:00 on this box.
    std::fs::write(&plan, PLAN.replace("UTC", "Europe/Oslo").replace("version = 7", "version = 8")).unwrap();
    let refused = hub_asks(&home, &["plan", plan.to_str().unwrap()]).await;
    assert_eq!(refused.status.code(), Some(69), "{refused:?}");
    let words = String::from_utf8_lossy(&refused.stderr);
    assert!(words.contains("timedatectl set-timezone Europe/Oslo"), "{words}");
    let version =
        dispenser.look(|machine| machine.flash().plan().map(varde_device_link::Plan::version)).await;
    assert_eq!(version, Some(Some(7)));
    dispenser.unplug().await;
    let stored = hub_asks(&home, &["--no-wait", "dispense"]).await;
    assert!(stored.status.success(), "{stored:?}");
    home.gateway.kill().await.unwrap();
    dispenser.plug_in_again().await.unwrap();
    home.gateway.start().await.unwrap();
    home.hub.wait_for("the second dose", LIMIT, |seen| said(seen, "dose-dispensed") == 2).await.unwrap();
    home.drained(LIMIT).await.unwrap();
    assert_eq!(said(&home.hub.show(0).await.unwrap(), "dose-dispensed"), 2);
    drop((dispenser, directory));
}

#[tokio::test]
async fn the_simulated_dispenser_conforms() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ttyUSB0");
    let dispenser = Dispenser::plug_in(&path, Flash::new(1, 100), person()).unwrap();
    let output = test(&path, &[]).await;
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains(" 0 failed, 0 skipped"), "{text}");
    drop(dispenser);
}

#[tokio::test]
async fn each_defect_is_found_by_the_check_that_is_about_it() {
    let table = [
        (Defect::ForgetsAnswers, "repeated-request"),
        (Defect::NeverRepeats, "retransmission"),
        (Defect::IgnoresAcknowledgements, "retransmission"),
        (Defect::HasNoHeartbeat, "heartbeat"),
        (Defect::DiesOfNoise, "noise"),
        (Defect::RunsHalfPlans, "half-plan"),
        (Defect::IgnoresTheClock, "clock"),
        (Defect::KnowsNoDaylightSaving, "spring-night"),
        (Defect::CannotIdentify, "requests"),
    ];
    for (defect, check) in table {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ttyUSB0");
        let dispenser = Dispenser::plug_in_defective(&path, defect).await.unwrap();
        let output = test(&path, &["--only", "greeting", "--only", check]).await;
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(
            output.status.code(),
            Some(1),
            "{defect:?}: {text}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(text.contains("1 passed, 1 failed") && text.contains("expected"), "{defect:?}: {text}");
        drop(dispenser);
    }
}

#[tokio::test]
async fn a_port_that_is_not_there_is_told_and_a_check_that_is_not_known_too() {
    let nowhere = Path::new("/nowhere/ttyUSB0");
    let output = test(nowhere, &[]).await;
    assert_eq!(output.status.code(), Some(69), "{output:?}");
    let output = test(nowhere, &["--only", "luck"]).await;
    assert!(String::from_utf8_lossy(&output.stderr).contains("no check is called 'luck'"), "{output:?}");
}

async fn test(port: &Path, arguments: &[&str]) -> Output {
    let mut command = Programs::built().await.unwrap().varde();
    command.args(["device-link", "test"]).arg(port).args(arguments).kill_on_drop(true);
    timeout(LIMIT * 4, command.output()).await.expect("it ends").unwrap()
}

/// A home with a dispenser. The folder is that of its port.
async fn home() -> (TempDir, Dispenser, Home) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ttyUSB1");
    let dispenser = Dispenser::plug_in(&path, Flash::new(7, 100), person()).unwrap();
    let port = path.display();
    let settings = format!("[[device]]\nname = 'dispenser-1'\nprotocol = 'device-link'\nport = '{port}'\n");
    let home = Home::start(Plan { settings, ..Plan::default() }).await.unwrap();
    (directory, dispenser, home)
}

const PLAN: &str = "version = 7\nzone = 'UTC'\n[[dose]]\nid = 1\ntime = '08:00'\nwindow_min = 60\n";

async fn hub_asks(home: &Home, words: &[&str]) -> Output {
    let (options, words) = words.split_at(usize::from(words[0] == "--no-wait"));
    let mut command = home.hub.command("command");
    command.args(options).args(["gw-1", "dispenser-1"]).args(words).kill_on_drop(true);
    timeout(LIMIT, command.output()).await.expect("it ends").unwrap()
}

/// The gateway remembers the plan over a restart, and in no file of its state does it stand as it was given.
async fn nothing_of_the_plan_is_readable(home: &Home) {
    let dose = Dose { id: 1, minute: 480, weekdays: 127, window_min: 60, compartment: None, count: 1 };
    let dose = postcard::to_stdvec(&dose).unwrap();
    let holds = |bytes: &[u8]| bytes.windows(dose.len()).any(|window| window == dose);
    let key = std::fs::read_to_string(home.gateway.credentials().join("open.key")).unwrap();
    let seal = StateSeal::new("gw-1".parse().unwrap(), OpeningKey::from_text(&key).unwrap());
    let db = Connection::open_with_flags(home.gateway.outbox(), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let is_remembered = || {
        let select = "SELECT bytes FROM memory WHERE device = 'dispenser-1'";
        let sealed: Vec<u8> = db.query_row(select, [], |row| row.get(0)).unwrap_or_default();
        seal.open_memory(&"dispenser-1".parse().unwrap(), &sealed).is_ok_and(|memory| holds(&memory))
    };
    let remembered = async {
        while !is_remembered() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(LIMIT, remembered).await.expect("the plan is remembered");
    for file in std::fs::read_dir(home.gateway.state()).unwrap().map(|file| file.unwrap().path()) {
        assert!(
            !file.is_file() || !holds(&std::fs::read(&file).unwrap()),
            "{} holds the plan",
            file.display()
        );
    }
}

fn person() -> Person {
    Person::who(Habit::Takes { after_s: 2 })
}

fn said(seen: &[Value], word: &str) -> usize {
    seen.iter().filter(|row| row["value"] == word).count()
}

/// The numbers of the dispenser's events.
fn numbers(seen: &[Value]) -> Vec<u64> {
    let number = |row: &Value| row["value"].as_str().and_then(|value| value.parse().ok());
    seen.iter().filter(|row| row["metric"] == "MDCX_EVENT_NUMBER").filter_map(number).collect()
}
