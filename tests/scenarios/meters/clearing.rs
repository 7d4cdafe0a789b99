//! A memory that is cleared: nothing goes from it that is not kept for good.

use varde_tests::sim::meters::Firmware as _;

use crate::memory::{METER, bring, device, expected, measure, of};
use crate::{LIMIT, prepared, taken, until};

/// The hub is away all the while: what is kept is kept in the gateway.
#[tokio::test]
async fn nothing_is_deleted_in_a_meter_before_the_gateway_has_it_for_good() {
    // Long enough to die in between.
    let devices = vec![device().with("clear_memory = true")];
    let Some(mut home) = prepared(devices, "[store]\ncommit_window_ms = 5000\n").await else { return };
    home.gateway.start().await.unwrap();
    let meter = bring(&home);
    measure(&meter, 0..10);
    let fetched = |status: &serde_json::Value| taken(status, METER) >= 20;
    home.gateway.wait_for("the whole memory", LIMIT, fetched).await.unwrap();
    home.gateway.kill().await.unwrap();
    // On a machine that stood still meanwhile it may have been committed after all, and comes twice then.
    let is_committed = home.gateway.committed().unwrap().iter().any(|lane| lane.next_seq >= 20);
    assert!(is_committed || meter.with(|meter| meter.deleted().is_empty()));

    home.gateway.start().await.unwrap();
    until(&meter, |meter| meter.memory().is_empty()).await;
    // What was deleted stands in the file, whatever comes now.
    home.gateway.kill().await.unwrap();
    until(&meter, |meter| !meter.calls()).await;
    home.hub.start().await.unwrap();
    home.gateway.start().await.unwrap();
    let seen = home.hub.wait_for("the memory", LIMIT, |seen| of(seen).len() >= 10).await.unwrap();
    let arrived = of(&seen);
    assert!(arrived == expected(0..10) || is_committed && arrived.ends_with(&expected(0..10)), "{arrived:?}");
    assert_eq!(meter.with(|meter| meter.deleted().len()), 10);
}
