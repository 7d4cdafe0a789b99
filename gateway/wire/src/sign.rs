//! COSE_Sign1 (RFC 9052 §4.2): the same envelope for batches, receipts, commands and heartbeats.
//!
//! The protected header holds the algorithm and the key's id, nothing else; the external data names the kind
//! of message, so that a signed receipt can never pass as a signed batch. What is verified is the bytes as
//! they came.
//!
//! The chain names a batch by the hash of its whole envelope, of which the signature covers a part. So an
//! envelope has one form only: an empty unprotected header, the shortest CBOR, and for ECDSA the smaller of
//! the two signatures that fit. Else a broker could change a batch's hash without a key, and the hub would
//! store a batch under a name that its gateway never gave it.

use coset::{CoseSign1, CoseSign1Builder, HeaderBuilder, TaggedCborSerializable as _, iana};
use ed25519_dalek::Signer as _;
use p256::ecdsa::signature::Verifier as _;
use thiserror::Error;

use crate::{DecodeError, SigningKey, VerifyingKey};

/// What is signed, as external additional data.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Batch,
    Receipt,
    Command,
    Heartbeat,
}

impl Kind {
    const fn context(self) -> &'static [u8] {
        match self {
            Self::Batch => b"varde/v1/batch",
            Self::Receipt => b"varde/v1/receipt",
            Self::Command => b"varde/v1/command",
            Self::Heartbeat => b"varde/v1/heartbeat",
        }
    }
}

/// Why a signed message is not believed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum VerifyError {
    /// Not a COSE_Sign1, or longer than allowed.
    #[error("no signed message: {0}")]
    Envelope(DecodeError),
    /// The header names another key than the one that is on file.
    #[error("signed with a key that is not on file")]
    UnknownKey,
    /// The header names another algorithm than the key's.
    #[error("the algorithm in the header is not the key's")]
    Algorithm,
    /// The signature does not fit the bytes.
    #[error("the signature does not fit: the message was changed or signed with another key")]
    Signature,
    /// Well signed, but by or for another gateway than the topic says.
    #[error("signed for another gateway than the one it came from or for")]
    WrongGateway,
    /// Well signed, but its content cannot be read.
    #[error("well signed, but its content cannot be read: {0}")]
    Content(#[from] DecodeError),
}

/// The bytes of `payload` in a signed envelope.
pub(crate) fn sign(key: &SigningKey, kind: Kind, payload: Vec<u8>) -> Result<Vec<u8>, DecodeError> {
    envelope(&key.verifying_key(), payload)
        .create_signature(kind.context(), |bytes| match key {
            SigningKey::Ed25519(key) => key.sign(bytes).to_vec(),
            SigningKey::Es256(key) => {
                let signature: p256::ecdsa::Signature = key.sign(bytes);
                signature.normalize_s().to_bytes().to_vec()
            }
        })
        .build()
        .to_tagged_vec()
        .map_err(|e| DecodeError::Malformed(e.to_string()))
}

/// The payload of a signed envelope, after its signature held.
pub(crate) fn verify(
    key: &VerifyingKey,
    kind: Kind,
    bytes: &[u8],
    most: usize,
) -> Result<Vec<u8>, VerifyError> {
    let message = parse(bytes, most)?;
    if message.protected.header.key_id != key.id() {
        return Err(VerifyError::UnknownKey);
    }
    if message.protected.header.alg != Some(coset::RegisteredLabelWithPrivate::Assigned(algorithm(key))) {
        return Err(VerifyError::Algorithm);
    }
    message.verify_signature(kind.context(), |signature, bytes| match key {
        VerifyingKey::Ed25519(key) => {
            let signature =
                ed25519_dalek::Signature::from_slice(signature).map_err(|_| VerifyError::Signature)?;
            key.verify_strict(bytes, &signature).map_err(|_| VerifyError::Signature)
        }
        VerifyingKey::Es256(key) => {
            let signature =
                p256::ecdsa::Signature::from_slice(signature).map_err(|_| VerifyError::Signature)?;
            if signature.normalize_s() != signature {
                return Err(VerifyError::Signature);
            }
            key.verify(bytes, &signature).map_err(|_| VerifyError::Signature)
        }
    })?;
    let payload = message.payload.ok_or(VerifyError::Envelope(DecodeError::Invalid("no payload")))?;
    let only_form = envelope(key, payload.clone()).signature(message.signature).build().to_tagged_vec();
    if only_form.is_ok_and(|form| form == bytes) {
        Ok(payload)
    } else {
        Err(VerifyError::Envelope(DecodeError::Invalid("an envelope that is not in its one form")))
    }
}

