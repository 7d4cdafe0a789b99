//! Pairing as client, agent and peripheral see it.

use super::{
    super::{association::Capability, daemon::Daemon},
    *,
};

const MANAGER: &str = "org.bluez.AgentManager1";
const AGENT: &str = "/agent";
const SECRET: &str = "/org/bluez/hci0/dev_F0_F1_F2_F3_F4_05/service0010/char0013";

/// Somebody who answers what BlueZ asks.
struct Agent {
    client: Client,
}

impl Agent {
    async fn register(bus: &Bus, capability: &str) -> Self {
        let client = Client::join(bus).await;
        let body = (ObjectPath::from_static_str_unchecked(AGENT), capability);
        client.call("/org/bluez", MANAGER, "RegisterAgent", &body).await.unwrap();
        Self { client }
    }

    /// Waits for this question.
    async fn asked(&mut self, method: &str) -> Message {
        timeout(LIMIT, async {
            loop {
                let message = self.client.heard.next().await.unwrap().unwrap();
                let header = message.header();
                let called = header.interface().is_some_and(|interface| interface == "org.bluez.Agent1");
                if called && header.member().is_some_and(|member| member == method) {
                    assert_eq!(header.path().unwrap().as_str(), AGENT);
                    return message;
                }
            }
        })
        .await
        .unwrap_or_else(|_| panic!("{method} was not called"))
    }

    async fn answer<B: serde::Serialize + DynamicType>(&self, question: &Message, body: &B) {
        let answer = Message::method_return(&question.header()).build(body).unwrap();
        self.client.connection.send(&answer).await.unwrap();
    }

    async fn reject(&self, question: &Message) {
        let answer = Message::error(&question.header(), "org.bluez.Error.Rejected").build(&"no").unwrap();
        self.client.connection.send(&answer).await.unwrap();
    }
}

/// A home whose thermometer's only value needs this much, and who pairs it so.
async fn secret_home(security: Security, pairing: Option<Pairing>) -> Option<Home> {
    let mut home = home(false).await?;
    let mut peripheral = thermometer(false);
    peripheral.services[0].characteristics = vec![
        Characteristic::readable(uuid16(0x2A1D), [2]).needing(security),
        Characteristic::indicating(uuid16(0x2A1C)).needing(security),
    ];
    home.radio = home.bluez.add(peripheral);
    home.radio.set_pairing(pairing);
    home.client.discover().await;
    home.radio.advertise(&HEARD);
    Some(home)
}

async fn passkey(radio: &mut Radio) -> u32 {
    loop {
        if let Event::Passkey(number) = timeout(LIMIT, radio.next_event()).await.unwrap() {
            return number;
        }
    }
}

async fn heard(radio: &mut Radio, expected: Event) {
    while timeout(LIMIT, radio.next_event()).await.unwrap() != expected {}
}

const fn pairing(capability: Capability) -> Option<Pairing> {
    Some(Pairing { capability, demands: Security::Authenticated })
}

#[tokio::test]
async fn a_bond_is_made_once_and_outlives_links_and_bluetoothd() {
    let Some(home) = secret_home(Security::Encrypted, Some(Pairing::JUST_WORKS)).await else { return };
    let Home { bluez, radio, mut client, bus, .. } = home;
    let _agent = Agent::register(&bus, "NoInputNoOutput").await;
    assert_eq!(client.change(HCI0, "Pairable").await, OwnedVariant::from(true));
    client.call_heard("Pair", &radio).await.unwrap();
    assert!(
        client.is(PERIPHERAL, "Paired").await && client.is(PERIPHERAL, "Bonded").await && radio.is_bonded()
    );
    assert!(!client.is(PERIPHERAL, "Trusted").await, "BlueZ does not do that by itself");
    assert_eq!(client.read(SECRET).await.unwrap(), [2]);
    let again = client.call(PERIPHERAL, DEVICE, "Pair", &()).await.unwrap_err();
    assert_eq!(error_name(&again), "org.bluez.Error.AlreadyExists");

    let trust = (DEVICE, "Trusted", Variant::from(true));
    client.call(PERIPHERAL, "org.freedesktop.DBus.Properties", "Set", &trust).await.unwrap();
    bluez.restart().await.unwrap();
    assert!(client.is(PERIPHERAL, "Bonded").await && client.is(PERIPHERAL, "Trusted").await);
    radio.set_pairing(None);
    client.connect(&radio).await.unwrap();
    assert_eq!(client.read(SECRET).await.unwrap(), [2]);
}

