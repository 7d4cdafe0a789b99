//! What a Bluetooth LE peripheral is, as far as BlueZ shows it to its clients.

use std::{collections::BTreeMap, fmt};

use uuid::Uuid;

/// A UUID of the Bluetooth SIG, from its 16-bit short form.
pub const fn uuid16(short: u16) -> Uuid {
    Uuid::from_u128((short as u128) << 96 | 0x0000_0000_0000_1000_8000_0080_5F9B_34FB)
}

/// A Bluetooth device address, its most significant byte first; written as BlueZ does: `F0:F1:F2:F3:F4:01`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Address(pub [u8; 6]);

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self([a, b, c, d, e, g]) = self;
        write!(f, "{a:02X}:{b:02X}:{c:02X}:{d:02X}:{e:02X}:{g:02X}")
    }
}

/// A peripheral with everything that stands in its GATT table.
#[derive(Clone, Debug)]
pub struct Peripheral {
    /// Its address.
    pub address: Address,
    /// Whether the address is a random one; manufacturers may also have bought public ones.
    pub address_is_random: bool,
    /// The device's own name.
    pub name: String,
    /// The services it names in its advertisements.
    pub advertised: Vec<Uuid>,
    /// Its GATT table.
    pub services: Vec<Service>,
    /// Whether gateway and device have bonded before: BlueZ then knows the device without having heard it.
    pub bonded: bool,
}

/// A primary service.
#[derive(Clone, Debug)]
pub struct Service {
    /// Its UUID.
    pub uuid: Uuid,
    /// Its characteristics in the order of their handles.
    pub characteristics: Vec<Characteristic>,
}

/// A characteristic.
#[derive(Clone, Debug)]
pub struct Characteristic {
    /// Its UUID.
    pub uuid: Uuid,
    /// What may be done with it, in BlueZ's words.
    pub flags: &'static [&'static str],
    /// What a read gives.
    pub value: Vec<u8>,
    /// What the link must be before the peripheral lets anybody read, write or subscribe.
    pub security: Security,
    /// What a write is refused with while nobody has subscribed: an error code of its profile.
    pub unconfigured: Option<u8>,
}

/// How safe a link is, or has to be (Core 5.4, Vol 3, Part C, §10.2.1: mode 1, levels 1 to 3).
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum Security {
    /// Not encrypted.
    #[default]
    Open,
    /// Encrypted with a key that nobody compared: Just Works.
    Encrypted,
    /// Encrypted with a key agreed with a passkey or a comparison.
    Authenticated,
}

impl Characteristic {
    /// One that can be read.
    pub fn readable(uuid: Uuid, value: impl Into<Vec<u8>>) -> Self {
        Self { uuid, flags: &["read"], value: value.into(), security: Security::Open, unconfigured: None }
    }

    /// One that indicates: sends values that the other side confirms.
    pub const fn indicating(uuid: Uuid) -> Self {
        Self { uuid, flags: &["indicate"], value: Vec::new(), security: Security::Open, unconfigured: None }
    }

    /// One that notifies: sends values that nobody confirms.
    pub const fn notifying(uuid: Uuid) -> Self {
        Self { uuid, flags: &["notify"], value: Vec::new(), security: Security::Open, unconfigured: None }
    }

    /// A control point: takes writes and indicates its answers.
    pub const fn control_point(uuid: Uuid) -> Self {
        Self {
            uuid,
            flags: &["write", "indicate"],
            value: Vec::new(),
            security: Security::Open,
            unconfigured: None,
        }
    }

    /// One that can be written and answers nothing but the acknowledgement.
    pub const fn writable(uuid: Uuid) -> Self {
        Self { uuid, flags: &["write"], value: Vec::new(), security: Security::Open, unconfigured: None }
    }

    /// The same, with these things allowed instead, in BlueZ's words.
    #[must_use]
    pub fn with_flags(self, flags: &'static [&'static str]) -> Self {
        Self { flags, ..self }
    }

    /// The same, out of reach on a link that is less than this.
    #[must_use]
    pub fn needing(self, security: Security) -> Self {
        Self { security, ..self }
    }

    /// The same, whose writes are refused with this code while nobody has subscribed.
    #[must_use]
    pub fn configured_first(self, code: u8) -> Self {
        Self { unconfigured: Some(code), ..self }
    }

    pub(super) fn may(&self, any_of: &[&str]) -> bool {
        self.flags.iter().any(|flag| any_of.contains(flag))
    }
}

/// One advertisement as the adapter heard it.
#[derive(Clone, Debug, Default)]
pub struct Advertisement {
    /// Signal strength in dBm.
    pub rssi: i16,
    /// Whether the peripheral accepts a connection after it.
    pub connectable: bool,
    /// Service data by service.
    pub service_data: BTreeMap<Uuid, Vec<u8>>,
    /// Manufacturer data by company identifier.
    pub manufacturer_data: BTreeMap<u16, Vec<u8>>,
}

/// What a peripheral notices of the other side.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Event {
    /// A connection stands.
    Connected,
    /// The connection is gone, whoever ended it.
    Disconnected,
    /// The client configuration of a characteristic was set: it may now be indicated or notified.
    Subscribed(Uuid),
    /// The client configuration was cleared.
    Unsubscribed(Uuid),
    /// A value was written.
    Written(Uuid, Vec<u8>),
    /// Pairing has come to a number of six digits, which the peripheral shows where it has a display.
    Passkey(u32),
    /// Pairing waits for the number that the other side shows: [`Radio::enter_passkey`](super::Radio::enter_passkey).
    PasskeyWanted,
    /// Pairing is done: both sides hold the key.
    Paired,
    /// The other side gave up pairing, or what the two people typed or compared did not agree.
    PairingFailed,
}
