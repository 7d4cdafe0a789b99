//! A radio that heals itself, lived through: scans that die silently, adapters and daemons that go, and what is left
//! to people.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a scenario that cannot go on has failed")]

use std::{pin::pin, time::Duration};

use serde_json::Value;
use tokio::time::interval;
use varde_tests::sim::{
    beacons::bthome::{BthomeSensor, Object},
    bluez::{Address, Bluez, Cure},
    broker::Broker,
    bus::Bus,
    home::{Bluetooth, Device, Home, Plan, WhichBroker, fault, technical_faults},
};

const LIMIT: Duration = Duration::from_secs(150);

const DOOR: Address = Address([0xF0, 0xF1, 0xF2, 0xF3, 0xF4, 0x01]);

/// How often the door is heard where nothing is wrong.
const BEAT: Duration = Duration::from_millis(200);

/// The rungs of the ladder, as the gateway counts them.
const RUNGS: [&str; 3] =
    ["bluetooth scans restarted", "bluetooth adapter power cycles", "bluetoothd restarts"];

#[tokio::test]
async fn a_silent_scan_is_begun_again() {
    silence_heals(Cure::NewScan, [1, 0, 0]).await;
}

#[tokio::test]
async fn a_silence_that_a_new_scan_does_not_end_is_ended_by_a_power_cycle() {
    silence_heals(Cure::PowerCycle, [1, 1, 0]).await;
}

#[tokio::test]
async fn a_silence_that_outlasts_the_adapter_s_power_is_ended_by_a_new_bluetoothd() {
    silence_heals(Cure::NewDaemon, [1, 1, 1]).await;
}

#[tokio::test]
async fn a_silence_that_nothing_ends_is_told_and_its_end_is() {
    let Some((home, mut door)) = home().await else { return };
    bluez(&home).hear_one_in(u32::MAX);
    let status = meanwhile(&mut door, silence(&home, "replace the adapter")).await;
    assert_eq!(rungs(&status), [1, 1, 1], "{status:#}");
    assert_eq!(bluetooth(&home).systemd.restarts(), 1);

    bluez(&home).hear_one_in(1);
    ended(&home, &mut door).await;
}

/// As without the polkit rule: the adapter is not to blame.
#[tokio::test]
async fn a_silence_whose_last_cure_is_forbidden_is_told_with_that() {
    let Some((home, mut door)) = home().await else { return };
    bluetooth(&home).systemd.refuse(true);
    bluez(&home).go_deaf(Cure::NewDaemon);
    let status = meanwhile(&mut door, silence(&home, "install Varde's polkit rule")).await;
    assert_eq!(rungs(&status), [1, 1, 1], "{status:#}");
    assert_eq!(bluetooth(&home).systemd.restarts(), 0);

    bluez(&home).restart().await.unwrap();
    ended(&home, &mut door).await;
}

/// Where the scan was ended and could not be begun again, nothing would be heard until a stronger cure.
#[tokio::test]
async fn a_scan_that_cannot_be_begun_again_at_once_is_begun_a_little_later() {
    let Some((home, mut door)) = home().await else { return };
    bluez(&home).go_deaf(Cure::NewScan);
    bluez(&home).be_busy(1);
    let status = heard_again(&home, &mut door).await;
    assert_eq!(rungs(&status), [1, 0, 0], "{status:#}");
}

#[tokio::test]
async fn a_bluetoothd_that_stays_dead_is_told_and_started_again() {
    let Some((home, mut door)) = home().await else { return };
    bluez(&home).die().await.unwrap();
    told(&home, "check that bluetooth.service runs").await;
    let status = heard_again(&home, &mut door).await;
    assert_eq!(bluetooth(&home).systemd.restarts(), 1, "{status:#}");
}

#[tokio::test]
async fn an_adapter_that_is_unplugged_is_told_and_heard_with_once_it_is_back() {
    let Some((home, mut door)) = home().await else { return };
    bluez(&home).unplug_adapter();
    told(&home, "there is no Bluetooth adapter: plug one in").await;
    bluez(&home).plug_in_adapter();
    heard_again(&home, &mut door).await;
}

#[tokio::test]
async fn an_adapter_that_rfkill_holds_is_told_and_heard_with_once_it_is_free() {
    let Some((home, mut door)) = home().await else { return };
    bluez(&home).rfkill(true);
    told(&home, "hci0 is powered off: run `rfkill unblock bluetooth`").await;
    bluez(&home).rfkill(false);
    heard_again(&home, &mut door).await;
}

#[tokio::test]
async fn an_adapter_that_somebody_switched_off_is_switched_on() {
    let Some((home, mut door)) = home().await else { return };
    bluez(&home).power(false);
    let status = heard_again(&home, &mut door).await;
    assert_eq!(rungs(&status), [0, 0, 0], "{status:#}");
}

#[tokio::test]
async fn a_storm_of_refusals_is_outlasted_without_storming_back() {
    const REFUSALS: u32 = 5;
    let Some((home, mut door)) = home().await else { return };
    let calls = bluez(&home).calls();
    bluez(&home).be_busy(REFUSALS);
    bluez(&home).power(false);
    told(&home, "already in progress").await;
    heard_again(&home, &mut door).await;
    let calls = bluez(&home).calls() - calls;
    println!("{calls} calls for {REFUSALS} refusals");
    // Each attempt asks for what there is, twice, and for the scan; the ladder may have had its turn meanwhile.
    assert!(calls <= u64::from(REFUSALS + 3) * 12, "{calls} calls");
}

