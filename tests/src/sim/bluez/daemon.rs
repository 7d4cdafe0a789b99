//! What bluetoothd knows and does, without any D-Bus connection: calls and radio events go in, messages come out.

use std::{collections::BTreeMap, time::Duration};

use tokio::{sync::mpsc, time::Instant};
use uuid::Uuid;
use zbus::{Message, Variant};

use super::{
    objects::{Objects, Properties},
    peripheral::{Advertisement, Event, Peripheral},
    station::{Station, heard_properties},
};

pub(super) const ADAPTER_PATH: &str = "/org/bluez/hci0";
pub(super) const ADAPTER: &str = "org.bluez.Adapter1";
pub(super) const DEVICE: &str = "org.bluez.Device1";
pub(super) const SERVICE: &str = "org.bluez.GattService1";
pub(super) const CHARACTERISTIC: &str = "org.bluez.GattCharacteristic1";

/// The kernel gives an LE connection up after this time.
const CONNECT_LIMIT: Duration = Duration::from_secs(20);

/// Where messages leave to; one that could not be built ends the connection.
pub(super) type Outgoing = mpsc::UnboundedSender<zbus::Result<Message>>;

/// The daemon, its adapter and the peripherals in range.
#[derive(Debug)]
pub(super) struct Daemon {
    pub(super) objects: Objects,
    /// By device path. Peripherals outlive the daemon's memory of them.
    pub(super) air: BTreeMap<String, Station>,
    /// By the unique bus name of the client.
    pub(super) discovery: BTreeMap<String, Discovery>,
    out: Outgoing,
}

/// What one client asked to discover.
#[derive(Debug, Default)]
pub(super) struct Discovery {
    pub(super) running: bool,
    /// Only devices that advertise one of these; all where empty.
    pub(super) services: Vec<String>,
}

impl Daemon {
    pub(super) fn new(out: Outgoing) -> Self {
        Self { objects: Objects::default(), air: BTreeMap::new(), discovery: BTreeMap::new(), out }
    }

    /// Starts with an empty memory and the adapter powered.
    pub(super) fn start(&mut self, out: Outgoing) {
        self.out = out;
        self.plug_in_adapter();
    }

    /// Ends with all links and forgets everything; only `deaf` hears of it.
    pub(super) fn stop(&mut self, deaf: Outgoing) {
        self.out = deaf;
        self.unplug_adapter();
        self.objects = Objects::default();
    }

    pub(super) fn emit(&self, message: zbus::Result<Message>) {
        // Nobody listens after the daemon has died; the peripherals live on.
        let _ = self.out.send(message);
    }

    pub(super) fn powered(&self) -> bool {
        self.objects.is_true(ADAPTER_PATH, ADAPTER, "Powered")
    }

    pub(super) fn is_discovering(&self) -> bool {
        self.objects.is_true(ADAPTER_PATH, ADAPTER, "Discovering")
    }

    pub(super) fn connected(&self, device: &str) -> bool {
        self.objects.is_true(device, DEVICE, "Connected")
    }

    pub(super) fn set<const N: usize>(
        &mut self,
        path: &str,
        interface: &'static str,
        changes: [(&'static str, Variant<'static>); N],
    ) {
        if self.objects.properties(path, interface).is_none() {
            return;
        }
        let signal = self.objects.set(path, interface, changes.into());
        self.emit(signal);
    }

    // The adapter.

    pub(super) fn plug_in_adapter(&mut self) {
        if self.objects.contains(ADAPTER_PATH) {
            return;
        }
        let signal = self.objects.add(ADAPTER_PATH, ADAPTER, adapter_properties());
        self.emit(signal);
        let bonded: Vec<String> =
            self.air.iter().filter(|(_, it)| it.peripheral.bonded).map(|(path, _)| path.clone()).collect();
        for path in bonded {
            self.show_device(&path, None);
        }
    }

    pub(super) fn unplug_adapter(&mut self) {
        self.lose_links();
        self.discovery.clear();
        self.forget(ADAPTER_PATH);
    }

    pub(super) fn power(&mut self, on: bool) {
        if !on {
            self.lose_links();
            self.discovery.values_mut().for_each(|discovery| discovery.running = false);
            self.discovery_changed();
        }
        self.set(ADAPTER_PATH, ADAPTER, [("Powered", on.into())]);
    }

