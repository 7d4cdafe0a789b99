//! Sends what gateways are asked, until they answer or its time is over.
//!
//! Of each gateway one command is under way: a gateway takes numbers in rising order, and one that overtook another
//! would shut it out. What is sent again is the same order, and
//! the same bytes as long as its gateway goes by the same of the hub's keys.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};
use varde_wire::{GatewayId, Topic};

use crate::clock;
use crate::error::chain;
use crate::link::Outgoing;
use crate::store::{Store, Unanswered};
use crate::{Directory, Error};

/// Between two looks for something new.
const LOOK: Duration = Duration::from_millis(100);

/// Between two times that the same command is sent: doubling.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The sending side of `serve`.
pub(crate) struct Sending {
    store: Store,
    directory: Directory,
    link: mpsc::Sender<Outgoing>,
    is_up: watch::Receiver<bool>,
    /// When each command under way goes out again.
    due: HashMap<i64, Due>,
}

#[derive(Clone, Copy)]
struct Due {
    at: Instant,
    pause: Duration,
}

impl Sending {
    /// Commands of this database go out over this link.
    pub(crate) fn new(
        store: Store,
        directory: Directory,
        link: mpsc::Sender<Outgoing>,
        is_up: watch::Receiver<bool>,
    ) -> Self {
        Self { store, directory, link, is_up, due: HashMap::new() }
    }

    /// Starts the thread that sends, until `stop` says so; `online` tells which gateways come online.
    pub(crate) fn begin(
        self,
        online: Receiver<GatewayId>,
        stop: watch::Receiver<bool>,
    ) -> std::io::Result<JoinHandle<()>> {
        thread::Builder::new().name("commands".to_owned()).spawn(move || self.run(&online, &stop))
    }

    fn run(mut self, online: &Receiver<GatewayId>, stop: &watch::Receiver<bool>) {
        let mut trouble = String::new();
        while !*stop.borrow() {
            let came = match online.recv_timeout(LOOK) {
                Ok(gateway) => Some(gateway),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            match self.look(came.as_ref()) {
                Ok(()) => trouble.clear(),
                // Said once, not at every look.
                Err(error) => {
                    let error = chain(&error);
                    if error != trouble {
                        tracing::warn!("commands cannot be sent: {error}");
                        trouble = error;
                    }
                }
            }
        }
    }

    fn look(&mut self, came: Option<&GatewayId>) -> Result<(), Error> {
        let unanswered = self.store.unanswered()?;
        self.due.retain(|row, _| unanswered.iter().any(|command| command.row == *row));
        for command in unanswered {
            if command.expires < clock::now() {
                self.store.note_unanswered(command.row, clock::now())?;
            } else if came == Some(&command.gateway) || self.is_due(command.row) {
                let Some(command) = self.signed_for_now(command)? else { continue };
                self.send(command)?;
            }
        }
        Ok(())
    }

    fn is_due(&self, row: i64) -> bool {
        self.due.get(&row).is_none_or(|due| due.at <= Instant::now())
    }

    /// As its gateway believes it, which may have been told of other keys since it was asked; none where the hub does not
    /// hold both pairs, until its time is over.
    fn signed_for_now(&self, command: Unanswered) -> Result<Option<Unanswered>, Error> {
        let Some(gateway) = self.store.gateway(&command.gateway)? else { return Ok(None) };
        let signed_with = command.signed.key_id().unwrap_or_default();
        if gateway.hub_key.is_none_or(|key| signed_with == key) {
            return Ok(Some(command));
        }
        let keys = self.directory.keys()?;
        let was = keys.pairs().find(|pair| signed_with == pair.id());
        let Some((was, now)) = was.zip(keys.of(gateway.hub_key)) else { return Ok(None) };
        let Ok(signed) = command.signed.sign_again(&was.signing.verifying_key(), &now.signing) else {
            return Ok(None);
        };
        self.store.note_signed(command.row, &signed)?;
        Ok(Some(Unanswered { signed, ..command }))
    }

    fn send(&mut self, command: Unanswered) -> Result<(), Error> {
        if !*self.is_up.borrow() {
            return Ok(());
        }
        let topic = Topic::Command(command.gateway);
        let bytes = command.signed.into_bytes();
        if self.link.try_send(Outgoing { topic, bytes }).is_err() {
            // The link is overrun: at the next look.
            return Ok(());
        }
        let pause = self.due.get(&command.row).map_or(FIRST_PAUSE, |due| due.pause);
        let next = pause.saturating_mul(2).min(LONGEST_PAUSE);
        let at = Instant::now().checked_add(pause).unwrap_or_else(Instant::now);
        self.due.insert(command.row, Due { at, pause: next });
        if !command.was_sent {
            self.store.note_sent(command.row, clock::now())?;
        }
        Ok(())
    }
}
