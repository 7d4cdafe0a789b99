//! Links to peripherals: how they come and go, and what passes over them.

use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;
use zbus::Message;

use super::{
    daemon::{CHARACTERISTIC, DEVICE, Daemon},
    peripheral::{Event, Security, Service},
    refusal::{
        Refusal, authentication_canceled, authentication_timeout, connection_failed, not_connected,
        page_timeout,
    },
    station::Attempt,
};

/// The kernel gives an LE connection up after this time.
const CONNECT_LIMIT: Duration = Duration::from_secs(20);

impl Daemon {
    /// A `Connect` or `Pair` waits for the next connectable advertisement.
    pub(super) fn await_advertisement(&mut self, device: &str, call: &Message, pair: bool) {
        if let Some(station) = self.air.get_mut(device) {
            station.attempt =
                Some(Attempt { call: call.clone(), pair, until: Instant::now() + CONNECT_LIMIT });
        }
    }

    /// Refuses an attempt that has waited too long.
    pub(super) fn give_up_connecting(&mut self, device: &str, now: Instant) {
        let overdue =
            self.air.get_mut(device).and_then(|station| station.attempt.take_if(|it| it.until <= now));
        if let Some(Attempt { call, pair, .. }) = overdue {
            let refusal = if pair { page_timeout() } else { connection_failed() };
            self.emit(refusal.reply(&call));
        }
    }

    /// Ends an attempt that waits; true where there was one.
    pub(super) fn abort_attempt(&mut self, device: &str) -> bool {
        let Some(attempt) = self.air.get_mut(device).and_then(|station| station.attempt.take()) else {
            return false;
        };
        let refusal = if attempt.pair { authentication_canceled() } else { connection_failed() };
        self.emit(refusal.reply(&attempt.call));
        true
    }

    /// The link stands. With a bonded peripheral it is encrypted before anything else, and ends where the
    /// peripheral no longer has the key.
    pub(super) fn connect(&mut self, device: &str, attempt: Attempt) {
        self.set(device, DEVICE, [("Connected", true.into())]);
        let Some(station) = self.air.get_mut(device) else { return };
        let _ = station.events.send(Event::Connected);
        station.security = match station.ours {
            None => Security::Open,
            Some(key) if station.theirs == Some(key) => key.security,
            Some(_) => {
                self.disconnect(device);
                self.emit(connection_failed().reply(&attempt.call));
                return;
            }
        };
        if attempt.pair {
            self.begin_pairing(device, Some(attempt.call), Vec::new(), Security::Encrypted);
        } else {
            self.emit(Message::method_return(&attempt.call.header()).build(&()));
            self.resolve_services(device);
        }
    }

    /// Either side ends the link.
    pub(super) fn disconnect(&mut self, device: &str) {
        self.end_link(device, &authentication_canceled());
    }

    /// The peripheral is out of range of a sudden.
    pub(super) fn lose_link(&mut self, device: &str) {
        self.end_link(device, &authentication_timeout());
    }

    /// All links and attempts end with the adapter.
    pub(super) fn lose_links(&mut self) {
        let devices: Vec<String> = self.air.keys().cloned().collect();
        for device in devices {
            self.disconnect(&device);
            self.abort_attempt(&device);
        }
    }

    fn end_link(&mut self, device: &str, refusal: &Refusal) {
        if !self.connected(device) {
            return;
        }
        self.end_pairing(device, refusal);
        let Some(station) = self.air.get_mut(device) else { return };
        let _ = station.events.send(Event::Disconnected);
        (station.security, station.half_open, station.heard) = (Security::Open, None, Instant::now());
        // A key that was not to be kept goes with the link.
        let unpaired = station.ours.take_if(|key| !key.kept).is_some();
        station.theirs.take_if(|key| !key.kept);
        let hanging = std::mem::take(&mut station.hanging);
        for characteristic in std::mem::take(&mut station.subscribers).into_keys() {
            self.set(&characteristic, CHARACTERISTIC, [("Notifying", false.into())]);
        }
        hanging.iter().for_each(|(call, _)| self.emit(not_connected().reply(call)));
        self.set(device, DEVICE, [("Connected", false.into()), ("ServicesResolved", false.into())]);
        if unpaired {
            self.set(device, DEVICE, [("Paired", false.into())]);
        }
    }

    /// Over a half-open link nothing is answered until BlueZ gives the link up.
    pub(super) fn hangs(&mut self, device: &str, call: &Message) -> bool {
        let connected = self.connected(device);
        let Some(station) = self.air.get_mut(device).filter(|_| connected) else { return false };
        let Some(limit) = station.half_open else { return false };
        station.hanging.push((call.clone(), Instant::now() + limit));
        true
    }

    pub(super) fn give_up_calls(&mut self, device: &str, now: Instant) {
        let overdue =
            |station: &super::station::Station| station.hanging.iter().any(|(_, until)| *until <= now);
        if self.air.get(device).is_some_and(overdue) {
            self.disconnect(device);
        }
    }

    /// Shows the GATT table. What stood there from another table goes; a known one stays over connections, as with
    /// BlueZ's cache.
    pub(super) fn resolve_services(&mut self, device: &str) {
        let Some(station) = self.air.get(device).filter(|station| station.resolves) else { return };
        let uuids: Vec<String> =
            station.peripheral.services.iter().map(|service| service.uuid.to_string()).collect();
        let table = station.gatt_objects();
        for stale in self.objects.below(device) {
            if !table.iter().any(|(path, ..)| *path == stale) && self.objects.contains(&stale) {
                self.forget(&stale);
            }
        }
        for (path, interface, properties) in table {
            if !self.objects.contains(&path) {
                let signal = self.objects.add(&path, interface, properties);
                self.emit(signal);
            }
        }
        self.set(device, DEVICE, [("UUIDs", uuids.into()), ("ServicesResolved", true.into())]);
    }

    /// The peripheral has another GATT table from now on, with other handles.
    pub(super) fn change_services(&mut self, device: &str, services: Vec<Service>) {
        let connected = self.connected(device);
        let Some(station) = self.air.get_mut(device) else { return };
        station.replace_services(services);
        if connected {
            station.subscribers.clear();
            self.set(device, DEVICE, [("ServicesResolved", false.into())]);
            self.resolve_services(device);
        }
    }

    /// The peripheral indicates or notifies; true when a client has subscribed and the value is confirmed, which
    /// BlueZ does before any client has it.
    pub(super) fn indicate(&mut self, device: &str, uuid: Uuid, value: Vec<u8>) -> bool {
        let Some(station) = self.air.get(device).filter(|station| station.half_open.is_none()) else {
            return false;
        };
        let Some(path) = station.path_of(uuid) else { return false };
        let subscribed = self.objects.is_true(&path, CHARACTERISTIC, "Notifying");
        if subscribed {
            self.set(&path, CHARACTERISTIC, [("Value", value.into())]);
        }
        subscribed
    }

    pub(super) fn set_value(&mut self, device: &str, uuid: Uuid, value: &[u8]) {
        let services =
            self.air.get_mut(device).into_iter().flat_map(|station| &mut station.peripheral.services);
        for characteristic in services.flat_map(|service| &mut service.characteristics) {
            if characteristic.uuid == uuid {
                characteristic.value = value.to_vec();
            }
        }
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
}
