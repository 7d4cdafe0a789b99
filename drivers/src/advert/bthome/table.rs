//! The format's table: number, name, length, factor and unit of each object.

use varde_wire::{Event, Metric, Unit};

/// The object that numbers the advertisements.
pub(super) const PACKET_ID: u8 = 0x00;

/// An object of the table.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) id: u8,
    pub(super) name: &'static str,
    pub(super) shape: Shape,
}

/// How its value is sent, and what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// `times` × 10^`exponent`.
    Number {
        length: usize,
        signed: bool,
        times: i64,
        exponent: i8,
        metric: Metric,
        unit: Unit,
    },
    /// A whole number about the device.
    About {
        length: usize,
    },
    /// A version, a byte a part, the last first.
    Firmware {
        length: usize,
    },
    /// One byte, 0 or 1.
    Bit(Metric),
    /// One byte: what happens when it becomes 1, and what when it becomes 0.
    Events(Metric, Event, Event),
    Button,
    Dimmer,
    Command,
    Text,
    Raw,
}

impl Row {
    /// The object of this number.
    pub(super) fn of(id: u8) -> Option<&'static Self> {
        TABLE.iter().find(|row| row.id == id)
    }
}

const fn row(id: u8, name: &'static str, shape: Shape) -> Row {
    Row { id, name, shape }
}

const fn unsigned(length: usize, exponent: i8, metric: Metric, unit: Unit) -> Shape {
    Shape::Number { length, signed: false, times: 1, exponent, metric, unit }
}

const fn signed(length: usize, exponent: i8, metric: Metric, unit: Unit) -> Shape {
    Shape::Number { length, signed: true, times: 1, exponent, metric, unit }
}

