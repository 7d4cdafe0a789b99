//! Why a device was not paired, in words for the technician who stands before it.

use crate::bluez::error_name;
use crate::{Address, LinkError};

/// Why a pairing failed, or its proof.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PairingError {
    /// The radio, its daemon or D-Bus does not do its part.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// BlueZ takes no agent from us.
    #[error("bluetoothd takes no pairing agent from us ({reason}): run the command as root, such as by sudo")]
    AgentRefused {
        /// What BlueZ said.
        reason: String,
    },
    /// The device has not been heard.
    #[error(
        "Bluetooth device {address} was not heard in {seconds} s: bring it within a metre, put it into pairing mode (its manual says by which button) and run the command again"
    )]
    NotHeard {
        /// The device.
        address: Address,
        /// How long was listened.
        seconds: u64,
    },
    /// BlueZ has no such device any more.
    #[error("Bluetooth device {address} is gone: put it into pairing mode and run the command again")]
    Gone {
        /// The device.
        address: Address,
    },
    /// No connection came about.
    #[error(
        "Bluetooth device {address} did not take the connection ({reason}): bring it within a metre, wake it and run the command again"
    )]
    Unreachable {
        /// The device.
        address: Address,
        /// What BlueZ said.
        reason: String,
    },
    /// The two did not agree on a key.
    #[error(
        "Bluetooth device {address} did not pair ({reason}): was the passkey right, is it in pairing mode, and has it forgotten the telephone or box it was paired with before? Then run the command again; with --no-pairing if its manual says that it needs none"
    )]
    Failed {
        /// The device.
        address: Address,
        /// What BlueZ said.
        reason: String,
    },
    /// One of the two said no.
    #[error(
        "the pairing with Bluetooth device {address} was rejected, here or at the device: nothing was kept; run the command again to try once more"
    )]
    Rejected {
        /// The device.
        address: Address,
    },
    /// The pairing was called off.
    #[error(
        "the pairing with Bluetooth device {address} was called off: nothing was kept; run the command again to try once more"
    )]
    Cancelled {
        /// The device.
        address: Address,
    },
    /// The pairing came to no end.
    #[error(
        "the pairing with Bluetooth device {address} came to no end: put it into pairing mode again, run the command again and answer sooner"
    )]
    TimedOut {
        /// The device.
        address: Address,
    },
    /// Another program pairs or connects the same device.
    #[error(
        "Bluetooth device {address} is busy with another pairing: end what else pairs on this box, such as bluetoothctl, and run the command again"
    )]
    Busy {
        /// The device.
        address: Address,
    },
    /// The device pairs, but keeps no key.
    #[error(
        "Bluetooth device {address} has paired but keeps no bond, so it would not be known again: if its manual says that it needs none, run the command again with --no-pairing"
    )]
    NoBond {
        /// The device.
        address: Address,
    },
    /// The device did not come back after the pairing.
    #[error(
        "Bluetooth device {address} has paired but did not come back within {seconds} s, so the bond is not proved: take a measurement with it or press its button when asked, and run the command again"
    )]
    NotBack {
        /// The device.
        address: Address,
        /// How long was waited.
        seconds: u64,
    },
    /// The device came back and did not know the bond.
    #[error(
        "Bluetooth device {address} came back but does not keep the bond ({reason}): delete all pairings in its own menu or reset it, put it into pairing mode and run the command again"
    )]
    BondNotKept {
        /// The device.
        address: Address,
        /// How it showed.
        reason: String,
    },
    /// The device lets nobody read anything.
    #[error(
        "Bluetooth device {address} has nothing that can be read, so the bond is not proved: check its model and profile"
    )]
    NothingToRead {
        /// The device.
        address: Address,
    },
    /// The device is of another kind.
    #[error(
        "Bluetooth device {address} has no service {service}: check its model, and give the right --profile"
    )]
    ServiceMissing {
        /// The device.
        address: Address,
        /// The service by which its profile is recognised.
        service: uuid::Uuid,
    },
}

impl PairingError {
    /// What an error of BlueZ means for a device (doc/org.bluez.Device.rst, "Possible errors").
    pub(super) fn of_bluez(address: Address, error: &zbus::Error) -> Self {
        let reason = error.to_string();
        let Some(name) = error_name(error) else {
            return LinkError::BluetoothdAbsent { reason }.into();
        };
        match name.strip_prefix("org.bluez.Error.").unwrap_or(&name) {
            "AuthenticationFailed" => Self::Failed { address, reason },
            "AuthenticationRejected" | "Rejected" => Self::Rejected { address },
            "AuthenticationCanceled" | "Canceled" => Self::Cancelled { address },
            "AuthenticationTimeout" => Self::TimedOut { address },
            "InProgress" => Self::Busy { address },
            "org.freedesktop.DBus.Error.UnknownObject" | "DoesNotExist" => Self::Gone { address },
            "org.freedesktop.DBus.Error.AccessDenied" => LinkError::BluetoothForbidden { reason }.into(),
            bluez if !bluez.starts_with("org.freedesktop.") => Self::Unreachable { address, reason },
            _ => LinkError::BluetoothdAbsent { reason }.into(),
        }
    }
}
