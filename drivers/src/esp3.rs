//! EnOcean: battery-free radio senders, heard through a stick that speaks EnOcean Serial Protocol 3.
//!
//! Bytes → [`Frame`] (a packet of the stick) → [`Telegram`] (what went over the air) → a [`Message`] of the sender's
//! profile ([`Eep`]: EnOcean Equipment Profiles), or a [`TeachIn`].
//!
//! What a device says again is passed on as in [`advert`](crate::advert): states when they change, numbers when they
//! change and at most once a minute, what happened each time. One telegram counts once, however many repeaters it came
//! through. Every telegram of a sender in the roster is a sign of life.

mod eep;
mod frame;
mod packet;
mod radio;
mod repeats;
mod session;
mod stick;
mod teach_in;
mod teach_window;

pub use eep::{Eep, Message};
pub use frame::{Deframer, Frame, MAX_DATA};
pub(crate) use packet::describe;
pub(crate) use radio::RADIO_ERP1;
pub use radio::{BadSenderId, Reception, SenderId, Telegram};
pub(crate) use session::{Esp3Session, Sender};
pub use teach_in::{ProfileNumber, TeachIn, TeachInMethod, Universal, UniversalAnswer, UniversalRequest};
pub use teach_window::{Offer, TeachOutput, TeachWindow};