#[tokio::test]
async fn without_an_agent_the_key_is_not_kept() {
    let Some(home) = secret_home(Security::Encrypted, Some(Pairing::JUST_WORKS)).await else { return };
    let Home { radio, mut client, .. } = home;
    client.call_heard("Pair", &radio).await.unwrap();
    assert!(client.is(PERIPHERAL, "Paired").await && !client.is(PERIPHERAL, "Bonded").await);
    radio.disconnect();
    while client.change(PERIPHERAL, "Paired").await != OwnedVariant::from(false) {}
    assert!(!radio.is_bonded());
}

#[tokio::test]
async fn a_passkey_that_the_peripheral_shows_is_typed_here() {
    let Some(home) = secret_home(Security::Authenticated, Some(Pairing::SHOWS_PASSKEY)).await else { return };
    let Home { mut radio, client, bus, .. } = home;
    let mut agent = Agent::register(&bus, "KeyboardDisplay").await;
    for wrong in [1, 0] {
        let paired = async {
            tokio::select! {
                paired = client.call_heard("Pair", &radio) => paired,
                () = async {
                    let question = agent.asked("RequestPasskey").await;
                    let device: OwnedObjectPath = question.body().deserialize().unwrap();
                    assert_eq!(device.as_str(), PERIPHERAL);
                    // What it shows is known to who stands before it.
                    let shown = shown(&radio).unwrap();
                    agent.answer(&question, &((shown + wrong) % 1_000_000)).await;
                    std::future::pending().await
                } => unreachable!(),
            }
        }
        .await;
        match wrong {
            0 => assert!(paired.is_ok()),
            _ => assert_eq!(error_name(&paired.unwrap_err()), "org.bluez.Error.AuthenticationFailed"),
        }
    }
    assert_eq!(client.read(SECRET).await.unwrap(), [2]);
    heard(&mut radio, Event::PairingFailed).await;
    heard(&mut radio, Event::Paired).await;
}

/// The number that a pairing goes by.
fn shown(radio: &Radio) -> Option<u32> {
    lock(&radio.daemon).air.get(&radio.device)?.procedure.as_ref().map(|procedure| procedure.passkey)
}

#[tokio::test]
async fn a_passkey_that_the_gateway_shows_is_typed_there() {
    let Some(home) = secret_home(Security::Authenticated, pairing(Capability::KeyboardOnly)).await else {
        return;
    };
    let Home { radio, client, bus, .. } = home;
    let mut agent = Agent::register(&bus, "DisplayOnly").await;
    let typed = async {
        let question = agent.asked("DisplayPasskey").await;
        let (device, passkey, entered): (OwnedObjectPath, u32, u16) = question.body().deserialize().unwrap();
        assert_eq!((device.as_str(), entered), (PERIPHERAL, 0));
        radio.enter_passkey(passkey);
    };
    let (paired, ()) = tokio::join!(client.call_heard("Pair", &radio), typed);
    paired.unwrap();
    assert!(radio.is_bonded());
}

#[tokio::test]
async fn two_numbers_are_compared_and_may_be_rejected() {
    let Some(home) = secret_home(Security::Authenticated, pairing(Capability::DisplayYesNo)).await else {
        return;
    };
    let Home { mut radio, client, bus, .. } = home;
    let mut agent = Agent::register(&bus, "DisplayYesNo").await;
    for agrees in [false, true] {
        let compared = async {
            let question = agent.asked("RequestConfirmation").await;
            let (device, number): (OwnedObjectPath, u32) = question.body().deserialize().unwrap();
            assert_eq!((device.as_str(), Some(number)), (PERIPHERAL, shown(&radio)));
            match agrees {
                true => agent.answer(&question, &()).await,
                false => agent.reject(&question).await,
            }
        };
        let (paired, ()) = tokio::join!(client.call_heard("Pair", &radio), compared);
        assert_eq!(paired.is_ok(), agrees);
        if let Err(error) = paired {
            assert_eq!(error_name(&error), "org.bluez.Error.AuthenticationFailed");
        }
    }
    assert!(passkey(&mut radio).await < 1_000_000);
}

