//! A blood pressure monitor: measures offline, advertises while it has readings, hands them over and hangs up.
//!
//! Bytes follow the Blood Pressure Service 1.1.1 and the assigned numbers of the Bluetooth SIG, read here a second time
//! and independently of our driver.

use std::{collections::VecDeque, time::Duration};

use jiff::civil::DateTime;
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};
use uuid::Uuid;

use super::{
    bluez::{Address, Advertisement, Bluez, Characteristic, Event, Peripheral, Radio, Service, uuid16},
    chance::Chance,
};

/// The Blood Pressure service.
pub const SERVICE: Uuid = uuid16(0x1810);
/// The Blood Pressure Measurement characteristic.
pub const MEASUREMENT: Uuid = uuid16(0x2A35);

/// Between two advertisements.
const ADVERTISING_INTERVAL: Duration = Duration::from_millis(100);
/// A link over which nobody wants anything is given up after this time, to save the battery.
const IDLE_LIMIT: Duration = Duration::from_secs(10);

/// One reading in the monitor's memory.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Reading {
    /// Systolic pressure in mmHg.
    pub systolic: u16,
    /// Diastolic pressure in mmHg.
    pub diastolic: u16,
    /// Mean arterial pressure in mmHg.
    pub mean: u16,
    /// The monitor's own clock when the reading was taken; it knows no time zone.
    pub taken: DateTime,
    /// Pulse rate in beats per minute.
    pub pulse: u16,
    /// Which of the monitor's users took it.
    pub user: u8,
    /// Measurement Status: bit 0 body movement, bit 1 loose cuff, bit 2 irregular pulse, bit 5 wrong position.
    pub status: u16,
}

impl Reading {
    /// The value of a Blood Pressure Measurement with every field but kPa (BLS 1.1.1 §3.1.1).
    pub fn bytes(&self) -> Vec<u8> {
        let Self { systolic, diastolic, mean, taken, pulse, user, status } = *self;
        // Flags: mmHg; time stamp, pulse rate, user id and status present.
        let mut bytes = vec![0b0001_1110];
        for pressure in [systolic, diastolic, mean] {
            bytes.extend(sfloat(pressure));
        }
        bytes.extend(taken.year().to_le_bytes());
        for part in [taken.month(), taken.day(), taken.hour(), taken.minute(), taken.second()] {
            bytes.extend(part.to_le_bytes());
        }
        bytes.extend(sfloat(pulse));
        bytes.push(user);
        bytes.extend(status.to_le_bytes());
        bytes
    }
}

/// A monitor in range. Dropping it switches it off.
#[derive(Debug)]
pub struct BloodPressureMonitor {
    readings: mpsc::UnboundedSender<Reading>,
    waiting: watch::Receiver<usize>,
    firmware: JoinHandle<()>,
}

impl BloodPressureMonitor {
    /// Brings a monitor into range; `seed` decides how its signal strength varies.
    pub fn bring(bluez: &Bluez, address: Address, seed: u64) -> Self {
        let radio = bluez.add(description(address));
        let (readings, measured) = mpsc::unbounded_channel();
        let (waiting, seen) = watch::channel(0);
        let firmware = Firmware {
            radio,
            memory: VecDeque::new(),
            waiting,
            connected: false,
            subscribed: false,
            idle_since: Instant::now(),
            chance: Chance::seeded(seed),
        };
        Self { readings, waiting: seen, firmware: tokio::spawn(firmware.run(measured)) }
    }

    /// Takes a reading, connected or not.
    pub fn measure(&self, reading: Reading) {
        // The firmware lives as long as this.
        let _ = self.readings.send(reading);
    }

    /// How many readings have not been confirmed by a gateway. It shows a reading a moment after
    /// [`BloodPressureMonitor::measure`].
    pub fn waiting(&self) -> usize {
        *self.waiting.borrow()
    }

    /// Waits until no reading waits that was measured before.
    pub async fn handed_over(&mut self) {
        let _ = self.waiting.wait_for(|&waiting| waiting == 0).await;
    }
}

impl Drop for BloodPressureMonitor {
    fn drop(&mut self) {
        self.firmware.abort();
    }
}

