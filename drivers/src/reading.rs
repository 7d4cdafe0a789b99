//! One measurement, in common words.

use varde_wire::{Context, DeviceId, Observation};

/// What one device said at once.
///
/// The observations carry no group: numbering groups is for whoever admits them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Which device.
    pub device: DeviceId,
    /// The values, the leading one first.
    pub observations: Vec<Observation>,
    /// What the driver knows of all of them beside what the device said.
    pub context: Context,
}

impl Reading {
    /// A reading of which nothing more is known.
    pub fn new(device: DeviceId, observations: Vec<Observation>) -> Self {
        Self { device, observations, context: Context::default() }
    }
}
