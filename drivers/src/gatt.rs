//! Bluetooth GATT: characteristics that are decoded, one file a service, and the meters that have them.

pub mod battery;
pub mod blood_pressure;
pub mod cgm;
mod cuff;
pub mod current_time;
pub mod date_time;
pub mod device_information;
pub mod e2e_crc;
pub mod glucose;
mod glucose_meter;
mod meter;
pub mod record_access;

pub(crate) use cgm::CgmSensor;
pub(crate) use cuff::Cuff;
pub(crate) use glucose_meter::GlucoseMeter;
pub(crate) use meter::MeterSession;
