//! What a stolen memory card, the broker and the logs tell: nothing of what was measured, and no secret.

#![expect(clippy::unwrap_used, reason = "a scenario that cannot go on has failed")]

use std::{collections::BTreeMap, path::Path, time::Duration};

use jiff::civil::date;
use serde_json::Value;
use tokio::time::sleep;
use varde_tests::sim::{
    blood_pressure::{BloodPressureMonitor, Reading},
    bluez::Address,
    broker::Broker,
    enocean::{Rocker, Telegram},
    home::{Device, Home, Plan, WhichBroker},
    mqtt::Client,
    programs::is_installed,
};

const LIMIT: Duration = Duration::from_secs(60);

const PENDANT: [u8; 4] = [0xFE, 0xFB, 0x9A, 0x1C];
const CONTACT: [u8; 4] = [0x01, 0x82, 0x5D, 0xAB];
const CUFF: Address = Address([0xA4, 0xC1, 0x38, 0x00, 0x12, 0x34]);
/// Names that stand nowhere by chance.
const NAMES: [&str; 3] = ["pendant-canary", "contact-canary", "cuff-canary"];

/// Invariant 6.
#[tokio::test]
async fn the_box_the_broker_and_the_logs_hold_nothing_readable_and_no_secret() {
    if !Broker::available() || !is_installed("dbus-daemon") {
        println!("skipped: mosquitto or dbus-daemon is not installed");
        return;
    }
    let devices = vec![
        Device::pendant(NAMES[0], PENDANT),
        Device::contact(NAMES[1], CONTACT),
        Device::cuff(NAMES[2], CUFF),
    ];
    let settings = "[log]\nlevel = 'debug'\n".to_owned();
    let plan = Plan { devices, broker: WhichBroker::Mosquitto, settings, ..Plan::default() };
    let mut home = Home::prepare(plan).await.unwrap();
    let client = Client::connect(home.broker, home.hub.directory(), "hub:listener").await.unwrap();
    let listener = client.listen("varde/v1/#").await.unwrap();
    home.gateway.start().await.unwrap();
    home.stick.opened().await.unwrap();
    let mut cuff = BloodPressureMonitor::bring(&home.bluetooth.as_ref().unwrap().bluez, CUFF, 1);
    let taken = date(2026, 3, 1).at(8, 30, 0, 0);
    let reading = Reading { systolic: 137, diastolic: 85, mean: 104, taken, pulse: 71, user: 1, status: 0 };
    cuff.measure(reading);
    sleep(Duration::from_millis(50)).await;
    tokio::time::timeout(LIMIT, cuff.handed_over()).await.unwrap();
    assert!(home.stick.hear(&Telegram::pressed(PENDANT, Rocker::Ai)).await.unwrap());
    assert!(home.stick.hear(&Telegram::contact(CONTACT, true)).await.unwrap());
    // And what nobody can read, and who nobody knows.
    let oversized = Telegram { payload: vec![0x08; 9], ..Telegram::contact(CONTACT, true) };
    assert!(home.stick.hear(&oversized).await.unwrap());
    assert!(home.stick.hear(&Telegram::contact([1, 2, 3, 4], true)).await.unwrap());
    let all = |status: &Value| {
        let committed = |lane: &str| status["lanes"][lane]["committed"].as_u64();
        committed("urgent") >= Some(1) && committed("routine") >= Some(6)
    };
    home.gateway.wait_for("everything", LIMIT, all).await.unwrap();

    // While it waits, and after it has gone.
    let waiting = files(home.gateway.state());
    home.hub.start().await.unwrap();
    let seen = home.hub.wait_for("all names", LIMIT, |seen| {
        NAMES.iter().all(|name| seen.iter().any(|line| line["device"] == *name))
    });
    let seen = seen.await.unwrap();
    home.drained(LIMIT).await.unwrap();
    home.gateway.stop().await.unwrap();
    let released = files(home.gateway.state());

    let words = ["safety-alarm", "door-closed", "Simulated Instruments", "BPM-100", "SN000123", "MDC_"];
    let measured = reading.bytes();
    let plain: Vec<&[u8]> =
        NAMES.iter().chain(&words).map(|word| word.as_bytes()).chain([measured.as_slice()]).collect();
    let payloads = listener.heard();
    assert!(payloads.iter().any(|message| message.topic.contains("/up/")));
    assert!(payloads.iter().any(|message| message.topic.contains("/receipt/")));
    let payloads = payloads.into_iter().map(|message| (message.topic, message.payload)).collect();
    for (what, held) in [("waiting", &waiting), ("released", &released), ("on the air", &payloads)] {
        for (place, bytes) in held {
            for plain in &plain {
                assert!(!holds(bytes, plain), "{what}: {place} holds '{}'", String::from_utf8_lossy(plain));
            }
        }
    }
    // A name is a pseudonym, and a technician needs it: values are what a log must not hold.
    let values =
        seen.iter().filter(|line| line["unit"].is_string()).map(|line| line["value"].as_str().unwrap());
    let values: Vec<_> = values.chain(["safety-alarm", "door-closed", "SN000123"]).collect();
    assert!(values.contains(&"137"));
    let log = home.gateway.log().unwrap();
    for (number, line) in log.lines().enumerate() {
        // Behind the time.
        let said = line.split_once(' ').map_or("", |(_, said)| said);
        let said_words: Vec<_> = said.split(|c: char| !c.is_alphanumeric() && c != '-').collect();
        for value in &values {
            assert!(!said_words.contains(value), "line {number} of the log holds {value}: {line}");
        }
    }
    let hex: String = measured.iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(!log.to_lowercase().contains(&hex));

    let secrets = secrets(home.gateway.credentials());
    assert!(secrets.len() >= 3);
    let mut everywhere = files(home.directory());
    everywhere.retain(|name, _| name.ends_with(".log"));
    assert!(everywhere.len() >= 3, "{:?}", everywhere.keys());
    everywhere.extend(waiting);
    everywhere.extend(released);
    everywhere.extend(payloads);
    for (place, bytes) in &everywhere {
        for secret in &secrets {
            assert!(!holds(bytes, secret.as_bytes()), "{place} holds a secret");
        }
    }
}

/// The files of a folder, without those below it.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.filter(|path| path.is_file());
    files.map(|path| (path.display().to_string(), std::fs::read(&path).unwrap())).collect()
}

/// The secret lines of the secret files.
fn secrets(credentials: &Path) -> Vec<String> {
    let lines = ["client.key", "sign.key", "open.key"].into_iter().flat_map(|name| {
        let text = std::fs::read_to_string(credentials.join(name)).unwrap();
        text.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    });
    lines.filter(|word| word.len() >= 32).collect()
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
