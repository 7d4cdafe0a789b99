//! The meters as a client of BlueZ meets them.

use jiff::{SignedDuration, civil::date};
use tempfile::TempDir;
use tokio::time::timeout;
use zbus::OwnedVariant;

use super::{
    clock::Clock,
    continuous_glucose::{self, ContinuousGlucoseSensor, Glucose},
    glucose::{self, Concentration, Context, GlucoseMeter, Measurement},
    heart_rate::{self, Beat, HeartRateBelt},
    oximeter::{self, PulseOximeter, Saturation},
    racp::CONTROL_POINT,
    scale::{self, Composition, Weighing, WeightScale},
    thermometer::{self, Thermometer},
    values::{Sfloat, date_time},
    *,
};
use crate::sim::{
    beacons::{
        bthome::{self, BthomeSensor, Object},
        ruuvi::{Climate, RuuviTag},
    },
    bluez::client::{Client, LIMIT, error_name},
    bus::Bus,
};

const ADDRESS: Address = Address([0xF0, 0xF1, 0xF2, 0xF3, 0xF4, 7]);
const DEVICE: &str = "/org/bluez/hci0/dev_F0_F1_F2_F3_F4_07";
const DEVICE_INTERFACE: &str = "org.bluez.Device1";

struct Air {
    bluez: Bluez,
    client: Client,
    _bus: Bus,
    _dir: TempDir,
}

/// A BlueZ with a client that discovers; `None`, said aloud, without `dbus-daemon`.
async fn air() -> Option<Air> {
    if !Bus::available() {
        println!("skipped: dbus-daemon is not installed");
        return None;
    }
    let dir = tempfile::tempdir().unwrap();
    let bus = Bus::start(dir.path()).await.unwrap();
    let bluez = Bluez::start(&bus).await.unwrap();
    let client = Client::join(&bus).await;
    client.discover().await;
    Some(Air { bluez, client, _bus: bus, _dir: dir })
}

impl Air {
    /// Connects to the meter, which calls for it.
    async fn meet(&mut self) {
        let known = async || self.client.get(DEVICE, DEVICE_INTERFACE, "Connected").await.is_ok();
        timeout(LIMIT, async { while !known().await {} }).await.unwrap();
        self.client.call(DEVICE, DEVICE_INTERFACE, "Connect", &()).await.unwrap();
        while self.client.change(DEVICE, "ServicesResolved").await != OwnedVariant::from(true) {}
    }

    /// The next values, each of the characteristic that is expected.
    async fn values<const N: usize>(&mut self, expected: [&str; N]) -> Vec<Vec<u8>> {
        let mut values = Vec::new();
        for path in expected {
            let (at, value) = self.client.next_value().await;
            assert_eq!(at, path);
            values.push(value);
        }
        values
    }

    async fn gone(&mut self) {
        while self.client.change(DEVICE, "Connected").await != OwnedVariant::from(false) {}
    }
}

fn noon() -> jiff::civil::DateTime {
    date(2026, 3, 9).at(12, 0, 0, 0)
}

#[tokio::test]
async fn a_glucose_meter_reports_counts_and_deletes_what_is_asked_for() {
    let Some(mut air) = air().await else { return };
    let meter = GlucoseMeter::switch_on(&air.bluez, &Setup::bonded(ADDRESS), Clock::default());
    meter.with(|meter| meter.continue_at(41));
    for tenths in [55, 61, 98] {
        let context = (tenths == 61).then(|| Context { meal: Some(2), ..Context::default() });
        let concentration = Concentration::TenthsOfMillimolar(tenths);
        meter.with(|meter| {
            meter.measure(Measurement { context, ..Measurement::plain(noon(), concentration) })
        });
    }
    air.meet().await;
    let control = air.client.find(DEVICE, CONTROL_POINT).await;
    let early = air.client.write(&control, &[1, 1]).await.unwrap_err();
    assert!(early.to_string().contains("ATT error: 0x81"), "{early}");
    let [value, context] = [glucose::MEASUREMENT, glucose::CONTEXT];
    let (value, context) =
        (air.client.subscribe(DEVICE, value).await, air.client.subscribe(DEVICE, context).await);
    air.client.subscribe(DEVICE, CONTROL_POINT).await;

    air.client.write(&control, &[1, 1]).await.unwrap();
    let seen = air.values([&value, &value, &context, &value, &control]).await;
    assert_eq!(seen[0], [0x06, 41, 0, 0xEA, 0x07, 3, 9, 12, 0, 0, 55, 0xC0, 0x11]);
    assert_eq!(seen[1], [0x16, 42, 0, 0xEA, 0x07, 3, 9, 12, 0, 0, 61, 0xC0, 0x11]);
    assert_eq!(seen[2], [0x02, 42, 0, 2]);
    assert_eq!(seen[4], [6, 0, 1, 1]);

    for (request, answer) in [
        (vec![4, 3, 1, 42, 0], [5, 0, 2, 0]),
        (vec![4, 4, 1, 41, 0, 42, 0], [5, 0, 2, 0]),
        (vec![4, 2, 1, 40, 0], [5, 0, 0, 0]),
        (vec![1, 3, 1, 44, 0], [6, 0, 1, 6]),
        (vec![1, 3, 2, 0xEA, 7, 3, 9, 12, 0, 0], [6, 0, 1, 9]),
        (vec![1, 3, 1], [6, 0, 1, 5]),
        (vec![1, 0], [6, 0, 1, 3]),
        (vec![9, 1], [6, 0, 9, 2]),
        (vec![3, 0], [6, 0, 3, 7]),
        (vec![2, 5], [6, 0, 2, 1]),
    ] {
        air.client.write(&control, &request).await.unwrap();
        assert_eq!(air.values([&control]).await, [answer], "{request:?}");
    }
    meter.with(|meter| assert_eq!((meter.memory(), meter.deleted()), (vec![42, 43], [41].as_slice())));
}

