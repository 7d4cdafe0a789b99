//! Standing aside: while a technician pairs a Bluetooth device, the gateway leaves that device alone. A connection of its
//! own would make BlueZ begin a pairing that nobody asked for, in the midst of the one that somebody did. In the same
//! way it leaves a serial port to a technician who teaches in what is heard there: only one program can hold it.
//!
//! Whoever asks sends the device's address or the port's path on a line, gets `aside` on a line, and holds the
//! connection for as long as it takes: when it ends, in whatever way, the gateway is back.

use std::collections::BTreeSet;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use varde_link::Address;

use crate::socket;

const NAME: &str = "aside.sock";

/// How long either side may take for its line.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest line that may be asked with: a path can be as long as that.
const LONGEST: u64 = 4096;
/// How many may pair at a time; there is one technician.
const MOST: usize = 4;

/// What is left alone.
#[derive(Debug, Default)]
pub struct Aside(watch::Sender<BTreeSet<Left>>);

/// Something that the gateway can leave alone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Left {
    /// A Bluetooth device.
    Device(Address),
    /// A serial port, by the path that the configuration has.
    Port(PathBuf),
}

impl Left {
    fn of_line(line: &str) -> io::Result<Self> {
        if line.starts_with('/') {
            return Ok(Self::Port(line.into()));
        }
        line.parse().map(Self::Device).map_err(io::Error::other)
    }
}

/// The line with which it is asked for.
impl std::fmt::Display for Left {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Device(address) => address.fmt(f),
            Self::Port(path) => path.display().fmt(f),
        }
    }
}

impl Aside {
    /// Whether this is to be left alone.
    pub fn keeps_from(&self, left: &Left) -> bool {
        self.0.borrow().contains(left)
    }

    /// Waits until this is to be left alone, or not any more.
    pub async fn until(&self, left: &Left, alone: bool) {
        // The sender lives as long as this does.
        let _ = self.0.subscribe().wait_for(|all| all.contains(left) == alone).await;
    }

    /// Stands aside for whoever may ask, until the task is ended.
    ///
    /// # Errors
    /// Where the socket cannot be made.
    pub async fn serve(self: Arc<Self>, state_directory: &Path) -> io::Result<()> {
        let listener = socket::listen(NAME, state_directory)?;
        let mut pairings = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept(), if pairings.len() < MOST => {
                    let (stream, _) = accepted?;
                    let aside = Arc::clone(&self);
                    pairings.spawn(async move { aside.attend(stream).await });
                }
                Some(_) = pairings.join_next() => {}
            }
        }
    }

    async fn attend(&self, stream: tokio::net::UnixStream) -> io::Result<()> {
        // Whoever could ask this at will could silence a meter.
        let peer = stream.peer_cred()?.uid();
        if peer != 0 && peer != rustix::process::geteuid().as_raw() {
            return Ok(());
        }
        let (read, mut write) = stream.into_split();
        let mut lines = tokio::io::BufReader::new(read.take(LONGEST));
        let mut asked = String::new();
        timeout(PATIENCE, lines.read_line(&mut asked)).await??;
        let left = Left::of_line(asked.trim_end_matches('\n'))?;
        // Two that ask for the same are their own trouble: the first to end ends it for both.
        self.0.send_if_modified(|all| all.insert(left.clone()));
        let _back = Back { aside: self, left };
        timeout(PATIENCE, write.write_all(b"aside\n")).await??;
        let mut rest = lines.into_inner();
        rest.set_limit(u64::MAX);
        while rest.read_u8().await.is_ok() {}
        Ok(())
    }
}

/// Ends it, also where the task is ended.
struct Back<'a> {
    aside: &'a Aside,
    left: Left,
}

impl Drop for Back<'_> {
    fn drop(&mut self) {
        self.aside.0.send_if_modified(|all| all.remove(&self.left));
    }
}

/// Has the gateway that runs on this state directory leave something alone, for as long as what is given lives. Where
/// none runs, nobody has to.
pub fn ask(state_directory: &Path, left: &Left) -> Option<impl Sized + use<>> {
    let mut stream = socket::connect(NAME, state_directory).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.write_all(format!("{left}\n").as_bytes()).ok()?;
    let mut answer = String::new();
    BufReader::new(&stream).read_line(&mut answer).ok()?;
    (answer == "aside\n").then_some(stream)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_asked_for_is_left_alone_for_as_long_as_somebody_asks() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().to_owned();
        let cuff = Left::Device(Address([0xF0, 0xF1, 0xF2, 0xF3, 0xF4, 1]));
        let port = Left::Port("/dev/serial/by-id/usb-EnOcean_USB300".into());
        assert!(ask(&path, &cuff).is_none(), "no gateway runs");
        let aside = Arc::new(Aside::default());
        let serving = Arc::clone(&aside);
        let state = path.clone();
        let served = tokio::spawn(async move { serving.serve(&state).await });
        for (left, other) in [(&cuff, &port), (&port, &cuff)] {
            let held = loop {
                let (path, left) = (path.clone(), left.clone());
                if let Some(held) = tokio::task::spawn_blocking(move || ask(&path, &left)).await.unwrap() {
                    break held;
                }
                tokio::task::yield_now().await;
            };
            aside.until(left, true).await;
            assert!(aside.keeps_from(left) && !aside.keeps_from(other));
            drop(held);
            aside.until(left, false).await;
        }
        served.abort();
    }
}
