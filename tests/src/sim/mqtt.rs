//! A client of the broker that is neither of the two programs: it listens to what passes, or publishes what it
//! should not.
//!
//! MQTT 5 at QoS 0, as far as a listener needs it, and no code shared with the libraries of the programs.

use std::{
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinHandle,
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, RootCertStore,
        pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
    },
};

use super::SimError;

/// Control packets (MQTT 5 §2.1.2), with the flags that they must have.
const CONNECT: u8 = 0x10;
const PUBLISH: u8 = 0x30;
const SUBSCRIBE: u8 = 0x82;

/// A message as the broker gave it out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Message {
    /// Its topic.
    pub topic: String,
    /// Its payload.
    pub payload: Vec<u8>,
}

/// A connection to the broker.
#[derive(Debug)]
pub struct Client {
    stream: TlsStream<TcpStream>,
}

impl Client {
    /// Connects with `ca.crt`, `client.crt` and `client.key` of a folder, as `id`.
    ///
    /// # Errors
    /// When the files cannot be used, or the broker lets nobody in with them.
    pub async fn connect(broker: SocketAddr, folder: &Path, id: &str) -> Result<Self, SimError> {
        let configuration = Arc::new(configuration(folder)?);
        let failed = || SimError::io(format!("connecting to the broker as {id}"));
        let tcp = TcpStream::connect(broker).await.map_err(failed())?;
        tcp.set_nodelay(true).map_err(failed())?;
        let name = ServerName::from(broker.ip());
        let stream = TlsConnector::from(configuration).connect(name, tcp).await.map_err(failed())?;
        let mut client = Self { stream };
        // Version 5, clean start, no keep-alive, no properties (§3.1.2).
        let body = [text("MQTT"), vec![5, 0b10, 0, 0, 0], text(id)].concat();
        client.send(CONNECT, &body).await?;
        let (_, answer) = client.receive().await?;
        match answer.get(1) {
            Some(0) => Ok(client),
            reason => Err(unexpected("the broker's CONNACK", "reason 0", format!("{reason:?}"))),
        }
    }

    /// Publishes, and does not wait for anything.
    ///
    /// # Errors
    /// When the connection is lost.
    pub async fn publish(&mut self, topic: &str, payload: &[u8]) -> Result<(), SimError> {
        self.send(PUBLISH, &[text(topic), vec![0], payload.to_vec()].concat()).await
    }

    /// Keeps what the broker gives out in these topics, from now until it is dropped or the broker goes.
    ///
    /// # Errors
    /// When the broker refuses the subscription.
    pub async fn listen(mut self, filter: &str) -> Result<Listener, SimError> {
        // Packet id 1, no properties, QoS 0 (§3.8).
        self.send(SUBSCRIBE, &[vec![0, 1, 0], text(filter), vec![0]].concat()).await?;
        let (_, answer) = self.receive().await?;
        if answer.last() != Some(&0) {
            return Err(unexpected("the broker's SUBACK", "QoS 0", format!("{answer:?}")));
        }
        let heard = Arc::default();
        let listening = tokio::spawn(keep(self, Arc::clone(&heard)));
        Ok(Listener { heard, listening })
    }

    async fn send(&mut self, kind: u8, body: &[u8]) -> Result<(), SimError> {
        let packet = [vec![kind], length(body.len()), body.to_vec()].concat();
        let sending = async {
            self.stream.write_all(&packet).await?;
            self.stream.flush().await
        };
        sending.await.map_err(SimError::io("writing to the broker"))
    }

    async fn receive(&mut self) -> Result<(u8, Vec<u8>), SimError> {
        let receiving = async {
            let kind = self.stream.read_u8().await?;
            let (mut length, mut shift) = (0_usize, 0);
            loop {
                let byte = self.stream.read_u8().await?;
                length |= usize::from(byte & 0x7F) << shift;
                shift += 7;
                if byte & 0x80 == 0 || shift > 21 {
                    break;
                }
            }
            let mut body = vec![0; length];
            self.stream.read_exact(&mut body).await?;
            Ok((kind, body))
        };
        receiving.await.map_err(SimError::io("reading from the broker"))
    }
}

/// Somebody who writes down everything that the broker gives out.
#[derive(Debug)]
pub struct Listener {
    heard: Arc<Mutex<Vec<Message>>>,
    listening: JoinHandle<()>,
}

impl Listener {
    /// Everything heard so far.
    pub fn heard(&self) -> Vec<Message> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn keep(mut client: Client, heard: Arc<Mutex<Vec<Message>>>) {
    while let Ok((kind, body)) = client.receive().await {
        if kind & 0xF0 == PUBLISH
            && let Some(message) = message(&body)
        {
            heard.lock().unwrap_or_else(PoisonError::into_inner).push(message);
        }
    }
}

/// Topic, properties (skipped), payload: §3.3, without a packet id as at QoS 0.
fn message(body: &[u8]) -> Option<Message> {
    let (length, rest) = body.split_first_chunk()?;
    let (topic, rest) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
    let (properties, rest) = rest.split_first()?;
    // Longer properties than one byte can count are not in use here.
    let payload = rest.get(usize::from(*properties)..)?;
    Some(Message { topic: String::from_utf8(topic.to_vec()).ok()?, payload: payload.to_vec() })
}

/// A UTF-8 string with its length (§1.5.4).
fn text(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    [length.to_be_bytes().as_slice(), text.as_bytes()].concat()
}

/// A variable byte integer (§1.5.5).
fn length(mut length: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(length & 0x7F).unwrap_or_default();
        length >>= 7;
        bytes.push(if length > 0 { low | 0x80 } else { low });
        if length == 0 {
            return bytes;
        }
    }
}

fn configuration(folder: &Path) -> Result<ClientConfig, SimError> {
    let unusable = |what: &str, error: String| {
        SimError::io(format!("using {}", folder.join(what).display()))(std::io::Error::other(error))
    };
    let certificates = |what: &str| {
        CertificateDer::pem_file_iter(folder.join(what))
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| unusable(what, error.to_string()))
    };
    let mut roots = RootCertStore::empty();
    for certificate in certificates("ca.crt")? {
        roots.add(certificate).map_err(|error| unusable("ca.crt", error.to_string()))?;
    }
    let key = PrivateKeyDer::from_pem_file(folder.join("client.key"))
        .map_err(|error| unusable("client.key", error.to_string()))?;
    ClientConfig::builder()
        .with_root_certificates(roots)
        .with_client_auth_cert(certificates("client.crt")?, key)
        .map_err(|error| unusable("client.crt", error.to_string()))
}

fn unexpected(what: &str, expected: &'static str, got: String) -> SimError {
    SimError::Unexpected { what: what.to_owned(), expected, got }
}
