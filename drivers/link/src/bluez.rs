//! BlueZ's side of the radio, spoken over D-Bus directly: the adapter, the scan and the signals.
//!
//! btleplug (0.13) says nothing when bluetoothd or the adapter goes away, asks BlueZ once for each advertisement,
//! keeps them in an unbounded queue, and cannot keep the scan to Low Energy. So it is left to what it is good at,
//! GATT, and this module does the rest. The scan belongs to this connection: closing it ends the scan.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::time::Duration;

use futures_util::StreamExt;
use uuid::Uuid;
use zbus::message::Message;
use zbus::{Connection, DBusError, MessageStream, OwnedObjectPath, OwnedVariant, Variant};

use crate::{Address, Channel, LinkError};

const BLUEZ: &str = "org.bluez";
const ADAPTER: &str = "org.bluez.Adapter1";
const DEVICE: &str = "org.bluez.Device1";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
const OBJECT_MANAGER: &str = "org.freedesktop.DBus.ObjectManager";

const BUS: &str = "org.freedesktop.DBus";

/// For how many devices the D-Bus daemon is asked one by one; it takes 512 rules of one connection.
const MOST_RULED: usize = 200;

/// How long an adapter stays off in a power cycle.
const OFF: Duration = Duration::from_secs(1);

/// Longer than D-Bus takes to start bluetoothd on demand (25 s), so that its own error arrives first.
const CALL_LIMIT: Duration = Duration::from_secs(30);

type Properties = HashMap<String, OwnedVariant>;
type Interfaces = HashMap<String, Properties>;

/// Where BlueZ has the devices of one adapter.
#[derive(Clone, Debug, Default)]
struct Paths {
    adapter: String,
    /// Devices that were paired under another address than their lasting one: until bluetoothd restarts, their path
    /// names the other.
    odd: BTreeMap<String, Address>,
}

impl Paths {
    /// The device that this path is of, if it is one's.
    fn address(&self, path: &str) -> Option<Address> {
        self.odd.get(path).copied().or_else(|| Address::from_device_path(&self.adapter, path))
    }

    /// Every path that a device may have.
    fn of(&self, device: Address) -> impl Iterator<Item = String> {
        let odd =
            self.odd.iter().filter(move |(_, address)| **address == device).map(|(path, _)| path.clone());
        std::iter::once(device.device_path(&self.adapter)).chain(odd)
    }

    /// Learns from what BlueZ says of a device.
    fn learn(&mut self, path: &str, device: &Properties) {
        let address = device.get("Address").and_then(|value| <&str>::try_from(value).ok());
        if let Some(address) = address.and_then(|address| address.parse().ok())
            && Address::from_device_path(&self.adapter, path).is_some_and(|of_path| of_path != address)
        {
            self.odd.insert(path.to_owned(), address);
        }
    }
}

/// A connection to BlueZ, and the adapter it found.
#[derive(Debug)]
pub(crate) struct Bluez {
    connection: Connection,
    adapter: OwnedObjectPath,
    paths: Paths,
    /// The devices that are connected already, and thus do not advertise.
    pub(crate) connected: Vec<Address>,
}

/// What an advertisement said, by channel.
pub(crate) type Said = Vec<(Channel, Vec<u8>)>;

/// What a signal says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// The device advertised, with what it said; or somebody connected it.
    Near(Address, Said),
    HungUp(Address),
    Lost(LinkError),
}

