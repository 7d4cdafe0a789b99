//! One attempt to pair one device, from the call to its answer, with what is asked in between.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use tokio::time::{Sleep, sleep};
use zbus::OwnedObjectPath;
use zbus::message::Message;

use super::agent::{Event, reject};
use super::neighbourhood::{BLUEZ, DEVICE};
use super::{Answer, Neighbour, Pairing, PairingError, Question, Step};
use crate::Address;
use crate::bluez::error_name;

/// The Security Manager gives up 30 s after the last answer (Core Specification, Vol 3, Part H, §3.4), BlueZ 60 s
/// after its last question; a connection takes up to 20 s before.
const LIMIT: Duration = Duration::from_secs(110);

/// BlueZ pairs with nobody to whom a connection is being made, as the gateway makes one to every known device that
/// shows itself. It has come about or failed after 20 s, and is then no hindrance.
const BUSY_TRIES: u32 = 50;
const BUSY_PAUSE: Duration = Duration::from_millis(500);

/// The largest passkey: six digits (Core Specification, Vol 3, Part H, §2.3.5.3).
const LARGEST_PASSKEY: u32 = 999_999;

/// An attempt to pair. While it lives, its device may ask; dropped, nobody may.
pub struct Attempt<'p> {
    pairing: &'p mut Pairing,
    address: Address,
    device: OwnedObjectPath,
    call: Pin<Box<dyn Future<Output = zbus::Result<Message>> + Send>>,
    limit: Pin<Box<Sleep>>,
    /// What has not been answered yet.
    asked: Option<Message>,
    /// The technician said no, which BlueZ tells like any other failure.
    declined: bool,
}

impl<'p> Attempt<'p> {
    pub(super) fn begin(pairing: &'p mut Pairing, address: Address, device: OwnedObjectPath) -> Self {
        pairing.agent.choose(Some(device.clone()));
        let (connection, path) = (pairing.neighbourhood.connection.clone(), device.clone());
        let call = Box::pin(async move {
            let mut tries = BUSY_TRIES;
            loop {
                let answer = connection.call_method(Some(BLUEZ), &path, Some(DEVICE), "Pair", &()).await;
                let busy = |error| error_name(error).as_deref() == Some("org.bluez.Error.InProgress");
                if tries == 0 || !answer.as_ref().is_err_and(busy) {
                    return answer;
                }
                tries = tries.saturating_sub(1);
                sleep(BUSY_PAUSE).await;
            }
        });
        Self { pairing, address, device, call, limit: Box::pin(sleep(LIMIT)), asked: None, declined: false }
    }

    /// What happens next. Cancel-safe. After [`Step::Paired`] or an error the attempt is over.
    ///
    /// # Errors
    /// The device cannot be reached or was not paired.
    pub async fn next(&mut self) -> Result<Step, PairingError> {
        let address = self.address;
        tokio::select! {
            biased;
            Some(event) = self.pairing.events.recv() => Ok(self.take_in(event)),
            answer = &mut self.call => match answer {
                Ok(_) => Ok(Step::Paired),
                // Somebody else, or an earlier attempt, has paired it.
                Err(error) if error_name(&error).as_deref() == Some("org.bluez.Error.AlreadyExists") => {
                    Ok(Step::Paired)
                }
                Err(_) if self.declined => Err(PairingError::Rejected { address }),
                Err(error) => Err(PairingError::of_bluez(address, &error)),
            },
            () = &mut self.limit => {
                self.pairing.call_off(address).await;
                Err(PairingError::TimedOut { address })
            }
        }
    }

    /// Answers the question that was asked last; what does not answer it is a no. Without a question it does nothing.
    ///
    /// # Errors
    /// The bus is gone.
    pub async fn answer(&mut self, answer: Answer) -> Result<(), PairingError> {
        let Some(call) = self.asked.take() else { return Ok(()) };
        let connection = &self.pairing.neighbourhood.connection;
        let header = call.header();
        let wants_passkey = header.member().is_some_and(|member| member == "RequestPasskey");
        let answered = match answer {
            Answer::Passkey(passkey) if wants_passkey && passkey <= LARGEST_PASSKEY => {
                connection.reply(&header, &passkey).await
            }
            Answer::Yes if !wants_passkey => connection.reply(&header, &()).await,
            Answer::Yes | Answer::No | Answer::Passkey(_) => {
                self.declined = true;
                reject(connection, &call).await
            }
        };
        answered.map_err(|error| PairingError::of_bluez(self.address, &error))
    }

    /// The address by which the paired device is known for good: one that changes its address tells the lasting one
    /// when it is paired.
    ///
    /// # Errors
    /// The device keeps no bond, or BlueZ does not know it any more.
    pub async fn identity(&self) -> Result<Address, PairingError> {
        let known = self.pairing.neighbourhood.known().await?;
        match known.into_iter().find(|(path, _)| *path == self.device) {
            Some((_, Neighbour { address, bonded: true, .. })) => Ok(address),
            Some(_) => Err(PairingError::NoBond { address: self.address }),
            None => Err(PairingError::Gone { address: self.address }),
        }
    }

    fn take_in(&mut self, event: Event) -> Step {
        match event {
            Event::Asked(question, call) => {
                self.asked = (!matches!(question, Question::ShowPasskey { .. })).then_some(call);
                Step::Asked(question)
            }
            Event::Withdrawn => {
                self.asked = None;
                Step::Withdrawn
            }
        }
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        self.pairing.agent.choose(None);
    }
}

impl fmt::Debug for Attempt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempt").field("address", &self.address).finish_non_exhaustive()
    }
}
