//! Sensors that only advertise, lived through: doors, a pendant, climates, and a neighbourhood full of strangers.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a scenario that cannot go on has failed")]

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{MissedTickBehavior, interval};
use varde_drivers::{BleOptions, BleProfile, Channel, Input, Output};
use varde_link::{Capture, Link as _, Pace, Replay};
use varde_tests::sim::{
    beacons::{
        bthome::{BthomeSensor, Object},
        ruuvi::{Climate, RuuviTag},
    },
    bluez::{Address, Bluez},
    broker::Broker,
    bus::Bus,
    home::{Device, Home, Plan, WhichBroker, alarms, fault},
};

use varde_wire::Instant;

const LIMIT: Duration = Duration::from_secs(120);

const FIRST: Address = sensor(1);
const SECOND: Address = sensor(2);
const THIRD: Address = sensor(3);
/// See [`Fence`].
const FENCE: Address = sensor(0xFE);

const KEY: [u8; 16] = [0x5A; 16];
const OTHER_KEY: [u8; 16] = [0xA5; 16];

/// Presses and doors are sent so often in a row.
const TIMES: u32 = 5;

#[tokio::test]
async fn a_door_that_repeats_itself_is_told_once_and_its_present_state_once_more_after_a_restart() {
    let Some(mut home) = home(vec![Device::beacon("door-1", FIRST, "bthome")]).await else { return };
    let mut fence = Fence::bring(&home);
    let mut door = BthomeSensor::bring(bluez(&home), FIRST, true, 1);
    door.report(&[Object::door(true)], TIMES);
    door.report(&[Object::door(false)], TIMES);
    let seen = fence.all_told(&home).await;
    assert_eq!(said(&seen, "door-1"), ["door-opened", "door-closed"]);

    home.gateway.stop().await.unwrap();
    home.gateway.start().await.unwrap();
    listening(&home).await;
    door.repeat(TIMES);
    let seen = fence.all_told(&home).await;
    assert_eq!(said(&seen, "door-1"), ["door-opened", "door-closed", "door-closed"]);
}

#[tokio::test]
async fn a_press_of_a_pendant_is_one_alarm_however_often_it_is_sent_and_two_presses_are_two() {
    let pendant = Device::Beacon {
        name: "pendant-1".into(),
        address: FIRST,
        profile: "bthome",
        purpose: Some("pendant"),
        bind_key: None,
    };
    let Some(home) = home(vec![pendant]).await else { return };
    let mut fence = Fence::bring(&home);
    let mut pendant = BthomeSensor::bring(bluez(&home), FIRST, true, 1);
    for presses in 1..=2 {
        pendant.report(&[Object::button(1)], TIMES);
        let seen = fence.all_told(&home).await;
        assert_eq!(alarms(&seen), presses, "{seen:#?}");
        let of_pendant = seen.iter().filter(|row| row["device"] == "pendant-1");
        of_pendant.for_each(|row| assert_eq!(row["lane"], "urgent", "{row:#}"));
    }
}

#[tokio::test]
async fn a_recording_is_refused_after_a_restart_and_the_sensor_itself_is_believed_again() {
    let Some(mut home) = home(vec![encrypting("door-1", FIRST, Some(KEY))]).await else { return };
    let mut fence = Fence::bring(&home);
    let mut door = BthomeSensor::bring(bluez(&home), FIRST, true, 1).encrypting(KEY, 100);
    door.report(&[Object::door(true)], TIMES);
    let recording = door.last().to_vec();
    door.report(&[Object::door(false)], TIMES);
    let seen = fence.all_told(&home).await;
    assert_eq!(said(&seen, "door-1"), ["door-opened", "door-closed"]);

    home.gateway.stop().await.unwrap();
    home.gateway.start().await.unwrap();
    listening(&home).await;
    door.send(recording, TIMES);
    let seen = fence.all_told(&home).await;
    assert_eq!(said(&seen, "door-1"), ["door-opened", "door-closed"]);
    let status = home.gateway.status().await.unwrap();
    assert!(fault(&status, "device door-1").contains("an old recording"), "{status:#}");
    assert!(fault(&status, "device door-1").contains("give it a new bind key"), "{status:#}");
    assert_eq!(status["devices"]["door-1"]["refused_frames"], TIMES, "{status:#}");

    // Once, since that has to be enough.
    door.report(&[Object::door(true)], 1);
    let seen = fence.all_told(&home).await;
    assert_eq!(said(&seen, "door-1"), ["door-opened", "door-closed", "door-opened"]);
    let status = home.gateway.status().await.unwrap();
    assert_eq!(fault(&status, "device door-1"), "", "{status:#}");
}

