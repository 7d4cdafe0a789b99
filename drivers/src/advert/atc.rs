//! Xiaomi thermometers with the free firmware of atc1441 or pvvx: service data of 0x181A (Environmental Sensing),
//! whose length tells which of four layouts it has (the README of pvvx/ATC_MiThermometer, `src/custom_beacon.h`).
//!
//! | length | layout | |
//! |---|---|---|
//! | 13 | atc1441 | big-endian |
//! | 15, or 14 without triggers | pvvx | little-endian |
//! | 8 | atc1441, encrypted | half degrees and half percent |
//! | 11 | pvvx, encrypted | |
//!
//! The counter has one byte, so that old recordings cannot be told from new advertisements: who needs that chooses
//! BTHome, which the same firmware sends. As nothing here is an event, repeats fall away by what they say.

use ccm::consts::U11;
use varde_wire::{Absence, Decimal, Instant, Metric, Unit, Value};

use crate::advert::Secret;
use crate::advert::format::Advertiser;
use crate::advert::format::Told;
use crate::cursor::Cursor;
use crate::describe::hex;
use crate::statement::{Said, Statement};
use crate::{Channel, Description, FrameError, Problem, Uuid};

/// Environmental Sensing.
pub const SERVICE: Uuid = Uuid::sig(0x181A);

/// What a thermometer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AtcData {
    /// The layout: `atc1441` or `pvvx`.
    pub layout: &'static str,
    /// Whether it was encrypted.
    pub encrypted: bool,
    /// The device's address, most significant byte first; encrypted layouts have none.
    pub address: Option<[u8; 6]>,
    /// Degrees Celsius.
    pub temperature: Decimal,
    /// Percent.
    pub humidity: Decimal,
    /// Percent; more than 100 is none.
    pub battery: Result<u8, Absence>,
    /// The battery's voltage; encrypted layouts have none.
    pub battery_voltage: Option<Decimal>,
    /// Number of the measurement.
    pub counter: u8,
    /// Bits: 0 reed switch, 1 output, 2 output follows the triggers, 3 temperature trigger, 4 humidity trigger.
    pub triggers: Option<u8>,
}

impl AtcData {
    /// The data of the service.
    ///
    /// # Errors
    /// Where it has no known length, or cannot be decrypted.
    pub fn decode(bytes: &[u8], secret: Option<&Secret>) -> Result<Self, FrameError> {
        match bytes.len() {
            8 => Self::atc1441_encrypted(bytes, secret),
            11 => Self::pvvx_encrypted(bytes, secret),
            13 => Self::atc1441(bytes),
            14 | 15 => Self::pvvx(bytes),
            length => {
                let got = u8::try_from(length).unwrap_or(u8::MAX);
                let problem = Problem::UnknownFormat { got, known: "0x08, 0x0b, 0x0d, 0x0e, 0x0f" };
                Err(FrameError { field: "length", offset: 0, problem })
            }
        }
    }

    fn atc1441(bytes: &[u8]) -> Result<Self, FrameError> {
        let mut cursor = Cursor::new(bytes);
        Ok(Self {
            layout: "atc1441",
            encrypted: false,
            address: Some(cursor.array("address")?),
            temperature: Decimal::new(cursor.array("temperature").map(i16::from_be_bytes)?.into(), -1),
            humidity: Decimal::whole(cursor.u8("humidity")?.into()),
            battery: percentage(cursor.u8("battery")?),
            battery_voltage: Some(millivolts(cursor.array("battery voltage").map(u16::from_be_bytes)?)),
            counter: cursor.u8("counter")?,
            triggers: None,
        })
    }

    fn pvvx(bytes: &[u8]) -> Result<Self, FrameError> {
        let mut cursor = Cursor::new(bytes);
        let [f, e, d, c, b, a] = cursor.array("address")?;
        Ok(Self {
            layout: "pvvx",
            encrypted: false,
            address: Some([a, b, c, d, e, f]),
            temperature: hundredths(cursor.array("temperature").map(i16::from_le_bytes)?),
            humidity: hundredths(cursor.u16_le("humidity")?),
            battery_voltage: Some(millivolts(cursor.u16_le("battery voltage")?)),
            battery: percentage(cursor.u8("battery")?),
            counter: cursor.u8("counter")?,
            triggers: cursor.rest().first().copied(),
        })
    }

    fn atc1441_encrypted(bytes: &[u8], secret: Option<&Secret>) -> Result<Self, FrameError> {
        let (counter, plain) = open(bytes, secret)?;
        let mut cursor = Cursor::at(1, &plain);
        let half =
            |raw: u8, least: i64| Decimal::new(i64::from(raw).saturating_mul(5).saturating_add(least), -1);
        let (temperature, humidity) = (cursor.u8("temperature")?, cursor.u8("humidity")?);
        let battery = cursor.u8("battery")?;
        Ok(Self {
            layout: "atc1441",
            encrypted: true,
            address: None,
            temperature: half(temperature, -400),
            humidity: half(humidity, 0),
            battery: percentage(battery & 0x7F),
            battery_voltage: None,
            counter,
            // Its highest bit is bit 2 of the other layout.
            triggers: Some((battery & 0x80) >> 5),
        })
    }

