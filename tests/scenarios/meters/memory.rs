//! A glucose meter's memory: what is in it arrives, whatever becomes of the gateway meanwhile.

use std::collections::BTreeSet;

use jiff::{
    SignedDuration,
    civil::{DateTime, date},
};
use serde_json::{Value, json};
use varde_tests::sim::{
    home::{Device, Home},
    meters::{
        Firmware as _, Setup,
        clock::Clock,
        glucose::{Concentration, Context, GlucoseMeter, Measurement},
    },
};

use crate::{LIMIT, address, bluez, home, rows, taken, until, values};

pub(crate) const METER: &str = "glucose-1";
pub(crate) const GLUCOSE: &str = "MDC_CONC_GLU_CAPILLARY_WHOLEBLOOD";
const MEAL: &str = "MDC_CTXT_GLU_MEAL";
const CARBOHYDRATES: &str = "MDC_CTXT_GLU_CARB_LUNCH";

#[tokio::test]
async fn a_memory_arrives_once_in_order_and_the_next_visit_brings_only_what_is_new() {
    let Some(mut home) = home(vec![device()]).await else { return };
    let meter = bring(&home);
    let eaten = Context { carbohydrate: Some((2, 45)), meal: Some(2), ..Context::default() };
    meter.with(|meter| {
        meter.continue_at(41);
        for number in 0..20 {
            let context = (number % 4 == 1).then_some(eaten);
            meter.measure(Measurement { context, ..record(number) });
        }
    });
    let seen = home.hub.wait_for("the memory", LIMIT, |seen| of(seen).len() == 20).await.unwrap();
    assert_eq!(of(&seen), expected(0..20));
    for row in rows(&seen, METER, GLUCOSE) {
        assert_eq!((&row["unit"], &row["flags"]), (&json!("mmol/L"), &json!(["stored"])), "{row:#}");
    }
    let joined = rows(&seen, METER, MEAL);
    assert_eq!(joined.len(), 5);
    for meal in joined {
        // The measurement that the context belongs to, in the same group.
        let measured = rows(&seen, METER, GLUCOSE);
        let measured: Vec<_> =
            measured.iter().filter(|row| row["group"]["id"] == meal["group"]["id"]).collect();
        assert_eq!(measured.len(), 1, "{meal:#}");
        assert_eq!(measured[0]["device_time"], meal["device_time"], "{meal:#}");
        assert_eq!(meal["flags"], json!(["stored"]), "{meal:#}");
    }
    assert_eq!(values(&seen, METER, CARBOHYDRATES).len(), 5);
    until(&meter, |meter| !meter.calls()).await;

    assert!(home.gateway.stop().await.unwrap().unwrap().success());
    home.gateway.start().await.unwrap();
    measure(&meter, 20..23);
    until(&meter, |meter| !meter.calls()).await;
    let seen = home.hub.wait_for("the new ones", LIMIT, |seen| of(seen).len() >= 23).await.unwrap();
    assert_eq!(of(&seen), expected(0..23));
    assert_eq!(meter.with(|meter| meter.memory().len()), 23, "nothing is deleted unasked");
}

/// What is remembered of a record is kept with it, so none of the broken transfers brings any record twice.
#[tokio::test]
async fn transfers_that_stops_of_the_gateway_interrupt_bring_each_record_once() {
    let Some(mut home) = home(vec![device()]).await else { return };
    let meter = bring(&home);
    measure(&meter, 0..MANY);
    for observations in CUTS {
        part_way(&home, observations).await;
        assert!(home.gateway.stop().await.unwrap().unwrap().success());
        home.gateway.start().await.unwrap();
        meter.with(|meter| meter.call());
    }
    completed(&home, &meter).await;
}

/// The same where nobody was asked.
#[tokio::test]
async fn transfers_that_deaths_of_the_gateway_interrupt_bring_each_record_once() {
    let Some(mut home) = home(vec![device()]).await else { return };
    let meter = bring(&home);
    measure(&meter, 0..MANY);
    for observations in CUTS {
        part_way(&home, observations).await;
        home.gateway.kill().await.unwrap();
        home.gateway.start().await.unwrap();
    }
    completed(&home, &meter).await;
}

/// Enough that a transfer takes some seconds.
const MANY: i16 = 400;

/// How many observations a gateway takes that had not been kept before, until it is stopped: two a record.
const CUTS: [u64; 6] = [1, 40, 120, 10, 200, 60];

/// So many observations are taken in this life of the gateway, and some records are still in the meter alone.
async fn part_way(home: &Home, observations: u64) {
    let part = |status: &Value| taken(status, METER) >= observations;
    home.gateway.wait_for("a part of the memory", LIMIT, part).await.unwrap();
}

/// Every record is at the hub, once.
async fn completed(home: &Home, meter: &GlucoseMeter) {
    let arrived = |seen: &[Value]| of(seen).into_iter().collect::<BTreeSet<_>>().len();
    let all = |seen: &[Value]| arrived(seen) >= usize::try_from(MANY).unwrap();
    home.hub.wait_for("every record", LIMIT, all).await.unwrap();
    until(meter, |meter| !meter.calls()).await;
    home.drained(LIMIT).await.unwrap();
    let mut came = of(&home.hub.show(0).await.unwrap());
    came.sort_unstable();
    assert_eq!(came, expected(0..MANY));
}

pub(crate) fn device() -> Device {
    Device::meter(METER, address(1), "glucose")
}

/// A meter that is bonded with the gateway and whose clock is right.
pub(crate) fn bring(home: &Home) -> GlucoseMeter {
    GlucoseMeter::switch_on(bluez(home), &Setup::bonded(address(1)), Clock::default())
}

/// Takes these records into the meter's memory.
pub(crate) fn measure(meter: &GlucoseMeter, numbers: std::ops::Range<i16>) {
    meter.with(|meter| {
        for number in numbers {
            meter.measure(record(number));
        }
    });
}

/// Each can be told from the others by its minute.
pub(crate) fn record(number: i16) -> Measurement {
    Measurement::plain(at(number), Concentration::TenthsOfMillimolar(40 + number % 100))
}

fn at(number: i16) -> DateTime {
    date(2026, 3, 9).at(6, 0, 0, 0) + SignedDuration::from_mins(number.into())
}

/// Time and value of these records, as the hub shows them.
pub(crate) fn expected(numbers: std::ops::Range<i16>) -> Vec<(String, String)> {
    let shown = |number: i16| {
        let tenths = 40 + number % 100;
        (at(number).to_string(), format!("{}.{}", tenths / 10, tenths % 10))
    };
    numbers.map(shown).collect()
}

/// Time and value of the glucose that the hub received.
pub(crate) fn of(seen: &[Value]) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    rows(seen, METER, GLUCOSE).iter().map(|row| (text(&row["device_time"]), text(&row["value"]))).collect()
}