struct Firmware {
    radio: Radio,
    memory: VecDeque<Reading>,
    waiting: watch::Sender<usize>,
    connected: bool,
    subscribed: bool,
    /// When the link stood or the subscription ended.
    idle_since: Instant,
    chance: Chance,
}

enum Step {
    Measured(Reading),
    Heard(Event),
    TimeToAdvertise,
    Idle,
}

impl Firmware {
    async fn run(mut self, mut measured: mpsc::UnboundedReceiver<Reading>) {
        let mut tick = interval(ADVERTISING_INTERVAL);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let step = tokio::select! {
                reading = measured.recv() => match reading {
                    Some(reading) => Step::Measured(reading),
                    None => return,
                },
                event = self.radio.next_event() => Step::Heard(event),
                _ = tick.tick(), if !self.connected && !self.memory.is_empty() => Step::TimeToAdvertise,
                () = sleep_until(self.idle_since + IDLE_LIMIT), if self.connected && !self.subscribed => Step::Idle,
            };
            self.apply(step);
        }
    }

    fn apply(&mut self, step: Step) {
        match step {
            Step::Measured(reading) => {
                self.memory.push_back(reading);
                self.hand_over();
            }
            Step::Heard(Event::Connected) => (self.connected, self.idle_since) = (true, Instant::now()),
            Step::Heard(Event::Disconnected) => (self.connected, self.subscribed) = (false, false),
            Step::Heard(Event::Subscribed(uuid)) if uuid == MEASUREMENT => {
                self.subscribed = true;
                self.hand_over();
            }
            Step::Heard(Event::Unsubscribed(uuid)) if uuid == MEASUREMENT => {
                (self.subscribed, self.idle_since) = (false, Instant::now());
            }
            Step::Idle => self.radio.disconnect(),
            Step::Heard(_) => {}
            Step::TimeToAdvertise => {
                let rssi = -55 - i16::try_from(self.chance.below(25)).unwrap_or_default();
                self.radio.advertise(&Advertisement { rssi, connectable: true, ..Advertisement::default() });
            }
        }
        self.waiting
            .send_if_modified(|waiting| std::mem::replace(waiting, self.memory.len()) != self.memory.len());
    }

    /// Indicates the oldest reading first, forgets each once it is confirmed, and hangs up after the last.
    fn hand_over(&mut self) {
        if !self.subscribed || self.memory.is_empty() {
            return;
        }
        while let Some(reading) = self.memory.front()
            && self.radio.indicate(MEASUREMENT, reading.bytes())
        {
            self.memory.pop_front();
        }
        if self.memory.is_empty() {
            self.radio.disconnect();
        }
    }
}

fn description(address: Address) -> Peripheral {
    let readable = |short, value: &[u8]| Characteristic::readable(uuid16(short), value);
    // Blood Pressure Feature: body movement, cuff fit, irregular pulse and position are detected.
    let feature = 0b0010_0111_u16.to_le_bytes();
    Peripheral {
        address,
        address_is_random: false,
        name: "BPM-100".into(),
        advertised: vec![SERVICE],
        services: vec![
            Service {
                uuid: SERVICE,
                characteristics: vec![Characteristic::indicating(MEASUREMENT), readable(0x2A49, &feature)],
            },
            Service { uuid: uuid16(0x180F), characteristics: vec![readable(0x2A19, &[87])] },
            Service {
                uuid: uuid16(0x180A),
                characteristics: vec![
                    readable(0x2A29, b"Simulated Instruments"),
                    readable(0x2A24, b"BPM-100"),
                    readable(0x2A25, b"SN000123"),
                    readable(0x2A26, b"1.4.2"),
                    readable(0x2A23, &[0x56, 0x34, 0x12, 0xFE, 0xFF, 0xEF, 0xCD, 0xAB]),
                ],
            },
        ],
        bonded: false,
    }
}

/// A whole number as IEEE 11073 SFLOAT: exponent 0 in the upper four bits, the number below. From 2046 up the
/// mantissas have special meanings; no cuff reaches them.
const fn sfloat(number: u16) -> [u8; 2] {
    let mantissa = if number > 2045 { 2045 } else { number };
    mantissa.to_le_bytes()
}

