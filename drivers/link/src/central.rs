//! The radio: who is near, and links to them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use btleplug::api::{Central as _, Manager as _};
use btleplug::platform::{Adapter, Manager};
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::bluez::{self, Bluez, Signal, Signals};
use crate::presence::Presence;
use crate::{Address, BleLink, BootClock, Chunk, LinkError};

/// A device to look for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sought {
    /// Its address.
    pub address: Address,
    /// The services it advertises, and must have once connected. Where they are not known (none given for any
    /// one device), every advertisement in the neighbourhood wakes the gateway.
    pub services: Vec<Uuid>,
    /// Whether it is to be connected to. Else all it has to say is in its advertisements.
    pub connects: bool,
}

/// What a device said in one advertisement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advertisement {
    /// Which device.
    pub address: Address,
    /// When it was heard, in milliseconds since boot.
    pub at_ms: u64,
    /// The strength of its signal first ([`Channel::Rssi`](crate::Channel::Rssi)), where that is known; then the data.
    pub chunks: Vec<Chunk>,
}

/// What a [`Central`] reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CentralEvent {
    /// A sought device is in reach. It may be gone again at any time.
    Sighted {
        /// The device.
        address: Address,
        /// When it was first heard since the last report, in milliseconds since boot.
        at_ms: u64,
    },
    /// A sought device that is not connected to has said something.
    Advertised(Advertisement),
}

/// Bluetooth on this box. Keep one for the life of the process: the connections to D-Bus that btleplug opens are
/// never closed again, so new ones for each attempt would use up the bus's connections.
#[derive(Debug)]
pub struct Bluetooth {
    clock: BootClock,
    /// btleplug, and the D-Bus daemon to which it is connected: once for each device that is connected to. On one
    /// connection devices would lose each other's values without a word: asked to forget the match rule of one
    /// device, dbus-daemon (1.14) forgets the newest that differs in nothing but its `path_namespace`.
    managers: BTreeMap<Address, (String, Manager)>,
}

/// The radio, listening. When it fails it is used up: its links have ended as well, and [`Bluetooth::listen`]
/// gives a new one.
#[derive(Debug)]
pub struct Central(Arc<Radio>);

/// What a central and its links share.
#[derive(Debug)]
pub(crate) struct Radio {
    pub(crate) presence: Arc<Presence>,
    /// The adapter as each device that is connected to has it for itself.
    pub(crate) adapters: BTreeMap<Address, Adapter>,
    pub(crate) clock: BootClock,
    pub(crate) sought: BTreeMap<Address, Vec<Uuid>>,
    /// What is scanned for; nothing means everything.
    services: Vec<Uuid>,
    watch: JoinHandle<()>,
    /// The scan lasts as long as this connection.
    bluez: Bluez,
}

impl Bluetooth {
    /// Bluetooth that stamps what it hears by `clock`. Nothing is opened yet.
    #[must_use]
    pub fn new(clock: BootClock) -> Self {
        Self { clock, managers: BTreeMap::new() }
    }

    /// Switches on the first adapter and listens for the `sought` devices, until the central and all its links
    /// are dropped.
    ///
    /// # Errors
    /// D-Bus, bluetoothd or the adapter is missing or does not do its part.
    pub async fn listen(&mut self, sought: Vec<Sought>) -> Result<Central, LinkError> {
        let bluez = Bluez::find().await?;
        let services = scanned_services(&sought);
        let connecting: BTreeSet<Address> =
            sought.iter().filter(|device| device.connects).map(|device| device.address).collect();
        let mut adapters = BTreeMap::new();
        for &address in &connecting {
            adapters.insert(address, self.adapter(address, &bluez).await?);
        }
        let listener = Listener { connecting, clock: self.clock };
        let sought: BTreeMap<_, _> =
            sought.into_iter().map(|sought| (sought.address, sought.services)).collect();
        let presence = Arc::new(Presence::new(listener.connecting.clone()));
        // A device that is still connected, from before a restart of the gateway, does not advertise.
        for &address in &bluez.connected {
            presence.sighted(address, (self.clock)());
        }
        let signals = bluez.signals();
        let watch = tokio::spawn(listener.listen(signals, Arc::clone(&presence)));
        let radio = Radio { presence, adapters, clock: self.clock, sought, services, watch, bluez };
        radio.bluez.ask_for_signals(radio.sought.keys()).await?;
        radio.bluez.start_scan(&radio.services).await?;
        Ok(Central(Arc::new(radio)))
    }

    /// Switches the first adapter off and on again. Every central and link ends by it.
    ///
    /// # Errors
    /// D-Bus, bluetoothd or the adapter is missing or does not do its part.
    pub async fn power_cycle(&self) -> Result<(), LinkError> {
        Bluez::find().await?.power_cycle().await
    }

