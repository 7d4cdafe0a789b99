//! `varde devices teach`: from a sender that shows itself on an EnOcean stick to a line in the roster.
//!
//! Only one program can hold a serial port, so the gateway leaves it to the command for as long as that runs. What
//! else is heard there meanwhile is lost, alarms too: the technician is told so, and the window closes by itself.

use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::Duration;

use clap::Args;
use tokio::time::{sleep, timeout};
use varde_drivers::SerialProtocol;
use varde_drivers::esp3::{Eep, Offer, SenderId, TeachOutput, TeachWindow};
use varde_link::{Link as _, LinkError, Request, SerialLink};
use varde_wire::DeviceId;

use super::drop_in::{DropIn, Heard, takes_files};
use super::restart::restart;
use super::terminal::say;
use super::{Failure, interrupted};
use crate::aside::{self, Left};
use crate::clock;
use crate::command::EX_TEMPFAIL;
use crate::config::{DEFAULT_DIRECTORY, Settings};
use crate::devices::serial::settings;

/// Longer than a line is ever silent within a packet.
const SILENCE: Duration = Duration::from_millis(100);
/// How long the gateway may take to let go of the port.
const HAND_OVER: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(100);

/// What the technician wants.
#[derive(Debug, Args)]
pub struct Lesson {
    /// The stick's serial port, by its lasting name in /dev/serial/by-id
    port: PathBuf,
    /// Put the first sender that fits into the configuration by this name, such as pendant-1; never a person's name.
    /// Without it, everything that shows itself is listed
    #[arg(long = "as", value_name = "NAME")]
    name: Option<DeviceId>,
    /// What it speaks, such as F6-02-01; left out, it is taken from what the sender tells
    #[arg(long, value_parser = eep)]
    profile: Option<Eep>,
    /// Only the sender with this id, as printed on it
    #[arg(long)]
    id: Option<SenderId>,
    /// What a button is for: pendant or switch
    #[arg(long)]
    purpose: Option<String>,
    /// How long to listen: while it lasts, the gateway hears nothing on this port
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Restart the gateway at the end, so that it hears the device
    #[arg(long)]
    apply: bool,
    /// Directory of the configuration's *.toml files
    #[arg(long, value_name = "DIR", default_value = DEFAULT_DIRECTORY)]
    config: PathBuf,
}

/// Listens for who shows itself; puts one of them into the configuration where that is wanted.
///
/// # Errors
/// What did not work, and what to do next.
pub async fn teach(lesson: Lesson) -> Result<(), Failure> {
    let settings = Settings::load(&lesson.config)?;
    if lesson.name.is_some() {
        takes_files(&lesson.config)?;
    }
    let taken = tokio::select! {
        taken = lesson.listen(&settings) => taken?,
        ended = interrupted() => return Err(ended),
    };
    match (taken, &lesson.name) {
        (Some((id, eep)), Some(name)) => {
            lesson.drop_in(name, id, eep).keep(&lesson.config)?;
            restart(lesson.apply)
        }
        (None, Some(name)) => {
            let message = format!(
                "nothing showed itself that could be {name}: press the device's button within a metre of the stick, \
                 and give --profile where it tells none (any rocker does not)"
            );
            Err(Failure::new(EX_TEMPFAIL, message))
        }
        (_, None) => Ok(()),
    }
}

