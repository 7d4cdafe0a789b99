//! `varde devices forget`: the bond is removed from this box, and the device from the roster.

use std::path::PathBuf;

use clap::Args;
use varde_link::{Address, Neighbourhood};
use varde_wire::DeviceId;

use super::restart::restart;
use super::terminal::{Answers, say};
use super::{Failure, interrupted};
use crate::command::{EX_CONFIG, EX_IOERR, EX_USAGE};
use crate::config::{DEFAULT_DIRECTORY, Place, Settings, Writer, drop_in::file_of, standing};

/// What the technician wants.
#[derive(Debug, Args)]
pub struct Parting {
    /// The device's name in the roster, or the address of one that is bonded but not in it
    #[arg(value_name = "NAME")]
    device: String,
    /// Ask nothing
    #[arg(long)]
    yes: bool,
    /// Restart the gateway at the end
    #[arg(long)]
    apply: bool,
    /// Directory of the configuration's *.toml files
    #[arg(long, value_name = "DIR", default_value = DEFAULT_DIRECTORY)]
    config: PathBuf,
}

/// Where the device stands in the configuration.
enum Stands {
    /// In a file of its own, which we wrote, or the hub.
    Alone(PathBuf),
    /// In a file that somebody else wrote.
    Elsewhere(Place),
    Nowhere,
}

/// Forgets the device.
///
/// # Errors
/// There is none, BlueZ does not do its part, or the configuration is not ours to change.
pub async fn forget(parting: Parting) -> Result<(), Failure> {
    let (address, stands) = parting.look_up()?;
    let Parting { device, yes, apply, .. } = parting;
    if !yes {
        let file = match &stands {
            Stands::Alone(path) => format!(" and {}", path.display()),
            Stands::Elsewhere(_) | Stands::Nowhere => String::new(),
        };
        let (shown, bond) = match address {
            Some(address) => (format!(" ({address})"), "its bond"),
            None => (String::new(), "it from the roster"),
        };
        say(format_args!("forget {device}{shown}? This removes {bond}{file}. yes or no"));
        let mut answers = Answers::default();
        let answer = tokio::select! {
            answer = answers.next() => answer,
            ended = interrupted() => return Err(ended),
        };
        if !answer.is_some_and(|answer| matches!(answer.to_ascii_lowercase().as_str(), "yes" | "y")) {
            say("nothing was changed");
            return Ok(());
        }
    }
    if let Some(address) = address {
        if Neighbourhood::open().await?.forget(address).await? {
            say("the bond is removed; remove it in the device's own menu too, if it has one");
        } else {
            say("bluetoothd knew no such device: there was no bond");
        }
    }
    match stands {
        Stands::Alone(path) => {
            let removed = std::fs::remove_file(&path);
            let shown = path.display();
            removed.map_err(|error| {
                Failure::new(EX_IOERR, format!("{shown} stays ({error}): remove it yourself"))
            })?;
            say(format_args!("{shown} removed"));
            restart(apply)
        }
        Stands::Elsewhere(place) => {
            let message = format!(
                "{device} still stands at {place}, which somebody wrote by hand: take its [[device]] out there, then systemctl restart varde"
            );
            Err(Failure::new(EX_CONFIG, message))
        }
        Stands::Nowhere => Ok(()),
    }
}

impl Parting {
    /// Its address, if it has one, and where it stands.
    fn look_up(&self) -> Result<(Option<Address>, Stands), Failure> {
        if let Ok(address) = self.device.parse() {
            let settings = Settings::load(&self.config)?;
            return match settings.ble.iter().find(|device| device.address == address) {
                Some(known) => {
                    let message =
                        format!("{address} is {} in the roster: forget it by that name", known.name);
                    Err(Failure::new(EX_USAGE, message))
                }
                None => Ok((Some(address), Stands::Nowhere)),
            };
        }
        let name: DeviceId =
            self.device.parse().map_err(|bad: varde_wire::BadId| Failure::new(EX_USAGE, bad.to_string()))?;
        let settings = Settings::load(&self.config)?;
        let Some(standing) = standing(&self.config, &name)? else {
            let message = format!(
                "no device {name} stands in {}: `varde devices list` names them",
                self.config.display()
            );
            return Err(Failure::new(EX_USAGE, message));
        };
        let address = settings.ble.iter().find(|device| device.name == name).map(|device| device.address);
        // A drop-in goes by its name; what the hub added stands elsewhere, and goes by its path.
        let path = self.config.join(&standing.place.file);
        let own = standing.alone && path.ends_with(file_of(&name)) && Writer::of(&path).is_some();
        Ok((address, if own { Stands::Alone(path) } else { Stands::Elsewhere(standing.place) }))
    }
}