    /// Brings `Discovering` in step with what clients want; without discovery no RSSI is known.
    pub(super) fn discovery_changed(&mut self) {
        let running = self.discovery.values().any(|discovery| discovery.running);
        if running == self.is_discovering() {
            return;
        }
        self.set(ADAPTER_PATH, ADAPTER, [("Discovering", running.into())]);
        if !running {
            let devices: Vec<String> = self.air.keys().cloned().collect();
            for device in devices {
                if self.objects.get(&device, DEVICE, "RSSI").is_some() {
                    let signal = self.objects.unset(&device, DEVICE, "RSSI");
                    self.emit(signal);
                }
            }
        }
    }

    /// Removes an object with all below it.
    pub(super) fn forget(&mut self, path: &str) {
        match self.objects.remove(path) {
            Ok(signals) => signals.into_iter().for_each(|signal| self.emit(Ok(signal))),
            Err(error) => self.emit(Err(error)),
        }
    }

    /// A client has left the bus: what it asked for ends.
    pub(super) fn client_gone(&mut self, client: &str) {
        self.discovery.remove(client);
        self.discovery_changed();
        let subscribed: Vec<(String, String)> = self
            .air
            .iter()
            .flat_map(|(device, station)| {
                station.subscribers.keys().map(|path| (device.clone(), path.clone()))
            })
            .collect();
        for (device, characteristic) in subscribed {
            self.unsubscribe(&device, &characteristic, client);
        }
    }

    // The peripherals.

    pub(super) fn add(&mut self, peripheral: Peripheral, events: mpsc::UnboundedSender<Event>) -> String {
        let station = Station::new(peripheral, events);
        let (device, bonded) = (station.path.clone(), station.peripheral.bonded);
        self.air.insert(device.clone(), station);
        if bonded && self.objects.contains(ADAPTER_PATH) {
            self.show_device(&device, None);
        }
        device
    }

    /// The adapter hears an advertisement.
    pub(super) fn advertise(&mut self, device: &str, advertisement: &Advertisement) {
        let Some(station) = self.air.get(device) else { return };
        if !self.powered() || self.connected(device) {
            return;
        }
        if self.discovery.values().any(|discovery| discovery.wants(&station.peripheral)) {
            self.show_device(device, Some(advertisement));
        }
        if advertisement.connectable
            && let Some((call, _)) = self.air.get_mut(device).and_then(|station| station.connecting.take())
        {
            self.connect(device, &call);
        }
    }

    /// The peripheral indicates or notifies; true when a client has subscribed and the value is confirmed, which
    /// BlueZ does before any client has it.
    pub(super) fn indicate(&mut self, device: &str, uuid: Uuid, value: Vec<u8>) -> bool {
        let Some(path) = self.air.get(device).and_then(|station| station.path_of(uuid)) else {
            return false;
        };
        let subscribed = self.objects.is_true(&path, CHARACTERISTIC, "Notifying");
        if subscribed {
            self.set(&path, CHARACTERISTIC, [("Value", value.into())]);
        }
        subscribed
    }

    pub(super) fn set_value(&mut self, device: &str, uuid: Uuid, value: Vec<u8>) {
        let services =
            self.air.get_mut(device).into_iter().flat_map(|station| &mut station.peripheral.services);
        for characteristic in services.flat_map(|service| &mut service.characteristics) {
            if characteristic.uuid == uuid {
                characteristic.value.clone_from(&value);
            }
        }
    }

    pub(super) fn set_resolves(&mut self, device: &str, resolves: bool) {
        if let Some(station) = self.air.get_mut(device) {
            station.resolves = resolves;
        }
    }

    /// The link ends, whichever side ended it.
    pub(super) fn disconnect(&mut self, device: &str) {
        if !self.connected(device) {
            return;
        }
        let Some(station) = self.air.get_mut(device) else { return };
        let _ = station.events.send(Event::Disconnected);
        for characteristic in std::mem::take(&mut station.subscribers).into_keys() {
            self.set(&characteristic, CHARACTERISTIC, [("Notifying", false.into())]);
        }
        let changes = [("Connected", false.into()), ("ServicesResolved", false.into())];
        self.set(device, DEVICE, changes);
    }

