//! Devices that the hub added: each in a file of its own, below the state directory. The service may write there, and
//! what technicians wrote stays theirs.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use varde_wire::DeviceId;

use super::{
    devices::given,
    document::{self, Located},
    fault::{Fault, Faults, Place, Problem},
    fragment::{DeviceFragment, Fragment, drop_ins, unreadable},
    judge::Judge,
    settings::{STATE_DIRECTORY, Settings},
};

/// Where the devices stand that the hub added.
pub fn added_devices(state_directory: &Path) -> PathBuf {
    state_directory.join("devices.d")
}

impl Settings {
    /// Judges a configuration as it would be with one device more, and gives the device's name.
    ///
    /// # Errors
    /// As [`Settings::load`], and where there is anything but one `[[device]]`. Its faults stand in `table`.
    pub fn judge_with(directory: &Path, table: &str) -> Result<DeviceId, Faults> {
        let place = Path::new("table");
        let (home, mut faults) = with_added(directory);
        let (device, more) = one_device(place, table);
        faults.extend(more);
        let name = names_of(&device.devices).next();
        Self::of_fragment(home.overridden_by(device), Judge::new(directory, faults))?;
        let missing = || Faults::gathered(vec![not_one(place, 0)]);
        name.ok_or_else(missing)
    }

    /// Judges a configuration as it would be without this device.
    ///
    /// # Errors
    /// As [`Settings::load`], such as where a rule watches the device.
    pub fn judge_without(directory: &Path, device: &DeviceId) -> Result<(), Faults> {
        let (mut home, faults) = with_added(directory);
        let is_it = |name: &Located<String>| name.value == device.as_str();
        home.devices.retain(|from| !given(&from.name).is_some_and(is_it));
        Self::of_fragment(home, Judge::new(directory, faults)).map(drop)
    }
}

/// The drop-ins of a directory, and the devices that the hub added.
pub(super) fn with_added(directory: &Path) -> (Fragment, Vec<Fault>) {
    let (mut home, mut faults) = Fragment::of_directory(directory);
    let added = match &home.state_directory {
        Some(Ok(state)) => added_devices(Path::new(&state.value)),
        None => added_devices(Path::new(STATE_DIRECTORY)),
        // Where that is at fault, nobody knows what stands there.
        Some(Err(_)) => return (home, faults),
    };
    let paths = match drop_ins(&added) {
        Ok(paths) => paths,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return (home, faults),
        Err(error) => {
            faults.push(unreadable(Place::file(&added), &error));
            return (home, faults);
        }
    };
    for path in paths {
        match fs::read_to_string(&path) {
            Ok(text) => {
                let (device, more) = one_device(&path, &text);
                home = home.overridden_by(device);
                faults.extend(more);
            }
            Err(error) => faults.push(unreadable(Place::file(&path), &error)),
        }
    }
    (home, faults)
}

/// Which of these devices the hub added.
pub(super) fn names(devices: &[DeviceFragment]) -> Vec<DeviceId> {
    // A drop-in goes by its name, and what stands elsewhere by its path.
    names_of(devices.iter().filter(|device| device.place.file.is_absolute())).collect()
}

fn names_of<'d>(devices: impl IntoIterator<Item = &'d DeviceFragment>) -> impl Iterator<Item = DeviceId> {
    devices.into_iter().filter_map(|device| given(&device.name)?.value.parse().ok())
}

/// A file that may say nothing but one device: the hub changes the roster, not the way to the hub.
fn one_device(file: &Path, text: &str) -> (Fragment, Vec<Fault>) {
    let (fragment, mut faults) = document::read(file, text, |mut document| {
        let mut fragment = Fragment::default();
        let mut faults = fragment.take_devices(&mut document);
        faults.extend(document.finish());
        (fragment, faults)
    });
    if faults.is_empty() && fragment.devices.len() != 1 {
        faults.push(not_one(file, fragment.devices.len()));
    }
    (fragment, faults)
}

fn not_one(file: &Path, got: usize) -> Fault {
    Fault { place: Place::file(file), key: None, problem: Problem::NotOneDevice { got } }
}
