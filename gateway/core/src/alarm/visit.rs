//! Staff in the home: for a limited time, because a visit that nobody ends must not hold alarms back for ever.

use serde::{Deserialize, Serialize};
use varde_wire::{Instant, VisitStep};

/// Staff came, or is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VisitNews {
    /// When.
    pub at: Instant,
    /// Which of it.
    pub step: VisitStep,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct Visit {
    until: Option<Instant>,
}

impl Visit {
    pub(super) fn is_on(&self) -> bool {
        self.until.is_some()
    }

    pub(super) fn begin(&mut self, until: Instant, now: Instant) -> Option<VisitNews> {
        if until <= now {
            return None;
        }
        self.until = Some(until);
        let for_ms = u32::try_from(until.since(now).as_millis()).unwrap_or(u32::MAX);
        Some(VisitNews { at: now, step: VisitStep::Began { for_ms } })
    }

    pub(super) fn end(&mut self, now: Instant) -> Option<VisitNews> {
        self.until.take().map(|_| VisitNews { at: now, step: VisitStep::Ended })
    }

    pub(super) fn due(&self) -> Option<Instant> {
        self.until
    }

    pub(super) fn pass(&mut self, now: Instant) -> Option<VisitNews> {
        self.until.filter(|until| *until <= now)?;
        self.until = None;
        Some(VisitNews { at: now, step: VisitStep::TimeUp })
    }
}
