//! Bluetooth, lived through: cuffs that come for some seconds and go, a radio that fails, frames that cannot be read.

#![expect(
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a scenario that cannot go on has failed"
)]

use std::{collections::BTreeMap, time::Duration};

use jiff::civil::date;
use serde_json::{Value, json};
use tokio::time::{interval, sleep, timeout};
use varde_tests::sim::{
    blood_pressure::{self, BloodPressureMonitor, MEASUREMENT, Reading},
    bluez::{Address, Advertisement, Bluez, Characteristic, Event, Peripheral, Radio, Service, uuid16},
    bus::Bus,
    home::{Device, Gateway, Home, Plan},
};

const LIMIT: Duration = Duration::from_secs(60);

const FIRST: Address = Address([0xF0, 0xF1, 0xF2, 0xF3, 0xF4, 0x01]);
const SECOND: Address = Address([0xF0, 0xF1, 0xF2, 0xF3, 0xF4, 0x02]);

const SYSTOLIC: u32 = 150_021;
const BATTERY: u32 = 67_996;

#[tokio::test]
async fn a_cuff_s_reading_reaches_the_hub_with_its_unit_and_time() {
    let Some(home) = home().await else { return };
    let mut cuff = Cuff::bring(&home, FIRST);
    cuff.meet().await;
    assert!(cuff.say(reading(1).bytes()));
    let seen = home.hub.wait_for("the reading and the battery", LIMIT, |seen| seen.len() == 6).await.unwrap();
    let (battery, reading): (Vec<_>, Vec<_>) = seen.iter().partition(|row| row["code"] == BATTERY);

    let said = |row: &Value| ["metric", "code", "value", "unit"].map(|field| row[field].clone());
    let row = |metric, code, value, unit| [json!(metric), json!(code), json!(value), unit];
    let pressure = || json!("mm[Hg]");
    assert_eq!(
        reading.iter().map(|row| said(row)).collect::<Vec<_>>(),
        [
            row("MDC_PRESS_BLD_NONINV_SYS", SYSTOLIC, "121", pressure()),
            row("MDC_PRESS_BLD_NONINV_DIA", 150_022, "80", pressure()),
            row("MDC_PRESS_BLD_NONINV_MEAN", 150_023, "93", pressure()),
            row("MDC_PULS_RATE_NON_INV", 149_546, "64", json!("/min")),
            row("MDC_BLOOD_PRESSURE_MEASUREMENT_STATUS", 8_410_608, "0x4", Value::Null),
        ]
    );
    for (member, row) in reading.iter().enumerate() {
        assert_eq!(row["device"], "cuff-1", "{row:#}");
        assert_eq!(row["lane"], "routine", "{row:#}");
        assert_eq!(row["device_time"], "2026-03-09T07:01:30", "{row:#}");
        assert_eq!(row["user"], 2, "{row:#}");
        assert_eq!(row["trust"], "synchronised", "{row:#}");
        assert_eq!(row["flags"], json!(["questionable"]), "the pulse was irregular: {row:#}");
        let group = json!({ "id": reading[0]["group"]["id"], "member": member, "size": 5 });
        assert_eq!(row["group"], group, "{row:#}");
    }
    assert_eq!(said(battery[0]), row("MDC_ATTR_VAL_BATT_CHARGE", BATTERY, "87", json!("%")));
    assert_eq!((&battery[0]["device"], &battery[0]["group"]), (&json!("cuff-1"), &Value::Null));

    let status = home.gateway.status().await.unwrap();
    let shown = &status["devices"]["cuff-1"];
    assert_eq!((&shown["link"], &shown["battery_percent"]), (&json!("connected"), &json!(87)), "{status:#}");
    assert_eq!((&shown["observations"], &shown["refused_frames"]), (&json!(6), &json!(0)), "{status:#}");
    assert!(shown["last_heard"].is_string(), "{status:#}");
    cuff.radio.disconnect();
    home.gateway.wait_for("the link's end", LIMIT, |status| link(status) == "listening").await.unwrap();
}

