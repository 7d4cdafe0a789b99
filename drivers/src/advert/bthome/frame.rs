//! The envelope: version, encryption, counter.
//!
//! Version 2: device information, the sender's address where bit 1 says so, objects. Version 1: objects alone.
//! Encrypted, counter and tag follow the objects (bthome.io/encryption).

use ccm::consts::{U12, U13};

use super::{SERVICE, SERVICE_V1, SERVICE_V1_ENCRYPTED};
use crate::advert::Secret;
use crate::cursor::Cursor;
use crate::{Channel, FrameError, Problem};

const ENCRYPTED: u8 = 1;
/// Once defined, now reserved; senders that set it exist.
const ADDRESS: u8 = 1 << 1;
const TRIGGER_BASED: u8 = 1 << 2;
const RESERVED: u8 = 0b0001_1000;

/// Counter and tag.
const TRAILER: usize = 8;

/// The opened envelope.
pub(super) struct Frame {
    pub(super) version: u8,
    pub(super) trigger_based: bool,
    pub(super) reserved: u8,
    pub(super) address: Option<[u8; 6]>,
    pub(super) counter: Option<u32>,
    /// Where the objects begin.
    pub(super) offset: usize,
    /// The objects.
    pub(super) content: Vec<u8>,
}

impl Frame {
    pub(super) fn decode(
        channel: Channel,
        bytes: &[u8],
        secret: Option<&Secret>,
    ) -> Result<Self, FrameError> {
        match channel {
            Channel::ServiceData(SERVICE) => Self::decode_v2(bytes, secret),
            Channel::ServiceData(SERVICE_V1) => Ok(Self::v1(None, bytes.to_vec())),
            Channel::ServiceData(SERVICE_V1_ENCRYPTED) => {
                let (counter, content) = Sealed::take(&mut Cursor::new(bytes))?.open_v1(secret)?;
                Ok(Self::v1(Some(counter), content))
            }
            Channel::Serial
            | Channel::Notified(_)
            | Channel::Read(_)
            | Channel::ServiceData(_)
            | Channel::ManufacturerData(_)
            | Channel::Rssi => Err(FrameError { field: "service", offset: 0, problem: Problem::Unexpected }),
        }
    }

    fn v1(counter: Option<u32>, content: Vec<u8>) -> Self {
        Self { version: 1, trigger_based: false, reserved: 0, address: None, counter, offset: 0, content }
    }

    fn decode_v2(bytes: &[u8], secret: Option<&Secret>) -> Result<Self, FrameError> {
        let mut cursor = Cursor::new(bytes);
        let information = cursor.u8("device information")?;
        let has = |flag: u8| information & flag != 0;
        let version = information >> 5;
        if version != 2 {
            let problem = Problem::UnknownFormat { got: version, known: "1 (in another service), 2" };
            return Err(FrameError { field: "version", offset: 0, problem });
        }
        let address = has(ADDRESS).then(|| cursor.array("address")).transpose()?;
        // Least significant byte first.
        let address = address.map(|[f, e, d, c, b, a]| [a, b, c, d, e, f]);
        let offset = cursor.offset();
        let (counter, content) = if has(ENCRYPTED) {
            let (counter, content) = Sealed::take(&mut cursor)?.open_v2(secret, address, information)?;
            (Some(counter), content)
        } else {
            (None, cursor.rest().to_vec())
        };
        Ok(Self {
            version,
            trigger_based: has(TRIGGER_BASED),
            reserved: information & RESERVED,
            address,
            counter,
            offset,
            content,
        })
    }
}

/// What is encrypted, with its counter and tag.
struct Sealed<'a> {
    offset: usize,
    ciphertext: &'a [u8],
    counter: [u8; 4],
    tag: [u8; 4],
}

impl<'a> Sealed<'a> {
    fn take(cursor: &mut Cursor<'a>) -> Result<Self, FrameError> {
        let offset = cursor.offset();
        let ciphertext = cursor.take(cursor.rest().len().saturating_sub(TRAILER), "encrypted objects")?;
        Ok(Self { offset, ciphertext, counter: cursor.array("counter")?, tag: cursor.array("tag")? })
    }

    /// Nonce: address, service, device information, counter.
    fn open_v2(
        self,
        secret: Option<&Secret>,
        address: Option<[u8; 6]>,
        information: u8,
    ) -> Result<(u32, Vec<u8>), FrameError> {
        let secret = secret.ok_or_else(|| self.error(Problem::NoBindKey))?;
        let [a, b, c, d, e, f] = address.unwrap_or(secret.address);
        let [w, x, y, z] = self.counter;
        let nonce = [a, b, c, d, e, f, 0xD2, 0xFC, information, w, x, y, z];
        self.opened(secret.open::<U13>(nonce.into(), &[], self.ciphertext, self.tag))
    }

    /// Nonce: address, service, counter; one associated byte, as Xiaomi has it.
    fn open_v1(self, secret: Option<&Secret>) -> Result<(u32, Vec<u8>), FrameError> {
        let secret = secret.ok_or_else(|| self.error(Problem::NoBindKey))?;
        let [a, b, c, d, e, f] = secret.address;
        let [w, x, y, z] = self.counter;
        let nonce = [a, b, c, d, e, f, 0x1E, 0x18, w, x, y, z];
        self.opened(secret.open::<U12>(nonce.into(), &[0x11], self.ciphertext, self.tag))
    }

    fn opened(&self, content: Option<Vec<u8>>) -> Result<(u32, Vec<u8>), FrameError> {
        let content = content.ok_or_else(|| self.error(Problem::NotAuthentic))?;
        Ok((u32::from_le_bytes(self.counter), content))
    }

    const fn error(&self, problem: Problem) -> FrameError {
        FrameError { field: "encrypted objects", offset: self.offset, problem }
    }
}
