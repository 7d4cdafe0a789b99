//! A generic health sensor: what it stored and what it observes now arrive with the code, the unit and the time that it
//! gave them, whatever becomes of the link meanwhile.

use jiff::SignedDuration;
use serde_json::{Value, json};
use varde_tests::sim::{
    home::{Device, Home},
    meters::{
        Setup,
        clock::Clock,
        health_sensor::{HealthSensor, Quantity},
    },
};

use crate::clocks::is_about;
use crate::{LIMIT, address, bluez, home, prepared, rows, until, values};

const SENSOR: &str = "health-sensor-1";
const SATURATION: &str = "MDC_PULS_OXIM_SAT_O2";
const CLOCK: &str = "MDC_ATTR_TIME_ABS";

#[tokio::test]
async fn what_is_stored_arrives_first_then_the_clock_is_set_and_what_is_observed_arrives_live() {
    let Some(mut home) = home(vec![device()]).await else { return };
    // An hour behind, and never set.
    let sensor = bring(&home, Clock::ahead(SignedDuration::from_hours(-1)));
    sensor.with(|sensor| {
        for number in 0..3 {
            sensor.store(Quantity::saturation(91 + number), SignedDuration::from_secs(30));
        }
    });
    let seen = arrived(&home, &["91", "92", "93"]).await;
    for row in rows(&seen, SENSOR, SATURATION) {
        assert_eq!(row["unit"], "%", "{row:#}");
        assert!(row["flags"].as_array().unwrap().contains(&json!("stored")), "{row:#}");
        assert!(is_about(row, "measured") && !is_about(row, "device_time"), "{row:#}");
    }
    until(&sensor, |sensor| sensor.is_started() && sensor.clock().was_set().is_some()).await;
    let told = |seen: &[Value]| !values(seen, SENSOR, CLOCK).is_empty();
    let seen = home.hub.wait_for("the clock", LIMIT, told).await.unwrap();
    let behind: i64 = values(&seen, SENSOR, CLOCK)[0].parse().unwrap();
    assert!((3590..=3610).contains(&behind), "{behind}");

    sensor.with(|sensor| sensor.observe(Quantity::saturation(97)));
    let seen = arrived(&home, &["91", "92", "93", "97"]).await;
    let live = rows(&seen, SENSOR, SATURATION)[3];
    assert_eq!((&live["unit"], &live["flags"]), (&json!("%"), &json!([])), "{live:#}");
    assert!(is_about(live, "measured") && is_about(live, "device_time"), "{live:#}");

    // What was kept is remembered: the next life of the gateway asks for what is new.
    assert!(home.gateway.stop().await.unwrap().unwrap().success());
    sensor.with(|sensor| sensor.store(Quantity::saturation(94), SignedDuration::ZERO));
    home.gateway.start().await.unwrap();
    arrived(&home, &["91", "92", "93", "97", "94"]).await;
    sensor.with(|sensor| {
        let last = sensor.requests().last().unwrap();
        assert_eq!(last[1..], [3, 1, 4, 0, 0, 0], "at least the number after the last");
    });
}

#[tokio::test]
async fn a_link_that_breaks_within_a_record_costs_no_record_and_brings_none_twice() {
    const RECORDS: i32 = 40;
    let Some(mut home) = prepared(vec![device()], "").await else { return };
    home.hub.start().await.unwrap();
    let sensor = bring(&home, Clock::default());
    sensor.with(|sensor| {
        for number in 0..RECORDS {
            sensor
                .store(Quantity::saturation(60 + number), SignedDuration::from_secs(60 - i64::from(number)));
        }
    });
    // Two segments a record: after an odd number one of them is on the way. Each time in another life of the gateway.
    for segments in [1, 25, 61] {
        sensor.with(|sensor| sensor.lose_link_after(segments));
        home.gateway.start().await.unwrap();
        until(&sensor, |sensor| !sensor.is_to_lose_link()).await;
        home.gateway.kill().await.unwrap();
    }
    home.gateway.start().await.unwrap();
    let all: Vec<_> = (60..60 + RECORDS).map(|percent| percent.to_string()).collect();
    let all: Vec<_> = all.iter().map(String::as_str).collect();
    arrived(&home, &all).await;
    until(&sensor, |sensor| sensor.is_started()).await;
    home.drained(LIMIT).await.unwrap();
    assert_eq!(values(&home.hub.show(0).await.unwrap(), SENSOR, SATURATION), all);
}

/// Waits until at least so many saturations are at the hub; they are these.
async fn arrived(home: &Home, expected: &[&str]) -> Vec<Value> {
    let enough = |seen: &[Value]| rows(seen, SENSOR, SATURATION).len() >= expected.len();
    let seen = home.hub.wait_for("the saturations", LIMIT, enough).await.unwrap();
    assert_eq!(values(&seen, SENSOR, SATURATION), expected);
    seen
}

fn device() -> Device {
    Device::meter(SENSOR, address(9), "generic-health-sensor")
}

fn bring(home: &Home, clock: Clock) -> HealthSensor {
    HealthSensor::switch_on(bluez(home), &Setup::bonded(address(9)), clock)
}