impl Bluez {
    /// Finds the adapter (the first by name) and switches it on.
    pub(crate) async fn find() -> Result<Self, LinkError> {
        let connection = system_bus().await?;
        let objects: HashMap<OwnedObjectPath, Interfaces> = connection
            .call_method(Some(BLUEZ), "/", Some(OBJECT_MANAGER), "GetManagedObjects", &())
            .await
            .and_then(|reply| reply.body().deserialize())
            .map_err(|error| daemon_failed(&error))?;
        let adapters = objects.iter().filter(|(_, interfaces)| interfaces.contains_key(ADAPTER));
        let first = adapters.map(|(path, _)| path).min_by_key(|path| (path.len(), path.to_string()));
        let adapter = first.ok_or(LinkError::AdapterAbsent)?.clone();
        let powered =
            objects.get(&adapter).and_then(|interfaces| bool_of(interfaces.get(ADAPTER)?, "Powered"));
        let mut paths = Paths { adapter: adapter.to_string(), ..Paths::default() };
        let mut connected = Vec::new();
        for (path, device) in objects.iter().filter_map(|(path, of)| Some((path, of.get(DEVICE)?))) {
            paths.learn(path, device);
            if bool_of(device, "Connected") == Some(true) {
                connected.extend(paths.address(path));
            }
        }
        let found = Self { connection, adapter, paths, connected };
        if powered != Some(true) {
            found.power_on().await?;
        }
        Ok(found)
    }

    /// BlueZ's name of the adapter, such as `hci0`.
    pub(crate) fn adapter_name(&self) -> &str {
        adapter_name(&self.adapter)
    }

    /// Which D-Bus daemon this is; a restarted one has another id.
    pub(crate) fn bus_id(&self) -> String {
        self.connection.server_guid().to_string()
    }

    /// The signals that BlueZ sends once they have been asked for. They must be drained at once, or the whole
    /// connection stands still.
    pub(crate) fn signals(&self) -> Signals {
        Signals { messages: MessageStream::from(&self.connection), paths: self.paths.clone() }
    }

    /// Asks for the signals of the adapter and of these devices: what strangers advertise wakes nobody here. To be
    /// called before the scan starts, whose answer then proves that nothing was lost in between.
    pub(crate) async fn ask_for_signals<'a>(
        &self,
        devices: impl ExactSizeIterator<Item = &'a Address>,
    ) -> Result<(), LinkError> {
        let adapter = self.adapter.as_str();
        let of_properties = format!("type='signal',sender='{BLUEZ}',interface='{PROPERTIES}'");
        let of_objects = format!("type='signal',sender='{BLUEZ}',interface='{OBJECT_MANAGER}'");
        let mut rules = vec![
            format!("type='signal',sender='{BUS}',member='NameOwnerChanged',arg0='{BLUEZ}'"),
            format!("{of_properties},path='{adapter}',arg0='{ADAPTER}'"),
        ];
        if devices.len() > MOST_RULED {
            rules.push(of_objects);
            rules.push(format!("{of_properties},path_namespace='{adapter}',arg0='{DEVICE}'"));
        } else {
            rules.push(format!("{of_objects},arg0path='{adapter}'"));
            for path in devices.flat_map(|device| self.paths.of(*device)) {
                rules.push(format!("{of_objects},arg0path='{path}'"));
                rules.push(format!("{of_properties},path='{path}',arg0='{DEVICE}'"));
            }
        }
        for rule in rules {
            self.connection
                .call_method(Some(BUS), "/org/freedesktop/DBus", Some(BUS), "AddMatch", &rule)
                .await
                .map_err(|error| LinkError::BusAbsent { reason: error.to_string() })?;
        }
        Ok(())
    }

    /// Listens for Low Energy devices that advertise one of `services`, or for all if there are none.
    pub(crate) async fn start_scan(&self, services: &[Uuid]) -> Result<(), LinkError> {
        let services: Vec<String> = services.iter().map(Uuid::to_string).collect();
        let mut filter =
            HashMap::from([("Transport", Variant::from("le")), ("DuplicateData", Variant::from(true))]);
        if !services.is_empty() {
            filter.insert("UUIDs", Variant::from(services));
        }
        let call = async {
            let (bluez, path, interface) = (Some(BLUEZ), &self.adapter, Some(ADAPTER));
            self.connection.call_method(bluez, path, interface, "SetDiscoveryFilter", &filter).await?;
            self.connection.call_method(bluez, path, interface, "StartDiscovery", &()).await
        };
        call.await.map(drop).map_err(|error| self.scan_failed(&error))
    }

    /// Ends our scan. That there is none to end is as good.
    pub(crate) async fn stop_scan(&self) {
        let ended =
            self.connection.call_method(Some(BLUEZ), &self.adapter, Some(ADAPTER), "StopDiscovery", &());
        let _ = ended.await;
    }

    /// Switches the adapter off and on again.
    pub(crate) async fn power_cycle(&self) -> Result<(), LinkError> {
        self.set_power(false).await?;
        tokio::time::sleep(OFF).await;
        self.power_on().await
    }

    async fn power_on(&self) -> Result<(), LinkError> {
        self.set_power(true).await
    }

    async fn set_power(&self, on: bool) -> Result<(), LinkError> {
        let body = (ADAPTER, "Powered", Variant::from(on));
        self.connection
            .call_method(Some(BLUEZ), &self.adapter, Some(PROPERTIES), "Set", &body)
            .await
            .map(drop)
            .map_err(|_refused| LinkError::AdapterOff { adapter: self.adapter_name().to_owned() })
    }

    fn scan_failed(&self, error: &zbus::Error) -> LinkError {
        let (adapter, reason) = (self.adapter_name().to_owned(), error.to_string());
        match error_name(error).as_deref() {
            Some("org.bluez.Error.NotReady") => LinkError::AdapterOff { adapter },
            Some("org.freedesktop.DBus.Error.UnknownObject") => LinkError::AdapterAbsent,
            Some(name) if name.starts_with("org.bluez.") => LinkError::ScanRefused { adapter, reason },
            _ => daemon_failed(error),
        }
    }
}

