//! Meters that go on measuring: what they hold is fetched, what they stream is thinned, what is garbled is refused.

use jiff::civil::date;
use serde_json::{Value, json};
use varde_tests::sim::{
    home::Device,
    meters::{
        Setup,
        continuous_glucose::{self, ContinuousGlucoseSensor, Glucose},
        heart_rate::{Beat, HeartRateBelt},
        oximeter::{PulseOximeter, Saturation},
    },
};

use crate::{LIMIT, address, bluez, home, rows, until, values};

const OXIMETER: &str = "oximeter-1";
const SENSOR: &str = "sensor-1";
const BELT: &str = "belt-1";

const SPOT: &str = "MDC_MODALITY_SPOT";
const STREAMED: &str = "MDC_PULS_OXIM_SAT_O2";
const GLUCOSE: &str = "MDC_CONC_GLU_ISF";
const RATE: &str = "MDC_ECG_HEART_RATE";

#[tokio::test]
async fn an_oximeter_s_spot_checks_arrive_once_and_its_stream_does_not_flood() {
    let Some(home) = home(vec![Device::meter(OXIMETER, address(5), "pulse-oximeter")]).await else { return };
    let meter = PulseOximeter::switch_on(bluez(&home), &Setup::bonded(address(5)));
    meter.with(|meter| {
        for number in 0..5 {
            let taken = date(2026, 3, 9).at(7, i8::try_from(number).unwrap(), 0, 0);
            meter.store(&Saturation::plain(91 + number, 60 + number), taken);
        }
        meter.finger(Some(Saturation::plain(97, 72)));
    });
    let stored = |seen: &[Value]| rows(seen, OXIMETER, SPOT).len() == 5;
    let seen = home.hub.wait_for("the spot checks", LIMIT, stored).await.unwrap();
    assert_eq!(values(&seen, OXIMETER, SPOT), ["91", "92", "93", "94", "95"]);
    assert!(rows(&seen, OXIMETER, SPOT).iter().all(|row| row["flags"] == json!(["stored"])), "{seen:#?}");

    until(&meter, |meter| meter.streamed() >= 12).await;
    // It says something new beside its numbers: the sensor has slipped.
    let slipped = Saturation { sensor: Some(1 << 13), ..Saturation::plain(80, 72) };
    meter.with(|meter| meter.finger(Some(slipped)));
    let told = |seen: &[Value]| values(seen, OXIMETER, STREAMED).contains(&"80");
    let seen = home.hub.wait_for("that it slipped", LIMIT, told).await.unwrap();
    let passed = rows(&seen, OXIMETER, STREAMED).len();
    assert!((2..=4).contains(&passed), "{passed} of {}", meter.with(|meter| meter.streamed()));
    assert_eq!(rows(&seen, OXIMETER, SPOT).len(), 5);
    // A second fetch of the same memory adds nothing either.
    meter.radio().disconnect();
    until(&meter, |meter| meter.requests().len() > 3).await;
}

#[tokio::test]
async fn a_glucose_sensor_s_values_arrive_from_memory_and_live_and_a_garbled_one_costs_no_other() {
    let Some(home) = home(vec![Device::meter(SENSOR, address(6), "continuous-glucose")]).await else {
        return;
    };
    let sensor = ContinuousGlucoseSensor::switch_on(bluez(&home), &Setup::bonded(address(6)), true);
    sensor.with(|sensor| {
        sensor.run_session(100);
        (0..5).for_each(|number| sensor.measure_after(5, Glucose::plain(100 + number)));
    });
    let fetched = |seen: &[Value]| rows(seen, SENSOR, GLUCOSE).len() == 5;
    let seen = home.hub.wait_for("the memory", LIMIT, fetched).await.unwrap();
    assert!(rows(&seen, SENSOR, GLUCOSE).iter().all(|row| row["flags"] == json!(["stored"])), "{seen:#?}");

    sensor.with(|sensor| sensor.measure_after(5, Glucose::plain(105)));
    home.hub.wait_for("a live value", LIMIT, |seen| rows(seen, SENSOR, GLUCOSE).len() == 6).await.unwrap();
    let mut garbled = Glucose::plain(106).bytes(135, false);
    garbled[0] += 2;
    garbled.extend([0xBA, 0xD0]);
    assert!(sensor.radio().indicate(continuous_glucose::MEASUREMENT, garbled));
    sensor.with(|sensor| sensor.measure_after(10, Glucose::plain(107)));
    let seen = home.hub.wait_for("the next", LIMIT, |seen| rows(seen, SENSOR, GLUCOSE).len() == 7).await;
    let seen = seen.unwrap();
    assert_eq!(values(&seen, SENSOR, GLUCOSE), ["100", "101", "102", "103", "104", "105", "107"]);
    assert!(rows(&seen, SENSOR, GLUCOSE)[5..].iter().all(|row| row["flags"] == json!([])), "{seen:#?}");
    let status = home.gateway.status().await.unwrap();
    assert_eq!(status["devices"][SENSOR]["refused_frames"], 1, "{status:#}");
    sensor.with(|sensor| {
        assert!(sensor.started().is_some(), "it was told the time");
        assert_eq!(sensor.bad_checksums(), 0);
    });
}

#[tokio::test]
async fn a_belt_is_told_of_now_and_then_and_at_once_when_it_loses_the_skin() {
    let Some(home) = home(vec![Device::meter(BELT, address(7), "heart-rate")]).await else { return };
    let belt = HeartRateBelt::switch_on(bluez(&home), &Setup::new(address(7)));
    let beat =
        |rate, contact| Some(Beat { rate, contact: Some(contact), energy: None, intervals: vec![870] });
    belt.with(|belt| belt.wear(beat(70, true)));
    until(&belt, |belt| belt.sent() >= 20).await;
    belt.with(|belt| belt.wear(beat(0, false)));
    let lost = |seen: &[Value]| values(seen, BELT, RATE).last() == Some(&"not-a-number");
    home.hub.wait_for("the loss of contact", LIMIT, lost).await.unwrap();
    let so_far = belt.with(|belt| belt.sent());
    until(&belt, |belt| belt.sent() >= so_far + 3).await;
    belt.with(|belt| belt.wear(beat(71, true)));
    let back = |seen: &[Value]| values(seen, BELT, RATE).last() == Some(&"71");
    let seen = home.hub.wait_for("the skin", LIMIT, back).await.unwrap();
    let passed = values(&seen, BELT, RATE);
    assert!(passed.len() <= 4, "{passed:?} of {}", belt.with(|belt| belt.sent()));
    assert_eq!(passed.iter().filter(|value| **value == "not-a-number").count(), 1, "{passed:?}");
}
