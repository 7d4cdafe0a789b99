//! Sensors that only advertise: nobody connects to them, and what is not heard is gone.

pub mod bthome;
pub mod ruuvi;

use super::{
    bluez::{Address, Advertisement, Bluez, Peripheral, Radio},
    chance::Chance,
};

/// A beacon in range.
#[derive(Debug)]
struct Beacon {
    radio: Radio,
    chance: Chance,
}

impl Beacon {
    fn bring(bluez: &Bluez, address: Address, name: &str, seed: u64) -> Self {
        let radio = bluez.add(Peripheral {
            address,
            address_is_random: true,
            name: name.into(),
            advertised: Vec::new(),
            services: Vec::new(),
            bonded: false,
        });
        Self { radio, chance: Chance::seeded(seed) }
    }

    /// Sends the same advertisement so many times, each heard with another strength.
    fn send(&mut self, advertisement: &Advertisement, times: u32) {
        for _ in 0..times {
            let rssi = -60 - i16::try_from(self.chance.below(25)).unwrap_or_default();
            self.radio.advertise(&Advertisement { rssi, connectable: false, ..advertisement.clone() });
        }
    }
}