#[tokio::test]
async fn a_sensor_that_cannot_be_believed_is_a_fault_with_what_to_do() {
    let devices = vec![
        encrypting("other-key", FIRST, Some(KEY)),
        encrypting("in-the-clear", SECOND, Some(KEY)),
        encrypting("without-key", THIRD, None),
    ];
    let Some(home) = home(devices).await else { return };
    let mut fence = Fence::bring(&home);
    let bring = |address| BthomeSensor::bring(bluez(&home), address, true, 1);
    let mut sensors = [bring(FIRST).encrypting(OTHER_KEY, 7), bring(SECOND), bring(THIRD).encrypting(KEY, 7)];
    sensors.iter_mut().for_each(|sensor| sensor.report(&[Object::door(true)], TIMES));
    let seen = fence.all_told(&home).await;
    let status = home.gateway.status().await.unwrap();
    let mends = [
        ("other-key", "does not fit the device's bind key and address"),
        ("in-the-clear", "turn encryption on in the device, or take the bind key out"),
        ("without-key", "give the device's bind key"),
    ];
    for (name, mend) in mends {
        assert!(fault(&status, &format!("device {name}")).contains(mend), "{name}: {status:#}");
        assert_eq!(status["devices"][name]["refused_frames"], TIMES, "{status:#}");
        assert_eq!(said(&seen, name), Vec::<&str>::new());
    }
}

/// The first and the last number of the minute, not those between.
#[tokio::test]
async fn numbers_come_paced_with_unit_and_signal_strength() {
    const MEASUREMENTS: u16 = 20;
    let devices = vec![Device::beacon("room-1", FIRST, "bthome"), Device::beacon("sauna-1", SECOND, "ruuvi")];
    let Some(home) = home(devices).await else { return };
    let mut room = BthomeSensor::bring(bluez(&home), FIRST, false, 1);
    let mut sauna = RuuviTag::bring(bluez(&home), SECOND, 2);
    for number in 1..=MEASUREMENTS {
        let step = i16::try_from(number).unwrap();
        room.report(&[Object::temperature(2000 + step), Object::humidity(4000 + number)], 2);
        let climate = Climate {
            temperature: Some(16_000 + 200 * step),
            humidity: Some(4_000 + 400 * number),
            pressure: Some(51_000 + number),
            ..Climate::default()
        };
        sauna.measure(&climate, 2);
    }
    let expected = [
        ("room-1", "MDC_TEMP_ROOM", "Cel", [20.01, 20.20]),
        ("room-1", "MDCX_HUMIDITY", "%", [40.01, 40.20]),
        ("sauna-1", "MDC_TEMP_ROOM", "Cel", [81.0, 100.0]),
        ("sauna-1", "MDCX_HUMIDITY", "%", [11.0, 30.0]),
        ("sauna-1", "MDC_PRESS_AIR_AMBIENT", "Pa", [101_001.0, 101_020.0]),
    ];
    let of = |seen: &[Value], device: &str, metric: &str| -> Vec<Value> {
        seen.iter().filter(|row| row["device"] == device && row["metric"] == metric).cloned().collect()
    };
    let all =
        |seen: &[Value]| expected.iter().all(|(device, metric, ..)| of(seen, device, metric).len() >= 2);
    let seen = home.hub.wait_for("the last numbers", LIMIT, all).await.unwrap();
    for (device, metric, unit, numbers) in expected {
        let rows = of(&seen, device, metric);
        let got: Vec<f64> = rows.iter().map(|row| row["value"].as_str().unwrap().parse().unwrap()).collect();
        assert_eq!(got, numbers, "{device} {metric}");
        assert!(rows.iter().all(|row| row["unit"] == unit && row["lane"] == "routine"), "{rows:#?}");
        let strength = rows[0]["rssi_dbm"].as_i64();
        assert!(strength.is_some_and(|dbm| (-84..=-60).contains(&dbm)), "{rows:#?}");
    }
}

