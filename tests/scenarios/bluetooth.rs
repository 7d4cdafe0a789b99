//! A blood pressure cuff, from its radio to the hub, while all that lies between dies and comes back.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a scenario that cannot go on has failed")]

use std::time::Duration;

use jiff::civil::date;
use serde_json::Value;
use varde_tests::sim::{
    blood_pressure::{BloodPressureMonitor, MEASUREMENT, Reading, SERVICE},
    bluez::{Address, Advertisement, Characteristic, Event, Peripheral, Service, uuid16},
    home::{Bluetooth, Device, Home, Plan},
    programs::is_installed,
};

const LIMIT: Duration = Duration::from_secs(60);
const ADDRESS: Address = Address([0xA4, 0xC1, 0x38, 0x00, 0x12, 0x34]);

#[tokio::test]
async fn a_reading_reaches_the_hub_with_value_unit_and_device_time() {
    let Some((home, mut cuff)) = with_a_cuff().await else { return };
    let heard = home.gateway.wait_for("a listening radio", LIMIT, |status| link(status) == "listening");
    assert_eq!(heard.await.unwrap()["devices"]["cuff-1"].get("last_heard"), None);
    cuff.measure(reading(137));
    handed_over(&mut cuff).await;
    let seen = home.hub.wait_for("the reading", LIMIT, |seen| systolic(seen) == ["137"]).await.unwrap();
    let of =
        |metric: &str| seen.iter().find(|line| line["metric"].as_str().unwrap().contains(metric)).unwrap();
    for (metric, value, unit) in [
        ("PRESS_BLD_NONINV_SYS", "137", "mm[Hg]"),
        ("PRESS_BLD_NONINV_DIA", "85", "mm[Hg]"),
        ("PRESS_BLD_NONINV_MEAN", "102", "mm[Hg]"),
        ("PULS_RATE_NON_INV", "71", "/min"),
    ] {
        let line = of(metric);
        assert_eq!((&line["value"], &line["unit"]), (&value.into(), &unit.into()), "{line:#}");
        assert_eq!(line["device"], "cuff-1");
        assert_eq!(line["device_time"], "2026-03-01T08:30:00", "{line:#}");
        assert_eq!(line["user"], 1, "{line:#}");
    }
    home.gateway.wait_for("the link's end", LIMIT, |status| link(status) == "listening").await.unwrap();
    assert!(home.gateway.status().await.unwrap()["devices"]["cuff-1"]["last_heard"].is_string());
}

#[tokio::test]
async fn the_status_shows_link_and_battery_of_a_cuff_that_stays_for_a_while() {
    if !available() {
        return;
    }
    let home = Home::start(plan()).await.unwrap();
    let battery = Characteristic::readable(uuid16(0x2A19), [87]);
    let mut cuff = bluez(&home).bluez.add(Peripheral {
        address: ADDRESS,
        address_is_random: false,
        name: "BPM-200".into(),
        advertised: vec![SERVICE],
        services: vec![
            Service { uuid: SERVICE, characteristics: vec![Characteristic::indicating(MEASUREMENT)] },
            Service { uuid: uuid16(0x180F), characteristics: vec![battery] },
        ],
        bonded: false,
    });
    let advertisement = Advertisement { connectable: true, ..Advertisement::default() };
    let subscribed = async {
        loop {
            cuff.advertise(&advertisement);
            let next = tokio::time::timeout(Duration::from_millis(100), cuff.next_event()).await;
            if next.is_ok_and(|event| event == Event::Subscribed(MEASUREMENT)) {
                return;
            }
        }
    };
    tokio::time::timeout(LIMIT, subscribed).await.unwrap();
    assert!(cuff.indicate(MEASUREMENT, reading(137).bytes()));
    let there =
        |status: &Value| link(status) == "connected" && status["devices"]["cuff-1"]["battery_percent"] == 87;
    home.gateway.wait_for("link and battery", LIMIT, there).await.unwrap();
    // Garbled values are counted, and cost no other.
    assert!(cuff.indicate(MEASUREMENT, [0x1E, 0x79]));
    assert!(cuff.indicate(MEASUREMENT, reading(138).bytes()));
    home.hub.wait_for("both readings", LIMIT, |seen| systolic(seen) == ["137", "138"]).await.unwrap();
    let status = home.gateway.status().await.unwrap();
    assert_eq!(status["devices"]["cuff-1"]["refused_frames"], 1, "{status:#}");
    cuff.disconnect();
    home.gateway.wait_for("the link's end", LIMIT, |status| link(status) == "listening").await.unwrap();
}

#[tokio::test]
async fn a_gateway_that_was_killed_gets_the_next_reading_after_its_restart() {
    let Some((mut home, mut cuff)) = with_a_cuff().await else { return };
    cuff.measure(reading(121));
    handed_over(&mut cuff).await;
    home.hub.wait_for("the first reading", LIMIT, |seen| systolic(seen) == ["121"]).await.unwrap();
    home.gateway.kill().await.unwrap();
    cuff.measure(reading(122));
    home.gateway.start().await.unwrap();
    handed_over(&mut cuff).await;
    home.hub.wait_for("the second", LIMIT, |seen| systolic(seen) == ["121", "122"]).await.unwrap();
}

