//! Who and where: gateways, devices, boots, chains and lanes. All opaque; none names a person.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why a text cannot be a name on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "'{text}' is no {what}: expected 1 to {longest} characters of a-z, 0-9, '-', '.' or '_', starting with a letter or digit"
)]
pub struct BadId {
    what: &'static str,
    longest: usize,
    text: String,
}

fn checked(what: &'static str, longest: usize, text: &str) -> Result<String, BadId> {
    let plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    let fits = (1..=longest).contains(&text.len())
        && text.bytes().all(|c| plain(c) || matches!(c, b'-' | b'.' | b'_'))
        && text.bytes().next().is_some_and(plain);
    if fits {
        Ok(text.to_owned())
    } else {
        let text = text.chars().take(64).flat_map(char::escape_default).collect();
        Err(BadId { what, longest, text })
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $what:literal, $longest:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(String);

        impl $type {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $type {
            type Error = BadId;
            fn try_from(text: String) -> Result<Self, BadId> {
                text.parse()
            }
        }

        impl std::str::FromStr for $type {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                checked($what, $longest, text).map(Self)
            }
        }

        impl From<$type> for String {
            fn from(id: $type) -> String {
                id.0
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name! {
    /// The gateway's id: the common name of its certificate and its level in every MQTT topic.
    GatewayId, "gateway id", 64
}
name! {
    /// A device's name in its home's roster, such as `pendant-1`. Opaque: never a person's name.
    DeviceId, "device name", 32
}

name! {
    /// A person of the home, such as `p-1`. Opaque: who it is, only the receiver knows.
    PersonId, "person id", 32
}

impl DeviceId {
    /// The device that the gateway itself is, where it reports on its own state.
    pub fn gateway() -> Self {
        Self("gateway".to_owned())
    }
}

macro_rules! random_id {
    ($(#[$doc:meta])* $type:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $type([u8; 16]);

        impl $type {
            /// The id that these bytes are.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// The id's bytes.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                crate::key::write_hex(f, &self.0)
            }
        }
    };
}

random_id! {
    /// One boot of the gateway: the kernel's boot id.
    BootId
}
random_id! {
    /// One unbroken chain of batches in one lane. A new one begins only with a new outbox, or when the hub
    /// refused to follow the old one; the hub shows each beginning.
    ChainId
}

/// Two lanes, each with its own sequence, batches and receipts. Urgent never waits behind routine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Lane {
    /// Alarms, and technical alarms that somebody must act on.
    Urgent,
    /// Everything else.
    Routine,
}

impl Lane {
    /// Both lanes, the urgent one first.
    pub const ALL: [Self; 2] = [Self::Urgent, Self::Routine];

    /// The lane's word in topics, tables and output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Urgent => "urgent",
            Self::Routine => "routine",
        }
    }

    /// The lane's number on the wire: 0 urgent, 1 routine.
    pub const fn number(self) -> u8 {
        match self {
            Self::Urgent => 0,
            Self::Routine => 1,
        }
    }
}

impl std::fmt::Display for Lane {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_could_break_a_topic_or_a_log_line_is_refused() {
        for bad in ["", "a/b", "+", "#", "Ola Nordmann", "-x", "é", "a\n", &"x".repeat(33)] {
            assert!(bad.parse::<DeviceId>().is_err(), "{bad:?}");
        }
        assert_eq!("pendant-1.a_b".parse::<DeviceId>().unwrap().as_str(), "pendant-1.a_b");
    }
}
