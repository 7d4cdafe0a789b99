//! Bluetooth GATT: characteristics that are decoded, one file a service, and the meters that have them.

pub mod battery;
mod belt;
pub mod blood_pressure;
pub mod body_composition;
pub mod cgm;
mod cuff;
pub mod current_time;
pub mod date_time;
pub mod device_information;
pub mod e2e_crc;
pub mod glucose;
mod glucose_meter;
pub mod health_thermometer;
pub mod heart_rate;
mod meter;
mod oximeter;
pub mod pulse_oximeter;
pub mod record_access;
mod scale;
mod thermometer;
pub mod user_data;
pub mod weight_scale;

pub(crate) use belt::Belt;
pub(crate) use cgm::CgmSensor;
pub(crate) use cuff::Cuff;
pub(crate) use glucose_meter::GlucoseMeter;
pub(crate) use meter::MeterSession;
pub(crate) use oximeter::Oximeter;
pub(crate) use scale::Scale;
pub(crate) use thermometer::Thermometer;