#[tokio::test]
async fn a_radio_that_hears_little_is_left_alone() {
    let Some((home, mut door)) = home().await else { return };
    let calls = bluez(&home).calls();
    bluez(&home).hear_one_in(15);
    for moved in 2..=8 {
        door.report(&[Object::door(moved % 2 != 0)], 0);
        let heard = home.hub.wait_for("the door", LIMIT, |seen| doors(seen).len() == moved);
        meanwhile(&mut door, heard).await.unwrap();
    }
    let status = home.gateway.status().await.unwrap();
    assert_eq!(rungs(&status), [0, 0, 0], "{status:#}");
    assert_eq!(bluez(&home).calls(), calls, "nobody asked for anything");
}

/// The scan goes silent; the least that helps is done, and nothing stronger.
async fn silence_heals(cure: Cure, expected: [u64; 3]) {
    let Some((home, mut door)) = home().await else { return };
    bluez(&home).go_deaf(cure);
    let status = heard_again(&home, &mut door).await;
    assert_eq!(rungs(&status), expected, "{status:#}");
    assert_eq!(bluetooth(&home).systemd.restarts() as u64, expected[2]);
    let seen = home.hub.show(0).await.unwrap();
    assert_eq!(technical_faults(&seen), 0, "{seen:#?}");
}

/// A running home in which an open door is heard, with a gateway that takes ten seconds of silence for a fault of the
/// radio; nothing where D-Bus is not installed.
async fn home() -> Option<(Home, BthomeSensor)> {
    if !Bus::available() {
        println!("skipped: dbus-daemon is not installed");
        return None;
    }
    let plan = Plan {
        devices: vec![Device::beacon("door-1", DOOR, "bthome")],
        broker: if Broker::available() { WhichBroker::Mosquitto } else { WhichBroker::Embedded },
        direct: true,
        settings: "[bluetooth]\nquiet_s = 10\n".to_owned(),
        ..Plan::default()
    };
    let home = Home::start(plan).await.unwrap();
    let mut door = BthomeSensor::bring(bluez(&home), DOOR, false, 1);
    door.report(&[Object::door(true)], 0);
    let open = home.hub.wait_for("the open door", LIMIT, |seen| doors(seen) == ["door-opened"]);
    meanwhile(&mut door, open).await.unwrap();
    Some((home, door))
}

/// The door repeats what it said last until this has come.
async fn meanwhile<T>(door: &mut BthomeSensor, awaited: impl Future<Output = T>) -> T {
    let mut awaited = pin!(awaited);
    let mut tick = interval(BEAT);
    loop {
        tokio::select! {
            come = &mut awaited => return come,
            _ = tick.tick() => door.repeat(1),
        }
    }
}

/// The door closes, which the hub hears once, and no fault stands any more.
async fn heard_again(home: &Home, door: &mut BthomeSensor) -> Value {
    door.report(&[Object::door(false)], 0);
    let closed = home.hub.wait_for("the closed door", LIMIT, |seen| doors(seen).contains(&"door-closed"));
    let seen = meanwhile(door, closed).await.unwrap();
    assert_eq!(doors(&seen), ["door-opened", "door-closed"]);
    let well = home.gateway.wait_for("no fault", LIMIT, |status| fault(status, "bluetooth").is_empty());
    meanwhile(door, well).await.unwrap()
}

/// The radio's failure stands with its mend.
async fn told(home: &Home, mend: &str) {
    let told = |status: &Value| fault(status, "bluetooth").contains(mend);
    let status = home.gateway.wait_for("the fault", LIMIT, told).await.unwrap();
    assert_eq!(status["devices"]["door-1"]["link"], "failed", "{status:#}");
}

/// The silence stands with its mend, here and at the hub.
async fn silence(home: &Home, mend: &str) -> Value {
    let told = |status: &Value| fault(status, "bluetooth silence").contains(mend);
    let status = home.gateway.wait_for("the silence", LIMIT, told).await.unwrap();
    let seen = home.hub.wait_for("the fault", LIMIT, |seen| technical_faults(seen) == 1).await.unwrap();
    assert!(seen.iter().any(|row| row["value"].as_str().unwrap().contains(mend)), "{seen:#?}");
    status
}

/// The silence is over, here and at the hub.
async fn ended(home: &Home, door: &mut BthomeSensor) {
    heard_again(home, door).await;
    let restored = |seen: &[Value]| seen.iter().any(|row| row["value"] == "technical-restored");
    let seen = meanwhile(door, home.hub.wait_for("the end", LIMIT, restored)).await.unwrap();
    assert_eq!(technical_faults(&seen), 1, "{seen:#?}");
}

fn bluetooth(home: &Home) -> &Bluetooth {
    home.bluetooth.as_ref().unwrap()
}

fn bluez(home: &Home) -> &Bluez {
    &bluetooth(home).bluez
}

/// How often each rung was taken.
fn rungs(status: &Value) -> [u64; 3] {
    RUNGS.map(|rung| status["counts"][rung].as_u64().unwrap_or_default())
}

/// What the hub has of the door, in the order it came.
fn doors(seen: &[Value]) -> Vec<&str> {
    let of_door = seen.iter().filter(|row| row["device"] == "door-1");
    of_door.map(|row| row["value"].as_str().unwrap()).collect()
}
