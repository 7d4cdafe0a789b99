//! The hub's list of alarms beside a real gateway: what is open there is in it, and what people say of it arrives.

#![expect(clippy::unwrap_used, reason = "a scenario that cannot go on has failed")]

use std::process::Output;
use std::time::Duration;

use serde_json::Value;
use tokio::time::{sleep, timeout};
use varde_tests::sim::home::{Device, Home, PENDANT, Plan};

const LIMIT: Duration = Duration::from_secs(90);

#[tokio::test]
async fn an_alarm_is_in_the_list_until_somebody_ends_it_whatever_is_killed() {
    let mut home = Home::start(plan()).await.unwrap();
    for _ in 0..5 {
        home.press().await.unwrap();
    }
    let listed = list(&home, &[], |list| list.len() == 1 && list[0]["count"] == 5).await;
    let alarm = &listed[0];
    assert_eq!(
        (&alarm["device"], &alarm["vkp"], &alarm["severity"]),
        (&"pendant-1".into(), &"3".into(), &40.into())
    );
    assert_eq!(alarm["state"], "unseen");
    let before = alarm["announcement"].as_u64().unwrap();

    home.gateway.kill().await.unwrap();
    home.hub.kill().await.unwrap();
    assert_eq!(home.hub.alarms(&[]).await.unwrap().len(), 1);
    home.hub.start().await.unwrap();
    home.gateway.start().await.unwrap();
    list(&home, &[], |list| list.len() == 1 && list[0]["announcement"].as_u64() > Some(before)).await;

    let seen = answer(&home, "seen", "0").await;
    assert!(seen.status.success() && text(&seen.stdout).ends_with(" → done\n"), "{seen:?}");
    list(&home, &[], |list| list.len() == 1 && list[0]["state"] == "seen").await;
    home.press().await.unwrap();
    list(&home, &[], |list| list.len() == 1 && list[0]["count"] == 6 && list[0]["state"] == "unseen").await;

    let ended = answer(&home, "end", "0").await;
    assert!(ended.status.success(), "{ended:?}");
    list(&home, &[], <[Value]>::is_empty).await;
    home.gateway.kill().await.unwrap();
    home.gateway.start().await.unwrap();
    home.press().await.unwrap();
    let listed = list(&home, &[], |list| !list.is_empty()).await;
    assert_eq!((listed.len(), &listed[0]["alarm"]), (1, &1.into()), "what was ended does not come back");
    let all = home.hub.alarms(&["--all"]).await.unwrap();
    assert_eq!(
        all.iter().map(|line| line["state"].as_str().unwrap()).collect::<Vec<_>>(),
        ["ended", "unseen"]
    );

    let gone = answer(&home, "end", "0").await;
    assert_eq!(gone.status.code(), Some(65), "{gone:?}");
    assert!(text(&gone.stderr).contains("open there: 1 (pendant of pendant-1)"), "{gone:?}");
}

#[tokio::test]
async fn a_test_alarm_takes_its_own_short_way() {
    let home = Home::start(plan()).await.unwrap();
    let mut command = home.hub.command("command");
    let asked = command.args(["gw-1", "gateway", "test-alarm"]).kill_on_drop(true).output();
    assert!(timeout(LIMIT, asked).await.unwrap().unwrap().status.success());
    let tests = list(&home, &["--tests"], |list| list.len() == 1 && list[0]["state"] == "ended").await;
    assert_eq!((&tests[0]["security"], &tests[0]["device"]), (&"HTEST".into(), &"gateway".into()));
    for real in [&[][..], &["--all"]] {
        assert!(home.hub.alarms(real).await.unwrap().is_empty());
    }
}

fn plan() -> Plan {
    Plan { devices: vec![Device::pendant("pendant-1", PENDANT)], direct: true, ..Plan::default() }
}

/// Waits until the list of alarms is so.
async fn list(home: &Home, options: &[&str], such: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let waiting = async {
        loop {
            let list = home.hub.alarms(options).await.unwrap();
            if such(&list) {
                return list;
            }
            sleep(Duration::from_millis(50)).await;
        }
    };
    match timeout(LIMIT, waiting).await {
        Ok(list) => list,
        Err(_) => panic!("the list did not come to that: {:#?}", home.hub.alarms(options).await.unwrap()),
    }
}

async fn answer(home: &Home, says: &str, alarm: &str) -> Output {
    let mut command = home.hub.command("alarms");
    let output = command.args([says, "gw-1", alarm]).kill_on_drop(true).output();
    timeout(LIMIT, output).await.unwrap().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
