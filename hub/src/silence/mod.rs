//! Noticing that a gateway is not heard: the one fault that it cannot tell itself.
//!
//! - [`judge`]: who is silent, decided
//! - [`watch`]: the thread of `serve` that hears signs of life, and keeps and tells what is decided
//! - [`list`]: `varde-hub gateways`, for operators and for programs that wake them

mod judge;
mod list;
mod watch;

pub use list::{ListGateways, list_gateways};
pub(crate) use watch::{FRESH_MS, Sign, Signs, Watch, signs};
