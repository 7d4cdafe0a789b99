//! The hub's signed answer to a batch. Only a verified receipt frees an entry.

use serde::{Deserialize, Serialize};

use crate::envelope::{self, DecodeError, Versioned};
use crate::sign::{self, Kind, VerifyError};
use crate::{ChainId, GatewayId, Hash, Lane, SigningKey, VerifyingKey};

const MAX_RECEIPT_BYTES: usize = 1024;

/// The hub's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// To whom.
    pub gateway: GatewayId,
    /// For which lane.
    pub lane: Lane,
    /// For which chain of that lane.
    pub chain: ChainId,
    /// What became of it.
    pub verdict: Verdict,
}

/// What the hub did. Append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// Everything of the chain up to this batch is stored for good.
    Stored {
        /// The batch's number.
        number: u64,
        /// The hash of its signed bytes.
        hash: Hash,
        /// The seq of its last entry.
        through: u64,
    },
    /// The batch does not follow the chain as the hub knows it.
    Refused {
        /// The batch's number.
        number: u64,
        /// The hash of its signed bytes.
        hash: Hash,
        /// Why.
        reason: Refusal,
        /// The number that the hub expects next in this chain.
        expected: u64,
        /// The highest seq the hub has of this gateway and lane in any chain: a new chain starts behind it.
        through: u64,
    },
}

/// Why a batch was refused. Append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Refusal {
    /// Batches before it have not arrived.
    Missing,
    /// The hub holds another batch in its place, or another one before it.
    Fork,
    /// It, or its chain, was done with long ago.
    Replay,
}

impl Refusal {
    /// The word in output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Fork => "fork",
            Self::Replay => "replay",
        }
    }
}

impl Receipt {
    /// The signed receipt.
    ///
    /// # Errors
    /// Never for a receipt made of valid parts; the encoder's word otherwise.
    pub fn sign(&self, key: &SigningKey) -> Result<SignedReceipt, DecodeError> {
        let payload = envelope::encode(&Versioned::V1(self), MAX_RECEIPT_BYTES)?;
        sign::sign(key, Kind::Receipt, payload).map(SignedReceipt)
    }
}

/// A receipt as it travels: COSE_Sign1 bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedReceipt(Vec<u8>);

impl SignedReceipt {
    /// Bytes that claim to be a signed receipt.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The receipt, after the hub's signature held and it proved to be for `gateway`.
    ///
    /// # Errors
    /// Where anything about it is not right; see [`VerifyError`].
    pub fn verify(&self, hub: &VerifyingKey, gateway: &GatewayId) -> Result<Receipt, VerifyError> {
        let payload = sign::verify(hub, Kind::Receipt, &self.0, MAX_RECEIPT_BYTES)?;
        let Versioned::V1(receipt): Versioned<Receipt> = envelope::decode(&payload, MAX_RECEIPT_BYTES)?;
        if receipt.gateway == *gateway { Ok(receipt) } else { Err(VerifyError::WrongGateway) }
    }
}
