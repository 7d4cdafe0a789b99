//! Whether a batch follows: how the hub detects a missing, changed or repeated one.

use std::collections::VecDeque;

use crate::{ChainId, Hash, Refusal, VerifiedBatch};

/// How many batches of one lane a gateway may have out without a receipt.
///
/// A batch `n + WINDOW` therefore proves that the receipt of batch `n` was read, and batch `n` coming again
/// after it is no retry.
pub const WINDOW: u64 = 16;

/// One chain as the hub knows it: what it needs to judge the next batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    id: ChainId,
    next: u64,
    through: Option<u64>,
    /// The hashes of the last batches, the newest last; at most [`WINDOW`].
    recent: VecDeque<Hash>,
}

/// How a batch stands to its chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Following {
    /// The next one: to be stored. `skipped` counts the seqs between its first and the last of the one before.
    Next {
        /// Seqs that no batch carries: a hole in what the gateway could read back from its own disk.
        skipped: u64,
    },
    /// Stored already, byte for byte: to be receipted again, not stored again.
    Repeated,
    /// Not to be stored.
    Refused(Refusal),
}

impl Chain {
    /// A chain of which nothing has come yet.
    pub fn new(id: ChainId) -> Self {
        Self { id, next: 0, through: None, recent: VecDeque::new() }
    }

    /// A chain as it was stored: the number expected next, the last seq, the last hashes (oldest first).
    pub fn resume(
        id: ChainId,
        next: u64,
        through: Option<u64>,
        recent: impl IntoIterator<Item = Hash>,
    ) -> Self {
        let mut chain = Self { id, next, through, recent: VecDeque::new() };
        recent.into_iter().for_each(|hash| chain.remember(hash));
        chain
    }

    /// The chain's id.
    pub fn id(&self) -> ChainId {
        self.id
    }

    /// The number expected next.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// The seq of the last entry stored.
    pub fn through(&self) -> Option<u64> {
        self.through
    }

    /// The hash of the newest batch; none before the first.
    pub fn head(&self) -> Hash {
        self.recent.back().copied().unwrap_or(Hash::NONE)
    }

    /// The hashes of the newest batches, oldest first.
    pub fn recent(&self) -> impl Iterator<Item = &Hash> {
        self.recent.iter()
    }

    /// How `verified`, a batch of this chain, stands to it. Changes nothing.
    pub fn judge(&self, verified: &VerifiedBatch) -> Following {
        let batch = verified.batch();
        let behind = self.next.saturating_sub(batch.number);
        if batch.number > self.next {
            return Following::Refused(Refusal::Missing);
        }
        if behind > 0 {
            let place = u64::try_from(self.recent.len()).unwrap_or(u64::MAX).checked_sub(behind);
            let known = place.and_then(|p| usize::try_from(p).ok()).and_then(|p| self.recent.get(p));
            return match known {
                Some(hash) if *hash == verified.hash() => Following::Repeated,
                Some(_) => Following::Refused(Refusal::Fork),
                None => Following::Refused(Refusal::Replay),
            };
        }
        if batch.previous != self.head() {
            return Following::Refused(Refusal::Fork);
        }
        match self.through {
            // Seqs never go back within a chain: such a batch is signed, but its gateway lost its mind.
            Some(through) if batch.first <= through => Following::Refused(Refusal::Fork),
            Some(through) => {
                Following::Next { skipped: batch.first.saturating_sub(through).saturating_sub(1) }
            }
            None => Following::Next { skipped: 0 },
        }
    }

    /// Takes a batch that [`Self::judge`] called the next one.
    pub fn extend(&mut self, verified: &VerifiedBatch) {
        self.next = verified.batch().number.saturating_add(1);
        self.through = Some(verified.batch().last());
        self.remember(verified.hash());
    }

    fn remember(&mut self, hash: Hash) {
        self.recent.push_back(hash);
        if u64::try_from(self.recent.len()).unwrap_or(u64::MAX) > WINDOW {
            self.recent.pop_front();
        }
    }
}
