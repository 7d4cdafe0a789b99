//! A client on the bus, for the tests of what plays BlueZ and of what plays the devices.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use futures_util::StreamExt;
use tokio::time::timeout;
use uuid::Uuid;
use zbus::{
    Connection, DynamicType, Message, MessageStream, OwnedObjectPath, OwnedVariant, Variant,
    connection::Builder,
};

use super::{BUS, Radio};
use crate::sim::{bluez::Advertisement, bus::Bus};

pub(crate) const LIMIT: Duration = Duration::from_secs(20);
pub(crate) const ADAPTER: &str = "org.bluez.Adapter1";
pub(crate) const DEVICE: &str = "org.bluez.Device1";
pub(crate) const CHARACTERISTIC: &str = "org.bluez.GattCharacteristic1";
pub(crate) const HCI0: &str = "/org/bluez/hci0";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

/// An advertisement without anything in it.
pub(crate) const HEARD: Advertisement = Advertisement {
    rssi: -60,
    connectable: true,
    service_data: BTreeMap::new(),
    manufacturer_data: BTreeMap::new(),
};

/// A client that hears every signal of BlueZ.
pub(crate) struct Client {
    pub(crate) connection: Connection,
    pub(crate) heard: MessageStream,
}

impl Client {
    pub(crate) async fn join(bus: &Bus) -> Self {
        let connection = Builder::address(bus.address()).build().await.unwrap();
        let heard = MessageStream::from(&connection);
        let rule = "type='signal',sender='org.bluez'";
        connection
            .call_method(Some(BUS), "/org/freedesktop/DBus", Some(BUS), "AddMatch", &rule)
            .await
            .unwrap();
        Self { connection, heard }
    }

    pub(crate) async fn call<B>(
        &self,
        path: &str,
        interface: &str,
        method: &str,
        body: &B,
    ) -> zbus::Result<Message>
    where
        B: serde::Serialize + DynamicType,
    {
        timeout(LIMIT, self.connection.call_method(Some("org.bluez"), path, Some(interface), method, body))
            .await
            .unwrap()
    }

    pub(crate) async fn read(&self, path: &str) -> zbus::Result<Vec<u8>> {
        let options = HashMap::<&str, Variant<'_>>::new();
        self.call(path, CHARACTERISTIC, "ReadValue", &options).await?.body().deserialize()
    }

    pub(crate) async fn write(&self, path: &str, value: &[u8]) -> zbus::Result<Message> {
        let options = HashMap::<&str, Variant<'_>>::new();
        self.call(path, CHARACTERISTIC, "WriteValue", &(value, options)).await
    }

    /// Where a characteristic of a device stands.
    pub(crate) async fn find(&self, device: &str, uuid: Uuid) -> String {
        let characteristics = self.objects().await.into_iter();
        for path in characteristics.filter(|path| path.starts_with(device) && path.contains("/char")) {
            let found = self.get(&path, CHARACTERISTIC, "UUID").await.unwrap();
            if String::try_from(found).unwrap() == uuid.to_string() {
                return path;
            }
        }
        panic!("{device} has no {uuid}")
    }

    /// Starts notification of a characteristic; gives where it stands.
    pub(crate) async fn subscribe(&self, device: &str, uuid: Uuid) -> String {
        let path = self.find(device, uuid).await;
        self.call(&path, CHARACTERISTIC, "StartNotify", &()).await.unwrap();
        path
    }

    pub(crate) async fn is(&self, path: &str, property: &str) -> bool {
        self.get(path, DEVICE, property).await.unwrap() == OwnedVariant::from(true)
    }

    pub(crate) async fn get(&self, path: &str, interface: &str, name: &str) -> zbus::Result<OwnedVariant> {
        let reply = self.call(path, PROPERTIES, "Get", &(interface, name)).await?;
        reply.body().deserialize()
    }

    pub(crate) async fn objects(&self) -> Vec<String> {
        type Objects = HashMap<OwnedObjectPath, HashMap<String, HashMap<String, OwnedVariant>>>;
        let reply =
            self.call("/", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", &()).await.unwrap();
        let objects: Objects = reply.body().deserialize().unwrap();
        let manager = "/org/bluez";
        let mut paths: Vec<String> =
            objects.keys().map(ToString::to_string).filter(|path| path != manager).collect();
        paths.sort();
        paths
    }

    pub(crate) async fn discover(&self) {
        self.call(HCI0, ADAPTER, "StartDiscovery", &()).await.unwrap();
    }

    /// Waits for a change of a property and gives its new value.
    pub(crate) async fn change(&mut self, path: &str, property: &str) -> OwnedVariant {
        self.next_change(property, |at| at == path).await.1
    }

    /// Waits for the next value of any characteristic; gives where that stands, too.
    pub(crate) async fn next_value(&mut self) -> (String, Vec<u8>) {
        let (path, value) = self.next_change("Value", |_| true).await;
        (path, value.try_into().unwrap())
    }

    async fn next_change(&mut self, property: &str, at: impl Fn(&str) -> bool) -> (String, OwnedVariant) {
        timeout(LIMIT, async {
            loop {
                let message = self.heard.next().await.unwrap().unwrap();
                let header = message.header();
                let path = header.path().map(ToString::to_string).filter(|path| at(path));
                let changes = header.member().is_some_and(|member| member == "PropertiesChanged");
                let Some(path) = path.filter(|_| changes) else { continue };
                let body = message.body();
                let (_, mut changed, _): (String, HashMap<String, OwnedVariant>, Vec<String>) =
                    body.deserialize().unwrap();
                if let Some(value) = changed.remove(property) {
                    return (path, value);
                }
            }
        })
        .await
        .unwrap_or_else(|_| panic!("{property} did not change"))
    }

    /// Connects while the peripheral advertises, as it does all the time.
    pub(crate) async fn connect(&self, radio: &Radio) -> zbus::Result<Message> {
        self.call_heard("Connect", radio).await
    }

    /// Calls a method of the peripheral while it advertises.
    pub(crate) async fn call_heard(&self, method: &str, radio: &Radio) -> zbus::Result<Message> {
        let advertising = async {
            loop {
                radio.advertise(&HEARD);
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::select! {
            answered = self.call(&radio.device, DEVICE, method, &()) => answered,
            () = advertising => unreachable!(),
        }
    }
}

pub(crate) fn error_name(error: &zbus::Error) -> String {
    error.to_string().split(':').next().unwrap_or_default().to_owned()
}