#[tokio::test]
async fn twenty_chatty_sensors_among_two_hundred_strangers_lose_no_event_and_fill_no_memory() {
    const SENSORS: u8 = 20;
    const STRANGERS: u8 = 200;
    const REPORTS: usize = 10;
    let names: Vec<_> = (1..=SENSORS).map(|number| format!("door-{number}")).collect();
    let devices =
        names.iter().zip(1..).map(|(name, number)| Device::beacon(name, sensor(number), "bthome")).collect();
    let Some(home) = home(devices).await else { return };
    let mut fence = Fence::bring(&home);
    let bring = |address, seed: u8| BthomeSensor::bring(bluez(&home), address, false, seed.into());
    let mut doors: Vec<_> = (1..=SENSORS).map(|number| bring(sensor(number), number)).collect();
    let mut strangers: Vec<_> = (1..=STRANGERS).map(|number| bring(stranger(number), number)).collect();
    let resident = || home.gateway.program().unwrap().memory().unwrap().resident_kib;
    let before = resident();

    // Each door twice a second, each stranger once.
    let mut tick = interval(Duration::from_millis(25));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for report in 0..REPORTS {
        for sending in 0..2 {
            for door in &mut doors {
                tick.tick().await;
                match sending {
                    0 => door.report(&[Object::door(report % 2 == 0)], 1),
                    _ => door.repeat(1),
                }
                strangers.rotate_left(5);
                strangers.iter_mut().take(5).for_each(|stranger| stranger.report(&[Object::motion(true)], 1));
            }
        }
    }
    let seen = fence.all_told(&home).await;
    let expected: Vec<_> = ["door-opened", "door-closed"].into_iter().cycle().take(REPORTS).collect();
    for name in &names {
        assert_eq!(said(&seen, name), expected, "{name}");
    }
    let grown = resident().saturating_sub(before);
    assert!(grown < 16 * 1024, "by {grown} KiB");
    let status = home.gateway.status().await.unwrap();
    assert_eq!(status["counts"]["advertisements that went unread"], Value::Null, "{status:#}");
    for name in &names {
        let shown = &status["devices"][name];
        assert_eq!(
            (&shown["observations"], &shown["link"]),
            (&json!(REPORTS), &json!("listening")),
            "{name}"
        );
        assert!(shown["last_heard"].is_string(), "{status:#}");
    }
}

