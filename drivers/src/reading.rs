//! One measurement, in common words.

use varde_wire::{DeviceId, Flags, Metric, Observation, Value};

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

/// An observation of a value, with nothing more known about it.
pub(crate) fn observed(device: &DeviceId, metric: Metric, value: Value) -> Observation {
    Observation {
        device: device.clone(),
        metric,
        value,
        unit: None,
        device_time: None,
        user: None,
        flags: Flags::NONE,
        group: None,
    }
}
