//! A BTHome sensor (version 2, as bthome.io describes the format), encrypting or not.

use std::{collections::BTreeMap, fmt};

use aes::Aes128;
use ccm::{
    AeadInOut, Ccm, KeyInit,
    consts::{U4, U13},
};
use uuid::Uuid;

use super::Beacon;
use crate::sim::bluez::{Address, Advertisement, Bluez, uuid16};

/// The service whose data an advertisement carries.
pub const SERVICE: Uuid = uuid16(0xFCD2);

/// One object of an advertisement: its identifier and its value in little-endian order.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Object(pub u8, pub Vec<u8>);

impl Object {
    /// Battery in percent.
    pub fn battery(percent: u8) -> Self {
        Self(0x01, vec![percent])
    }

    /// Temperature in hundredths of a degree Celsius.
    pub fn temperature(hundredths: i16) -> Self {
        Self(0x02, hundredths.to_le_bytes().into())
    }

    /// Relative humidity in hundredths of a percent.
    pub fn humidity(hundredths: u16) -> Self {
        Self(0x03, hundredths.to_le_bytes().into())
    }

    /// Illuminance in hundredths of a lux; 24 bits are sent.
    pub fn illuminance(hundredths: u32) -> Self {
        let [a, b, c, _] = hundredths.to_le_bytes();
        Self(0x05, vec![a, b, c])
    }

    /// Door: 1 is open.
    pub fn door(open: bool) -> Self {
        Self(0x1A, vec![open.into()])
    }

    /// Motion: 1 is detected.
    pub fn motion(detected: bool) -> Self {
        Self(0x21, vec![detected.into()])
    }

    /// Moisture: 1 is wet.
    pub fn moisture(wet: bool) -> Self {
        Self(0x20, vec![wet.into()])
    }

    /// Occupancy, as of a bed: 1 is occupied.
    pub fn occupancy(occupied: bool) -> Self {
        Self(0x23, vec![occupied.into()])
    }

    /// A button's event: 0 none, 1 press, 2 double press, 3 triple press, 4 long press.
    pub fn button(event: u8) -> Self {
        Self(0x3A, vec![event])
    }
}

/// AES-128-CCM with a check of four bytes.
type Cipher = Ccm<Aes128, U4, U13>;

/// A sensor in range.
#[derive(Debug)]
pub struct BthomeSensor {
    beacon: Beacon,
    address: Address,
    triggered: bool,
    packet: u8,
    secret: Option<Secret>,
    last: Vec<u8>,
}

/// What an encrypting sensor shares with its gateway, and how often it has used it.
struct Secret {
    cipher: Cipher,
    counter: u32,
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret").field("counter", &self.counter).finish_non_exhaustive()
    }
}

impl BthomeSensor {
    /// Brings a sensor into range; a `triggered` one sleeps until something happens and says so.
    pub fn bring(bluez: &Bluez, address: Address, triggered: bool, seed: u64) -> Self {
        let beacon = Beacon::bring(bluez, address, "BTH-1", seed);
        Self { beacon, address, triggered, packet: 0, secret: None, last: Vec::new() }
    }

    /// The same, encrypting with this key; its counter goes on from here.
    #[must_use]
    pub fn encrypting(self, key: [u8; 16], counter: u32) -> Self {
        Self { secret: Some(Secret { cipher: Cipher::new(&key.into()), counter }), ..self }
    }

    /// Reports these objects under the next packet id and counter, in so many equal advertisements, as sensors do
    /// because any of them may be lost.
    pub fn report(&mut self, objects: &[Object], times: u32) {
        self.packet = self.packet.wrapping_add(1);
        // Version 2 in the upper three bits, bit 2 for a sensor that sends only when something happens.
        let information = 0x40 | u8::from(self.triggered) << 2;
        let objects = in_order(self.packet, objects);
        self.last = match &mut self.secret {
            None => [vec![information], objects].concat(),
            Some(secret) => {
                secret.counter = secret.counter.wrapping_add(1);
                secret.seal(self.address, information | 0x01, objects)
            }
        };
        self.repeat(times);
    }

    /// Sends the last report again.
    pub fn repeat(&mut self, times: u32) {
        self.send(self.last.clone(), times);
    }

    /// The service data of the last report, as anybody in range can hear and keep it.
    pub fn last(&self) -> &[u8] {
        &self.last
    }

    /// Somebody else sends this service data from the sensor's address.
    pub fn send(&mut self, data: Vec<u8>, times: u32) {
        let service_data = BTreeMap::from([(SERVICE, data)]);
        self.beacon.send(&Advertisement { service_data, ..Advertisement::default() }, times);
    }
}

impl Secret {
    /// Device information, what is encrypted, counter, check.
    fn seal(&self, Address(address): Address, information: u8, mut objects: Vec<u8>) -> Vec<u8> {
        let counter = self.counter.to_le_bytes();
        let mut nonce = [0; 13];
        let parts = address.into_iter().chain([0xD2, 0xFC, information]).chain(counter);
        nonce.iter_mut().zip(parts).for_each(|(byte, part)| *byte = part);
        let check = self.cipher.encrypt_inout_detached(&nonce.into(), &[], objects.as_mut_slice().into());
        // It fails only above the length of any advertisement.
        let check = check.unwrap_or_default();
        [&[information], objects.as_slice(), &counter, &check].concat()
    }
}

/// The packet id, then the objects in the order of their identifiers.
fn in_order(packet: u8, objects: &[Object]) -> Vec<u8> {
    let mut objects: Vec<&Object> = objects.iter().collect();
    objects.sort_by_key(|Object(id, _)| *id);
    let objects =
        objects.into_iter().flat_map(|Object(id, value)| [*id].into_iter().chain(value.iter().copied()));
    [0x00, packet].into_iter().chain(objects).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_stand_in_the_order_of_their_identifiers() {
        let objects = [Object::humidity(5055), Object::temperature(2506)];
        assert_eq!(in_order(9, &objects), [0x00, 0x09, 0x02, 0xCA, 0x09, 0x03, 0xBF, 0x13]);
    }

    /// The example of bthome.io, "Encryption".
    #[test]
    fn the_published_example_is_encrypted_as_published() {
        let key =
            [0x23, 0x1D, 0x39, 0xC1, 0xD7, 0xCC, 0x1A, 0xB1, 0xAE, 0xE2, 0x24, 0xCD, 0x09, 0x6D, 0xB9, 0x32];
        let secret = Secret { cipher: Cipher::new(&key.into()), counter: 0x3322_1100 };
        let address = Address([0x54, 0x48, 0xE6, 0x8F, 0x80, 0xA5]);
        let sealed = secret.seal(address, 0x41, vec![0x02, 0xCA, 0x09, 0x03, 0xBF, 0x13]);
        let expected =
            [0x41, 0xA4, 0x72, 0x66, 0xC9, 0x5F, 0x73, 0x00, 0x11, 0x22, 0x33, 0x78, 0x23, 0x72, 0x14];
        assert_eq!(sealed, expected);
    }
}