/// The id of the key that a message says it is signed with: to look the key up, before anything is believed.
pub(crate) fn key_id(bytes: &[u8], most: usize) -> Result<Vec<u8>, VerifyError> {
    Ok(parse(bytes, most)?.protected.header.key_id)
}

/// All of an envelope but the signature.
fn envelope(key: &VerifyingKey, payload: Vec<u8>) -> CoseSign1Builder {
    let protected = HeaderBuilder::new().algorithm(algorithm(key)).key_id(key.id().to_vec()).build();
    CoseSign1Builder::new().protected(protected).payload(payload)
}

fn parse(bytes: &[u8], most: usize) -> Result<CoseSign1, VerifyError> {
    if bytes.len() > most {
        return Err(VerifyError::Envelope(DecodeError::TooLong { got: bytes.len(), most }));
    }
    CoseSign1::from_tagged_slice(bytes)
        .map_err(|e| VerifyError::Envelope(DecodeError::Malformed(e.to_string())))
}

const fn algorithm(key: &VerifyingKey) -> iana::Algorithm {
    match key {
        VerifyingKey::Ed25519(_) => iana::Algorithm::EdDSA,
        VerifyingKey::Es256(_) => iana::Algorithm::ES256,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> [SigningKey; 2] {
        [SigningKey::ed25519(&[1; 32]), SigningKey::es256(&[2; 32]).unwrap()]
    }

    fn signed(key: &SigningKey) -> CoseSign1 {
        let bytes = sign(key, Kind::Batch, b"payload".to_vec()).unwrap();
        CoseSign1::from_tagged_slice(&bytes).unwrap()
    }

    #[test]
    fn a_signed_message_of_one_kind_passes_as_no_other() {
        for key in keys() {
            let bytes = sign(&key, Kind::Receipt, b"payload".to_vec()).unwrap();
            let public = key.verifying_key();
            assert_eq!(verify(&public, Kind::Receipt, &bytes, 1024).unwrap(), b"payload");
            for kind in [Kind::Batch, Kind::Command, Kind::Heartbeat] {
                assert_eq!(verify(&public, kind, &bytes, 1024), Err(VerifyError::Signature));
            }
        }
    }

    #[test]
    fn nothing_can_be_added_outside_of_what_is_signed() {
        for key in keys() {
            let mut message = signed(&key);
            message.unprotected.content_type = Some(coset::ContentType::Text("text/plain".to_owned()));
            let bytes = message.to_tagged_vec().unwrap();
            let refused = verify(&key.verifying_key(), Kind::Batch, &bytes, 1024);
            assert!(matches!(refused, Err(VerifyError::Envelope(DecodeError::Invalid(_)))), "{refused:?}");
        }
    }

    #[test]
    fn a_longer_cbor_form_of_the_same_envelope_is_refused() {
        for key in keys() {
            let bytes = signed(&key).to_tagged_vec().unwrap();
            // Tag 18 in two bytes instead of one.
            let longer = [&[0xd8, 18], &bytes[1..]].concat();
            assert!(CoseSign1::from_tagged_slice(&longer).is_ok());
            let refused = verify(&key.verifying_key(), Kind::Batch, &longer, 1024);
            assert!(matches!(refused, Err(VerifyError::Envelope(DecodeError::Invalid(_)))), "{refused:?}");
        }
    }

    #[test]
    fn a_message_without_a_payload_is_refused() {
        for key in keys() {
            let mut message = signed(&key);
            message.payload = None;
            let bytes = message.to_tagged_vec().unwrap();
            assert!(verify(&key.verifying_key(), Kind::Batch, &bytes, 1024).is_err());
        }
    }

    #[test]
    fn the_other_ecdsa_signature_that_fits_is_refused() {
        let [_, key] = keys();
        let mut message = signed(&key);
        let low = p256::ecdsa::Signature::from_slice(&message.signature).unwrap();
        let (r, s) = low.split_scalars();
        let high = p256::ecdsa::Signature::from_scalars(r, -*s).unwrap();
        message.signature = high.to_bytes().to_vec();
        let bytes = message.to_tagged_vec().unwrap();
        assert_eq!(verify(&key.verifying_key(), Kind::Batch, &bytes, 1024), Err(VerifyError::Signature));
    }
}
