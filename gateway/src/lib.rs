//! The daemon on the box in the home, and its command line.
//!
//! A reading's way: [`devices`] hear it, [`intake`] admits and stamps it, the [`store`] seals and commits it,
//! [`dispatch`] sends it over the [`uplink`], by one of the home's [`ways`] out, until the hub's receipt frees it. What
//! the hub asks, [`commands`] carries out, each once; by the [`heartbeat`] it knows that there is somebody to ask. What
//! does not work stands on the [`board`], and [`snapshot`] is the one picture of it all. Decisions are `varde-core`'s,
//! bytes are `varde-drivers`' and `varde-wire`'s; this crate is hands and feet.

pub mod aside;
pub mod belief;
pub mod board;
pub mod chores;
pub mod clock;
pub mod command;
pub mod commands;
pub mod config;
pub mod daemon;
pub mod decode;
pub mod device_link_command;
pub mod devices;
pub mod devices_command;
pub mod diary;
pub mod dispatch;
pub mod entropy;
pub mod fault_reports;
pub mod guarding;
pub mod heartbeat;
pub mod indicator;
pub mod intake;
pub mod integrity;
pub mod lasting;
pub mod log;
pub mod observer;
pub mod rules_command;
pub mod snapshot;
pub mod socket;
pub mod status;
pub mod stopping;
pub mod store;
pub mod tasks;
pub mod uplink;
pub mod vitals;
pub mod watch;
pub mod ways;
