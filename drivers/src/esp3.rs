//! EnOcean: battery-free radio senders, heard through a stick that speaks EnOcean Serial Protocol 3.
//!
//! Bytes → [`Frame`] (a packet of the stick) → [`Telegram`] (what went over the air) → a message of the sender's
//! profile (EnOcean Equipment Profiles), one file each.

pub mod d5_00_01;
mod eep;
pub mod f6_02;
mod frame;
mod packet;
mod radio;
mod session;

pub use eep::{Eep, Message};
pub use frame::{Deframer, Frame, MAX_DATA};
pub(crate) use packet::describe;
pub(crate) use radio::RADIO_ERP1;
pub use radio::{BadSenderId, Reception, SenderId, Telegram};
pub(crate) use session::{Esp3Session, Sender};
