//! Meters: what they do alike, whatever they measure.
//!
//! A [`Meter`] runs its [`Firmware`] in the background and follows the link for it; the scenario speaks to the
//! firmware through [`Meter::with`] and to the radio, for its faults, through [`Meter::radio`].

pub mod blood_pressure;
pub mod clock;
pub mod continuous_glucose;
pub mod glucose;
pub mod health_sensor;
pub mod heart_rate;
mod outbox;
pub mod oximeter;
mod racp;
pub mod scale;
pub mod thermometer;
pub mod values;

#[cfg(test)]
mod tests;

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, watch},
    task::JoinHandle,
    time::{Instant, MissedTickBehavior, interval, sleep, sleep_until},
};
use uuid::Uuid;

use super::{
    bluez::{
        Address, Advertisement, Bluez, Characteristic, Event, Pairing, Peripheral, Radio, Service, uuid16,
    },
    chance::Chance,
};

/// Between two advertisements.
const ADVERTISING_INTERVAL: Duration = Duration::from_millis(100);
/// A link over which nothing happens is given up after this time, to save the battery.
const IDLE_LIMIT: Duration = Duration::from_secs(10);

/// One meter of its kind, and how it stands to the gateway.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// Its address, a public one.
    pub address: Address,
    /// Whether it is bonded with the gateway already.
    pub bonded: bool,
    /// How it pairs, or that it does not.
    pub pairing: Option<Pairing>,
    /// Decides how its signal strength varies.
    pub seed: u64,
}

impl Setup {
    /// A new meter that pairs without any number.
    pub const fn new(address: Address) -> Self {
        Self { address, bonded: false, pairing: Some(Pairing::JUST_WORKS), seed: 1 }
    }

    /// One that was bonded before and pairs with nobody else.
    pub const fn bonded(address: Address) -> Self {
        Self { address, bonded: true, pairing: None, seed: 1 }
    }
}

/// What makes a meter this one.
pub trait Firmware: Send + 'static {
    /// Whether it hangs up when nothing happens although somebody has subscribed.
    const HANGS_UP_WHEN_IDLE: bool = false;

    /// Whether it wants to be connected to.
    fn calls(&self) -> bool;

    /// The other side did something. The link is already as the event has left it.
    fn hear(&mut self, event: Event, link: &Link, radio: &Radio);

    /// Sends what is due, whenever anything has changed. Gives the time after which to try again, if that is known.
    fn act(&mut self, link: &mut Link, radio: &Radio) -> Option<Duration>;
}

/// The link as the meter knows it.
#[derive(Debug)]
pub struct Link {
    connected: bool,
    subscribed: BTreeSet<Uuid>,
    /// When anything last happened on it.
    used: Instant,
}

impl Link {
    fn new() -> Self {
        Self { connected: false, subscribed: BTreeSet::new(), used: Instant::now() }
    }

    /// Whether it stands.
    pub const fn is_connected(&self) -> bool {
        self.connected
    }

    /// Whether a characteristic may be indicated or notified.
    pub fn subscribed(&self, characteristic: Uuid) -> bool {
        self.subscribed.contains(&characteristic)
    }

    /// Something was sent: the link is not idle.
    pub fn touch(&mut self) {
        self.used = Instant::now();
    }

    fn follow(&mut self, event: &Event) {
        self.touch();
        match event {
            Event::Connected => self.connected = true,
            Event::Disconnected => *self = Self::new(),
            Event::Subscribed(characteristic) => drop(self.subscribed.insert(*characteristic)),
            Event::Unsubscribed(characteristic) => drop(self.subscribed.remove(characteristic)),
            Event::Written(..)
            | Event::Passkey(_)
            | Event::PasskeyWanted
            | Event::Paired
            | Event::PairingFailed => {}
        }
    }
}

/// A meter in range. Dropping it switches it off.
#[derive(Debug)]
pub struct Meter<F> {
    shared: Arc<Shared<F>>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared<F> {
    firmware: Mutex<F>,
    radio: Radio,
    /// The scenario did something.
    touched: Notify,
    /// The firmware did something.
    changed: watch::Sender<()>,
}

impl<F: Firmware> Meter<F> {
    fn bring(bluez: &Bluez, setup: &Setup, name: &str, services: Vec<Service>, firmware: F) -> Self {
        let Setup { address, bonded, pairing, seed } = *setup;
        let advertised = services.iter().map(|service| service.uuid).take(1).collect();
        let name = name.to_owned();
        let radio =
            bluez.add(Peripheral { address, address_is_random: false, name, advertised, services, bonded });
        radio.set_pairing(pairing);
        let (changed, _) = watch::channel(());
        let firmware = Mutex::new(firmware);
        let shared = Arc::new(Shared { firmware, radio, touched: Notify::new(), changed });
        let task = tokio::spawn(run(shared.clone(), Chance::seeded(seed)));
        Self { shared, task }
    }

    /// Does something with the meter or looks into it.
    pub fn with<T>(&self, act: impl FnOnce(&mut F) -> T) -> T {
        let result = act(&mut self.shared.lock());
        self.shared.touched.notify_one();
        result
    }

    /// Waits until the meter is so.
    pub async fn wait_until(&self, reached: impl Fn(&F) -> bool) {
        let mut changed = self.shared.changed.subscribe();
        while !reached(&self.shared.lock()) {
            // The task ends with the meter.
            let _ = changed.changed().await;
        }
    }

    /// Its end of the air, for faults. Its events go to the meter.
    pub fn radio(&self) -> &Radio {
        &self.shared.radio
    }
}

impl<F> Drop for Meter<F> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl<F> Shared<F> {
    fn lock(&self) -> MutexGuard<'_, F> {
        self.firmware.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn run<F: Firmware>(shared: Arc<Shared<F>>, mut chance: Chance) {
    let radio = &shared.radio;
    let mut link = Link::new();
    let mut tick = interval(ADVERTISING_INTERVAL);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let (calls, again) = {
            let mut firmware = shared.lock();
            let again = firmware.act(&mut link, radio);
            (firmware.calls(), again)
        };
        shared.changed.send_replace(());
        let idles = link.connected && (F::HANGS_UP_WHEN_IDLE || link.subscribed.is_empty());
        tokio::select! {
            event = radio.next_event() => {
                link.follow(&event);
                shared.lock().hear(event, &link, radio);
            }
            () = shared.touched.notified() => {}
            () = sleep(again.unwrap_or_default()), if again.is_some() => {}
            () = sleep_until(link.used + IDLE_LIMIT), if idles => radio.disconnect(),
            _ = tick.tick(), if calls && !link.connected => {
                let rssi = -55 - i16::try_from(chance.below(25)).unwrap_or_default();
                radio.advertise(&Advertisement { rssi, connectable: true, ..Advertisement::default() });
            }
        }
    }
}

/// The Device Information service.
fn information(model: &str) -> Service {
    let readable = |short, value: &[u8]| Characteristic::readable(uuid16(short), value);
    Service {
        uuid: uuid16(0x180A),
        characteristics: vec![
            readable(0x2A29, b"Simulated Instruments"),
            readable(0x2A24, model.as_bytes()),
            readable(0x2A25, b"SN000123"),
            readable(0x2A26, b"1.4.2"),
            readable(0x2A23, &[0x56, 0x34, 0x12, 0xFE, 0xFF, 0xEF, 0xCD, 0xAB]),
        ],
    }
}

/// The Battery service.
fn battery(percent: u8) -> Service {
    Service {
        uuid: uuid16(0x180F),
        characteristics: vec![Characteristic::readable(uuid16(0x2A19), [percent])],
    }
}
