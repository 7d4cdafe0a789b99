//! What can go wrong with a line, in words for the person who has to mend it.

use std::path::PathBuf;

use uuid::Uuid;

use crate::Address;

/// Why a line cannot be opened, or has ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// No such device file.
    #[error("serial port {} does not exist: plug the device in, or correct the path", path.display())]
    PortMissing {
        /// The configured path.
        path: PathBuf,
    },
    /// Another program holds the port's exclusive lock.
    #[error("serial port {} is held by another program: stop that program", path.display())]
    PortBusy {
        /// The configured path.
        path: PathBuf,
    },
    /// The device file may not be opened.
    #[error("serial port {} may not be opened: put the service's user in the port's group (dialout)", path.display())]
    PortForbidden {
        /// The configured path.
        path: PathBuf,
    },
    /// The path is no serial port, or the port does not take the settings.
    #[error("serial port {} cannot be used ({reason}): check that the path is a serial port of that speed", path.display())]
    PortUnusable {
        /// The configured path.
        path: PathBuf,
        /// What the operating system said.
        reason: String,
    },
    /// The port takes no more bytes.
    #[error("serial port {} has taken no bytes for {seconds} s: unplug the device and plug it in again", path.display())]
    PortStalled {
        /// The configured path.
        path: PathBuf,
        /// How long the write waited.
        seconds: u64,
    },
    /// The port hung up.
    #[error("the device on serial port {} was unplugged: plug it in again", path.display())]
    Unplugged {
        /// The configured path.
        path: PathBuf,
    },
    /// The port was closed by [`Request::Disconnect`](crate::Request::Disconnect).
    #[error("serial port {} was closed on request", path.display())]
    PortClosed {
        /// The configured path.
        path: PathBuf,
    },

    /// The system D-Bus cannot be reached, or went away.
    #[error("the system D-Bus cannot be reached ({reason}): check that dbus.service runs")]
    BusAbsent {
        /// What D-Bus said.
        reason: String,
    },
    /// No bluetoothd answers, or it stopped.
    #[error("bluetoothd does not answer ({reason}): check that bluetooth.service runs")]
    BluetoothdAbsent {
        /// What D-Bus said.
        reason: String,
    },
    /// D-Bus does not let the service talk to bluetoothd.
    #[error("D-Bus forbids the use of bluetoothd ({reason}): put the service's user in the group bluetooth")]
    BluetoothForbidden {
        /// What D-Bus said.
        reason: String,
    },
    /// The box has no Bluetooth adapter, or it was taken out.
    #[error("there is no Bluetooth adapter: plug one in, or check that the built-in one is enabled")]
    AdapterAbsent,
    /// The adapter has no power, and does not take it.
    #[error(
        "Bluetooth adapter {adapter} is powered off: run `rfkill unblock bluetooth`, check that bluetooth.service runs, or replace it"
    )]
    AdapterOff {
        /// BlueZ's name of it, such as `hci0`.
        adapter: String,
    },
    /// The adapter does not listen for devices.
    #[error(
        "Bluetooth adapter {adapter} does not scan ({reason}): if it stays so, restart bluetooth.service, or replace the adapter"
    )]
    ScanRefused {
        /// BlueZ's name of it, such as `hci0`.
        adapter: String,
        /// What BlueZ said.
        reason: String,
    },

    /// The device is connected and does not answer.
    #[error("Bluetooth device {address} is connected, but has not answered for {seconds} s: bring it nearer")]
    NotAnswering {
        /// The device.
        address: Address,
        /// How long was waited.
        seconds: u64,
    },
    /// systemd does not restart bluetoothd for us.
    #[error(
        "bluetooth.service cannot be restarted ({reason}): install Varde's polkit rule, or restart it by hand"
    )]
    RestartRefused {
        /// What D-Bus said.
        reason: String,
    },

    /// The device does not answer.
    #[error("Bluetooth device {address} is out of reach ({reason}): bring it nearer, or change its battery")]
    OutOfReach {
        /// The device.
        address: Address,
        /// What BlueZ said.
        reason: String,
    },
    /// The device answered, but never got ready.
    #[error("Bluetooth device {address} was not ready after {seconds} s: bring it nearer, or pair it again")]
    ConnectTimedOut {
        /// The device.
        address: Address,
        /// How long was waited.
        seconds: u64,
    },
    /// There is a link to the device already.
    #[error("Bluetooth device {address} is in use by another link, or that link is still closing")]
    InUse {
        /// The device.
        address: Address,
    },
    /// The connection ended, whoever ended it.
    #[error("Bluetooth device {address} disconnected")]
    Disconnected {
        /// The device.
        address: Address,
    },
    /// The device is not of the expected kind.
    #[error(
        "Bluetooth device {address} has no service {service}: check that its profile is configured rightly"
    )]
    ServiceMissing {
        /// The device.
        address: Address,
        /// The service that was sought.
        service: Uuid,
    },
    /// The device lacks a part of its profile.
    #[error("Bluetooth device {address} has no characteristic {characteristic}: check its model and profile")]
    CharacteristicMissing {
        /// The device.
        address: Address,
        /// The characteristic that was asked for.
        characteristic: Uuid,
    },
    /// The device does not do what it was asked.
    #[error(
        "Bluetooth device {address} refused on characteristic {characteristic} ({reason}): if it asks for encryption, pair it again"
    )]
    Refused {
        /// The device.
        address: Address,
        /// The characteristic that was asked for.
        characteristic: Uuid,
        /// What BlueZ said.
        reason: String,
    },

    /// This kind of line has no such request.
    #[error("a {link} link has no request {request}")]
    Unsuited {
        /// The kind of line.
        link: &'static str,
        /// The request.
        request: &'static str,
    },
    /// A replayed capture has been played to its end.
    #[error("the capture has been played to its end")]
    CaptureEnded,
}

impl LinkError {
    /// A short word for the kind of fault. It never changes, so that a fault can be logged once and counted.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::PortMissing { .. } => "port-missing",
            Self::PortBusy { .. } => "port-busy",
            Self::PortForbidden { .. } => "port-forbidden",
            Self::PortUnusable { .. } => "port-unusable",
            Self::PortStalled { .. } => "port-stalled",
            Self::Unplugged { .. } => "unplugged",
            Self::PortClosed { .. } => "port-closed",
            Self::BusAbsent { .. } => "bus-absent",
            Self::BluetoothdAbsent { .. } => "bluetoothd-absent",
            Self::BluetoothForbidden { .. } => "bluetooth-forbidden",
            Self::AdapterAbsent => "adapter-absent",
            Self::AdapterOff { .. } => "adapter-off",
            Self::ScanRefused { .. } => "scan-refused",
            Self::NotAnswering { .. } => "not-answering",
            Self::RestartRefused { .. } => "restart-refused",
            Self::OutOfReach { .. } => "out-of-reach",
            Self::ConnectTimedOut { .. } => "connect-timed-out",
            Self::InUse { .. } => "in-use",
            Self::Disconnected { .. } => "disconnected",
            Self::ServiceMissing { .. } => "service-missing",
            Self::CharacteristicMissing { .. } => "characteristic-missing",
            Self::Refused { .. } => "refused",
            Self::Unsuited { .. } => "unsuited",
            Self::CaptureEnded => "capture-ended",
        }
    }
}
