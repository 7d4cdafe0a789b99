//! A RuuviTag (data format 5, as docs.ruuvi.com describes it).

use std::collections::BTreeMap;

use super::Beacon;
use crate::sim::bluez::{Address, Advertisement, Bluez};

/// Ruuvi Innovations in the list of company identifiers.
pub const COMPANY: u16 = 0x0499;

/// What the tag senses; none where a sensor is missing or broken.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Climate {
    /// Units of 0.005 °C.
    pub temperature: Option<i16>,
    /// Units of 0.0025 %.
    pub humidity: Option<u16>,
    /// Pascals above 50 000.
    pub pressure: Option<u16>,
    /// Thousandths of the standard acceleration, along three axes.
    pub acceleration: Option<[i16; 3]>,
    /// Millivolts above 1600.
    pub battery: Option<u16>,
}

/// A tag in range.
#[derive(Debug)]
pub struct RuuviTag {
    beacon: Beacon,
    address: Address,
    movements: u8,
    sequence: u16,
}

impl RuuviTag {
    /// Brings a tag into range.
    pub fn bring(bluez: &Bluez, address: Address, seed: u64) -> Self {
        let Address([.., a, b]) = address;
        let beacon = Beacon::bring(bluez, address, &format!("Ruuvi {a:02X}{b:02X}"), seed);
        Self { beacon, address, movements: 0, sequence: 0 }
    }

    /// Somebody moves it.
    pub const fn shake(&mut self) {
        self.movements = self.movements.wrapping_add(1);
    }

    /// Measures once and sends that in so many advertisements.
    pub fn measure(&mut self, climate: &Climate, times: u32) {
        // The highest number says that there is none.
        self.sequence = self.sequence.wrapping_add(1) % u16::MAX;
        let data = self.data(climate);
        let manufacturer_data = BTreeMap::from([(COMPANY, data)]);
        self.beacon.send(&Advertisement { manufacturer_data, ..Advertisement::default() }, times);
    }

    fn data(&self, climate: &Climate) -> Vec<u8> {
        /// The radio's strength, 4 dBm, in steps of 2 dBm above -40 dBm.
        const STRENGTH: u16 = 22;
        let Climate { temperature, humidity, pressure, acceleration, battery } = *climate;
        let power = battery.map_or(0x7FF, |millivolts| millivolts.min(0x7FE)) << 5 | STRENGTH;
        let mut data = vec![5];
        data.extend(temperature.unwrap_or(i16::MIN).to_be_bytes());
        data.extend(humidity.unwrap_or(u16::MAX).to_be_bytes());
        data.extend(pressure.unwrap_or(u16::MAX).to_be_bytes());
        data.extend(acceleration.unwrap_or([i16::MIN; 3]).into_iter().flat_map(i16::to_be_bytes));
        data.extend(power.to_be_bytes());
        data.push(self.movements);
        data.extend(self.sequence.to_be_bytes());
        data.extend(self.address.0);
        data
    }
}
