//! The proof of a bond: the device comes back, and lets itself be read, without anybody being asked.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use uuid::Uuid;
use zbus::message::Type;
use zbus::{Connection, MatchRule, MessageStream, OwnedObjectPath, Variant};

use super::neighbour::{Properties, take};
use super::neighbourhood::{BLUEZ, DEVICE};
use super::{Neighbour, PROPERTIES, Pairing, PairingError};
use crate::Address;
use crate::bluez::error_name;

const CHARACTERISTIC: &str = "org.bluez.GattCharacteristic1";
const SERVICE: &str = "org.bluez.GattService1";

/// Between two looks at what BlueZ says of a device; a person is waiting, not a meter.
const LOOK: Duration = Duration::from_millis(200);
/// How long a device may take to let go.
const LET_GO_LIMIT: Duration = Duration::from_secs(10);
/// So often may a device take the connection and end it before it is ready. Once may be the radio's fault.
const DROPS: u32 = 3;

/// What nearly every meter has, and may guard: battery level, model number, manufacturer name.
const COMMON: [u16; 3] = [0x2A19, 0x2A24, 0x2A29];

/// How often a device has taken a connection. Where it has forgotten the key, BlueZ fails in the same words as where
/// it does not advertise, but the connection stood for a moment.
struct Arrivals {
    count: Arc<AtomicU32>,
    task: JoinHandle<()>,
}

/// What a device lets us do with one of its characteristics.
struct Characteristic {
    path: OwnedObjectPath,
    uuid: Uuid,
    service: Uuid,
    flags: Vec<String>,
}

impl Pairing {
    /// Ends the connection to a device and waits until it is gone.
    ///
    /// # Errors
    /// BlueZ does not answer, or the connection does not end.
    pub async fn disconnect(&self, address: Address) -> Result<(), PairingError> {
        let device = self.path(address).await?;
        let connection = &self.neighbourhood.connection;
        // Where it has hung up by itself, that is as good.
        let _ = connection.call_method(Some(BLUEZ), &device, Some(DEVICE), "Disconnect", &()).await;
        let gone = async {
            while self.state(address).await?.connected {
                sleep(LOOK).await;
            }
            Ok(())
        };
        let stays = PairingError::Unreachable { address, reason: "it does not let go".to_owned() };
        timeout(LET_GO_LIMIT, gone).await.unwrap_or(Err(stays))
    }

    /// Connects to a device as soon as it shows itself, and waits until its services are known.
    ///
    /// # Errors
    /// It does not come within the limit, or ends each connection before it is ready: then it does not know the bond.
    pub async fn reconnect(&self, address: Address, limit: Duration) -> Result<(), PairingError> {
        let device = self.path(address).await?;
        let arrivals = Arrivals::of(&self.neighbourhood.connection, &device)
            .await
            .map_err(|error| PairingError::of_bluez(address, &error))?;
        let coming = async {
            while arrivals.count() < DROPS {
                if self.connect(address, &device).await? && self.is_ready(address).await? {
                    return Ok::<_, PairingError>(true);
                }
                sleep(LOOK).await;
            }
            Ok(false)
        };
        let come = match timeout(limit, coming).await {
            Ok(come) => come?,
            Err(_) => {
                // Calls off a connection that is still being made.
                let _ = self.disconnect(address).await;
                false
            }
        };
        match arrivals.count() {
            _ if come => Ok(()),
            0 => Err(PairingError::NotBack { address, seconds: limit.as_secs() }),
            _ => {
                let reason = "it ends each connection before it is ready".to_owned();
                Err(PairingError::BondNotKept { address, reason })
            }
        }
    }

