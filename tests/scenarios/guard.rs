//! The guard in the real gateway: alarms from press to end, who falls silent, what leaves the home, and what a kill leaves.

#![expect(clippy::unwrap_used, reason = "a scenario that cannot go on has failed")]

use std::time::Duration;

use serde_json::Value;
use tokio::time::{sleep, timeout};
use varde_tests::sim::{
    enocean::Telegram,
    home::{DOOR, Device, Home, PENDANT, Plan, alarms, doors},
};

const LIMIT: Duration = Duration::from_secs(90);

/// Steps of alarms that the hub has, as `number kind step`.
fn steps(reports: &[Value]) -> Vec<String> {
    let of_alarm = reports.iter().filter(|line| line["report"] == "alarm");
    let words = |line: &Value| {
        let word = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
        format!("{} {} {}", line["alarm"], word("kind"), word("step"))
    };
    of_alarm.map(words).collect()
}

/// Waits until the hub has these steps of alarms, one after the other, with others between.
async fn told(home: &Home, expected: &[&str]) -> Vec<String> {
    let waiting = async {
        loop {
            let steps = steps(&home.hub.reports(0).await.unwrap());
            let mut wanted = expected.iter().peekable();
            for step in &steps {
                if wanted.peek().is_some_and(|wanted| *wanted == step) {
                    wanted.next();
                }
            }
            if wanted.peek().is_none() {
                return steps;
            }
            sleep(Duration::from_millis(50)).await;
        }
    };
    match timeout(LIMIT, waiting).await {
        Ok(steps) => steps,
        Err(_) => panic!("{expected:?} is not in {:#?}", home.hub.reports(0).await.unwrap()),
    }
}

/// Whether a command of the hub came to a good end.
async fn done(home: &Home, words: &[&str]) -> bool {
    let [verb, words @ ..] = words else { return false };
    let mut command = home.hub.command(verb);
    let output = command.args(words).kill_on_drop(true).output();
    timeout(LIMIT, output).await.unwrap().unwrap().status.success()
}

fn plan() -> Plan {
    Plan { devices: vec![Device::pendant("pendant-1", PENDANT)], direct: true, ..Plan::default() }
}

/// Another device at the stick, with these keys.
fn table(home: &Home, name: &str, id: [u8; 4], keys: &str) -> String {
    let (port, id) = (home.stick.path().display(), format!("{:08X}", u32::from_be_bytes(id)));
    format!("[[device]]\nname = '{name}'\nprotocol = 'esp3'\nport = '{port}'\nid = '{id}'\n{keys}\n")
}

const CONTACT: &str = "profile = 'D5-00-01'";

#[tokio::test]
async fn presses_are_one_alarm_that_is_open_until_the_hub_ends_it_whatever_is_killed() {
    let mut home = Home::start(plan()).await.unwrap();
    home.press().await.unwrap();
    told(&home, &["0 pendant raised", "0 pendant announced", "0 pendant received"]).await;
    for _ in 0..4 {
        home.press().await.unwrap();
    }
    let seen = home.hub.wait_for("every press", LIMIT, |seen| alarms(seen) == 5).await.unwrap();
    assert_eq!(seen.len(), 5);
    told(&home, &["0 pendant received", "0 pendant raised-again"]).await;
    home.drained(LIMIT).await.unwrap();

    home.gateway.kill().await.unwrap();
    home.gateway.start().await.unwrap();
    told(&home, &["0 pendant raised-again", "0 pendant announced"]).await;
    assert_eq!(home.gateway.status().await.unwrap()["open_alarms"], 1);

    assert!(done(&home, &["alarms", "seen", "gw-1", "0"]).await);
    told(&home, &["0 pendant announced", "0 pendant seen"]).await;
    assert!(done(&home, &["alarms", "end", "gw-1", "0"]).await);
    told(&home, &["0 pendant seen", "0 pendant ended"]).await;
    assert!(!done(&home, &["alarms", "seen", "gw-1", "0"]).await, "it is over");
    home.gateway.kill().await.unwrap();
    home.gateway.start().await.unwrap();
    assert_eq!(home.gateway.status().await.unwrap()["open_alarms"], 0);
    home.press().await.unwrap();
    let all = told(&home, &["0 pendant ended", "1 pendant raised", "1 pendant received"]).await;
    assert_eq!(all.iter().filter(|step| step.ends_with("pendant raised")).count(), 2, "{all:#?}");
}

