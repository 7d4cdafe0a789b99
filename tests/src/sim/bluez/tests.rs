//! The fake BlueZ as a client on the bus sees it.

mod faults;
mod pairing;

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use futures_util::StreamExt;
use tempfile::TempDir;
use tokio::time::timeout;
use zbus::{DynamicType, Message, ObjectPath, OwnedObjectPath, OwnedVariant, Variant};

use super::{client::*, *};

const PERIPHERAL: &str = "/org/bluez/hci0/dev_F0_F1_F2_F3_F4_05";
const TEMPERATURE: &str = "/org/bluez/hci0/dev_F0_F1_F2_F3_F4_05/service0010/char0013";
const TYPE: &str = "/org/bluez/hci0/dev_F0_F1_F2_F3_F4_05/service0010/char0016";

struct Home {
    bluez: Bluez,
    radio: Radio,
    client: Client,
    bus: Bus,
    _dir: TempDir,
}

/// A bus with a fake BlueZ, a thermometer in range and a client; `None`, said aloud, without `dbus-daemon`.
async fn home(bonded: bool) -> Option<Home> {
    if !Bus::available() {
        println!("skipped: dbus-daemon is not installed");
        return None;
    }
    let dir = tempfile::tempdir().unwrap();
    let bus = Bus::start(dir.path()).await.unwrap();
    let bluez = Bluez::start(&bus).await.unwrap();
    let radio = bluez.add(thermometer(bonded));
    let client = Client::join(&bus).await;
    Some(Home { bluez, radio, client, bus, _dir: dir })
}

fn thermometer(bonded: bool) -> Peripheral {
    Peripheral {
        address: Address([0xF0, 0xF1, 0xF2, 0xF3, 0xF4, 5]),
        address_is_random: true,
        name: "Thermometer".into(),
        advertised: vec![uuid16(0x1809)],
        services: vec![Service {
            uuid: uuid16(0x1809),
            characteristics: vec![
                Characteristic::indicating(uuid16(0x2A1C)),
                Characteristic::readable(uuid16(0x2A1D), [2]),
            ],
        }],
        bonded,
    }
}

#[tokio::test]
async fn a_device_is_discovered_connected_read_and_heard() {
    let Some(mut home) = home(false).await else { return };
    let Home { bluez, radio, client, .. } = &mut home;
    radio.advertise(&HEARD);
    assert_eq!(client.objects().await, [HCI0], "heard without discovery");
    client.discover().await;
    assert!(bluez.is_discovering());
    radio.advertise(&HEARD);
    assert_eq!(client.objects().await, [HCI0, PERIPHERAL]);
    assert_eq!(client.get(PERIPHERAL, DEVICE, "RSSI").await.unwrap(), OwnedVariant::from(-60_i16));

    client.connect(radio).await.unwrap();
    assert_eq!(client.change(PERIPHERAL, "ServicesResolved").await, OwnedVariant::from(true));
    assert_eq!(radio.next_event().await, Event::Connected);
    assert_eq!(client.objects().await.len(), 5);

    let options = HashMap::<&str, Variant<'_>>::new();
    let read = client.call(TYPE, CHARACTERISTIC, "ReadValue", &options).await.unwrap();
    assert_eq!(read.body().deserialize::<Vec<u8>>().unwrap(), [2]);

    assert!(!radio.indicate(uuid16(0x2A1C), [0; 5]), "confirmed without a subscription");
    client.call(TEMPERATURE, CHARACTERISTIC, "StartNotify", &()).await.unwrap();
    assert_eq!(radio.next_event().await, Event::Subscribed(uuid16(0x2A1C)));
    assert!(radio.indicate(uuid16(0x2A1C), [6, 0x6C, 1, 0, 0xFF]));
    let value = client.change(TEMPERATURE, "Value").await;
    assert_eq!(Vec::<u8>::try_from(value).unwrap(), [6, 0x6C, 1, 0, 0xFF]);

    radio.disconnect();
    assert_eq!(client.change(PERIPHERAL, "Connected").await, OwnedVariant::from(false));
    let unread = client.call(TYPE, CHARACTERISTIC, "ReadValue", &options).await.unwrap_err();
    assert_eq!(error_name(&unread), "org.bluez.Error.Failed");
}

#[tokio::test]
async fn what_a_client_asked_for_ends_with_it() {
    let Some(Home { bluez, radio, client, bus, _dir: _kept }) = home(false).await else { return };
    client.discover().await;
    radio.advertise(&HEARD);
    client.connect(&radio).await.unwrap();
    client.call(TEMPERATURE, CHARACTERISTIC, "StartNotify", &()).await.unwrap();
    assert_eq!(radio.next_event().await, Event::Connected);
    assert_eq!(radio.next_event().await, Event::Subscribed(uuid16(0x2A1C)));

    let Client { connection, heard } = client;
    drop(heard);
    connection.close().await.unwrap();
    let gone = timeout(LIMIT, radio.next_event()).await.unwrap();
    assert_eq!(gone, Event::Unsubscribed(uuid16(0x2A1C)));
    assert!(!radio.indicate(uuid16(0x2A1C), [0; 5]));
    assert!(!bluez.is_discovering());
    let next = Client::join(&bus).await;
    assert_eq!(next.get(PERIPHERAL, DEVICE, "Connected").await.unwrap(), OwnedVariant::from(true));
}