#[tokio::test]
async fn a_peripheral_refuses_what_is_less_than_it_demands_or_while_no_button_was_held() {
    let Some(home) = secret_home(Security::Authenticated, Some(Pairing::SHOWS_PASSKEY)).await else { return };
    let Home { radio, client, bus, .. } = home;
    let _agent = Agent::register(&bus, "NoInputNoOutput").await;
    for pairing in [Some(Pairing::SHOWS_PASSKEY), None] {
        radio.set_pairing(pairing);
        let refused = client.call_heard("Pair", &radio).await.unwrap_err();
        assert_eq!(error_name(&refused), "org.bluez.Error.AuthenticationFailed");
        assert!(!client.is(PERIPHERAL, "Paired").await && !client.is(PERIPHERAL, "Connected").await);
    }
}

#[tokio::test]
async fn a_pairing_ends_with_its_link_its_canceling_and_its_client() {
    let Some(home) = secret_home(Security::Authenticated, Some(Pairing::SHOWS_PASSKEY)).await else { return };
    let Home { mut radio, client, bus, .. } = home;
    let mut agent = Agent::register(&bus, "KeyboardOnly").await;
    let nothing = client.call(PERIPHERAL, DEVICE, "CancelPairing", &()).await.unwrap_err();
    assert_eq!(error_name(&nothing), "org.bluez.Error.DoesNotExist");
    for (ending, expected) in [
        ("peripheral", "org.bluez.Error.AuthenticationCanceled"),
        ("range", "org.bluez.Error.AuthenticationTimeout"),
        ("client", "org.bluez.Error.AuthenticationCanceled"),
    ] {
        let end = async {
            agent.asked("RequestPasskey").await;
            let again = client.call(PERIPHERAL, DEVICE, "Pair", &()).await.unwrap_err();
            assert_eq!(error_name(&again), "org.bluez.Error.InProgress");
            match ending {
                "peripheral" => radio.disconnect(),
                "range" => radio.lose_link(),
                _ => drop(client.call(PERIPHERAL, DEVICE, "CancelPairing", &()).await.unwrap()),
            }
            agent.asked("Cancel").await;
        };
        let (paired, ()) = tokio::join!(client.call_heard("Pair", &radio), end);
        assert_eq!(error_name(&paired.unwrap_err()), expected, "{ending}");
    }
    let leaver = Client::join(&bus).await;
    tokio::select! {
        _ = leaver.call_heard("Pair", &radio) => unreachable!(),
        _ = agent.asked("RequestPasskey") => {}
    }
    leaver.connection.close().await.unwrap();
    agent.asked("Cancel").await;
    for _ in 0..4 {
        heard(&mut radio, Event::PairingFailed).await;
    }
}

#[tokio::test]
async fn a_refused_read_pairs_by_itself_where_it_can() {
    let Some(home) = secret_home(Security::Encrypted, Some(Pairing::JUST_WORKS)).await else { return };
    let Home { radio, client, .. } = home;
    client.connect(&radio).await.unwrap();
    assert_eq!(client.read(SECRET).await.unwrap(), [2]);
    assert!(client.is(PERIPHERAL, "Paired").await);
}

#[tokio::test]
async fn a_read_that_needs_more_than_can_be_agreed_is_not_permitted() {
    let Some(home) = secret_home(Security::Authenticated, Some(Pairing::SHOWS_PASSKEY)).await else { return };
    let Home { radio, client, bus, .. } = home;
    client.connect(&radio).await.unwrap();
    let unread = client.read(SECRET).await.unwrap_err();
    assert_eq!(error_name(&unread), "org.bluez.Error.NotPermitted");
    assert!(unread.to_string().contains("Not paired"), "{unread}");
    let mut agent = Agent::register(&bus, "KeyboardOnly").await;
    let typed = async {
        let question = agent.asked("RequestPasskey").await;
        agent.answer(&question, &shown(&radio).unwrap()).await;
    };
    let (read, ()) = tokio::join!(client.read(SECRET), typed);
    assert_eq!(read.unwrap(), [2]);
    assert!(radio.is_bonded());
}