#[tokio::test]
async fn a_running_report_can_be_aborted_and_starts_again_on_the_next_link() {
    let Some(mut air) = air().await else { return };
    let clock = Clock::ahead(SignedDuration::from_hours(-24 * 4000));
    let meter = GlucoseMeter::switch_on(&air.bluez, &Setup::bonded(ADDRESS), clock);
    for _ in 0..500 {
        meter.with(|meter| meter.measure_now(Concentration::MilligramsPerDecilitre(100)));
    }
    for request in [vec![3, 0], vec![1, 6]] {
        meter.with(|meter| meter.call());
        air.meet().await;
        for uuid in [glucose::MEASUREMENT, CONTROL_POINT] {
            air.client.subscribe(DEVICE, uuid).await;
        }
        let control = air.client.find(DEVICE, CONTROL_POINT).await;
        air.client.write(&control, &[1, 1]).await.unwrap();
        let first = air.client.next_value().await.1;
        assert_eq!((first[0], &first[1..3]), (0x02, [1, 0].as_slice()));
        assert!(u16::from_le_bytes([first[3], first[4]]) < 2026, "the clock is wrong");
        air.client.write(&control, &request).await.unwrap();
        let answer = loop {
            let (path, value) = air.client.next_value().await;
            if path == control {
                break value;
            }
        };
        let expected = if request[0] == 3 { [6, 0, 3, 1] } else { [6, 0, 1, 8] };
        assert_eq!(answer, expected);
        meter.radio().disconnect();
        air.gone().await;
    }
    assert_eq!(meter.with(|meter| meter.memory().len()), 500);
}

#[tokio::test]
async fn an_oximeter_streams_while_a_finger_is_in_it_and_keeps_spot_checks() {
    let Some(mut air) = air().await else { return };
    let meter = PulseOximeter::switch_on(&air.bluez, &Setup::bonded(ADDRESS));
    let value = Saturation { status: Some(0x0020), sensor: Some(0x00_2008), ..Saturation::plain(97, 62) };
    meter.with(|meter| {
        meter.store(&value, noon());
        meter.finger(Some(value));
    });
    air.meet().await;
    let stream = air.client.subscribe(DEVICE, oximeter::CONTINUOUS).await;
    let expected = vec![0x0C, 97, 0, 62, 0, 0x20, 0, 0x08, 0x20, 0];
    assert_eq!(air.values([&stream, &stream]).await, [expected.clone(), expected]);
    meter.with(|meter| meter.finger(None));
    let spot = air.client.subscribe(DEVICE, oximeter::SPOT_CHECK).await;
    let control = air.client.subscribe(DEVICE, CONTROL_POINT).await;
    air.client.write(&control, &[1, 3, 1, 0, 0]).await.unwrap();
    assert_eq!(air.values([&control]).await, [[6, 0, 1, 4]]);
    air.client.write(&control, &[1, 1]).await.unwrap();
    let seen = air.values([&spot, &control]).await;
    assert_eq!(seen[0], [0x07, 97, 0, 62, 0, 0xEA, 7, 3, 9, 12, 0, 0, 0x20, 0, 0x08, 0x20, 0]);

    meter.with(|meter| meter.spot_check(&Saturation::plain(91, 70), None, false));
    assert_eq!(air.values([&spot]).await, [[0x10, 91, 0, 70, 0]]);
    air.gone().await;
    assert_eq!(meter.with(|meter| (meter.waiting(), meter.stored())), (0, 1));
}

