//! Pairing with a technician at hand, and the proof that it will last.
//!
//! The technician's window is the life of a [`Pairing`]: only while one exists does BlueZ have an agent to ask,
//! and the agent speaks for one chosen device, while that device is being paired. Nothing of this is in the
//! daemon, so a box that nobody stands before pairs with nobody.
//!
//! - [`Neighbourhood`]: whom BlueZ knows and hears
//! - [`Pairing::pair`]: an [`Attempt`], whose questions the technician answers
//! - [`Pairing::reconnect`] and [`Pairing::prove`]: a bond that was not seen to work again is no bond

mod agent;
mod attempt;
mod error;
mod neighbour;
mod neighbourhood;
mod proof;

use tokio::sync::mpsc;
use zbus::{OwnedObjectPath, Variant};

pub use attempt::Attempt;
pub use error::PairingError;
pub use neighbour::Neighbour;
pub use neighbourhood::Neighbourhood;

use crate::Address;
use agent::{AGENT_PATH, Agent, CAPABILITY, Event};
use neighbourhood::{BLUEZ, DEVICE};

const AGENT_MANAGER: &str = "org.bluez.AgentManager1";
const BLUEZ_PATH: &str = "/org/bluez";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

/// What the device and this box want to know from the technician, to be sure of each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// To be typed on the device. There is nothing to answer; it comes again as digits are `entered`.
    ShowPasskey {
        /// Six digits.
        passkey: u32,
        /// How many of them the device has got so far.
        entered: u16,
    },
    /// The device shows a passkey: which?
    EnterPasskey,
    /// The device shows a number: is it this one?
    ConfirmNumber {
        /// Six digits.
        number: u32,
    },
    /// The device can neither show nor take a number: is it the one that is meant?
    Authorize,
}

/// What the technician says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Yes, it is.
    Yes,
    /// No; the pairing ends.
    No,
    /// The passkey that the device shows, at most 999999.
    Passkey(u32),
}

/// What happens in an [`Attempt`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A question, to be answered by [`Attempt::answer`].
    Asked(Question),
    /// The question is taken back: no answer is awaited any more.
    Withdrawn,
    /// The two share a key that both mean to keep.
    Paired,
}

/// A technician's window: BlueZ may ask us, about the device that is being paired and no other.
#[derive(Debug)]
pub struct Pairing {
    neighbourhood: Neighbourhood,
    agent: Agent,
    events: mpsc::Receiver<Event>,
}

impl Pairing {
    /// Opens the window. No device may pair yet.
    ///
    /// # Errors
    /// BlueZ does not answer, or takes no agent.
    pub async fn open(neighbourhood: Neighbourhood) -> Result<Self, PairingError> {
        let refused = |error: zbus::Error| PairingError::AgentRefused { reason: error.to_string() };
        let connection = &neighbourhood.connection;
        let bluez: String = connection
            .call_method(
                Some("org.freedesktop.DBus"),
                "/org/freedesktop/DBus",
                Some("org.freedesktop.DBus"),
                "GetNameOwner",
                &BLUEZ,
            )
            .await
            .and_then(|reply| reply.body().deserialize())
            .map_err(refused)?;
        let (agent, events) = Agent::serve(connection, bluez).await.map_err(refused)?;
        let path = OwnedObjectPath::try_from(AGENT_PATH).map_err(refused)?;
        let manager = (Some(BLUEZ), BLUEZ_PATH, Some(AGENT_MANAGER));
        connection
            .call_method(manager.0, manager.1, manager.2, "RegisterAgent", &(&path, CAPABILITY))
            .await
            .map_err(refused)?;
        // A device that asks by itself is asked about here too, and refused.
        connection
            .call_method(manager.0, manager.1, manager.2, "RequestDefaultAgent", &path)
            .await
            .map_err(refused)?;
        Ok(Self { neighbourhood, agent, events })
    }

    /// The devices around.
    pub fn neighbourhood(&mut self) -> &mut Neighbourhood {
        &mut self.neighbourhood
    }

    /// How often another device, or another program, asked the agent and was refused.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.agent.refused()
    }

    /// Begins to pair a device that BlueZ knows. Dropping the attempt shuts the window for the device;
    /// [`Pairing::call_off`] also tells it so.
    ///
    /// # Errors
    /// BlueZ does not know the device.
    pub async fn pair(&mut self, address: Address) -> Result<Attempt<'_>, PairingError> {
        let device = self.path(address).await?;
        while self.events.try_recv().is_ok() {}
        Ok(Attempt::begin(self, address, device))
    }

    /// Ends an attempt that was dropped before its end.
    pub async fn call_off(&self, address: Address) {
        let Ok(device) = self.path(address).await else { return };
        let connection = &self.neighbourhood.connection;
        // It may be over already; then there is nothing to call off.
        let _ = connection.call_method(Some(BLUEZ), &device, Some(DEVICE), "CancelPairing", &()).await;
    }

    /// Lets a paired device connect without anybody being asked.
    ///
    /// # Errors
    /// BlueZ does not know the device, or refuses.
    pub async fn trust(&self, address: Address) -> Result<(), PairingError> {
        let device = self.path(address).await?;
        let body = (DEVICE, "Trusted", Variant::from(true));
        self.neighbourhood
            .connection
            .call_method(Some(BLUEZ), &device, Some(PROPERTIES), "Set", &body)
            .await
            .map(drop)
            .map_err(|error| PairingError::of_bluez(address, &error))
    }

    /// Shuts the window: the agent is taken off, and the scan ends.
    pub async fn close(mut self) {
        self.neighbourhood.stop_scan();
        let connection = &self.neighbourhood.connection;
        if let Ok(path) = OwnedObjectPath::try_from(AGENT_PATH) {
            // Where it fails, BlueZ takes the agent off as soon as the connection is closed.
            let _ = connection
                .call_method(Some(BLUEZ), BLUEZ_PATH, Some(AGENT_MANAGER), "UnregisterAgent", &path)
                .await;
        }
        let _ = self.neighbourhood.connection.close().await;
    }

    async fn path(&self, address: Address) -> Result<OwnedObjectPath, PairingError> {
        let found = self.neighbourhood.find(address).await?;
        found.map(|(path, _)| path).ok_or(PairingError::Gone { address })
    }
}
