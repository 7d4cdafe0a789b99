//! What a device is, as far as its advertisements give it away.

use varde_drivers::{BleProfile, Uuid};
use varde_link::Neighbour;

/// What a device is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    /// In words.
    pub(super) words: String,
    /// The profile's name in the configuration, where we have one for it.
    pub(super) profile: Option<&'static str>,
    /// It tells everything in its advertisements, so there is nothing to pair.
    pub(super) advertises: bool,
}

/// A sensor that only advertises: how it is recognised, the name of its profile, and words.
struct Advertiser {
    sign: Sign,
    profile: &'static str,
    words: &'static str,
}

enum Sign {
    ServiceData(u16),
    /// The company's number at the Bluetooth SIG, in manufacturer data.
    Company(u16),
}

/// BTHome has 0xFCD2 of the Bluetooth SIG; ATC and pvvx thermometers borrow Environmental Sensing (0x181A);
/// 0x0499 is Ruuvi Innovations.
const ADVERTISERS: [Advertiser; 3] = [
    Advertiser { sign: Sign::ServiceData(0xFCD2), profile: "bthome", words: "BTHome sensor" },
    Advertiser { sign: Sign::ServiceData(0x181A), profile: "atc", words: "ATC thermometer" },
    Advertiser { sign: Sign::Company(0x0499), profile: "ruuvi", words: "Ruuvi sensor" },
];

impl Kind {
    /// What this device is.
    pub(super) fn of(neighbour: &Neighbour) -> Self {
        let advertiser = ADVERTISERS.iter().find(|advertiser| advertiser.is(neighbour));
        if let Some(Advertiser { profile, words, .. }) = advertiser {
            let profile = BleProfile::from_name(profile).map(BleProfile::name);
            return Self { words: (*words).to_owned(), profile, advertises: true };
        }
        let speaks = |profile: &&BleProfile| {
            let first = profile.services().first();
            first.is_some_and(|first| has(&neighbour.services, *first))
        };
        let profile = BleProfile::ALL.iter().find(speaks).map(|profile| profile.name());
        let words = profile.map_or_else(|| "unknown".to_owned(), |name| name.replace('-', " "));
        Self { words, profile, advertises: false }
    }
}

impl Advertiser {
    fn is(&self, neighbour: &Neighbour) -> bool {
        match self.sign {
            Sign::ServiceData(short) => has(&neighbour.service_data, Uuid::sig(short)),
            Sign::Company(number) => neighbour.companies.contains(&number),
        }
    }
}

/// Whether a device of this profile only advertises.
pub(super) fn only_advertises(profile: &str) -> bool {
    ADVERTISERS.iter().any(|advertiser| advertiser.profile == profile)
}

fn has(uuids: &[varde_link::Uuid], wanted: Uuid) -> bool {
    uuids.iter().any(|uuid| uuid.as_u128() == wanted.0)
}

#[cfg(test)]
mod tests {
    use varde_link::Address;

    use super::*;

    fn neighbour() -> Neighbour {
        Neighbour {
            address: Address([0xF0; 6]),
            name: None,
            rssi_dbm: Some(-60),
            services: vec![],
            service_data: vec![],
            companies: vec![],
            bonded: false,
            connected: false,
            resolved: false,
        }
    }

    fn sig(short: u16) -> varde_link::Uuid {
        varde_link::Uuid::from_u128(Uuid::sig(short).0)
    }

    #[test]
    fn a_meter_is_known_by_the_first_service_of_its_profile() {
        let cuff = Kind::of(&Neighbour { services: vec![sig(0x180A), sig(0x1810)], ..neighbour() });
        let words = "blood pressure".to_owned();
        assert_eq!(cuff, Kind { words, profile: Some("blood-pressure"), advertises: false });
        let other = Kind::of(&Neighbour { services: vec![sig(0x180A)], ..neighbour() });
        assert_eq!((other.words.as_str(), other.profile), ("unknown", None));
    }

    #[test]
    fn an_advertising_sensor_is_known_by_its_data_and_never_pairs() {
        for (sensor, words) in [
            (Neighbour { service_data: vec![sig(0xFCD2)], ..neighbour() }, "BTHome sensor"),
            (Neighbour { service_data: vec![sig(0x181A)], ..neighbour() }, "ATC thermometer"),
            (Neighbour { companies: vec![0x0059, 0x0499], ..neighbour() }, "Ruuvi sensor"),
        ] {
            let kind = Kind::of(&sensor);
            assert_eq!((kind.words.as_str(), kind.advertises), (words, true));
        }
        assert!(only_advertises("ruuvi") && !only_advertises("blood-pressure"));
    }
}
