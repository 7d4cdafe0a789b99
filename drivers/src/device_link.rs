//! The open link of dispensers, panels and alarms, of which `varde-device-link` is both ends and `docs/device-link.md`
//! the specification.
//!
//! An event is acknowledged to the device only once it is kept for good. A request carries a number that the device
//! knows again, so that an order is carried out once whatever is restarted in between.

mod decode;
mod dose;
mod memory;
mod orders;
mod plan;
mod session;
mod state;
mod words;

pub(crate) use decode::decode;
pub use session::DeviceLinkSession;