#[tokio::test]
async fn readings_taken_while_the_gateway_was_killed_come_when_it_is_back() {
    let Some(mut home) = home().await else { return };
    let mut monitor = BloodPressureMonitor::bring(bluez(&home), FIRST, 1);
    // Connected when it happens: it stays so, and does not advertise.
    let mut cuff = Cuff::bring(&home, SECOND);
    cuff.meet().await;
    home.gateway.kill().await.unwrap();
    (1..=5).for_each(|number| monitor.measure(reading(number)));
    cuff.heard(Event::Unsubscribed(MEASUREMENT)).await;
    assert!(!cuff.say(reading(6).bytes()), "nobody is there");

    home.gateway.start().await.unwrap();
    cuff.heard(Event::Subscribed(MEASUREMENT)).await;
    assert!(cuff.say(reading(6).bytes()));
    timeout(LIMIT, monitor.handed_over()).await.unwrap();
    let all = |seen: &[Value]| systolic(seen, "cuff-1").len() == 5 && systolic(seen, "cuff-2").len() == 1;
    let seen = home.hub.wait_for("all readings", LIMIT, all).await.unwrap();
    assert_eq!(systolic(&seen, "cuff-1"), ["121", "122", "123", "124", "125"]);
    assert_eq!(systolic(&seen, "cuff-2"), ["126"]);
}

#[tokio::test]
async fn a_bluetoothd_that_dies_and_returns_is_told_and_mended() {
    let Some(mut home) = home().await else { return };
    let mut cuff = Cuff::bring(&home, FIRST);
    cuff.meet().await;
    home.bluetooth.as_mut().unwrap().bluez.die().await.unwrap();
    cuff.heard(Event::Disconnected).await;
    told(&home, "check that bluetooth.service runs").await;

    home.bluetooth.as_mut().unwrap().bluez.restart().await.unwrap();
    mended(&home, cuff).await;
}

#[tokio::test]
async fn an_adapter_that_is_unplugged_and_plugged_in_again_is_told_and_mended() {
    let Some(home) = home().await else { return };
    let mut cuff = Cuff::bring(&home, FIRST);
    cuff.meet().await;
    bluez(&home).unplug_adapter();
    cuff.heard(Event::Disconnected).await;
    told(&home, "there is no Bluetooth adapter: plug one in").await;

    bluez(&home).plug_in_adapter();
    mended(&home, cuff).await;
}

/// Nobody has to mend it: the gateway switches it on again.
#[tokio::test]
async fn an_adapter_that_is_powered_off_is_switched_on_again() {
    let Some(home) = home().await else { return };
    let mut cuff = Cuff::bring(&home, FIRST);
    cuff.meet().await;
    bluez(&home).power(false);
    cuff.heard(Event::Disconnected).await;
    mended(&home, cuff).await;
}

#[tokio::test]
async fn an_adapter_that_is_missing_at_the_start_is_told_and_used_once_it_is_there() {
    let Some(mut home) = prepared().await else { return };
    bluez(&home).unplug_adapter();
    home.hub.start().await.unwrap();
    home.gateway.start().await.unwrap();
    told(&home, "there is no Bluetooth adapter: plug one in").await;
    bluez(&home).plug_in_adapter();
    let cuff = Cuff::bring(&home, FIRST);
    mended(&home, cuff).await;
}

/// BlueZ has confirmed it, so the cuff has forgotten it.
#[tokio::test]
async fn a_reading_handed_over_right_before_the_radio_fails_is_not_lost() {
    let Some(home) = home().await else { return };
    let mut cuff = Cuff::bring(&home, FIRST);
    for number in 1..=3 {
        cuff.meet().await;
        assert!(cuff.say(reading(number).bytes()));
        bluez(&home).power(false);
        cuff.heard(Event::Disconnected).await;
        let so_far = |seen: &[Value]| systolic(seen, "cuff-1").len() == usize::from(number);
        home.hub.wait_for("the reading", LIMIT, so_far).await.unwrap();
    }
}

#[tokio::test]
async fn a_cuff_that_goes_before_it_is_ready_or_the_radio_under_it_is_not_blamed() {
    let Some(home) = home().await else { return };
    let mut halfway = Cuff::bring(&home, SECOND);
    halfway.radio.resolve_services(false);
    halfway.advertise_until(Event::Connected).await;
    halfway.radio.disconnect();
    halfway.advertise_until(Event::Connected).await;
    bluez(&home).power(false);
    halfway.heard(Event::Disconnected).await;
    let cuff = Cuff::bring(&home, FIRST);
    mended(&home, cuff).await;
    assert_eq!(lines(&home.gateway, "WARN device "), 0, "{}", home.gateway.log().unwrap());
}

