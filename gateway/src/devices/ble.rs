//! Bluetooth: one radio, many devices. Meters are connected to on sight, each served by a task of its own; what
//! sensors advertise is read as it comes.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::task::{JoinError, JoinSet};
use varde_core::Backoff;
use varde_drivers::Session;
use varde_link::{Address, Bluetooth, Central, CentralEvent, LinkError, Sought, Uuid};
use varde_wire::{DeviceId, Instant};

use super::captures::{self, CaptureFile};
use super::line::{Conversation, Line, LineEnded};
use super::radio_care::RadioCare;
use crate::aside::{Aside, Left};
use crate::board::{Board, Fault};
use crate::config::{BLUETOOTH, BleDevice};
use crate::intake::Intake;
use crate::stopping::Stopping;
use crate::store::StoreError;
use crate::{clock, entropy};

const RETRY_FIRST: Duration = Duration::from_secs(1);
/// A meter advertises for half a minute after a measurement: a radio that is back must be found in that time.
const RETRY_LONGEST: Duration = Duration::from_secs(15);

/// A failure of the radio that is over sooner is not told.
const PASSING: Duration = Duration::from_secs(3);

/// How long a meter is left alone after its session had all it wanted: many go on advertising.
const REST: Duration = Duration::from_secs(30);

/// After so many visits without a word, one after the other, something is wrong with the device.
const FRUITLESS: u32 = 3;

/// The devices on the radio, and what they need.
struct Radio {
    devices: Vec<Heard>,
    /// How long all sensors together may be silent.
    quiet: Duration,
    captures: Option<PathBuf>,
    intake: Arc<Intake>,
    board: Arc<Board>,
    aside: Arc<Aside>,
    stopping: Stopping,
}

/// A device, and its session: it lasts over connections, and knows what was asked today.
struct Heard {
    device: BleDevice,
    session: Mutex<Box<dyn Session>>,
    /// Of what it advertises, where that is wanted. Each visit has a capture of its own.
    capture: std::sync::Mutex<Option<CaptureFile>>,
    visits: std::sync::Mutex<Visits>,
}

/// How the visits to a meter went.
struct Visits {
    /// Not before then is it connected to again.
    rested: Instant,
    fruitless: Backoff,
}

/// Listens for these devices until the gateway stops; records what they say where `captures` says so. Where sensors
/// are among them, a silence of all that is longer than `quiet` is a fault of the radio.
pub async fn serve(
    devices: Vec<BleDevice>,
    quiet: Duration,
    captures: Option<PathBuf>,
    intake: Arc<Intake>,
    board: Arc<Board>,
    aside: Arc<Aside>,
    stopping: Stopping,
) {
    let mut heard = Vec::new();
    for device in devices {
        let mut session = device.profile.session(device.name.clone(), &device.options);
        if let Some(memory) = intake.recall(&device.name).await {
            session.recall(&memory);
        }
        let fruitless = Backoff::new(RETRY_FIRST, RETRY_LONGEST, entropy::seed());
        let visits = Visits { rested: Instant::default(), fruitless };
        let wanted = captures.as_deref().filter(|_| !device.profile.connects());
        let capture = wanted.and_then(|directory| captures::begin(directory, device.name.as_str()));
        let (capture, visits) = (std::sync::Mutex::new(capture), std::sync::Mutex::new(visits));
        heard.push(Heard { device, session: Mutex::new(session), capture, visits });
    }
    Arc::new(Radio { devices: heard, quiet, captures, intake, board, aside, stopping }).listen().await;
}

