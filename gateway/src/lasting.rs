//! Files that hold what outlives the program: whole or not at all, whenever the power goes.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// What the TOML file of this path holds; the default where there is none.
///
/// # Errors
/// Where it cannot be read, or makes no sense.
pub fn read<T: DeserializeOwned + Default>(path: &Path) -> io::Result<T> {
    match fs::read_to_string(path) {
        // In one line: it becomes part of a warning, and nobody mends these files by hand.
        Ok(text) => toml::from_str(&text).map_err(|error| io::Error::other(error.message().to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(T::default()),
        Err(error) => Err(error),
    }
}

/// Puts this in place of what the TOML file of this path held, and on the disk.
///
/// # Errors
/// Where the disk does not take it. What was there is there still, unless it was the last step that failed: then either
/// may be found after a power cut.
pub fn write(path: &Path, kept: &impl Serialize) -> io::Result<()> {
    let unfinished = path.with_extension("new");
    let mut file = File::create(&unfinished)?;
    file.write_all(toml::to_string(kept).map_err(io::Error::other)?.as_bytes())?;
    file.sync_all()?;
    fs::rename(&unfinished, path)?;
    path.parent().map_or(Ok(()), names)
}

/// Makes the names in a directory as lasting as their files.
///
/// # Errors
/// Where the disk does not take them.
pub fn names(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}
