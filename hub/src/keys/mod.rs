//! The hub's pairs of keys: made, told to gateways, and given up.
//!
//! A gateway goes by one pair, and says in its heartbeats which. While a change is under way the hub holds several: it
//! signs for each gateway with the one that it goes by, and opens with all.
//!
//! - [`ring`]: the pairs, on the disk and in memory
//! - [`holders`]: which gateways go by which
//! - [`list`]: that, shown
//! - [`retire`]: a pair that nobody needs any more

mod holders;
mod list;
mod retire;
mod ring;

pub use list::list_keys;
pub use retire::{Retire, retire_keys};
pub(crate) use ring::add;
pub use ring::{Keyring, Pair};
