//! Files of keys and settings: whole or not at all, and secrets for their owner alone.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use zeroize::Zeroizing;

use crate::Error;

/// Who may read a file.
#[derive(Clone, Copy)]
pub(crate) enum Readers {
    /// Its owner.
    Owner,
    /// Everybody who gets to its directory.
    All,
}

/// No key file and no certificate comes near this; a file that is longer is none of ours.
const LONGEST: u64 = 64 * 1024;

/// A directory for its owner alone, and those above it. One that exists is left as it is.
pub(crate) fn directory(path: &Path) -> Result<(), Error> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|source| Error::File {
        doing: "create",
        path: path.to_owned(),
        source,
    })
}

/// A file with this content, in place of one that may have been there, on the disk when this returns.
pub(crate) fn write(path: &Path, content: &str, readers: Readers) -> Result<(), Error> {
    let mode = match readers {
        Readers::Owner => 0o600,
        Readers::All => 0o644,
    };
    let fresh = path.with_extension("new");
    let written = || -> io::Result<()> {
        match fs::remove_file(&fresh) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&fresh)?;
        file.write_all(content.as_bytes())?;
        file.sync_all()?;
        fs::rename(&fresh, path)
    };
    written().map_err(|source| Error::File { doing: "write", path: path.to_owned(), source })
}

/// Makes the names of a directory's files as lasting as their content.
pub(crate) fn sync_directory(path: &Path) -> Result<(), Error> {
    fs::File::open(path).and_then(|directory| directory.sync_all()).map_err(|source| Error::File {
        doing: "write",
        path: path.to_owned(),
        source,
    })
}

/// A text file of ours, wiped from memory when it is dropped.
pub(crate) fn read(path: &Path) -> Result<Zeroizing<String>, Error> {
    // Room for any key at once: a String that grew would leave copies of a secret behind.
    let mut text = Zeroizing::new(String::with_capacity(4096));
    fs::File::open(path)
        .and_then(|file| file.take(LONGEST).read_to_string(&mut text))
        .map_err(|source| Error::File { doing: "read", path: path.to_owned(), source })?;
    Ok(text)
}
