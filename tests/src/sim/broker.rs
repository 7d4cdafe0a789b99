//! mosquitto, as it stands between gateway and hub: mutual TLS, names from certificates, an access list.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::{net::TcpStream, process::Command};

use super::{
    SimError,
    programs::{Program, is_installed},
};

const START_LIMIT: Duration = Duration::from_secs(20);
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// The files a broker needs.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The authority that signs the clients' certificates, PEM.
    pub ca: PathBuf,
    /// The broker's certificate, PEM.
    pub certificate: PathBuf,
    /// The broker's key, PEM.
    pub key: PathBuf,
    /// mosquitto's access list; the user names in it are the common names of certificates.
    pub acl: PathBuf,
}

impl Credentials {
    /// `ca.crt`, `server.crt`, `server.key` and `acl` in one folder, as `varde-hub init` leaves them in `broker/`.
    pub fn in_dir(dir: &Path) -> Self {
        Self {
            ca: dir.join("ca.crt"),
            certificate: dir.join("server.crt"),
            key: dir.join("server.key"),
            acl: dir.join("acl"),
        }
    }
}

/// A mosquitto on the loopback interface. It keeps nothing over a restart. Dropping it ends it.
#[derive(Debug)]
pub struct Broker {
    port: u16,
    configuration: PathBuf,
    log: PathBuf,
    /// `None` while stopped.
    mosquitto: Option<Program>,
}

impl Broker {
    /// Whether mosquitto is installed (on Debian: package `mosquitto`).
    pub fn available() -> bool {
        is_installed("mosquitto")
    }

    /// Starts a broker on a free port, with its configuration and log in `dir`.
    ///
    /// # Errors
    /// When mosquitto cannot be started or refuses its files.
    pub async fn start(dir: &Path, credentials: &Credentials) -> Result<Self, SimError> {
        let port = free_address()?.port();
        let configuration = dir.join("mosquitto.conf");
        std::fs::write(&configuration, settings(port, credentials))
            .map_err(SimError::io(format!("writing {}", configuration.display())))?;
        let mut broker = Self { port, configuration, log: dir.join("mosquitto.log"), mosquitto: None };
        broker.restart().await?;
        Ok(broker)
    }

    /// Where clients connect; it stays the same over restarts.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Its process, for measuring; `None` while stopped.
    pub const fn program(&self) -> Option<&Program> {
        self.mosquitto.as_ref()
    }

    /// Ends it as an operator would: clients are told.
    ///
    /// # Errors
    /// When it does not end in time.
    pub async fn stop(&mut self) -> Result<(), SimError> {
        match self.mosquitto.take() {
            Some(mut mosquitto) => mosquitto.stop(STOP_LIMIT).await.map(drop),
            None => Ok(()),
        }
    }

    /// Kills it: connections are reset, nothing is said.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub async fn kill(&mut self) -> Result<(), SimError> {
        match self.mosquitto.take() {
            Some(mut mosquitto) => mosquitto.kill().await,
            None => Ok(()),
        }
    }

    /// Starts it again on the same port, after killing it where it still runs.
    ///
    /// # Errors
    /// As [`Broker::start`].
    pub async fn restart(&mut self) -> Result<(), SimError> {
        self.kill().await?;
        // Debian keeps daemons out of the PATH of ordinary users.
        let in_sbin = Path::new("/usr/sbin/mosquitto");
        let mut command = Command::new(if in_sbin.exists() { in_sbin } else { Path::new("mosquitto") });
        command.arg("-c").arg(&self.configuration);
        let mut mosquitto = Program::start(command, &self.log)?;
        let address = self.address();
        let connects = async || TcpStream::connect(address).await.is_ok();
        mosquitto.wait_until("taking connections", START_LIMIT, connects).await?;
        self.mosquitto = Some(mosquitto);
        Ok(())
    }
}

fn settings(port: u16, credentials: &Credentials) -> String {
    let Credentials { ca, certificate, key, acl } = credentials;
    let [ca, certificate, key, acl] = [ca, certificate, key, acl].map(|path| path.display());
    // "user root" only keeps a mosquitto that root started from changing to a user who may not read the files.
    format!(
        "user root\n\
         persistence false\n\
         log_dest stderr\n\
         log_type all\n\
         set_tcp_nodelay true\n\
         acl_file {acl}\n\
         listener {port} 127.0.0.1\n\
         cafile {ca}\n\
         certfile {certificate}\n\
         keyfile {key}\n\
         require_certificate true\n\
         use_identity_as_username true\n"
    )
}

