//! Two ways out of a home: broadband, and a mobile modem on which every byte costs.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a scenario that cannot go on has failed")]

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use serde_json::Value;
use varde_tests::sim::{
    home::{DOOR, Device, Home, PENDANT, Plan, alarms, doors, fault, technical_faults},
    network::Network,
};

/// The preferred path is gone back to when it was well for a while.
const LIMIT: Duration = Duration::from_mins(3);

#[tokio::test]
async fn an_alarm_takes_the_second_path_and_the_backlog_waits_for_the_first() {
    const BACKLOG: u64 = 400;
    let (mut home, mobile) = with_two_paths().await;
    home.hub.start().await.unwrap();
    home.gateway.start().await.unwrap();
    let both_work = |status: &Value| path(status, 0) == "in use" && path(status, 1) == "works";
    home.gateway.wait_for("both paths", LIMIT, both_work).await.unwrap();

    home.network.black_hole();
    for number in 0..BACKLOG {
        home.door(number % 2 == 0).await.unwrap();
    }
    home.committed(LIMIT, BACKLOG).await.unwrap();
    let pressed = Instant::now();
    home.press().await.unwrap();
    let seen = home.hub.wait_for("the alarm", LIMIT, |seen| alarms(seen) > 0).await.unwrap();
    println!(
        "{} ms from the press to the hub, {} doors before it",
        pressed.elapsed().as_millis(),
        doors(&seen)
    );
    assert_eq!(doors(&seen), 0, "the backlog does not follow onto the metered path");
    let told = |seen: &[Value]| technical_faults(seen) > 0;
    let seen = home.hub.wait_for("the primary path's loss", LIMIT, told).await.unwrap();
    assert_eq!(doors(&seen), 0, "nor does it later");
    let status = home.gateway.status().await.unwrap();
    assert_eq!((path(&status, 0), path(&status, 1)), ("lost", "in use"), "{status:#}");
    assert!(!fault(&status, "primary path broadband").is_empty(), "{status:#}");
    assert!(fault(&status, "uplink").is_empty(), "{status:#}");
    println!("{} bytes up over the mobile path", mobile.carried().up);

    home.network.heal();
    let back = |status: &Value| path(status, 0) == "in use" && fault(status, "primary path").is_empty();
    home.gateway.wait_for("the primary path", LIMIT, back).await.unwrap();
    home.drained(LIMIT).await.unwrap();
    let restored = |seen: &[Value]| seen.iter().any(|line| line["value"] == "technical-restored");
    let seen = home.hub.wait_for("its return", LIMIT, restored).await.unwrap();
    assert_eq!((alarms(&seen), doors(&seen)), (1, BACKLOG));

    home.network.cut();
    let cut = Instant::now();
    home.press().await.unwrap();
    home.hub.wait_for("the next alarm", LIMIT, |seen| alarms(seen) > 1).await.unwrap();
    println!("{} ms from the cut to the hub", cut.elapsed().as_millis());
}

#[tokio::test]
async fn a_reserve_that_fails_is_told_of_before_it_is_needed() {
    let (mut home, mobile) = with_two_paths().await;
    mobile.cut();
    home.hub.start().await.unwrap();
    home.gateway.start().await.unwrap();
    let lost = |status: &Value| !fault(status, "redundant path mobile").is_empty();
    home.gateway.wait_for("the test of the second path", LIMIT, lost).await.unwrap();
    home.hub.wait_for("its loss", LIMIT, |seen| technical_faults(seen) == 1).await.unwrap();
    mobile.heal();
    home.gateway.wait_for("the next test of it", LIMIT, |status| path(status, 1) == "works").await.unwrap();
    let restored = |seen: &[Value]| seen.iter().any(|line| line["value"] == "technical-restored");
    home.hub.wait_for("its return", LIMIT, restored).await.unwrap();
}

/// Without a time service there are no anchors among what is committed.
async fn with_two_paths() -> (Home, Network) {
    let devices = vec![Device::pendant("pendant-1", PENDANT), Device::contact("contact-1", DOOR)];
    let home = Home::prepare(Plan { devices, ..Plan::default() }).await.unwrap();
    std::fs::remove_file(home.gateway.clock_marker()).unwrap();
    let mobile = Network::to(home.broker, 1).unwrap();
    home.gateway.configure("30-paths.toml", &paths(home.network.address(), mobile.address())).unwrap();
    (home, mobile)
}

fn paths(broadband: SocketAddr, mobile: SocketAddr) -> String {
    format!(
        "[[uplink.path]]\nname = 'broadband'\nbroker = 'mqtts://{broadband}'\n\
         [[uplink.path]]\nname = 'mobile'\nbroker = 'mqtts://{mobile}'\nmetered = true\n"
    )
}

/// How a path stands, by its place in the order of preference.
fn path(status: &Value, number: usize) -> &str {
    status["uplink"]["paths"][number]["state"].as_str().unwrap_or_default()
}
