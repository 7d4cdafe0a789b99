//! A blood pressure monitor: measures offline, advertises while it has readings, hands them over and hangs up.
//!
//! Bytes follow the Blood Pressure Service 1.1.1 and the assigned numbers of the Bluetooth SIG, read here a second time
//! and independently of our driver.

use std::time::Duration;

use jiff::civil::DateTime;
use uuid::Uuid;

use super::{
    Firmware, Link, Meter, Setup, battery, information,
    outbox::Outbox,
    values::{Sfloat, date_time},
};
use crate::sim::bluez::{Address, Bluez, Characteristic, Event, Radio, Service, uuid16};

/// The Blood Pressure service.
pub const SERVICE: Uuid = uuid16(0x1810);
/// The Blood Pressure Measurement characteristic.
pub const MEASUREMENT: Uuid = uuid16(0x2A35);

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
            bytes.extend(Sfloat::whole(pressure).bytes());
        }
        bytes.extend(date_time(taken));
        bytes.extend(Sfloat::whole(pulse).bytes());
        bytes.push(user);
        bytes.extend(status.to_le_bytes());
        bytes
    }
}

/// A monitor in range. Dropping it switches it off.
#[derive(Debug)]
pub struct BloodPressureMonitor {
    meter: Meter<Monitor>,
}

impl BloodPressureMonitor {
    /// Brings a monitor into range that needs no bond; `seed` decides how its signal strength varies.
    pub fn bring(bluez: &Bluez, address: Address, seed: u64) -> Self {
        // Blood Pressure Feature: body movement, cuff fit, irregular pulse and position are detected.
        let feature = 0b0010_0111_u16.to_le_bytes();
        let services = vec![
            Service {
                uuid: SERVICE,
                characteristics: vec![
                    Characteristic::indicating(MEASUREMENT),
                    Characteristic::readable(uuid16(0x2A49), feature),
                ],
            },
            battery(87),
            information("BPM-100"),
        ];
        let setup = Setup { seed, ..Setup::new(address) };
        Self { meter: Meter::bring(bluez, &setup, "BPM-100", services, Monitor::default()) }
    }

    /// Takes a reading, connected or not.
    pub fn measure(&self, reading: Reading) {
        self.meter.with(|monitor| monitor.outbox.push(MEASUREMENT, reading.bytes()));
    }

    /// How many readings have not been confirmed by a gateway.
    pub fn waiting(&self) -> usize {
        self.meter.with(|monitor| monitor.outbox.waiting())
    }

    /// Waits until no reading waits that was measured before.
    pub async fn handed_over(&mut self) {
        self.meter.wait_until(|monitor| monitor.outbox.waiting() == 0).await;
    }
}

#[derive(Debug, Default)]
struct Monitor {
    outbox: Outbox,
}

impl Firmware for Monitor {
    fn calls(&self) -> bool {
        self.outbox.waiting() > 0
    }

    fn hear(&mut self, _event: Event, _link: &Link, _radio: &Radio) {}

    fn act(&mut self, link: &mut Link, radio: &Radio) -> Option<Duration> {
        self.outbox.hand_over(link, radio);
        None
    }
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
        let this =
            "sim::meters::blood_pressure::tests::btleplug_finds_connects_reads_and_gets_every_indication";
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
