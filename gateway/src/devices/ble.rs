//! Bluetooth: one radio, many devices; connected to on sight, each served by a task of its own.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::task::JoinSet;
use varde_core::Backoff;
use varde_drivers::Session;
use varde_link::{Bluetooth, Central, CentralEvent, LinkError, Sought, Uuid};

use super::line::{Line, LineEnded};
use crate::board::{Board, Fault};
use crate::config::BleDevice;
use crate::intake::Intake;
use crate::store::StoreError;
use crate::{clock, entropy};

const RETRY_FIRST: Duration = Duration::from_secs(1);
/// A meter advertises for half a minute after a measurement: a radio that is back must be found in that time.
const RETRY_LONGEST: Duration = Duration::from_secs(15);

/// The devices on the radio, and what they need.
struct Radio {
    devices: Vec<Heard>,
    captures: Option<PathBuf>,
    intake: Arc<Intake>,
    board: Arc<Board>,
}

/// A device, and its session: it lasts over connections, and knows what was asked today.
struct Heard {
    device: BleDevice,
    session: Arc<Mutex<Box<dyn Session>>>,
}

/// Listens for these devices until the store stops; records what they say where `captures` says so.
pub async fn serve(
    devices: Vec<BleDevice>,
    captures: Option<PathBuf>,
    intake: Arc<Intake>,
    board: Arc<Board>,
) {
    let heard = |device: BleDevice| {
        let session = Arc::new(Mutex::new(device.profile.session(device.name.clone(), &device.options)));
        Heard { device, session }
    };
    let devices = devices.into_iter().map(heard).collect();
    Arc::new(Radio { devices, captures, intake, board }).listen().await;
}

impl Radio {
    async fn listen(self: Arc<Self>) {
        let radio = self;
        let mut bluetooth = Bluetooth::new(clock::boot_ms);
        let mut backoff = Backoff::new(RETRY_FIRST, RETRY_LONGEST, entropy::seed());
        let mut told = None;
        loop {
            let error = match bluetooth.listen(radio.sought()).await {
                Ok(central) => {
                    radio.board.well(&Fault::Bluetooth);
                    told = None;
                    radio.link_states("listening");
                    let began = clock::now();
                    let ended = radio.hear(central).await;
                    if clock::now().since(began) > RETRY_LONGEST {
                        backoff.succeeded();
                    }
                    ended
                }
                Err(error) => error.into(),
            };
            match error {
                LineEnded::Store(_) => return,
                LineEnded::Link(error) => {
                    radio.link_states("failed");
                    // D-Bus words one cause in several ways, such as bluetoothd's end and its absence after that.
                    if told.replace(error.kind()) == Some(error.kind()) {
                        tracing::debug!("bluetooth: {error}");
                    } else {
                        radio.board.fault(Fault::Bluetooth, error);
                    }
                }
            }
            tokio::time::sleep(backoff.failed()).await;
        }
    }

    /// Connects to whoever is sighted, many at once, until the radio is lost.
    async fn hear(self: &Arc<Self>, mut central: Central) -> LineEnded {
        let mut meetings = JoinSet::new();
        loop {
            tokio::select! {
                event = central.next() => match event {
                    Ok(CentralEvent::Sighted { address, .. }) => {
                        let sighted = |heard: &&Heard| heard.device.address == address;
                        let Some(Heard { device, session }) = self.devices.iter().find(sighted) else {
                            continue;
                        };
                        let (device, session) = (device.clone(), Arc::clone(session));
                        meetings.spawn(Arc::clone(self).meet(device, session, central.connect(address)));
                    }
                    Err(error) => {
                        // Each meeting ends with the radio, but first takes what BlueZ has confirmed to the device.
                        while let Some(met) = meetings.join_next().await {
                            if let Ok(Err(error)) = met {
                                return error.into();
                            }
                        }
                        return error.into();
                    }
                },
                Some(met) = meetings.join_next() => {
                    if let Ok(Err(error)) = met {
                        return error.into();
                    }
                }
            }
        }
    }

    /// One connection of one device, from first to last. Fails only where the store has stopped.
    async fn meet(
        self: Arc<Self>,
        device: BleDevice,
        session: Arc<Mutex<Box<dyn Session>>>,
        connecting: impl Future<Output = Result<varde_link::BleLink, LinkError>> + Send,
    ) -> Result<(), StoreError> {
        let fault = Fault::Device(device.name.clone());
        let link = match connecting.await {
            Ok(link) => link,
            Err(error @ (LinkError::ConnectTimedOut { .. } | LinkError::ServiceMissing { .. })) => {
                self.board.device(&device.name, |state| state.link = "failed");
                self.board.fault(fault, error);
                return Ok(());
            }
            // Gone again before we reached it: it comes back by itself. Or the radio is, which is no fault of its own.
            Err(_) => return Ok(()),
        };
        self.board.well(&fault);
        self.board.device(&device.name, |state| state.link = "connected");
        let line = Line {
            intake: &self.intake,
            board: &self.board,
            name: device.name.as_str(),
            device: Some(&device.name),
        };
        let mut session = session.lock().await;
        let ended = line.serve(link, session.as_mut(), self.captures.as_deref()).await;
        self.board.device(&device.name, |state| state.link = "listening");
        match ended {
            LineEnded::Store(error) => Err(error),
            LineEnded::Link(_) => Ok(()),
        }
    }

    fn sought(&self) -> Vec<Sought> {
        let services = |device: &BleDevice| {
            // Recognised by its first service; a device may lack the others.
            device.profile.services().iter().take(1).map(|uuid| Uuid::from_u128(uuid.0)).collect()
        };
        let sought =
            |heard: &Heard| Sought { address: heard.device.address, services: services(&heard.device) };
        self.devices.iter().map(sought).collect()
    }

    fn link_states(&self, link: &'static str) {
        self.devices
            .iter()
            .for_each(|heard| self.board.device(&heard.device.name, |state| state.link = link));
    }
}