    /// Proves that a device which has come back knows the bond: it lets itself be read, nobody was asked to pair
    /// anew, and the bond stands. Gives the characteristic that was read.
    ///
    /// # Errors
    /// As [`Pairing::read`], and where the bond is gone.
    pub async fn prove(&self, address: Address, service: Option<Uuid>) -> Result<Uuid, PairingError> {
        let refused_before = self.refused();
        let read = self.read(address, service).await?;
        let state = self.state(address).await?;
        let doubt = if self.refused() > refused_before {
            "it asked to pair anew"
        } else if !state.bonded {
            "the bond is gone again"
        } else if !state.connected {
            "it ended the connection"
        } else {
            return Ok(read);
        };
        Err(PairingError::BondNotKept { address, reason: doubt.to_owned() })
    }

    /// Reads something of a connected device, best of all from `service`, which meters guard most. What it says is
    /// not looked at. One that has nothing to read is asked for notifications of the service, for a moment. Gives
    /// the characteristic in question.
    ///
    /// # Errors
    /// The device has no such service, has nothing to read, or refuses.
    pub async fn read(&self, address: Address, service: Option<Uuid>) -> Result<Uuid, PairingError> {
        let device = self.path(address).await?;
        let offered = self.characteristics(&device).await?;
        if let Some(service) = service
            && !offered.iter().any(|characteristic| characteristic.service == service)
        {
            return Err(PairingError::ServiceMissing { address, service });
        }
        let Characteristic { path, uuid, flags, .. } =
            choose(&offered, service).ok_or(PairingError::NothingToRead { address })?;
        let connection = &self.neighbourhood.connection;
        let (bluez, interface) = (Some(BLUEZ), Some(CHARACTERISTIC));
        let answer = if flags.contains(&"read".to_owned()) {
            let options = HashMap::<&str, Variant<'_>>::new();
            connection.call_method(bluez, path, interface, "ReadValue", &options).await
        } else {
            let answer = connection.call_method(bluez, path, interface, "StartNotify", &()).await;
            let _ = connection.call_method(bluez, path, interface, "StopNotify", &()).await;
            answer
        };
        match answer {
            Ok(_) => Ok(*uuid),
            Err(error) => Err(PairingError::BondNotKept { address, reason: error.to_string() }),
        }
    }

    /// Tries to connect; false where that failed for now, as it does when the device does not advertise.
    async fn connect(&self, address: Address, device: &OwnedObjectPath) -> Result<bool, PairingError> {
        let connection = &self.neighbourhood.connection;
        match connection.call_method(Some(BLUEZ), device, Some(DEVICE), "Connect", &()).await {
            Ok(_) => Ok(true),
            Err(error) => match error_name(&error).as_deref() {
                Some("org.bluez.Error.AlreadyConnected") => Ok(true),
                Some("org.bluez.Error.Failed" | "org.bluez.Error.InProgress") => Ok(false),
                _ => Err(PairingError::of_bluez(address, &error)),
            },
        }
    }

    /// Waits until the services are known; false where the connection ended before.
    async fn is_ready(&self, address: Address) -> Result<bool, PairingError> {
        loop {
            let state = self.state(address).await?;
            if !state.connected || state.resolved {
                return Ok(state.connected);
            }
            sleep(LOOK).await;
        }
    }

    async fn state(&self, address: Address) -> Result<Neighbour, PairingError> {
        self.neighbourhood.device(address).await?.ok_or(PairingError::Gone { address })
    }

    async fn characteristics(&self, device: &OwnedObjectPath) -> Result<Vec<Characteristic>, PairingError> {
        let objects = self.neighbourhood.objects().await?;
        let below = format!("{}/", device.as_str());
        let described = objects.iter().filter(|(path, _)| path.starts_with(&below));
        let read = described.filter_map(|(path, interfaces)| {
            let properties = interfaces.get(CHARACTERISTIC)?;
            let service: OwnedObjectPath = take(properties, "Service")?;
            Some(Characteristic {
                path: path.clone(),
                uuid: uuid(properties)?,
                service: uuid(objects.get(&service)?.get(SERVICE)?)?,
                flags: take(properties, "Flags")?,
            })
        });
        Ok(read.collect())
    }
}

