//! The alarms that gateways told of, and what people say of them.
//!
//! - [`list`]: those that are open, or all
//! - [`standing`]: how one stands, in words
//! - [`notice`]: seen, ended, a false alarm: told to its gateway, signed

mod list;
mod notice;
mod standing;

pub use list::{ListAlarms, list_alarms};
pub use notice::{Notice, Says, give_notice};
