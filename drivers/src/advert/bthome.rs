//! BTHome (bthome.io): open sensors, among them Shelly's. Version 2 in the service data of 0xFCD2, version 1, which is
//! no longer used for new devices, of 0x181C and 0x181E.
//!
//! An advertisement is a list of objects, each a number that says what it is, and a value. Version 2 leaves the length
//! of the value to the table, so an object that is not in the table ends what can be read; senders put
//! the newer ones last. Version 1 sends the length.
//!
//! **Encryption.** With a bind key, only what is encrypted with it is believed. The counter of each advertisement has
//! to rise: the same once more is an echo, a lower one is refused, also after a restart.

mod device;
mod frame;
mod meaning;
mod objects;
mod replay;
mod table;

use varde_wire::Decimal;

use self::frame::Frame;
use crate::advert::Secret;
use crate::statement::Statement;
use crate::{Channel, Description, FieldValue, FrameError, Purpose, Uuid};

pub(crate) use device::BtHome;
pub use objects::{Object, ObjectValue};

/// BTHome version 2.
pub const SERVICE: Uuid = Uuid::sig(0xFCD2);
/// BTHome version 1, not encrypted.
pub const SERVICE_V1: Uuid = Uuid::sig(0x181C);
/// BTHome version 1, encrypted.
pub const SERVICE_V1_ENCRYPTED: Uuid = Uuid::sig(0x181E);

/// Where its advertisements come.
pub(crate) const CHANNELS: [Channel; 3] = [
    Channel::ServiceData(SERVICE),
    Channel::ServiceData(SERVICE_V1),
    Channel::ServiceData(SERVICE_V1_ENCRYPTED),
];

/// An advertisement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// 1 or 2.
    pub version: u8,
    /// Whether the device sends when something happens rather than regularly; version 2 alone says so.
    pub trigger_based: bool,
    /// Reserved bits of the device information that are set.
    pub reserved: u8,
    /// The device's address, where the advertisement repeats it: most significant byte first.
    pub address: Option<[u8; 6]>,
    /// The counter of an encrypted advertisement.
    pub counter: Option<u32>,
    /// What it says, in the order sent.
    pub objects: Vec<Object>,
    /// What follows the last object that is known: an object of a newer version of the format.
    pub rest: Vec<u8>,
    /// Why the last object was not read, after others were.
    pub broken: Option<FrameError>,
    /// The objects as sent, decrypted.
    content: Vec<u8>,
}

impl Packet {
    /// The advertisement in the service data of one of the three services.
    ///
    /// # Errors
    /// Where it came elsewhere, is of an unknown version, cannot be decrypted, or ends within its first object.
    pub fn decode(channel: Channel, bytes: &[u8], secret: Option<&Secret>) -> Result<Self, FrameError> {
        let frame = Frame::decode(channel, bytes, secret)?;
        let objects::Read { objects, rest, broken } =
            objects::read(frame.version, frame.offset, &frame.content);
        match broken {
            Some(error) if objects.is_empty() => Err(error),
            broken => Ok(Self {
                version: frame.version,
                trigger_based: frame.trigger_based,
                reserved: frame.reserved,
                address: frame.address,
                counter: frame.counter,
                objects,
                rest,
                broken,
                content: frame.content,
            }),
        }
    }

    /// Its fields. Several objects of one name are a list, in the order sent.
    pub fn describe(&self) -> Description {
        let address = self.address.map(|address| address.map(|byte| format!("{byte:02X}")).join(":"));
        let head = Description::default()
            .with("version", self.version)
            .with("encrypted", self.counter.is_some())
            .with("trigger_based", self.trigger_based)
            .with_bits("reserved_bits", self.reserved.into())
            .with_some("address", address)
            .with_some(
                "counter",
                self.counter.map(|counter| FieldValue::Number(Decimal::whole(counter.into()))),
            );
        let mut named = Vec::<(&'static str, Vec<FieldValue>)>::new();
        for object in &self.objects {
            let value = object.value.describe();
            match named.iter_mut().find(|(name, _)| *name == object.name()) {
                Some((_, values)) => values.push(value),
                None => named.push((object.name(), vec![value])),
            }
        }
        let objects = named.into_iter().fold(head, |description, (name, mut values)| {
            let only = if values.len() == 1 { values.pop() } else { None };
            description.with(name, only.unwrap_or(FieldValue::List(values)))
        });
        objects
            .with_bytes("rest", &self.rest)
            .with_some("broken", self.broken.as_ref().map(ToString::to_string))
    }

    /// What it says in common words.
    pub(crate) fn statements(&self, purpose: Option<Purpose>) -> Vec<Statement> {
        Statement::indexed(self.objects.iter().filter_map(|object| object.said(purpose)).collect())
    }

    /// Whether a packet id tells it from the next one.
    fn is_numbered(&self) -> bool {
        self.objects.iter().any(Object::is_packet_id)
    }
}

#[cfg(test)]
mod tests;