impl Lesson {
    /// The sender that was wanted, if it showed itself.
    async fn listen(&self, settings: &Settings) -> Result<Option<(SenderId, Eep)>, Failure> {
        let left = Left::Port(self.port.clone());
        let state_directory = settings.state_directory.clone();
        let asked = tokio::task::spawn_blocking(move || aside::ask(&state_directory, &left)).await;
        let _aside = asked.ok().flatten();
        let mut link = self.open().await?;
        say(format_args!(
            "listening on {} for {} s: press the learn button of the device now, or the button of a rocker",
            self.port.display(),
            self.seconds
        ));
        let unheard: Vec<_> = heard_on(settings, &self.port).map(DeviceId::as_str).collect();
        if !unheard.is_empty() {
            say(format_args!("until this ends the gateway does not hear {}", unheard.join(", ")));
        }
        let mut window = TeachWindow::open();
        let mut closing = pin!(sleep(Duration::from_secs(self.seconds)));
        loop {
            while let Some(output) = window.poll_output() {
                match output {
                    TeachOutput::Send(bytes) => link.request(Request::Send(bytes)).await?,
                    TeachOutput::Refused(error) => say(format_args!("heard, but not understood: {error}")),
                    TeachOutput::Offered(offer) => {
                        say(line(&offer, settings));
                        if let Some(eep) = self.wants(&offer) {
                            return Ok(Some((offer.sender, eep)));
                        }
                    }
                }
            }
            tokio::select! {
                chunk = link.next() => window.handle_bytes(&chunk?.bytes),
                () = sleep(SILENCE) => window.handle_silence(),
                () = &mut closing => return Ok(None),
            }
        }
    }

    /// Opens the port, once the gateway has let go of it.
    async fn open(&self) -> Result<SerialLink, Failure> {
        let line = settings(SerialProtocol::Esp3.line());
        let opened = timeout(HAND_OVER, async {
            loop {
                match SerialLink::open(&self.port, line, clock::boot_ms) {
                    Err(LinkError::PortBusy { .. }) => sleep(LOOK).await,
                    opened => return opened,
                }
            }
        });
        let busy = || Err(LinkError::PortBusy { path: self.port.clone() });
        Ok(opened.await.unwrap_or_else(|_| busy())?)
    }

    /// The profile by which to take the sender, if it is the one.
    fn wants(&self, offer: &Offer) -> Option<Eep> {
        self.name.as_ref()?;
        if self.id.is_some_and(|id| id != offer.sender) {
            return None;
        }
        let profiles = offer.profiles();
        match (self.profile, profiles.as_slice()) {
            (Some(wanted), profiles) => profiles.contains(&wanted).then_some(wanted),
            (None, [only]) => Some(*only),
            (None, _) => None,
        }
    }

    fn drop_in<'l>(&'l self, name: &'l DeviceId, id: SenderId, eep: Eep) -> DropIn<'l> {
        let heard = Heard::EnOcean { port: &self.port, id, purpose: self.purpose.as_deref() };
        DropIn { name, profile: eep.name(), heard }
    }
}

/// The devices of the roster that are heard on this port.
fn heard_on<'s>(settings: &'s Settings, port: &Path) -> impl Iterator<Item = &'s DeviceId> {
    let same = settings.serial.iter().filter(move |known| known.path == port);
    same.flat_map(|known| known.roster.entries()).map(|device| device.name)
}

/// A line about a sender that showed itself.
fn line(offer: &Offer, settings: &Settings) -> String {
    let told = match (&offer.teach_in, offer.profiles().as_slice()) {
        (None, _) => "a rocker or another sender without a battery: its profile begins with F6".to_owned(),
        (Some(teach_in), profiles) => {
            let maker = teach_in.manufacturer.map(|maker| format!(", maker {maker:03X}")).unwrap_or_default();
            match (teach_in.profile, profiles) {
                (Some(profile), []) => format!("profile {profile}, which this program does not know{maker}"),
                (Some(profile), _) => format!("profile {profile}{maker}"),
                (None, [only]) => format!("profile {}", only.name()),
                (None, _) => format!("its profile begins with {:02X}; it does not tell which", offer.rorg),
            }
        }
    };
    let strength = offer.rssi_dbm.map(|dbm| format!("{dbm} dBm, ")).unwrap_or_default();
    let id = offer.sender.to_string();
    let mut devices = settings.serial.iter().flat_map(|port| port.roster.entries());
    let known = devices.find(|device| device.id.as_ref() == Some(&id));
    let known = known.map(|device| format!("; {} in the roster already", device.name)).unwrap_or_default();
    format!("{id}: {strength}{told}{known}")
}

fn eep(name: &str) -> Result<Eep, String> {
    Eep::from_name(name).ok_or_else(|| {
        let near: Vec<_> = Eep::near(name).map(Eep::name).collect();
        format!("no profile of that name is known; known: {}", near.join(", "))
    })
}
