//! The plaintext of an entry: content and the time it was made.

use serde::{Deserialize, Serialize};

use crate::envelope::{self, DecodeError, Versioned};
use crate::{Context, Observation, Outcome, Report, Stamp};

/// The most bytes a record may have.
pub const MAX_RECORD_BYTES: usize = 2048;

/// What an entry holds when it is opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// When the gateway made it.
    pub stamp: Stamp,
    /// What it is.
    pub content: Content,
}

/// The kinds of record. Append only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Content {
    /// A device said something, or the gateway reports on itself.
    Observation(Observation),
    /// Something had to be given up.
    Gap(Gap),
    /// The clock became right: what its boot's earlier records need to be mended.
    Anchor(Anchor),
    /// A device said something, and the gateway knows more about it.
    InContext(Observation, Context),
    /// How far a command came.
    Outcome(Outcome),
    /// What the gateway came to by itself.
    Report(Report),
}

impl Content {
    /// An observation, with its context where there is any.
    pub fn observation(observation: Observation, context: Context) -> Self {
        if context.is_empty() {
            Self::Observation(observation)
        } else {
            Self::InContext(observation, context)
        }
    }
}

/// Observations that were heard but could not be kept. The hub shows it: a gap is never silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// How many observations; 0 where that cannot be told.
    pub observations: u64,
    /// When the first was given up.
    pub from: Stamp,
    /// When the last was given up.
    pub to: Stamp,
    /// Why.
    pub reason: GapReason,
}

/// Why observations were given up. Append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum GapReason {
    /// The disk was full or did not take writes for longer than memory could hold.
    Disk,
    /// The store's file was corrupt, and these entries could not be read back from it.
    Corruption,
}

impl GapReason {
    /// The word in output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Disk => "disk",
            Self::Corruption => "corruption",
        }
    }
}

/// One moment on both clocks: the stamp's boot and uptime, and its wall time, now synchronised.
///
/// A record of the same boot with a lesser trust was made at `stamp.wall - (stamp.uptime - its uptime)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    /// How far the wall clock was moved at that moment, in milliseconds; positive when it was behind.
    pub moved_ms: i64,
}

impl Record {
    /// The record's bytes.
    ///
    /// # Errors
    /// Where it would be longer than [`MAX_RECORD_BYTES`].
    pub fn encode(&self) -> Result<Vec<u8>, DecodeError> {
        envelope::encode(&Versioned::V1(self), MAX_RECORD_BYTES)
    }

    /// The record that these bytes are.
    ///
    /// # Errors
    /// Where they are not exactly one record of a known version.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let Versioned::V1(record) = envelope::decode(bytes, MAX_RECORD_BYTES)?;
        Ok(record)
    }
}
