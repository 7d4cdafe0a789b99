//! A connected Bluetooth device.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use btleplug::api::{
    Central as _, CharPropFlags, Characteristic, Peripheral as _, ValueNotification, WriteType,
};
use btleplug::platform::Peripheral;
use futures_util::{FutureExt, Stream, StreamExt};
use tokio::time::timeout;
use uuid::Uuid;

use crate::central::Radio;
use crate::{Address, Channel, Chunk, Link, LinkError, Request};

/// What BlueZ itself gives a connection, and then service discovery.
const CONNECT_LIMIT: Duration = Duration::from_secs(30);

/// How long a device may take to answer. Where it should have been paired, or the connection is only half there, BlueZ
/// waits for ever; btleplug asks the next question after 30 s.
const ANSWER_LIMIT: Duration = Duration::from_secs(25);

/// How long a call may hold up the end of a link.
const FAREWELL_LIMIT: Duration = Duration::from_secs(5);

/// A link to one connected device. Dropping it disconnects; drop it inside the tokio runtime.
///
/// Values come only from characteristics that were subscribed to, though BlueZ also announces what was read.
/// Of several characteristics with one UUID, btleplug shows one.
pub struct BleLink {
    hold: Hold,
    peripheral: Peripheral,
    values: Values,
    subscribed: BTreeSet<Uuid>,
    /// Heard, and due to be handed out.
    ready: VecDeque<Chunk>,
    ended: Option<LinkError>,
}

type Values = Pin<Box<dyn Stream<Item = ValueNotification> + Send>>;

impl BleLink {
    pub(crate) async fn connect(radio: Arc<Radio>, address: Address) -> Result<Self, LinkError> {
        radio.presence.engage(address)?;
        let mut hold = Hold { radio: Arc::clone(&radio), address, peripheral: None };
        let connected = timeout(CONNECT_LIMIT, async {
            let peripheral = find(&radio, address).await?;
            hold.peripheral = Some(peripheral.clone());
            let values =
                open(&peripheral).await.map_err(|reason| LinkError::OutOfReach { address, reason })?;
            Ok((peripheral, values))
        });
        let (peripheral, values) = tokio::select! {
            biased;
            ended = radio.presence.ended(address) => Err(ended),
            connected = connected => connected.unwrap_or_else(|_elapsed| {
                Err(LinkError::ConnectTimedOut { address, seconds: CONNECT_LIMIT.as_secs() })
            }),
        }?;
        let offered: BTreeSet<Uuid> = peripheral.services().into_iter().map(|service| service.uuid).collect();
        let sought = radio.sought.get(&address).into_iter().flatten();
        if let Some(&service) = sought.clone().find(|service| !offered.contains(service)) {
            return Err(LinkError::ServiceMissing { address, service });
        }
        Ok(Self {
            hold,
            peripheral,
            values,
            subscribed: BTreeSet::new(),
            ready: VecDeque::new(),
            ended: None,
        })
    }

    /// Awaits the device's answer while taking in, at their own times, the values that come before it.
    async fn ask<T>(&mut self, call: impl Future<Output = T>) -> T {
        let mut call = std::pin::pin!(call);
        loop {
            tokio::select! {
                biased;
                Some(value) = self.values.next() => self.take_in(value),
                answer = &mut call => return answer,
            }
        }
    }

    fn take_in(&mut self, ValueNotification { uuid, value, .. }: ValueNotification) {
        if self.subscribed.contains(&uuid) {
            let at_ms = (self.hold.radio.clock)();
            self.ready.push_back(Chunk { at_ms, channel: Channel::Notified(uuid), bytes: value });
        }
    }

    /// The line has ended, but values may still be on their way on btleplug's own connection to D-Bus. An
    /// answer that comes after the end, whatever it says, comes after them too.
    async fn end(&mut self, why: LinkError) {
        let _overtaken = timeout(FAREWELL_LIMIT, self.peripheral.is_connected()).await;
        while let Some(Some(value)) = self.values.next().now_or_never() {
            self.take_in(value);
        }
        self.ended = Some(why);
        self.hold.peripheral = None;
    }

    fn characteristic(&self, uuid: Uuid) -> Result<Characteristic, LinkError> {
        let address = self.hold.address;
        self.peripheral
            .characteristics()
            .into_iter()
            .find(|characteristic| characteristic.uuid == uuid)
            .ok_or(LinkError::CharacteristicMissing { address, characteristic: uuid })
    }

    async fn write(&mut self, characteristic: &Characteristic, bytes: &[u8]) -> Result<(), btleplug::Error> {
        let answered = characteristic.properties.contains(CharPropFlags::WRITE);
        let kind = if answered { WriteType::WithResponse } else { WriteType::WithoutResponse };
        let peripheral = self.peripheral.clone();
        self.ask(peripheral.write(characteristic, bytes, kind)).await
    }