/// By number.
const TABLE: &[Row] = &[
    row(PACKET_ID, "packet_id", Shape::About { length: 1 }),
    row(0x01, "battery", unsigned(1, 0, Metric::BATTERY, Unit::Percent)),
    row(0x02, "temperature", signed(2, -2, Metric::ROOM_TEMPERATURE, Unit::Celsius)),
    row(0x03, "humidity", unsigned(2, -2, Metric::HUMIDITY, Unit::Percent)),
    row(0x04, "pressure", unsigned(3, -2, Metric::AIR_PRESSURE, Unit::Hectopascal)),
    row(0x05, "illuminance", unsigned(3, -2, Metric::ILLUMINANCE, Unit::Lux)),
    row(0x06, "mass", unsigned(2, -2, Metric::MASS, Unit::Kilogram)),
    row(0x07, "mass_lb", unsigned(2, -2, Metric::MASS, Unit::Pound)),
    row(0x08, "dewpoint", signed(2, -2, Metric::DEW_POINT, Unit::Celsius)),
    row(0x09, "count", unsigned(1, 0, Metric::COUNT, Unit::One)),
    row(0x0A, "energy", unsigned(3, -3, Metric::ENERGY, Unit::KilowattHour)),
    row(0x0B, "power", unsigned(3, -2, Metric::POWER, Unit::Watt)),
    row(0x0C, "voltage", unsigned(2, -3, Metric::VOLTAGE, Unit::Volt)),
    row(0x0D, "pm2_5", unsigned(2, 0, Metric::PARTICLES_2_5, Unit::MicrogramPerCubicMetre)),
    row(0x0E, "pm10", unsigned(2, 0, Metric::PARTICLES_10, Unit::MicrogramPerCubicMetre)),
    row(0x0F, "generic_boolean", Shape::Bit(Metric::GENERIC_STATE)),
    row(0x10, "power_on", Shape::Events(Metric::MAINS, Event::MainsRestored, Event::MainsLost)),
    row(0x11, "opening", Shape::Events(Metric::CONTACT, Event::DoorOpened, Event::DoorClosed)),
    row(0x12, "co2", unsigned(2, 0, Metric::CARBON_DIOXIDE, Unit::PartsPerMillion)),
    row(0x13, "tvoc", unsigned(2, 0, Metric::VOLATILE_ORGANIC_COMPOUNDS, Unit::MicrogramPerCubicMetre)),
    row(0x14, "moisture", unsigned(2, -2, Metric::MOISTURE, Unit::Percent)),
    row(0x15, "battery_low", Shape::Events(Metric::BATTERY_STATE, Event::BatteryLow, Event::BatteryRestored)),
    row(0x16, "battery_charging", Shape::Bit(Metric::BATTERY_CHARGING)),
    row(0x17, "carbon_monoxide", Shape::Events(Metric::CARBON_MONOXIDE, Event::Gas, Event::GasCleared)),
    row(0x18, "cold", Shape::Bit(Metric::COLD)),
    row(0x19, "connectivity", Shape::Bit(Metric::CONNECTED)),
    row(0x1A, "door", Shape::Events(Metric::CONTACT, Event::DoorOpened, Event::DoorClosed)),
    row(0x1B, "garage_door", Shape::Events(Metric::CONTACT, Event::DoorOpened, Event::DoorClosed)),
    row(0x1C, "gas_detected", Shape::Events(Metric::GAS, Event::Gas, Event::GasCleared)),
    row(0x1D, "heat", Shape::Bit(Metric::HEAT)),
    row(0x1E, "light", Shape::Bit(Metric::LIGHT)),
    row(0x1F, "lock", Shape::Bit(Metric::LOCK)),
    row(0x20, "moisture_detected", Shape::Events(Metric::WATER, Event::Water, Event::WaterCleared)),
    row(0x21, "motion", Shape::Events(Metric::MOTION, Event::Motion, Event::MotionCleared)),
    row(0x22, "moving", Shape::Events(Metric::MOVING, Event::Motion, Event::MotionCleared)),
    row(0x23, "occupancy", Shape::Events(Metric::OCCUPANCY, Event::EnteredRoom, Event::LeftRoom)),
    row(0x24, "plug", Shape::Events(Metric::MAINS, Event::MainsRestored, Event::MainsLost)),
    row(0x25, "presence", Shape::Events(Metric::PRESENCE, Event::EnteredRoom, Event::LeftRoom)),
    row(
        0x26,
        "problem",
        Shape::Events(Metric::DEVICE_PROBLEM, Event::DeviceFault, Event::DeviceFaultCleared),
    ),
    row(0x27, "running", Shape::Bit(Metric::RUNNING)),
    row(0x28, "safety", Shape::Bit(Metric::SAFE)),
    row(0x29, "smoke", Shape::Events(Metric::SMOKE, Event::Smoke, Event::SmokeCleared)),
    row(0x2A, "sound", Shape::Bit(Metric::SOUND)),
    row(0x2B, "tamper", Shape::Events(Metric::TAMPER, Event::Tamper, Event::TamperCleared)),
    row(0x2C, "vibration", Shape::Bit(Metric::VIBRATION)),
    row(0x2D, "window", Shape::Events(Metric::CONTACT, Event::DoorOpened, Event::DoorClosed)),
    row(0x2E, "humidity", unsigned(1, 0, Metric::HUMIDITY, Unit::Percent)),
    row(0x2F, "moisture", unsigned(1, 0, Metric::MOISTURE, Unit::Percent)),
    row(0x3A, "button", Shape::Button),
    row(0x3B, "command", Shape::Command),
    row(0x3C, "dimmer", Shape::Dimmer),
    row(0x3D, "count", unsigned(2, 0, Metric::COUNT, Unit::One)),
    row(0x3E, "count", unsigned(4, 0, Metric::COUNT, Unit::One)),
    row(0x3F, "rotation", signed(2, -1, Metric::ROTATION, Unit::Degree)),
    row(0x40, "distance_mm", unsigned(2, 0, Metric::DISTANCE, Unit::Millimetre)),
    row(0x41, "distance", unsigned(2, -1, Metric::DISTANCE, Unit::Metre)),
    row(0x42, "duration", unsigned(3, -3, Metric::DURATION, Unit::Second)),
    row(0x43, "current", unsigned(2, -3, Metric::CURRENT, Unit::Ampere)),
    row(0x44, "speed", unsigned(2, -2, Metric::SPEED, Unit::MetrePerSecond)),
    row(0x45, "temperature", signed(2, -1, Metric::ROOM_TEMPERATURE, Unit::Celsius)),
    row(0x46, "uv_index", unsigned(1, -1, Metric::UV_INDEX, Unit::One)),
    row(0x47, "volume", unsigned(2, -1, Metric::VOLUME, Unit::Litre)),
    row(0x48, "volume_ml", unsigned(2, 0, Metric::VOLUME, Unit::Millilitre)),
    row(0x49, "volume_flow_rate", unsigned(2, -3, Metric::VOLUME_FLOW, Unit::CubicMetrePerHour)),
    row(0x4A, "voltage", unsigned(2, -1, Metric::VOLTAGE, Unit::Volt)),
    row(0x4B, "gas", unsigned(3, -3, Metric::GAS_VOLUME, Unit::CubicMetre)),
    row(0x4C, "gas", unsigned(4, -3, Metric::GAS_VOLUME, Unit::CubicMetre)),
    row(0x4D, "energy", unsigned(4, -3, Metric::ENERGY, Unit::KilowattHour)),
    row(0x4E, "volume", unsigned(4, -3, Metric::VOLUME, Unit::Litre)),
    row(0x4F, "water", unsigned(4, -3, Metric::WATER_VOLUME, Unit::Litre)),
    row(0x50, "timestamp", unsigned(4, 0, Metric::DEVICE_TIME, Unit::Second)),
    row(0x51, "acceleration", unsigned(2, -3, Metric::ACCELERATION, Unit::MetrePerSquareSecond)),
    row(0x52, "gyroscope", unsigned(2, -3, Metric::ANGULAR_SPEED, Unit::DegreePerSecond)),
    row(0x53, "text", Shape::Text),
    row(0x54, "raw", Shape::Raw),
    row(0x55, "volume_storage", unsigned(4, -3, Metric::VOLUME_STORED, Unit::Litre)),
    row(0x56, "conductivity", unsigned(2, 0, Metric::CONDUCTIVITY, Unit::MicrosiemensPerCentimetre)),
    row(0x57, "temperature", signed(1, 0, Metric::ROOM_TEMPERATURE, Unit::Celsius)),
    row(
        0x58,
        "temperature",
        Shape::Number {
            length: 1,
            signed: true,
            times: 35,
            exponent: -2,
            metric: Metric::ROOM_TEMPERATURE,
            unit: Unit::Celsius,
        },
    ),
    row(0x59, "count", signed(1, 0, Metric::COUNT, Unit::One)),
    row(0x5A, "count", signed(2, 0, Metric::COUNT, Unit::One)),
    row(0x5B, "count", signed(4, 0, Metric::COUNT, Unit::One)),
    row(0x5C, "power", signed(4, -2, Metric::POWER, Unit::Watt)),
    row(0x5D, "current", signed(2, -3, Metric::CURRENT, Unit::Ampere)),
    row(0x5E, "direction", unsigned(2, -2, Metric::DIRECTION, Unit::Degree)),
    row(0x5F, "precipitation", unsigned(2, -1, Metric::PRECIPITATION, Unit::Millimetre)),
    row(0x60, "channel", unsigned(1, 0, Metric::CHANNEL, Unit::One)),
    row(0x61, "rotational_speed", unsigned(2, 0, Metric::ROTATIONAL_SPEED, Unit::PerMinute)),
    row(0x62, "speed", signed(4, -6, Metric::SPEED, Unit::MetrePerSecond)),
    row(0x63, "acceleration", signed(4, -6, Metric::ACCELERATION, Unit::MetrePerSquareSecond)),
    row(0x64, "light_level", unsigned(1, 0, Metric::LIGHT_LEVEL, Unit::One)),
    row(0x65, "settings_revision", Shape::About { length: 1 }),
    row(0xF0, "device_type_id", Shape::About { length: 2 }),
    row(0xF1, "firmware_version", Shape::Firmware { length: 4 }),
    row(0xF2, "firmware_version", Shape::Firmware { length: 3 }),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_object_stands_once_and_in_order() {
        assert!(TABLE.windows(2).all(|pair| pair[0].id < pair[1].id));
    }
}
