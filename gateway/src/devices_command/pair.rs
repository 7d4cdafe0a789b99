//! `varde devices pair`: from a device in somebody's hand to a line in the roster, with proof.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use tokio::time::interval;
use varde_drivers::BleProfile;
use varde_link::{Address, Neighbour, Neighbourhood, Pairing, PairingError, Uuid};
use varde_wire::DeviceId;

use super::drop_in::{DropIn, Heard, takes_files};
use super::kind::{Kind, only_advertises};
use super::questions::converse;
use super::restart::restart;
use super::terminal::say;
use super::{Failure, interrupted};
use crate::aside::{self, Left};
use crate::command::{EX_CONFIG, EX_USAGE};
use crate::config::{DEFAULT_DIRECTORY, Settings};

/// Between two looks at whether the device has been heard.
const LOOK: Duration = Duration::from_millis(500);
/// After so many looks it is said how long is left.
const LOOKS_A_COUNT: u64 = 20;

/// What the technician wants.
#[derive(Debug, Args)]
pub struct Wish {
    /// The device's Bluetooth address, as `varde devices scan` shows it
    address: Address,
    /// Its name from here to the hub, such as blood-pressure-1; never a person's name
    #[arg(long = "as", value_name = "NAME")]
    name: DeviceId,
    /// What it speaks, such as blood-pressure; left out, it is taken from what the device advertises
    #[arg(long)]
    profile: Option<String>,
    /// Whose readings are whose, for a device of several users: its user numbers and their opaque ids
    #[arg(long, value_name = "1=ID,2=ID", value_delimiter = ',', value_parser = user)]
    users: Vec<(u8, String)>,
    /// The key by which an advertising sensor encrypts: 32 hexadecimal digits
    #[arg(long, value_name = "HEX")]
    key: Option<String>,
    /// The device needs no pairing: only try whether it answers
    #[arg(long)]
    no_pairing: bool,
    /// How long to wait for the device, each time that it has to show itself
    #[arg(long, value_name = "N", default_value_t = 120)]
    seconds: u64,
    /// Restart the gateway at the end, so that it hears the device
    #[arg(long)]
    apply: bool,
    /// Directory of the configuration's *.toml files
    #[arg(long, value_name = "DIR", default_value = DEFAULT_DIRECTORY)]
    config: PathBuf,
}

/// Pairs the device, proves the bond, puts it into the configuration.
///
/// # Errors
/// What did not work, and what to do next.
pub async fn pair(wish: Wish) -> Result<(), Failure> {
    let again = wish.is_in_the_roster()?;
    let _aside = Settings::state_directory(&wish.config)
        .ok()
        .map(|state| aside::ask(&state, &Left::Device(wish.address)));
    let mut pairing = Pairing::open(Neighbourhood::open().await?).await?;
    let paired = tokio::select! {
        paired = wish.be_done(&mut pairing, again) => paired,
        ended = interrupted() => {
            pairing.call_off(wish.address).await;
            Err(ended)
        }
    };
    let refused = pairing.refused();
    pairing.close().await;
    if refused > 0 {
        say(format_args!("refused meanwhile: {refused} questions about other devices, or out of turn"));
    }
    paired?;
    // The gateway finds a renewed bond by itself.
    if again.is_none() || wish.apply { restart(wish.apply) } else { Ok(()) }
}

impl Wish {
    /// Everything up to the configuration.
    async fn be_done(&self, pairing: &mut Pairing, again: Option<BleProfile>) -> Result<(), Failure> {
        let device = self.hear(pairing).await?;
        let profile = self.profile(&device, again)?;
        if again.is_none() {
            self.drop_in(self.address, &profile).check(&self.config)?;
        }
        let service = BleProfile::from_name(&profile).and_then(|profile| profile.services().first().copied());
        let service = service.map(|service| Uuid::from_u128(service.0));
        let address = if only_advertises(&profile) {
            say("it tells everything in its advertisements: there is nothing to pair");
            self.address
        } else if self.no_pairing {
            self.try_unpaired(pairing, service).await?;
            self.address
        } else {
            self.bond(pairing, &device, service).await?
        };
        match again {
            Some(_) => say(format_args!("{} stands in the configuration already", self.name)),
            None => self.drop_in(address, &profile).keep(&self.config)?,
        }
        Ok(())
    }

    /// Listens until the device shows itself.
    async fn hear(&self, pairing: &mut Pairing) -> Result<Neighbour, Failure> {
        say(format_args!(
            "looking for {}: put it into pairing mode now (its manual says by which button); {} s",
            self.address, self.seconds
        ));
        let neighbourhood = pairing.neighbourhood();
        neighbourhood.start_scan().await?;
        let mut looks = interval(LOOK);
        let looks_a_second = 2;
        for look in 0..self.seconds.saturating_mul(looks_a_second) {
            looks.tick().await;
            if let Some(device) = neighbourhood.device(self.address).await?
                && (device.rssi_dbm.is_some() || device.connected)
            {
                neighbourhood.stop_scan();
                let name = device.name.as_deref().unwrap_or("a device without a name");
                say(format_args!("found {name}: {}", Kind::of(&device).words));
                return Ok(device);
            }
            if look > 0 && look.is_multiple_of(LOOKS_A_COUNT) {
                let left = self.seconds.saturating_sub(look / looks_a_second);
                say(format_args!("not heard yet, still {left} s; is it in pairing mode, within a metre?"));
            }
        }
        neighbourhood.stop_scan();
        Err(PairingError::NotHeard { address: self.address, seconds: self.seconds }.into())
    }

