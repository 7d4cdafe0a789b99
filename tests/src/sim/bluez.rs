//! A fake `org.bluez`: bluetoothd with one adapter and simulated peripherals in range.
//!
//! It behaves as BlueZ 5.82 does where the gateway can notice: what it holds in memory, what it refuses and in which
//! words, what a client's death ends, that a read also changes `Value`, and that it confirms an indication before any
//! client has it. Pairing and agents are not part of it.

mod calls;
mod daemon;
mod objects;
mod peripheral;
mod station;
#[cfg(test)]
mod tests;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::StreamExt;
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, interval},
};
use uuid::Uuid;
use zbus::{Connection, MessageStream, connection::Builder, message::Type};

use self::daemon::Daemon;
pub use self::peripheral::{Address, Advertisement, Characteristic, Event, Peripheral, Service, uuid16};
use super::{SimError, bus::Bus};

/// How often overdue connection attempts are looked for.
const TICK: Duration = Duration::from_millis(100);

/// bluetoothd and the adapter. Dropping it is its death.
#[derive(Debug)]
pub struct Bluez {
    bus: String,
    daemon: Arc<Mutex<Daemon>>,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    connection: Connection,
    /// Aborted when dropped.
    _tasks: JoinSet<zbus::Result<()>>,
}

impl Bluez {
    /// Starts it on `bus`, with a powered adapter `hci0`.
    ///
    /// # Errors
    /// When the bus does not take it.
    pub async fn start(bus: &Bus) -> Result<Self, SimError> {
        let (out, _) = mpsc::unbounded_channel();
        let daemon = Arc::new(Mutex::new(Daemon::new(out)));
        let mut bluez = Self { bus: bus.address().to_owned(), daemon, running: None };
        bluez.restart().await?;
        Ok(bluez)
    }

    /// Brings a peripheral into range.
    pub fn add(&self, peripheral: Peripheral) -> Radio {
        let (notice, events) = mpsc::unbounded_channel();
        let device = lock(&self.daemon).add(peripheral, notice);
        Radio { daemon: self.daemon.clone(), device, events }
    }

    /// bluetoothd dies: links end, the name leaves the bus, and no signal tells of it.
    ///
    /// # Errors
    /// When the connection to the bus cannot be closed.
    pub async fn die(&mut self) -> Result<(), SimError> {
        if let Some(Running { connection, _tasks: mut tasks }) = self.running.take() {
            tasks.shutdown().await;
            connection.close().await?;
            let (deaf, _) = mpsc::unbounded_channel();
            lock(&self.daemon).stop(deaf);
        }
        Ok(())
    }

    /// bluetoothd starts again, knowing only the adapter and bonded peripherals.
    ///
    /// # Errors
    /// As [`Bluez::start`].
    pub async fn restart(&mut self) -> Result<(), SimError> {
        self.die().await?;
        let connection = Builder::address(self.bus.as_str()).build().await?;
        let incoming = MessageStream::from(&connection);
        let (out, mut outgoing) = mpsc::unbounded_channel();
        lock(&self.daemon).start(out);

        let mut tasks = JoinSet::new();
        let sender = connection.clone();
        tasks.spawn(async move {
            while let Some(message) = outgoing.recv().await {
                sender.send(&message?).await?;
            }
            Ok(())
        });
        tasks.spawn(serve(self.daemon.clone(), incoming));
        let rule = "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged'";
        connection.call_method(Some(BUS), "/org/freedesktop/DBus", Some(BUS), "AddMatch", &rule).await?;
        connection.request_name("org.bluez").await?;
        self.running = Some(Running { connection, _tasks: tasks });
        Ok(())
    }

    /// Switches the adapter off or on, as `rfkill` or another client does.
    pub fn power(&self, on: bool) {
        lock(&self.daemon).power(on);
    }

    /// The adapter vanishes, as when a dongle is pulled.
    pub fn unplug_adapter(&self) {
        lock(&self.daemon).unplug_adapter();
    }

    /// The adapter comes back, powered.
    pub fn plug_in_adapter(&self) {
        lock(&self.daemon).plug_in_adapter();
    }

    /// Whether a client discovers.
    pub fn is_discovering(&self) -> bool {
        lock(&self.daemon).is_discovering()
    }
}

/// The peripheral's end of the air. Dropping it leaves the peripheral silent but known.
#[derive(Debug)]
pub struct Radio {
    daemon: Arc<Mutex<Daemon>>,
    device: String,
    events: mpsc::UnboundedReceiver<Event>,
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
        lock(&self.daemon).set_value(&self.device, characteristic, value.into());
    }

    /// Ends the connection from the peripheral's side.
    pub fn disconnect(&self) {
        lock(&self.daemon).disconnect(&self.device);
    }

    /// Whether service discovery on the next connections comes to its end; it does unless told otherwise here.
    pub fn resolve_services(&self, resolves: bool) {
        lock(&self.daemon).set_resolves(&self.device, resolves);
    }

    /// Waits for what the other side does next.
    pub async fn next_event(&mut self) -> Event {
        match self.events.recv().await {
            Some(event) => event,
            None => std::future::pending().await,
        }
    }
}

const BUS: &str = "org.freedesktop.DBus";

/// Reads calls and departures of clients until the bus goes away.
async fn serve(daemon: Arc<Mutex<Daemon>>, mut incoming: MessageStream) -> zbus::Result<()> {
    let mut tick = interval(TICK);
    loop {
        let message = tokio::select! {
            message = incoming.next() => match message {
                Some(message) => message?,
                None => return Ok(()),
            },
            _ = tick.tick() => {
                lock(&daemon).give_up_connecting(Instant::now());
                continue;
            }
        };
        match message.message_type() {
            Type::MethodCall => lock(&daemon).call(&message),
            Type::Signal if message.header().member().is_some_and(|member| member == "NameOwnerChanged") => {
                let body = message.body();
                let (name, _, new_owner): (&str, &str, &str) = body.deserialize()?;
                if new_owner.is_empty() {
                    lock(&daemon).client_gone(name);
                }
            }
            Type::Signal | Type::MethodReturn | Type::Error => {}
        }
    }
}

fn lock(daemon: &Mutex<Daemon>) -> MutexGuard<'_, Daemon> {
    daemon.lock().unwrap_or_else(PoisonError::into_inner)
}
