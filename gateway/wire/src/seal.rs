//! The seal: entries that only the hub can open, from the moment they are made.
//!
//! HPKE (RFC 9180) in base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20Poly1305. One *epoch* is one
//! encapsulation to the hub's key. Its exported key (§5.3) seals the epoch's entries; the nonce is the entry's
//! count within the epoch, so an entry is sealed without public-key work and no nonce ever repeats.

use std::convert::Infallible;

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};
use hpke::aead::ExportOnlyAead;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable as _, OpModeR, OpModeS, Serializable as _};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::{GatewayId, Lane, OpeningKey, SealingKey};

/// The most entries one epoch may seal.
pub const EPOCH_LIMIT: u32 = 1 << 20;

const ENTRY_KEY: &[u8] = b"varde/v1/entry-key";

/// What the hub needs, beside its private key, to open an epoch's entries. Also the epoch's name.
pub type Encapsulation = [u8; 32];

/// Why something cannot be sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SealError {
    /// The epoch has sealed all it may: begin a new one.
    #[error("the epoch is used up")]
    EpochUsedUp,
    /// The public key or the encapsulation is no point that can be used.
    #[error("the key or the encapsulation cannot be used")]
    Key,
    /// Changed on the way, out of its place, or sealed to another key.
    #[error("the seal does not open: changed, out of its place, or made for another key")]
    Broken,
}

/// A sealed entry within a batch. Its seq is the batch's first and its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// Which of the batch's epochs, by its place in the batch's list.
    pub epoch: u8,
    /// The entry's count within its epoch: the nonce.
    pub count: u32,
    /// Ciphertext and tag.
    #[serde(with = "serde_bytes")]
    pub bytes: Vec<u8>,
}

/// An epoch on the gateway: seals. Its key exists in memory only.
pub struct SealingEpoch {
    gateway: GatewayId,
    encapsulation: Encapsulation,
    cipher: ChaCha20Poly1305,
    next: u32,
}

impl SealingEpoch {
    /// A new epoch of `gateway` to the hub's key. `entropy` must be fresh from a good source.
    ///
    /// # Errors
    /// Where the hub's public key cannot be used.
    pub fn begin(hub: &SealingKey, gateway: &GatewayId, entropy: [u8; 32]) -> Result<Self, SealError> {
        let (encapsulated, context) =
            hpke::setup_sender_with_rng::<ExportOnlyAead, HkdfSha256, X25519HkdfSha256>(
                &OpModeS::Base,
                &hub.0,
                &info(gateway),
                &mut Given(Zeroizing::new(entropy)),
            )
            .map_err(|_| SealError::Key)?;
        let mut key = Zeroizing::new([0; 32]);
        context.export(ENTRY_KEY, &mut *key).map_err(|_| SealError::Key)?;
        Ok(Self {
            gateway: gateway.clone(),
            encapsulation: encapsulated.to_bytes().into(),
            cipher: ChaCha20Poly1305::new(&Key::from(*key)),
            next: 0,
        })
    }

    /// What the hub needs to open this epoch.
    pub fn encapsulation(&self) -> &Encapsulation {
        &self.encapsulation
    }

    /// How many entries it has sealed.
    pub fn count(&self) -> u32 {
        self.next
    }

    /// Seals `record` to its place in the lane; gives its count in the epoch and its ciphertext.
    ///
    /// # Errors
    /// [`SealError::EpochUsedUp`] after [`EPOCH_LIMIT`] entries.
    pub fn seal(&mut self, lane: Lane, seq: u64, record: &[u8]) -> Result<(u32, Vec<u8>), SealError> {
        let count = self.next;
        if count >= EPOCH_LIMIT {
            return Err(SealError::EpochUsedUp);
        }
        let aad = aad(&self.gateway, lane, seq, &self.encapsulation);
        let sealed = self
            .cipher
            .encrypt(&nonce(count), Payload { msg: record, aad: &aad })
            .map_err(|_| SealError::Broken)?;
        self.next = count.saturating_add(1);
        Ok((count, sealed))
    }
}

/// An epoch at the hub: opens.
pub struct OpeningEpoch {
    gateway: GatewayId,
    encapsulation: Encapsulation,
    cipher: ChaCha20Poly1305,
}

