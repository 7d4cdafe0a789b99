//! Watching: a socket on which one device's readings are shown live, decoded, to root and to the gateway's own user.
//!
//! Readings are health data, so it is not the socket of `varde status`, which a whole group may open. A watcher
//! sends the device's name on a line, and gets a JSON object a line: first `{"watching": NAME}` or
//! `{"refused": WHY}`, then an observation each as it is admitted, and `{"lost": N}` where it was too slow for them.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value as Json, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::task::JoinSet;
use tokio::time::timeout;
use varde_wire::{DeviceId, Observation, WallTime};

use crate::board::Board;
use crate::intake::Intake;
use crate::{decode, snapshot, socket};

/// The socket's name.
pub const NAME: &str = "watch.sock";

/// Watchers at a time: technicians, not programs.
const MOST: usize = 4;
/// The longest line that may be asked with; a name has at most 32 bytes.
const LONGEST: u64 = 64;
/// How long a watcher may take to ask, or to take a line.
const PATIENCE: Duration = Duration::from_secs(5);

/// An observation as it was admitted, and when.
#[derive(Clone, Debug)]
pub struct Sighting {
    /// When it was admitted, by this box's clock.
    pub at: WallTime,
    /// The observation.
    pub observation: Observation,
}

/// Shows observations to whoever may see them, until the task is ended.
///
/// # Errors
/// Where the socket cannot be made.
pub async fn serve(state_directory: &Path, intake: &Intake, board: &Arc<Board>) -> io::Result<()> {
    let listener = socket::listen(NAME, state_directory)?;
    let mut watchers = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (stream, _) = accepted?;
                let refusal = refusal(&stream, watchers.len());
                // What was admitted before it asked is not shown.
                let sightings = intake.watch();
                let board = Arc::clone(board);
                watchers.spawn(async move {
                    // Whoever hangs up has seen enough.
                    let _ = attend(stream, refusal, sightings, &board).await;
                });
            }
            Some(_) = watchers.join_next() => {}
        }
    }
}

/// Why this watcher may not see anything, if so.
fn refusal(stream: &UnixStream, watching: usize) -> Option<&'static str> {
    let own = rustix::process::geteuid().as_raw();
    match stream.peer_cred() {
        Ok(peer) if peer.uid() != 0 && peer.uid() != own => {
            Some("readings are health data: only root and the gateway's own user may watch; use sudo")
        }
        Ok(_) if watching >= MOST => Some("others watch already: end their `varde devices watch` first"),
        Ok(_) => None,
        Err(_) => Some("the system does not say who asks"),
    }
}

async fn attend(
    mut stream: UnixStream,
    refusal: Option<&'static str>,
    mut sightings: broadcast::Receiver<Sighting>,
    board: &Board,
) -> io::Result<()> {
    if let Some(refusal) = refusal {
        return say(&mut stream, &json!({ "refused": refusal })).await;
    }
    let mut asked = String::new();
    let (read, mut write) = stream.split();
    let mut lines = BufReader::new(read.take(LONGEST));
    timeout(PATIENCE, lines.read_line(&mut asked)).await??;
    let known = |name: &DeviceId| board.read(|facts| facts.devices.contains_key(name));
    let Some(name) = asked.trim().parse().ok().filter(known) else {
        return say(&mut write, &json!({ "refused": "the gateway that runs knows no such device: `varde devices list` names them, `systemctl restart varde` makes it read its configuration" })).await;
    };
    say(&mut write, &json!({ "watching": name.as_str() })).await?;
    let mut rest = lines.into_inner();
    rest.set_limit(u64::MAX);
    loop {
        let line = tokio::select! {
            sighting = sightings.recv() => match sighting {
                Ok(sighting) if sighting.observation.device == name => shown(&sighting),
                Ok(_) => continue,
                Err(RecvError::Lagged(lost)) => json!({ "lost": lost }),
                Err(RecvError::Closed) => return Ok(()),
            },
            // It has nothing more to say; the end of its words is its end.
            gone = rest.read_u8() => match gone {
                Ok(_) => continue,
                Err(_) => return Ok(()),
            },
        };
        say(&mut write, &line).await?;
    }
}

async fn say(stream: &mut (impl tokio::io::AsyncWrite + Unpin), line: &Json) -> io::Result<()> {
    timeout(PATIENCE, stream.write_all(format!("{line}\n").as_bytes())).await?
}

fn shown(sighting: &Sighting) -> Json {
    let mut shown = decode::observation(&sighting.observation);
    if let Json::Object(fields) = &mut shown {
        fields.insert("at".to_owned(), json!(snapshot::rfc3339(sighting.at)));
    }
    shown
}
