//! The hub's directory: what is where.

use std::path::PathBuf;

use varde_wire::{OpeningKey, SigningKey};

use crate::{Error, file};

/// A hub's directory.
///
/// | file | what |
/// |---|---|
/// | `ca.crt`, `ca.key` | the authority behind every certificate of this hub |
/// | `client.crt`, `client.key` | the hub's own certificate on the broker, common name `hub` |
/// | `sign.key` | signs receipts and commands |
/// | `open.key` | opens what the gateways sealed |
/// | `broker/` | what mosquitto needs to be the broker |
/// | `hub.db` | gateways, chains, observations, evidence |
#[derive(Clone, Debug)]
pub struct Directory {
    root: PathBuf,
}

/// The hub's two secrets.
pub struct HubKeys {
    /// Signs receipts and commands.
    pub signing: SigningKey,
    /// Opens what the gateways sealed.
    pub opening: OpeningKey,
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

    /// The hub's keys.
    ///
    /// # Errors
    /// Where a file cannot be read or holds something else.
    pub fn keys(&self) -> Result<HubKeys, Error> {
        let bad = |path: PathBuf| move |source| Error::Key { path, source };
        Ok(HubKeys {
            signing: SigningKey::from_text(&file::read(&self.sign_key())?).map_err(bad(self.sign_key()))?,
            opening: OpeningKey::from_text(&file::read(&self.open_key())?).map_err(bad(self.open_key()))?,
        })
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

    pub(crate) fn sign_key(&self) -> PathBuf {
        self.root.join("sign.key")
    }

    pub(crate) fn open_key(&self) -> PathBuf {
        self.root.join("open.key")
    }

    pub(crate) fn broker(&self) -> PathBuf {
        self.root.join("broker")
    }

    /// The database, unless a command names another.
    pub fn database(&self) -> PathBuf {
        self.root.join("hub.db")
    }
}
