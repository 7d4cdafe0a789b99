//! A peripheral as bluetoothd keeps it: the link to it, and the objects it shows of it.

use std::collections::{BTreeMap, BTreeSet};

use tokio::{sync::mpsc, time::Instant};
use uuid::Uuid;
use zbus::{Message, ObjectPath, Variant};

use super::{
    daemon::{ADAPTER_PATH, CHARACTERISTIC, SERVICE},
    objects::Properties,
    peripheral::{Advertisement, Characteristic, Event, Peripheral},
};

/// A peripheral, the link to it and what clients want of it.
#[derive(Debug)]
pub(super) struct Station {
    /// Where its object stands.
    pub(super) path: String,
    pub(super) peripheral: Peripheral,
    pub(super) events: mpsc::UnboundedSender<Event>,
    /// Whether service discovery ever comes to its end.
    pub(super) resolves: bool,
    /// A `Connect` that waits for a connectable advertisement, and when it is given up.
    pub(super) connecting: Option<(Message, Instant)>,
    /// Clients that started notification, by characteristic path.
    pub(super) subscribers: BTreeMap<String, BTreeSet<String>>,
}

impl Station {
    pub(super) fn new(peripheral: Peripheral, events: mpsc::UnboundedSender<Event>) -> Self {
        let path = format!("{ADAPTER_PATH}/dev_{}", peripheral.address.to_string().replace(':', "_"));
        Self { path, peripheral, events, resolves: true, connecting: None, subscribers: BTreeMap::new() }
    }

    /// The characteristic that stands at a path.
    pub(super) fn characteristic(&self, path: &str) -> Option<&Characteristic> {
        self.layout().find_map(|(_, at, characteristic)| (at == path).then_some(characteristic))
    }

    /// Where the first characteristic with a UUID stands.
    pub(super) fn path_of(&self, uuid: Uuid) -> Option<String> {
        self.layout().find_map(|(_, path, characteristic)| (characteristic.uuid == uuid).then_some(path))
    }

    /// What its object shows before anything was heard of it.
    pub(super) fn properties(&self) -> Properties {
        let Peripheral { address, address_is_random, name, advertised, bonded, services: _ } =
            &self.peripheral;
        let advertised: Vec<String> = advertised.iter().map(Uuid::to_string).collect();
        Properties::from([
            ("Address", address.to_string().into()),
            ("AddressType", if *address_is_random { "random" } else { "public" }.into()),
            ("Name", name.clone().into()),
            ("Alias", name.clone().into()),
            ("Adapter", object_path(ADAPTER_PATH)),
            ("Paired", (*bonded).into()),
            ("Bonded", (*bonded).into()),
            ("Trusted", (*bonded).into()),
            ("Blocked", false.into()),
            ("LegacyPairing", false.into()),
            ("Connected", false.into()),
            ("ServicesResolved", false.into()),
            ("UUIDs", advertised.into()),
        ])
    }

    /// The objects of its GATT table.
    pub(super) fn gatt_objects(&self) -> Vec<(String, &'static str, Properties)> {
        let services = self.peripheral.services.iter().zip(0_u16..).map(|(service, s)| {
            let properties = Properties::from([
                ("UUID", service.uuid.to_string().into()),
                ("Device", object_path(&self.path)),
                ("Primary", true.into()),
                ("Includes", Vec::<ObjectPath<'static>>::new().into()),
            ]);
            (self.service_path(s), SERVICE, properties)
        });
        let characteristics = self.layout().map(|(service_path, path, characteristic)| {
            let flags: Vec<String> = characteristic.flags.iter().map(ToString::to_string).collect();
            let mut properties = Properties::from([
                ("UUID", characteristic.uuid.to_string().into()),
                ("Service", object_path(&service_path)),
                ("Flags", flags.into()),
                ("Value", Vec::<u8>::new().into()),
                ("MTU", 247_u16.into()),
            ]);
            if characteristic.may(&["notify", "indicate"]) {
                properties.insert("Notifying", false.into());
            }
            (path, CHARACTERISTIC, properties)
        });
        services.chain(characteristics).collect()
    }

    /// Every characteristic with the path of its service and its own.
    fn layout(&self) -> impl Iterator<Item = (String, String, &Characteristic)> {
        self.peripheral.services.iter().zip(0_u16..).flat_map(|(service, s)| {
            let service_path = self.service_path(s);
            service.characteristics.iter().zip(1_u16..).map(move |(characteristic, c)| {
                // Each characteristic takes three handles: declaration, value, configuration.
                let path = format!("{service_path}/char{:04x}", first_handle(s) + 3 * c);
                (service_path.clone(), path, characteristic)
            })
        })
    }

    fn service_path(&self, index: u16) -> String {
        format!("{}/service{:04x}", self.path, first_handle(index))
    }
}

/// Services stand apart by a round number of handles, as they do in devices whose makers left room.
const fn first_handle(service: u16) -> u16 {
    0x10 + 0x40 * service
}

fn object_path(path: &str) -> Variant<'static> {
    // Made of an address and handles above and so always valid.
    ObjectPath::try_from(path.to_owned()).unwrap_or_default().into()
}

/// What an advertisement changes in the object.
pub(super) fn heard_properties(advertisement: &Advertisement) -> Properties {
    let Advertisement { rssi, service_data, manufacturer_data, connectable: _ } = advertisement;
    let mut properties = Properties::from([("RSSI", (*rssi).into())]);
    if !service_data.is_empty() {
        let by_service: BTreeMap<String, Variant<'static>> =
            service_data.iter().map(|(uuid, data)| (uuid.to_string(), data.clone().into())).collect();
        properties.insert("ServiceData", by_service.into());
    }
    if !manufacturer_data.is_empty() {
        let by_company: BTreeMap<u16, Variant<'static>> =
            manufacturer_data.iter().map(|(company, data)| (*company, data.clone().into())).collect();
        properties.insert("ManufacturerData", by_company.into());
    }
    properties
}
