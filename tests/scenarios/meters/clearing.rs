//! A memory that is cleared: nothing goes from it that is not kept for good.

use varde_tests::sim::meters::Firmware as _;

use crate::memory::{METER, bring, device, expected, of, record};
use crate::{LIMIT, prepared, taken, until};

/// The hub is away all the while: what is kept is kept in the gateway.
#[tokio::test]
async fn nothing_is_deleted_in_a_meter_before_the_gateway_has_it_for_good() {
    // Long enough to die in between.
    let devices = vec![device().with("clear_memory = true")];
    let Some(mut home) = prepared(devices, "[store]\ncommit_window_ms = 5000\n").await else { return };
    home.gateway.start().await.unwrap();
    let meter = bring(&home);
    meter.with(|meter| {
        (0..10).for_each(|number| {
            meter.measure(record(number));
        })
    });
    let fetched = |status: &serde_json::Value| taken(status, METER) >= 20;
    home.gateway.wait_for("the whole memory", LIMIT, fetched).await.unwrap();
    home.gateway.kill().await.unwrap();
    assert_eq!(meter.with(|meter| (meter.memory().len(), meter.deleted().len())), (10, 0));

    home.gateway.start().await.unwrap();
    until(&meter, |meter| meter.memory().is_empty()).await;
    // What was deleted stands in the file, whatever comes now.
    home.gateway.kill().await.unwrap();
    until(&meter, |meter| !meter.calls()).await;
    home.hub.start().await.unwrap();
    home.gateway.start().await.unwrap();
    let seen = home.hub.wait_for("the memory", LIMIT, |seen| of(seen).len() >= 10).await.unwrap();
    assert_eq!(of(&seen), expected(0..10));
}
