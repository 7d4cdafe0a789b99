//! Ruuvi's sensors: data formats 3, 5, 6 and E1 (docs.ruuvi.com, "Bluetooth advertisements") in the manufacturer data
//! of company 0x0499.
//!
//! All numbers are big-endian. From format 5 on the largest unsigned number, or the smallest signed one, says "not
//! available". A measurement keeps its sequence number as long as it is sent; as its repeats say the same, they fall
//! away without it.

mod device;
mod luminosity;

use varde_wire::{Absence, Decimal, Flags, Metric, Unit};

use crate::cursor::Cursor;
use crate::statement::{Said, Statement};
use crate::{Description, FieldValue, FrameError, Problem};

pub(crate) use device::Ruuvi;

/// Ruuvi Innovations Ltd., by the number that Bluetooth SIG gave it.
pub const COMPANY: u16 = 0x0499;

/// The number of the format that needs Bluetooth 5.
const EXTENDED: u8 = 0xE1;

/// The data of an advertisement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuuviData {
    /// The data format: 3, 5, 6 or 0xE1.
    pub format: u8,
    /// What was measured, in the order sent.
    pub quantities: Vec<Quantity>,
    /// The number of the measurement.
    pub sequence: Option<u32>,
    /// Whether the sensors still calibrate themselves; formats 6 and E1 say so.
    pub calibrating: bool,
    /// Reserved bits of the flags that are set.
    pub reserved_flags: u8,
    /// The device's address, most significant byte first; format 6 has its last three bytes. Empty where the format
    /// has none, or it is not available.
    pub address: Vec<u8>,
    /// Bytes after the last field.
    pub rest: Vec<u8>,
}

/// One number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quantity {
    /// Its name in the format.
    pub name: &'static str,
    /// The number with its precision, or why there is none.
    pub value: Result<Decimal, Absence>,
    /// What it is a number of.
    pub metric: Metric,
    /// Its unit.
    pub unit: Unit,
}

impl RuuviData {
    /// The data after the company's number.
    ///
    /// # Errors
    /// Where it is of an unknown format, or ends within a field.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        let mut fields = Fields { cursor: Cursor::new(bytes), quantities: Vec::new() };
        let format = fields.cursor.u8("data format")?;
        let tail = match format {
            3 => fields.format_3(),
            5 => fields.format_5(),
            6 => fields.format_6(),
            EXTENDED => fields.format_e1(),
            got => {
                let problem = Problem::UnknownFormat { got, known: "0x03, 0x05, 0x06, 0xe1" };
                Err(FrameError { field: "data format", offset: 0, problem })
            }
        }?;
        let Fields { cursor, quantities } = fields;
        let Tail { sequence, flags, address } = tail;
        Ok(Self {
            format,
            quantities,
            sequence,
            calibrating: flags & CALIBRATING != 0,
            reserved_flags: flags & RESERVED,
            address: if address.iter().all(|byte| *byte == 0xFF) { Vec::new() } else { address },
            rest: cursor.rest().to_vec(),
        })
    }

    /// Its fields.
    pub fn describe(&self) -> Description {
        let head = Description::default().with("data_format", self.format);
        let quantities = self
            .quantities
            .iter()
            .fold(head, |description, quantity| description.with(quantity.name, quantity.value));
        let sequence = self.sequence.map(|number| FieldValue::Number(Decimal::whole(number.into())));
        quantities
            .with_some("measurement_sequence", sequence)
            .with("calibrating", self.calibrating)
            .with_bits("reserved_flags", self.reserved_flags.into())
            .with_bytes("address", &self.address)
            .with_bytes("rest", &self.rest)
    }

    /// What it says in common words.
    pub(crate) fn statements(&self) -> Vec<Statement> {
        let said =
            |quantity: &Quantity| (quantity.metric, Some(Said::Measured(quantity.value, quantity.unit)));
        Statement::indexed(self.quantities.iter().map(said).collect())
    }

    /// What is to be known before it is believed.
    pub(crate) const fn flags(&self) -> Flags {
        if self.calibrating { Flags::QUESTIONABLE } else { Flags::NONE }
    }
}

/// Bit 0 of the flags.
const CALIBRATING: u8 = 1;
/// Bits 6 and 7 are the lowest of the VOC and NOX indices.
const RESERVED: u8 = 0b0011_1110;

/// What comes after the numbers.
struct Tail {
    sequence: Option<u32>,
    flags: u8,
    address: Vec<u8>,
}