/// Asks systemd to restart bluetoothd.
pub(crate) async fn restart_daemon() -> Result<(), LinkError> {
    const SYSTEMD: &str = "org.freedesktop.systemd1";
    let connection = system_bus().await?;
    connection
        .call_method(
            Some(SYSTEMD),
            "/org/freedesktop/systemd1",
            Some("org.freedesktop.systemd1.Manager"),
            "RestartUnit",
            &("bluetooth.service", "replace"),
        )
        .await
        .map(drop)
        .map_err(|error| LinkError::RestartRefused { reason: error.to_string() })
}

async fn system_bus() -> Result<Connection, LinkError> {
    zbus::connection::Builder::system()
        .method_timeout(CALL_LIMIT)
        .build()
        .await
        .map_err(|error| LinkError::BusAbsent { reason: error.to_string() })
}

/// The signals of one adapter and its devices, in the order in which BlueZ sent them.
#[derive(Debug)]
pub(crate) struct Signals {
    messages: MessageStream,
    paths: Paths,
}

impl Signals {
    /// The next signal that says something. Ends with a loss, at the latest that of the bus.
    pub(crate) async fn next(&mut self) -> Signal {
        loop {
            let message = match self.messages.next().await {
                Some(Ok(message)) => message,
                Some(Err(error)) => return Signal::Lost(LinkError::BusAbsent { reason: error.to_string() }),
                None => {
                    let reason = "it closed the connection".to_owned();
                    return Signal::Lost(LinkError::BusAbsent { reason });
                }
            };
            if let Some(signal) = read(&mut self.paths, &message) {
                return signal;
            }
        }
    }
}