#[tokio::test]
async fn a_thermometers_clock_is_wrong_until_it_is_set() {
    let Some(mut air) = air().await else { return };
    let clock = Clock::ahead(SignedDuration::from_hours(-24 * 4000));
    let meter = Thermometer::switch_on(&air.bluez, &Setup::new(ADDRESS), clock);
    meter.with(|meter| meter.measure(372));
    air.meet().await;
    for (uuid, length) in [(thermometer::DATE_TIME, 7), (thermometer::CURRENT_TIME, 10)] {
        let path = air.client.find(DEVICE, uuid).await;
        assert_eq!(air.client.read(&path).await.unwrap().len(), length);
    }
    let path = air.client.find(DEVICE, thermometer::DATE_TIME).await;
    air.client.write(&path, &date_time(noon())).await.unwrap();
    timeout(LIMIT, meter.wait_until(|meter| meter.clock().was_set() == Some(noon()))).await.unwrap();
    let before = meter.with(|meter| meter.clock().now());
    assert!(before >= noon());
    // Later than the first measurement, which keeps its wrong time.
    let path = air.client.subscribe(DEVICE, thermometer::MEASUREMENT).await;
    let mut seen = Vec::new();
    while seen.is_empty() {
        let (at, value) = air.client.next_value().await;
        seen.extend((at == path).then_some(value));
    }
    assert_eq!(seen[0][..5], [0b110, 0x74, 0x01, 0, 0xFF]);
    assert!(u16::from_le_bytes([seen[0][5], seen[0][6]]) < 2026 && seen[0][12] == 3, "{seen:?}");
    air.gone().await;
    assert_eq!(meter.with(|meter| (meter.waiting(), meter.confirmed())), (0, 1));
}

#[tokio::test]
async fn a_discreet_scale_hands_over_only_with_its_users_consent() {
    let Some(mut air) = air().await else { return };
    let meter = WeightScale::switch_on(&air.bluez, &Setup::new(ADDRESS), true);
    let composition = Some(Composition { fat: 253, impedance: Some(5012), ..Composition::default() });
    let weighing =
        |user| Weighing { weight: 16_400, taken: Some(noon()), user: Some(user), bmi: None, composition };
    meter.with(|meter| {
        meter.set_up_user(2, 1234);
        meter.weigh(weighing(1));
        meter.weigh(weighing(2));
    });
    air.meet().await;
    let weight = air.client.subscribe(DEVICE, scale::WEIGHT).await;
    let fat = air.client.subscribe(DEVICE, scale::COMPOSITION).await;
    let control = air.client.subscribe(DEVICE, scale::USER_CONTROL_POINT).await;
    for (request, answer) in [
        (vec![2, 2, 0, 0], vec![0x20, 2, 5]),
        (vec![3], vec![0x20, 3, 5]),
        (vec![2, 2], vec![0x20, 2, 3]),
        (vec![1, 9, 9], vec![0x20, 1, 1, 1]),
        (vec![2, 2, 0xD2, 0x04], vec![0x20, 2, 1]),
    ] {
        air.client.write(&control, &request).await.unwrap();
        assert_eq!(air.values([&control]).await, [answer], "{request:?}");
    }
    let seen = air.values([&weight, &fat]).await;
    assert_eq!(seen[0], [0x06, 0x10, 0x40, 0xEA, 7, 3, 9, 12, 0, 0, 2]);
    let expected = [0x06, 0x06, 0xFD, 0, 0xEA, 7, 3, 9, 12, 0, 0, 2, 0x94, 0x13, 0x10, 0x40];
    assert_eq!(seen[1], expected);
    timeout(LIMIT, meter.wait_until(|meter| meter.confirmed() == 1)).await.unwrap();
    meter.with(|meter| assert_eq!((meter.waiting(), meter.users().len()), (1, 2)));
}

#[tokio::test]
async fn a_belt_tells_each_second_while_it_is_worn() {
    let Some(mut air) = air().await else { return };
    let meter = HeartRateBelt::switch_on(&air.bluez, &Setup::new(ADDRESS));
    let beat = Beat { rate: 72, contact: Some(true), energy: Some(300), intervals: vec![853, 850] };
    meter.with(|belt| belt.wear(Some(beat.clone())));
    air.meet().await;
    let control = air.client.find(DEVICE, heart_rate::CONTROL_POINT).await;
    let path = air.client.subscribe(DEVICE, heart_rate::MEASUREMENT).await;
    assert_eq!(air.values([&path]).await, [[0x1E, 72, 0x2C, 1, 0x55, 3, 0x52, 3]]);
    air.client.write(&control, &[1]).await.unwrap();
    assert_eq!(air.values([&path]).await, [[0x1E, 72, 0, 0, 0x55, 3, 0x52, 3]]);
    let wide = Beat { rate: 300, contact: None, energy: None, intervals: Vec::new() };
    assert_eq!(wide.bytes(), [0x01, 0x2C, 1]);
    meter.with(|belt| assert_eq!((belt.sent(), belt.energy_resets()), (2, 1)));
}

