//! A run of sealed entries of one lane, chained to the one before, signed by its gateway.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::envelope::{self, Versioned};
use crate::sign::{self, Kind};
use crate::{
    ChainId, DecodeError, Encapsulation, GatewayId, Lane, OpeningEpoch, OpeningKey, Record, SealError,
    Sealed, SigningKey, VerifyError, VerifyingKey,
};

/// The most bytes a signed batch may have.
pub const MAX_BATCH_BYTES: usize = 256 * 1024;

/// The most entries a batch may hold.
pub const MAX_BATCH_ENTRIES: usize = 1024;

/// The most epochs a batch may list: as many as an entry can name.
const MAX_BATCH_EPOCHS: usize = 256;

/// SHA-256 of a signed batch's exact bytes; all zero before a chain's first batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Hash([u8; 32]);

impl Hash {
    /// What a chain's first batch names as the one before it.
    pub const NONE: Self = Self([0; 32]);

    /// The hash of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The hash that these bytes are.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The hash's bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl std::fmt::Display for Hash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        crate::key::write_hex(f, &self.0)
    }
}

/// A run of entries with consecutive seqs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// Who made it.
    pub gateway: GatewayId,
    /// In which lane.
    pub lane: Lane,
    /// In which chain of that lane.
    pub chain: ChainId,
    /// Its place in the chain, from 0.
    pub number: u64,
    /// The hash of the signed batch before it in the chain.
    pub previous: Hash,
    /// The seq of its first entry.
    pub first: u64,
    /// The epochs its entries were sealed in.
    pub epochs: Vec<Encapsulation>,
    /// Its entries; never none.
    pub entries: Vec<Sealed>,
}

impl Batch {
    /// The seq of its last entry.
    pub fn last(&self) -> u64 {
        let more = u64::try_from(self.entries.len()).unwrap_or(u64::MAX).saturating_sub(1);
        self.first.saturating_add(more)
    }

    /// The signed batch: the bytes that go out, now and at every retry.
    ///
    /// # Errors
    /// Where the batch breaks a rule or is longer than [`MAX_BATCH_BYTES`].
    pub fn sign(&self, key: &SigningKey) -> Result<SignedBatch, DecodeError> {
        self.check()?;
        let payload = envelope::encode(&Versioned::V1(self), MAX_BATCH_BYTES)?;
        let bytes = sign::sign(key, Kind::Batch, payload)?;
        if bytes.len() > MAX_BATCH_BYTES {
            return Err(DecodeError::TooLong { got: bytes.len(), most: MAX_BATCH_BYTES });
        }
        Ok(SignedBatch(bytes))
    }

    fn check(&self) -> Result<(), DecodeError> {
        let fault = if self.entries.is_empty() {
            "a batch without entries"
        } else if self.entries.len() > MAX_BATCH_ENTRIES {
            "more entries than a batch may hold"
        } else if self.entries.iter().any(|entry| usize::from(entry.epoch) >= self.epochs.len()) {
            "an entry of an epoch that the batch does not list"
        } else if self.epochs.len() > self.entries.len().min(MAX_BATCH_EPOCHS) {
            // Each epoch costs the hub a public-key operation.
            "more epochs than its entries need or can name"
        } else if self.first.checked_add(MAX_BATCH_ENTRIES as u64).is_none() {
            "a seq past the end of numbers"
        } else if (self.number == 0) != (self.previous == Hash::NONE) {
            "the first batch of a chain, and only it, names no batch before it"
        } else {
            return Ok(());
        };
        Err(DecodeError::Invalid(fault))
    }
}

/// A batch as it travels: COSE_Sign1 bytes, never made again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedBatch(Vec<u8>);

impl SignedBatch {
    /// Bytes that claim to be a signed batch.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes, given away.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// The hash that the next batch of the chain and the receipt name.
    pub fn hash(&self) -> Hash {
        Hash::of(&self.0)
    }

    /// The id of the key it says it is signed with. Nothing is believed by asking.
    ///
    /// # Errors
    /// Where the bytes are no COSE_Sign1.
    pub fn key_id(&self) -> Result<Vec<u8>, VerifyError> {
        sign::key_id(&self.0, MAX_BATCH_BYTES)
    }

