//! The central promise, lived through: the daemon dies at any instant, the way to the hub comes and goes, and what
//! was committed arrives, each entry once, in an unbroken chain.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a scenario that cannot go on has failed")]

use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};
use varde_tests::sim::{
    SimError,
    broker::Broker,
    chance::Chance,
    enocean::{Rocker, Telegram, Usb300},
    home::{Committed, Device, Gateway, Home, Hub, Plan, WhichBroker},
    network::Network,
    programs::Programs,
};

const LIMIT: Duration = Duration::from_secs(90);

/// Contacts and pendants speak in turn, so that each telegram can be told from the next few hundred.
const CONTACTS: u64 = 100;
const PENDANTS: u64 = 20;

/// Invariants 1 to 3, and the promise itself: nothing is shown as committed before it is, no seq is reused, nothing
/// is freed that the hub does not have.
#[tokio::test]
async fn every_committed_observation_arrives_once_through_two_hundred_kills() {
    if !Broker::available() {
        println!("skipped: mosquitto is not installed");
        return;
    }
    let quick = std::env::var_os("VARDE_QUICK").is_some_and(|quick| quick == "1");
    let kills = if quick { 20 } else { 200 };
    let seed = std::env::var("VARDE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_260_301);
    println!("seed {seed}, {kills} kills");

    let mut chance = Chance::seeded(seed);
    let plan = Plan { devices: devices(), broker: WhichBroker::Mosquitto, seed, ..Plan::default() };
    let mut home = Home::prepare(plan).await.unwrap();
    // Without a time service there are no anchors, which take a seq and are no observation.
    std::fs::remove_file(home.gateway.clock_marker()).unwrap();
    home.hub.start().await.unwrap();

    let mut speaker = Speaker::default();
    let mut received = Received::at(&home.hub);
    {
        let Home { gateway, hub, mosquitto, network, stick, .. } = &mut home;
        let mosquitto = mosquitto.as_mut().unwrap();
        tokio::select! {
            ended = speaker.speak(stick, chance.branch()) => panic!("the devices fell silent: {ended:?}"),
            ended = weather(mosquitto, network, hub, chance.branch()) => panic!("the weather ended: {ended:?}"),
            lived = lives(gateway, &mut received, kills, chance.branch()) => lived.unwrap(),
        }
        network.heal();
        mosquitto.restart().await.unwrap();
        hub.start().await.unwrap();
    }
    // What still lay in the tty is heard now, and may be committed as late as the stop: then it goes out in a life
    // more.
    let lanes = loop {
        home.gateway.start().await.unwrap();
        home.stick.opened().await.unwrap();
        home.drained(LIMIT).await.unwrap();
        assert!(home.gateway.stop().await.unwrap().unwrap().success());
        let lanes = home.gateway.committed().unwrap();
        if lanes.iter().all(|lane| lane.released_seq == lane.next_seq) {
            break lanes;
        }
    };
    received.catch_up().await.unwrap();

    for (lane, sent) in lanes.iter().zip([&speaker.alarms, &speaker.contacts]) {
        let arrived = received.lane(lane.lane);
        println!("{}: {sent} telegrams, {} committed, {} received", lane.lane, lane.next_seq, arrived.len());
        arrived_once_and_in_order(lane, &arrived);
        assert!(unbroken(&arrived) == lane.next_number, "batches of {lane:?}");
        assert!(told_apart(lane.lane, &arrived) <= *sent, "{} were heard twice", lane.lane);
        assert!(lane.next_seq >= kills, "hardly anything was committed: {lane:?}");
    }
    let incidents = home.hub.incidents().await.unwrap();
    let kinds: Vec<_> = incidents.iter().map(|incident| incident["incident"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["chain-began", "chain-began"], "{incidents:#?}");
}

fn devices() -> Vec<Device> {
    let contacts = (0..CONTACTS).map(|n| Device::contact(&format!("contact-{n}"), contact(n)));
    contacts.chain((0..PENDANTS).map(|n| Device::pendant(&format!("pendant-{n}"), pendant(n)))).collect()
}

fn contact(number: u64) -> [u8; 4] {
    [0x05, 0x10, 0x00, u8::try_from(number).unwrap()]
}

fn pendant(number: u64) -> [u8; 4] {
    [0x05, 0x20, 0x00, u8::try_from(number).unwrap()]
}

/// What the devices have said so far.
#[derive(Default)]
struct Speaker {
    contacts: u64,
    alarms: u64,
}

impl Speaker {
    /// Speaks whenever somebody listens, for ever.
    async fn speak(&mut self, stick: &Usb300, mut chance: Chance) -> Result<(), SimError> {
        loop {
            let alarm = chance.percent(12);
            let telegram = if alarm {
                Telegram::pressed(pendant(self.alarms % PENDANTS), Rocker::Ai)
            } else {
                let closed = (self.contacts / CONTACTS).is_multiple_of(2);
                Telegram::contact(contact(self.contacts % CONTACTS), closed)
            };
            if stick.hear(&telegram).await? {
                *(if alarm { &mut self.alarms } else { &mut self.contacts }) += 1;
            }
            sleep(Duration::from_millis(1 + chance.below(5))).await;
        }
    }
}

/// The broker, the way to it and the hub fail in turn, each for a while, for ever.
async fn weather(
    mosquitto: &mut Broker,
    network: &Network,
    hub: &mut Hub,
    mut chance: Chance,
) -> Result<(), SimError> {
    loop {
        sleep(Duration::from_millis(400 + chance.below(2000))).await;
        let bad = Duration::from_millis(50 + chance.below(1200));
        match chance.below(6) {
            0 => {
                mosquitto.kill().await?;
                sleep(bad).await;
                mosquitto.restart().await?;
            }
            1 => {
                mosquitto.stop().await?;
                sleep(bad).await;
                mosquitto.restart().await?;
            }
            2 => {
                hub.kill().await?;
                sleep(bad).await;
                hub.launch()?;
            }
            fault => {
                match fault {
                    3 => network.cut(),
                    4 => network.black_hole(),
                    _ => network.half_open(),
                }
                sleep(bad).await;
                network.heal();
            }
        }
    }
}

/// The gateway's lives. After each, its file and the hub are asked what they have.
async fn lives(
    gateway: &mut Gateway,
    received: &mut Received,
    kills: u64,
    mut chance: Chance,
) -> Result<(), SimError> {
    let mut before: Vec<Committed> = Vec::new();
    for kill in 1..=kills {
        let born = Instant::now();
        gateway.launch()?;
        sleep(Duration::from_millis(50 + chance.below(850))).await;
        // It may not answer yet.
        let shown = gateway.status().await.ok();
        sleep(chance.duration_below(Duration::from_millis(20))).await;
        let life = born.elapsed();
        gateway.kill().await?;

        let after = gateway.committed()?;
        received.catch_up().await?;
        for lane in &after {
            let arrived = received.lane(lane.lane).len() as u64;
            assert!(lane.released_seq <= arrived, "freed, but not at the hub, which has {arrived}: {lane:?}");
            if let Some(shown) = &shown {
                let shown = shown["lanes"][lane.lane]["committed"].as_u64().unwrap();
                assert!(shown <= lane.next_seq, "shown before its commit: {shown} of {lane:?}");
            }
        }
        for (old, new) in before.iter().zip(&after) {
            assert_eq!(old.chain, new.chain, "a kill must not cost a chain");
            assert!(old.next_seq <= new.next_seq, "seqs went back: {old:?}, {new:?}");
            assert!(old.released_seq <= new.released_seq, "{old:?}, {new:?}");
        }
        let place = |lane: &Committed| format!("{} {}/{}", lane.lane, lane.released_seq, lane.next_seq);
        let places: Vec<_> = after.iter().map(place).collect();
        if kill % 20 == 0 {
            println!("kill {kill} after {life:?}: {}", places.join(", "));
        }
        before = after;
    }
    Ok(())
}

/// All that the hub shows.
struct Received {
    directory: std::path::PathBuf,
    lines: Vec<Value>,
}

impl Received {
    fn at(hub: &Hub) -> Self {
        Self { directory: hub.directory().to_owned(), lines: Vec::new() }
    }

    async fn catch_up(&mut self) -> Result<(), SimError> {
        let since = self.lines.last().map_or(0, |line| line["n"].as_u64().unwrap());
        let mut show = Programs::built().await?.varde_hub();
        show.arg("show").arg("--directory").arg(&self.directory).args(["--json", "--since"]);
        let shown = show.arg(since.to_string()).kill_on_drop(true).output().await.unwrap();
        assert!(shown.status.success(), "{}", String::from_utf8_lossy(&shown.stderr));
        let text = String::from_utf8(shown.stdout).unwrap();
        self.lines.extend(text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()));
        Ok(())
    }

    fn lane(&self, lane: &str) -> Vec<&Value> {
        self.lines.iter().filter(|line| line["lane"] == lane).collect()
    }
}

fn arrived_once_and_in_order(lane: &Committed, arrived: &[&Value]) {
    let seqs: Vec<_> = arrived.iter().map(|line| line["seq"].as_u64().unwrap()).collect();
    let wrong = seqs.iter().zip(0..).find(|(seq, place)| *seq != place);
    assert_eq!(wrong, None, "{}: out of its place", lane.lane);
    assert_eq!(seqs.len() as u64, lane.next_seq, "{}: received of what was committed", lane.lane);
    assert_eq!(lane.released_seq, lane.next_seq);
    assert!(arrived.iter().all(|line| line["chain"] == lane.chain), "more than one chain: {lane:?}");
}

/// The batches' numbers have no hole; how many there are.
fn unbroken(arrived: &[&Value]) -> u64 {
    arrived.iter().fold(0, |next, line| {
        let batch = line["batch"].as_u64().unwrap();
        assert!(batch == next || batch + 1 == next, "batch {batch} where {next} was next");
        batch + 1
    })
}

/// How many telegrams the devices must have sent at least for these to have been heard in this order. What was lost
/// before its commit is passed over; what came twice takes another turn of all devices.
fn told_apart(lane: &str, arrived: &[&Value]) -> u64 {
    let turn = if lane == "urgent" { PENDANTS } else { 2 * CONTACTS };
    // That it starts again and again the gateway says itself.
    let said = arrived.iter().filter(|line| line["device"] != "gateway");
    let telegrams = said.filter(|line| line.get("report").is_none());
    telegrams.fold(0, |sent, line| {
        let (_, number) = line["device"].as_str().unwrap().rsplit_once('-').unwrap();
        let number: u64 = number.parse().unwrap();
        let place = if line["value"] == "door-opened" { number + CONTACTS } else { number };
        let wait = (place + turn - sent % turn) % turn;
        sent + wait + 1
    })
}
