//! Bluetooth GATT: characteristics that are decoded, one file a service, and the sessions that read them.

pub mod battery;
pub mod blood_pressure;
mod blood_pressure_session;
pub mod date_time;
pub mod device_information;

pub(crate) use blood_pressure_session::BloodPressureSession;