#[tokio::test]
async fn a_pre_alarm_is_sent_when_its_time_is_up_even_if_the_gateway_was_killed_in_it() {
    let mut home = Home::prepare(Plan { devices: Vec::new(), ..plan() }).await.unwrap();
    let keys = "profile = 'F6-02-01'\npurpose = 'pendant'\npre_alarm_s = 3";
    home.gateway.configure("30-pendant.toml", &table(&home, "pendant-1", PENDANT, keys)).unwrap();
    home.hub.start().await.unwrap();
    home.gateway.start().await.unwrap();
    home.press().await.unwrap();
    told(&home, &["0 pendant raised", "0 pendant pre-alarm"]).await;
    home.gateway.kill().await.unwrap();
    home.gateway.start().await.unwrap();
    let all = told(&home, &["0 pendant pre-alarm", "0 pendant announced", "0 pendant received"]).await;
    assert_eq!(all.iter().filter(|step| step.ends_with("pre-alarm")).count(), 1, "{all:#?}");
}

#[tokio::test]
async fn who_moves_stays_at_home_unless_somebody_configured_otherwise() {
    let mut home = Home::prepare(plan()).await.unwrap();
    home.gateway.configure("30-door.toml", &table(&home, "door-1", DOOR, CONTACT)).unwrap();
    home.hub.start().await.unwrap();
    home.gateway.start().await.unwrap();
    home.door(true).await.unwrap();
    home.door(false).await.unwrap();
    home.press().await.unwrap();
    let seen = home.hub.wait_for("the alarm", LIMIT, |seen| alarms(seen) == 1).await.unwrap();
    home.drained(LIMIT).await.unwrap();
    assert_eq!((doors(&seen), doors(&home.hub.show(0).await.unwrap())), (0, 0));
    let status = home.gateway.status().await.unwrap();
    assert_eq!(status["devices"]["door-1"]["observations"], 2, "it was heard: {status:#}");
}

#[tokio::test]
async fn a_device_that_falls_silent_is_missing_and_its_return_is_told() {
    let mut home = Home::prepare(plan()).await.unwrap();
    home.gateway.configure("30-door.toml", &table(&home, "door-1", DOOR, CONTACT)).unwrap();
    home.hub.start().await.unwrap();
    home.gateway.start().await.unwrap();
    home.door(true).await.unwrap();
    // A minute is the least that may be asked, and one more may pass; then it waits for others of the same cause.
    assert!(done(&home, &["command", "gw-1", "door-1", "supervise", "--every", "60"]).await);
    assert!(!done(&home, &["command", "gw-1", "lamp-1", "supervise", "--every", "60"]).await);
    let lost = |status: &Value| status["devices"]["door-1"]["missing"] == true;
    home.gateway.wait_for("the missing door", Duration::from_secs(240), lost).await.unwrap();
    home.stick.hear(&Telegram::contact(DOOR, false)).await.unwrap();
    let back = |status: &Value| status["devices"]["door-1"]["missing"] == false;
    home.gateway.wait_for("its return", LIMIT, back).await.unwrap();
    let edges = async {
        loop {
            let reports = home.hub.reports(0).await.unwrap();
            let of_door = reports.iter().filter(|line| line["report"] == "supervision");
            let edges: Vec<_> =
                of_door.flat_map(|line| line["troubles"].as_array().unwrap().clone()).collect();
            if edges.len() == 2 {
                return edges;
            }
            sleep(Duration::from_millis(100)).await;
        }
    };
    let edges = timeout(Duration::from_secs(150), edges).await.unwrap();
    let words =
        |edge: &Value| format!("{} {}", edge["trouble"].as_str().unwrap(), edge["change"].as_str().unwrap());
    assert_eq!(edges.iter().map(words).collect::<Vec<_>>(), ["missing began", "missing over"]);
}