impl OpeningEpoch {
    /// The epoch of `gateway` that this encapsulation stands for.
    ///
    /// # Errors
    /// Where the encapsulation is no usable point.
    pub fn begin(
        hub: &OpeningKey,
        gateway: &GatewayId,
        encapsulation: Encapsulation,
    ) -> Result<Self, SealError> {
        let encapsulated = <X25519HkdfSha256 as hpke::Kem>::EncappedKey::from_bytes(&encapsulation)
            .map_err(|_| SealError::Key)?;
        let context = hpke::setup_receiver::<ExportOnlyAead, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Base,
            &hub.0,
            &encapsulated,
            &info(gateway),
        )
        .map_err(|_| SealError::Key)?;
        let mut key = Zeroizing::new([0; 32]);
        context.export(ENTRY_KEY, &mut *key).map_err(|_| SealError::Key)?;
        Ok(Self { gateway: gateway.clone(), encapsulation, cipher: ChaCha20Poly1305::new(&Key::from(*key)) })
    }

    /// The record of an entry at its place in the lane.
    ///
    /// # Errors
    /// [`SealError::Broken`] where it was changed, moved or sealed by somebody else.
    pub fn open(&self, lane: Lane, seq: u64, count: u32, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let aad = aad(&self.gateway, lane, seq, &self.encapsulation);
        self.cipher.decrypt(&nonce(count), Payload { msg: sealed, aad: &aad }).map_err(|_| SealError::Broken)
    }
}

/// HPKE's `info`: binds the epoch to its gateway.
fn info(gateway: &GatewayId) -> Vec<u8> {
    [b"varde/v1/epoch/", gateway.as_str().as_bytes()].concat()
}

/// Associated data: gateway (behind its length), lane, seq (big-endian), epoch.
fn aad(gateway: &GatewayId, lane: Lane, seq: u64, epoch: &Encapsulation) -> Vec<u8> {
    let name = gateway.as_str().as_bytes();
    // A GatewayId is at most 64 bytes.
    let length = u8::try_from(name.len()).unwrap_or(u8::MAX);
    [&[length], name, &[lane.number()], &seq.to_be_bytes(), epoch].concat()
}

fn nonce(count: u32) -> Nonce {
    let mut nonce = [0; 12];
    if let Some(tail) = nonce.last_chunk_mut::<4>() {
        *tail = count.to_be_bytes();
    }
    Nonce::from(nonce)
}

/// The caller's entropy in the shape HPKE asks for: it draws exactly one private key's worth.
pub(crate) struct Given(pub(crate) Zeroizing<[u8; 32]>);

impl hpke::rand_core::TryRng for Given {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, wanted: &mut [u8]) -> Result<(), Infallible> {
        use sha2::Digest as _;
        for chunk in wanted.chunks_mut(32) {
            let (head, _) = self.0.split_at(chunk.len());
            chunk.copy_from_slice(head);
            // Never the same bytes twice, should a later HPKE ask for more.
            *self.0 = sha2::Sha256::digest(*self.0).into();
        }
        Ok(())
    }
}

impl hpke::rand_core::TryCryptoRng for Given {}

#[cfg(test)]
mod tests {
    use super::*;

    fn gateway() -> GatewayId {
        "gw-1".parse().unwrap()
    }

    fn epochs() -> (SealingEpoch, OpeningEpoch) {
        let hub = OpeningKey::derive(&[1; 32]);
        let sealing = SealingEpoch::begin(&hub.sealing_key(), &gateway(), [2; 32]).unwrap();
        let opening = OpeningEpoch::begin(&hub, &gateway(), *sealing.encapsulation()).unwrap();
        (sealing, opening)
    }

    #[test]
    fn an_entry_opens_in_its_own_place_only() {
        let (mut sealing, opening) = epochs();
        let (count, sealed) = sealing.seal(Lane::Routine, 7, b"a reading").unwrap();
        assert_eq!(opening.open(Lane::Routine, 7, count, &sealed).unwrap(), b"a reading");
        assert_eq!(opening.open(Lane::Urgent, 7, count, &sealed), Err(SealError::Broken));
        assert_eq!(opening.open(Lane::Routine, 8, count, &sealed), Err(SealError::Broken));
        assert_eq!(opening.open(Lane::Routine, 7, count + 1, &sealed), Err(SealError::Broken));
        let other = OpeningEpoch { gateway: "gw-2".parse().unwrap(), ..opening };
        assert_eq!(other.open(Lane::Routine, 7, count, &sealed), Err(SealError::Broken));
    }

    #[test]
    fn no_nonce_is_used_twice_in_an_epoch() {
        let (mut sealing, _) = epochs();
        let first = sealing.seal(Lane::Urgent, 0, b"same").unwrap();
        let second = sealing.seal(Lane::Urgent, 0, b"same").unwrap();
        assert_ne!(first, second);
        sealing.next = EPOCH_LIMIT;
        assert_eq!(sealing.seal(Lane::Urgent, 0, b"one more"), Err(SealError::EpochUsedUp));
    }

    #[test]
    fn any_changed_bit_breaks_the_seal() {
        let (mut sealing, opening) = epochs();
        let (count, sealed) = sealing.seal(Lane::Urgent, 0, b"alarm").unwrap();
        for bit in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(opening.open(Lane::Urgent, 0, count, &changed), Err(SealError::Broken));
        }
    }
}
