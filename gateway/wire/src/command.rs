//! What the hub asks a gateway to do: sealed to the gateway, signed by the hub, numbered, expiring.

use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable as _, OpModeR, OpModeS, Serializable as _};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::envelope::{self, DecodeError, Versioned};
use crate::seal::{Encapsulation, Given};
use crate::sign::{self, Kind, VerifyError};
use crate::{
    Action, DeviceId, GatewayId, Hash, OpeningKey, SealError, SealingKey, SigningKey, VerifyingKey, WallTime,
};

const MAX_COMMAND_BYTES: usize = 4096;

/// A command in the clear: what the gateway acts on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// For which device of the home; [`DeviceId::gateway`] for the gateway itself.
    pub device: DeviceId,
    /// What to do.
    pub action: Action,
}

/// The signed part: everything but the content can be checked before anything is opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Order {
    gateway: GatewayId,
    number: u64,
    issued: WallTime,
    expires: WallTime,
    encapsulation: Encapsulation,
    #[serde(with = "serde_bytes")]
    sealed: Vec<u8>,
}

impl Command {
    /// The command's bytes, as they are under the seal.
    ///
    /// # Errors
    /// Where it is too long, or its content breaks a rule of its fields.
    pub fn encode(&self) -> Result<Vec<u8>, DecodeError> {
        self.action.check()?;
        envelope::encode(&Versioned::V1(self), MAX_COMMAND_BYTES)
    }

    /// The command that these bytes are.
    ///
    /// # Errors
    /// Where they are not exactly one command of a known version, or its content breaks a rule of its fields.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let Versioned::V1(command): Versioned<Self> = envelope::decode(bytes, MAX_COMMAND_BYTES)?;
        command.action.check()?;
        Ok(command)
    }

    /// The signed, sealed command number `number` for `gateway`. `entropy` must be fresh.
    ///
    /// # Errors
    /// Where the gateway's key cannot be used, the command is too long, or its content breaks a rule of its fields.
    pub fn sign(
        &self,
        hub: &SigningKey,
        (gateway, key): (&GatewayId, &SealingKey),
        number: u64,
        (issued, expires): (WallTime, WallTime),
        entropy: [u8; 32],
    ) -> Result<SignedCommand, DecodeError> {
        let plain = self.encode()?;
        let (encapsulated, sealed) =
            hpke::single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
                &OpModeS::Base,
                &key.0,
                &info(gateway),
                &plain,
                &aad(number, issued, expires),
                &mut Given(Zeroizing::new(entropy)),
            )
            .map_err(|_| DecodeError::Invalid("the gateway's key cannot be used"))?;
        let encapsulation = encapsulated.to_bytes().into();
        let order = Order { gateway: gateway.clone(), number, issued, expires, encapsulation, sealed };
        let payload = envelope::encode(&Versioned::V1(order), MAX_COMMAND_BYTES)?;
        sign::sign(hub, Kind::Command, payload).map(SignedCommand)
    }
}

/// A command as it travels: COSE_Sign1 bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCommand(Vec<u8>);

impl SignedCommand {
    /// Bytes that claim to be a signed command.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// The id of the key that it says it is signed with: [`VerifyingKey::id`]. To look the key up, before anything is
    /// believed.
    ///
    /// # Errors
    /// Where it is no signed message.
    pub fn key_id(&self) -> Result<Vec<u8>, VerifyError> {
        sign::key_id(&self.0, MAX_COMMAND_BYTES)
    }

    /// The same order, signed with another key of the hub that signed it.
    ///
    /// # Errors
    /// Where it does not verify with `was`.
    pub fn sign_again(&self, was: &VerifyingKey, with: &SigningKey) -> Result<Self, VerifyError> {
        let payload = sign::verify(was, Kind::Command, &self.0, MAX_COMMAND_BYTES)?;
        sign::sign(with, Kind::Command, payload).map(Self).map_err(VerifyError::Envelope)
    }

    /// The command, after the hub's signature held and it proved to be for `gateway`.
    ///
    /// # Errors
    /// Where anything about it is not right; see [`VerifyError`].
    pub fn verify(&self, hub: &VerifyingKey, gateway: &GatewayId) -> Result<VerifiedCommand, VerifyError> {
        let payload = sign::verify(hub, Kind::Command, &self.0, MAX_COMMAND_BYTES)?;
        let Versioned::V1(order): Versioned<Order> = envelope::decode(&payload, MAX_COMMAND_BYTES)?;
        if order.gateway == *gateway {
            Ok(VerifiedCommand { order, hash: Hash::of(&payload) })
        } else {
            Err(VerifyError::WrongGateway)
        }
    }
}

