//! A peripheral as bluetoothd keeps it: the link to it, and the objects it shows of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use tokio::{sync::mpsc, time::Instant};
use uuid::Uuid;
use zbus::{Message, ObjectPath, Variant};

use super::{
    association::Pairing,
    daemon::{ADAPTER_PATH, CHARACTERISTIC, SERVICE},
    objects::Properties,
    pairing::Procedure,
    peripheral::{Advertisement, Characteristic, Event, Peripheral, Security, Service},
};

/// How far the handles of a new GATT table lie behind those of the last one.
const NEW_TABLE: u16 = 0x100;

/// A peripheral, the link to it and what clients want of it.
#[derive(Debug)]
pub(super) struct Station {
    /// Where its object stands.
    pub(super) path: String,
    pub(super) peripheral: Peripheral,
    pub(super) events: mpsc::UnboundedSender<Event>,
    /// Whether service discovery ever comes to its end.
    pub(super) resolves: bool,
    /// When it was last heard by a scan or over a link.
    pub(super) heard: Instant,
    pub(super) attempt: Option<Attempt>,
    /// Clients that started notification, by characteristic path.
    pub(super) subscribers: BTreeMap<String, BTreeSet<String>>,
    /// The calls that a half-open link will not answer, and when BlueZ gives up on each.
    pub(super) hanging: Vec<(Message, Instant)>,
    /// How long BlueZ waits for answers, while the link is half-open.
    pub(super) half_open: Option<Duration>,
    /// How it pairs; none while it does not.
    pub(super) pairs: Option<Pairing>,
    pub(super) procedure: Option<Procedure>,
    /// What the link is now.
    pub(super) security: Security,
    /// The key as BlueZ has it.
    pub(super) ours: Option<Key>,
    /// The key as the peripheral has it.
    pub(super) theirs: Option<Key>,
    pub(super) trusted: bool,
    first_handle: u16,
}

/// A `Connect` or `Pair` that waits for a connectable advertisement.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) call: Message,
    pub(super) pair: bool,
    pub(super) until: Instant,
}

/// A long term key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Key {
    /// No two pairings give the same.
    pub(super) number: u64,
    pub(super) security: Security,
    /// Whether it outlives the link: a bond.
    pub(super) kept: bool,
}

impl Station {
    pub(super) fn new(peripheral: Peripheral, events: mpsc::UnboundedSender<Event>) -> Self {
        let path = format!("{ADAPTER_PATH}/dev_{}", peripheral.address.to_string().replace(':', "_"));
        let key =
            peripheral.bonded.then_some(Key { number: 0, security: Security::Authenticated, kept: true });
        Self {
            path,
            trusted: peripheral.bonded,
            peripheral,
            events,
            resolves: true,
            heard: Instant::now(),
            attempt: None,
            subscribers: BTreeMap::new(),
            hanging: Vec::new(),
            half_open: None,
            pairs: Some(Pairing::JUST_WORKS),
            procedure: None,
            security: Security::Open,
            ours: key,
            theirs: key,
            first_handle: 0x10,
        }
    }

    /// Whether BlueZ keeps a key for it.
    pub(super) fn is_bonded(&self) -> bool {
        self.ours.is_some_and(|key| key.kept)
    }

    /// Whether BlueZ keeps it in mind only while it is heard.
    pub(super) const fn is_temporary(&self) -> bool {
        self.ours.is_none() && self.attempt.is_none()
    }

    pub(super) fn replace_services(&mut self, services: Vec<Service>) {
        self.peripheral.services = services;
        self.first_handle = self.first_handle.wrapping_add(NEW_TABLE);
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
        let Peripheral { address, address_is_random, name, advertised, bonded: _, services: _ } =
            &self.peripheral;
        let bonded = self.is_bonded();
        let advertised: Vec<String> = advertised.iter().map(Uuid::to_string).collect();
        Properties::from([
            ("Address", address.to_string().into()),
            ("AddressType", if *address_is_random { "random" } else { "public" }.into()),
            ("Name", name.clone().into()),
            ("Alias", name.clone().into()),
            ("Adapter", object_path(ADAPTER_PATH)),
            ("Paired", bonded.into()),
            ("Bonded", bonded.into()),
            ("Trusted", self.trusted.into()),
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
        self.peripheral.services.iter().zip(0_u16..).flat_map(move |(service, s)| {
            let service_path = self.service_path(s);
            service.characteristics.iter().zip(1_u16..).map(move |(characteristic, c)| {
                // Each characteristic takes three handles: declaration, value, configuration.
                let path = format!("{service_path}/char{:04x}", self.handle_of(s) + 3 * c);
                (service_path.clone(), path, characteristic)
            })
        })
    }

    fn service_path(&self, index: u16) -> String {
        format!("{}/service{:04x}", self.path, self.handle_of(index))
    }

    /// Services stand apart by a round number of handles, as they do in devices whose makers left room.
    const fn handle_of(&self, service: u16) -> u16 {
        self.first_handle.wrapping_add(0x40 * service)
    }
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
