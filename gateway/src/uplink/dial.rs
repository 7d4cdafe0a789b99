//! A TCP connection to the broker over one of the home's paths.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use super::UplinkError;
use crate::config::{Broker, Exit, UplinkPath};

/// How long the resolver may take where the broker's addresses were known before.
const RESOLVER_PATIENCE: Duration = Duration::from_secs(2);

/// The brokers' addresses as they were resolved last. The router that takes the preferred path with it when it fails
/// is often the resolver too.
#[derive(Debug, Default)]
pub struct AddressBook(Mutex<HashMap<String, Vec<SocketAddr>>>);

/// Connects to the path's broker.
///
/// # Errors
/// Where nobody answers at any of its addresses, or it has none.
pub async fn dial(path: &UplinkPath, book: &AddressBook) -> Result<TcpStream, UplinkError> {
    let mut last = unresolved(&path.broker, "it has none that this path can reach");
    for address in book.addresses(&path.broker).await? {
        if matches!(path.exit, Exit::Source(source) if source.is_ipv4() != address.is_ipv4()) {
            continue;
        }
        let socket = socket(&path.exit, address)
            .map_err(|e| UplinkError::NoExit { exit: path.exit.clone(), cause: e.to_string() })?;
        match socket.connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = UplinkError::Unreachable { address, cause: error.to_string() },
        }
    }
    Err(last)
}

impl AddressBook {
    async fn addresses(&self, broker: &Broker) -> Result<Vec<SocketAddr>, UplinkError> {
        let known = self.book().get(&broker.to_string()).cloned();
        let (host, resolving) = (broker.host(), tokio::net::lookup_host((broker.host(), broker.port())));
        let resolved = match &known {
            Some(_) => timeout(RESOLVER_PATIENCE, resolving).await.unwrap_or_else(|late| Err(late.into())),
            None => resolving.await,
        };
        match (resolved, known) {
            (Ok(addresses), _) => {
                let addresses: Vec<_> = addresses.collect();
                self.book().insert(broker.to_string(), addresses.clone());
                Ok(addresses)
            }
            (Err(error), Some(known)) => {
                tracing::debug!("no address for '{host}' now ({error}): taking those of before");
                Ok(known)
            }
            (Err(error), None) => Err(unresolved(broker, &error.to_string())),
        }
    }

    fn book(&self) -> std::sync::MutexGuard<'_, HashMap<String, Vec<SocketAddr>>> {
        // Every change is whole by itself.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn socket(exit: &Exit, to: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if to.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    match exit {
        Exit::Any => {}
        // Without any privilege since Linux 5.7, as long as the socket is bound to no other.
        Exit::Interface(name) => socket.bind_device(Some(name.as_bytes()))?,
        Exit::Source(address) => socket.bind(SocketAddr::new(*address, 0))?,
    }
    Ok(socket)
}

fn unresolved(broker: &Broker, cause: &str) -> UplinkError {
    UplinkError::Resolve { host: broker.host(), cause: cause.to_owned() }
}