#[tokio::test]
async fn a_cuff_that_sends_its_memory_again_adds_nothing() {
    let Some(home) = home().await else { return };
    let mut cuff = Cuff::bring(&home, FIRST);
    for _ in 0..2 {
        cuff.meet().await;
        assert!((1..=10).all(|number| cuff.say(reading(number).bytes())));
        cuff.radio.disconnect();
        cuff.heard(Event::Disconnected).await;
    }
    cuff.meet().await;
    assert!(cuff.say(reading(11).bytes()));
    let seen = home.hub.wait_for("the last", LIMIT, |seen| systolic(seen, "cuff-1").contains(&"131")).await;
    let expected: Vec<_> = (121..=131).map(|pressure| pressure.to_string()).collect();
    assert_eq!(systolic(&seen.unwrap(), "cuff-1"), expected);
    let status = home.gateway.status().await.unwrap();
    assert_eq!(status["counts"]["exact repeats dropped"], 10, "{status:#}");
}

#[tokio::test]
async fn frames_that_cannot_be_read_are_counted_for_their_cuff_and_cost_no_other_reading() {
    let Some(home) = home().await else { return };
    let [mut cuff, mut other] = [FIRST, SECOND].map(|address| Cuff::bring(&home, address));
    cuff.meet().await;
    other.meet().await;
    let whole = reading(1).bytes();
    // Nothing at all, and cut off within each of its fields; then all fields announced where few are.
    let cut = [0, 2, 4, 6, 8, 13, 15, 17].map(|length| whole[..length].to_vec());
    let garbled = [vec![0xFF; 7], vec![0x1E; 12]];
    let noise: Vec<_> = cut.into_iter().chain(garbled).collect();
    let refused = noise.len();
    assert!(noise.into_iter().all(|bytes| cuff.say(bytes)));
    assert!(cuff.say(whole));
    assert!(other.say(reading(2).bytes()));
    let both = |seen: &[Value]| !systolic(seen, "cuff-1").is_empty() && !systolic(seen, "cuff-2").is_empty();
    let seen = home.hub.wait_for("both readings", LIMIT, both).await.unwrap();
    assert_eq!(systolic(&seen, "cuff-1"), ["121"]);
    assert_eq!(systolic(&seen, "cuff-2"), ["122"]);
    let status = home.gateway.status().await.unwrap();
    assert_eq!(status["devices"]["cuff-1"]["refused_frames"], refused, "{status:#}");
    assert_eq!(status["devices"]["cuff-2"]["refused_frames"], 0, "{status:#}");
    assert_eq!(status["counts"]["frames that could not be read"], refused, "{status:#}");
}

#[tokio::test]
async fn two_cuffs_at_once_are_both_heard() {
    let Some(home) = home().await else { return };
    let monitors = [(FIRST, 1), (SECOND, 2)]
        .map(|(address, seed)| BloodPressureMonitor::bring(bluez(&home), address, seed));
    for number in 0..20 {
        monitors[usize::from(number % 2)].measure(reading(number));
    }
    let all = |seen: &[Value]| ["cuff-1", "cuff-2"].iter().all(|cuff| systolic(seen, cuff).len() == 10);
    let seen = home.hub.wait_for("all readings", LIMIT, all).await.unwrap();
    for (cuff, first) in [("cuff-1", 120), ("cuff-2", 121)] {
        let expected: Vec<_> = (first..140).step_by(2).map(|pressure| pressure.to_string()).collect();
        assert_eq!(systolic(&seen, cuff), expected, "{cuff}");
    }
    let mut groups: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for row in seen.iter().filter(|row| row["group"].is_object()) {
        groups.entry(row["group"]["id"].as_u64()).or_default().push((&row["device"], &row["device_time"]));
    }
    assert_eq!(groups.len(), 20, "a group a reading");
    assert!(groups.values().all(|group| group.len() == 5 && group.iter().all(|row| *row == group[0])));
}

/// A running home with two cuffs in the gateway's roster; nothing where D-Bus is not installed.
async fn home() -> Option<Home> {
    let mut home = prepared().await?;
    home.hub.start().await.unwrap();
    home.gateway.start().await.unwrap();
    home.gateway.wait_for("the radio", LIMIT, |status| link(status) == "listening").await.unwrap();
    Some(home)
}

/// The same before its hub and gateway run.
async fn prepared() -> Option<Home> {
    if !Bus::available() {
        println!("skipped: dbus-daemon is not installed");
        return None;
    }
    let devices = vec![Device::cuff("cuff-1", FIRST), Device::cuff("cuff-2", SECOND)];
    Some(Home::prepare(Plan { devices, direct: true, ..Plan::default() }).await.unwrap())
}

fn bluez(home: &Home) -> &Bluez {
    &home.bluetooth.as_ref().unwrap().bluez
}

/// Each can be told from the others by its systolic pressure and its minute.
fn reading(number: u16) -> Reading {
    Reading {
        systolic: 120 + number,
        diastolic: 80,
        mean: 93,
        taken: date(2026, 3, 9).at(7, i8::try_from(number).unwrap(), 30, 0),
        pulse: 64,
        user: 2,
        status: 4,
    }
}

