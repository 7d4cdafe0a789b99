//! A broker within the hub, for a pilot and the demo: mutual TLS, each client known by its certificate.
//!
//! The listener is our own and the broker's client handler does the rest. The broker's own listener does not
//! tell its authority which certificate a client showed, and shakes hands with one client at a time, so that
//! one who stalls would keep all others out.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use mqtt5::broker::auth::{AuthProvider, AuthResult};
use mqtt5::broker::client_handler::ClientHandler;
use mqtt5::broker::router::MessageRouter;
use mqtt5::broker::storage::QueueLimits;
use mqtt5::broker::sys_topics::BrokerStats;
use mqtt5::broker::tls_acceptor::TlsStreamWrapper;
use mqtt5::broker::transport::BrokerTransport;
use mqtt5::broker::{BrokerConfig, ResourceLimits, ResourceMonitor};
use mqtt5::packet::connect::ConnectPacket;
use mqtt5::protocol::v5::reason_codes::ReasonCode;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::access::Access;
use crate::link::{MAX_PACKET_BYTES, certificates, private_key};
use crate::{Directory, Error};

const HANDSHAKE: Duration = Duration::from_secs(10);
/// `online` and `offline`, one a gateway.
const MOST_RETAINED: usize = 16 * 1024;
const LONGEST_RETAINED: usize = 64;
/// What waits for one client while it does not read. More is let go and sent again.
const QUEUE: QueueLimits = QueueLimits { max_messages: 1000, max_bytes: 64 * 1024 * 1024 };

/// The embedded broker, bound and not yet serving.
pub(crate) struct Embedded {
    listener: TcpListener,
    acceptor: TlsAcceptor,
    shared: Arc<Shared>,
}

/// What every connection needs.
struct Shared {
    config: Arc<BrokerConfig>,
    router: Arc<MessageRouter>,
    stats: Arc<BrokerStats>,
    monitor: Arc<ResourceMonitor>,
    shutdown: broadcast::Sender<()>,
}

