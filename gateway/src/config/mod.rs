//! What the gateway is told to do: drop-ins of `/etc/varde/config.d`, judged before anything runs.
//!
//! Three stages, each of which finds all of its faults: `document` is TOML with line numbers, `fragment` what
//! the drop-ins say, and [`Settings`] what the gateway runs by. `varde check` and `varde run` are the same code.

mod added;
mod broker;
mod credentials;
mod devices;
mod document;
pub mod drop_in;
mod fault;
mod fingerprint;
mod fragment;
mod home;
mod judge;
mod known_hub;
mod nearest;
mod paths;
mod report;
mod rules;
mod serial;
mod settings;
mod signs;
mod standing;
#[cfg(test)]
pub(crate) mod tests;
mod whose;

pub use added::added_devices;
pub use broker::{BadBroker, Broker};
pub use credentials::Credentials;
pub use devices::{BleDevice, bind_key};
pub use drop_in::Writer;
pub use fault::{Fault, Faults, Place, Problem};
pub use fingerprint::fingerprint;
pub use home::{BLUETOOTH, Home};
pub use known_hub::KnownHub;
pub use paths::{Exit, UplinkPath};
pub use report::{Report, Warning, check};
pub use serial::SerialPort;
pub use settings::{Indicator, Settings, Store, Uplink};
pub use standing::{Standing, standing};
pub use whose::Whose;

/// Where the drop-ins are, if the command line does not say otherwise.
pub const DEFAULT_DIRECTORY: &str = "/etc/varde/config.d";
