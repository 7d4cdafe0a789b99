//! Standing aside: while a technician pairs a Bluetooth device, the gateway leaves that device alone. A connection of its
//! own would make BlueZ begin a pairing that nobody asked for, in the midst of the one that somebody did.
//!
//! Whoever pairs sends the device's address on a line, gets `aside` on a line, and holds the connection for as long as it
//! takes: when it ends, in whatever way, the gateway is back.

use std::collections::BTreeSet;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinSet;
use tokio::time::timeout;
use varde_link::Address;

use crate::socket;

const NAME: &str = "aside.sock";

/// How long either side may take for its line.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest line that may be asked with; an address has 17 bytes.
const LONGEST: u64 = 32;
/// How many may pair at a time; there is one technician.
const MOST: usize = 4;

/// The devices that are left alone.
#[derive(Debug, Default)]
pub struct Aside(Mutex<BTreeSet<Address>>);

impl Aside {
    /// Whether this device is to be left alone.
    pub fn keeps_from(&self, address: Address) -> bool {
        self.devices().contains(&address)
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
        let address: Address = asked.trim().parse().map_err(io::Error::other)?;
        // Two that pair one device are their own trouble: the first to end ends it for both.
        self.devices().insert(address);
        let _back = Back { aside: self, address };
        timeout(PATIENCE, write.write_all(b"aside\n")).await??;
        let mut rest = lines.into_inner();
        rest.set_limit(u64::MAX);
        while rest.read_u8().await.is_ok() {}
        Ok(())
    }

    fn devices(&self) -> MutexGuard<'_, BTreeSet<Address>> {
        // A set is whole after every change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends it, also where the task is ended.
struct Back<'a> {
    aside: &'a Aside,
    address: Address,
}

impl Drop for Back<'_> {
    fn drop(&mut self) {
        self.aside.devices().remove(&self.address);
    }
}

/// Has the gateway that runs on this state directory leave a device alone, for as long as what is given lives. Where none
/// runs, nobody has to.
pub fn ask(state_directory: &Path, address: Address) -> Option<impl Sized + use<>> {
    let mut stream = socket::connect(NAME, state_directory).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.write_all(format!("{address}\n").as_bytes()).ok()?;
    let mut answer = String::new();
    BufReader::new(&stream).read_line(&mut answer).ok()?;
    (answer == "aside\n").then_some(stream)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_device_is_left_alone_for_as_long_as_somebody_pairs_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().to_owned();
        let [cuff, scale] = [1, 2].map(|last| Address([0xF0, 0xF1, 0xF2, 0xF3, 0xF4, last]));
        assert!(ask(&path, cuff).is_none(), "no gateway runs");
        let aside = Arc::new(Aside::default());
        let serving = Arc::clone(&aside);
        let state = path.clone();
        let served = tokio::spawn(async move { serving.serve(&state).await });
        let held = loop {
            let path = path.clone();
            if let Some(held) = tokio::task::spawn_blocking(move || ask(&path, cuff)).await.unwrap() {
                break held;
            }
            tokio::task::yield_now().await;
        };
        assert!(aside.keeps_from(cuff) && !aside.keeps_from(scale));
        drop(held);
        while aside.keeps_from(cuff) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        served.abort();
    }
}
