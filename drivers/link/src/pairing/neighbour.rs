//! A device as BlueZ knows it: what it advertises, and what binds it to this box.

use std::collections::HashMap;

use uuid::Uuid;
use zbus::OwnedVariant;

use crate::Address;

/// No longer name is shown: GAP's longest has 248 bytes, but it comes from the air.
const LONGEST_NAME: usize = 40;

/// A device that BlueZ knows, heard just now or remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// Its address; once bonded, the one by which it is known for good.
    pub address: Address,
    /// Its name, without anything that could upset a terminal. It comes from the air: never trust it.
    pub name: Option<String>,
    /// How strongly it was last heard, in dBm; none where it has not been heard since the scan began.
    pub rssi_dbm: Option<i16>,
    /// The services that it advertised or showed.
    pub services: Vec<Uuid>,
    /// The services of which it advertises data.
    pub service_data: Vec<Uuid>,
    /// The companies (by Bluetooth SIG number) of which it advertises data.
    pub companies: Vec<u16>,
    /// It shares a key with this box that both keep.
    pub bonded: bool,
    /// It is connected now.
    pub connected: bool,
    /// It is connected, and its services are known.
    pub resolved: bool,
}

pub(super) type Properties = HashMap<String, OwnedVariant>;

impl Neighbour {
    /// Reads the properties of an `org.bluez.Device1`; nothing where they name no address.
    pub(super) fn of_properties(properties: &Properties) -> Option<Self> {
        let truth = |name| properties.get(name).and_then(|value| bool::try_from(value).ok());
        Some(Self {
            address: take::<String>(properties, "Address")?.parse().ok()?,
            name: take(properties, "Name")
                .map(|name: String| harmless(&name))
                .filter(|name| !name.is_empty()),
            rssi_dbm: take(properties, "RSSI"),
            services: uuids(take::<Vec<String>>(properties, "UUIDs").unwrap_or_default()),
            service_data: uuids(
                take::<Properties>(properties, "ServiceData").unwrap_or_default().into_keys(),
            ),
            companies: take::<HashMap<u16, OwnedVariant>>(properties, "ManufacturerData")
                .unwrap_or_default()
                .into_keys()
                .collect(),
            // BlueZ before 5.65 has only `Paired`.
            bonded: truth("Bonded").or_else(|| truth("Paired")) == Some(true),
            connected: truth("Connected") == Some(true),
            resolved: truth("ServicesResolved") == Some(true),
        })
    }
}

/// A property, if it is there and of this type.
pub(super) fn take<T: TryFrom<OwnedVariant>>(properties: &Properties, name: &str) -> Option<T> {
    properties.get(name).cloned()?.try_into().ok()
}

fn uuids(texts: impl IntoIterator<Item = String>) -> Vec<Uuid> {
    let mut uuids: Vec<Uuid> = texts.into_iter().filter_map(|text| text.parse().ok()).collect();
    uuids.sort_unstable();
    uuids
}

/// The name without control characters, and without those that turn the direction of a line or hide in it.
fn harmless(name: &str) -> String {
    let shown = |c: &char| {
        !c.is_control()
            && !matches!(c, '\u{61C}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
    };
    name.chars().filter(shown).take(LONGEST_NAME).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use zbus::Variant;

    use super::*;

    fn properties(properties: &[(&str, Variant<'static>)]) -> Properties {
        let owned = |(name, value): &(&str, Variant<'static>)| {
            ((*name).to_owned(), OwnedVariant::try_from(value.try_clone().unwrap()).unwrap())
        };
        properties.iter().map(owned).collect()
    }

    #[test]
    fn a_device_is_read_with_what_it_advertises() {
        let bthome = "0000fcd2-0000-1000-8000-00805f9b34fb";
        let cuff = "00001810-0000-1000-8000-00805f9b34fb";
        let neighbour = Neighbour::of_properties(&properties(&[
            ("Address", "F0:F1:F2:F3:F4:01".into()),
            ("Name", "BPM-200".into()),
            ("RSSI", (-61_i16).into()),
            ("UUIDs", vec![cuff.to_owned()].into()),
            ("ServiceData", HashMap::from([(bthome.to_owned(), Variant::from(vec![0x40_u8]))]).into()),
            ("ManufacturerData", HashMap::from([(0x0499_u16, Variant::from(vec![5_u8]))]).into()),
            ("Paired", true.into()),
            ("Bonded", false.into()),
        ]));
        let expected = Neighbour {
            address: Address([0xF0, 0xF1, 0xF2, 0xF3, 0xF4, 0x01]),
            name: Some("BPM-200".to_owned()),
            rssi_dbm: Some(-61),
            services: vec![cuff.parse().unwrap()],
            service_data: vec![bthome.parse().unwrap()],
            companies: vec![0x0499],
            bonded: false,
            connected: false,
            resolved: false,
        };
        assert_eq!(neighbour, Some(expected));
    }

    #[test]
    fn what_has_no_address_or_properties_of_other_types_does_no_harm() {
        assert_eq!(Neighbour::of_properties(&properties(&[("Name", "nobody".into())])), None);
        let odd = [("Address", "F0:F1:F2:F3:F4:01".into()), ("Name", 7_u32.into()), ("RSSI", "loud".into())];
        let odd = Neighbour::of_properties(&properties(&odd)).unwrap();
        assert_eq!((odd.name, odd.rssi_dbm), (None, None));
    }

    #[test]
    fn an_old_bluez_tells_of_the_bond_by_paired_alone() {
        let paired = [("Address", "F0:F1:F2:F3:F4:01".into()), ("Paired", true.into())];
        assert!(Neighbour::of_properties(&properties(&paired)).unwrap().bonded);
    }

    #[test]
    fn a_name_from_the_air_cannot_upset_a_terminal() {
        assert_eq!(harmless("\u{1b}[2J\rBPM\u{202E}-200\u{200B}\n"), "[2JBPM-200");
        assert_eq!(harmless(&"x".repeat(300)).len(), LONGEST_NAME);
        assert_eq!(harmless("Blodtryksmåler"), "Blodtryksmåler");
    }
}
