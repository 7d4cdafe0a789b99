//! The faults, and what ends them.

use super::{super::daemon::Daemon, *};

/// The properties a signal tells of the peripheral, for as long as some are waiting.
async fn told(client: &mut Client) -> Vec<String> {
    // A call's reply comes after all signals before it.
    client.objects().await;
    let mut names = Vec::new();
    while let Ok(Some(message)) = timeout(Duration::ZERO, client.heard.next()).await {
        let message = message.unwrap();
        let header = message.header();
        if header.path().is_some_and(|path| path.as_str() == PERIPHERAL)
            && header.member().is_some_and(|member| member == "PropertiesChanged")
        {
            let body = message.body();
            let (_, changed, _): (String, HashMap<String, OwnedVariant>, Vec<String>) =
                body.deserialize().unwrap();
            names.extend(changed.into_keys());
        }
    }
    names.sort();
    names
}

async fn power(client: &Client, on: bool) -> zbus::Result<Message> {
    let body = (ADAPTER, "Powered", Variant::from(on));
    client.call(HCI0, "org.freedesktop.DBus.Properties", "Set", &body).await
}

#[tokio::test]
async fn a_deaf_scan_hears_again_after_its_cure_and_not_before() {
    let Some(home) = home(true).await else { return };
    let Home { bluez, radio, mut client, bus, _dir: _kept } = home;
    let systemd = Systemd::start(&bus, &bluez).await.unwrap();
    for (cure, steps) in [(Cure::NewScan, 1), (Cure::PowerCycle, 2), (Cure::NewDaemon, 3)] {
        client.discover().await;
        bluez.go_deaf(cure);
        for step in 1..=steps {
            radio.advertise(&HEARD);
            assert!(!told(&mut client).await.contains(&"RSSI".into()), "{cure:?}, step {step}");
            assert!(bluez.is_discovering() && bluez.is_deaf(), "{cure:?}");
            match step {
                1 => drop(client.call(HCI0, ADAPTER, "StopDiscovery", &()).await.unwrap()),
                2 => {
                    power(&client, false).await.unwrap();
                    power(&client, true).await.unwrap();
                }
                _ => restart_unit(&client, "bluetooth.service").await.unwrap(),
            }
            let ready = async || client.call(HCI0, ADAPTER, "StartDiscovery", &()).await;
            timeout(LIMIT, async { while ready().await.is_err() {} }).await.unwrap();
        }
        radio.advertise(&HEARD);
        assert!(told(&mut client).await.contains(&"RSSI".into()), "{cure:?}");
        client.call(HCI0, ADAPTER, "StopDiscovery", &()).await.unwrap();
    }
    assert_eq!(systemd.restarts(), 1);
}

async fn restart_unit(client: &Client, unit: &str) -> Result<(), String> {
    let manager =
        ("org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager");
    let (name, path, interface) = manager;
    let body = (unit, "replace");
    let call = client.connection.call_method(Some(name), path, Some(interface), "RestartUnit", &body);
    timeout(LIMIT, call).await.unwrap().map(drop).map_err(|error| error_name(&error))
}

