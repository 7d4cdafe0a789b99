//! The gateway watches itself: what is wrong with its box reaches the hub, once, and so does its end.

#![expect(clippy::unwrap_used, reason = "a scenario that cannot go on has failed")]

use std::{path::Path, time::Duration};

use jiff::{Timestamp, ToSpan as _, tz::TimeZone};
use rcgen::{CertificateParams, DistinguishedName, DnType, Issuer, KeyPair, date_time_ymd};
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use tokio::time::{Instant, sleep};
use varde::store::StateSeal;
use varde_tests::sim::home::{Home, Plan, fault};
use varde_wire::{DeviceId, OpeningKey};

const LIMIT: Duration = Duration::from_secs(60);
/// Between two looks of the gateway at its box: a minute of a real one.
const MINUTE: Duration = Duration::from_millis(20);
const TEMPERATURE: &str = "sys/class/thermal/thermal_zone0/temp";
const THROTTLED: &str = "sys/devices/platform/soc/soc:firmware/get_throttled";

#[tokio::test]
async fn a_box_that_is_not_well_tells_the_hub_and_so_it_does_when_it_is_well_again() {
    let mut home = prepared().await;
    home.gateway.feels(TEMPERATURE, "48312\n").unwrap();
    home.gateway.feels(THROTTLED, "0\n").unwrap();
    home.gateway.start().await.unwrap();

    home.gateway.feels(TEMPERATURE, "84000\n").unwrap();
    home.gateway.feels(THROTTLED, "50005\n").unwrap();
    let warm = "technical-fault temperature: the box is 84 °C warm and slows down";
    for expected in [warm, "technical-fault power supply: ", "technical-fault throttling: "] {
        tells(&home, expected).await;
    }
    let status = home.gateway.status().await.unwrap();
    assert!(fault(&status, "temperature").contains("take it out of the sun"), "{status:#}");

    home.gateway.feels(TEMPERATURE, "48312\n").unwrap();
    home.gateway.feels(THROTTLED, "50000\n").unwrap();
    for vital in ["temperature", "power supply", "throttling"] {
        tells(&home, &format!("technical-restored {vital}")).await;
    }
    let status = home.gateway.status().await.unwrap();
    assert_eq!(status["faults"], Value::Array(Vec::new()));
    assert_eq!(told(&home).await.iter().filter(|said| said.contains("power supply")).count(), 2);
}

/// A kill between a fault and its end neither tells the fault again nor forgets the end.
#[tokio::test]
async fn a_fault_that_ends_while_the_gateway_is_down_has_its_end_too() {
    let mut home = prepared().await;
    home.gateway.feels(TEMPERATURE, "84000\n").unwrap();
    home.gateway.start().await.unwrap();
    tells(&home, "technical-fault temperature").await;
    for _ in 0..2 {
        noted(&home, "/told/0/Vital", &"Temperature".into()).await;
        noted(&home, "/vitals/Temperature", &2.into()).await;
        home.gateway.kill().await.unwrap();
        home.gateway.start().await.unwrap();
        let stands = |status: &Value| fault(status, "temperature").contains("84 °C");
        home.gateway.wait_for("the same fault", LIMIT, stands).await.unwrap();
    }
    home.gateway.kill().await.unwrap();
    home.gateway.feels(TEMPERATURE, "48312\n").unwrap();
    home.gateway.start().await.unwrap();
    tells(&home, "technical-restored temperature").await;
    let told = told(&home).await;
    assert_eq!(told.iter().filter(|said| said.contains("temperature")).count(), 2, "{told:#?}");
}

#[tokio::test]
async fn a_certificate_that_ends_soon_is_told_until_it_is_renewed() {
    let mut home = prepared().await;
    let credentials = home.gateway.credentials().to_owned();
    let files = ["client.crt", "client.key"].map(|name| credentials.join(name));
    let right = files.clone().map(|file| std::fs::read_to_string(file).unwrap());
    let write = |texts: &[String; 2]| {
        for (file, text) in files.iter().zip(texts) {
            std::fs::write(file, text).unwrap();
        }
    };
    write(&issue(home.hub.directory(), "gw-1", 6));
    home.gateway.start().await.unwrap();
    tells(&home, "technical-fault certificate: client.crt (until ").await;
    let status = home.gateway.status().await.unwrap();
    assert!(fault(&status, "certificate").contains("enrol the gateway anew"), "{status:#}");

    assert!(home.gateway.stop().await.unwrap().unwrap().success());
    write(&right);
    home.gateway.start().await.unwrap();
    tells(&home, "technical-restored certificate").await;
    let told = told(&home).await;
    assert_eq!(told.iter().filter(|said| said.contains("certificate")).count(), 2, "{told:#?}");
}

