//! `varde devices list`: the roster, what binds each device to this box, and how the running gateway finds them.

use std::path::Path;

use varde_drivers::SerialEntry;
use varde_link::{Neighbour, Neighbourhood};
use varde_wire::DeviceId;

use super::Failure;
use super::terminal::say;
use crate::config::{Settings, added_devices};
use crate::observer;
use crate::snapshot::DeviceView;

/// One device of the roster, as the configuration has it.
struct Row {
    name: String,
    profile: &'static str,
    /// Its address or id.
    at: String,
    /// Whether the box has a bond with it, where that can be.
    bond: &'static str,
}

/// Prints a line a device.
///
/// # Errors
/// The configuration does not stand.
pub async fn list(config: &Path) -> Result<(), Failure> {
    let settings = Settings::load(config)?;
    let snapshot = observer::ask(&settings.state_directory);
    let known = match Neighbourhood::open().await {
        Ok(neighbourhood) => neighbourhood.devices().await.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    let rows = rows(&settings, known.as_deref().ok());
    if rows.is_empty() {
        say("no device is configured: `varde devices scan` shows who is near");
    } else {
        say(format_args!(
            "{:24} {:18} {:18} {:10} {:10} {:26} {:>8} {:>8}",
            "device", "profile", "address", "bond", "link", "last heard", "battery", "refused"
        ));
    }
    for row in &rows {
        let view = snapshot.as_ref().ok().and_then(|snapshot| snapshot.devices.get(&row.name));
        say(line(row, view));
    }
    if !settings.added.is_empty() {
        let names: Vec<_> = settings.added.iter().map(DeviceId::as_str).collect();
        let place = added_devices(&settings.state_directory);
        say(format_args!("added by the hub, in {}: {}", place.display(), names.join(", ")));
    }
    for stray in known.iter().flatten().filter(|device| is_stray(device, &settings)) {
        let Neighbour { address, .. } = stray;
        let name = stray.name.as_deref().unwrap_or("(no name)");
        say(format_args!(
            "bonded but not in the roster: {address} {name}; `varde devices forget {address}` removes the bond"
        ));
    }
    if let Err(error) = &known {
        say(format_args!("bonds are not known: {error}"));
    }
    if let Err(error) = &snapshot {
        say(format_args!("the gateway does not answer ({error}): `systemctl status varde` says how it does"));
    }
    Ok(())
}

fn rows(settings: &Settings, known: Option<&[Neighbour]>) -> Vec<Row> {
    let mut rows = Vec::new();
    for port in &settings.serial {
        for SerialEntry { name, profile, id, .. } in port.roster.entries() {
            let at = id.unwrap_or_else(|| port.path.display().to_string());
            rows.push(Row { name: name.to_string(), profile, at, bond: "-" });
        }
    }
    for device in &settings.ble {
        let profile = device.profile.name();
        let found = known.map(|known| known.iter().find(|neighbour| neighbour.address == device.address));
        let bond = match found {
            _ if super::kind::only_advertises(profile) => "-",
            None => "unknown",
            Some(Some(Neighbour { bonded: true, .. })) => "bonded",
            Some(_) => "none",
        };
        rows.push(Row { name: device.name.to_string(), profile, at: device.address.to_string(), bond });
    }
    rows
}

fn is_stray(device: &Neighbour, settings: &Settings) -> bool {
    device.bonded && settings.ble.iter().all(|known| known.address != device.address)
}

fn line(row: &Row, view: Option<&DeviceView>) -> String {
    let Row { name, profile, at, bond } = row;
    let link = view.map_or("-", |view| view.link.as_str());
    let heard = view.and_then(|view| view.last_heard.as_deref()).unwrap_or("-");
    let battery = view
        .and_then(|view| view.battery_percent)
        .map_or_else(|| "-".to_owned(), |percent| format!("{percent} %"));
    let refused = view.map_or_else(|| "-".to_owned(), |view| view.refused_frames.to_string());
    format!("{name:24} {profile:18} {at:18} {bond:10} {link:10} {heard:26} {battery:>8} {refused:>8}")
}
