//! Bluetooth GATT: characteristics that are decoded, one file a service, and the meters that have them.

pub mod acom;
pub mod battery;
pub mod blood_pressure;
mod cuff;
pub mod current_time;
pub mod date_time;
pub mod device_information;
mod elapsed_clock;
pub mod elapsed_time;
mod generic_health_sensor;
pub mod glucose;
mod glucose_meter;
pub mod health_sensor;
mod meter;
mod oximeter;
pub mod pulse_oximeter;
pub mod reconnection;
pub mod record_access;
mod segments;

pub(crate) use cuff::Cuff;
pub(crate) use generic_health_sensor::GenericHealthSensor;
pub(crate) use glucose_meter::GlucoseMeter;
pub(crate) use meter::MeterSession;
pub(crate) use oximeter::Oximeter;