/// The fields of a format, one after another.
struct Fields<'a> {
    cursor: Cursor<'a>,
    quantities: Vec<Quantity>,
}

impl Fields<'_> {
    /// Format 3 has no "not available".
    fn format_3(&mut self) -> Result<Tail, FrameError> {
        let humidity = self.cursor.u8("humidity")?;
        let [sign_and_whole, hundredths] = self.cursor.array("temperature")?;
        let [pressure] = self.u16s(["pressure"])?;
        let magnitude =
            i64::from(sign_and_whole & 0x7F).saturating_mul(100).saturating_add(hundredths.into());
        let hundredths_of_degree =
            if sign_and_whole & 0x80 == 0 { magnitude } else { magnitude.saturating_neg() };
        let temperature = if hundredths < 100 {
            Ok(Decimal::new(hundredths_of_degree, -2))
        } else {
            Err(Absence::Reserved)
        };
        self.push("temperature", temperature, Metric::ROOM_TEMPERATURE, Unit::Celsius);
        self.push("humidity", Ok(scaled(humidity.into(), 5, -1)), Metric::HUMIDITY, Unit::Percent);
        self.push("pressure", Ok(pascals(pressure)), Metric::AIR_PRESSURE, Unit::Pascal);
        for (name, metric) in ACCELERATION {
            let raw = self.cursor.array(name).map(i16::from_be_bytes)?;
            self.push(name, Ok(Decimal::new(raw.into(), -3)), metric, Unit::StandardGravity);
        }
        let [battery] = self.u16s(["battery voltage"])?;
        let battery = Ok(Decimal::new(battery.into(), -3));
        self.push("battery_voltage", battery, Metric::BATTERY_VOLTAGE, Unit::Volt);
        Ok(Tail { sequence: None, flags: 0, address: Vec::new() })
    }

    fn format_5(&mut self) -> Result<Tail, FrameError> {
        self.climate()?;
        for (name, metric) in ACCELERATION {
            let raw = self.cursor.array(name).map(i16::from_be_bytes)?;
            let value = available(raw, i16::MIN).map(|raw| Decimal::new(raw.into(), -3));
            self.push(name, value, metric, Unit::StandardGravity);
        }
        // Eleven bits of millivolts above 1600, five of steps of 2 dBm above -40.
        let [power] = self.u16s(["power"])?;
        let battery =
            available(power >> 5, 0x7FF).map(|above| Decimal::new(i64::from(above).saturating_add(1600), -3));
        self.push("battery_voltage", battery, Metric::BATTERY_VOLTAGE, Unit::Volt);
        let tx_power = available(power & 0x1F, 0x1F)
            .map(|steps| Decimal::whole(i64::from(steps).saturating_mul(2).saturating_sub(40)));
        self.push("tx_power", tx_power, Metric::TX_POWER, Unit::DecibelMilliwatt);
        let movements = self.cursor.u8("movement counter")?;
        let movements = available(movements, u8::MAX).map(|count| Decimal::whole(count.into()));
        self.push("movement_counter", movements, Metric::MOVEMENTS, Unit::One);
        let [sequence] = self.u16s(["measurement sequence"])?;
        let sequence = available(sequence, u16::MAX).ok().map(u32::from);
        Ok(Tail { sequence, flags: 0, address: self.cursor.take(6, "address")?.to_vec() })
    }

    fn format_6(&mut self) -> Result<Tail, FrameError> {
        self.climate()?;
        self.particles("pm2_5", Metric::PARTICLES_2_5)?;
        self.carbon_dioxide()?;
        let indices = self.cursor.array("VOC and NOX index")?;
        let code = self.cursor.u8("luminosity")?;
        self.cursor.u8("reserved")?;
        let sequence = self.cursor.u8("measurement sequence")?;
        let flags = self.cursor.u8("flags")?;
        self.indices(indices, flags);
        let luminosity = available(code, u8::MAX).map(luminosity::of_code);
        self.push("luminosity", luminosity, Metric::ILLUMINANCE, Unit::Lux);
        let address = self.cursor.take(3, "address")?.to_vec();
        Ok(Tail { sequence: Some(sequence.into()), flags, address })
    }

    fn format_e1(&mut self) -> Result<Tail, FrameError> {
        const NOT_AVAILABLE: u32 = 0xFF_FFFF;
        self.climate()?;
        self.particles("pm1", Metric::PARTICLES_1)?;
        self.particles("pm2_5", Metric::PARTICLES_2_5)?;
        self.particles("pm4", Metric::PARTICLES_4)?;
        self.particles("pm10", Metric::PARTICLES_10)?;
        self.carbon_dioxide()?;
        let indices = self.cursor.array("VOC and NOX index")?;
        let luminosity = self.u24("luminosity")?;
        self.cursor.take(3, "reserved")?;
        let sequence = self.u24("measurement sequence")?;
        let flags = self.cursor.u8("flags")?;
        self.indices(indices, flags);
        let luminosity = available(luminosity, NOT_AVAILABLE).map(|raw| Decimal::new(raw.into(), -2));
        self.push("luminosity", luminosity, Metric::ILLUMINANCE, Unit::Lux);
        self.cursor.take(5, "reserved")?;
        let sequence = available(sequence, NOT_AVAILABLE).ok();
        Ok(Tail { sequence, flags, address: self.cursor.take(6, "address")?.to_vec() })
    }

    /// What formats 5, 6 and E1 begin with.
    fn climate(&mut self) -> Result<(), FrameError> {
        let temperature = self.cursor.array("temperature").map(i16::from_be_bytes)?;
        let [humidity, pressure] = self.u16s(["humidity", "pressure"])?;
        let temperature = available(temperature, i16::MIN).map(|raw| scaled(raw.into(), 5, -3));
        let humidity = available(humidity, u16::MAX).map(|raw| scaled(raw.into(), 25, -4));
        let pressure = available(pressure, u16::MAX).map(pascals);
        self.push("temperature", temperature, Metric::ROOM_TEMPERATURE, Unit::Celsius);
        self.push("humidity", humidity, Metric::HUMIDITY, Unit::Percent);
        self.push("pressure", pressure, Metric::AIR_PRESSURE, Unit::Pascal);
        Ok(())
    }

    fn particles(&mut self, name: &'static str, metric: Metric) -> Result<(), FrameError> {
        let [raw] = self.u16s([name])?;
        let value = available(raw, u16::MAX).map(|raw| Decimal::new(raw.into(), -1));
        self.push(name, value, metric, Unit::MicrogramPerCubicMetre);
        Ok(())
    }

    fn carbon_dioxide(&mut self) -> Result<(), FrameError> {
        let [raw] = self.u16s(["co2"])?;
        let value = available(raw, u16::MAX).map(|raw| Decimal::whole(raw.into()));
        self.push("co2", value, Metric::CARBON_DIOXIDE, Unit::PartsPerMillion);
        Ok(())
    }

    /// Two numbers of nine bits; the lowest of each is in the flags.
    fn indices(&mut self, [voc, nox]: [u8; 2], flags: u8) {
        let index = |high: u8, low: u8| {
            available(u16::from(high) << 1 | u16::from(low & 1), 0x1FF).map(|raw| Decimal::whole(raw.into()))
        };
        self.push("voc_index", index(voc, flags >> 6), Metric::VOC_INDEX, Unit::One);
        self.push("nox_index", index(nox, flags >> 7), Metric::NOX_INDEX, Unit::One);
    }

    fn push(&mut self, name: &'static str, value: Result<Decimal, Absence>, metric: Metric, unit: Unit) {
        self.quantities.push(Quantity { name, value, metric, unit });
    }

    fn u16s<const N: usize>(&mut self, names: [&'static str; N]) -> Result<[u16; N], FrameError> {
        let mut numbers = [0; N];
        for (number, name) in numbers.iter_mut().zip(names) {
            *number = self.cursor.array(name).map(u16::from_be_bytes)?;
        }
        Ok(numbers)
    }

    fn u24(&mut self, name: &'static str) -> Result<u32, FrameError> {
        self.cursor.array(name).map(|[a, b, c]| u32::from_be_bytes([0, a, b, c]))
    }
}

const ACCELERATION: [(&str, Metric); 3] = [
    ("acceleration_x", Metric::ACCELERATION_X),
    ("acceleration_y", Metric::ACCELERATION_Y),
    ("acceleration_z", Metric::ACCELERATION_Z),
];

/// The number, unless it is the one that says that there is none.
fn available<T: PartialEq>(raw: T, not_available: T) -> Result<T, Absence> {
    if raw == not_available { Err(Absence::NotANumber) } else { Ok(raw) }
}

fn scaled(raw: i64, times: i64, exponent: i8) -> Decimal {
    Decimal::new(raw.saturating_mul(times), exponent)
}

/// Pressure is sent as what it is above 50 000 Pa.
fn pascals(raw: u16) -> Decimal {
    Decimal::whole(i64::from(raw).saturating_add(50_000))
}

#[cfg(test)]
mod tests;
