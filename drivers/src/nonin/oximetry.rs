//! What an oximeter says, whichever format it says it in.

use varde_wire::{Absence, Decimal, DeviceId, Event, Flags, LocalTime, Metric, Observation, Unit, Value};

use crate::Description;
use crate::gatt::pulse_oximeter::DeviceAndSensorStatus;

/// One measurement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Oximetry {
    /// Oxygen saturation in percent; none where the oximeter has none.
    pub spo2: Option<u8>,
    /// Pulse in beats per minute; none where the oximeter has none.
    pub pulse_rate: Option<u16>,
    /// What it says of the signal and its sensor.
    pub signal: Signal,
    /// Whether its battery is low; none where the format does not tell.
    pub battery_is_low: Option<bool>,
    /// What only a spot-check has.
    pub spot: Option<Spot>,
    /// Whatever else is in the packet, by name.
    pub further: Vec<(&'static str, Option<u16>)>,
}

/// What the status bits say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a bit of Nonin's status bytes")]
pub struct Signal {
    /// SNSD: the sensor is not connected, or does not work.
    pub sensor_disconnected: bool,
    /// SNSA: what the sensor gives cannot be used.
    pub sensor_alarm: bool,
    /// OOT: no good pulses follow each other.
    pub out_of_track: bool,
    /// ARTF: a beat did not fit those before it.
    pub artifact: bool,
    /// Red: a pulse signal that is low or missing.
    pub low_perfusion: bool,
    /// Yellow: a pulse signal that just does.
    pub marginal_perfusion: bool,
    /// SPA: the oximeter holds the measurement to be a good one; none where the format does not tell.
    pub is_good: Option<bool>,
}

/// What only a spot-check has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spot {
    /// The oximeter's clock.
    pub time: Option<LocalTime>,
    /// Whether it comes from the oximeter's memory.
    pub is_stored: bool,
    /// The oximeter's serial number, where it is sent.
    pub serial_number: Option<String>,
}

impl Signal {
    /// Whether numbers beside it are to be believed.
    pub const fn bears_numbers(self) -> bool {
        !(self.sensor_disconnected || self.sensor_alarm || self.out_of_track || self.artifact)
    }

    /// The same in the bits that Bluetooth's oximeters use (PLXS 1.0.1 §3.2.6), so that the receiver needs one table.
    fn status(self) -> DeviceAndSensorStatus {
        let bits = [
            (self.out_of_track, 3),
            (self.marginal_perfusion, 4),
            (self.low_perfusion, 5),
            (self.artifact, 8),
            (self.sensor_alarm, 14),
            (self.sensor_disconnected, 15),
        ];
        let set = bits.into_iter().filter(|(is_set, _)| *is_set);
        DeviceAndSensorStatus(set.fold(0, |status, (_, bit)| status | 1 << bit))
    }
}

impl Oximetry {
    /// Saturation in percent, if it is to be believed.
    pub fn believed_spo2(&self) -> Option<u8> {
        self.spo2.filter(|_| self.signal.bears_numbers())
    }

    /// Pulse in beats per minute, if it is to be believed.
    pub fn believed_pulse_rate(&self) -> Option<u16> {
        self.pulse_rate.filter(|_| self.signal.bears_numbers())
    }

    /// Its fields.
    pub fn describe(&self) -> Description {
        let number = |number: Option<u16>| {
            number.map(|number| Decimal::whole(number.into())).ok_or(Absence::NotANumber)
        };
        let Signal { sensor_disconnected, sensor_alarm, out_of_track, artifact, .. } = self.signal;
        let spot = self.spot.as_ref();
        let described = Description::default()
            .with("spo2", number(self.spo2.map(u16::from)))
            .with("pulse_rate", number(self.pulse_rate))
            .with("sensor_disconnected", sensor_disconnected)
            .with("sensor_alarm", sensor_alarm)
            .with("out_of_track", out_of_track)
            .with("artifact", artifact)
            .with("low_perfusion", self.signal.low_perfusion)
            .with("marginal_perfusion", self.signal.marginal_perfusion)
            .with_some("smart_point", self.signal.is_good)
            .with_some("battery_is_low", self.battery_is_low)
            .with_some("time", spot.and_then(|spot| spot.time).map(|time| time.to_string()))
            .with_some("from_memory", spot.map(|spot| spot.is_stored))
            .with_some("serial_number", spot.and_then(|spot| spot.serial_number.clone()));
        self.further.iter().fold(described, |described, (name, value)| described.with(name, number(*value)))
    }

    /// The measurement in common words.
    pub fn observations(&self, device: &DeviceId) -> Vec<Observation> {
        let value = |number: Option<i64>| {
            number.map_or(Value::Absent(Absence::NotANumber), |n| Value::Decimal(Decimal::whole(n)))
        };
        let spo2_metric = if self.spot.is_some() { Metric::SPO2_SPOT } else { Metric::SPO2 };
        let status = self.signal.status();
        let status = (status.0 != 0).then_some((Metric::OXIMETER_STATUS, Value::Bits(status.0), None));
        let flags = self.flags();
        [
            (spo2_metric, value(self.believed_spo2().map(i64::from)), Some(Unit::Percent)),
            (
                Metric::PULSE_RATE_OXIMETER,
                value(self.believed_pulse_rate().map(i64::from)),
                Some(Unit::PerMinute),
            ),
        ]
        .into_iter()
        .chain(status)
        .map(|(metric, value, unit)| Observation {
            unit,
            flags,
            device_time: self.spot.as_ref().and_then(|spot| spot.time),
            ..Observation::new(device.clone(), metric, value)
        })
        .collect()
    }

    /// What the battery's bit says, where there is one.
    pub fn battery(&self, device: &DeviceId) -> Option<Observation> {
        let event = if self.battery_is_low? { Event::BatteryLow } else { Event::BatteryRestored };
        Some(Observation::new(device.clone(), Metric::BATTERY_STATE, Value::Event(event)))
    }

    fn flags(&self) -> Flags {
        let doubted = self.signal.status().is_questionable() || self.signal.is_good == Some(false);
        let stored = self.spot.as_ref().is_some_and(|spot| spot.is_stored);
        [(doubted, Flags::QUESTIONABLE), (stored, Flags::STORED)]
            .into_iter()
            .filter(|(is_set, _)| *is_set)
            .fold(Flags::NONE, |flags, (_, flag)| flags.with(flag))
    }
}