#[cfg(test)]
mod tests {
    use btleplug::{
        api::{Central as _, CentralEvent, CharPropFlags, Manager as _, Peripheral as _, ScanFilter},
        platform::{Manager, Peripheral as Device},
    };
    use futures_util::StreamExt;
    use jiff::civil::date;
    use tokio::time::timeout;

    use super::*;
    use crate::sim::{bus::Bus, programs::Program};

    const LIMIT: Duration = Duration::from_secs(20);

    fn reading(number: u16) -> Reading {
        Reading {
            systolic: 120 + number,
            diastolic: 80,
            mean: 93,
            taken: date(2026, 3, 9).at(7, 5, 30, 0),
            pulse: 64,
            user: 1,
            status: 4,
        }
    }

    #[test]
    fn the_bytes_stand_where_the_specification_puts_them() {
        let expected = "1e 7800 5000 5d00 ea07 03 09 07 05 1e 4000 01 0400";
        let bytes: String = reading(0).bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(bytes, expected.replace(' ', ""));
    }

    /// The client that the gateway uses sees the monitor as it would see a real one through a real BlueZ.
    ///
    /// libdbus takes the bus from the environment, so the client's part runs in a process of its own: this test again.
    #[tokio::test]
    async fn btleplug_finds_connects_reads_and_gets_every_indication() {
        if std::env::var_os(CLIENT).is_some() {
            return client().await;
        }
        if !Bus::available() {
            println!("skipped: dbus-daemon is not installed");
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let bus = Bus::start(dir.path()).await.unwrap();
        let bluez = Bluez::start(&bus).await.unwrap();
        let mut monitor = BloodPressureMonitor::bring(&bluez, Address([0xF0, 0xF1, 0xF2, 0xF3, 0xF4, 1]), 1);
        (0..3).for_each(|number| monitor.measure(reading(number)));

        let mut command = tokio::process::Command::new(std::env::current_exe().unwrap());
        let this = "sim::blood_pressure::tests::btleplug_finds_connects_reads_and_gets_every_indication";
        command.args([this, "--exact", "--nocapture"]);
        command.env(CLIENT, "1").env("DBUS_SYSTEM_BUS_ADDRESS", bus.address());
        let mut client = Program::start(command, &dir.path().join("client.log")).unwrap();
        let ended = client.wait(LIMIT).await;
        assert!(ended.is_ok_and(|status| status.success()), "{}", client.output().unwrap());
        timeout(LIMIT, monitor.handed_over()).await.unwrap();
        assert_eq!(monitor.waiting(), 0);
    }

    const CLIENT: &str = "VARDE_TEST_CLIENT";

    async fn client() {
        let manager = Manager::new().await.unwrap();
        let adapter = manager.adapters().await.unwrap().remove(0);
        let mut events = adapter.events().await.unwrap();
        adapter.start_scan(ScanFilter { services: vec![SERVICE] }).await.unwrap();
        let id = loop {
            if let CentralEvent::DeviceDiscovered(id) = events.next().await.unwrap() {
                break id;
            }
        };
        let device = adapter.peripheral(&id).await.unwrap();
        assert_eq!(device.properties().await.unwrap().unwrap().services, [SERVICE]);
        device.connect().await.unwrap();
        device.discover_services().await.unwrap();
        assert_eq!(read(&device, 0x2A25).await, b"SN000123");
        assert_eq!(read(&device, 0x2A19).await, [87]);

        let mut indications = device.notifications().await.unwrap();
        let measurement = device.characteristics().into_iter().find(|it| it.uuid == MEASUREMENT).unwrap();
        assert_eq!(measurement.properties, CharPropFlags::INDICATE);
        device.subscribe(&measurement).await.unwrap();
        for number in 0..3 {
            let indication = indications.next().await.unwrap();
            assert_eq!((indication.uuid, indication.value), (MEASUREMENT, reading(number).bytes()));
        }
        while !matches!(events.next().await.unwrap(), CentralEvent::DeviceDisconnected(gone) if gone == id) {}
    }

    async fn read(device: &Device, short: u16) -> Vec<u8> {
        let found = device.characteristics().into_iter().find(|it| it.uuid == uuid16(short)).unwrap();
        device.read(&found).await.unwrap()
    }
}