impl Radio {
    async fn listen(self: Arc<Self>) {
        let radio = self;
        let mut bluetooth = Bluetooth::new(clock::boot_ms);
        let mut backoff = Backoff::new(RETRY_FIRST, RETRY_LONGEST, entropy::seed());
        let has_sensors = radio.devices.iter().any(|heard| !heard.device.profile.connects());
        let mut care = RadioCare::new(has_sensors.then_some(radio.quiet), Arc::clone(&radio.board));
        let mut told = None;
        let mut failing = None;
        loop {
            let Some(listening) = radio.stopping.unless(bluetooth.listen(radio.sought())).await else {
                return;
            };
            let error = match listening {
                Ok(central) => {
                    radio.board.well(&Fault::Bluetooth);
                    care.listening();
                    told = None;
                    radio.link_states("listening");
                    let began = clock::now();
                    let ended = radio.hear(central, &bluetooth, &mut care).await;
                    if clock::now().since(began) > RETRY_LONGEST {
                        backoff.succeeded();
                        // Not sooner: a radio that works for a moment, again and again, fails all the time.
                        failing = None;
                    }
                    ended
                }
                Err(error) => error.into(),
            };
            match error {
                LineEnded::Store(_) | LineEnded::Stopping => return,
                LineEnded::Link(error) => {
                    care.failed();
                    // bluetoothd takes some seconds to restart, and gives other reasons meanwhile.
                    if clock::now().since(*failing.get_or_insert_with(clock::now)) < PASSING {
                        tracing::debug!("bluetooth: {error}");
                        if radio.stopping.unless(tokio::time::sleep(backoff.failed())).await.is_none() {
                            return;
                        }
                        continue;
                    }
                    radio.link_states("failed");
                    // D-Bus words one cause in several ways, such as bluetoothd's end and its absence after that.
                    if told.replace(error.kind()) == Some(error.kind()) {
                        tracing::debug!("bluetooth: {error}");
                    } else {
                        radio.board.fault(Fault::Bluetooth, error);
                    }
                }
            }
            tokio::select! {
                () = tokio::time::sleep(backoff.failed()) => {}
                () = care.due() => care.take(&bluetooth, None).await,
                () = radio.stopping.begun() => return,
            }
        }
    }

    /// Connects to whoever is sighted, many at once, and reads what sensors advertise, until the radio is lost.
    async fn hear(
        self: &Arc<Self>,
        mut central: Central,
        bluetooth: &Bluetooth,
        care: &mut RadioCare,
    ) -> LineEnded {
        let mut meetings = JoinSet::new();
        let mut dues: BTreeMap<Address, Instant> = BTreeMap::new();
        loop {
            let next_due = dues.values().min().copied();
            let left = next_due.map(|at| at.since(clock::now())).unwrap_or_default();
            tokio::select! {
                event = central.next() => match event {
                    Ok(CentralEvent::Sighted { address, .. }) => {
                        care.heard();
                        if let Some(place) = self.place_of(address).filter(|place| self.may_visit(*place)) {
                            meetings.spawn(Arc::clone(self).meet(place, central.connect(address)));
                        }
                    }
                    Ok(CentralEvent::Advertised(advertisement)) => {
                        care.heard();
                        let heard = self.overhear(advertisement.address, &advertisement.chunks, &mut dues).await;
                        if let Err(ended) = heard {
                            return ended;
                        }
                    }
                    // Each meeting ends with the radio, but first takes what BlueZ has confirmed to the device.
                    Err(error) => return all_over(&mut meetings).await.map_or_else(Into::into, |()| error.into()),
                },
                Some(met) = meetings.join_next() => {
                    if let Err(error) = result_of(met) {
                        return error.into();
                    }
                }
                () = tokio::time::sleep(left), if next_due.is_some() => {
                    let now = clock::now();
                    let due: Vec<_> = dues.iter().filter(|(_, at)| **at <= now).map(|(address, _)| *address).collect();
                    for address in due {
                        if let Err(ended) = self.overhear(address, &[], &mut dues).await {
                            return ended;
                        }
                    }
                }
                () = care.due() => care.take(bluetooth, Some(&central)).await,
                () = self.stopping.begun() => {
                    return all_over(&mut meetings).await.map_or_else(Into::into, |()| LineEnded::Stopping);
                }
            }
            if central.overrun() > 0 {
                self.board.set_count("advertisements that went unread", central.overrun());
            }
        }
    }

    /// What a sensor said in an advertisement, or that time has passed for it.
    async fn overhear(
        &self,
        address: Address,
        chunks: &[varde_link::Chunk],
        dues: &mut BTreeMap<Address, Instant>,
    ) -> Result<(), LineEnded> {
        let Some(heard) = self.place_of(address).and_then(|place| self.devices.get(place)) else {
            return Ok(());
        };
        heard.record(chunks);
        let mut session = heard.session.lock().await;
        self.line(heard).overhear(chunks, session.as_mut()).await?;
        match session.poll_timeout() {
            Some(due) => dues.insert(address, due),
            None => dues.remove(&address),
        };
        Ok(())
    }

