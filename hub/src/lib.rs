//! The receiving end of Varde: verifies what gateways send, opens it, stores it, gives receipts.
//!
//! An [`Arrival`] comes from the broker over one of two links, one a lane ([`serve`]), and waits in memory.
//! One thread takes what waits into a round ([`Intake::begin`], [`Round::take`]): signature, chain and replay
//! are checked before anything is opened. [`Round::commit`] puts the round on the disk, and only then are there
//! answers to give: a receipt never runs ahead of its commit.
//!
//! The other way, [`ask`] stores what a gateway is asked, and [`serve`] sends it until the gateway answers.
//!
//! What gateways came to by themselves is kept as it came, and as it stands: [`list_alarms`] and [`list_troubles`] show
//! what is open, [`give_notice`] tells a gateway what a person says of an alarm.
//! A gateway that is not heard is noticed ([`list_gateways`]): it cannot tell that itself.
//!
//! The keys of it all can be changed while it runs ([`Directory::add_keys`], [`retire_keys`]): each gateway goes over to
//! the new ones when it is told, and the hub signs for it with those that it goes by.
//!
//! What is not believed is refused, kept as evidence and shown.

mod access;
mod alarms;
mod authority;
mod checkpoint;
mod clock;
mod command;
mod commands;
mod directory;
mod embedded;
mod enrol;
mod error;
mod file;
mod filing;
mod init;
mod intake;
mod keys;
mod link;
mod mending;
mod mosquitto;
mod reopening;
mod round;
mod serve;
mod show;
mod silence;
mod store;
mod troubles;
mod verify;
mod waiting;

pub use alarms::{ListAlarms, Notice, Says, give_notice, list_alarms};
pub use command::main;
pub use commands::{Ask, Asked, Follow, ask, list_commands, visit};
pub use directory::Directory;
pub use enrol::{Enrol, Signature, enrol};
pub use error::Error;
pub use init::init;
pub use intake::{Arrival, Intake};
pub use keys::{Keyring, Pair, Retire, list_keys, retire_keys};
pub use link::BrokerAddress;
pub use round::{Answer, Outcome, Round};
pub use serve::{Broker, serve};
pub use show::{Show, show};
pub use silence::{ListGateways, list_gateways};
pub use store::{Cause, Store, StoreError};
pub use troubles::list_troubles;
pub use verify::verify;

/// 32 bytes from the system, wiped when they are dropped.
fn entropy() -> Result<zeroize::Zeroizing<[u8; 32]>, Error> {
    let mut bytes = zeroize::Zeroizing::new([0; 32]);
    getrandom::fill(&mut *bytes).map_err(Error::Entropy)?;
    Ok(bytes)
}