#[tokio::test]
async fn discovery_by_service_hides_other_devices() {
    let Some(mut home) = home(false).await else { return };
    let Home { radio, client, .. } = &mut home;
    let filter = HashMap::from([("UUIDs", Variant::from(vec![uuid16(0x1810).to_string()]))]);
    client.call(HCI0, ADAPTER, "SetDiscoveryFilter", &filter).await.unwrap();
    client.discover().await;
    radio.advertise(&HEARD);
    assert_eq!(client.objects().await, [HCI0]);
    let again = client.call(HCI0, ADAPTER, "StartDiscovery", &()).await.unwrap_err();
    assert_eq!(error_name(&again), "org.bluez.Error.InProgress");
}

#[tokio::test]
async fn without_power_or_adapter_nothing_is_connected_or_heard() {
    let Some(mut home) = home(false).await else { return };
    let Home { bluez, radio, client, .. } = &mut home;
    client.discover().await;
    radio.advertise(&HEARD);
    client.connect(radio).await.unwrap();
    bluez.power(false);
    assert_eq!(client.change(PERIPHERAL, "Connected").await, OwnedVariant::from(true));
    assert_eq!(client.change(PERIPHERAL, "Connected").await, OwnedVariant::from(false));
    assert_eq!(client.change(HCI0, "Powered").await, OwnedVariant::from(false));
    assert_eq!(radio.next_event().await, Event::Connected);
    assert_eq!(radio.next_event().await, Event::Disconnected);
    let refused = client.connect(radio).await.unwrap_err();
    assert_eq!(error_name(&refused), "org.bluez.Error.NotReady");

    let powered = ("org.bluez.Adapter1", "Powered", Variant::from(true));
    client.call(HCI0, "org.freedesktop.DBus.Properties", "Set", &powered).await.unwrap();
    client.connect(radio).await.unwrap();
    bluez.unplug_adapter();
    assert_eq!(client.objects().await, Vec::<String>::new());
    let refused = client.call(HCI0, ADAPTER, "StartDiscovery", &()).await.unwrap_err();
    assert_eq!(error_name(&refused), "org.freedesktop.DBus.Error.UnknownObject");
    bluez.plug_in_adapter();
    assert_eq!(client.objects().await, [HCI0]);
}

#[tokio::test]
async fn after_its_death_bluetoothd_knows_only_bonded_devices() {
    let Some(mut home) = home(true).await else { return };
    let Home { bluez, radio, client, .. } = &mut home;
    let mut stranger = thermometer(false);
    stranger.address = Address([0xF0, 0xF1, 0xF2, 0xF3, 0xF4, 6]);
    let stranger = bluez.add(stranger);
    client.discover().await;
    stranger.advertise(&HEARD);
    assert_eq!(client.objects().await.len(), 3);
    bluez.die().await.unwrap();
    let unheard = client.call(HCI0, ADAPTER, "StartDiscovery", &()).await.unwrap_err();
    assert_eq!(error_name(&unheard), "org.freedesktop.DBus.Error.ServiceUnknown");
    radio.advertise(&HEARD);

    bluez.restart().await.unwrap();
    assert!(!bluez.is_discovering());
    assert_eq!(client.objects().await, [HCI0, PERIPHERAL]);
    client.connect(radio).await.unwrap();
}

#[tokio::test]
async fn a_device_may_connect_and_never_show_its_services() {
    let Some(mut home) = home(true).await else { return };
    let Home { radio, client, .. } = &mut home;
    radio.resolve_services(false);
    client.connect(radio).await.unwrap();
    assert_eq!(client.get(PERIPHERAL, DEVICE, "Connected").await.unwrap(), OwnedVariant::from(true));
    assert_eq!(client.get(PERIPHERAL, DEVICE, "ServicesResolved").await.unwrap(), OwnedVariant::from(false));
    assert_eq!(client.objects().await, [HCI0, PERIPHERAL]);
}

#[tokio::test]
async fn an_attempt_to_connect_is_given_up_after_the_kernels_limit() {
    let (out, mut sent) = mpsc::unbounded_channel();
    let mut daemon = Daemon::new(out.clone());
    daemon.start(out);
    let (events, _) = mpsc::unbounded_channel();
    let device = daemon.add(thermometer(true), events);
    while sent.try_recv().is_ok() {}
    let call = Message::method_call(device.as_str(), "Connect").interface(DEVICE).build(&()).unwrap();
    daemon.call(&call);
    daemon.handle_timeout(Instant::now());
    assert!(sent.try_recv().is_err(), "answered at once");
    daemon.handle_timeout(Instant::now() + Duration::from_secs(20));
    assert_eq!(sent.try_recv().unwrap().unwrap().message_type(), Type::Error);
}
