//! The pairs, on the disk and in memory.

use std::path::{Path, PathBuf};
use std::{fs, io};

use varde_wire::{BadKey, HubKeys, KeyId, OpeningKey, SigningKey};

use crate::file::Readers;
use crate::{Error, entropy, file};

const SIGN: &str = "sign.key";
const OPEN: &str = "open.key";
/// Behind the number of a pair that is being destroyed.
const RETIRED: &str = ".retired";

/// One pair. Its directory is named after its number.
#[derive(Clone, Debug)]
pub struct Pair {
    number: u32,
    /// Signs receipts and commands.
    pub signing: SigningKey,
    /// Opens what gateways sealed.
    pub opening: OpeningKey,
}

impl Pair {
    /// Its number: a later pair has a greater one.
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// What it is known by to gateways: the id of its verifying key.
    pub fn id(&self) -> KeyId {
        self.signing.verifying_key().id()
    }

    /// What gateways get of it.
    pub fn public(&self) -> HubKeys {
        HubKeys { verifying: self.signing.verifying_key(), sealing: self.opening.sealing_key() }
    }

    fn read(directory: &Path, number: u32) -> Result<Self, Error> {
        let bad = |path: &Path| {
            let path = path.to_owned();
            move |source: BadKey| Error::Key { path, source }
        };
        let (sign, open) = (directory.join(SIGN), directory.join(OPEN));
        Ok(Self {
            number,
            signing: SigningKey::from_text(&file::read(&sign)?).map_err(bad(&sign))?,
            opening: OpeningKey::from_text(&file::read(&open)?).map_err(bad(&open))?,
        })
    }
}

/// Every pair that a hub holds: at least one.
#[derive(Clone, Debug)]
pub struct Keyring {
    /// In the order of their numbers.
    earlier: Vec<Pair>,
    newest: Pair,
}

impl Keyring {
    /// The pairs of this directory.
    ///
    /// # Errors
    /// Where a file cannot be read or holds something else, or there is no pair.
    pub(crate) fn read(directory: &Path) -> Result<Self, Error> {
        let pairs = numbers(directory)?.into_iter();
        let pairs = pairs.map(|number| Pair::read(&place(directory, number), number));
        let mut earlier = pairs.collect::<Result<Vec<_>, _>>()?;
        let newest = earlier.pop().ok_or_else(|| Error::NoKeys(directory.to_owned()))?;
        Ok(Self { earlier, newest })
    }

    /// Whether these are the pairs that stand in the directory.
    pub(crate) fn is_of(&self, directory: &Path) -> Result<bool, Error> {
        Ok(numbers(directory)?.into_iter().eq(self.pairs().map(Pair::number)))
    }

    /// The pairs, in the order of their numbers.
    pub fn pairs(&self) -> impl Iterator<Item = &Pair> {
        self.earlier.iter().chain([&self.newest])
    }

    /// The pair that gateways get which are enrolled now, or told to change.
    pub const fn newest(&self) -> &Pair {
        &self.newest
    }

    /// The pair that a gateway goes by which says so; of one that never could, the first there was. None where the hub does
    /// not hold it.
    pub fn of(&self, key: Option<KeyId>) -> Option<&Pair> {
        self.pairs().find(|pair| key.map_or(pair.number == 1, |key| pair.id() == key))
    }

    /// What opens what gateways sealed.
    pub(crate) fn opening(&self) -> Vec<&OpeningKey> {
        self.pairs().map(|pair| &pair.opening).collect()
    }
}

/// Makes a pair that comes behind those of this directory, and gives its number. It is there whole or not at all.
///
/// # Errors
/// Where a file cannot be written, or the system gives no random bytes.
pub(crate) fn add(directory: &Path) -> Result<u32, Error> {
    file::directory(directory)?;
    let number = numbers(directory)?.last().map_or(1, |last| last.saturating_add(1));
    let unfinished = directory.join(format!("{number}.new"));
    file::directory(&unfinished)?;
    file::write(&unfinished.join(SIGN), &SigningKey::ed25519(&*entropy()?).to_text(), Readers::Owner)?;
    file::write(&unfinished.join(OPEN), &OpeningKey::derive(&*entropy()?).to_text(), Readers::Owner)?;
    file::sync_directory(&unfinished)?;
    let path = place(directory, number);
    fs::rename(&unfinished, &path).map_err(|source| Error::File { doing: "write", path, source })?;
    file::sync_directory(directory)?;
    Ok(number)
}

/// Destroys a pair.
///
/// # Errors
/// Where its files cannot be removed.
pub(super) fn destroy(directory: &Path, number: u32) -> Result<(), Error> {
    let path = place(directory, number);
    sweep(directory)?;
    // Whole or not at all: half a pair would keep the hub from starting.
    let renamed = fs::rename(&path, directory.join(format!("{number}{RETIRED}")));
    renamed.map_err(|source| Error::File { doing: "remove", path, source })?;
    file::sync_directory(directory)?;
    sweep(directory)
}

/// Removes what a power cut left of pairs that were being destroyed.
///
/// # Errors
/// Where their files cannot be removed.
pub(super) fn sweep(directory: &Path) -> Result<(), Error> {
    for name in names(directory)?.iter().filter(|name| name.ends_with(RETIRED)) {
        let path = directory.join(name);
        fs::remove_dir_all(&path).map_err(|source| Error::File { doing: "remove", path, source })?;
    }
    file::sync_directory(directory)
}

fn place(directory: &Path, number: u32) -> PathBuf {
    directory.join(number.to_string())
}

/// The numbers of the pairs in this directory, rising. What is no number, as we write it, is no pair.
fn numbers(directory: &Path) -> Result<Vec<u32>, Error> {
    let number = |name: &String| name.parse::<u32>().ok().filter(|number| number.to_string() == *name);
    let mut numbers: Vec<_> = names(directory)?.iter().filter_map(number).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// What stands in this directory; nothing where there is none.
fn names(directory: &Path) -> Result<Vec<String>, Error> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.and_then(Iterator::collect::<io::Result<Vec<_>>>),
    };
    let entries =
        entries.map_err(|source| Error::File { doing: "read", path: directory.to_owned(), source })?;
    Ok(entries.iter().filter_map(|entry| entry.file_name().into_string().ok()).collect())
}
