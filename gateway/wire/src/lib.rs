//! What goes over the air between the gateway in the home and the hub.
//!
//! A device's reading becomes an [`Observation`]; stamped with its time it is a [`Record`]; sealed to the
//! hub's key it is an entry ([`Sealed`]) with a place in a lane; a run of entries is a [`Batch`]; signed,
//! a [`SignedBatch`], whose exact bytes every retry sends. The hub turns those into a [`VerifiedBatch`],
//! asks [`Chain`] whether it follows, opens the entries ([`OpeningEpoch`]) and answers with a
//! [`SignedReceipt`]. The way back is a [`SignedCommand`], whose
//! [`Outcome`] comes like an observation. A [`SignedHeartbeat`] says at intervals that the gateway lives.
//!
//! The crate is pure: it reads no clock, no file and no random source. Time and entropy come in as
//! arguments. It never panics, whatever bytes it is given, and never allocates by a length that they claim.
//!
//! `docs/wire-format.md` describes every byte; `tests/versions/` holds the golden ones.

mod action;
mod alarm;
mod batch;
mod chain;
mod command;
mod context;
mod decimal;
mod envelope;
mod event;
mod heartbeat;
mod ids;
mod key;
mod metric;
mod observation;
mod outcome;
mod plan;
mod receipt;
mod record;
mod report;
mod seal;
mod sign;
mod supervision;
mod text;
mod time;
mod topic;
mod unit;

pub use action::{Action, AlarmNotice, HubKeys, Indication, RosterChange};
pub use alarm::{AlarmKind, AlarmReport, AlarmSource, AlarmStep, Inhibitor, Severity};
pub use batch::{
    Batch, Hash, MAX_BATCH_BYTES, MAX_BATCH_ENTRIES, OpenError, Opened, SignedBatch, Unlocked, VerifiedBatch,
};
pub use chain::{Chain, Following, WINDOW};
pub use command::{Command, SignedCommand, VerifiedCommand};
pub use context::Context;
pub use decimal::Decimal;
pub use envelope::DecodeError;
pub use event::Event;
pub use heartbeat::{Backlog, GoesBy, HEARTBEAT_EVERY_S, Heartbeat, LifeState, SignedHeartbeat};
pub use ids::{BadId, BootId, ChainId, DeviceId, GatewayId, Lane, PersonId};
pub use key::{BadKey, KeyId, OpeningKey, SealingKey, SigningKey, VerifyingKey};
pub use metric::Metric;
pub use observation::{Absence, Flags, Group, Observation, Value};
pub use outcome::{Cause, Outcome, Stage};
pub use plan::{Date, Dose, DosingPlan, MAX_DOSES, Weekdays};
pub use receipt::{Receipt, Refusal, SignedReceipt, Verdict};
pub use record::{Anchor, Content, Gap, GapReason, MAX_RECORD_BYTES, Record};
pub use report::{About, CountReport, Hindrance, Report, RuleReport, VisitStep};
pub use seal::{EPOCH_LIMIT, Encapsulation, OpeningEpoch, SealError, Sealed, SealingEpoch};
pub use sign::VerifyError;
pub use supervision::{Change, Origin, Phase, SupervisionReport, Trouble, TroubleEdge};
pub use text::{BoundedText, TextTooLong};
pub use time::{Instant, LocalTime, Stamp, Trust, WallTime};
pub use topic::{HEARTBEAT_FILTER, STATUS_FILTER, Topic, filter_for_hub};
pub use unit::Unit;
