//! The devices of the home: a task for each serial port, one for the radio.
//!
//! - [`mod@line`]: a session on a link, the same for both
//! - [`serial`]: ports that come and go
//! - [`ble`]: devices that come and go on one radio

pub mod ble;
pub mod line;
pub mod serial;
