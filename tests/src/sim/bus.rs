//! A D-Bus of our own, so that a fake `org.bluez` can stand where the system's would.

use std::{path::Path, time::Duration};

use tokio::{net::UnixStream, process::Command};

use super::{
    SimError,
    programs::{Program, is_installed},
};

/// A `dbus-daemon` that lets everybody own, send and hear everything. Dropping it ends it.
#[derive(Debug)]
pub struct Bus {
    address: String,
    daemon: Program,
}

impl Bus {
    /// Whether `dbus-daemon` is installed (on Debian: package `dbus-daemon`).
    pub fn available() -> bool {
        is_installed("dbus-daemon")
    }

    /// Starts a bus that keeps its socket, configuration and log in `dir`.
    ///
    /// # Errors
    /// When `dbus-daemon` cannot be started or does not take connections.
    pub async fn start(dir: &Path) -> Result<Self, SimError> {
        Self::launch(dir, false).await
    }

    /// The same, if `apart` out of reach of the terminal's Ctrl-C.
    pub(super) async fn launch(dir: &Path, apart: bool) -> Result<Self, SimError> {
        let socket = dir.join("bus");
        let address = format!("unix:path={}", socket.display());
        let config = dir.join("bus.conf");
        std::fs::write(&config, configuration(&address))
            .map_err(SimError::io(format!("writing {}", config.display())))?;
        let mut command = Command::new("dbus-daemon");
        command.arg("--nofork").arg("--nopidfile").arg(format!("--config-file={}", config.display()));
        if apart {
            command.process_group(0);
        }
        let mut daemon = Program::start(command, &dir.join("bus.log"))?;
        let connects = async || UnixStream::connect(&socket).await.is_ok();
        daemon.wait_until("taking connections", Duration::from_secs(20), connects).await?;
        Ok(Self { address, daemon })
    }

    /// What programs get as `DBUS_SYSTEM_BUS_ADDRESS` to see this bus as the system's.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Ends the bus under everybody who is connected to it.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub async fn kill(&mut self) -> Result<(), SimError> {
        self.daemon.kill().await
    }
}

/// Of type "session": it starts no services and asks no policy of the system.
fn configuration(address: &str) -> String {
    format!(
        r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <keep_umask/>
  <listen>{address}</listen>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
  </policy>
</busconfig>
"#
    )
}
