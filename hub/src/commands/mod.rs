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

use varde_wire::{Action, Command, DeviceId, GatewayId, WallTime};

pub use self::asking::Ask;
use self::watching::Watch;
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
    /// How it is sent, and waited for.
    pub follow: Follow,
}

/// How a command is sent, and waited for.
#[derive(Clone, Debug, Default)]
pub struct Follow {
    /// How long it is valid, in seconds, if not as long as is usual for it.
    pub valid_s: Option<i64>,
    /// Whether nobody waits for its end.
    pub no_wait: bool,
    /// JSON, a line a step, instead of text for people.
    pub json: bool,
}

/// A command that can be stored.
pub(crate) struct Order<'a> {
    pub(crate) gateway: &'a GatewayId,
    pub(crate) device: &'a DeviceId,
    pub(crate) action: Action,
    pub(crate) follow: &'a Follow,
}

/// Stores a command for `serve` to send, and shows how far it comes until it ends.
///
/// # Errors
/// Where the gateway is not enrolled, the command cannot be made or stored, or it did not end as `done`.
pub fn ask(directory: &Directory, database: &Path, asked: &Asked, out: &mut impl Write) -> Result<(), Error> {
    let Asked { gateway, device, ask, follow } = asked;
    order(directory, database, Order { gateway, device, action: ask.action(directory)?, follow }, out)
}

/// Tells a gateway that staff is in its home for so many minutes at the most, or that they are gone.
///
/// # Errors
/// As [`ask`].
pub fn visit(
    directory: &Directory,
    database: &Path,
    gateway: &GatewayId,
    minutes: Option<u16>,
    follow: &Follow,
    out: &mut impl Write,
) -> Result<(), Error> {
    let order = Order { gateway, device: &DeviceId::gateway(), action: Action::Visit { minutes }, follow };
    self::order(directory, database, order, out)
}

/// The same for what is not asked with words of [`Ask`].
pub(crate) fn order(
    directory: &Directory,
    database: &Path,
    order: Order<'_>,
    out: &mut impl Write,
) -> Result<(), Error> {
    let Order { gateway: id, device, action, follow } = order;
    let keys = directory.keys()?;
    let mut store = Store::open(database)?;
    let Some(gateway) = store.gateway(id)? else { return Err(Error::NotEnrolled(id.clone())) };
    let Some(hub) = keys.of(gateway.hub_key) else { return Err(Error::ForeignKeys(id.clone())) };
    let sealing = store.sealing_key(gateway.row)?;
    let issued = clock::now();
    let valid_ms = follow.valid_s.unwrap_or(usual_validity_s(&action)).saturating_mul(1000);
    let expires = WallTime::from_unix_millis(issued.as_unix_millis().saturating_add(valid_ms));
    let command = Command { device: device.clone(), action };
    let new = NewCommand {
        gateway: gateway.row,
        device: device.as_str(),
        action: command.action.name(),
        validity: (issued, expires),
    };
    let number = store.command(&new, |number| {
        let signed = command.sign(&hub.signing, (id, &sealing), number, (issued, expires), *entropy()?);
        signed.map_err(|error| Error::Command(error.to_string()))
    })?;
    let watch = Watch { store: &store, row: gateway.row, gateway: id, device, number, expires, follow };
    watch.follow(out)
}

/// A plan and other keys may wait for a gateway that is off; of the rest, what is late is worse than what is not done.
const fn usual_validity_s(action: &Action) -> i64 {
    if matches!(action, Action::Plan(_) | Action::ChangeHubKeys(_)) { 7 * 24 * 3600 } else { 300 }
}
