//! The devices of the home: a task for each serial port, one for the radio.
//!
//! - [`mod@line`]: a session on a link, the same for both
//! - [`captures`]: what devices say, written down where somebody wants that
//! - [`commits`]: what a session must know to be kept before it deletes anything on a device
//! - [`serial`]: ports that come and go
//! - [`radio_care`]: what is done for a radio that does not hear
//! - [`ble`]: devices that come and go on one radio

pub mod ble;
pub mod captures;
pub mod commits;
pub mod line;
pub mod radio_care;
pub mod serial;