    fn pvvx_encrypted(bytes: &[u8], secret: Option<&Secret>) -> Result<Self, FrameError> {
        let (counter, plain) = open(bytes, secret)?;
        let mut cursor = Cursor::at(1, &plain);
        Ok(Self {
            layout: "pvvx",
            encrypted: true,
            address: None,
            temperature: hundredths(cursor.array("temperature").map(i16::from_le_bytes)?),
            humidity: hundredths(cursor.u16_le("humidity")?),
            battery: percentage(cursor.u8("battery")?),
            battery_voltage: None,
            counter,
            triggers: Some(cursor.u8("triggers")?),
        })
    }

    /// Its fields.
    pub fn describe(&self) -> Description {
        Description::default()
            .with("layout", self.layout)
            .with("encrypted", self.encrypted)
            .with_some("address", self.address.map(|address| hex(&address)))
            .with("temperature", Ok(self.temperature))
            .with("humidity", Ok(self.humidity))
            .with("battery", self.percent())
            .with_some("battery_voltage", self.battery_voltage.map(Ok))
            .with("counter", self.counter)
            .with_bits("triggers", self.triggers.unwrap_or_default().into())
    }

    /// What it says in common words.
    pub(crate) fn statements(&self) -> Vec<Statement> {
        let measured = |metric, number, unit| (metric, Some(Said::Measured(number, unit)));
        let voltage =
            self.battery_voltage.map(|volts| measured(Metric::BATTERY_VOLTAGE, Ok(volts), Unit::Volt));
        let triggers = self.triggers.map(|bits| {
            let value = Value::Bits(bits.into());
            (Metric::THERMOMETER_TRIGGERS, Some(Said::State { value, at_first: true }))
        });
        let stated = [
            measured(Metric::ROOM_TEMPERATURE, Ok(self.temperature), Unit::Celsius),
            measured(Metric::HUMIDITY, Ok(self.humidity), Unit::Percent),
            measured(Metric::BATTERY, self.percent(), Unit::Percent),
        ];
        Statement::indexed(stated.into_iter().chain(voltage).chain(triggers).collect())
    }

    fn percent(&self) -> Result<Decimal, Absence> {
        self.battery.map(|percent| Decimal::whole(percent.into()))
    }
}

/// Counter, ciphertext, tag. The nonce: address, least significant byte first, then the head of the advertising
/// element as it is on the air: its length, its type, the service, the counter.
fn open(bytes: &[u8], secret: Option<&Secret>) -> Result<(u8, Vec<u8>), FrameError> {
    let error = |problem| FrameError { field: "encrypted data", offset: 1, problem };
    let secret = secret.ok_or_else(|| error(Problem::NoBindKey))?;
    let mut cursor = Cursor::new(bytes);
    let counter = cursor.u8("counter")?;
    let ciphertext = cursor.take(cursor.rest().len().saturating_sub(4), "encrypted data")?;
    let tag = cursor.array("tag")?;
    let length = u8::try_from(bytes.len().saturating_add(3)).unwrap_or_default();
    let [a, b, c, d, e, f] = secret.address;
    let nonce = [f, e, d, c, b, a, length, 0x16, 0x1A, 0x18, counter];
    let plain = secret.open::<U11>(nonce.into(), &[0x11], ciphertext, tag);
    Ok((counter, plain.ok_or_else(|| error(Problem::NotAuthentic))?))
}

const fn percentage(raw: u8) -> Result<u8, Absence> {
    if raw <= 100 { Ok(raw) } else { Err(Absence::Reserved) }
}

fn hundredths(raw: impl Into<i64>) -> Decimal {
    Decimal::new(raw.into(), -2)
}

fn millivolts(raw: u16) -> Decimal {
    Decimal::new(raw.into(), -3)
}

/// One thermometer.
#[derive(Debug)]
pub(crate) struct Atc {
    secret: Option<Secret>,
    layout: Option<(&'static str, bool)>,
}

impl Atc {
    pub(crate) const fn new(secret: Option<Secret>) -> Self {
        Self { secret, layout: None }
    }

    fn read(&mut self, bytes: &[u8]) -> Result<Told, FrameError> {
        let data = AtcData::decode(bytes, self.secret.as_ref())?;
        if self.secret.is_some() && !data.encrypted {
            return Err(FrameError { field: "length", offset: 0, problem: Problem::NotEncrypted });
        }
        self.layout = Some((data.layout, data.encrypted));
        Ok(Told { statements: data.statements(), ..Told::default() })
    }
}

impl Advertiser for Atc {
    fn hear(&mut self, channel: Channel, bytes: &[u8], _now: Instant) -> Option<Result<Told, FrameError>> {
        (channel == Channel::ServiceData(SERVICE)).then(|| self.read(bytes))
    }

    fn describe(&self) -> Description {
        let encrypted = self.layout.map(|(_, encrypted)| encrypted);
        Description::default()
            .with_some("layout", self.layout.map(|(layout, _)| layout))
            .with_some("encrypted", encrypted)
    }
}

#[cfg(test)]
mod tests;
