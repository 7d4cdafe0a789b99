//! What gateways are asked: stored, sent, and waited for.
//!
//! - [`asking`]: what may be asked, on the command line
//! - [`plan_file`]: a dosing plan as people write it
//! - [`sending`]: the part of `serve` that sends it
//! - [`watching`]: how far it came, as it comes there

mod asking;
mod plan_file;
pub(crate) mod sending;
mod watching;

use std::io::Write;
use std::path::Path;

use varde_wire::{Command, DeviceId, GatewayId, WallTime};

pub use self::asking::Ask;
pub use self::watching::list_commands;
use crate::store::{NewCommand, Store};
use crate::{Directory, Error, clock, entropy};

/// A command as it is asked for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Which gateway.
    pub gateway: GatewayId,
    /// Which of its devices; `gateway` for the gateway itself.
    pub device: DeviceId,
    /// What it is to do.
    pub ask: Ask,
    /// How long it is valid, in seconds, if not as long as is usual for it.
    pub valid_s: Option<i64>,
    /// Whether its end is waited for.
    pub waits: bool,
    /// JSON, a line a step, instead of text for people.
    pub json: bool,
}

/// Stores a command for `serve` to send, and shows how far it comes until it ends.
///
/// # Errors
/// Where the gateway is not enrolled, the command cannot be made or stored, or it did not end as `done`.
pub fn ask(directory: &Directory, database: &Path, asked: &Asked, out: &mut impl Write) -> Result<(), Error> {
    let action = asked.ask.action()?;
    let hub = directory.keys()?;
    let mut store = Store::open(database)?;
    let Some(gateway) = store.gateway(&asked.gateway)? else {
        return Err(Error::NotEnrolled(asked.gateway.clone()));
    };
    let sealing = store.sealing_key(gateway.row)?;
    let issued = clock::now();
    let valid_ms = asked.valid_s.unwrap_or(asked.ask.usual_validity_s()).saturating_mul(1000);
    let expires = WallTime::from_unix_millis(issued.as_unix_millis().saturating_add(valid_ms));
    let command = Command { device: asked.device.clone(), action };
    let new = NewCommand {
        gateway: gateway.row,
        device: asked.device.as_str(),
        action: command.action.name(),
        validity: (issued, expires),
    };
    let number = store.command(&new, |number| {
        let to = (&asked.gateway, &sealing);
        let signed = command.sign(&hub.signing, to, number, (issued, expires), *entropy()?);
        signed.map_err(|error| Error::Command(error.to_string()))
    })?;
    watching::Watch { store: &store, gateway: gateway.row, asked, number, expires }.follow(out)
}
