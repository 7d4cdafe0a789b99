//! Devices that speak on a serial port of their own: an oximeter, a presence radar, whatever prints lines, and a Modbus
//! bus whose units are those of another implementation, tokio-modbus.
//!
//! What they say can be left whole or go through a [bad line](super::bad_line).

pub mod modbus;
pub mod oximeter;
pub mod radar;

use std::{path::Path, time::Duration};

use tokio::time::sleep;

use super::{
    SimError,
    bad_line::{BadLine, Injury},
    pty::SerialLine,
};

/// How often somebody who waits for the port to be opened looks.
const POLL: Duration = Duration::from_millis(5);

/// A device on a serial port. Dropping it unplugs it.
#[derive(Debug)]
pub struct Tty {
    line: SerialLine,
    bad: BadLine,
}

impl Tty {
    /// Plugs the device in; the gateway finds it at `path`. The bad line is for [`Tty::say_badly`].
    ///
    /// # Errors
    /// As [`SerialLine::plug_in`].
    pub fn plug_in(path: &Path, bad: BadLine) -> Result<Self, SimError> {
        Ok(Self { line: SerialLine::plug_in(path)?, bad })
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

    /// Says messages through the bad line, and gives the bytes that came out of it.
    ///
    /// # Errors
    /// As [`BadLine::carry`].
    pub async fn say_badly(&mut self, injury: Injury, messages: &[Vec<u8>]) -> Result<Vec<u8>, SimError> {
        self.bad.carry(&mut self.line, injury, messages).await
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