    /// Has systemd restart bluetoothd. Every central and link ends by it.
    ///
    /// # Errors
    /// D-Bus or systemd is missing, or does not let us.
    pub async fn restart_daemon(&self) -> Result<(), LinkError> {
        bluez::restart_daemon().await
    }

    /// btleplug's view of the same adapter, for one device.
    async fn adapter(&mut self, address: Address, bluez: &Bluez) -> Result<Adapter, LinkError> {
        let absent = |error: btleplug::Error| LinkError::BusAbsent { reason: error.to_string() };
        let bus = bluez.bus_id();
        let manager = match self.managers.remove(&address) {
            Some((old, manager)) if old == bus => manager,
            _ => Manager::new().await.map_err(absent)?,
        };
        // Kept only if it answers: one that the bus has cut off would never recover.
        let adapters = manager.adapters().await.map_err(absent)?;
        self.managers.insert(address, (bus, manager));
        // btleplug names an adapter "hci0 (usb:...)" and lists several in any order.
        let name = format!("{} (", bluez.adapter_name());
        for adapter in adapters {
            if adapter.adapter_info().await.is_ok_and(|info| info.starts_with(&name)) {
                return Ok(adapter);
            }
        }
        Err(LinkError::AdapterAbsent)
    }
}

impl Central {
    /// Waits for a sought device to be heard. Cancel-safe, and without polling. A device that a link holds is
    /// not reported.
    ///
    /// # Errors
    /// The adapter, bluetoothd or D-Bus is gone, and the central with it.
    pub async fn next(&mut self) -> Result<CentralEvent, LinkError> {
        self.0.presence.next().await
    }

    /// Ends the scan and begins it again.
    ///
    /// # Errors
    /// The scan cannot be begun again; the central is used up.
    pub async fn restart_scan(&self) -> Result<(), LinkError> {
        self.0.bluez.stop_scan().await;
        let begun = self.0.bluez.start_scan(&self.0.services).await;
        if let Err(why) = &begun {
            // Without a scan nothing would ever come of it again, and nothing would tell.
            self.0.presence.lost(why.clone());
        }
        begun
    }

    /// How many advertisements went unread because there were too many.
    pub fn overrun(&self) -> u64 {
        self.0.presence.overrun()
    }

    /// Connects to a sought device and finds its services. The future does not borrow the central, so that
    /// others can be heard meanwhile; dropping it gives up.
    ///
    /// # Errors
    /// The device is out of reach, not ready within 30 s, in use, lacks a sought service, or the radio is gone.
    pub fn connect(
        &self,
        address: Address,
    ) -> impl Future<Output = Result<BleLink, LinkError>> + Send + use<> {
        BleLink::connect(Arc::clone(&self.0), address)
    }
}

impl Drop for Radio {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

/// Brings the signals to those who wait. It never waits itself, so that the connection never stands still.
struct Listener {
    /// The devices that are connected to; what the others advertise is read.
    connecting: BTreeSet<Address>,
    clock: BootClock,
}

impl Listener {
    async fn listen(self, mut signals: Signals, presence: Arc<Presence>) {
        loop {
            match signals.next().await {
                Signal::Near(address, said) if self.connecting.contains(&address) => {
                    drop(said);
                    presence.sighted(address, (self.clock)());
                }
                Signal::Near(address, said) => {
                    let at_ms = (self.clock)();
                    let chunk = |(channel, bytes)| Chunk { at_ms, channel, bytes };
                    let chunks: Vec<_> = said.into_iter().map(chunk).collect();
                    if !chunks.is_empty() {
                        presence.advertised(Advertisement { address, at_ms, chunks });
                    }
                }
                Signal::HungUp(address) => presence.hung_up(address),
                Signal::Lost(why) => return presence.lost(why),
            }
        }
    }
}

/// The services to scan for; none, which means all, if one device's are not known, or all it says is in its
/// advertisements: BlueZ looks for services in the list of them, where data of a service do not stand.
fn scanned_services(sought: &[Sought]) -> Vec<Uuid> {
    if sought.iter().any(|sought| sought.services.is_empty() || !sought.connects) {
        return Vec::new();
    }
    let services: BTreeSet<Uuid> = sought.iter().flat_map(|sought| &sought.services).copied().collect();
    services.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_device_of_unknown_services_makes_the_scan_hear_all() {
        let [first, second] = [Uuid::from_u128(1), Uuid::from_u128(2)];
        let sought = |services: &[Uuid]| Sought {
            address: Address([0; 6]),
            services: services.to_vec(),
            connects: true,
        };
        assert_eq!(scanned_services(&[sought(&[second, first]), sought(&[first])]), [first, second]);
        assert!(scanned_services(&[sought(&[first]), sought(&[])]).is_empty());
        let sensor = Sought { connects: false, ..sought(&[second]) };
        assert!(scanned_services(&[sought(&[first]), sensor]).is_empty());
    }
}
