//! A serial line: a USB stick, a UART, or a pseudo-terminal.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use tokio_serial::{DataBits, Parity, SerialPortBuilderExt, SerialStream, StopBits};

use crate::{BootClock, Channel, Chunk, Link, LinkError, Request};

/// How much one read takes at most. A tty hands out what has arrived; radio sticks speak in frames well below this.
const READ_BYTES: usize = 256;

/// A port that takes nothing for this long is taken to be stuck.
const WRITE_LIMIT: Duration = Duration::from_secs(5);

/// How bits stand on the line. Flow control is always off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineSettings {
    /// Bits per second.
    pub baud: u32,
    /// Bits of a character.
    pub data_bits: DataBits,
    /// The parity bit.
    pub parity: Parity,
    /// Bits between characters.
    pub stop_bits: StopBits,
}

/// A serial port, held exclusively.
#[derive(Debug)]
pub struct SerialLink {
    /// `None` once the line has ended: an open descriptor would make the kernel give the device another name
    /// when it is plugged in again.
    port: Option<SerialStream>,
    ended: LinkError,
    path: PathBuf,
    clock: BootClock,
}

impl SerialLink {
    /// Opens the port. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// The port is missing, held by somebody else, forbidden, or no serial port.
    pub fn open(path: &Path, settings: LineSettings, clock: BootClock) -> Result<Self, LinkError> {
        let LineSettings { baud, data_bits, parity, stop_bits } = settings;
        let port = tokio_serial::new(path.to_string_lossy(), baud)
            .data_bits(data_bits)
            .parity(parity)
            .stop_bits(stop_bits)
            .exclusive(true)
            // Some boards reset when DTR changes.
            .preserve_dtr_on_open()
            .open_native_async()
            .map_err(|error| cannot_open(path, &error))?;
        hasten(path, Path::new(USB_SERIAL));
        let path = path.to_owned();
        Ok(Self { port: Some(port), ended: LinkError::Unplugged { path: path.clone() }, path, clock })
    }

    fn end(&mut self, why: LinkError) -> LinkError {
        self.port = None;
        self.ended = why.clone();
        why
    }

    fn failed(&mut self, error: &io::Error) -> LinkError {
        let path = self.path.clone();
        // A driver whose device is gone answers EIO (pty, cdc-acm), ENXIO or ENODEV (usb-serial).
        let gone = matches!(error.raw_os_error(), Some(EIO | ENXIO | ENODEV));
        self.end(if gone {
            LinkError::Unplugged { path }
        } else {
            LinkError::PortUnusable { path, reason: error.to_string() }
        })
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), LinkError> {
        let Some(port) = &mut self.port else { return Err(self.ended.clone()) };
        // No flush afterwards: on a tty that is tcdrain(), which blocks the whole thread.
        match timeout(WRITE_LIMIT, port.write_all(bytes)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.failed(&error)),
            Err(_elapsed) => {
                let (path, seconds) = (self.path.clone(), WRITE_LIMIT.as_secs());
                Err(LinkError::PortStalled { path, seconds })
            }
        }
    }
}

impl Link for SerialLink {
    async fn next(&mut self) -> Result<Chunk, LinkError> {
        let Some(port) = &mut self.port else { return Err(self.ended.clone()) };
        let mut buffer = [0; READ_BYTES];
        match port.read(&mut buffer).await {
            // A tty that hung up reads as if at its end.
            Ok(0) => Err(self.end(LinkError::Unplugged { path: self.path.clone() })),
            Ok(count) => {
                let bytes = buffer.into_iter().take(count).collect();
                Ok(Chunk { at_ms: (self.clock)(), channel: Channel::Serial, bytes })
            }
            Err(error) => Err(self.failed(&error)),
        }
    }

    async fn request(&mut self, request: Request) -> Result<(), LinkError> {
        let unsuited = |request| Err(LinkError::Unsuited { link: "serial", request });
        match request {
            Request::Send(bytes) => self.send(&bytes).await,
            Request::Disconnect => {
                self.end(LinkError::PortClosed { path: self.path.clone() });
                Ok(())
            }
            Request::Write { .. } => unsuited("Write"),
            Request::Subscribe { .. } => unsuited("Subscribe"),
            Request::Read { .. } => unsuited("Read"),
        }
    }
}

/// Where the kernel shows its USB serial adapters.
const USB_SERIAL: &str = "/sys/bus/usb-serial/devices";

/// Has an FTDI adapter hand out what has arrived after 1 ms and not after 16. Others have no such timer, and where it may
/// not be written the udev rule that is shipped has done so: neither is worth a word.
fn hasten(port: &Path, adapters: &Path) {
    let terminal = std::fs::canonicalize(port).ok();
    let name = terminal.as_deref().and_then(Path::file_name);
    let timer = name.map(|name| adapters.join(name).join("latency_timer"));
    if let Some(timer) = timer.filter(|timer| timer.exists())
        && let Err(error) = std::fs::write(&timer, "1")
    {
        tracing::debug!("{}: {error}", timer.display());
    }
}

const EIO: i32 = 5;
const ENXIO: i32 = 6;
const ENODEV: i32 = 19;

