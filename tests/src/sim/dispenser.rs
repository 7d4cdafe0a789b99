//! A medicine dispenser on a serial line, built on the device link's own crate as a maker's would be.
//!
//! [`Machine`] is the dispenser without its line: given time and bytes, it acts. [`Dispenser`] is one in a port of the
//! gateway, on a clock of its own. What it must not forget lies in a [`Flash`], byte by byte.

mod defect;
mod flash;
mod line;
mod machine;
mod person;

pub use defect::Defect;
pub use flash::Flash;
pub use line::{Dispenser, Injury};
pub use machine::Machine;
pub use person::{Habit, Person};