#[tokio::test]
async fn a_gateway_that_dies_again_and_again_says_so_until_it_lives() {
    let mut home = Home::prepare(Plan { direct: true, ..Plan::default() }).await.unwrap();
    home.hub.start().await.unwrap();
    for start in 1..=6_u64 {
        home.gateway.start().await.unwrap();
        noted(&home, "/past/starts", &start.into()).await;
        if start == 4 {
            assert_eq!(fault(&home.gateway.status().await.unwrap(), "restarts"), "");
        }
        if start >= 5 {
            noted(&home, "/told/0/Vital", &"Restarts".into()).await;
        }
        home.gateway.kill().await.unwrap();
    }
    home.gateway.looks_every(MINUTE);
    home.gateway.start().await.unwrap();
    tells(&home, "technical-restored restarts").await;
    let said = told(&home).await;
    let faults: Vec<_> = said.iter().filter(|said| said.starts_with("technical-fault restarts")).collect();
    assert_eq!(faults.len(), 1, "one loop is one fault: {said:#?}");
    assert!(faults[0].contains("varde has started 5 times"), "{faults:?}");

    // Whoever stops it wants to: that is no loop.
    for _ in 0..6 {
        assert!(home.gateway.stop().await.unwrap().unwrap().success());
        home.gateway.start().await.unwrap();
    }
    assert_eq!(fault(&home.gateway.status().await.unwrap(), "restarts"), "");
}

#[tokio::test]
async fn another_configuration_is_told_once_and_no_fault() {
    let mut home = prepared().await;
    home.gateway.start().await.unwrap();
    noted(&home, "/past/starts", &1.into()).await;
    for _ in 0..2 {
        assert!(home.gateway.stop().await.unwrap().unwrap().success());
        home.gateway.configure("30-more.toml", "[store]\nmax_size_mb = 100\n").unwrap();
        home.gateway.start().await.unwrap();
        tells(&home, "configuration-changed").await;
    }
    home.drained(LIMIT).await.unwrap();
    let said = told(&home).await;
    assert_eq!(said.len(), 1, "{said:#?}");
}

/// A home whose hub runs, and whose gateway will look at its box often.
async fn prepared() -> Home {
    let mut home = Home::prepare(Plan { direct: true, ..Plan::default() }).await.unwrap();
    home.hub.start().await.unwrap();
    home.gateway.looks_every(MINUTE);
    home
}

/// Waits until the hub shows that the gateway told this.
async fn tells(home: &Home, expected: &str) {
    let has = |seen: &[Value]| in_words(seen).iter().any(|said| said.starts_with(expected));
    home.hub.wait_for(expected, LIMIT, has).await.unwrap();
}

/// What the gateway told of itself: each event with its text.
async fn told(home: &Home) -> Vec<String> {
    in_words(&home.hub.show(0).await.unwrap())
}

fn in_words(seen: &[Value]) -> Vec<String> {
    let of = |lane: &str| {
        let says = seen.iter().filter(|line| line["device"] == "gateway" && line["lane"] == lane);
        let words: Vec<_> = says.map(|line| line["value"].as_str().unwrap_or_default()).collect();
        words.chunks(2).map(|said| said.join(" ")).collect::<Vec<_>>()
    };
    [of("urgent"), of("routine")].concat()
}

/// Waits until this stands in the gateway's diary, which it reads at its next start.
async fn noted(home: &Home, place: &str, expected: &Value) {
    let until = Instant::now() + LIMIT;
    loop {
        let found = diary(home).and_then(|diary| diary.pointer(place).cloned());
        if found.as_ref() == Some(expected) {
            return;
        }
        assert!(Instant::now() < until, "{place} is {found:?}, and not {expected}");
        sleep(MINUTE).await;
    }
}

fn diary(home: &Home) -> Option<Value> {
    let db = Connection::open_with_flags(home.gateway.outbox(), OpenFlags::SQLITE_OPEN_READ_ONLY).ok()?;
    let select = "SELECT bytes FROM memory WHERE device = 'gateway'";
    let bytes: Vec<u8> = db.query_row(select, [], |row| row.get(0)).ok()?;
    let key = std::fs::read_to_string(home.gateway.credentials().join("open.key")).unwrap();
    let seal = StateSeal::new("gw-1".parse().unwrap(), OpeningKey::from_text(&key).unwrap());
    serde_json::from_slice(&seal.open_memory(&DeviceId::gateway(), &bytes).ok()?).ok()
}

/// A certificate and its key, both PEM, by the authority of this hub: valid for so many days yet.
fn issue(hub: &Path, name: &str, days: i64) -> [String; 2] {
    let authority = KeyPair::from_pem(&std::fs::read_to_string(hub.join("ca.key")).unwrap()).unwrap();
    let mut issuer = CertificateParams::default();
    issuer.distinguished_name = DistinguishedName::new();
    issuer.distinguished_name.push(DnType::CommonName, "Varde hub authority");
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    let end = Timestamp::now().to_zoned(TimeZone::UTC).saturating_add(days.days()).date();
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(end.year().into(), end.month().unsigned_abs(), end.day().unsigned_abs());
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, &Issuer::new(issuer, authority)).unwrap();
    [certificate.pem(), key.serialize_pem()]
}
