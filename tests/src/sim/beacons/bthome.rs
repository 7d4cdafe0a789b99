//! A BTHome sensor (version 2, as bthome.io describes the format), not encrypted.

use std::collections::BTreeMap;

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

/// A sensor in range.
#[derive(Debug)]
pub struct BthomeSensor {
    beacon: Beacon,
    packet: u8,
    triggered: bool,
}

impl BthomeSensor {
    /// Brings a sensor into range; a `triggered` one sleeps until something happens and says so.
    pub fn bring(bluez: &Bluez, address: Address, triggered: bool, seed: u64) -> Self {
        Self { beacon: Beacon::bring(bluez, address, "BTH-1", seed), packet: 0, triggered }
    }

    /// Reports these objects under the next packet id, in so many equal advertisements, as sensors do because any of
    /// them may be lost.
    pub fn report(&mut self, objects: &[Object], times: u32) {
        self.packet = self.packet.wrapping_add(1);
        self.repeat(objects, times);
    }

    /// Sends these objects under the packet id of the last report.
    pub fn repeat(&mut self, objects: &[Object], times: u32) {
        let data = service_data(self.packet, self.triggered, objects);
        let service_data = BTreeMap::from([(SERVICE, data)]);
        self.beacon.send(&Advertisement { service_data, ..Advertisement::default() }, times);
    }
}

/// Device information, packet id, then the objects in the order of their identifiers.
fn service_data(packet: u8, triggered: bool, objects: &[Object]) -> Vec<u8> {
    // Version 2 in the upper three bits, bit 2 for a sensor that sends only when something happens.
    let mut data = vec![0x40 | u8::from(triggered) << 2, 0x00, packet];
    let mut objects: Vec<&Object> = objects.iter().collect();
    objects.sort_by_key(|Object(id, _)| *id);
    objects.into_iter().for_each(|Object(id, value)| {
        data.push(*id);
        data.extend(value);
    });
    data
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_stand_in_the_order_of_their_identifiers() {
        let objects = [Object::humidity(5055), Object::temperature(2506)];
        let expected = [0x40, 0x00, 0x09, 0x02, 0xCA, 0x09, 0x03, 0xBF, 0x13];
        assert_eq!(service_data(9, false, &objects), expected);
        assert_eq!(service_data(1, true, &[Object::button(4)]), [0x44, 0x00, 0x01, 0x3A, 0x04]);
    }
}