fn cannot_open(path: &Path, error: &tokio_serial::Error) -> LinkError {
    let path = path.to_owned();
    match error.kind() {
        // serialport reports both locks (TIOCEXCL, flock) that somebody else holds in this way.
        tokio_serial::ErrorKind::NoDevice => LinkError::PortBusy { path },
        tokio_serial::ErrorKind::Io(io::ErrorKind::NotFound) => LinkError::PortMissing { path },
        tokio_serial::ErrorKind::Io(io::ErrorKind::PermissionDenied) => LinkError::PortForbidden { path },
        tokio_serial::ErrorKind::Io(_)
        | tokio_serial::ErrorKind::InvalidInput
        | tokio_serial::ErrorKind::Unknown => LinkError::PortUnusable { path, reason: error.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use tokio_serial::SerialPort;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(20);

    const SETTINGS: LineSettings = LineSettings {
        baud: 57_600,
        data_bits: DataBits::Eight,
        parity: Parity::None,
        stop_bits: StopBits::One,
    };

    fn clock() -> u64 {
        7
    }

    /// The device's end of a pseudo-terminal, and a link opened on the other end by its path.
    fn device_and_link() -> (SerialStream, SerialLink) {
        let (device, line) = SerialStream::pair().unwrap();
        let path = PathBuf::from(line.name().unwrap());
        let link = SerialLink::open(&path, SETTINGS, clock).unwrap();
        (device, link)
    }

    async fn next(link: &mut SerialLink) -> Result<Chunk, LinkError> {
        timeout(LIMIT, link.next()).await.expect("the link must answer")
    }

    #[tokio::test]
    async fn bytes_arrive_in_order_with_the_time_and_none_are_lost() {
        let (mut device, mut link) = device_and_link();
        let sent: Vec<u8> = (0..1500u32).map(|n| n.to_le_bytes()[0]).collect();
        let mut heard = Vec::new();
        let listen = async {
            while heard.len() < sent.len() {
                let chunk = next(&mut link).await.unwrap();
                assert_eq!((chunk.at_ms, chunk.channel), (7, Channel::Serial));
                heard.extend(chunk.bytes);
            }
        };
        let ((), written) = tokio::join!(listen, device.write_all(&sent));
        written.unwrap();
        assert_eq!(heard, sent);
    }

    #[tokio::test]
    async fn what_is_sent_reaches_the_device_unchanged() {
        let (mut device, mut link) = device_and_link();
        // Bytes that a tty in its usual mode would translate or act upon.
        let sent = [0x00, 0x03, 0x04, 0x0A, 0x0D, 0x11, 0x13, 0x1A, 0x7F, 0xFF];
        link.request(Request::Send(sent.to_vec())).await.unwrap();
        let mut heard = [0; 10];
        timeout(LIMIT, device.read_exact(&mut heard)).await.unwrap().unwrap();
        assert_eq!(heard, sent);
    }

    #[tokio::test]
    async fn a_hang_up_hands_out_the_last_bytes_and_then_is_unplugged_for_ever() {
        let (mut device, mut link) = device_and_link();
        device.write_all(b"last").await.unwrap();
        assert_eq!(next(&mut link).await.unwrap().bytes, b"last");
        drop(device);
        let unplugged = LinkError::Unplugged { path: link.path.clone() };
        assert_eq!(next(&mut link).await, Err(unplugged.clone()));
        assert!(link.port.is_none(), "the descriptor must be closed first");
        assert_eq!(next(&mut link).await, Err(unplugged.clone()));
        assert_eq!(link.request(Request::Send(vec![1])).await, Err(unplugged));
    }

    #[tokio::test]
    async fn dropping_next_half_way_loses_nothing() {
        let (mut device, mut link) = device_and_link();
        tokio::select! {
            biased;
            chunk = link.next() => panic!("nothing was sent, yet {chunk:?} came"),
            () = tokio::task::yield_now() => {}
        }
        device.write_all(&[1, 2, 3]).await.unwrap();
        assert_eq!(next(&mut link).await.unwrap().bytes, [1, 2, 3]);
    }

    #[tokio::test]
    async fn a_second_open_is_refused_as_busy_until_the_first_is_closed() {
        let (_device, mut link) = device_and_link();
        let path = link.path.clone();
        assert_eq!(
            SerialLink::open(&path, SETTINGS, clock).unwrap_err(),
            LinkError::PortBusy { path: path.clone() }
        );
        link.request(Request::Disconnect).await.unwrap();
        assert_eq!(next(&mut link).await, Err(LinkError::PortClosed { path: path.clone() }));
        SerialLink::open(&path, SETTINGS, clock).unwrap();
    }

    #[tokio::test]
    async fn a_path_that_is_no_port_is_told_from_one_that_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ttyUSB0");
        assert_eq!(
            SerialLink::open(&path, SETTINGS, clock).unwrap_err(),
            LinkError::PortMissing { path: path.clone() }
        );
        std::fs::write(&path, b"").unwrap();
        assert_eq!(SerialLink::open(&path, SETTINGS, clock).unwrap_err().kind(), "port-unusable");
    }

    #[test]
    fn an_adapter_with_a_latency_timer_is_hastened_by_whatever_name_it_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(place("adapters/ttyUSB0")).unwrap();
        let timer = place("adapters/ttyUSB0/latency_timer");
        std::fs::write(&timer, "16\n").unwrap();
        for name in ["ttyUSB0", "ttyACM0"] {
            std::fs::write(place(name), "").unwrap();
        }
        std::os::unix::fs::symlink(place("ttyUSB0"), place("usb-adapter")).unwrap();
        for port in ["ttyACM0", "none", "usb-adapter"] {
            hasten(&place(port), &place("adapters"));
        }
        assert_eq!(std::fs::read_to_string(&timer).unwrap(), "1");
    }

    #[tokio::test]
    async fn a_serial_line_has_no_characteristics() {
        let (_device, mut link) = device_and_link();
        let refused = link.request(Request::Read { characteristic: uuid::Uuid::nil() }).await;
        assert_eq!(refused, Err(LinkError::Unsuited { link: "serial", request: "Read" }));
    }
}