#[tokio::test]
async fn a_glucose_sensor_runs_a_session_and_checks_every_write() {
    let Some(mut air) = air().await else { return };
    let sensor = ContinuousGlucoseSensor::switch_on(&air.bluez, &Setup::bonded(ADDRESS), true);
    air.meet().await;
    let value = air.client.subscribe(DEVICE, continuous_glucose::MEASUREMENT).await;
    let records = air.client.subscribe(DEVICE, CONTROL_POINT).await;
    let ops = air.client.subscribe(DEVICE, continuous_glucose::OPS_CONTROL_POINT).await;
    air.client.write(&ops, &[0x1A, 0, 0]).await.unwrap();
    timeout(LIMIT, sensor.wait_until(|sensor| sensor.bad_checksums() == 1)).await.unwrap();
    air.client.write(&ops, &continuous_glucose::sealed(vec![0x1A], true)).await.unwrap();
    assert_eq!(air.values([&ops]).await, [continuous_glucose::sealed(vec![0x1C, 0x1A, 1], true)]);
    sensor.with(|sensor| {
        sensor.measure_after(5, Glucose::plain(104));
        sensor.measure_after(5, Glucose { concentration: Sfloat::NRES, ..Glucose::plain(0) });
    });
    let live = air.values([&value, &value]).await;
    assert_eq!(live[0][..6], [8, 0, 104, 0, 5, 0]);
    assert_eq!(live[1][..6], [8, 0, 0x00, 0x08, 10, 0]);

    let start = air.client.find(DEVICE, continuous_glucose::SESSION_START).await;
    let told = continuous_glucose::sealed([date_time(noon()).as_slice(), &[4, 0]].concat(), true);
    air.client.write(&start, &told).await.unwrap();
    let began = noon().saturating_sub(SignedDuration::from_mins(10));
    timeout(LIMIT, sensor.wait_until(|sensor| sensor.started() == Some(began))).await.unwrap();
    air.client.write(&records, &[1, 3, 1, 6, 0]).await.unwrap();
    let stored = air.values([&value, &records]).await;
    assert_eq!((&stored[0], stored[1].as_slice()), (&live[1], [6, 0, 1, 1].as_slice()));
}

#[tokio::test]
async fn a_meter_that_needs_a_bond_says_nothing_without_one() {
    let Some(mut air) = air().await else { return };
    let setup = Setup { pairing: Some(Pairing::SHOWS_PASSKEY), ..Setup::new(ADDRESS) };
    let meter = GlucoseMeter::switch_on(&air.bluez, &setup, Clock::default());
    meter.with(|meter| meter.call());
    air.meet().await;
    let path = air.client.find(DEVICE, glucose::MEASUREMENT).await;
    let characteristic = "org.bluez.GattCharacteristic1";
    let refused = air.client.call(&path, characteristic, "StartNotify", &()).await.unwrap_err();
    assert_eq!(error_name(&refused), "org.bluez.Error.NotPermitted");
}

#[tokio::test]
async fn beacons_are_heard_by_their_data() {
    let Some(air) = air().await else { return };
    let other = Address([0xF0, 0xF1, 0xF2, 0xF3, 0xF4, 8]);
    let mut door = BthomeSensor::bring(&air.bluez, ADDRESS, true, 1);
    let mut tag = RuuviTag::bring(&air.bluez, other, 1);
    door.report(&[Object::door(true)], 3);
    tag.shake();
    tag.measure(&Climate { temperature: Some(4860), battery: Some(1377), ..Climate::default() }, 2);
    type Data<K> = std::collections::HashMap<K, OwnedVariant>;
    let data = air.client.get(DEVICE, DEVICE_INTERFACE, "ServiceData").await.unwrap();
    let mut data: Data<String> = data.try_into().unwrap();
    let told: Vec<u8> = data.remove(&bthome::SERVICE.to_string()).unwrap().try_into().unwrap();
    assert_eq!(told, [0x44, 0, 1, 0x1A, 1]);
    let path = "/org/bluez/hci0/dev_F0_F1_F2_F3_F4_08";
    let data = air.client.get(path, DEVICE_INTERFACE, "ManufacturerData").await.unwrap();
    let mut data: Data<u16> = data.try_into().unwrap();
    let told: Vec<u8> = data.remove(&0x0499).unwrap().try_into().unwrap();
    let acceleration = [0x80, 0, 0x80, 0, 0x80, 0];
    assert_eq!(told[..7], [5, 0x12, 0xFC, 0xFF, 0xFF, 0xFF, 0xFF]);
    assert_eq!(told[7..13], acceleration);
    assert_eq!(told[13..], [0xAC, 0x36, 1, 0, 1, 0xF0, 0xF1, 0xF2, 0xF3, 0xF4, 8]);
}
