//! Sockets on which the running gateway is asked something by others on the box.
//!
//! They lie in the runtime directory where systemd gave one, which works when the disk does not, else in the state
//! directory.

use std::fs::{File, Permissions};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use tokio::net::UnixListener;

/// What systemd makes for the service; the command of another user is not told.
const RUNTIME_DIRECTORY: &str = "/run/varde";

/// Listens on the socket `name`. Its own group may ask.
///
/// # Errors
/// Where the socket cannot be made.
pub fn listen(name: &str, state_directory: &Path) -> io::Result<UnixListener> {
    let runtime = std::env::var_os("RUNTIME_DIRECTORY").map(PathBuf::from);
    let place = Place::of(runtime.as_deref().unwrap_or(state_directory))?;
    match std::fs::remove_file(place.path(name)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let listener = UnixListener::bind(place.path(name))?;
    std::fs::set_permissions(place.path(name), Permissions::from_mode(0o660))?;
    Ok(listener)
}

/// Connects to the socket `name` of the gateway that runs on this state directory.
///
/// # Errors
/// Where none runs there, or it may not be asked.
pub fn connect(name: &str, state_directory: &Path) -> io::Result<UnixStream> {
    let connect = |directory: &Path| UnixStream::connect(Place::of(directory)?.path(name));
    connect(state_directory).or_else(|error| {
        // The first error is the one to tell: the state directory was asked for.
        connect(Path::new(RUNTIME_DIRECTORY)).map_err(|_| error)
    })
}

/// The sockets' place, whatever the length of its path: an address holds 108 bytes, so the way goes over an open
/// directory.
struct Place {
    directory: File,
}

impl Place {
    fn of(directory: &Path) -> io::Result<Self> {
        Ok(Self { directory: File::open(directory)? })
    }

    fn path(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}/{name}", self.directory.as_raw_fd()))
    }
}
