//! Bytes to what a device says: one file a device or profile.
//!
//! A [`Session`] is the driver of one link: the daemon gives it what the link brings and performs what it asks.
//! It decodes bytes into measurements, the device's own words, and those into
//! [`Observation`](varde_wire::Observation)s, the common ones; what it cannot decode it refuses with a
//! [`FrameError`]. [`decode_gatt`], [`decode_advert`] and [`decode_esp3`] do the same for bytes that a technician holds in hand.
//!
//! | in the configuration | driver | what is heard |
//! |---|---|---|
//! | BLE profile `blood-pressure` | [`gatt::blood_pressure`], with [`gatt::battery`] and [`gatt::device_information`] | cuffs: Blood Pressure Service 1.1.1 |
//! | BLE profile `bthome` | [`advert::bthome`] | sensors, contacts and buttons that speak BTHome, such as Shelly's |
//! | BLE profile `ruuvi` | [`advert::ruuvi`] | Ruuvi's sensors |
//! | BLE profile `atc` | [`advert::atc`] | thermometers with the firmware of atc1441 or pvvx |
//! | BLE profile `health-thermometer` | [`gatt::health_thermometer`] | thermometers: Health Thermometer Service 1.0 |
//! | BLE profile `heart-rate` | [`gatt::heart_rate`] | belts: Heart Rate Service 1.0 |
//! | BLE profile `weight-scale` | [`gatt::weight_scale`], with [`gatt::user_data`] | scales: Weight Scale Service 1.0 |
//! | BLE profile `body-composition` | [`gatt::body_composition`], with [`gatt::weight_scale`] and [`gatt::user_data`] | scales that tell more than the weight: Body Composition Service 1.0 |
//! | BLE profile `continuous-glucose` | [`gatt::cgm`], with [`gatt::e2e_crc`], [`gatt::record_access`], [`gatt::battery`] and [`gatt::device_information`] | glucose sensors under the skin: Continuous Glucose Monitoring Service 1.0.2 |
//! | BLE profile `generic-health-sensor` | [`gatt::health_sensor`] and [`gatt::acom`], with [`gatt::elapsed_time`], [`gatt::reconnection`], [`gatt::battery`] and [`gatt::device_information`] | anything that says by itself what it measures: Generic Health Sensor Service 1.0 |
//! | BLE profile `glucose` | [`gatt::glucose`], with [`gatt::record_access`] | blood glucose meters: Glucose Service 1.0.1 |
//! | BLE profile `pulse-oximeter` | [`gatt::pulse_oximeter`], with [`gatt::record_access`] | pulse oximeters, spot-check and continuous: Pulse Oximeter Service 1.0.1 |
//! | serial protocol `esp3`, profile `F6-02-xx`, `F6-03-xx` | [`esp3`] | EnOcean rockers: alarm pendants and switches |
//! | serial protocol `esp3`, profile `F6-04-01`, `F6-10-00` | [`esp3`] | EnOcean key card switches, window handles |
//! | serial protocol `esp3`, profile `F6-05-00` to `F6-05-02` | [`esp3`] | EnOcean detectors of wind, water, smoke |
//! | serial protocol `esp3`, profile `D5-00-01` | [`esp3`] | EnOcean contacts on doors and windows |
//! | serial protocol `esp3`, profile `A5-02-xx`, `A5-04-xx`, `A5-06-xx` | [`esp3`] | EnOcean sensors of temperature, humidity, light |
//! | serial protocol `esp3`, profile `A5-07-xx`, `A5-08-01`, `D2-15-00` | [`esp3`] | EnOcean sensors of motion |
//! | serial protocol `esp3`, profile `A5-10-xx` | [`esp3`] | EnOcean room panels |
//! | serial protocol `esp3`, profile `A5-12-01`, `A5-20-xx`, `A5-30-03`, `A5-38-08`, `D2-01-xx` | [`esp3`] | EnOcean meters, valves, input modules, central commands, plugs |
//! | serial protocol `esp3`, profile `D2-03-0A` | [`esp3`] | EnOcean buttons with a battery: pendants and switches |
//! | serial protocol `esp3`, profile `D2-14-40`, `D2-14-41` | [`esp3`] | EnOcean multi-sensors |
//! | serial protocol `nonin`, profiles `data-format-2`, `-7`, `-8`, `-13` | [`nonin`] | Nonin's pulse oximeters |
//! | serial protocol `ld2410` | [`ld2410`] | Hi-Link's LD2410 presence radars |
//! | serial protocol `lines` | [`lines`] and [`meaning`] | anything that prints lines of text: scales, meters, boxes |
//! | serial protocol `modbus` | [`modbus`] and [`meaning`] | Modbus RTU units: mains monitors, battery supplies, room sensors |
//! | serial protocol `device-link` | [`device_link`] | dispensers, panels and alarms that speak the open device link |
//!
//! To add a device: its file, beside it the vectors of its specification, a line here, a row in
//! [`BleProfile`] or in a family of [`esp3::Eep`], a fuzz target.
//!
//! The crate is pure: it reads no clock, no file, no random source, and it never logs. Decoders take any bytes:
//! they never panic and never allocate by a length that the bytes claim.

#![cfg_attr(test, allow(clippy::arithmetic_side_effects, reason = "a test that overflows fails"))]

pub mod advert;
mod cadence;
mod cursor;
mod decode;
mod describe;
pub mod device_link;
mod error;
pub mod esp3;
pub mod float;
pub mod gatt;
mod home_time;
pub mod ld2410;
mod line_parameters;
pub mod lines;
pub mod meaning;
pub mod modbus;
mod news;
pub mod nonin;
mod profile;
mod protocol;
mod purpose;
mod reading;
mod scan;
mod session;
mod statement;
mod uuid;

pub use decode::{
    Decoded, decode_advert, decode_device_link, decode_esp3, decode_gatt, decode_ld2410, decode_modbus,
    decode_nonin,
};
pub use describe::{Description, Field, FieldValue};
pub use error::{FrameError, Problem};
pub use gatt::user_data::{Consent, ConsentCode};
pub use home_time::{ClockChange, HomeTime};
pub use line_parameters::{BadLineParameters, DataBits, LineParameters, Parity, StopBits};
pub use profile::{BleOptions, BleProfile};
pub use protocol::{
    Crowded, Esp3Options, SerialDevice, SerialEntry, SerialOptions, SerialProtocol, SerialRoster,
};
pub use purpose::Purpose;
pub use reading::Reading;
pub use session::{Channel, Input, Order, OrderRefused, Output, Refused, Request, Session};
pub use uuid::Uuid;