/// What a message says about the adapter or one of its devices, if anything.
fn read(paths: &mut Paths, message: &Message) -> Option<Signal> {
    let header = message.header();
    let body = message.body();
    match header.member()?.as_str() {
        "NameOwnerChanged" => {
            let (_name, old, _new): (String, String, String) = body.deserialize().ok()?;
            // A new owner means that another daemon answers now, which knows nothing of our scan.
            let reason = "it stopped".to_owned();
            (!old.is_empty()).then_some(Signal::Lost(LinkError::BluetoothdAbsent { reason }))
        }
        "InterfacesAdded" => {
            let (path, interfaces): (OwnedObjectPath, Interfaces) = body.deserialize().ok()?;
            // BlueZ gives an RSSI only to what it hears; without one this is a device it remembers.
            let device = interfaces.get(DEVICE)?;
            paths.learn(&path, device);
            let address = paths.address(&path)?;
            device.contains_key("RSSI").then(|| Signal::Near(address, said(device)))
        }
        "InterfacesRemoved" => {
            let (path, interfaces): (OwnedObjectPath, Vec<String>) = body.deserialize().ok()?;
            let gone = |interface| interfaces.iter().any(|name| name == interface);
            if path.as_str() == paths.adapter && gone(ADAPTER) {
                return Some(Signal::Lost(LinkError::AdapterAbsent));
            }
            paths.address(&path).filter(|_| gone(DEVICE)).map(Signal::HungUp)
        }
        "PropertiesChanged" => {
            let (interface, properties, _): (String, Properties, Vec<String>) = body.deserialize().ok()?;
            changed(paths, header.path()?, &interface, &properties)
        }
        _ => None,
    }
}

fn changed(paths: &mut Paths, path: &str, interface: &str, properties: &Properties) -> Option<Signal> {
    if interface == ADAPTER && path == paths.adapter {
        let adapter = adapter_name(path).to_owned();
        let off = bool_of(properties, "Powered") == Some(false);
        return off.then_some(Signal::Lost(LinkError::AdapterOff { adapter }));
    }
    if interface != DEVICE {
        return None;
    }
    // At pairing, BlueZ learns of the lasting address of a device that changes its address.
    paths.learn(path, properties);
    let address = paths.address(path)?;
    match bool_of(properties, "Connected") {
        Some(false) => Some(Signal::HungUp(address)),
        Some(true) => Some(Signal::Near(address, Vec::new())),
        None => {
            let said = said(properties);
            (!said.is_empty()).then_some(Signal::Near(address, said))
        }
    }
}

/// What an advertisement said: the strength of its signal first.
fn said(properties: &Properties) -> Said {
    let rssi = properties.get("RSSI").and_then(|value| i16::try_from(value).ok()).map(|dbm| {
        let dbm = i8::try_from(dbm).unwrap_or(if dbm < 0 { i8::MIN } else { i8::MAX });
        (Channel::Rssi, dbm.to_le_bytes().to_vec())
    });
    let services: BTreeMap<String, OwnedVariant> = dictionary(properties, "ServiceData");
    let services = services.into_iter().filter_map(|(uuid, data)| {
        Some((Channel::ServiceData(Uuid::try_parse(&uuid).ok()?), data.try_into().ok()?))
    });
    let companies: BTreeMap<u16, OwnedVariant> = dictionary(properties, "ManufacturerData");
    let companies = companies
        .into_iter()
        .filter_map(|(company, data)| Some((Channel::ManufacturerData(company), data.try_into().ok()?)));
    rssi.into_iter().chain(services).chain(companies).collect()
}

fn dictionary<T: TryFrom<OwnedVariant> + Default>(properties: &Properties, name: &str) -> T {
    let value = properties.get(name).and_then(|value| value.try_clone().ok());
    value.and_then(|value| T::try_from(value).ok()).unwrap_or_default()
}

fn adapter_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn bool_of(properties: &Properties, name: &str) -> Option<bool> {
    properties.get(name).and_then(|value| bool::try_from(value).ok())
}

/// Why BlueZ as a whole does not answer.
fn daemon_failed(error: &zbus::Error) -> LinkError {
    let reason = error.to_string();
    match error_name(error).as_deref() {
        Some("org.freedesktop.DBus.Error.AccessDenied") => LinkError::BluetoothForbidden { reason },
        Some(_) => LinkError::BluetoothdAbsent { reason },
        None if matches!(error, zbus::Error::InputOutput(io) if io.kind() == io::ErrorKind::TimedOut) => {
            LinkError::BluetoothdAbsent { reason }
        }
        None => LinkError::BusAbsent { reason },
    }
}

