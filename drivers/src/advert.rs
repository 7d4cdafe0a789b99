//! Bluetooth sensors that never connect: everything is in their advertisements.
//!
//! An advertisement is sent many times over, and says all of the sensor's state each time. So most of what comes is
//! no news, and the session of such a sensor decides what is passed on:
//!
//! - Every advertisement that is understood is a sign of life.
//! - **A state** (a door is open, a battery is low) is passed on when it changes, and once when it is heard first, so
//!   that nothing is assumed of the time before.
//! - **Something that happens** (a button is pressed) is passed on once. The repeats of its advertisement are known by
//!   their bytes: within a minute where they have a packet id, else within 10 seconds, each from the last repeat.
//! - **A measured number** is passed on when it changed, at most once a minute (what tells of the device itself, such
//!   as its battery: once in half an hour), the last value of that time included; and unchanged every half an hour.
//! - A number that the sensor cannot tell is passed on where it could before, not where it never could.
//!
//! What was refused is no sign of life: a sensor that nobody understands any more is missed by its supervision.

pub mod atc;
pub mod bthome;
mod echo;
mod elements;
mod format;
pub mod ruuvi;
mod seal;
mod session;

pub use format::AdvertFormat;
pub use seal::Secret;

pub(crate) use session::AdvertSession;
