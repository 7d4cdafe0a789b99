//! A simulated home and the way out of it, for scenarios, benchmarks and the demonstration.
//!
//! Nothing here uses our own drivers or wire format: the simulated devices are a second, independent reading of the
//! specifications, so that an error in a decoder does not hide behind the same error in its encoder. The one exception is
//! the [`dispenser`]: the device link's crate is what its makers are given, so that is what it is made of; the bytes of
//! that crate are held against its document instead.
//!
//! | module | stands for |
//! |---|---|
//! | [`bluez`] | bluetoothd, the adapter and the peripherals in range, on the private D-Bus of [`bus`] |
//! | [`meters`] | health meters: blood pressure, glucose, oximetry, temperature, weight, heart rate |
//! | [`beacons`] | sensors that are never connected to: BTHome and Ruuvi |
//! | [`pty`] | a serial line that can be unplugged |
//! | [`bad_line`] | what a bad line does to the bytes on it |
//! | [`enocean`] | an EnOcean USB 300 stick and the senders it hears |
//! | [`tty`] | an oximeter, a presence radar and a Modbus unit, each on a serial port |
//! | [`dispenser`] | a medicine dispenser on the device link, and the person who takes from it |
//! | [`network`] | a bad network between the gateway and the broker |
//! | [`broker`] | mosquitto with mutual TLS |
//! | [`mqtt`] | somebody else at the broker: a listener, or an attacker |
//! | [`programs`] | the programs under test, as child processes |
//! | [`home`] | all of it together, set up and running |
//! | [`chance`] | seeded randomness |

pub mod bad_line;
pub mod beacons;
pub mod bluez;
pub mod broker;
pub mod bus;
pub mod chance;
pub mod dispenser;
pub mod enocean;
pub mod home;
pub mod meters;
pub mod mqtt;
pub mod network;
pub mod programs;
pub mod pty;
pub mod tty;

mod error;
pub use error::SimError;
pub use meters::blood_pressure;
