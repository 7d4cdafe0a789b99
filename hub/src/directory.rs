//! The hub's directory: what is where.

use std::path::PathBuf;

use crate::{Error, Keyring, keys};

/// A hub's directory.
///
/// | file | what |
/// |---|---|
/// | `ca.crt`, `ca.key` | the authority behind every certificate of this hub |
/// | `client.crt`, `client.key` | the hub's own certificate on the broker, common name `hub` |
/// | `keys/N/sign.key` | signs receipts and commands |
/// | `keys/N/open.key` | opens what the gateways sealed |
/// | `broker/` | what mosquitto needs to be the broker |
/// | `hub.db` | gateways, chains, observations, evidence |
#[derive(Clone, Debug)]
pub struct Directory {
    root: PathBuf,
}

impl Directory {
    /// The directory of a hub, or one that is to become that.
    pub(crate) fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The directory of a hub that exists.
    ///
    /// # Errors
    /// [`Error::NoHub`] where there is none.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, Error> {
        let directory = Self::at(root);
        if directory.holds_a_hub() { Ok(directory) } else { Err(Error::NoHub(directory.root)) }
    }

    /// Whether there is a hub. Its authority's key is written last.
    pub(crate) fn holds_a_hub(&self) -> bool {
        self.ca_key().exists()
    }

    /// The hub's pairs of keys.
    ///
    /// # Errors
    /// Where a file cannot be read or holds something else, or there is no pair.
    pub fn keys(&self) -> Result<Keyring, Error> {
        Keyring::read(&self.key_pairs())
    }

    /// Whether these are the pairs of keys that stand there.
    ///
    /// # Errors
    /// Where the directory cannot be read.
    pub(crate) fn holds(&self, keys: &Keyring) -> Result<bool, Error> {
        keys.is_of(&self.key_pairs())
    }

    /// Makes a pair of keys behind those that there are, and gives its number. Gateways that are enrolled get it from now
    /// on; the others go on with theirs until they are told.
    ///
    /// # Errors
    /// Where a file cannot be written, or the system gives no random bytes.
    pub fn add_keys(&self) -> Result<u32, Error> {
        keys::add(&self.key_pairs())
    }

    pub(crate) fn ca_crt(&self) -> PathBuf {
        self.root.join("ca.crt")
    }

    pub(crate) fn ca_key(&self) -> PathBuf {
        self.root.join("ca.key")
    }

    pub(crate) fn client_crt(&self) -> PathBuf {
        self.root.join("client.crt")
    }

    pub(crate) fn client_key(&self) -> PathBuf {
        self.root.join("client.key")
    }

    pub(crate) fn key_pairs(&self) -> PathBuf {
        self.root.join("keys")
    }

    pub(crate) fn broker(&self) -> PathBuf {
        self.root.join("broker")
    }

    /// The database, unless a command names another.
    pub fn database(&self) -> PathBuf {
        self.root.join("hub.db")
    }
}
