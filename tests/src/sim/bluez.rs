//! A fake `org.bluez`: bluetoothd with one adapter and simulated peripherals in range.
//!
//! It behaves as BlueZ 5.82 does where the gateway can notice: what it holds in memory, what it refuses and in which
//! words, what a client's death ends, that a read also changes `Value`, that it confirms an indication before any
//! client has it, and how it pairs: whom it asks, what it keeps, and what it says when the other side has lost its key.
//! Of a radio's faults it has those that a gateway meets in a home: see [`Bluez`] and [`Radio`].
//!
//! Pairing is that of LE Secure Connections alone, always begun by the gateway. Where a refused request fails to pair,
//! the refusal comes at once, while a real kernel may first wait for the peripheral.

mod agents;
mod association;
mod calls;
#[cfg(test)]
pub(crate) mod client;
mod daemon;
mod device_calls;
mod faults;
mod links;
mod objects;
mod pairing;
mod peripheral;
mod radio;
mod refusal;
mod station;
mod systemd;
#[cfg(test)]
mod tests;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::StreamExt;
use tokio::{
    sync::{Mutex as AsyncMutex, mpsc},
    task::JoinSet,
    time::{Instant, interval},
};
use zbus::{Connection, MessageStream, connection::Builder, message::Type};

use self::daemon::Daemon;
pub use self::{
    association::{Capability, Pairing},
    faults::Cure,
    peripheral::{Address, Advertisement, Characteristic, Event, Peripheral, Security, Service, uuid16},
    radio::Radio,
    systemd::Systemd,
};
use super::{SimError, bus::Bus};

/// How often overdue things are looked for.
const TICK: Duration = Duration::from_millis(100);

/// bluetoothd and the adapter. Dropping it is its death.
#[derive(Debug)]
pub struct Bluez {
    process: Arc<Process>,
}

/// What can die and start again.
#[derive(Debug)]
struct Process {
    bus: String,
    daemon: Arc<Mutex<Daemon>>,
    running: AsyncMutex<Option<Running>>,
}

#[derive(Debug)]
struct Running {
    connection: Connection,
    /// Aborted when dropped.
    tasks: JoinSet<zbus::Result<()>>,
}

impl Bluez {
    /// Starts it on `bus`, with a powered adapter `hci0`.
    ///
    /// # Errors
    /// When the bus does not take it.
    pub async fn start(bus: &Bus) -> Result<Self, SimError> {
        let (out, _) = mpsc::unbounded_channel();
        let daemon = Arc::new(Mutex::new(Daemon::new(out)));
        let running = AsyncMutex::new(None);
        let bluez = Self { process: Arc::new(Process { bus: bus.address().to_owned(), daemon, running }) };
        bluez.restart().await?;
        Ok(bluez)
    }

    /// Brings a peripheral into range.
    pub fn add(&self, peripheral: Peripheral) -> Radio {
        let (notice, events) = mpsc::unbounded_channel();
        let daemon = self.process.daemon.clone();
        let device = lock(&daemon).add(peripheral, notice);
        Radio { daemon, device, events: AsyncMutex::new(events) }
    }

    /// bluetoothd dies: links end, the name leaves the bus, and no signal tells of it.
    ///
    /// # Errors
    /// When the connection to the bus cannot be closed.
    pub async fn die(&self) -> Result<(), SimError> {
        self.process.die().await
    }

    /// bluetoothd starts again, knowing only the adapter and bonded peripherals.
    ///
    /// # Errors
    /// As [`Bluez::start`].
    pub async fn restart(&self) -> Result<(), SimError> {
        self.process.restart().await
    }

    /// Switches the adapter off or on, as another client does.
    pub fn power(&self, on: bool) {
        self.daemon().power(on);
    }

    /// rfkill takes the adapter, which nobody can then switch on, or lets go of it.
    pub fn rfkill(&self, blocked: bool) {
        self.daemon().block(blocked);
    }

    /// The adapter vanishes, as when a dongle is pulled.
    pub fn unplug_adapter(&self) {
        self.daemon().unplug_adapter();
    }

    /// The adapter comes back, powered.
    pub fn plug_in_adapter(&self) {
        self.daemon().plug_in_adapter();
    }

    /// Whether a client discovers.
    pub fn is_discovering(&self) -> bool {
        self.daemon().is_discovering()
    }

    /// The scan goes silent although BlueZ says that it discovers, until this or a stronger cure.
    pub fn go_deaf(&self, until: Cure) {
        self.daemon().faults.deaf = Some(until);
    }

    /// Whether [`Bluez::go_deaf`] still holds.
    pub fn is_deaf(&self) -> bool {
        self.daemon().faults.deaf.is_some()
    }

    /// Of so many advertisements only one is heard from now on, as beside a busy Wi-Fi. 1: each.
    pub fn hear_one_in(&self, advertisements: u32) {
        self.daemon().faults.hear_one_in(advertisements);
    }

    /// The next calls to discover, connect or pair are refused because another operation is in progress.
    pub fn be_busy(&self, calls: u32) {
        self.daemon().faults.be_busy(calls);
    }

    /// How many methods all clients have called so far.
    pub fn calls(&self) -> u64 {
        self.daemon().calls
    }

    fn daemon(&self) -> MutexGuard<'_, Daemon> {
        lock(&self.process.daemon)
    }
}

impl Process {
    async fn die(&self) -> Result<(), SimError> {
        let running = self.running.lock().await.take();
        self.end(running).await
    }

    async fn restart(&self) -> Result<(), SimError> {
        let mut running = self.running.lock().await;
        self.end(running.take()).await?;
        *running = Some(self.run().await?);
        Ok(())
    }

    async fn end(&self, running: Option<Running>) -> Result<(), SimError> {
        if let Some(Running { connection, mut tasks }) = running {
            tasks.shutdown().await;
            connection.close().await?;
            let (deaf, _) = mpsc::unbounded_channel();
            lock(&self.daemon).stop(deaf);
        }
        Ok(())
    }

    async fn run(&self) -> Result<Running, SimError> {
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
        Ok(Running { connection, tasks })
    }
}

const BUS: &str = "org.freedesktop.DBus";

/// Reads calls, answers of agents and departures of clients until the bus goes away.
async fn serve(daemon: Arc<Mutex<Daemon>>, mut incoming: MessageStream) -> zbus::Result<()> {
    let mut tick = interval(TICK);
    loop {
        let message = tokio::select! {
            message = incoming.next() => match message {
                Some(message) => message?,
                None => return Ok(()),
            },
            _ = tick.tick() => {
                lock(&daemon).handle_timeout(Instant::now());
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
            Type::MethodReturn | Type::Error => lock(&daemon).agent_answered(&message),
            Type::Signal => {}
        }
    }
}

fn lock(daemon: &Mutex<Daemon>) -> MutexGuard<'_, Daemon> {
    daemon.lock().unwrap_or_else(PoisonError::into_inner)
}