#[tokio::test]
async fn systemd_restarts_bluetoothd_alone_and_only_if_it_may() {
    let Some(home) = home(false).await else { return };
    let Home { bluez, client, bus, .. } = home;
    let systemd = Systemd::start(&bus, &bluez).await.unwrap();
    let other = restart_unit(&client, "cron.service").await.unwrap_err();
    assert_eq!(other, "org.freedesktop.systemd1.NoSuchUnit");
    systemd.refuse(true);
    let refused = restart_unit(&client, "bluetooth.service").await.unwrap_err();
    assert_eq!(refused, "org.freedesktop.DBus.Error.AccessDenied");
    assert_eq!(systemd.restarts(), 0);
    systemd.refuse(false);
    bluez.die().await.unwrap();
    restart_unit(&client, "bluetooth.service").await.unwrap();
    timeout(LIMIT, async {
        while systemd.restarts() == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    assert_eq!(client.objects().await, [HCI0]);
}

#[tokio::test]
async fn over_a_half_open_link_calls_hang_until_bluez_gives_it_up() {
    let Some(home) = home(true).await else { return };
    let Home { mut client, radio, .. } = home;
    client.connect(&radio).await.unwrap();
    client.call(TEMPERATURE, CHARACTERISTIC, "StartNotify", &()).await.unwrap();
    radio.half_open(Duration::from_millis(300));
    assert!(client.is(PERIPHERAL, "Connected").await);
    assert!(!radio.indicate(uuid16(0x2A1C), [0; 5]), "confirmed over a dead link");
    let (read, left) = tokio::join!(client.read(TYPE), client.call(PERIPHERAL, DEVICE, "Disconnect", &()));
    assert_eq!(error_name(&read.unwrap_err()), "org.bluez.Error.Failed");
    assert!(left.is_err());
    while client.change(PERIPHERAL, "Connected").await != OwnedVariant::from(false) {}
    client.connect(&radio).await.unwrap();
    assert_eq!(client.read(TYPE).await.unwrap(), [2]);
}

#[tokio::test]
async fn changed_services_stand_elsewhere() {
    let Some(home) = home(true).await else { return };
    let Home { mut client, radio, .. } = home;
    client.connect(&radio).await.unwrap();
    let service = |value| Service {
        uuid: uuid16(0x1809),
        characteristics: vec![Characteristic::readable(uuid16(0x2A1D), [value])],
    };
    let before = client.objects().await;
    radio.change_services(vec![service(7)]);
    while client.change(PERIPHERAL, "ServicesResolved").await != OwnedVariant::from(false) {}
    assert_eq!(client.change(PERIPHERAL, "ServicesResolved").await, OwnedVariant::from(true));
    let after = client.objects().await;
    assert_eq!(after.len(), 4);
    assert!(after[2..].iter().all(|path| !before.contains(path)), "{after:?}");
    assert_eq!(client.read(&after[3]).await.unwrap(), [7]);
    assert_eq!(error_name(&client.read(TYPE).await.unwrap_err()), "org.freedesktop.DBus.Error.UnknownObject");

    radio.disconnect();
    radio.change_services(vec![service(8)]);
    assert_eq!(client.objects().await, after, "nobody has told");
    client.connect(&radio).await.unwrap();
    let last = client.objects().await;
    assert_eq!(client.read(&last[3]).await.unwrap(), [8]);
    assert!(!after.contains(&last[3]));
}

#[tokio::test]
async fn nobody_switches_a_blocked_adapter_on() {
    let Some(home) = home(false).await else { return };
    let Home { bluez, client, .. } = home;
    let state = async || client.get(HCI0, ADAPTER, "PowerState").await.unwrap();
    bluez.rfkill(true);
    assert_eq!(client.get(HCI0, ADAPTER, "Powered").await.unwrap(), OwnedVariant::from(false));
    let refused = power(&client, true).await.unwrap_err();
    assert_eq!(error_name(&refused), "org.bluez.Error.Blocked");
    bluez.restart().await.unwrap();
    assert_eq!(String::try_from(state().await).unwrap(), "off-blocked");
    bluez.rfkill(false);
    assert_eq!(String::try_from(state().await).unwrap(), "on");
}

#[tokio::test]
async fn a_busy_bluez_refuses_for_a_while() {
    let Some(home) = home(false).await else { return };
    let Home { bluez, client, .. } = home;
    bluez.be_busy(2);
    for _ in 0..2 {
        let refused = client.call(HCI0, ADAPTER, "StartDiscovery", &()).await.unwrap_err();
        assert_eq!(error_name(&refused), "org.bluez.Error.InProgress");
    }
    client.discover().await;
}

#[tokio::test]
async fn of_slow_advertisements_only_some_are_heard() {
    let Some(home) = home(true).await else { return };
    let Home { bluez, radio, mut client, .. } = home;
    client.discover().await;
    bluez.hear_one_in(10);
    (0..100).for_each(|_| radio.advertise(&HEARD));
    assert_eq!(told(&mut client).await.len(), 10);
}

#[tokio::test]
async fn data_that_has_not_changed_is_told_again_only_where_that_was_asked_for() {
    let Some(home) = home(false).await else { return };
    let Home { radio, mut client, .. } = home;
    let sensor = |value| Advertisement {
        service_data: BTreeMap::from([(uuid16(0xFCD2), vec![0x40, value])]),
        manufacturer_data: BTreeMap::from([(0x0499, vec![5])]),
        ..HEARD
    };
    client.discover().await;
    radio.advertise(&sensor(1));
    assert!(told(&mut client).await.is_empty(), "new objects are added, not changed");
    radio.advertise(&sensor(1));
    assert_eq!(told(&mut client).await, ["RSSI"]);
    radio.advertise(&sensor(2));
    assert_eq!(told(&mut client).await, ["RSSI", "ServiceData"]);
    let filter = HashMap::from([("DuplicateData", Variant::from(true))]);
    client.call(HCI0, ADAPTER, "SetDiscoveryFilter", &filter).await.unwrap();
    radio.advertise(&sensor(2));
    assert_eq!(told(&mut client).await, ["ManufacturerData", "RSSI", "ServiceData"]);
}

#[tokio::test]
async fn an_unbonded_device_that_is_not_heard_is_forgotten() {
    let (out, _sent) = mpsc::unbounded_channel();
    let mut daemon = Daemon::new(out.clone());
    daemon.start(out);
    let mut known = thermometer(true);
    known.address = Address([0xF0, 0xF1, 0xF2, 0xF3, 0xF4, 6]);
    let [stranger, known] = [thermometer(false), known].map(|peripheral| {
        let (events, _) = mpsc::unbounded_channel();
        daemon.add(peripheral, events)
    });
    daemon.discovery.entry(":1.1".into()).or_default().running = true;
    daemon.advertise(&stranger, &HEARD);
    daemon.advertise(&known, &HEARD);
    daemon.handle_timeout(Instant::now());
    assert!(daemon.objects.contains(&stranger));
    daemon.handle_timeout(Instant::now() + Duration::from_secs(30));
    assert!(!daemon.objects.contains(&stranger) && daemon.objects.contains(&known));
}