    async fn subscribe(&mut self, characteristic: &Characteristic) -> Result<(), btleplug::Error> {
        // Values may come before the answer.
        let fresh = self.subscribed.insert(characteristic.uuid);
        let peripheral = self.peripheral.clone();
        let answer = self.ask(peripheral.subscribe(characteristic)).await;
        if answer.is_err() && fresh {
            self.subscribed.remove(&characteristic.uuid);
        }
        answer
    }

    async fn read(&mut self, characteristic: &Characteristic) -> Result<(), btleplug::Error> {
        let peripheral = self.peripheral.clone();
        let bytes = self.ask(peripheral.read(characteristic)).await?;
        let (at_ms, channel) = ((self.hold.radio.clock)(), Channel::Read(characteristic.uuid));
        self.ready.push_back(Chunk { at_ms, channel, bytes });
        Ok(())
    }
}

impl Link for BleLink {
    async fn next(&mut self) -> Result<Chunk, LinkError> {
        let radio = Arc::clone(&self.hold.radio);
        loop {
            if let Some(chunk) = self.ready.pop_front() {
                return Ok(chunk);
            }
            if let Some(why) = &self.ended {
                return Err(why.clone());
            }
            tokio::select! {
                biased;
                Some(value) = self.values.next() => self.take_in(value),
                why = radio.presence.ended(self.hold.address) => self.end(why).await,
            }
        }
    }

    async fn request(&mut self, request: Request) -> Result<(), LinkError> {
        let address = self.hold.address;
        // Not asked for nothing: BlueZ may take long to say that nobody is there.
        if let Some(why) = self.hold.radio.presence.ended(address).now_or_never() {
            return Err(why);
        }
        let asked = timeout(ANSWER_LIMIT, self.perform(request)).await;
        asked.unwrap_or_else(|_elapsed| {
            let why = LinkError::NotAnswering { address, seconds: ANSWER_LIMIT.as_secs() };
            self.ended = Some(why.clone());
            Err(why)
        })
    }
}

impl BleLink {
    async fn perform(&mut self, request: Request) -> Result<(), LinkError> {
        let address = self.hold.address;
        let (uuid, answer) = match request {
            Request::Send(_) => return Err(LinkError::Unsuited { link: "Bluetooth", request: "Send" }),
            Request::Disconnect => {
                let peripheral = self.peripheral.clone();
                let answer = self.ask(peripheral.disconnect()).await;
                return answer.map_err(|error| LinkError::OutOfReach { address, reason: error.to_string() });
            }
            Request::Write { characteristic, bytes } => {
                (characteristic, self.write(&self.characteristic(characteristic)?, &bytes).await)
            }
            Request::Subscribe { characteristic } => {
                (characteristic, self.subscribe(&self.characteristic(characteristic)?).await)
            }
            Request::Read { characteristic } => {
                (characteristic, self.read(&self.characteristic(characteristic)?).await)
            }
        };
        answer.map_err(|error| {
            let ended = self.hold.radio.presence.ended(address).now_or_never();
            let reason = error.to_string();
            ended.unwrap_or(LinkError::Refused { address, characteristic: uuid, reason })
        })
    }
}

impl fmt::Debug for BleLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { hold: Hold { address, .. }, ended, .. } = self;
        f.debug_struct("BleLink").field("address", address).field("ended", ended).finish_non_exhaustive()
    }
}

/// Keeps the device for one link, from the first attempt to connect until it is disconnected again.
struct Hold {
    radio: Arc<Radio>,
    address: Address,
    /// What to disconnect; `None` where there is nothing.
    peripheral: Option<Peripheral>,
}

impl Drop for Hold {
    fn drop(&mut self) {
        let (radio, address) = (Arc::clone(&self.radio), self.address);
        let Some(peripheral) = self.peripheral.take() else { return radio.presence.release(address) };
        tokio::spawn(async move {
            // Also calls off a connection that is still being made.
            let farewell = async {
                if peripheral.disconnect().await.is_ok() {
                    radio.presence.ended(address).await;
                }
            };
            let _slow = timeout(FAREWELL_LIMIT, farewell).await;
            radio.presence.release(address);
        });
    }
}

async fn find(radio: &Radio, address: Address) -> Result<Peripheral, LinkError> {
    let unreachable = |reason: String| LinkError::OutOfReach { address, reason };
    let adapter = radio.adapters.get(&address);
    let adapter = adapter.ok_or_else(|| unreachable("it is not one to connect to".to_owned()))?;
    let known = adapter.peripherals().await.map_err(|error| unreachable(error.to_string()))?;
    known
        .into_iter()
        .find(|peripheral| peripheral.address().into_inner() == address.0)
        .ok_or_else(|| unreachable("BlueZ has not heard it".to_owned()))
}

/// Connects, and listens before anything can be said.
async fn open(peripheral: &Peripheral) -> Result<Values, String> {
    let steps = async {
        let values = peripheral.notifications().await?;
        peripheral.connect().await?;
        peripheral.discover_services().await?;
        Ok(values)
    };
    steps.await.map_err(|error: btleplug::Error| error.to_string())
}
