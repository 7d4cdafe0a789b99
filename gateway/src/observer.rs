//! Looking in: a socket that gives a picture to whoever may open it, and takes nothing.
//!
//! It lies in the runtime directory where systemd gave one, which works when the disk does not, else in the state
//! directory.

use std::fs::{File, Permissions};
use std::io::{self, Read as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::UnixListener;

use crate::snapshot::{Snapshot, Sources};

const NAME: &str = "status.sock";

/// What systemd makes for the service; `varde status` of another user is not told.
const RUNTIME_DIRECTORY: &str = "/run/varde";

/// Answers each connection with one picture, as JSON, until the store stops.
///
/// # Errors
/// Where the socket cannot be made.
pub async fn serve(sources: &Sources<'_>) -> io::Result<()> {
    let runtime = std::env::var_os("RUNTIME_DIRECTORY").map(PathBuf::from);
    let place = Place::of(runtime.as_deref().unwrap_or(sources.state_directory))?;
    match std::fs::remove_file(place.path()) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let listener = UnixListener::bind(place.path())?;
    // Its own group may look: nothing in a picture is health data.
    std::fs::set_permissions(place.path(), Permissions::from_mode(0o660))?;
    loop {
        let (mut stream, _) = listener.accept().await?;
        let Ok(picture) = sources.picture().await else { return Ok(()) };
        let text = serde_json::to_vec(&picture).map_err(io::Error::other)?;
        // One at a time, and nobody may hold the others up.
        let _ = tokio::time::timeout(Duration::from_secs(2), async {
            stream.write_all(&text).await?;
            stream.shutdown().await
        })
        .await;
    }
}

/// Asks the gateway that runs on this state directory.
///
/// # Errors
/// Where none runs there, or it may not be asked.
pub fn ask(state_directory: &Path) -> io::Result<Snapshot> {
    let connect = |directory: &Path| UnixStream::connect(Place::of(directory)?.path());
    let mut stream = connect(state_directory).or_else(|error| {
        // The first error is the one to tell: the state directory was asked for.
        connect(Path::new(RUNTIME_DIRECTORY)).map_err(|_| error)
    })?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut text = Vec::new();
    stream.read_to_end(&mut text)?;
    serde_json::from_slice(&text).map_err(io::Error::other)
}

/// The socket's place, whatever the length of its path: an address holds 108 bytes, so the way goes over an open
/// directory.
struct Place {
    directory: File,
}

impl Place {
    fn of(directory: &Path) -> io::Result<Self> {
        Ok(Self { directory: File::open(directory)? })
    }

    fn path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}/{NAME}", self.directory.as_raw_fd()))
    }
}