#[tokio::test]
async fn bluetoothd_and_the_adapter_may_go_and_come_back() {
    let Some((mut home, mut cuff)) = with_a_cuff().await else { return };
    cuff.measure(reading(121));
    handed_over(&mut cuff).await;
    home.hub.wait_for("the first reading", LIMIT, |seen| systolic(seen) == ["121"]).await.unwrap();
    let pid = home.gateway.program().unwrap().id();

    home.bluetooth.as_mut().unwrap().bluez.die().await.unwrap();
    let dead = home.gateway.wait_for("the fault", LIMIT, |status| fault(status).contains("bluetoothd"));
    assert_eq!(link(&dead.await.unwrap()), "failed");
    cuff.measure(reading(122));
    home.bluetooth.as_mut().unwrap().bluez.restart().await.unwrap();
    handed_over(&mut cuff).await;
    home.hub.wait_for("the second", LIMIT, |seen| systolic(seen) == ["121", "122"]).await.unwrap();
    home.gateway.wait_for("no fault", LIMIT, |status| fault(status).is_empty()).await.unwrap();

    bluez(&home).bluez.unplug_adapter();
    let none = "there is no Bluetooth adapter: plug one in";
    home.gateway.wait_for("the fault", LIMIT, |status| fault(status).contains(none)).await.unwrap();
    cuff.measure(reading(123));
    bluez(&home).bluez.plug_in_adapter();
    handed_over(&mut cuff).await;
    home.hub.wait_for("the third", LIMIT, |seen| systolic(seen) == ["121", "122", "123"]).await.unwrap();
    home.gateway.wait_for("no fault", LIMIT, |status| fault(status).is_empty()).await.unwrap();
    assert_eq!(home.gateway.program().unwrap().id(), pid, "it was not started anew");
}

#[tokio::test]
async fn an_absent_adapter_is_named_once_and_used_as_soon_as_it_is_there() {
    if !available() {
        return;
    }
    let mut home = Home::prepare(plan()).await.unwrap();
    bluez(&home).bluez.unplug_adapter();
    home.hub.start().await.unwrap();
    home.gateway.start().await.unwrap();
    let none = "there is no Bluetooth adapter: plug one in";
    home.gateway.wait_for("the fault", LIMIT, |status| fault(status).contains(none)).await.unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    let log = home.gateway.log().unwrap();
    assert_eq!(log.lines().filter(|line| line.contains("WARN bluetooth: ")).count(), 1, "{log}");

    bluez(&home).bluez.plug_in_adapter();
    let mut cuff = BloodPressureMonitor::bring(&bluez(&home).bluez, ADDRESS, 1);
    cuff.measure(reading(121));
    handed_over(&mut cuff).await;
    home.hub.wait_for("the reading", LIMIT, |seen| systolic(seen) == ["121"]).await.unwrap();
    let status = home.gateway.status().await.unwrap();
    assert_eq!(fault(&status), "");
}

fn available() -> bool {
    let available = is_installed("dbus-daemon");
    if !available {
        println!("skipped: dbus-daemon is not installed");
    }
    available
}

fn plan() -> Plan {
    Plan { devices: vec![Device::cuff("cuff-1", ADDRESS)], direct: true, ..Plan::default() }
}

/// A home that runs, and a cuff in its range.
async fn with_a_cuff() -> Option<(Home, BloodPressureMonitor)> {
    if !available() {
        return None;
    }
    let home = Home::start(plan()).await.unwrap();
    let cuff = BloodPressureMonitor::bring(&bluez(&home).bluez, ADDRESS, 1);
    Some((home, cuff))
}

fn bluez(home: &Home) -> &Bluetooth {
    home.bluetooth.as_ref().unwrap()
}

/// A reading of its own minute.
fn reading(systolic: u16) -> Reading {
    let minutes = i64::from(systolic) - 137;
    let taken = date(2026, 3, 1).at(8, 30, 0, 0).saturating_add(jiff::Span::new().minutes(minutes));
    Reading { systolic, diastolic: 85, mean: 102, taken, pulse: 71, user: 1, status: 0 }
}

/// Waits until the cuff has nothing left to tell.
async fn handed_over(cuff: &mut BloodPressureMonitor) {
    // It shows a reading a moment after it was taken.
    tokio::time::sleep(Duration::from_millis(50)).await;
    tokio::time::timeout(LIMIT, cuff.handed_over()).await.unwrap();
}

/// All systolic pressures, in the order in which they came.
fn systolic(seen: &[Value]) -> Vec<&str> {
    let systolic = |line: &&Value| line["metric"].as_str().is_some_and(|name| name.contains("NONINV_SYS"));
    seen.iter().filter(systolic).map(|line| line["value"].as_str().unwrap()).collect()
}

fn link(status: &Value) -> &str {
    status["devices"]["cuff-1"]["link"].as_str().unwrap()
}

fn fault(status: &Value) -> &str {
    let found = status["faults"].as_array().unwrap().iter().find(|fault| fault["what"] == "bluetooth");
    found.map_or("", |fault| fault["message"].as_str().unwrap())
}
