//! Visits that go wrong, and many at once.

use std::time::Duration;

use jiff::civil::date;
use serde_json::Value;
use tokio::time::timeout;
use varde_tests::sim::{
    blood_pressure::{BloodPressureMonitor, Reading},
    bluez::Pairing,
    home::{Device, Home, fault},
    meters::{
        Firmware as _, Setup,
        clock::Clock,
        oximeter::{PulseOximeter, Saturation},
        scale::{Weighing, WeightScale},
        thermometer::Thermometer,
    },
};

use crate::memory::{METER, bring, device, expected, of, record};
use crate::{LIMIT, address, bluez, home, until, values};

#[tokio::test]
async fn five_meters_that_measure_at_once_are_all_heard() {
    let devices = vec![
        device(),
        Device::meter("thermometer-1", address(2), "health-thermometer"),
        Device::cuff("cuff-1", address(3)),
        Device::meter("scale-1", address(4), "weight-scale"),
        Device::meter("oximeter-1", address(5), "pulse-oximeter"),
    ];
    let Some(home) = home(devices).await else { return };
    let air = bluez(&home);
    let glucose = bring(&home);
    let thermometer = Thermometer::switch_on(air, &Setup::new(address(2)), Clock::default());
    let cuff = BloodPressureMonitor::bring(air, address(3), 3);
    let scale = WeightScale::switch_on(air, &Setup::new(address(4)), false);
    let oximeter = PulseOximeter::switch_on(air, &Setup::bonded(address(5)));
    for number in 0..3_u16 {
        let taken = date(2026, 3, 9).at(7, i8::try_from(number).unwrap(), 0, 0);
        glucose.with(|meter| meter.measure(record(number.cast_signed())));
        thermometer.with(|meter| meter.measure(370 + i32::from(number)));
        cuff.measure(Reading {
            systolic: 120 + number,
            diastolic: 80,
            mean: 93,
            taken,
            pulse: 64,
            user: 1,
            status: 0,
        });
        let (weight, taken) = (14_000 + 20 * number, Some(taken));
        scale.with(|meter| meter.weigh(Weighing { weight, taken, user: None, bmi: None, composition: None }));
        oximeter.with(|meter| meter.spot_check(&Saturation::plain(95 + number, 64), taken, true));
    }
    let measured = [
        ("thermometer-1", "MDC_TEMP_EAR", ["37.0", "37.1", "37.2"]),
        ("cuff-1", "MDC_PRESS_BLD_NONINV_SYS", ["120", "121", "122"]),
        ("scale-1", "MDC_MASS_BODY_ACTUAL", ["70.000", "70.100", "70.200"]),
        ("oximeter-1", "MDC_MODALITY_SPOT", ["95", "96", "97"]),
    ];
    let all = |seen: &[Value]| {
        let of_each = |(device, metric, _): &(&str, &str, [&str; 3])| values(seen, device, metric).len() >= 3;
        of(seen).len() >= 3 && measured.iter().all(of_each)
    };
    let seen = home.hub.wait_for("all readings", LIMIT, all).await.unwrap();
    assert_eq!(of(&seen), expected(0..3));
    for (device, metric, expected) in measured {
        assert_eq!(values(&seen, device, metric), expected, "{device}");
    }
}

#[tokio::test]
async fn a_link_that_is_only_half_there_is_given_up_and_the_reading_comes_over_the_next() {
    let device = Device::meter("thermometer-1", address(2), "health-thermometer");
    let Some(home) = home(vec![device]).await else { return };
    let meter = Thermometer::switch_on(bluez(&home), &Setup::new(address(2)), Clock::default());
    // A real BlueZ needs half a minute to notice.
    meter.radio().half_open(Duration::from_secs(1));
    meter.with(|meter| meter.measure(368));
    let arrived = |seen: &[Value]| values(seen, "thermometer-1", "MDC_TEMP_EAR") == ["36.8"];
    home.hub.wait_for("the reading", LIMIT, arrived).await.unwrap();
    let status = home.gateway.status().await.unwrap();
    assert_eq!(fault(&status, "device"), "", "{status:#}");
}

#[tokio::test]
async fn a_meter_that_forgot_its_bond_is_named_with_what_to_do_and_works_once_that_is_done() {
    let Some(home) = home(vec![device()]).await else { return };
    let meter = bring(&home);
    meter.with(|meter| meter.measure(record(0)));
    home.hub.wait_for("a record", LIMIT, |seen| of(seen).len() == 1).await.unwrap();
    until(&meter, |meter| !meter.calls()).await;

    // Its battery was taken out; and somebody presses its button again and again.
    meter.radio().forget_bond();
    meter.with(|meter| meter.measure(record(1)));
    let pressing = async {
        loop {
            meter.wait_until(|meter| !meter.calls()).await;
            meter.with(|meter| meter.call());
        }
    };
    let mended = async {
        let named = |status: &Value| fault(status, &format!("device {METER}")).contains("varde devices pair");
        home.gateway.wait_for("what to do", LIMIT, named).await.unwrap();
        meter.radio().set_pairing(Some(Pairing::JUST_WORKS));
        pair_anew(&home).await;
        let well = |status: &Value| fault(status, "device").is_empty();
        home.gateway.wait_for("the fault's end", LIMIT, well).await.unwrap();
        home.hub.wait_for("the other record", LIMIT, |seen| of(seen).len() >= 2).await.unwrap()
    };
    let seen = tokio::select! {
        () = pressing => unreachable!("it is pressed for ever"),
        seen = mended => seen,
    };
    assert_eq!(of(&seen), expected(0..2));
    assert!(meter.radio().is_bonded());
}

/// What the fault's message asks for.
async fn pair_anew(home: &Home) {
    let mut command = home.gateway.command();
    command.env("DBUS_SYSTEM_BUS_ADDRESS", home.bluetooth.as_ref().unwrap().bus.address());
    command.args(["devices", "pair", &address(1).to_string(), "--as", METER, "--seconds", "60", "--config"]);
    command.arg(home.gateway.configuration()).kill_on_drop(true);
    let output = timeout(LIMIT, command.output()).await.unwrap().unwrap();
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}