    /// One connection of one device, from first to last. Fails only where the store has stopped.
    async fn meet(
        self: Arc<Self>,
        place: usize,
        connecting: impl Future<Output = Result<varde_link::BleLink, LinkError>> + Send,
    ) -> Result<(), StoreError> {
        let Some(heard) = self.devices.get(place) else { return Ok(()) };
        let name = &heard.device.name;
        let fault = Fault::Device(name.clone());
        let Some(connected) = self.stopping.unless(connecting).await else { return Ok(()) };
        let link = match connected {
            Ok(link) => link,
            Err(error @ (LinkError::ConnectTimedOut { .. } | LinkError::ServiceMissing { .. })) => {
                self.board.device(name, |state| state.link = "failed");
                self.board.fault(fault, error);
                heard.went(false, false);
                return Ok(());
            }
            // Gone again before we reached it: it comes back by itself. Or the radio is, which is no fault of its own.
            Err(error) => {
                tracing::debug!("{name}: {error}");
                if heard.went(false, false) >= FRUITLESS {
                    // Without BlueZ's reason: it words one cause in turns in several ways, and each would be said anew.
                    let message = format!("is heard, but no connection to it lasts; {}", pair_again(name));
                    self.board.fault(fault, message);
                }
                return Ok(());
            }
        };
        self.board.device(name, |state| state.link = "connected");
        let mut session = heard.session.lock().await;
        let Conversation { ended, answered, hung_up } =
            self.line(heard).serve(link, session.as_mut(), self.captures.as_deref()).await;
        self.board.device(name, |state| state.link = "listening");
        let fruitless = heard.went(answered, hung_up);
        if answered {
            self.board.well(&fault);
        } else if fruitless >= FRUITLESS {
            self.board.fault(fault, format!("connects and hangs up without a word; {}", pair_again(name)));
        }
        match ended {
            LineEnded::Store(error) => Err(error),
            LineEnded::Link(_) | LineEnded::Stopping => Ok(()),
        }
    }

    fn line<'a>(&'a self, heard: &'a Heard) -> Line<'a> {
        let name = &heard.device.name;
        Line {
            intake: &self.intake,
            board: &self.board,
            stopping: &self.stopping,
            name: name.as_str(),
            device: Some(name),
            is_overheard: !heard.device.profile.connects(),
            mailbox: None,
        }
    }

    fn place_of(&self, address: Address) -> Option<usize> {
        self.devices.iter().position(|heard| heard.device.address == address)
    }

    /// Whether the device may be visited now: not too soon after the last time, and not while somebody pairs it.
    fn may_visit(&self, place: usize) -> bool {
        self.devices.get(place).is_some_and(|heard| {
            heard.visits().rested <= clock::now()
                && !self.aside.keeps_from(&Left::Device(heard.device.address))
        })
    }

    fn sought(&self) -> Vec<Sought> {
        let services = |device: &BleDevice| {
            // Recognised by its first service; a device may lack the others.
            device.profile.services().iter().take(1).map(|uuid| Uuid::from_u128(uuid.0)).collect()
        };
        let sought = |heard: &Heard| Sought {
            address: heard.device.address,
            services: services(&heard.device),
            connects: heard.device.profile.connects(),
        };
        self.devices.iter().map(sought).collect()
    }

    fn link_states(&self, link: &'static str) {
        self.devices
            .iter()
            .for_each(|heard| self.board.device(&heard.device.name, |state| state.link = link));
        self.intake.link(BLUETOOTH, link == "listening");
    }
}

/// Waits for the end of each meeting.
async fn all_over(meetings: &mut JoinSet<Result<(), StoreError>>) -> Result<(), StoreError> {
    while let Some(met) = meetings.join_next().await {
        result_of(met)?;
    }
    Ok(())
}

/// What came of a meeting. Its panic becomes ours, so that it is told.
fn result_of(met: Result<Result<(), StoreError>, JoinError>) -> Result<(), StoreError> {
    met.unwrap_or_else(|error| match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        // It was ended from outside.
        Err(_) => Ok(()),
    })
}

fn pair_again(name: &DeviceId) -> String {
    format!(
        "if it was paired, it may have forgotten this gateway: pair it again with `varde devices pair ADDRESS --as {name}`"
    )
}

impl Heard {
    /// A visit is over. Gives how many were fruitless, one after the other, this one among them.
    fn went(&self, answered: bool, hung_up: bool) -> u32 {
        let mut visits = self.visits();
        let rest = if !answered {
            visits.fruitless.failed()
        } else {
            visits.fruitless.succeeded();
            // One that goes by itself may come back with the next measurement at once.
            if hung_up { REST } else { Duration::ZERO }
        };
        visits.rested = clock::now().after(rest);
        visits.fruitless.failures()
    }

    /// Writes down what it advertised.
    fn record(&self, chunks: &[varde_link::Chunk]) {
        // A capture is whole after every line.
        let mut capture = self.capture.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(capture) = &mut *capture {
            chunks.iter().for_each(|chunk| capture.heard(chunk));
        }
    }

    fn visits(&self) -> std::sync::MutexGuard<'_, Visits> {
        // Every change is whole by itself, so a panic elsewhere does not spoil it.
        self.visits.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
