//! Devices that speak on a serial port of their own: an oximeter, a presence radar, whatever prints lines, and a Modbus
//! bus whose units are those of another implementation, tokio-modbus.
//!
//! Bytes can be said whole, in pieces with pauses between, or with a flipped bit.

pub mod modbus;
pub mod oximeter;
pub mod radar;

use std::{path::Path, time::Duration};

use tokio::time::sleep;

use super::{SimError, chance::Chance, pty::SerialLine};

/// How often somebody who waits for the port to be opened looks.
const POLL: Duration = Duration::from_millis(5);
/// The longest pause between two pieces.
const LONGEST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PIECE: u64 = 7;

/// A device on a serial port. Dropping it unplugs it.
#[derive(Debug)]
pub struct Tty {
    line: SerialLine,
    chance: Chance,
}

impl Tty {
    /// Plugs the device in; the gateway finds it at `path`.
    ///
    /// # Errors
    /// As [`SerialLine::plug_in`].
    pub fn plug_in(path: &Path, seed: u64) -> Result<Self, SimError> {
        Ok(Self { line: SerialLine::plug_in(path)?, chance: Chance::seeded(seed) })
    }

    /// Waits until a program holds the port open.
    ///
    /// # Errors
    /// When the line fails.
    pub async fn opened(&mut self) -> Result<(), SimError> {
        while !self.line.is_open()? {
            sleep(POLL).await;
        }
        Ok(())
    }

    /// Says bytes at once. False when they are gone because no program holds the port open.
    ///
    /// # Errors
    /// When the line fails.
    pub async fn say(&mut self, bytes: &[u8]) -> Result<bool, SimError> {
        self.line.send(bytes).await
    }

    /// Says bytes in small pieces, with pauses between them.
    ///
    /// # Errors
    /// When the line fails.
    pub async fn say_in_pieces(&mut self, mut bytes: &[u8]) -> Result<bool, SimError> {
        let mut heard = true;
        while !bytes.is_empty() {
            let length = usize::try_from(1 + self.chance.below(LONGEST_PIECE)).unwrap_or(1);
            let (piece, rest) = bytes.split_at(length.min(bytes.len()));
            heard &= self.line.send(piece).await?;
            bytes = rest;
            sleep(self.chance.duration_below(LONGEST_PAUSE)).await;
        }
        Ok(heard)
    }

    /// Says bytes with one bit of them flipped.
    ///
    /// # Errors
    /// When the line fails.
    pub async fn say_garbled(&mut self, bytes: &[u8]) -> Result<bool, SimError> {
        let place = self.chance.below(bytes.len() as u64 * 8);
        let mut garbled = bytes.to_vec();
        if let Some(byte) = usize::try_from(place / 8).ok().and_then(|place| garbled.get_mut(place)) {
            *byte ^= 1 << (place % 8);
        }
        self.line.send(&garbled).await
    }

    /// Takes what the gateway has said so far.
    ///
    /// # Errors
    /// When the line fails.
    pub fn heard(&mut self) -> Result<Vec<u8>, SimError> {
        self.line.received()
    }

    /// Pulls the plug.
    pub fn unplug(&mut self) {
        self.line.unplug();
    }

    /// Plugs it in again; the same path then leads to a new terminal.
    ///
    /// # Errors
    /// As [`SerialLine::plug_in`].
    pub fn plug_in_again(&mut self) -> Result<(), SimError> {
        self.line.plug_in_again()
    }
}