impl Embedded {
    /// Binds the broker of this hub to `address`; port 0 takes any that is free.
    pub(crate) async fn bind(directory: &Directory, address: SocketAddr) -> Result<Self, Error> {
        let acceptor = TlsAcceptor::from(Arc::new(tls(directory)?));
        let listener =
            TcpListener::bind(address).await.map_err(|source| Error::Listen { address, source })?;
        let config = BrokerConfig::new()
            .with_max_packet_size(MAX_PACKET_BYTES)
            .with_maximum_qos(1)
            .with_session_expiry(Duration::ZERO)
            .with_sys_topics_enabled(false);
        let router = MessageRouter::new()
            .with_fallback_queue_limits(QUEUE)
            .with_retained_limits(MOST_RETAINED, LONGEST_RETAINED);
        let limits = ResourceLimits {
            max_connections: config.max_clients,
            // Gateways of one housing estate come from one address.
            max_connections_per_ip: config.max_clients,
            max_message_rate_per_client: 0,
            max_bandwidth_per_client: 0,
            ..ResourceLimits::default()
        };
        let shared = Shared {
            config: Arc::new(config),
            router: Arc::new(router),
            stats: Arc::new(BrokerStats::new()),
            monitor: Arc::new(ResourceMonitor::new(limits)),
            shutdown: broadcast::channel(1).0,
        };
        Ok(Self { listener, acceptor, shared: Arc::new(shared) })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> Result<SocketAddr, Error> {
        self.listener
            .local_addr()
            .map_err(|source| Error::Listen { address: SocketAddr::from(([0; 4], 0)), source })
    }

    /// Serves clients. Never returns; dropped, it ends their connections.
    pub(crate) async fn run(self) {
        let mut trouble = false;
        loop {
            match self.listener.accept().await {
                Ok((stream, peer)) => {
                    trouble = false;
                    let (acceptor, shared) = (self.acceptor.clone(), Arc::clone(&self.shared));
                    tokio::spawn(async move { shared.attend(acceptor, stream, peer).await });
                }
                Err(e) => {
                    // Out of file descriptors, mostly: said once, tried on.
                    if !trouble {
                        tracing::warn!("the embedded broker takes no connections: {e}");
                    }
                    trouble = true;
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        // Nobody may be connected.
        let _ = self.shared.shutdown.send(());
    }
}

impl Shared {
    async fn attend(&self, acceptor: TlsAcceptor, stream: TcpStream, peer: SocketAddr) {
        // An alarm is one small packet: it must not wait for the acknowledgement of the one before it.
        if let Err(e) = stream.set_nodelay(true) {
            tracing::debug!(%peer, "no TCP_NODELAY: {e}");
        }
        let stream = match timeout(HANDSHAKE, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => TlsStreamWrapper::new(stream),
            Ok(Err(e)) => return tracing::debug!(%peer, "no TLS: {e}"),
            Err(_) => return tracing::debug!(%peer, "no TLS: it took too long"),
        };
        let name = stream.client_cert_chain().and_then(|chain| common_name(chain.first()?));
        let Some(access) = name.as_deref().and_then(Access::of) else {
            return tracing::warn!(%peer, "a certificate of ours names no gateway");
        };
        let client = access.name().to_owned();
        let handler = ClientHandler::new(
            BrokerTransport::tls(stream),
            peer,
            Arc::clone(&self.config),
            Arc::clone(&self.router),
            Arc::new(access),
            None,
            Arc::clone(&self.stats),
            Arc::clone(&self.monitor),
            self.shutdown.subscribe(),
        );
        match handler.run().await {
            Ok(()) => tracing::debug!(%peer, client, "left the broker"),
            Err(e) => tracing::debug!(%peer, client, "left the broker: {e}"),
        }
    }
}

type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One connection's authority: what its certificate says, whatever its packets say.
impl AuthProvider for Access {
    fn authenticate<'a>(
        &'a self,
        connect: &'a ConnectPacket,
        _: SocketAddr,
    ) -> Answer<'a, mqtt5::Result<AuthResult>> {
        let result = if self.owns_client_id(&connect.client_id) {
            AuthResult::success_with_user(self.name())
        } else {
            let (client, id) = (self.name(), &connect.client_id);
            tracing::warn!(
                client,
                ?id,
                "refused: a client id must be the certificate's name, or begin with it and ':'"
            );
            AuthResult::fail(ReasonCode::ClientIdentifierNotValid)
        };
        Box::pin(std::future::ready(Ok(result)))
    }

    fn authorize_publish<'a>(&'a self, _: &str, _: Option<&'a str>, topic: &'a str) -> Answer<'a, bool> {
        Box::pin(std::future::ready(self.may_publish(topic)))
    }

    fn authorize_subscribe<'a>(&'a self, _: &str, _: Option<&'a str>, filter: &'a str) -> Answer<'a, bool> {
        Box::pin(std::future::ready(self.may_subscribe(filter)))
    }
}

fn tls(directory: &Directory) -> Result<ServerConfig, Error> {
    let files = directory.broker();
    let bad = |what: String| Error::Tls { path: files.clone(), what };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    for certificate in certificates(&directory.ca_crt())? {
        roots.add(certificate).map_err(|e| bad(e.to_string()))?;
    }
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
        .build()
        .map_err(|e| bad(e.to_string()))?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| bad(e.to_string()))?
        .with_client_cert_verifier(verifier)
        .with_single_cert(certificates(&files.join("server.crt"))?, private_key(&files.join("server.key"))?)
        .map_err(|e| bad(e.to_string()))?;
    // A resumed session would show the certificate of an earlier one, not today's.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}

fn common_name(certificate: &rustls::pki_types::CertificateDer<'_>) -> Option<String> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let name = certificate.subject().iter_common_name().next()?.as_str().ok()?.to_owned();
    Some(name)
}
