//! Looking in: a socket that gives a picture to whoever may open it, and takes nothing.

use std::io::{self, Read as _};
use std::path::Path;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;

use crate::snapshot::{Snapshot, Sources};
use crate::socket;

const NAME: &str = "status.sock";

/// Answers each connection with one picture, as JSON, until the store stops. Nothing in a picture is health data.
///
/// # Errors
/// Where the socket cannot be made.
pub async fn serve(sources: &Sources<'_>) -> io::Result<()> {
    let listener = socket::listen(NAME, sources.state_directory)?;
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
    let mut stream = socket::connect(NAME, state_directory)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut text = Vec::new();
    stream.read_to_end(&mut text)?;
    serde_json::from_slice(&text).map_err(io::Error::other)
}
