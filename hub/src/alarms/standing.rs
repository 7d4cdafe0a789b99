//! How an alarm stands: made of the last telling of each of its steps, so that the order in which they came is no matter.

use varde_wire::{AlarmStep, Inhibitor};

use crate::store::{StepTold, StoredAlarm, Told};

/// How an alarm stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) state: State,
    /// Nobody has seen it for too long.
    pub(super) is_escalated: bool,
    /// Its cause is gone.
    pub(super) is_cleared: bool,
    /// Somebody at home wanted to cancel it.
    pub(super) is_unwanted: bool,
}

/// How far an alarm came, as the hub knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Something holds it back: nobody has to do anything yet.
    HeldBack(Inhibitor),
    /// It was raised, and no more is known.
    Raised,
    /// It can be cancelled at home.
    PreAlarm,
    /// Somebody has to see it.
    Unseen,
    /// Somebody has, and deals with it.
    Seen,
    /// A person closed it here, without its gateway.
    Closed,
    /// It was cancelled at home, or false.
    Cancelled,
    /// It is over.
    Ended,
}

impl Standing {
    /// How this alarm stands.
    pub(super) fn of(alarm: &StoredAlarm) -> Self {
        let last = |such: fn(&AlarmStep) -> bool| last(&alarm.steps, such);
        let raised_again = last(|step| matches!(step, AlarmStep::RaisedAgain));
        let seen = last(|step| matches!(step, AlarmStep::Seen)).filter(|seen| is_newest(seen, raised_again));
        let escalated = last(|step| matches!(step, AlarmStep::Escalated));
        let cleared = last(|step| matches!(step, AlarmStep::Cleared));
        let unwanted = last(|step| matches!(step, AlarmStep::CancelRefused));
        Self {
            state: state(alarm, seen.is_some()),
            is_escalated: escalated.is_some() && seen.is_none(),
            is_cleared: cleared.is_some_and(|cleared| is_newest(cleared, raised_again)),
            is_unwanted: unwanted.is_some_and(|unwanted| is_newest(unwanted, raised_again)),
        }
    }

    /// The same as people say it.
    pub(super) fn in_words(self) -> String {
        let mut words = match self.state {
            State::HeldBack(Inhibitor::Visit) => "held back: staff is in the home",
            State::HeldBack(Inhibitor::QuietHours) => "held back: it is a quiet hour",
            State::Raised => "raised",
            State::PreAlarm => "can still be cancelled at home",
            State::Unseen => "nobody has seen it",
            State::Seen => "seen",
            State::Closed => "closed here",
            State::Cancelled => "cancelled",
            State::Ended => "ended",
        }
        .to_owned();
        if self.state.is_open() {
            let more = [
                (self.is_escalated, ", escalated"),
                (self.is_cleared, ", its cause is gone"),
                (self.is_unwanted, ", somebody at home wants it cancelled"),
            ];
            words.extend(more.iter().filter(|(holds, _)| *holds).map(|(_, word)| *word));
        }
        words
    }
}

impl State {
    /// The word for programs.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::HeldBack(_) => "held-back",
            Self::Raised => "raised",
            Self::PreAlarm => "pre-alarm",
            Self::Unseen => "unseen",
            Self::Seen => "seen",
            Self::Closed => "closed",
            Self::Cancelled => "cancelled",
            Self::Ended => "ended",
        }
    }

    /// Whether somebody has to think of it.
    pub(super) const fn is_open(self) -> bool {
        matches!(self, Self::Raised | Self::PreAlarm | Self::Unseen | Self::Seen)
    }
}

fn state(alarm: &StoredAlarm, is_seen: bool) -> State {
    let knows = |such: fn(&AlarmStep) -> bool| alarm.steps.iter().any(|told| such(&told.report.step));
    let inhibited = alarm.steps.iter().find_map(|told| {
        if let AlarmStep::Inhibited(inhibitor) = told.report.step { Some(inhibitor) } else { None }
    });
    if knows(|step| matches!(step, AlarmStep::Ended)) {
        State::Ended
    } else if knows(|step| matches!(step, AlarmStep::Cancelled)) {
        State::Cancelled
    } else if alarm.closed.is_some() {
        State::Closed
    } else if is_seen {
        State::Seen
    } else if knows(|step| matches!(step, AlarmStep::Announced { .. })) {
        State::Unseen
    } else if knows(|step| matches!(step, AlarmStep::PreAlarm { .. })) {
        State::PreAlarm
    } else if knows(|step| matches!(step, AlarmStep::Raised)) {
        State::Raised
    } else {
        // Where nothing else is known a hub lost its memory: better one alarm too many in the list than one too few.
        inhibited.map_or(State::Unseen, State::HeldBack)
    }
}

fn last(steps: &[StepTold], such: fn(&AlarmStep) -> bool) -> Option<&Told> {
    steps.iter().find(|step| such(&step.report.step)).map(|step| &step.told)
}

/// Whether it was told after the other, or the other never.
fn is_newest(told: &Told, other: Option<&Told>) -> bool {
    other.is_none_or(|other| told.is_after(other))
}
