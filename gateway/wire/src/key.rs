//! The four kinds of key, and their one text form in files.
//!
//! A key file holds one line: the kind, the algorithm and the key in hexadecimal, such as
//! `varde-verify ed25519 3d40…`. The kind says what the key is for, so that no file serves for another.

use std::fmt;

use ed25519_dalek as ed25519;
use hpke::{Deserializable as _, Kem as _, Serializable as _};
use p256::ecdsa as es256;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use thiserror::Error;
use zeroize::Zeroizing;

type X25519 = hpke::kem::X25519HkdfSha256;

/// Why a text is no key of the wanted kind. Never says anything of the key itself.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadKey {
    /// The first word is not the wanted kind.
    #[error("expected a line '{expected} ALGORITHM HEX', got {got}")]
    Kind {
        /// The kind that is needed here.
        expected: &'static str,
        /// What stands there, if it is a kind at all.
        got: &'static str,
    },
    /// The second word is no algorithm of this kind of key.
    #[error("unknown algorithm for a {0} key")]
    Algorithm(&'static str),
    /// The third word is not the hexadecimal form of such a key.
    #[error("the {0} key is damaged: not the right number of hexadecimal digits, or no valid key")]
    Damaged(&'static str),
}

/// Signs batches (gateway) or receipts and commands (hub). Not the TLS key.
#[derive(Clone)]
pub enum SigningKey {
    /// Ed25519 (RFC 8032).
    Ed25519(Box<ed25519::SigningKey>),
    /// ECDSA with P-256 and SHA-256, deterministic (RFC 6979): what secure elements and TPMs can do.
    Es256(es256::SigningKey),
}

/// What a key is known by: [`VerifyingKey::id`].
pub type KeyId = [u8; 8];

/// Verifies what the [`SigningKey`] signed. On the wire, the line of its file without the line feed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum VerifyingKey {
    /// Ed25519 (RFC 8032), strict: no weak keys, no malleable signatures.
    Ed25519(ed25519::VerifyingKey),
    /// ECDSA with P-256 and SHA-256.
    Es256(es256::VerifyingKey),
}

/// The public half of the receiver's HPKE key: seals. On the wire, the line of its file without the line feed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SealingKey(pub(crate) <X25519 as hpke::Kem>::PublicKey);

/// The private half of the receiver's HPKE key: opens. A gateway never holds the hub's.
#[derive(Clone)]
pub struct OpeningKey(pub(crate) <X25519 as hpke::Kem>::PrivateKey);

const SIGN: &str = "varde-sign";
const VERIFY: &str = "varde-verify";
const SEAL: &str = "varde-seal";
const OPEN: &str = "varde-open";
const ED25519: &str = "ed25519";
const ES256: &str = "es256";
const X25519_NAME: &str = "x25519";

impl SigningKey {
    /// An Ed25519 key from 32 bytes of entropy.
    pub fn ed25519(entropy: &[u8; 32]) -> Self {
        Self::Ed25519(Box::new(ed25519::SigningKey::from_bytes(entropy)))
    }

    /// An ES256 key from 32 bytes of entropy.
    ///
    /// # Errors
    /// For the one value in 2^32 or fewer that is no P-256 scalar: draw again.
    pub fn es256(entropy: &[u8; 32]) -> Result<Self, BadKey> {
        es256::SigningKey::from_slice(entropy).map(Self::Es256).map_err(|_| BadKey::Damaged(SIGN))
    }

    /// The public half.
    pub fn verifying_key(&self) -> VerifyingKey {
        match self {
            Self::Ed25519(key) => VerifyingKey::Ed25519(key.verifying_key()),
            Self::Es256(key) => VerifyingKey::Es256(*key.verifying_key()),
        }
    }

    /// The line of a key file. Secret.
    pub fn to_text(&self) -> Zeroizing<String> {
        match self {
            Self::Ed25519(key) => line(SIGN, ED25519, &key.to_bytes()),
            Self::Es256(key) => line(SIGN, ES256, &key.to_bytes()),
        }
    }

