//! The file of one device: written whole or not at all, and never over another.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use varde_wire::DeviceId;

/// Who writes such files. By the first line we know what we may remove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writer {
    /// `varde devices pair`.
    Pair,
    /// `varde devices teach`.
    Teach,
    /// A command of the hub.
    Hub,
}

/// Mode where the directory holds no other drop-in to take it from.
const MODE: u32 = 0o644;

impl Writer {
    const ALL: [Self; 3] = [Self::Pair, Self::Teach, Self::Hub];

    /// The first line of what it writes.
    pub const fn header(self) -> &'static str {
        match self {
            Self::Pair => "# Written by `varde devices pair`; `varde devices forget` removes it.",
            Self::Teach => "# Written by `varde devices teach`; `varde devices forget` removes it.",
            Self::Hub => {
                "# Written by a command of the hub; another one, or `varde devices forget`, removes it."
            }
        }
    }

    /// Who wrote this file, if one of these.
    pub fn of(path: &Path) -> Option<Self> {
        let text = fs::read_to_string(path).ok()?;
        Self::ALL.into_iter().find(|writer| text.lines().next() == Some(writer.header()))
    }
}

/// The name of a device's own file.
pub fn file_of(name: &DeviceId) -> PathBuf {
    format!("{name}.toml").into()
}

/// Writes a device's file.
///
/// # Errors
/// It exists already, or the directory does not take it.
pub fn write(directory: &Path, name: &DeviceId, text: &str) -> io::Result<PathBuf> {
    let path = directory.join(file_of(name));
    // Hidden files are no drop-ins: a half-written one is never read.
    let unfinished = directory.join(format!(".{name}.new"));
    let written = write_unfinished(directory, &unfinished, text).and_then(|()| {
        // A link, unlike a rename, fails where the name is taken.
        fs::hard_link(&unfinished, &path)
    });
    let _ = fs::remove_file(&unfinished);
    written?;
    File::open(directory)?.sync_all()?;
    Ok(path)
}

fn write_unfinished(directory: &Path, unfinished: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(unfinished)?;
    file.write_all(text.as_bytes())?;
    // Whoever may read the others may read this one.
    let like = sibling(directory);
    if let Some(like) = &like {
        std::os::unix::fs::fchown(&file, Some(like.uid()), Some(like.gid()))?;
    }
    let mode = like.map_or(MODE, |like| like.mode() & 0o777);
    file.set_permissions(fs::Permissions::from_mode(mode))?;
    file.sync_all()
}

/// Another drop-in of the directory.
fn sibling(directory: &Path) -> Option<fs::Metadata> {
    let entries = fs::read_dir(directory).ok()?.flatten();
    let mut drop_ins: Vec<_> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    drop_ins.sort();
    drop_ins.first().and_then(|path| fs::metadata(path).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_written_whole_with_the_mode_of_the_others_and_never_over_another() {
        let directory = tempfile::tempdir().unwrap();
        let other = directory.path().join("10-uplink.toml");
        fs::write(&other, "").unwrap();
        fs::set_permissions(&other, fs::Permissions::from_mode(0o640)).unwrap();
        let name: DeviceId = "cuff-1".parse().unwrap();
        let text = format!("{}\n", Writer::Pair.header());
        let path = write(directory.path(), &name, &text).unwrap();
        assert_eq!(path, directory.path().join("cuff-1.toml"));
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o640);
        assert_eq!((Writer::of(&path), Writer::of(&other)), (Some(Writer::Pair), None));

        let again = write(directory.path(), &name, "another");
        assert_eq!(again.unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2, "nothing half-written is left");
    }
}