impl Arrivals {
    async fn of(connection: &Connection, device: &OwnedObjectPath) -> zbus::Result<Self> {
        let rule = MatchRule::builder()
            .msg_type(Type::Signal)
            .sender(BLUEZ)
            .interface(PROPERTIES)
            .member("PropertiesChanged")
            .path(device.as_str())
            .build()?;
        let mut changes = MessageStream::for_match_rule(rule, connection, None).await?;
        let count = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&count);
        let task = tokio::spawn(async move {
            while let Some(Ok(change)) = changes.next().await {
                let body = change.body();
                let read: zbus::Result<(String, Properties, Vec<String>)> = body.deserialize();
                if read.is_ok_and(|(_, changed, _)| take(&changed, "Connected") == Some(true)) {
                    counted.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        Ok(Self { count, task })
    }

    fn count(&self) -> u32 {
        self.count.load(Ordering::Relaxed)
    }
}

impl Drop for Arrivals {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The characteristic that proves most and disturbs least. A subscription might draw a reading that nobody keeps,
/// so it comes last.
fn choose(offered: &[Characteristic], service: Option<Uuid>) -> Option<&Characteristic> {
    let may =
        |characteristic: &Characteristic, flag: &str| characteristic.flags.iter().any(|has| has == flag);
    let guarded = |characteristic: &Characteristic| Some(characteristic.service) == service;
    let readable = || offered.iter().filter(|characteristic| may(characteristic, "read"));
    let common = COMMON.map(sig);
    readable()
        .find(|characteristic| guarded(characteristic))
        .or_else(|| {
            common.iter().find_map(|uuid| readable().find(|characteristic| characteristic.uuid == *uuid))
        })
        .or_else(|| readable().next())
        .or_else(|| {
            let says = |characteristic: &Characteristic| {
                may(characteristic, "indicate") || may(characteristic, "notify")
            };
            offered.iter().find(|characteristic| guarded(characteristic) && says(characteristic))
        })
}

/// The UUID of a short one (Core Specification, Vol 3, Part B, §2.5.1).
const fn sig(short: u16) -> Uuid {
    Uuid::from_u128((short as u128) << 96 | 0x0000_0000_0000_1000_8000_0080_5F9B_34FB)
}

fn uuid(properties: &Properties) -> Option<Uuid> {
    take::<String>(properties, "UUID")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn characteristic(service: u16, short: u16, flags: &[&str]) -> Characteristic {
        let path = OwnedObjectPath::try_from(format!("/service{service:04x}/char{short:04x}")).unwrap();
        let flags = flags.iter().map(ToString::to_string).collect();
        Characteristic { path, uuid: sig(short), service: sig(service), flags }
    }

    #[test]
    fn what_proves_most_is_read_and_a_subscription_is_the_last_resort() {
        let measurement = || characteristic(0x1810, 0x2A35, &["indicate"]);
        let feature = || characteristic(0x1810, 0x2A49, &["read"]);
        let model = || characteristic(0x180A, 0x2A24, &["read"]);
        let battery = || characteristic(0x180F, 0x2A19, &["read", "notify"]);
        let vendor = || characteristic(0xFFF0, 0xFFF1, &["read"]);
        let chosen =
            |offered: &[Characteristic]| choose(offered, Some(sig(0x1810))).map(|chosen| chosen.uuid);
        let expected = |short| Some(sig(short));
        assert_eq!(chosen(&[measurement(), battery(), feature(), model()]), expected(0x2A49));
        assert_eq!(chosen(&[vendor(), measurement(), model(), battery()]), expected(0x2A19));
        assert_eq!(chosen(&[vendor(), measurement(), model()]), expected(0x2A24));
        assert_eq!(chosen(&[vendor(), measurement()]), expected(0xFFF1));
        assert_eq!(chosen(&[measurement()]), expected(0x2A35));
        assert_eq!(chosen(&[characteristic(0x1809, 0x2A1C, &["indicate"])]), None);
    }
}
