//! Where a device stands in the drop-ins: for those who want to take it out.

use std::path::Path;

use varde_wire::DeviceId;

use super::{
    added::with_added,
    fault::{Faults, Place},
    judge::Judge,
};

/// Where a device stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its `[[device]]`.
    pub place: Place,
    /// Whether no other device stands in the same drop-in.
    pub alone: bool,
}

/// Where the device of this name stands, if anywhere. Credentials are not read, and nothing is judged but how the
/// drop-ins are written.
///
/// # Errors
/// Every fault in how the drop-ins are written.
pub fn standing(directory: &Path, name: &DeviceId) -> Result<Option<Standing>, Faults> {
    let (fragment, faults) = with_added(directory);
    let named = fragment.devices.iter().find(|device| match &device.name {
        Some(Ok(text)) => text.value == name.as_str(),
        Some(Err(_)) | None => false,
    });
    let standing = named.map(|device| {
        let beside = fragment.devices.iter().filter(|other| other.place.file == device.place.file);
        Standing { place: device.place.clone(), alone: beside.count() == 1 }
    });
    Judge::new(directory, faults).verdict(Some(standing))
}
