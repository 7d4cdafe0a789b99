//! What the hub holds in memory to take batches in: its keys, and what it knows of gateways and chains.

use std::collections::HashMap;

use varde_wire::{ChainId, Encapsulation, GatewayId, Lane, OpeningEpoch, SignedBatch, SigningKey};

use crate::clock;
use crate::error::chain;
use crate::reopening::Reopening;
use crate::round::Round;
use crate::store::{Gateway, GatewayRow, Store, StoreError, Tracked};
use crate::{Directory, Error, Keyring};

/// More chains than this are not held in memory; they are read again when they are needed.
const MOST_CHAINS: usize = 16 * 1024;
/// More epochs of one gateway than this are not held; a batch seldom has more than two.
const MOST_EPOCHS: usize = 32;

/// A batch as it came from the broker. Nothing of it is believed but the topic, which the broker's access
/// list vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// The gateway that the topic names.
    pub gateway: GatewayId,
    /// The lane that the topic names.
    pub lane: Lane,
    /// The batch.
    pub signed: SignedBatch,
}

/// Takes batches in, round by round.
pub struct Intake {
    pub(crate) store: Store,
    directory: Directory,
    keys: Keyring,
    /// Why the keys could not be read again, if they could not.
    key_trouble: String,
    reopening: Reopening,
    data_version: Option<i64>,
    gateways: HashMap<GatewayId, Gateway>,
    chains: HashMap<(GatewayRow, Lane, ChainId), Tracked>,
    /// By gateway: an epoch opens what was sealed for one gateway, and must not open it in another's name.
    epochs: HashMap<GatewayRow, HashMap<Encapsulation, OpeningEpoch>>,
}

impl Intake {
    /// An intake into this database with the keys of this hub, as they are and as they change.
    ///
    /// # Errors
    /// Where the keys cannot be read.
    pub fn new(store: Store, directory: Directory) -> Result<Self, Error> {
        Ok(Self {
            store,
            keys: directory.keys()?,
            directory,
            key_trouble: String::new(),
            reopening: Reopening::ALL,
            data_version: None,
            gateways: HashMap::new(),
            chains: HashMap::new(),
            epochs: HashMap::new(),
        })
    }

    /// Begins a round: batches that are stored together, and answered together after that.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub fn begin(&mut self) -> Result<Round<'_>, StoreError> {
        self.store.begin()?;
        let round = Round::begun(self);
        let version = round.intake.store.data_version()?;
        if round.intake.data_version != Some(version) {
            // Somebody else wrote: a gateway may have been enrolled anew, or told of other keys.
            round.intake.gateways.clear();
            round.intake.renew_keys();
            round.intake.data_version = Some(version);
        }
        let Self { reopening, store, keys, .. } = &mut *round.intake;
        if let Err(error) = reopening.go_on(store, keys, clock::now()) {
            // What comes now is worth more.
            *reopening = Reopening::Done;
            tracing::error!("what did not open before is not tried again: {}", chain(&error));
        }
        if round.intake.chains.len() > MOST_CHAINS {
            round.intake.chains.clear();
        }
        Ok(round)
    }

    /// Takes up a pair of keys that was made while the hub ran, and lets go of one that was retired.
    fn renew_keys(&mut self) {
        let renewed = match self.directory.holds(&self.keys) {
            Ok(true) => return,
            Ok(false) => self.directory.keys(),
            Err(error) => Err(error),
        };
        match renewed {
            Ok(keys) => {
                tracing::info!("the hub's keys changed: pair {} is the newest", keys.newest().number());
                self.keys = keys;
                self.epochs.clear();
                self.reopening = Reopening::ALL;
                self.key_trouble.clear();
            }
            // Said once, not at every round.
            Err(error) => {
                let error = chain(&error);
                if error != self.key_trouble {
                    tracing::warn!("the hub's keys cannot be read again, and stay as they were: {error}");
                    self.key_trouble = error;
                }
            }
        }
    }

    /// What this gateway's receipts are signed with; none where it goes by keys that the hub does not hold, as
    /// `varde-hub keys` shows. It may still believe the ones before, and would let go of what the hub cannot open.
    pub(crate) fn signing(&self, gateway: &GatewayId) -> Option<&SigningKey> {
        let known = self.gateways.get(gateway)?;
        Some(&self.keys.of(known.hub_key)?.signing)
    }

    /// Forgets what a round that came to nothing may have changed.
    pub(crate) fn forget(&mut self) {
        self.chains.clear();
        self.gateways.clear();
        self.reopening = Reopening::ALL;
    }

    /// The gateway of this id, if it is enrolled.
    pub(crate) fn gateway(&mut self, id: &GatewayId) -> Result<Option<&Gateway>, StoreError> {
        if !self.gateways.contains_key(id) {
            let Some(found) = self.store.gateway(id)? else { return Ok(None) };
            self.gateways.insert(id.clone(), found);
        }
        Ok(self.gateways.get(id))
    }

    /// A chain as it stands, with all that this round has added.
    pub(crate) fn chain(
        &mut self,
        gateway: GatewayRow,
        lane: Lane,
        id: ChainId,
    ) -> Result<Tracked, StoreError> {
        if let Some(known) = self.chains.get(&(gateway, lane, id)) {
            return Ok(known.clone());
        }
        self.store.chain(gateway, lane, id)
    }

    /// Remembers a chain that grew.
    pub(crate) fn remember(&mut self, gateway: GatewayRow, lane: Lane, grown: Tracked) {
        self.chains.insert((gateway, lane, grown.chain.id()), grown);
    }

    /// What opens a gateway's entries, and the epochs of it that are known.
    pub(crate) fn opening(
        &mut self,
        gateway: GatewayRow,
    ) -> (&Store, &Keyring, &mut HashMap<Encapsulation, OpeningEpoch>) {
        let epochs = self.epochs.entry(gateway).or_default();
        if epochs.len() > MOST_EPOCHS {
            epochs.clear();
        }
        (&self.store, &self.keys, epochs)
    }
}