/// What a technician sends in is played again, and says the same.
#[tokio::test]
async fn a_capture_of_advertisements_says_again_what_the_sensor_said() {
    if !Bus::available() {
        println!("skipped: dbus-daemon is not installed");
        return;
    }
    let captures = tempfile::tempdir().unwrap();
    let settings = format!("[capture]\ndirectory = '{}'\n", captures.path().display());
    let devices = vec![Device::beacon("door-1", FIRST, "bthome"), Device::beacon("fence", FENCE, "bthome")];
    let mut home = Home::start(Plan { devices, direct: true, settings, ..Plan::default() }).await.unwrap();
    listening(&home).await;
    let mut fence = Fence::bring(&home);
    let mut door = BthomeSensor::bring(bluez(&home), FIRST, false, 1);
    for is_open in [true, false] {
        door.report(&[Object::door(is_open)], TIMES);
    }
    let seen = fence.all_told(&home).await;
    assert!(home.gateway.stop().await.unwrap().unwrap().success());

    let files = std::fs::read_dir(captures.path()).unwrap().map(|file| file.unwrap().path());
    let of_door =
        |path: &std::path::PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with("door-1");
    let [file] = &files.filter(of_door).collect::<Vec<_>>()[..] else { panic!("one capture of a sensor") };
    let capture: Capture = std::fs::read_to_string(file).unwrap().parse().unwrap();
    let mut replay = Replay::new(capture, Pace::AtOnce, || 0);
    let mut session = BleProfile::BtHome.session("door-1".parse().unwrap(), &BleOptions::default());
    let mut again = Vec::new();
    while let Ok(chunk) = replay.next().await {
        let channel = if let varde_link::Channel::ServiceData(uuid) = chunk.channel {
            Channel::ServiceData(varde_drivers::Uuid(uuid.as_u128()))
        } else {
            assert_eq!(chunk.channel, varde_link::Channel::Rssi);
            Channel::Rssi
        };
        let now = Instant::from_millis(chunk.at_ms);
        session.handle_input(Input::Chunk { channel, bytes: &chunk.bytes }, now);
        while let Some(output) = session.poll_output() {
            if let Output::Reading(reading) = output {
                again.extend(reading.observations.iter().map(|told| told.value.to_string()));
            }
        }
    }
    assert_eq!(again, said(&seen, "door-1"));
}

/// A running home with these sensors and a [`Fence`] in the gateway's roster; nothing where D-Bus is not installed.
async fn home(mut devices: Vec<Device>) -> Option<Home> {
    if !Bus::available() {
        println!("skipped: dbus-daemon is not installed");
        return None;
    }
    devices.push(Device::beacon("fence", FENCE, "bthome"));
    let broker = if Broker::available() { WhichBroker::Mosquitto } else { WhichBroker::Embedded };
    let home = Home::start(Plan { devices, broker, direct: true, ..Plan::default() }).await.unwrap();
    listening(&home).await;
    Some(home)
}

/// What is sent before is lost.
async fn listening(home: &Home) {
    let all = |status: &Value| status["devices"]["fence"]["link"] == "listening";
    home.gateway.wait_for("the scan", LIMIT, all).await.unwrap();
}

fn bluez(home: &Home) -> &Bluez {
    &home.bluetooth.as_ref().unwrap().bluez
}

const fn sensor(number: u8) -> Address {
    Address([0xF0, 0xF1, 0xF2, 0xF3, 0xF4, number])
}

const fn stranger(number: u8) -> Address {
    Address([0xE0, 0xE1, 0xE2, 0xE3, 0xE4, number])
}

fn encrypting(name: &str, address: Address, bind_key: Option<[u8; 16]>) -> Device {
    Device::Beacon { name: name.into(), address, profile: "bthome", purpose: None, bind_key }
}

/// What the hub has of a device, in the order it came.
fn said<'a>(seen: &'a [Value], device: &str) -> Vec<&'a str> {
    let of_device = seen.iter().filter(|row| row["device"] == device);
    of_device.map(|row| row["value"].as_str().unwrap()).collect()
}

/// A door that moves after everything else was sent: what the gateway makes of that, it has made once the hub knows
/// of the door.
struct Fence {
    door: BthomeSensor,
    moved: usize,
}

impl Fence {
    fn bring(home: &Home) -> Self {
        Self { door: BthomeSensor::bring(bluez(home), FENCE, false, 0), moved: 0 }
    }

    /// All that the hub ever gets of what was sent so far.
    async fn all_told(&mut self, home: &Home) -> Vec<Value> {
        self.moved += 1;
        self.door.report(&[Object::door(self.moved.is_multiple_of(2))], 1);
        let moved = |seen: &[Value]| said(seen, "fence").len() == self.moved;
        home.hub.wait_for("the fence", LIMIT, moved).await.unwrap();
        home.drained(LIMIT).await.unwrap();
        home.hub.show(0).await.unwrap()
    }
}
