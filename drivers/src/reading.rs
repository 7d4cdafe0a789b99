//! One measurement, in common words.

use varde_wire::{DeviceId, Observation};

/// What one device said at once.
///
/// The observations carry no group: numbering groups is for whoever admits them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Which device.
    pub device: DeviceId,
    /// The values, the leading one first.
    pub observations: Vec<Observation>,
}