    /// The key of a key file's line.
    ///
    /// # Errors
    /// Where the line is not a signing key.
    pub fn from_text(text: &str) -> Result<Self, BadKey> {
        let (algorithm, bytes) = fields(text, SIGN)?;
        match algorithm {
            ED25519 => Ok(Self::ed25519(&exactly(&bytes, SIGN)?)),
            ES256 => Self::es256(&exactly(&bytes, SIGN)?),
            _ => Err(BadKey::Algorithm(SIGN)),
        }
    }
}

impl VerifyingKey {
    /// The key's id in a protected header: the first 8 bytes of the SHA-256 of [`Self::to_bytes`].
    pub fn id(&self) -> KeyId {
        let digest = Sha256::digest(self.to_bytes());
        digest.first_chunk().copied().unwrap_or_default()
    }

    /// 32 bytes for Ed25519 (RFC 8032 §5.1.2); 33 for ES256 (SEC 1 §2.3.3, compressed point).
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Ed25519(key) => key.as_bytes().to_vec(),
            Self::Es256(key) => key.to_sec1_point(true).as_bytes().to_vec(),
        }
    }

    /// The line of a key file.
    pub fn to_text(&self) -> String {
        let algorithm = match self {
            Self::Ed25519(_) => ED25519,
            Self::Es256(_) => ES256,
        };
        line(VERIFY, algorithm, &self.to_bytes()).to_string()
    }

    /// The key of a key file's line.
    ///
    /// # Errors
    /// Where the line is not a verifying key.
    pub fn from_text(text: &str) -> Result<Self, BadKey> {
        let (algorithm, bytes) = fields(text, VERIFY)?;
        match algorithm {
            ED25519 => ed25519::VerifyingKey::from_bytes(&exactly(&bytes, VERIFY)?)
                .map(Self::Ed25519)
                .map_err(|_| BadKey::Damaged(VERIFY)),
            ES256 => es256::VerifyingKey::from_sec1_bytes(&bytes)
                .map(Self::Es256)
                .map_err(|_| BadKey::Damaged(VERIFY)),
            _ => Err(BadKey::Algorithm(VERIFY)),
        }
    }
}

impl OpeningKey {
    /// The key that 32 bytes of entropy give (RFC 9180 §7.1.3, `DeriveKeyPair`).
    pub fn derive(entropy: &[u8; 32]) -> Self {
        Self(X25519::derive_keypair(entropy).0)
    }

    /// The public half.
    pub fn sealing_key(&self) -> SealingKey {
        SealingKey(X25519::sk_to_pk(&self.0))
    }

    /// The line of a key file. Secret.
    pub fn to_text(&self) -> Zeroizing<String> {
        line(OPEN, X25519_NAME, &self.0.to_bytes())
    }

    /// The key of a key file's line.
    ///
    /// # Errors
    /// Where the line is not an opening key.
    pub fn from_text(text: &str) -> Result<Self, BadKey> {
        let (algorithm, bytes) = fields(text, OPEN)?;
        if algorithm != X25519_NAME {
            return Err(BadKey::Algorithm(OPEN));
        }
        <X25519 as hpke::Kem>::PrivateKey::from_bytes(&bytes).map(Self).map_err(|_| BadKey::Damaged(OPEN))
    }
}

impl SealingKey {
    /// The line of a key file.
    pub fn to_text(&self) -> String {
        line(SEAL, X25519_NAME, &self.0.to_bytes()).to_string()
    }

    /// The key of a key file's line.
    ///
    /// # Errors
    /// Where the line is not a sealing key.
    pub fn from_text(text: &str) -> Result<Self, BadKey> {
        let (algorithm, bytes) = fields(text, SEAL)?;
        if algorithm != X25519_NAME {
            return Err(BadKey::Algorithm(SEAL));
        }
        <X25519 as hpke::Kem>::PublicKey::from_bytes(&bytes).map(Self).map_err(|_| BadKey::Damaged(SEAL))
    }
}

macro_rules! as_line {
    ($($type:ident)*) => {$(
        impl TryFrom<String> for $type {
            type Error = BadKey;
            fn try_from(text: String) -> Result<Self, BadKey> {
                Self::from_text(&text)
            }
        }

        impl From<$type> for String {
            fn from(key: $type) -> Self {
                key.to_text().trim_end().to_owned()
            }
        }
    )*};
}
as_line! { VerifyingKey SealingKey }

