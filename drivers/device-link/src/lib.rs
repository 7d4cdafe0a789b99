//! The link between a gateway in a home and a dispenser, panel or alarm: an open protocol, both of its ends.
//!
//! `docs/device-link.md` describes every byte. This crate is that document in code, for the gateway and for a maker's
//! firmware alike: no `std`, no allocation, no clock, no input or output of its own.
//!
//! | layer | here | what it does |
//! |---|---|---|
//! | frame | [`encode_frame`], [`Deframer`] | COBS between zeros, CRC-32 |
//! | message | [`Packet`] | postcard behind a byte of direction and version |
//! | session | [`DeviceEnd`], [`GatewayEnd`] | greeting, acknowledgement, repetition, exactly once |
//! | plan | [`Plan`], [`PlanDraft`] | a dosing plan that takes effect all or nothing |
//! | schedule | [`DoseWatch`], [`Zone`] | when a dose is due, and when it is not confirmed |
//!
//! Both ends are state machines. The caller tells one what came ([`DeviceEnd::handle_input`]) and that time passed
//! ([`DeviceEnd::handle_timeout`]), then does what it says.
//!
//! **The drain rule.** After each `handle_*` call, and after each call that gives an end something to say, take from
//! `poll_output` until it gives `None`, then ask `poll_timeout` anew. `handle_input` stops behind the first frame and
//! says how many bytes it took: drain, then give it the rest.

#![no_std]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, reason = "a test that overflows fails"))]

#[cfg(test)]
extern crate std;

mod checksum;
mod clock;
mod device;
mod event;
mod frame;
mod gateway;
mod identity;
mod message;
mod plan;
mod request;
mod schedule;
mod state;
mod time;

pub use clock::{ClockSetting, Day, LocalMinute, Zone, ZoneChange};
pub use device::{DeviceEnd, DeviceOutput, KeptEvents, Memory};
pub use event::{DoseRef, Event, How, Portion, What};
pub use frame::{Deframer, Frame, FrameFault, MAX_BODY, MAX_FRAME, encode_frame};
pub use gateway::{GatewayEnd, GatewayOutput, Remembered};
pub use identity::{About, Capabilities, Identity, Words};
pub use message::{Direction, Garbled, Greeting, Packet, PacketFault, ToDevice, ToGateway, VERSION};
pub use plan::{BadPlan, Dose, MAX_DOSES, PART_DOSES, Plan, PlanCopy, PlanDraft, PlanHead, PlanPart};
pub use request::{Answer, Answered, Indicator, MessageText, Refusal, Request};
pub use schedule::{DoseWatch, Due, Watched};
pub use state::{Faults, Level, State};
pub use time::{DeviceTime, Instant};

/// How many events a device may have on their way without an acknowledgement.
pub const WINDOW: u32 = 8;

/// How long each end waits for an answer before it says the same again.
pub const RETRY_MS: u64 = 1_000;

/// How long each end is silent at most.
pub const HEARTBEAT_MS: u64 = 10_000;

/// How long the other end may be silent before it counts as gone.
pub const GONE_MS: u64 = 30_000;

/// How long the gateway waits between two greetings, and a device between two requests for one.
pub const GREETING_MS: u64 = 2_000;
