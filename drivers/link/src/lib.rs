//! Bluetooth through BlueZ and serial lines: the only crate that touches a radio or a tty.
//!
//! Everything a device says arrives through one seam, [`Link`]: bytes come in as [`Chunk`]s, exactly as the
//! device sent them, and [`Request`]s go out. [`SerialLink`] is a tty; [`BleLink`] is a connected Bluetooth
//! device, handed out by a [`Central`], which hears who is near. On the same seam stand the wrappers:
//! [`Recorder`] writes down what passes, [`Replay`] plays it again, and [`Faulty`] injures it.
//!
//! Nothing here understands a byte or retries a failure. A call that cannot succeed fails with a
//! [`LinkError`] that a technician can act upon, and the caller decides when to try again.

mod address;
mod ble;
mod bluez;
mod capture;
mod central;
mod error;
mod faulty;
mod pairing;
mod presence;
mod recorder;
mod replay;
mod serial;

use std::fmt;
use std::future::Future;

pub use address::{Address, NotAnAddress};
pub use ble::BleLink;
pub use capture::{Capture, CaptureError, CaptureWriter, Event, Moment};
pub use central::{Advertisement, Bluetooth, Central, CentralEvent, Sought};
pub use error::LinkError;
pub use faulty::{Faulty, Injuries};
pub use pairing::{Answer, Attempt, Neighbour, Neighbourhood, Pairing, PairingError, Question, Step};
pub use recorder::Recorder;
pub use replay::{Pace, Replay};
pub use serial::{LineSettings, SerialLink};
pub use tokio_serial::{DataBits, Parity, StopBits};
pub use uuid::Uuid;

/// Milliseconds since boot, sleep included (`CLOCK_BOOTTIME`). It is handed in, so that one place in the
/// gateway reads the clock.
pub type BootClock = fn() -> u64;

/// A line to one device.
pub trait Link: Send {
    /// The next bytes from the device. Waits as long as it takes, without polling, and may be dropped at any
    /// time without losing bytes.
    ///
    /// # Errors
    /// The line has ended. Everything heard before has been handed out by then, and every later call fails
    /// the same way.
    fn next(&mut self) -> impl Future<Output = Result<Chunk, LinkError>> + Send;

    /// Does what is asked. What a read answers comes out of [`Link::next`].
    ///
    /// # Errors
    /// The device or the line refused. Chunks heard before may still be waiting: keep calling
    /// [`Link::next`] until that fails too.
    fn request(&mut self, request: Request) -> impl Future<Output = Result<(), LinkError>> + Send;
}

/// Bytes as the device sent them.
#[derive(Clone, PartialEq, Eq)]
pub struct Chunk {
    /// When they arrived, in milliseconds since boot.
    pub at_ms: u64,
    /// By which way they came.
    pub channel: Channel,
    /// The bytes. They may be health data, so `Debug` tells only how many there are.
    pub bytes: Vec<u8>,
}

/// The way by which a [`Chunk`] came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// From a serial line, with no boundaries: a frame may be cut anywhere.
    Serial,
    /// A notification or indication of this characteristic, whole.
    Notified(Uuid),
    /// The answer to a read of this characteristic, whole.
    Read(Uuid),
    /// Data of this service in an advertisement.
    ServiceData(Uuid),
    /// Data of this company in an advertisement, by the number that Bluetooth SIG gave it.
    ManufacturerData(u16),
    /// The strength of the signal that brought what follows: one byte, dBm in two's complement.
    Rssi,
}

/// What the gateway asks of a device.
#[derive(Clone, PartialEq, Eq)]
pub enum Request {
    /// Sends bytes down a serial line.
    Send(Vec<u8>),
    /// Writes a characteristic, with response where the device offers that.
    Write {
        /// The characteristic to write.
        characteristic: Uuid,
        /// Its new value.
        bytes: Vec<u8>,
    },
    /// Asks for the notifications or indications of a characteristic. To lose nothing, subscribe before
    /// reading: many meters hang up seconds after their measurement.
    Subscribe {
        /// The characteristic to hear.
        characteristic: Uuid,
    },
    /// Reads a characteristic; the answer is a chunk on [`Channel::Read`].
    Read {
        /// The characteristic to read.
        characteristic: Uuid,
    },
    /// Ends the connection.
    Disconnect,
}

impl fmt::Debug for Chunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at_ms, channel, bytes } = self;
        write!(f, "Chunk({at_ms} ms, {channel:?}, {} bytes)", bytes.len())
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send(bytes) => write!(f, "Send({} bytes)", bytes.len()),
            Self::Write { characteristic, bytes } => {
                write!(f, "Write({characteristic}, {} bytes)", bytes.len())
            }
            Self::Subscribe { characteristic } => write!(f, "Subscribe({characteristic})"),
            Self::Read { characteristic } => write!(f, "Read({characteristic})"),
            Self::Disconnect => write!(f, "Disconnect"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_never_shows_what_a_device_said() {
        let bytes = vec![0xAB, 0xCD];
        let chunk = Chunk { at_ms: 5, channel: Channel::Serial, bytes: bytes.clone() };
        let write = Request::Write { characteristic: Uuid::nil(), bytes: bytes.clone() };
        for shown in [format!("{chunk:?}"), format!("{write:?}"), format!("{:?}", Request::Send(bytes))] {
            assert!(shown.contains("2 bytes"), "{shown}");
            assert!(!shown.contains("171") && !shown.to_lowercase().contains("ab, cd"), "{shown}");
        }
    }
}