    pub(super) fn unsubscribe(&mut self, device: &str, characteristic: &str, client: &str) -> bool {
        let Some(station) = self.air.get_mut(device) else { return false };
        let Some(clients) = station.subscribers.get_mut(characteristic) else { return false };
        let removed = clients.remove(client);
        if clients.is_empty() {
            station.subscribers.remove(characteristic);
            if let Some(described) = station.characteristic(characteristic) {
                let _ = station.events.send(Event::Unsubscribed(described.uuid));
            }
            self.set(characteristic, CHARACTERISTIC, [("Notifying", false.into())]);
        }
        removed
    }

    /// Refuses the connection attempts that have waited too long.
    pub(super) fn give_up_connecting(&mut self, now: Instant) {
        let overdue: Vec<Message> = self
            .air
            .values_mut()
            .filter_map(|station| station.connecting.take_if(|(_, until)| *until <= now))
            .map(|(call, _)| call)
            .collect();
        overdue.iter().for_each(|call| self.abort_connect(call));
    }

    pub(super) fn abort_connect(&self, call: &Message) {
        let error = Message::error(&call.header(), "org.bluez.Error.Failed");
        self.emit(error.build(&"le-connection-abort-by-local"));
    }

    pub(super) fn await_advertisement(&mut self, device: &str, call: &Message) {
        if let Some(station) = self.air.get_mut(device) {
            station.connecting = Some((call.clone(), Instant::now() + CONNECT_LIMIT));
        }
    }

    fn connect(&mut self, device: &str, call: &Message) {
        self.set(device, DEVICE, [("Connected", true.into())]);
        self.emit(Message::method_return(&call.header()).build(&()));
        let Some(station) = self.air.get(device) else { return };
        let _ = station.events.send(Event::Connected);
        if station.resolves {
            self.resolve_services(device);
        }
    }

    fn resolve_services(&mut self, device: &str) {
        let Some(station) = self.air.get(device) else { return };
        let uuids: Vec<String> =
            station.peripheral.services.iter().map(|service| service.uuid.to_string()).collect();
        for (path, interface, properties) in station.gatt_objects() {
            // A known table stays over connections, as with BlueZ's cache.
            if !self.objects.contains(&path) {
                let signal = self.objects.add(&path, interface, properties);
                self.emit(signal);
            }
        }
        let changes = [("UUIDs", uuids.into()), ("ServicesResolved", true.into())];
        self.set(device, DEVICE, changes);
    }

    /// Makes a device known, or brings what is known of it up to date.
    fn show_device(&mut self, device: &str, advertisement: Option<&Advertisement>) {
        let Some(station) = self.air.get(device) else { return };
        let heard = advertisement.map(heard_properties).unwrap_or_default();
        if self.objects.contains(device) {
            let signal = self.objects.set(device, DEVICE, heard);
            self.emit(signal);
        } else {
            let mut properties = station.properties();
            properties.extend(heard);
            let signal = self.objects.add(device, DEVICE, properties);
            self.emit(signal);
        }
    }

    fn lose_links(&mut self) {
        let devices: Vec<String> = self.air.keys().cloned().collect();
        for device in devices {
            self.disconnect(&device);
            if let Some((call, _)) = self.air.get_mut(&device).and_then(|station| station.connecting.take()) {
                self.abort_connect(&call);
            }
        }
    }
}

impl Discovery {
    fn wants(&self, peripheral: &Peripheral) -> bool {
        let named = |uuid: &Uuid| self.services.iter().any(|wanted| *wanted == uuid.to_string());
        self.running && (self.services.is_empty() || peripheral.advertised.iter().any(named))
    }
}

fn adapter_properties() -> Properties {
    Properties::from([
        ("Address", "C0:FF:EE:00:00:01".into()),
        ("AddressType", "public".into()),
        ("Name", "gateway".into()),
        ("Alias", "gateway".into()),
        ("Class", 0_u32.into()),
        ("Powered", true.into()),
        ("Discoverable", false.into()),
        ("DiscoverableTimeout", 180_u32.into()),
        ("Pairable", false.into()),
        ("PairableTimeout", 0_u32.into()),
        ("Discovering", false.into()),
        ("UUIDs", Vec::<String>::new().into()),
        ("Modalias", "usb:v1D6Bp0246d0552".into()),
    ])
}
