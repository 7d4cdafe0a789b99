//! Devices on serial ports, lived through over real pseudo-terminals: bad lines, plugs pulled and put back, units that do
//! not answer.

#![expect(clippy::unwrap_used, reason = "a scenario that cannot go on has failed")]

mod bad_lines;

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};
use varde_tests::sim::{
    bad_line::{BadLine, Injury},
    home::{Home, Plan, fault},
    tty::{
        Tty,
        modbus::ModbusUnit,
        oximeter,
        radar::{self, Target},
    },
};

const LIMIT: Duration = Duration::from_secs(120);
/// A radar's reports.
const TENTH: Duration = Duration::from_millis(100);

#[tokio::test]
async fn a_finger_that_leaves_an_oximeter_is_told_and_is_never_a_number() {
    let ports = ports();
    let port = ports.path().join("oximeter");
    let mut oximeter = Tty::plug_in(&port, BadLine::seeded(1)).unwrap();
    let home = home(&table("oximeter-1", "nonin", &port, "profile = 'data-format-2'")).await;
    oximeter.opened().await.unwrap();
    oximeter.say(&oximeter::format_2(97, 72, true)).await.unwrap();
    let has = |count: usize| move |seen: &[Value]| said(seen, "oximeter-1").len() == count;
    let seen = home.hub.wait_for("the first measurement", LIMIT, has(2)).await.unwrap();
    assert_eq!(said(&seen, "oximeter-1"), ["97", "72"]);

    let mut told = 2;
    let began = Instant::now();
    while told == 2 && began.elapsed() < LIMIT {
        oximeter.say(&oximeter::format_2(97, 72, false)).await.unwrap();
        sleep(TENTH).await;
        told = said(&home.hub.show(0).await.unwrap(), "oximeter-1").len();
    }
    let seen = home.hub.wait_for("the finger that left", LIMIT, has(5)).await.unwrap();
    assert_eq!(said(&seen, "oximeter-1")[2..], ["not-a-number", "not-a-number", "0x8000"]);
}

#[tokio::test]
async fn a_radar_that_is_unplugged_while_somebody_is_in_tells_of_their_leaving_when_it_is_back() {
    let ports = ports();
    let port = ports.path().join("radar");
    let mut radar = Tty::plug_in(&port, BadLine::seeded(2)).unwrap();
    let home = home(&table("radar-1", "ld2410", &port, "left_after_s = 1\nstill_after_s = 1")).await;
    sees_until(&mut radar, Target::Moving, &home, &["entered-room", "motion"]).await;

    radar.unplug();
    let failed = |status: &Value| status["devices"]["radar-1"]["link"] == "failed";
    home.gateway.wait_for("the port to be missed", LIMIT, failed).await.unwrap();
    radar.plug_in_again().unwrap();
    let all = ["entered-room", "motion", "motion-cleared", "left-room"];
    sees_until(&mut radar, Target::Nobody, &home, &all).await;
    let status = home.gateway.status().await.unwrap();
    assert_eq!(fault(&status, &format!("port {}", port.display())), "", "{status:#}");
}

#[tokio::test]
async fn a_mains_monitor_is_asked_for_its_registers_and_is_a_fault_while_it_does_not_answer() {
    let ports = ports();
    let port = ports.path().join("bus");
    let monitor = ModbusUnit::plug_in(&port, 7, BadLine::seeded(3)).unwrap();
    monitor.input(0, 2301);
    monitor.input(1, 215);
    monitor.discrete(5, true);
    let registers = "unit = 7\npoll_s = 1\nregisters = { a = 'input 0 u16 MDCX_VOLTAGE V 1e-1', \
                     b = 'input 1 i16 MDC_TEMP_ROOM Cel 1e-1', c = 'discrete 5 off mains-lost on mains-restored' }";
    let home = home(&table("mains-1", "modbus", &port, registers)).await;
    let has = |count: usize| move |seen: &[Value]| said(seen, "mains-1").len() == count;
    let seen = home.hub.wait_for("the first round", LIMIT, has(2)).await.unwrap();
    assert_eq!(said(&seen, "mains-1"), ["230.1", "21.5"]);

    monitor.discrete(5, false);
    let seen = home.hub.wait_for("the mains that went", LIMIT, has(3)).await.unwrap();
    let lost = seen.iter().find(|row| row["value"] == "mains-lost").unwrap();
    assert_eq!((&lost["metric"], &lost["vkp"]), (&"MDCX_MAINS".into(), &"1.19".into()));

    monitor.answers(false);
    let silent = |status: &Value| fault(status, "device mains-1").contains("no answer, again and again");
    home.gateway.wait_for("the fault", LIMIT, silent).await.unwrap();
    monitor.discrete(5, true);
    monitor.answers(true);
    let seen = home.hub.wait_for("the mains that are back", LIMIT, has(4)).await.unwrap();
    assert!(seen.iter().any(|row| row["value"] == "mains-restored"), "{seen:#?}");
    let status = home.gateway.status().await.unwrap();
    assert_eq!(fault(&status, "device mains-1"), "", "{status:#}");
}

/// Has the radar report what it sees, ten times a second, until the hub has these events of it.
async fn sees_until(radar: &mut Tty, target: Target, home: &Home, expected: &[&str]) {
    radar.opened().await.unwrap();
    let began = Instant::now();
    loop {
        let commands = radar.heard().unwrap();
        radar.say(&radar::answers(&commands)).await.unwrap();
        radar.say_badly(Injury::Split, &[radar::report(target)]).await.unwrap();
        radar.say(&[0xF4, 0xF3, 0x00]).await.unwrap();
        sleep(TENTH).await;
        let seen = home.hub.show(0).await.unwrap();
        if said(&seen, "radar-1") == expected {
            return;
        }
        assert!(began.elapsed() < LIMIT, "expected {expected:?}, got {seen:#?}");
    }
}

/// A running home with these devices.
async fn home(devices: &str) -> Home {
    Home::start(Plan { settings: devices.to_owned(), direct: true, ..Plan::default() }).await.unwrap()
}

fn ports() -> TempDir {
    tempfile::Builder::new().prefix("varde-ports-").tempdir().unwrap()
}

fn table(name: &str, protocol: &str, port: &Path, rest: &str) -> String {
    let port: PathBuf = port.to_owned();
    format!(
        "[[device]]\nname = '{name}'\nprotocol = '{protocol}'\nport = '{}'\nforward = 'everything'\n{rest}\n",
        port.display()
    )
}

/// What the hub has of a device, in the order it came.
fn said<'a>(seen: &'a [Value], device: &str) -> Vec<&'a str> {
    let of_device = seen.iter().filter(|row| row["device"] == device);
    of_device.map(|row| row["value"].as_str().unwrap()).collect()
}
