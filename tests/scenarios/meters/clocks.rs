//! A meter whose clock is wrong: it is set where it can be, else what it measured is put right at the hub.

use jiff::{SignedDuration, Timestamp, civil::DateTime, tz::TimeZone};
use serde_json::{Value, json};
use varde_tests::sim::{
    bluez::{Characteristic, Service, uuid16},
    home::{Device, Home},
    meters::{
        Setup,
        clock::Clock,
        thermometer::{self, CURRENT_TIME, Thermometer},
    },
};

use crate::{LIMIT, address, bluez, home, rows, until, values};

const METER: &str = "thermometer-1";
const TEMPERATURE: &str = "MDC_TEMP_EAR";
const CLOCK: &str = "MDC_ATTR_TIME_ABS";

#[tokio::test]
async fn a_clock_that_is_an_hour_behind_is_set() {
    let Some(home) = home(vec![device()]).await else { return };
    let meter = an_hour_behind(&home);
    meter.with(|meter| meter.stay());
    until(&meter, |meter| meter.clock().was_set().is_some()).await;
    meter.with(|meter| meter.measure(371));
    let seen =
        home.hub.wait_for("the reading", LIMIT, |seen| !rows(seen, METER, TEMPERATURE).is_empty()).await;
    let seen = seen.unwrap();
    let reading = rows(&seen, METER, TEMPERATURE)[0];
    assert_eq!((&reading["value"], &reading["clock_offset_s"]), (&json!("37.1"), &json!(0)), "{reading:#}");
    assert_eq!(reading["measured"], reading["device_time"], "{reading:#}");
    assert!(is_about(reading, "measured"), "{reading:#}");
    // What it was before, as the clock itself is told.
    let shown = values(&seen, METER, CLOCK);
    assert!(shown.len() == 1 && (3590..=3610).contains(&shown[0].parse::<i64>().unwrap()), "{shown:?}");
}

#[tokio::test]
async fn a_clock_that_cannot_be_set_is_told_once_and_put_right_in_each_reading() {
    let Some(home) = home(vec![device()]).await else { return };
    let meter = an_hour_behind(&home);
    meter.radio().change_services(without_a_way_to_set_the_clock());
    meter.with(|meter| meter.stay());
    for visit in 1..=3 {
        let told = |seen: &[Value]| offsets(seen).len() == visit;
        home.hub.wait_for("the clock", LIMIT, told).await.unwrap();
        meter.with(|meter| meter.measure(370));
        let measured = |seen: &[Value]| rows(seen, METER, TEMPERATURE).len() == visit;
        let seen = home.hub.wait_for("the reading", LIMIT, measured).await.unwrap();
        let reading = rows(&seen, METER, TEMPERATURE)[visit - 1];
        let offset = reading["clock_offset_s"].as_i64().unwrap();
        assert!((3590..=3610).contains(&offset), "{reading:#}");
        assert!(!is_about(reading, "device_time") && is_about(reading, "measured"), "{reading:#}");
        let events = values(&seen, METER, CLOCK);
        assert_eq!(events.iter().filter(|value| **value == "clock-wrong").count(), 1, "{events:?}");
        // At the next visit it shows another time: the very same would be no news.
        let shown = meter.with(|meter| meter.clock().now().second());
        until(&meter, |meter| meter.clock().now().second() != shown).await;
        meter.radio().disconnect();
    }
    meter.with(|meter| assert_eq!(meter.clock().was_set(), None));
}

/// Its measurements are never kept waiting for the clock but once.
#[tokio::test]
async fn a_clock_is_set_though_the_meter_hangs_up_as_soon_as_it_has_sent() {
    let Some(home) = home(vec![device()]).await else { return };
    let meter = an_hour_behind(&home);
    for (before, tenths) in [368, 369, 370].into_iter().enumerate() {
        meter.with(|meter| meter.measure(tenths));
        until(&meter, |meter| meter.waiting() == 0).await;
        let all = |seen: &[Value]| rows(seen, METER, TEMPERATURE).len() > before;
        home.hub.wait_for("the reading", LIMIT, all).await.unwrap();
    }
    let seen = home.hub.show(0).await.unwrap();
    meter.with(|meter| assert!(meter.clock().was_set().is_some()));
    let last = rows(&seen, METER, TEMPERATURE)[2];
    assert!(is_about(last, "device_time"), "{last:#}");
    // How far it was behind was told when it was set.
    let offsets = offsets(&seen);
    assert!(offsets.iter().any(|offset| (3590..=3610).contains(offset)), "{offsets:?}");
}

fn device() -> Device {
    Device::meter(METER, address(2), "health-thermometer")
}

fn an_hour_behind(home: &Home) -> Thermometer {
    let clock = Clock::ahead(SignedDuration::from_hours(-1));
    Thermometer::switch_on(bluez(home), &Setup::new(address(2)), clock)
}

fn without_a_way_to_set_the_clock() -> Vec<Service> {
    vec![
        Service {
            uuid: thermometer::SERVICE,
            characteristics: vec![Characteristic::indicating(thermometer::MEASUREMENT)],
        },
        Service { uuid: uuid16(0x1805), characteristics: vec![Characteristic::readable(CURRENT_TIME, [])] },
    ]
}

/// How far behind the meter's clock was, at each visit.
fn offsets(seen: &[Value]) -> Vec<i64> {
    values(seen, METER, CLOCK).iter().filter_map(|value| value.parse().ok()).collect()
}

/// Whether a time of the row is that at which the gateway took it, rather than one an hour away.
pub(crate) fn is_about(row: &Value, field: &str) -> bool {
    let shown: DateTime = row[field].as_str().unwrap().parse().unwrap();
    let taken: Timestamp = row["time"].as_str().unwrap().parse().unwrap();
    let apart = taken.to_zoned(TimeZone::UTC).datetime().duration_since(shown);
    apart.abs() < SignedDuration::from_mins(20)
}