/// A command whose signature held. Whether it is new and in time is for the caller to ask before opening it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedCommand {
    order: Order,
    hash: Hash,
}

impl VerifiedCommand {
    /// Its number: a gateway carries out each once, in rising order.
    pub fn number(&self) -> u64 {
        self.order.number
    }

    /// The hash of the order, whichever key of the hub it is signed with: by it one is told from another with the same
    /// number.
    pub fn hash(&self) -> Hash {
        self.hash
    }

    /// From when to when it is valid.
    pub fn validity(&self) -> (WallTime, WallTime) {
        (self.order.issued, self.order.expires)
    }

    /// What it asks.
    ///
    /// # Errors
    /// Where it was sealed to another key, or its content cannot be read or breaks a rule of its fields.
    pub fn open(&self, key: &OpeningKey) -> Result<Command, OpenError> {
        let order = &self.order;
        let encapsulated = <X25519HkdfSha256 as hpke::Kem>::EncappedKey::from_bytes(&order.encapsulation)
            .map_err(|_| SealError::Key)?;
        let plain = hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Base,
            &key.0,
            &encapsulated,
            &info(&order.gateway),
            &order.sealed,
            &aad(order.number, order.issued, order.expires),
        )
        .map_err(|_| SealError::Broken)?;
        Ok(Command::decode(&plain)?)
    }
}

use crate::batch::OpenError;

fn info(gateway: &GatewayId) -> Vec<u8> {
    [b"varde/v1/command/", gateway.as_str().as_bytes()].concat()
}

/// Associated data: number, issued, expires, each big-endian.
fn aad(number: u64, issued: WallTime, expires: WallTime) -> [u8; 24] {
    let mut aad = [0; 24];
    let fields =
        [number.to_be_bytes(), issued.as_unix_millis().to_be_bytes(), expires.as_unix_millis().to_be_bytes()];
    for (place, field) in aad.as_chunks_mut::<8>().0.iter_mut().zip(fields) {
        *place = field;
    }
    aad
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_opens_for_its_own_gateway_only() {
        let hub = SigningKey::ed25519(&[1; 32]);
        let key = OpeningKey::derive(&[2; 32]);
        let gateway: GatewayId = "gw-1".parse().unwrap();
        let command = Command { device: "dispenser-1".parse().unwrap(), action: Action::Switch { on: true } };
        let validity = (WallTime::from_unix_millis(1_000), WallTime::from_unix_millis(61_000));
        let signed = command.sign(&hub, (&gateway, &key.sealing_key()), 42, validity, [3; 32]).unwrap();

        let verified = signed.verify(&hub.verifying_key(), &gateway).unwrap();
        assert_eq!((verified.number(), verified.validity()), (42, validity));
        assert_eq!(verified.open(&key).unwrap(), command);
        assert_eq!(verified.open(&OpeningKey::derive(&[4; 32])), Err(OpenError::Seal(SealError::Broken)));
        let other = "gw-2".parse().unwrap();
        assert_eq!(signed.verify(&hub.verifying_key(), &other), Err(VerifyError::WrongGateway));
        let stranger = SigningKey::ed25519(&[5; 32]).verifying_key();
        assert_eq!(signed.verify(&stranger, &gateway), Err(VerifyError::UnknownKey));
    }
    #[test]
    fn an_order_that_another_key_of_the_hub_signs_is_the_same_order() {
        let (earlier, later) = (SigningKey::ed25519(&[1; 32]), SigningKey::ed25519(&[2; 32]));
        let key = OpeningKey::derive(&[3; 32]);
        let gateway: GatewayId = "gw-1".parse().unwrap();
        let command = Command { device: DeviceId::gateway(), action: Action::Diagnose };
        let validity = (WallTime::from_unix_millis(1_000), WallTime::from_unix_millis(61_000));
        let signed = command.sign(&earlier, (&gateway, &key.sealing_key()), 42, validity, [4; 32]).unwrap();
        let again = signed.sign_again(&earlier.verifying_key(), &later).unwrap();

        assert_eq!(signed.key_id().unwrap(), earlier.verifying_key().id());
        assert_eq!(again.key_id().unwrap(), later.verifying_key().id());
        let [was, is] = [(&signed, &earlier), (&again, &later)]
            .map(|(signed, by)| signed.verify(&by.verifying_key(), &gateway).unwrap());
        assert_eq!((&was, was.hash()), (&is, is.hash()));
        assert_eq!(is.open(&key).unwrap(), command);
        let stranger = SigningKey::ed25519(&[5; 32]).verifying_key();
        assert_eq!(signed.sign_again(&stranger, &later), Err(VerifyError::UnknownKey));
    }
}
