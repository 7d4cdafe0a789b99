//! A serial line made of a pseudo-terminal: the gateway opens the far end as it opens `/dev/ttyUSB0`.
//!
//! What makes it a USB serial port and not a pipe: it has a stable name that leads to a new device after each
//! plugging-in, pulling it out hangs up whoever holds it open, and bytes sent while nobody holds it open are gone.

use std::{
    io,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::{
    fs::{Mode, OFlags},
    io::Errno,
    pty::OpenptFlags,
    termios::OptionalActions,
};

use super::SimError;

/// How long a full buffer is left alone before it is tried again.
const PAUSE: Duration = Duration::from_millis(1);

/// The device's end of a serial line. Dropping it unplugs the device.
#[derive(Debug)]
pub struct SerialLine {
    path: PathBuf,
    /// `None` while unplugged.
    device_end: Option<OwnedFd>,
    /// Received and not yet fetched.
    incoming: Vec<u8>,
}

impl SerialLine {
    /// Plugs in a line that the gateway finds at `path`, a symbolic link as udev makes them under `/dev/serial/by-id`.
    ///
    /// # Errors
    /// When the pseudo-terminal cannot be made or something else stands at `path`.
    pub fn plug_in(path: &Path) -> Result<Self, SimError> {
        let mut line = Self { path: path.to_owned(), device_end: None, incoming: Vec::new() };
        line.plug_in_again()?;
        Ok(line)
    }

    /// What the gateway's configuration names.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether a program holds the line open.
    ///
    /// # Errors
    /// When the pseudo-terminal fails.
    pub fn is_open(&mut self) -> Result<bool, SimError> {
        let Some(end) = &self.device_end else { return Ok(false) };
        let mut buffer = [0; 256];
        loop {
            // The kernel tells only a reader: EIO without a listener, EAGAIN with a silent one.
            match rustix::io::read(end, &mut buffer) {
                Ok(len) if len > 0 => self.incoming.extend_from_slice(buffer.get(..len).unwrap_or_default()),
                Ok(_) | Err(Errno::IO) => return Ok(false),
                Err(Errno::AGAIN) => return Ok(true),
                Err(error) => return Err(self.failed("reading from", error)),
            }
        }
    }

    /// Sends bytes, waiting while the buffer is full. False when they, or the last of them, are gone because the line
    /// is unplugged or no program holds it open.
    ///
    /// # Errors
    /// When the pseudo-terminal fails.
    pub async fn send(&mut self, mut bytes: &[u8]) -> Result<bool, SimError> {
        while !bytes.is_empty() {
            let open = self.is_open()?;
            let Some(end) = self.device_end.as_ref().filter(|_| open) else { return Ok(false) };
            match rustix::io::write(end, bytes) {
                Ok(sent) => bytes = bytes.get(sent..).unwrap_or_default(),
                Err(Errno::AGAIN) => tokio::time::sleep(PAUSE).await,
                Err(error) => return Err(self.failed("writing to", error)),
            }
        }
        Ok(true)
    }

    /// Takes what the gateway has sent so far; empty while there is nothing.
    ///
    /// # Errors
    /// When the pseudo-terminal fails.
    pub fn received(&mut self) -> Result<Vec<u8>, SimError> {
        self.is_open()?;
        Ok(std::mem::take(&mut self.incoming))
    }

    /// Pulls the plug: the name vanishes and whoever holds the line open is hung up.
    pub fn unplug(&mut self) {
        // A missing link is what is wanted.
        let _ = std::fs::remove_file(&self.path);
        self.device_end = None;
    }

    /// Plugs the device in again, as a new terminal behind the old name.
    ///
    /// # Errors
    /// As [`SerialLine::plug_in`].
    pub fn plug_in_again(&mut self) -> Result<(), SimError> {
        self.unplug();
        let (end, terminal) =
            open_pair().map_err(|error| self.failed("making a pseudo-terminal for", error))?;
        std::os::unix::fs::symlink(&terminal, &self.path).map_err(SimError::io(format!(
            "linking {} to {}",
            self.path.display(),
            terminal.display()
        )))?;
        self.device_end = Some(end);
        Ok(())
    }

    fn failed(&self, doing: &str, error: Errno) -> SimError {
        SimError::io(format!("{doing} {}", self.path.display()))(io::Error::from(error))
    }
}

impl Drop for SerialLine {
    fn drop(&mut self) {
        self.unplug();
    }
}

/// A pseudo-terminal: our end, and the path of the other.
fn open_pair() -> Result<(OwnedFd, PathBuf), Errno> {
    let end = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    rustix::pty::grantpt(&end)?;
    rustix::pty::unlockpt(&end)?;
    rustix::fs::fcntl_setfl(&end, OFlags::RDWR | OFlags::NONBLOCK)?;
    let terminal = rustix::pty::ptsname(&end, Vec::new())?;
    // A fresh terminal echoes and edits lines. Opening it once sets it raw; closing it again is what makes the kernel
    // report "nobody there" until the gateway opens it.
    let once = rustix::fs::open(&terminal, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?;
    let mut settings = rustix::termios::tcgetattr(&once)?;
    settings.make_raw();
    rustix::termios::tcsetattr(&once, OptionalActions::Now, &settings)?;
    Ok((end, PathBuf::from(terminal.to_string_lossy().into_owned())))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio_serial::SerialPortBuilderExt;

    use super::*;

    fn line() -> (tempfile::TempDir, SerialLine) {
        let dir = tempfile::tempdir().unwrap();
        let line = SerialLine::plug_in(&dir.path().join("ttyUSB0")).unwrap();
        (dir, line)
    }

    fn open(line: &SerialLine) -> tokio_serial::SerialStream {
        tokio_serial::new(line.path().to_str().unwrap(), 57_600).open_native_async().unwrap()
    }

    #[tokio::test]
    async fn every_byte_value_passes_unchanged_both_ways() {
        let (_dir, mut line) = line();
        let mut port = open(&line);
        let all: Vec<u8> = (0..=255).collect();
        assert!(line.send(&all).await.unwrap());
        let mut heard = vec![0; all.len()];
        port.read_exact(&mut heard).await.unwrap();
        assert_eq!(heard, all);

        port.write_all(&all).await.unwrap();
        let mut heard = Vec::new();
        while heard.len() < all.len() {
            heard.extend(line.received().unwrap());
            tokio::time::sleep(PAUSE).await;
        }
        assert_eq!(heard, all);
    }

    #[tokio::test]
    async fn bytes_sent_while_nobody_listens_are_gone() {
        let (_dir, mut line) = line();
        assert!(!line.is_open().unwrap());
        assert!(!line.send(b"unheard").await.unwrap());

        let mut port = open(&line);
        assert!(line.is_open().unwrap());
        line.send(b"!").await.unwrap();
        assert_eq!(port.read_u8().await.unwrap(), b'!');
        drop(port);
        assert!(!line.is_open().unwrap());
    }

    #[tokio::test]
    async fn unplugging_hangs_up_and_plugging_in_again_gives_a_new_terminal_behind_the_old_name() {
        let (_dir, mut line) = line();
        let mut port = open(&line);
        let before = std::fs::read_link(line.path()).unwrap();
        line.unplug();
        assert_eq!(port.read(&mut [0; 8]).await.unwrap(), 0);
        assert!(!line.path().exists());

        line.plug_in_again().unwrap();
        assert_ne!(std::fs::read_link(line.path()).unwrap(), before, "the old terminal is still held open");
        drop(port);
        let mut port = open(&line);
        line.send(&[7]).await.unwrap();
        assert_eq!(port.read_u8().await.unwrap(), 7);
    }

    #[tokio::test]
    async fn a_flood_waits_for_the_reader_and_loses_nothing() {
        let (_dir, mut line) = line();
        let mut port = open(&line);
        let flood = vec![0x55; 200_000];
        let mut heard = vec![0; flood.len()];
        let (sent, received) = tokio::join!(line.send(&flood), port.read_exact(&mut heard));
        assert!(sent.unwrap());
        received.unwrap();
        assert_eq!(heard, flood);
    }
}
