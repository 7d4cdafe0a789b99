//! Modbus RTU: mains monitors, battery supplies and room sensors on a two-wire bus, asked in turn.
//!
//! Which registers a unit has and what they mean is configured, a line each ([`Item`]). The protocol is that of "MODBUS
//! over Serial Line" V1.02 and "MODBUS Application Protocol" V1.1b3, of which only reading is used: nothing here ever
//! writes to a unit.
//!
//! [`Item`]s → a plan of [`Query`]s → answers → numbers → what of them is news, as for sensors that advertise.

mod adu;
mod item;
mod plan;
mod register;
mod session;

use std::time::Duration;

pub(crate) use adu::exception;
pub use adu::{Answer, Query, decode_answer};
pub use item::{BadItem, Item, Reads};
pub use register::{Kind, Number, Register, Table};
pub(crate) use session::{ModbusSession, Unit};

/// A unit on a bus: its address, how often it is asked, and what for.
#[derive(Clone, Debug, PartialEq)]
pub struct UnitOptions {
    /// Its address on the bus, 1 to 247.
    pub address: u8,
    /// How often it is asked.
    pub every: Duration,
    /// What it is asked for, at least one.
    pub items: Vec<Item>,
}
