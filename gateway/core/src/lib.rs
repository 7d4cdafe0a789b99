//! Every decision of the gateway, without its hands: nothing here reads a clock, draws a random number, opens a
//! file or sends a byte. Time and entropy come in as arguments, decisions go out as values.
//!
//! The verbs are the same everywhere. `handle_*(.., now)` tells of something that happened; afterwards
//! `poll_output()` is called until it gives nothing more, and `poll_timeout()` says when `handle_timeout(now)`
//! is due. An event that makes no sense in a state is counted, never asserted.
//!
//! - [`Admission`]: what a device said becomes what is kept: repeats dropped, the implausible flagged, the lane chosen
//! - [`Delivery`]: one lane's way out: what to send, when to send it again, what a receipt frees
//! - [`Paths`]: which of several ways out is in use, when another is tried, when the preferred one is gone back to
//! - [`CommandLedger`]: which commands of the hub are carried out, each once
//! - [`Allowance`]: how often something may be done that others can cause
//! - [`Backoff`]: how long to wait before trying again
//! - [`ClockTrust`]: what a wall time is worth, and when an anchor must be left
//! - [`RadioLadder`]: what is done for a radio that fails, or hears nothing
//! - [`FaultWatch`]: which faults last long enough to be told, each once, each with its restored twin
//! - [`Vitals`]: what the gateway tells of its own disk, memory, supply, clock, certificate and program
//! - [`Pulse`]: when a heartbeat is due, and how it is told from a recording
//! - [`LifeClock`]: one line of time through every restart
//! - [`Guard`]: the three that follow, as one: what a home's observations come to
//! - [`Supervision`]: which devices are missing, empty, without mains, tampered with; many at once are one story
//! - [`Rules`]: what did not happen in the home that should have
//! - [`Alarms`]: from the press of a button to the person who has seen it
//! - [`Forwarding`]: what of a device's words leaves the home

#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "a test that overflows fails, as it should"
    )
)]

mod admission;
pub mod alarm;
mod allowance;
mod backoff;
mod clock_trust;
mod command_ledger;
mod delivery;
mod fault_watch;
pub mod forwarding;
pub mod guard;
mod held;
mod home_clock;
mod life_clock;
mod pace;
pub mod paths;
mod plausible;
mod pulse;
mod radio_ladder;
pub mod rules;
mod saved;
pub mod supervision;
pub mod vitals;

pub use admission::{Admission, Admitted, REPEAT_WINDOW};
pub use alarm::Alarms;
pub use allowance::Allowance;
pub use backoff::Backoff;
pub use clock_trust::{ClockReading, ClockTrust};
pub use command_ledger::{Claim, CommandLedger, KEPT_COMMANDS, Ruling};
pub use delivery::{Delivery, Dispatch, Output};
pub use fault_watch::{FaultChange, FaultWatch};
pub use forwarding::Forwarding;
pub use guard::Guard;
pub use home_clock::{BadTimeOfDay, HomeClock, Now, TimeOfDay, Weekdays, Window};
pub use life_clock::LifeClock;
pub use paths::Paths;
pub use pulse::{Beat, Pulse};
pub use radio_ladder::{RadioCare, RadioLadder, Rung};
pub use rules::Rules;
pub use supervision::Supervision;
pub use vitals::Vitals;
