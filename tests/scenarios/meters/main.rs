//! Health meters in a whole home: what each measured is held against what the hub shows.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a scenario that cannot go on has failed")]

mod clearing;
mod clocks;
mod health_sensor;
mod memory;
mod people;
mod streams;
mod visits;

use std::time::Duration;

use serde_json::Value;
use tokio::time::timeout;
use varde_tests::sim::{
    bluez::{Address, Bluez},
    broker::Broker,
    bus::Bus,
    home::{Device, Home, Plan, WhichBroker},
    meters::{Firmware, Meter},
};

const LIMIT: Duration = Duration::from_secs(90);

/// A running home with these devices, which are not in reach yet; nothing where a program is not installed.
async fn home(devices: Vec<Device>) -> Option<Home> {
    let mut home = prepared(devices, "").await?;
    home.hub.start().await.unwrap();
    home.gateway.start().await.unwrap();
    Some(home)
}

/// The same before its hub and gateway run, with further configuration.
async fn prepared(devices: Vec<Device>, settings: &str) -> Option<Home> {
    if !Bus::available() || !Broker::available() {
        println!("skipped: dbus-daemon or mosquitto is not installed");
        return None;
    }
    let (broker, settings) = (WhichBroker::Mosquitto, settings.to_owned());
    let plan = Plan { devices, broker, direct: true, settings, ..Plan::default() };
    Some(Home::prepare(plan).await.unwrap())
}

fn address(last: u8) -> Address {
    Address([0xF0, 0xF1, 0xF2, 0xF3, 0xF4, last])
}

fn bluez(home: &Home) -> &Bluez {
    &home.bluetooth.as_ref().unwrap().bluez
}

/// Waits until the meter is so.
async fn until<F: Firmware>(meter: &Meter<F>, reached: impl Fn(&F) -> bool) {
    timeout(LIMIT, meter.wait_until(reached)).await.unwrap();
}

/// What the hub received of a device by this metric, in the order it came.
fn rows<'a>(seen: &'a [Value], device: &str, metric: &str) -> Vec<&'a Value> {
    seen.iter().filter(|row| row["device"] == device && row["metric"] == metric).collect()
}

/// The values among them.
fn values<'a>(seen: &'a [Value], device: &str, metric: &str) -> Vec<&'a str> {
    rows(seen, device, metric).into_iter().map(|row| row["value"].as_str().unwrap()).collect()
}

/// How many observations the gateway has taken from a device.
fn taken(status: &Value, device: &str) -> u64 {
    status["devices"][device]["observations"].as_u64().unwrap()
}