    /// The profile: the one given, the one in the roster, or the one that the device advertises.
    fn profile(&self, device: &Neighbour, again: Option<BleProfile>) -> Result<String, Failure> {
        if let Some(given) = self.profile.clone().or(again.map(|profile| profile.name().to_owned())) {
            return Ok(given);
        }
        match Kind::of(device).profile {
            Some(guessed) => {
                say(format_args!("taking its profile to be {guessed}; --profile says otherwise"));
                Ok(guessed.to_owned())
            }
            None => {
                let known: Vec<_> = BleProfile::ALL.iter().map(|profile| profile.name()).collect();
                let known = known.join(", ");
                let message =
                    format!("what it advertises does not say its profile: give --profile; known: {known}");
                Err(Failure::new(EX_USAGE, message))
            }
        }
    }

    /// Pairs, or proves the bond that is there already. Gives the address by which the device is known for good.
    async fn bond(
        &self,
        pairing: &mut Pairing,
        device: &Neighbour,
        service: Option<Uuid>,
    ) -> Result<Address, Failure> {
        if device.bonded {
            say("it is bonded with this box already: trying that bond first");
            match self.prove(pairing, self.address, service).await {
                Err(PairingError::BondNotKept { .. }) => {
                    say("the device has forgotten that bond: it is removed, and made anew");
                    pairing.neighbourhood().forget(self.address).await?;
                    self.hear(pairing).await?;
                }
                proved => return Ok(proved.map(|()| self.address)?),
            }
        }
        let mut attempt = pairing.pair(self.address).await?;
        say("pairing");
        converse(&mut attempt).await?;
        let address = attempt.identity().await?;
        drop(attempt);
        pairing.trust(address).await?;
        say("paired; now the proof that it lasts");
        let proved = self.prove(pairing, address, service).await;
        if let Err(PairingError::BondNotKept { .. }) = proved {
            // A bond that one side has forgotten would only stand in the way of the next.
            let _ = pairing.neighbourhood().forget(address).await;
        }
        proved?;
        if address != self.address {
            say(format_args!("its lasting address is {address}"));
        }
        Ok(address)
    }

    /// Lets go, waits for the device to come back, and reads it again: nobody may be asked.
    async fn prove(
        &self,
        pairing: &mut Pairing,
        address: Address,
        service: Option<Uuid>,
    ) -> Result<(), PairingError> {
        pairing.disconnect(address).await?;
        say(format_args!(
            "disconnected; waiting for it to come back, up to {} s: if it went to sleep, wake it or take a measurement",
            self.seconds
        ));
        pairing.reconnect(address, Duration::from_secs(self.seconds)).await?;
        pairing.prove(address, service).await?;
        pairing.disconnect(address).await?;
        say("it came back and was read without being asked again: the bond holds");
        Ok(())
    }

    /// Whether a device that is said to need no pairing answers without.
    async fn try_unpaired(&self, pairing: &mut Pairing, service: Option<Uuid>) -> Result<(), Failure> {
        say("connecting without pairing");
        pairing.reconnect(self.address, Duration::from_secs(self.seconds)).await?;
        let read = pairing.read(self.address, service).await;
        pairing.disconnect(self.address).await?;
        match read {
            Ok(_) => {
                say("it answers without pairing");
                Ok(())
            }
            Err(PairingError::BondNotKept { reason, .. }) => Err(Failure::new(
                EX_CONFIG,
                format!(
                    "{} wants to be paired ({reason}): run the command again without --no-pairing",
                    self.address
                ),
            )),
            Err(error) => Err(error.into()),
        }
    }

    /// The profile under which this very device is in the roster already: then it is only paired again.
    fn is_in_the_roster(&self) -> Result<Option<BleProfile>, Failure> {
        let settings = Settings::load(&self.config)?;
        takes_files(&self.config)?;
        let same =
            settings.ble.iter().find(|device| device.name == self.name && device.address == self.address);
        match (same, &self.profile) {
            (Some(device), Some(wanted)) if device.profile.name() != wanted => Err(Failure::new(
                EX_CONFIG,
                format!(
                    "{} stands in the configuration as {}, not {wanted}: leave --profile out, or forget the device first",
                    self.name,
                    device.profile.name()
                ),
            )),
            (Some(device), _) => Ok(Some(device.profile)),
            // A name, address or profile that will not do is told now, before anybody presses a button.
            (None, Some(profile)) => self.drop_in(self.address, profile).check(&self.config).map(|()| None),
            (None, None) => Ok(None),
        }
    }

    fn drop_in<'w>(&'w self, address: Address, profile: &'w str) -> DropIn<'w> {
        let (users, bind_key) = (self.users.as_slice(), self.key.as_deref());
        DropIn { name: &self.name, profile, heard: Heard::Bluetooth { address, users, bind_key } }
    }
}

fn user(text: &str) -> Result<(u8, String), String> {
    let wrong = || format!("expected a user's number and id such as 1=p-1, got '{}'", text.escape_debug());
    let (number, id) = text.split_once('=').ok_or_else(wrong)?;
    Ok((number.trim().parse().map_err(|_| wrong())?, id.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_a_number_and_an_id() {
        assert_eq!(user("1=p-1"), Ok((1, "p-1".to_owned())));
        for text in ["", "1", "p-1", "x=p-1", "256=p-1"] {
            assert!(user(text).is_err(), "{text}");
        }
    }
}
