//! Bluetooth GATT: characteristics that are decoded, one file a service, and the meters that have them.

pub mod battery;
pub mod blood_pressure;
mod cuff;
pub mod current_time;
pub mod date_time;
pub mod device_information;
pub mod glucose;
mod glucose_meter;
mod meter;
mod oximeter;
pub mod pulse_oximeter;
pub mod record_access;

pub(crate) use cuff::Cuff;
pub(crate) use glucose_meter::GlucoseMeter;
pub(crate) use meter::MeterSession;
pub(crate) use oximeter::Oximeter;