/// The D-Bus name of an error that came as an answer, or `None` if there was no answer.
pub(crate) fn error_name(error: &zbus::Error) -> Option<String> {
    if let zbus::Error::MethodError(name, _, _) = error {
        return Some(name.to_string());
    }
    if let zbus::Error::FDO(error) = error {
        return Some(error.name().to_string());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const HCI0: &str = "/org/bluez/hci0";

    fn hci0() -> Paths {
        Paths { adapter: HCI0.to_owned(), ..Paths::default() }
    }
    const CUFF: Address = Address([0xF0, 0xF1, 0xF2, 0xF3, 0xF4, 0x01]);
    const CUFF_PATH: &str = "/org/bluez/hci0/dev_F0_F1_F2_F3_F4_01";

    fn properties(properties: &[(&str, Variant<'static>)]) -> Properties {
        let owned = |(name, value): &(&str, Variant<'static>)| {
            ((*name).to_owned(), OwnedVariant::try_from(value.try_clone().unwrap()).unwrap())
        };
        properties.iter().map(owned).collect()
    }

    fn properties_changed(
        path: &str,
        interface: &str,
        name: &str,
        value: Variant<'static>,
    ) -> Option<Signal> {
        let body = (interface, properties(&[(name, value)]), Vec::<String>::new());
        let message = Message::signal(path, PROPERTIES, "PropertiesChanged").build(&body).unwrap();
        read(&mut hci0(), &message)
    }

    fn added(path: &str, name: &str, value: Variant<'static>) -> Option<Signal> {
        let interfaces: Interfaces = HashMap::from([(DEVICE.to_owned(), properties(&[(name, value)]))]);
        let body = (OwnedObjectPath::try_from(path).unwrap(), interfaces);
        let message = Message::signal("/", OBJECT_MANAGER, "InterfacesAdded").build(&body).unwrap();
        read(&mut hci0(), &message)
    }

    fn removed(path: &str, interface: &str) -> Option<Signal> {
        let body = (OwnedObjectPath::try_from(path).unwrap(), vec![interface]);
        let message = Message::signal("/", OBJECT_MANAGER, "InterfacesRemoved").build(&body).unwrap();
        read(&mut hci0(), &message)
    }

    fn owner_changed(old: &str, new: &str) -> Option<Signal> {
        let bus = "org.freedesktop.DBus";
        let message = Message::signal("/org/freedesktop/DBus", bus, "NameOwnerChanged");
        read(&mut hci0(), &message.build(&(BLUEZ, old, new)).unwrap())
    }

    /// An advertisement without data, of this strength.
    fn near(rssi: i8) -> Signal {
        Signal::Near(CUFF, vec![(Channel::Rssi, rssi.to_le_bytes().to_vec())])
    }

    #[test]
    fn an_advertisement_is_presence_and_a_remembered_device_is_not() {
        let rssi = || Variant::from(-60_i16);
        assert_eq!(properties_changed(CUFF_PATH, DEVICE, "RSSI", rssi()), Some(near(-60)));
        assert_eq!(added(CUFF_PATH, "RSSI", rssi()), Some(near(-60)));
        assert_eq!(added(CUFF_PATH, "RSSI", Variant::from(-200_i16)), Some(near(-128)));
        assert_eq!(added(CUFF_PATH, "Paired", Variant::from(true)), None);
        assert_eq!(properties_changed(CUFF_PATH, DEVICE, "Paired", Variant::from(true)), None);
        assert_eq!(
            properties_changed(CUFF_PATH, DEVICE, "Connected", Variant::from(true)),
            Some(Signal::Near(CUFF, Vec::new()))
        );
    }

    #[test]
    fn what_an_advertisement_says_is_told_by_its_channel() {
        let by_service = BTreeMap::from([(
            "0000fcd2-0000-1000-8000-00805f9b34fb".to_owned(),
            Variant::from(vec![0x40_u8, 1, 97]),
        )]);
        let by_company = BTreeMap::from([(0x0499_u16, Variant::from(vec![5_u8]))]);
        let body = (
            DEVICE,
            HashMap::from([
                ("RSSI", Variant::from(-71_i16)),
                ("ServiceData", Variant::from(by_service)),
                ("ManufacturerData", Variant::from(by_company)),
            ]),
            Vec::<String>::new(),
        );
        let message = Message::signal(CUFF_PATH, PROPERTIES, "PropertiesChanged").build(&body).unwrap();
        let said = vec![
            (Channel::Rssi, vec![0xB9]),
            (Channel::ServiceData(Uuid::from_u128(0xFCD2_0000_1000_8000_0080_5F9B_34FB)), vec![0x40, 1, 97]),
            (Channel::ManufacturerData(0x0499), vec![5]),
        ];
        assert_eq!(read(&mut hci0(), &message), Some(Signal::Near(CUFF, said)));
    }

    #[test]
    fn a_device_hangs_up_by_disconnecting_or_by_being_forgotten() {
        let disconnected = properties_changed(CUFF_PATH, DEVICE, "Connected", Variant::from(false));
        assert_eq!(disconnected, Some(Signal::HungUp(CUFF)));
        assert_eq!(removed(CUFF_PATH, DEVICE), Some(Signal::HungUp(CUFF)));
        assert_eq!(removed(CUFF_PATH, "org.bluez.Battery1"), None);
    }

    #[test]
    fn the_radio_is_lost_with_its_power_its_adapter_or_its_daemon_and_not_with_anothers() {
        let off = |path| properties_changed(path, ADAPTER, "Powered", Variant::from(false));
        let adapter = "hci0".to_owned();
        assert_eq!(off(HCI0), Some(Signal::Lost(LinkError::AdapterOff { adapter })));
        assert_eq!(off("/org/bluez/hci1"), None);
        assert_eq!(removed(HCI0, ADAPTER), Some(Signal::Lost(LinkError::AdapterAbsent)));
        assert_eq!(removed("/org/bluez/hci1", ADAPTER), None);
        assert!(matches!(owner_changed(":1.5", ""), Some(Signal::Lost(LinkError::BluetoothdAbsent { .. }))));
        assert!(matches!(
            owner_changed(":1.5", ":1.9"),
            Some(Signal::Lost(LinkError::BluetoothdAbsent { .. }))
        ));
        assert_eq!(owner_changed("", ":1.5"), None);
    }

    #[test]
    fn a_signal_with_a_strange_body_says_nothing() {
        for member in ["NameOwnerChanged", "InterfacesAdded", "InterfacesRemoved", "PropertiesChanged"] {
            let message = Message::signal(CUFF_PATH, PROPERTIES, member).build(&7_u32).unwrap();
            assert_eq!(read(&mut hci0(), &message), None, "{member}");
        }
    }

    /// Seen with BlueZ 5.82: paired under a private address, the device's path keeps it until bluetoothd restarts.
    #[test]
    fn a_device_paired_under_a_private_address_is_heard_under_its_lasting_one() {
        let path = "/org/bluez/hci0/dev_69_01_53_DA_D5_6A";
        let mut paths = hci0();
        let known = properties(&[("Address", Variant::from("F0:F1:F2:F3:F4:01"))]);
        paths.learn(path, &known);
        assert_eq!(paths.of(CUFF).collect::<Vec<_>>(), [CUFF_PATH, path]);
        let heard = (DEVICE, HashMap::from([("RSSI", Variant::from(-60_i16))]), Vec::<String>::new());
        let message = Message::signal(path, PROPERTIES, "PropertiesChanged").build(&heard).unwrap();
        assert_eq!(read(&mut paths, &message), Some(near(-60)));
        let gone = (OwnedObjectPath::try_from(path).unwrap(), vec![DEVICE]);
        let message = Message::signal("/", OBJECT_MANAGER, "InterfacesRemoved").build(&gone).unwrap();
        assert_eq!(read(&mut paths, &message), Some(Signal::HungUp(CUFF)));
    }
}