    /// The batch, after its signature held and it proved to be `gateway`'s.
    ///
    /// # Errors
    /// Where anything about it is not right; see [`VerifyError`].
    pub fn verify(&self, key: &VerifyingKey, gateway: &GatewayId) -> Result<VerifiedBatch, VerifyError> {
        let payload = sign::verify(key, Kind::Batch, &self.0, MAX_BATCH_BYTES)?;
        let Versioned::V1(batch): Versioned<Batch> = envelope::decode(&payload, MAX_BATCH_BYTES)?;
        batch.check()?;
        if batch.gateway != *gateway {
            return Err(VerifyError::WrongGateway);
        }
        Ok(VerifiedBatch { hash: self.hash(), batch })
    }
}

/// A batch whose signature held. Only such a one can be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedBatch {
    hash: Hash,
    batch: Batch,
}

impl VerifiedBatch {
    /// The hash of its signed bytes.
    pub fn hash(&self) -> Hash {
        self.hash
    }

    /// What it says.
    pub fn batch(&self) -> &Batch {
        &self.batch
    }

    /// The epochs of this batch, ready to open its entries: each with that key of the hub which opens one of them, or the
    /// last where none does. `known` keeps the ones opened before: an epoch lasts for many batches, and each costs an
    /// X25519 operation. Keep one map for each gateway: an epoch opens under the name of the gateway that it was begun
    /// for, and shared, one gateway could pass off another's copied entries as its own. And keep it only as long as the
    /// keys are the same.
    ///
    /// # Errors
    /// Where an encapsulation is no usable point, or there is no key.
    pub fn unlock<'k>(
        &self,
        hub: &[&OpeningKey],
        known: &'k mut HashMap<Encapsulation, OpeningEpoch>,
    ) -> Result<Unlocked<'_, 'k>, SealError> {
        for (place, epoch) in self.batch.epochs.iter().enumerate() {
            if !known.contains_key(epoch) {
                known.insert(*epoch, self.begin(hub, place, *epoch)?);
            }
        }
        Ok(Unlocked { batch: &self.batch, epochs: known })
    }

    /// The epoch of this place in the batch's list.
    fn begin(
        &self,
        hub: &[&OpeningKey],
        place: usize,
        epoch: Encapsulation,
    ) -> Result<OpeningEpoch, SealError> {
        let (last, earlier) = hub.split_last().ok_or(SealError::Key)?;
        for key in earlier {
            let opening = OpeningEpoch::begin(key, &self.batch.gateway, epoch)?;
            if self.any_opens(&opening, place) {
                return Ok(opening);
            }
        }
        OpeningEpoch::begin(last, &self.batch.gateway, epoch)
    }

    fn any_opens(&self, opening: &OpeningEpoch, place: usize) -> bool {
        let mut of_it = (self.batch.first..)
            .zip(&self.batch.entries)
            .filter(|(_, entry)| usize::from(entry.epoch) == place);
        of_it.any(|(seq, entry)| opening.open(self.batch.lane, seq, entry.count, &entry.bytes).is_ok())
    }
}

/// A verified batch and the keys to its entries.
pub struct Unlocked<'b, 'k> {
    batch: &'b Batch,
    epochs: &'k HashMap<Encapsulation, OpeningEpoch>,
}

/// One opened entry of a batch.
#[derive(Debug)]
pub struct Opened {
    /// Its seq in the lane.
    pub seq: u64,
    /// The epoch it was sealed in.
    pub epoch: Encapsulation,
    /// What it says, or why that cannot be read. One bad entry does not take the others with it.
    pub record: Result<Record, OpenError>,
}

/// Why an entry of a well signed batch cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The seal.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// What was under it.
    #[error(transparent)]
    Content(#[from] DecodeError),
}

impl Unlocked<'_, '_> {
    /// The entries, opened one by one.
    pub fn entries(&self) -> impl Iterator<Item = Opened> {
        (self.batch.first..).zip(&self.batch.entries).map(|(seq, entry)| {
            // `check` made sure that the epoch is listed, `unlock` that it is known.
            let epoch = self.batch.epochs.get(usize::from(entry.epoch)).copied().unwrap_or_default();
            let record = self.open(&epoch, seq, entry);
            Opened { seq, epoch, record }
        })
    }

    fn open(&self, epoch: &Encapsulation, seq: u64, entry: &Sealed) -> Result<Record, OpenError> {
        let opening = self.epochs.get(epoch).ok_or(SealError::Key)?;
        let bytes = opening.open(self.batch.lane, seq, entry.count, &entry.bytes)?;
        Ok(Record::decode(&bytes)?)
    }
}
