//! What bluetoothd knows and does, without any D-Bus connection: calls and radio events go in, messages come out.

use std::{collections::BTreeMap, time::Duration};

use tokio::{sync::mpsc, time::Instant};
use zbus::{Message, Variant};

use super::{
    agents::{AGENT_MANAGER, Agents, MANAGER_PATH},
    faults::{Cure, Faults},
    objects::{Objects, Properties},
    peripheral::{Advertisement, Event, Peripheral},
    station::{Station, heard_properties},
};
use crate::sim::chance::Chance;

pub(super) const ADAPTER_PATH: &str = "/org/bluez/hci0";
pub(super) const ADAPTER: &str = "org.bluez.Adapter1";
pub(super) const DEVICE: &str = "org.bluez.Device1";
pub(super) const SERVICE: &str = "org.bluez.GattService1";
pub(super) const CHARACTERISTIC: &str = "org.bluez.GattCharacteristic1";

/// A device that is neither bonded nor connected is forgotten when it was not heard for so long (TemporaryTimeout in
/// BlueZ's main.conf).
const TEMPORARY_LIMIT: Duration = Duration::from_secs(30);

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
    pub(super) agents: Agents,
    pub(super) faults: Faults,
    /// How many methods were called.
    pub(super) calls: u64,
    /// Draws passkeys.
    pub(super) chance: Chance,
    out: Outgoing,
}

/// What one client asked to discover.
#[derive(Debug, Default)]
pub(super) struct Discovery {
    pub(super) running: bool,
    /// Only devices that advertise one of these; all where empty.
    pub(super) services: Vec<String>,
    /// Whether data is told again that has not changed.
    pub(super) duplicates: bool,
}

impl Daemon {
    pub(super) fn new(out: Outgoing) -> Self {
        Self {
            objects: Objects::default(),
            air: BTreeMap::new(),
            discovery: BTreeMap::new(),
            agents: Agents::default(),
            faults: Faults::default(),
            calls: 0,
            chance: Chance::seeded(0),
            out,
        }
    }

    /// Starts with an empty memory and the adapter powered.
    pub(super) fn start(&mut self, out: Outgoing) {
        self.out = out;
        let signal = self.objects.add(MANAGER_PATH, AGENT_MANAGER, Properties::new());
        self.emit(signal);
        self.plug_in_adapter();
    }

    /// Ends with all links and forgets everything but bonds; only `deaf` hears of it.
    pub(super) fn stop(&mut self, deaf: Outgoing) {
        self.out = deaf;
        self.unplug_adapter();
        self.objects = Objects::default();
        self.agents = Agents::default();
        self.faults.try_cure(Cure::NewDaemon);
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

    /// Ends what has taken too long: attempts to connect, pairings, calls over a dead link, unheard devices.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        let devices: Vec<String> = self.air.keys().cloned().collect();
        for device in devices {
            self.give_up_connecting(&device, now);
            self.give_up_pairing(&device, now);
            self.give_up_calls(&device, now);
            let unheard = self
                .air
                .get(&device)
                .is_some_and(|station| station.is_temporary() && now >= station.heard + TEMPORARY_LIMIT);
            if unheard && !self.connected(&device) && self.objects.contains(&device) {
                self.forget(&device);
            }
        }
    }

    // The adapter.

    pub(super) fn plug_in_adapter(&mut self) {
        if self.objects.contains(ADAPTER_PATH) {
            return;
        }
        let signal = self.objects.add(ADAPTER_PATH, ADAPTER, adapter_properties(!self.faults.blocked));
        self.emit(signal);
        let bonded: Vec<String> =
            self.air.iter().filter(|(_, it)| it.is_bonded()).map(|(path, _)| path.clone()).collect();
        for path in bonded {
            self.show_device(&path, None);
        }
    }

    pub(super) fn unplug_adapter(&mut self) {
        self.lose_links();
        self.discovery.clear();
        self.forget(ADAPTER_PATH);
        self.faults.try_cure(Cure::PowerCycle);
    }