/// The fault stands with what to do, and is said once however often the gateway tries again.
async fn told(home: &Home, mend: &str) {
    let status =
        home.gateway.wait_for("the fault", LIMIT, |status| fault(status).contains(mend)).await.unwrap();
    assert_eq!(link(&status), "failed", "{status:#}");
    // Long enough for more than one attempt.
    sleep(Duration::from_secs(3)).await;
    let status = home.gateway.status().await.unwrap();
    assert!(fault(&status).contains(mend), "{status:#}");
    assert_eq!(lines(&home.gateway, "WARN bluetooth: "), 1, "{}", home.gateway.log().unwrap());
}

/// The next reading arrives, and the fault is over. Its begin and end were said once; one that passes within seconds is
/// not said at all.
async fn mended(home: &Home, mut cuff: Cuff) {
    cuff.meet().await;
    assert!(cuff.say(reading(1).bytes()));
    home.hub.wait_for("the reading", LIMIT, |seen| !systolic(seen, "cuff-1").is_empty()).await.unwrap();
    let status = home.gateway.status().await.unwrap();
    assert_eq!(fault(&status), "", "{status:#}");
    assert_eq!(link(&status), "connected", "{status:#}");
    let said = ["WARN bluetooth: ", "INFO bluetooth: works again"].map(|said| lines(&home.gateway, said));
    assert!(said == [1, 1] || said == [0, 0], "{said:?}: {}", home.gateway.log().unwrap());
}

/// How the first cuff's link stands.
fn link(status: &Value) -> &str {
    status["devices"]["cuff-1"]["link"].as_str().unwrap()
}

/// The message of the fault 'bluetooth'; empty where it does not stand.
fn fault(status: &Value) -> &str {
    let found = status["faults"].as_array().unwrap().iter().find(|fault| fault["what"] == "bluetooth");
    found.map_or("", |fault| fault["message"].as_str().unwrap())
}

/// How many lines of the gateway's log hold this.
fn lines(gateway: &Gateway, what: &str) -> usize {
    gateway.log().unwrap().lines().filter(|line| line.contains(what)).count()
}

/// The systolic pressures received of a cuff, in the order they came.
fn systolic<'a>(seen: &'a [Value], cuff: &str) -> Vec<&'a str> {
    let of_cuff = seen.iter().filter(|row| row["device"] == cuff && row["code"] == SYSTOLIC);
    of_cuff.map(|row| row["value"].as_str().unwrap()).collect()
}

/// A cuff whose every step is the test's: it says what it is told to say, and stays connected.
struct Cuff {
    radio: Radio,
}

impl Cuff {
    fn bring(home: &Home, address: Address) -> Self {
        let service = |uuid, characteristic| Service { uuid, characteristics: vec![characteristic] };
        let peripheral = Peripheral {
            address,
            address_is_random: false,
            name: "BPM-200".into(),
            advertised: vec![blood_pressure::SERVICE],
            services: vec![
                service(blood_pressure::SERVICE, Characteristic::indicating(MEASUREMENT)),
                service(uuid16(0x180F), Characteristic::readable(uuid16(0x2A19), [87])),
            ],
            bonded: false,
        };
        Self { radio: bluez(home).add(peripheral) }
    }

    /// Advertises until the gateway has connected and subscribed.
    async fn meet(&mut self) {
        self.advertise_until(Event::Subscribed(MEASUREMENT)).await;
    }

    async fn advertise_until(&mut self, expected: Event) {
        let advertisement = Advertisement { rssi: -60, connectable: true, ..Advertisement::default() };
        let advertise = async {
            let mut tick = interval(Duration::from_millis(100));
            loop {
                tokio::select! {
                    event = self.radio.next_event() => if event == expected { return },
                    _ = tick.tick() => self.radio.advertise(&advertisement),
                }
            }
        };
        timeout(LIMIT, advertise).await.unwrap_or_else(|_| panic!("no {expected:?} came"));
    }

    /// Indicates a value of the measurement; true once it is confirmed.
    fn say(&self, measurement: impl Into<Vec<u8>>) -> bool {
        self.radio.indicate(MEASUREMENT, measurement)
    }

    /// Waits for this event; what comes before it is passed over.
    async fn heard(&mut self, expected: Event) {
        let wait = async { while self.radio.next_event().await != expected {} };
        timeout(LIMIT, wait).await.unwrap_or_else(|_| panic!("no {expected:?} came"));
    }
}
