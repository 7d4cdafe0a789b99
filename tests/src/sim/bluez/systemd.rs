//! A fake `org.freedesktop.systemd1` that does one thing: restart bluetooth.service when it is asked to.

use std::sync::{
    Arc, Weak,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use futures_util::StreamExt;
use tokio::task::JoinSet;
use zbus::{Connection, Message, MessageStream, ObjectPath, connection::Builder, message::Type};

use super::{
    Bluez, Process,
    refusal::{Answer, refused, reply, unknown_method},
};
use crate::sim::{SimError, bus::Bus};

const MANAGER: &str = "org.freedesktop.systemd1.Manager";
const MANAGER_PATH: &str = "/org/freedesktop/systemd1";
const UNIT: &str = "bluetooth.service";

/// The service manager. Dropping it takes it off the bus.
#[derive(Debug)]
pub struct Systemd {
    orders: Arc<Orders>,
    /// Aborted when dropped.
    _task: JoinSet<Result<(), SimError>>,
}

#[derive(Debug, Default)]
struct Orders {
    refuses: AtomicBool,
    restarts: AtomicUsize,
}

impl Systemd {
    /// Takes its place on `bus`, above `bluez`.
    ///
    /// # Errors
    /// When the bus does not take it.
    pub async fn start(bus: &Bus, bluez: &Bluez) -> Result<Self, SimError> {
        let connection = Builder::address(bus.address()).build().await?;
        let incoming = MessageStream::from(&connection);
        connection.request_name("org.freedesktop.systemd1").await?;
        let orders = Arc::new(Orders::default());
        let mut task = JoinSet::new();
        task.spawn(serve(connection, incoming, orders.clone(), Arc::downgrade(&bluez.process)));
        Ok(Self { orders, _task: task })
    }

    /// Whether it refuses, as without a polkit rule for the caller.
    pub fn refuse(&self, refuses: bool) {
        self.orders.refuses.store(refuses, Ordering::SeqCst);
    }

    /// How often it has restarted bluetoothd.
    pub fn restarts(&self) -> usize {
        self.orders.restarts.load(Ordering::SeqCst)
    }
}

async fn serve(
    connection: Connection,
    mut incoming: MessageStream,
    orders: Arc<Orders>,
    bluetoothd: Weak<Process>,
) -> Result<(), SimError> {
    while let Some(message) = incoming.next().await {
        let message = message?;
        if message.message_type() != Type::MethodCall {
            continue;
        }
        match restart_asked(&message, &orders) {
            Ok(Some(job)) => {
                connection.send(&job).await?;
                if let Some(process) = bluetoothd.upgrade() {
                    process.restart().await?;
                }
                let number = orders.restarts.fetch_add(1, Ordering::SeqCst) + 1;
                let number = u32::try_from(number).unwrap_or(u32::MAX);
                let done = Message::signal(MANAGER_PATH, MANAGER, "JobRemoved").build(&(
                    number,
                    job_path(),
                    UNIT,
                    "done",
                ))?;
                connection.send(&done).await?;
            }
            Ok(None) => {}
            Err(refusal) => connection.send(&refusal.reply(&message)?).await?,
        }
    }
    Ok(())
}

/// The reply to a permitted `RestartUnit` of bluetooth.service.
fn restart_asked(call: &Message, orders: &Orders) -> Answer {
    let header = call.header();
    let asked = (header.interface().map(|it| it.as_str()), header.member().map(|it| it.as_str()));
    if asked != (Some(MANAGER), Some("RestartUnit")) {
        return Err(unknown_method(call));
    }
    let body = call.body();
    let (unit, _mode): (&str, &str) = body.deserialize()?;
    if unit != UNIT {
        return Err(refused("org.freedesktop.systemd1.NoSuchUnit", format!("Unit {unit} not found.")));
    }
    if orders.refuses.load(Ordering::SeqCst) {
        return Err(refused("org.freedesktop.DBus.Error.AccessDenied", "Permission denied"));
    }
    reply(call, &job_path())
}

fn job_path() -> ObjectPath<'static> {
    ObjectPath::from_static_str_unchecked("/org/freedesktop/systemd1/job/1")
}