    /// Switches the adapter; nothing comes of switching it on while rfkill holds it.
    pub(super) fn power(&mut self, on: bool) {
        if !on {
            self.lose_links();
            self.discovery.values_mut().for_each(|discovery| discovery.running = false);
            self.discovery_changed();
            self.faults.try_cure(Cure::PowerCycle);
        }
        let state = match (on, self.faults.blocked) {
            (_, true) => "off-blocked",
            (true, false) => "on",
            (false, false) => "off",
        };
        self.set(ADAPTER_PATH, ADAPTER, [("Powered", (state == "on").into()), ("PowerState", state.into())]);
    }

    /// rfkill takes the adapter or lets go of it; then BlueZ switches it on again by itself.
    pub(super) fn block(&mut self, blocked: bool) {
        self.faults.blocked = blocked;
        self.power(!blocked);
    }

    /// Brings `Discovering` in step with what clients want; without discovery no RSSI is known.
    pub(super) fn discovery_changed(&mut self) {
        let running = self.discovery.values().any(|discovery| discovery.running);
        if running == self.is_discovering() {
            return;
        }
        self.set(ADAPTER_PATH, ADAPTER, [("Discovering", running.into())]);
        if running {
            self.faults.try_cure(Cure::NewScan);
            return;
        }
        let devices: Vec<String> = self.air.keys().cloned().collect();
        for device in devices {
            if self.objects.get(&device, DEVICE, "RSSI").is_some() {
                let signal = self.objects.unset(&device, DEVICE, "RSSI");
                self.emit(signal);
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
        self.agent_gone(client);
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
        let (device, bonded) = (station.path.clone(), station.is_bonded());
        self.air.insert(device.clone(), station);
        if bonded && self.objects.contains(ADAPTER_PATH) {
            self.show_device(&device, None);
        }
        device
    }

    /// The adapter hears an advertisement.
    pub(super) fn advertise(&mut self, device: &str, advertisement: &Advertisement) {
        if !self.powered() || self.connected(device) || !self.faults.hears() {
            return;
        }
        let Some(station) = self.air.get_mut(device) else { return };
        if self.discovery.values().any(|discovery| discovery.wants(&station.peripheral)) {
            station.heard = Instant::now();
            self.show_device(device, Some(advertisement));
        }
        if advertisement.connectable
            && let Some(attempt) = self.air.get_mut(device).and_then(|station| station.attempt.take())
        {
            self.connect(device, attempt);
        }
    }

    /// Makes a device known, or brings what is known of it up to date.
    fn show_device(&mut self, device: &str, advertisement: Option<&Advertisement>) {
        let Some(station) = self.air.get(device) else { return };
        let mut heard = advertisement.map(heard_properties).unwrap_or_default();
        if self.objects.contains(device) {
            if !self.discovery.values().any(|discovery| discovery.running && discovery.duplicates) {
                // The strength of a real signal changes all the time.
                heard.retain(|name, value| {
                    *name == "RSSI" || self.objects.get(device, DEVICE, name) != Some(value)
                });
            }
            let signal = self.objects.set(device, DEVICE, heard);
            self.emit(signal);
        } else {
            let mut properties = station.properties();
            properties.extend(heard);
            let signal = self.objects.add(device, DEVICE, properties);
            self.emit(signal);
        }
    }
}

impl Discovery {
    fn wants(&self, peripheral: &Peripheral) -> bool {
        let named = |uuid: &uuid::Uuid| self.services.iter().any(|wanted| *wanted == uuid.to_string());
        self.running && (self.services.is_empty() || peripheral.advertised.iter().any(named))
    }
}

fn adapter_properties(on: bool) -> Properties {
    Properties::from([
        ("Address", "C0:FF:EE:00:00:01".into()),
        ("AddressType", "public".into()),
        ("Name", "gateway".into()),
        ("Alias", "gateway".into()),
        ("Class", 0_u32.into()),
        ("Powered", on.into()),
        ("PowerState", if on { "on" } else { "off-blocked" }.into()),
        ("Discoverable", false.into()),
        ("DiscoverableTimeout", 180_u32.into()),
        ("Pairable", false.into()),
        ("PairableTimeout", 0_u32.into()),
        ("Discovering", false.into()),
        ("UUIDs", Vec::<String>::new().into()),
        ("Modalias", "usb:v1D6Bp0246d0552".into()),
    ])
}
