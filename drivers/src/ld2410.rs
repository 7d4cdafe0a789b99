//! Hi-Link's LD2410 presence radars (also B, C and S) on a serial line.
//!
//! Layouts are those of Hi-Link's serial communication protocol V1.02 for the LD2410. Frames have a header, a length, a
//! tail within the data and a footer, but no checksum: bytes that are changed within a frame's numbers are not noticed.
//!
//! Bytes → [`Frame`] → [`Report`], ten a second → [`Presence`], which tells only what changes: somebody came, moves,
//! moves no more, left. Distances and energies are shown by `varde decode` and never passed on.

mod command;
mod frame;
mod presence;
mod report;
mod session;

pub use frame::{Deframer, Frame};
pub use presence::{Holds, Presence};
pub use report::{Engineering, Report, Target};
pub(crate) use session::Ld2410Session;
