//! An ear thermometer with a clock that is wrong until somebody sets it.
//!
//! Bytes follow the Health Thermometer Service 1.0.

use std::time::Duration;

use jiff::civil::DateTime;
use uuid::Uuid;

use super::{
    Firmware, Link, Meter, Setup, battery,
    clock::Clock,
    information,
    outbox::Outbox,
    values::{Float, date_time},
};
use crate::sim::bluez::{Bluez, Characteristic, Event, Radio, Service, uuid16};

/// The Health Thermometer service.
pub const SERVICE: Uuid = uuid16(0x1809);
/// The Temperature Measurement characteristic.
pub const MEASUREMENT: Uuid = uuid16(0x2A1C);
/// The Intermediate Temperature characteristic.
pub const INTERMEDIATE: Uuid = uuid16(0x2A1E);
/// The Date Time characteristic, which some makers add to the service so that it can be set.
pub const DATE_TIME: Uuid = uuid16(0x2A08);
/// The Current Time characteristic of the service of that name.
pub const CURRENT_TIME: Uuid = uuid16(0x2A2B);
/// How often the readable clock is brought up to date.
const SECOND: Duration = Duration::from_secs(1);

/// One measurement.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Temperature {
    /// In the unit below.
    pub value: Float,
    /// In degrees Fahrenheit rather than Celsius.
    pub fahrenheit: bool,
    /// The thermometer's clock at that time, if it has one.
    pub taken: Option<DateTime>,
    /// Where: 2 body, 3 ear, 6 mouth, 7 rectum, 9 tympanum.
    pub site: Option<u8>,
}

impl Temperature {
    /// The value of a Temperature Measurement (§3.1.1).
    pub fn bytes(&self) -> Vec<u8> {
        let Self { value, fahrenheit, taken, site } = *self;
        let flags = u8::from(fahrenheit) | u8::from(taken.is_some()) << 1 | u8::from(site.is_some()) << 2;
        let mut bytes = vec![flags];
        bytes.extend(value.bytes());
        bytes.extend(taken.into_iter().flat_map(date_time));
        bytes.extend(site);
        bytes
    }
}

/// A thermometer in range.
pub type Thermometer = Meter<EarThermometer>;

/// The inside of a [`Thermometer`].
#[derive(Debug)]
pub struct EarThermometer {
    outbox: Outbox,
    clock: Clock,
    stays: bool,
}

impl Thermometer {
    /// Brings a thermometer into range whose clock stands so and can be set.
    pub fn switch_on(bluez: &Bluez, setup: &Setup, clock: Clock) -> Self {
        let settable =
            |uuid, value: Vec<u8>| Characteristic::readable(uuid, value).with_flags(&["read", "write"]);
        let services = vec![
            Service {
                uuid: SERVICE,
                characteristics: vec![
                    Characteristic::indicating(MEASUREMENT),
                    Characteristic::readable(uuid16(0x2A1D), [3]),
                    Characteristic::notifying(INTERMEDIATE),
                    Characteristic::readable(uuid16(0x2A21), [0, 0]),
                    settable(DATE_TIME, clock.date_time().to_vec()),
                ],
            },
            Service {
                uuid: uuid16(0x1805),
                characteristics: vec![settable(CURRENT_TIME, clock.current_time())],
            },
            battery(78),
            information("ET-2"),
        ];
        let firmware = EarThermometer { outbox: Outbox::default(), clock, stays: false };
        Self::bring(bluez, setup, "ET-2", services, firmware)
    }
}

impl EarThermometer {
    /// Takes a temperature in tenths of a degree Celsius now, by its own clock.
    pub fn measure(&mut self, tenths: i32) {
        let taken = Some(self.clock.now());
        let value = Float::new(tenths, -1);
        self.hold(&Temperature { value, fahrenheit: false, taken, site: Some(3) });
    }

    /// Looks for the gateway without a measurement, and does not hang up after one.
    pub const fn stay(&mut self) {
        self.stays = true;
    }

    /// Keeps this measurement until it is confirmed.
    pub fn hold(&mut self, temperature: &Temperature) {
        self.outbox.push(MEASUREMENT, temperature.bytes());
    }

    /// How many measurements have not been confirmed.
    pub fn waiting(&self) -> usize {
        self.outbox.waiting()
    }

    /// How many have.
    pub const fn confirmed(&self) -> usize {
        self.outbox.confirmed()
    }

    /// Its clock.
    pub const fn clock(&self) -> &Clock {
        &self.clock
    }
}

impl Firmware for EarThermometer {
    fn calls(&self) -> bool {
        self.stays || self.outbox.waiting() > 0
    }

    fn hear(&mut self, event: Event, _link: &Link, _radio: &Radio) {
        if let Event::Written(DATE_TIME | CURRENT_TIME, value) = event {
            self.clock.write(&value);
        }
    }

    fn act(&mut self, link: &mut Link, radio: &Radio) -> Option<Duration> {
        radio.set_value(DATE_TIME, self.clock.date_time());
        radio.set_value(CURRENT_TIME, self.clock.current_time());
        if self.stays {
            self.outbox.indicate(link, radio);
        } else {
            self.outbox.hand_over(link, radio);
        }
        link.is_connected().then_some(SECOND)
    }
}
