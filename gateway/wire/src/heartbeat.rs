//! A gateway's signed sign of life.
//!
//! It comes at intervals, and not when something happens: its absence is what tells. A hub takes each for as good as
//! none that does not follow the one before ([`Heartbeat::place`]), so that a recording keeps no dead gateway alive.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::envelope::{self, DecodeError};
use crate::sign::{self, Kind, VerifyError};
use crate::{BoundedText, GatewayId, KeyId, SigningKey, Stamp, VerifyingKey};

const MAX_HEARTBEAT_BYTES: usize = 1024;

/// How often a heartbeat may come, in seconds.
pub const HEARTBEAT_EVERY_S: RangeInclusive<u32> = 10..=86_400;

/// What a gateway says of itself at intervals. It is signed and not sealed: nothing in it is health data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// Whose.
    pub gateway: GatewayId,
    /// Which life of the gateway's program: greater than that of every life before.
    pub life: u64,
    /// Which heartbeat of that life: greater than those before.
    pub number: u64,
    /// When it was made.
    pub stamp: Stamp,
    /// How long after it the next one comes at the latest, in seconds: [`HEARTBEAT_EVERY_S`].
    pub every_s: u32,
    /// Whether another one follows.
    pub state: LifeState,
    /// The program's version.
    pub version: BoundedText<32>,
    /// How long the program has run, in seconds.
    pub up_s: u64,
    /// How many faults stand.
    pub faults: u32,
    /// What waits in the urgent lane.
    pub urgent: Backlog,
    /// What waits in the routine lane.
    pub routine: Backlog,
    /// By which of the hub's keys it goes. None in the first layout.
    #[serde(skip)]
    pub goes_by: Option<GoesBy>,
}

/// By which of the hub's keys a gateway goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoesBy {
    /// The key that it verifies its hub with.
    pub key: KeyId,
    /// Whether entries wait, or may wait, that an earlier life of its program sealed: perhaps to an earlier key.
    pub older_wait: bool,
}

/// The layouts: the second tells of the hub's key behind what the first tells.
#[derive(Serialize, Deserialize)]
enum Layout<T> {
    V1(T),
    V2(T, GoesBy),
}

/// Whether another heartbeat follows. Append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum LifeState {
    /// The gateway runs.
    Running,
    /// It was told to stop: this is the last one of its life.
    Stopping,
}

impl LifeState {
    /// The word in output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Stopping => "stopping",
        }
    }
}

/// What of a lane has no receipt yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backlog {
    /// Entries.
    pub entries: u64,
    /// How old the oldest of them is, in seconds.
    pub oldest_s: Option<u64>,
}

impl Heartbeat {
    /// Its place among all heartbeats of its gateway: a later one has a greater place.
    pub const fn place(&self) -> (u64, u64) {
        (self.life, self.number)
    }

    /// The heartbeat's bytes, as they are under the signature.
    ///
    /// # Errors
    /// Where its interval is none that is allowed.
    pub fn encode(&self) -> Result<Vec<u8>, DecodeError> {
        self.check()?;
        let layout = self.goes_by.map_or(Layout::V1(self), |goes_by| Layout::V2(self, goes_by));
        envelope::encode(&layout, MAX_HEARTBEAT_BYTES)
    }

    /// The heartbeat that these bytes are.
    ///
    /// # Errors
    /// Where they are not exactly one heartbeat of a known version, or its interval is none that is allowed.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let heartbeat = match envelope::decode(bytes, MAX_HEARTBEAT_BYTES)? {
            Layout::V1(heartbeat) => heartbeat,
            Layout::V2(heartbeat, goes_by) => Self { goes_by: Some(goes_by), ..heartbeat },
        };
        heartbeat.check()?;
        Ok(heartbeat)
    }

    /// The signed heartbeat.
    ///
    /// # Errors
    /// Where its interval is none that is allowed.
    pub fn sign(&self, key: &SigningKey) -> Result<SignedHeartbeat, DecodeError> {
        sign::sign(key, Kind::Heartbeat, self.encode()?).map(SignedHeartbeat)
    }

    fn check(&self) -> Result<(), DecodeError> {
        if HEARTBEAT_EVERY_S.contains(&self.every_s) {
            Ok(())
        } else {
            Err(DecodeError::Invalid("a heartbeat comes each 10 to 86,400 seconds"))
        }
    }
}

/// A heartbeat as it travels: COSE_Sign1 bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedHeartbeat(Vec<u8>);

impl SignedHeartbeat {
    /// Bytes that claim to be a signed heartbeat.
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

    /// The heartbeat, after its signature held and it proved to be of `gateway`. Whether it follows the one before is
    /// for the caller to ask.
    ///
    /// # Errors
    /// Where anything about it is not right; see [`VerifyError`].
    pub fn verify(&self, key: &VerifyingKey, gateway: &GatewayId) -> Result<Heartbeat, VerifyError> {
        let heartbeat =
            Heartbeat::decode(&sign::verify(key, Kind::Heartbeat, &self.0, MAX_HEARTBEAT_BYTES)?)?;
        if heartbeat.gateway == *gateway { Ok(heartbeat) } else { Err(VerifyError::WrongGateway) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BootId, Instant, Trust, WallTime};

    fn heartbeat() -> Heartbeat {
        Heartbeat {
            gateway: "gw-1".parse().unwrap(),
            life: 3,
            number: 7,
            stamp: Stamp {
                boot: BootId::from_bytes([1; 16]),
                uptime: Instant::from_millis(5),
                wall: WallTime::from_unix_millis(9),
                trust: Trust::Synchronised,
            },
            every_s: 60,
            state: LifeState::Running,
            version: BoundedText::cut("1.0.0"),
            up_s: 1,
            faults: 0,
            urgent: Backlog::default(),
            routine: Backlog { entries: 2, oldest_s: Some(30) },
            goes_by: None,
        }
    }

    #[test]
    fn a_heartbeat_is_believed_of_its_own_gateway_and_key_only() {
        let (key, stranger) = (SigningKey::ed25519(&[1; 32]), SigningKey::ed25519(&[2; 32]));
        let (made, other) = (heartbeat(), "gw-2".parse().unwrap());
        let signed = made.sign(&key).unwrap();
        assert_eq!(signed.verify(&key.verifying_key(), &made.gateway), Ok(made.clone()));
        assert_eq!(signed.verify(&key.verifying_key(), &other), Err(VerifyError::WrongGateway));
        assert_eq!(signed.verify(&stranger.verifying_key(), &made.gateway), Err(VerifyError::UnknownKey));
    }

    #[test]
    fn an_interval_that_is_not_allowed_is_neither_signed_nor_read() {
        let key = SigningKey::ed25519(&[1; 32]);
        for every_s in [0, 9, 86_401, u32::MAX] {
            let wrong = Heartbeat { every_s, ..heartbeat() };
            assert!(matches!(wrong.sign(&key), Err(DecodeError::Invalid(_))), "{every_s}");
            let bytes = envelope::encode(&Layout::V1(&wrong), MAX_HEARTBEAT_BYTES).unwrap();
            assert!(matches!(Heartbeat::decode(&bytes), Err(DecodeError::Invalid(_))), "{every_s}");
        }
    }

    #[test]
    fn any_later_life_comes_after_every_heartbeat_of_an_earlier_one() {
        let at = |life, number| Heartbeat { life, number, ..heartbeat() }.place();
        assert!(at(3, u64::MAX) < at(4, 0) && at(4, 0) < at(4, 1));
    }
}