/// Secret keys show what they are, never what they hold.
macro_rules! redacted {
    ($($type:ident $text:literal,)*) => {$(
        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($text)
            }
        }
    )*};
}
redacted! { SigningKey "SigningKey(…)", OpeningKey "OpeningKey(…)", SealingKey "SealingKey(…)", }

/// Lower-case hexadecimal.
pub(crate) fn write_hex(f: &mut impl fmt::Write, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

fn line(kind: &str, algorithm: &str, bytes: &[u8]) -> Zeroizing<String> {
    let length = kind.len().saturating_add(algorithm.len()).saturating_add(bytes.len().saturating_mul(2));
    // Room for the whole line at once: a String that grew would leave copies of a secret behind.
    let mut text = Zeroizing::new(String::with_capacity(length.saturating_add(3)));
    text.push_str(kind);
    text.push(' ');
    text.push_str(algorithm);
    text.push(' ');
    // Writing to a String cannot fail.
    let _ = write_hex(&mut *text, bytes);
    text.push('\n');
    text
}

fn fields<'a>(text: &'a str, kind: &'static str) -> Result<(&'a str, Zeroizing<Vec<u8>>), BadKey> {
    let mut words = text.split_whitespace();
    let found = words.next().unwrap_or_default();
    if found != kind {
        let got = [SIGN, VERIFY, SEAL, OPEN].into_iter().find(|k| *k == found);
        return Err(BadKey::Kind { expected: kind, got: got.unwrap_or("something else") });
    }
    let algorithm = words.next().unwrap_or_default();
    let bytes = words.next().and_then(from_hex).ok_or(BadKey::Damaged(kind))?;
    if words.next().is_some() {
        return Err(BadKey::Damaged(kind));
    }
    Ok((algorithm, bytes))
}

fn from_hex(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let digits = text.as_bytes();
    if digits.len() > 256 {
        return None;
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(128));
    let (pairs, rest) = digits.as_chunks::<2>();
    for [high, low] in pairs {
        let value = |digit: u8| char::from(digit).to_digit(16).and_then(|v| u8::try_from(v).ok());
        bytes.push(value(*high)?.checked_shl(4)? | value(*low)?);
    }
    rest.is_empty().then_some(bytes)
}

fn exactly<const N: usize>(bytes: &[u8], kind: &'static str) -> Result<[u8; N], BadKey> {
    bytes.try_into().map_err(|_| BadKey::Damaged(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_reads_back_from_its_own_text_and_from_no_other_kind() {
        let signing = [SigningKey::ed25519(&[7; 32]), SigningKey::es256(&[7; 32]).unwrap()];
        let opening = OpeningKey::derive(&[9; 32]);
        for key in &signing {
            let public = key.verifying_key();
            assert_eq!(SigningKey::from_text(&key.to_text()).unwrap().verifying_key(), public);
            assert_eq!(VerifyingKey::from_text(&public.to_text()).unwrap(), public);
            assert!(SigningKey::from_text(&public.to_text()).is_err());
            assert!(VerifyingKey::from_text(&key.to_text()).is_err());
            assert!(OpeningKey::from_text(&key.to_text()).is_err());
        }
        let public = opening.sealing_key();
        assert_eq!(OpeningKey::from_text(&opening.to_text()).unwrap().sealing_key(), public);
        assert_eq!(SealingKey::from_text(&public.to_text()).unwrap(), public);
        assert!(SealingKey::from_text(&opening.to_text()).is_err());
    }

    #[test]
    fn a_damaged_key_file_is_named_and_its_content_is_not() {
        let good = SigningKey::ed25519(&[7; 32]).to_text();
        for bad in ["", "varde-sign", "varde-sign ed25519", "varde-sign rsa 00", &good[..good.len() - 3]] {
            let message = SigningKey::from_text(bad).unwrap_err().to_string();
            assert!(!message.contains("0707"), "{message}");
        }
    }
}
