//! The TLS connection to the broker, handed to rumqttc as a local socket.
//!
//! rumqttc's own TLS features pull in a certificate library with known vulnerabilities, its flush has no
//! time-out, and it offers no hook for a socket. So it speaks plain MQTT to a socket of this process, and what
//! it says goes through a TLS connection of ours, which notices when nothing comes back.

use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr as UnixAddress, UnixListener as StdUnixListener};
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixListener, UnixStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::dial::{AddressBook, dial};
use super::{UplinkError, tls};
use crate::config::UplinkPath;
use crate::entropy;

/// How long connecting and the handshake may take, each.
const PATIENCE: Duration = Duration::from_secs(15);

const BUFFER: usize = 16 * 1024;

/// A TLS connection to the path's broker.
///
/// # Errors
/// Where there is none; see [`UplinkError`].
pub async fn connect(
    path: &UplinkPath,
    book: &AddressBook,
    configuration: Arc<ClientConfig>,
) -> Result<TlsStream<TcpStream>, UplinkError> {
    let silent = |_| UplinkError::Silent { seconds: PATIENCE.as_secs() };
    let tcp = timeout(PATIENCE, dial(path, book)).await.map_err(silent)??;
    // An alarm is a small packet: it must not wait for another to join it.
    tcp.set_nodelay(true).map_err(|e| UplinkError::Lost(e.to_string()))?;
    let name = path.broker.server_name().clone();
    let handshake = TlsConnector::from(configuration).connect(name, tcp);
    timeout(PATIENCE, handshake).await.map_err(silent)?.map_err(|e| tls::explain(&e))
}

/// The near end of a tunnel: a socket of this process that only this process can connect to.
pub struct Mouth {
    listener: UnixListener,
    name: String,
}

impl Mouth {
    /// A new one, without a trace in any directory (an abstract address).
    ///
    /// # Errors
    /// Where the system gives no socket.
    pub fn open() -> io::Result<Self> {
        let name = format!("varde-{:016x}", entropy::seed());
        let listener = StdUnixListener::bind_addr(&UnixAddress::from_abstract_name(&name)?)?;
        listener.set_nonblocking(true)?;
        Ok(Self { listener: UnixListener::from_std(listener)?, name })
    }

    /// The path to connect to, as tokio understands it: a leading NUL means an abstract address.
    pub fn path(&self) -> String {
        format!("\0{}", self.name)
    }

    /// The connection that this process makes to it; any other process is turned away.
    async fn accept(self) -> io::Result<UnixStream> {
        loop {
            let (stream, _) = self.listener.accept().await?;
            let us = i32::try_from(std::process::id()).ok();
            if stream.peer_cred()?.pid() == us {
                return Ok(stream);
            }
        }
    }
}

/// Carries bytes both ways until one side ends. The far side has stalled when nothing comes from it for
/// `stall`, although the near side sends pings.
///
/// # Errors
/// Always in the end: why it ended.
pub async fn carry(mouth: Mouth, far: TlsStream<TcpStream>, stall: Duration) -> UplinkError {
    let lost = |e: io::Error| UplinkError::Lost(e.to_string());
    let near = match mouth.accept().await {
        Ok(near) => near,
        Err(error) => return lost(error),
    };
    let (near_read, near_write) = near.into_split();
    let (far_read, far_write) = tokio::io::split(far);
    tokio::select! {
        ended = copy(near_read, far_write, None) => ended,
        ended = copy(far_read, near_write, Some(stall)) => ended,
    }
}

async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    stall: Option<Duration>,
) -> UplinkError {
    let mut buffer = vec![0; BUFFER];
    // In TLS 1.3 a broker judges our certificate after our side of the handshake is done.
    let lost = |e: io::Error| match e.get_ref() {
        Some(inner) if inner.is::<rustls::Error>() => tls::explain(&e),
        _ => UplinkError::Lost(e.to_string()),
    };
    loop {
        let read = from.read(&mut buffer);
        let read = match stall {
            Some(stall) => match timeout(stall, read).await {
                Ok(read) => read,
                Err(_) => return UplinkError::Stalled { seconds: stall.as_secs() },
            },
            None => read.await,
        };
        let bytes = match read {
            Ok(0) => return UplinkError::Lost("the broker closed it".to_owned()),
            Ok(length) => buffer.get(..length).unwrap_or_default(),
            Err(error) => return lost(error),
        };
        let written = async {
            to.write_all(bytes).await?;
            to.flush().await
        };
        if let Err(error) = written.await {
            return lost(error);
        }
    }
}