#[tokio::test]
async fn a_bond_lost_on_the_devices_side_ends_each_link_until_it_is_removed_here_too() {
    let Some(home) = secret_home(Security::Encrypted, Some(Pairing::JUST_WORKS)).await else { return };
    let Home { mut radio, mut client, bus, .. } = home;
    let _agent = Agent::register(&bus, "NoInputNoOutput").await;
    client.call_heard("Pair", &radio).await.unwrap();
    radio.disconnect();
    radio.forget_bond();
    assert!(!radio.is_bonded());
    let failed = client.connect(&radio).await.unwrap_err();
    assert_eq!(error_name(&failed), "org.bluez.Error.Failed");
    while client.change(PERIPHERAL, "Connected").await != OwnedVariant::from(false) {}
    for _ in 0..2 {
        heard(&mut radio, Event::Connected).await;
        heard(&mut radio, Event::Disconnected).await;
    }

    let device = ObjectPath::try_from(PERIPHERAL).unwrap();
    client.call(HCI0, ADAPTER, "RemoveDevice", &device).await.unwrap();
    radio.advertise(&HEARD);
    assert!(!client.is(PERIPHERAL, "Paired").await);
    client.call_heard("Pair", &radio).await.unwrap();
    assert_eq!(client.read(SECRET).await.unwrap(), [2]);
}

#[tokio::test]
async fn a_client_has_one_agent_and_it_ends_with_the_client() {
    let Some(home) = home(false).await else { return };
    let Home { bus, client, .. } = home;
    let [first, second] = [Agent::register(&bus, "").await, Agent::register(&bus, "DisplayOnly").await];
    let path = ObjectPath::from_static_str_unchecked(AGENT);
    let manage = async |agent: &Agent, method: &'static str| {
        agent.client.call("/org/bluez", MANAGER, method, &path).await.map_err(|error| error_name(&error))
    };
    let again = first.client.call("/org/bluez", MANAGER, "RegisterAgent", &(&path, "")).await.unwrap_err();
    assert_eq!(error_name(&again), "org.bluez.Error.AlreadyExists");
    let unknown = client.call("/org/bluez", MANAGER, "RegisterAgent", &(&path, "Nose")).await.unwrap_err();
    assert_eq!(error_name(&unknown), "org.bluez.Error.InvalidArguments");
    manage(&second, "RequestDefaultAgent").await.unwrap();
    manage(&second, "UnregisterAgent").await.unwrap();
    for method in ["UnregisterAgent", "RequestDefaultAgent"] {
        assert_eq!(manage(&second, method).await.unwrap_err(), "org.bluez.Error.DoesNotExist");
    }
    let Client { connection, heard } = first.client;
    drop(heard);
    connection.close().await.unwrap();
    let pairable = async || client.get(HCI0, ADAPTER, "Pairable").await.unwrap() == OwnedVariant::from(true);
    timeout(LIMIT, async { while pairable().await {} }).await.unwrap();
}

#[tokio::test]
async fn nobody_waits_longer_than_the_specification_lets_a_step_of_pairing_take() {
    let (out, mut sent) = mpsc::unbounded_channel();
    let mut daemon = Daemon::new(out.clone());
    daemon.start(out);
    let (events, _) = mpsc::unbounded_channel();
    let device = daemon.add(thermometer(false), events);
    daemon.air.get_mut(&device).unwrap().pairs = Some(Pairing::SHOWS_PASSKEY);
    daemon.agents.register(":1.1", AGENT.into(), Capability::KeyboardOnly);
    let discovery = daemon.discovery.entry(":1.1".into()).or_default();
    discovery.running = true;
    daemon.advertise(&device, &HEARD);
    let call = Message::method_call(device.as_str(), "Pair").interface(DEVICE).build(&()).unwrap();
    let mut last_error = || {
        let mut found = None;
        while let Ok(message) = sent.try_recv() {
            found = message.unwrap().header().error_name().map(ToString::to_string).or(found);
        }
        found
    };
    daemon.call(&call);
    daemon.handle_timeout(Instant::now() + Duration::from_secs(20));
    assert_eq!(last_error().as_deref(), Some("org.bluez.Error.ConnectionAttemptFailed"));
    daemon.call(&call);
    daemon.advertise(&device, &HEARD);
    daemon.handle_timeout(Instant::now());
    assert_eq!(last_error(), None);
    daemon.handle_timeout(Instant::now() + Duration::from_secs(30));
    assert_eq!(last_error().as_deref(), Some("org.bluez.Error.AuthenticationCanceled"));
}
