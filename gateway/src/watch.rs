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
                let peer = stream.peer_cred().ok().map(|peer| peer.uid());
                let refusal = refusal(peer, rustix::process::geteuid().as_raw(), watchers.len());
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

/// Why a watcher who is this user may not see anything of us, who are that user, if so.
fn refusal(peer: Option<u32>, own: u32, watching: usize) -> Option<&'static str> {
    match peer {
        None => Some("the system does not say who asks"),
        Some(uid) if uid != 0 && uid != own => {
            Some("readings are health data: only root and the gateway's own user may watch; use sudo")
        }
        Some(_) if watching >= MOST => Some("others watch already: end their `varde devices watch` first"),
        Some(_) => None,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_root_and_the_gateways_own_user_may_watch_and_only_a_few_at_once() {
        const OWN: u32 = 990;
        for (peer, watching, told) in [
            (Some(0), 0, None),
            (Some(OWN), MOST - 1, None),
            (Some(1000), 0, Some("health data")),
            (Some(0), MOST, Some("others watch already")),
            (None, 0, Some("who asks")),
        ] {
            let refusal = refusal(peer, OWN, watching);
            assert_eq!(refusal.is_some(), told.is_some(), "{peer:?} {watching}");
            assert!(refusal.unwrap_or_default().contains(told.unwrap_or_default()), "{refusal:?}");
        }
    }
}
