//! The peripheral's end of the air.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::sync::{Mutex as AsyncMutex, mpsc};
use uuid::Uuid;

use super::{
    association::Pairing,
    daemon::Daemon,
    lock,
    peripheral::{Advertisement, Event, Service},
    station::Station,
};

/// The peripheral's end of the air. Dropping it leaves the peripheral silent but known.
#[derive(Debug)]
pub struct Radio {
    pub(super) daemon: Arc<Mutex<Daemon>>,
    pub(super) device: String,
    pub(super) events: AsyncMutex<mpsc::UnboundedReceiver<Event>>,
}

impl Radio {
    /// Sends one advertisement. It is lost while connected, without discovery, or without an adapter. A client's
    /// attempt to connect succeeds at the next connectable one.
    pub fn advertise(&self, advertisement: &Advertisement) {
        lock(&self.daemon).advertise(&self.device, advertisement);
    }

    /// Indicates or notifies a value; true once it is confirmed, which needs a connection and a subscription.
    pub fn indicate(&self, characteristic: Uuid, value: impl Into<Vec<u8>>) -> bool {
        lock(&self.daemon).indicate(&self.device, characteristic, value.into())
    }

    /// Changes what a read of a characteristic gives.
    pub fn set_value(&self, characteristic: Uuid, value: impl Into<Vec<u8>>) {
        lock(&self.daemon).set_value(&self.device, characteristic, &value.into());
    }

    /// Ends the connection from the peripheral's side.
    pub fn disconnect(&self) {
        lock(&self.daemon).disconnect(&self.device);
    }

    /// Goes out of range of a sudden: the connection ends without a word.
    pub fn lose_link(&self) {
        lock(&self.daemon).lose_link(&self.device);
    }

    /// Whether service discovery on the next connections comes to its end; it does unless told otherwise here.
    pub fn resolve_services(&self, resolves: bool) {
        self.with_station(|station| station.resolves = resolves);
    }

    /// Has another GATT table from now on, with other handles, as after a firmware update. BlueZ learns of it at once
    /// over a connection, else at the next one.
    pub fn change_services(&self, services: Vec<Service>) {
        lock(&self.daemon).change_services(&self.device, services);
    }

    /// Leaves the connection half-open: BlueZ says that it stands, but nothing passes. BlueZ gives each call up after
    /// `limit` (30 s for a real one), and the connection with it.
    pub fn half_open(&self, limit: Duration) {
        self.with_station(|station| station.half_open = Some(limit));
    }

    /// How the peripheral pairs, or that it does not, as most do unless a button was held. Just Works unless told
    /// otherwise here.
    pub fn set_pairing(&self, pairing: Option<Pairing>) {
        self.with_station(|station| station.pairs = pairing);
    }

    /// The peripheral's user types the number that the other side shows.
    pub fn enter_passkey(&self, passkey: u32) {
        lock(&self.daemon).passkey_entered(&self.device, passkey);
    }

    /// The peripheral loses its half of the bond, as with an empty battery or a reset.
    pub fn forget_bond(&self) {
        self.with_station(|station| station.theirs = None);
    }

    /// Whether both sides hold the same key for longer than this connection.
    pub fn is_bonded(&self) -> bool {
        self.with_station(|station| station.is_bonded() && station.ours == station.theirs).unwrap_or_default()
    }

    /// Waits for what the other side does next.
    pub async fn next_event(&self) -> Event {
        let next = self.events.lock().await.recv().await;
        match next {
            Some(event) => event,
            None => std::future::pending().await,
        }
    }

    fn with_station<T>(&self, act: impl FnOnce(&mut Station) -> T) -> Option<T> {
        lock(&self.daemon).air.get_mut(&self.device).map(act)
    }
}
