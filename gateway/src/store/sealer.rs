//! The epoch that seals: new at each start, each day, or when it is used up.

use std::time::Duration;

use varde_wire::{EPOCH_LIMIT, Encapsulation, Instant, Lane, SealingEpoch};

use super::{Identity, StoreError};
use crate::entropy;

const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// Seals entries, and knows which epoch it is in. Its key exists in memory only.
pub struct Sealer {
    epoch: SealingEpoch,
    begun: Instant,
}

impl Sealer {
    /// A new epoch, from fresh entropy.
    ///
    /// # Errors
    /// Where there is no entropy, or the hub's key cannot be used.
    pub fn begin(identity: &Identity, now: Instant) -> Result<Self, StoreError> {
        let epoch = SealingEpoch::begin(&identity.hub_seal, &identity.gateway, entropy::bytes()?)?;
        Ok(Self { epoch, begun: now })
    }

    /// Whether it can seal `more` entries, and is not too old for it.
    pub fn lasts(&self, more: usize, now: Instant) -> bool {
        let left = EPOCH_LIMIT.saturating_sub(self.epoch.count());
        usize::try_from(left).is_ok_and(|left| more <= left) && now.since(self.begun) < LONGEST
    }

    /// What names the epoch, and opens it at the hub.
    pub fn encapsulation(&self) -> &Encapsulation {
        self.epoch.encapsulation()
    }

    /// Seals a record to its place; gives its count in the epoch and the ciphertext.
    ///
    /// # Errors
    /// Where the epoch is used up.
    pub fn seal(&mut self, lane: Lane, seq: u64, record: &[u8]) -> Result<(u32, Vec<u8>), StoreError> {
        Ok(self.epoch.seal(lane, seq, record)?)
    }
}
