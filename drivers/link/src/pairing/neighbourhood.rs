//! The devices that BlueZ knows, the scan that finds new ones, and the bonds it keeps.

use std::collections::HashMap;
use std::time::Duration;

use zbus::{Connection, OwnedObjectPath};

use super::error::PairingError;
use super::neighbour::{Neighbour, Properties};
use crate::bluez::Bluez;
use crate::bluez::error_name;
use crate::{Address, LinkError};

pub(super) const BLUEZ: &str = "org.bluez";
pub(super) const DEVICE: &str = "org.bluez.Device1";
const ADAPTER: &str = "org.bluez.Adapter1";
const OBJECT_MANAGER: &str = "org.freedesktop.DBus.ObjectManager";

/// Longer than a person takes to find and type a passkey, and than BlueZ waits for them (60 s).
const CALL_LIMIT: Duration = Duration::from_secs(120);

pub(super) type Objects = HashMap<OwnedObjectPath, HashMap<String, Properties>>;

/// What BlueZ knows of the devices around this box. All it does ends with it, the scan too.
#[derive(Debug)]
pub struct Neighbourhood {
    pub(super) connection: Connection,
    adapter: String,
    /// The scan lasts as long as this connection.
    scan: Option<Bluez>,
}

impl Neighbourhood {
    /// Finds the adapter and switches it on. Nothing is scanned yet.
    ///
    /// # Errors
    /// D-Bus, bluetoothd or the adapter is missing or does not do its part.
    pub async fn open() -> Result<Self, LinkError> {
        let adapter = format!("/org/bluez/{}", Bluez::find().await?.adapter_name());
        let connection = zbus::connection::Builder::system()
            .method_timeout(CALL_LIMIT)
            .build()
            .await
            .map_err(|error| LinkError::BusAbsent { reason: error.to_string() })?;
        Ok(Self { connection, adapter, scan: None })
    }

    /// Listens for every Low Energy device.
    ///
    /// # Errors
    /// The adapter does not scan.
    pub async fn start_scan(&mut self) -> Result<(), LinkError> {
        if self.scan.is_none() {
            let bluez = Bluez::find().await?;
            bluez.start_scan(&[]).await?;
            self.scan = Some(bluez);
        }
        Ok(())
    }

    /// Listens no more, on behalf of this box's technician; the gateway's own scan goes on.
    pub fn stop_scan(&mut self) {
        self.scan = None;
    }

    /// The devices that BlueZ knows now, heard or remembered.
    ///
    /// # Errors
    /// BlueZ does not answer.
    pub async fn devices(&self) -> Result<Vec<Neighbour>, PairingError> {
        Ok(self.known().await?.into_iter().map(|(_, neighbour)| neighbour).collect())
    }

    /// One device, if BlueZ knows it.
    ///
    /// # Errors
    /// BlueZ does not answer.
    pub async fn device(&self, address: Address) -> Result<Option<Neighbour>, PairingError> {
        Ok(self.find(address).await?.map(|(_, neighbour)| neighbour))
    }

    /// Disconnects a device and removes its bond; false where BlueZ did not know it.
    ///
    /// # Errors
    /// BlueZ does not answer, or refuses.
    pub async fn forget(&self, address: Address) -> Result<bool, PairingError> {
        let Some((path, _)) = self.find(address).await? else { return Ok(false) };
        let adapter = self.adapter.as_str();
        match self.connection.call_method(Some(BLUEZ), adapter, Some(ADAPTER), "RemoveDevice", &path).await {
            Ok(_) => Ok(true),
            Err(error) if error_name(&error).as_deref() == Some("org.bluez.Error.DoesNotExist") => Ok(false),
            Err(error) => Err(PairingError::of_bluez(address, &error)),
        }
    }

    /// A device with the path of its object.
    pub(super) async fn find(
        &self,
        address: Address,
    ) -> Result<Option<(OwnedObjectPath, Neighbour)>, PairingError> {
        Ok(self.known().await?.into_iter().find(|(_, neighbour)| neighbour.address == address))
    }

    pub(super) async fn objects(&self) -> Result<Objects, PairingError> {
        self.connection
            .call_method(Some(BLUEZ), "/", Some(OBJECT_MANAGER), "GetManagedObjects", &())
            .await
            .and_then(|reply| reply.body().deserialize())
            .map_err(|error| LinkError::BluetoothdAbsent { reason: error.to_string() }.into())
    }

    /// Every device with the path of its object.
    pub(super) async fn known(&self) -> Result<Vec<(OwnedObjectPath, Neighbour)>, PairingError> {
        let below = format!("{}/", self.adapter);
        let device = |(path, mut interfaces): (OwnedObjectPath, HashMap<String, Properties>)| {
            let neighbour = Neighbour::of_properties(&interfaces.remove(DEVICE)?)?;
            path.starts_with(&below).then_some((path, neighbour))
        };
        Ok(self.objects().await?.into_iter().filter_map(device).collect())
    }
}