/// An address on the loopback interface that nobody listens on yet.
pub(super) fn free_address() -> Result<SocketAddr, SimError> {
    let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    bound.and_then(|listener| listener.local_addr()).map_err(SimError::io("seeking a free port"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio_rustls::{
        TlsConnector,
        client::TlsStream,
        rustls::{
            ClientConfig, RootCertStore,
            pki_types::{CertificateDer, PrivateKeyDer, ServerName},
        },
    };

    use super::*;

    #[tokio::test]
    async fn only_a_certificate_opens_the_broker_and_the_access_list_goes_by_its_name() {
        if !Broker::available() {
            println!("skipped: mosquitto is not installed");
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let authority = authority();
        write_credentials(dir.path(), &authority, "user ola\ntopic readwrite ola/#\n");
        let mut broker = Broker::start(dir.path(), &Credentials::in_dir(dir.path())).await.unwrap();

        let mut ola = connect(&broker, &authority, Some("ola")).await.unwrap();
        assert_eq!(subscribe(&mut ola, b"ola/a").await, 0x00);
        publish(&mut ola, b"ola/a").await;
        let mut heard = [0; 9];
        ola.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"\x30\x07\x00\x05ola/a");
        publish(&mut ola, b"kari/").await;
        publish(&mut ola, b"ola/a").await;
        ola.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"\x30\x07\x00\x05ola/a", "what the access list forbids has come through");

        assert!(connect(&broker, &authority, None).await.is_err(), "let in without a certificate");

        let address = broker.address();
        broker.stop().await.unwrap();
        assert!(TcpStream::connect(address).await.is_err());
        broker.restart().await.unwrap();
        assert_eq!(broker.address(), address);
        connect(&broker, &authority, Some("ola")).await.unwrap();
        broker.kill().await.unwrap();
        assert!(TcpStream::connect(address).await.is_err());
    }

    #[tokio::test]
    async fn a_broker_without_its_files_says_so_at_once() {
        if !Broker::available() {
            println!("skipped: mosquitto is not installed");
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let error = Broker::start(dir.path(), &Credentials::in_dir(dir.path())).await.unwrap_err();
        assert!(matches!(error, SimError::Ended { .. }), "{error}");
    }

    type Authority = CertifiedIssuer<'static, KeyPair>;

    fn authority() -> Authority {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "Test authority");
        CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
    }

    fn write_credentials(dir: &Path, authority: &Authority, acl: &str) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".into()]).unwrap();
        let certificate = params.signed_by(&key, authority).unwrap();
        std::fs::write(dir.join("ca.crt"), authority.pem()).unwrap();
        std::fs::write(dir.join("server.crt"), certificate.pem()).unwrap();
        std::fs::write(dir.join("server.key"), key.serialize_pem()).unwrap();
        std::fs::write(dir.join("acl"), acl).unwrap();
    }

    /// TLS and MQTT 3.1.1 up to the broker's CONNACK.
    async fn connect(
        broker: &Broker,
        authority: &Authority,
        name: Option<&str>,
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(authority.der().to_vec())).unwrap();
        let config = ClientConfig::builder().with_root_certificates(roots);
        let config = match name {
            None => config.with_no_client_auth(),
            Some(name) => {
                let key = KeyPair::generate().unwrap();
                let mut params = CertificateParams::default();
                params.distinguished_name.push(DnType::CommonName, name);
                let certificate = params.signed_by(&key, authority).unwrap();
                let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
                config.with_client_auth_cert(vec![certificate.der().clone()], key).unwrap()
            }
        };
        let stream = TcpStream::connect(broker.address()).await?;
        let server = ServerName::try_from("localhost").unwrap();
        let mut stream = TlsConnector::from(Arc::new(config)).connect(server, stream).await?;
        stream.write_all(b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01c").await?;
        let mut connack = [0; 4];
        stream.read_exact(&mut connack).await?;
        assert_eq!(connack, [0x20, 2, 0, 0]);
        Ok(stream)
    }

    /// Subscribes to a topic of five bytes; gives the broker's return code.
    async fn subscribe(stream: &mut TlsStream<TcpStream>, topic: &[u8; 5]) -> u8 {
        stream.write_all(&[b"\x82\x0a\x00\x01\x00\x05".as_slice(), topic, b"\x00"].concat()).await.unwrap();
        let mut suback = [0; 5];
        stream.read_exact(&mut suback).await.unwrap();
        suback[4]
    }

    /// Publishes nothing, at QoS 0, to a topic of five bytes.
    async fn publish(stream: &mut TlsStream<TcpStream>, topic: &[u8; 5]) {
        stream.write_all(&[b"\x30\x07\x00\x05".as_slice(), topic].concat()).await.unwrap();
    }
}
