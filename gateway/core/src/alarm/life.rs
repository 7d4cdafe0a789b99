//! The life of one alarm.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use varde_wire::{AlarmStep, Inhibitor, Instant};

use super::call::Call;
use super::step::Feedback;

/// Without a receipt an alarm is announced again after this ...
pub const FIRST_ANNOUNCEMENTS: Duration = Duration::from_secs(30);

/// ... so many times ...
pub const FIRST_ANNOUNCEMENTS_COUNT: u32 = 16;

/// ... and then, as when it is received and not seen, after this, for ever.
pub const LATER_ANNOUNCEMENTS: Duration = Duration::from_mins(10);

/// An alarm that was seen and never ended is announced again after this: nobody may forget it.
pub const REMINDERS: Duration = Duration::from_hours(6);

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Alarm {
    pub(super) call: Call,
    pub(super) count: u32,
    state: State,
    /// When the state does its next step by itself.
    next: Option<Instant>,
    escalates: Option<Instant>,
    announced: u32,
    /// Receipts and notices count from this announcement on: what came before belongs to an earlier press.
    counts_from: u32,
    cleared: bool,
}

/// Where an alarm is in its life; drawn on the front page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum State {
    /// Held back, and its cause lasts.
    Inhibited,
    /// Can be cancelled where it was raised.
    PreAlarm,
    /// Announced; no receipt yet.
    Sent {
        /// It has been said that it does not get through.
        stuck: bool,
    },
    /// The hub has it.
    Received,
    /// A person has seen it.
    Seen,
    /// Over: to be forgotten.
    Over,
}

/// Steps, in their order.
pub(super) type Steps = Vec<AlarmStep>;

impl Alarm {
    /// A new alarm, and its first steps.
    pub(super) fn raise(call: Call, inhibitor: Option<Inhibitor>, now: Instant) -> (Self, Steps) {
        let mut alarm = Self {
            call,
            count: 1,
            state: State::Inhibited,
            next: None,
            escalates: None,
            announced: 0,
            counts_from: 0,
            cleared: false,
        };
        let Some(inhibitor) = inhibitor else {
            let steps = alarm.begin(now);
            return (alarm, steps);
        };
        if !alarm.call.lasts {
            alarm.state = State::Over;
        }
        (alarm, vec![AlarmStep::Inhibited(inhibitor)])
    }

    pub(super) fn is_over(&self) -> bool {
        self.state == State::Over
    }

    pub(super) fn is_inhibited(&self) -> bool {
        self.state == State::Inhibited
    }

    /// What the person at home is shown of it.
    pub(super) fn feedback(&self) -> Option<Feedback> {
        match self.state {
            State::PreAlarm | State::Sent { stuck: false } => Some(Feedback::Heard),
            State::Sent { stuck: true } => Some(Feedback::NotGettingThrough),
            State::Received => Some(Feedback::Received),
            State::Seen => Some(Feedback::Seen),
            State::Inhibited | State::Over => None,
        }
    }

    /// The same was raised again.
    pub(super) fn raise_again(&mut self, now: Instant) -> Steps {
        self.cleared = false;
        if self.state == State::Inhibited {
            return Steps::new();
        }
        self.count = self.count.saturating_add(1);
        let mut steps = vec![AlarmStep::RaisedAgain];
        if self.state == State::Seen {
            // Somebody saw it, and whoever calls still needs help.
            steps.extend(self.send(now));
        }
        steps
    }

    /// Nothing holds it back any more.
    pub(super) fn release(&mut self, now: Instant) -> Steps {
        if self.state == State::Inhibited { self.begin(now) } else { Steps::new() }
    }

    /// Its cause is gone.
    pub(super) fn clear(&mut self) -> Steps {
        if !self.call.lasts || self.cleared {
            return Steps::new();
        }
        self.cleared = true;
        match self.state {
            State::Inhibited | State::PreAlarm | State::Seen => {
                self.over();
                vec![AlarmStep::Cleared, AlarmStep::Ended]
            }
            State::Sent { .. } | State::Received => vec![AlarmStep::Cleared],
            State::Over => Steps::new(),
        }
    }

    /// Somebody at home cancels it.
    pub(super) fn cancel_at_home(&mut self) -> Steps {
        match self.state {
            State::PreAlarm => {
                self.over();
                vec![AlarmStep::Cancelled]
            }
            State::Sent { .. } | State::Received | State::Seen => vec![AlarmStep::CancelRefused],
            State::Inhibited | State::Over => Steps::new(),
        }
    }

    /// The hub has this announcement. None where it means nothing.
    pub(super) fn receive(&mut self, number: u32, now: Instant) -> Option<Steps> {
        if !(self.counts_from..=self.announced).contains(&number) {
            return None;
        }
        match self.state {
            State::Sent { .. } if self.call.test => {
                self.over();
                Some(vec![AlarmStep::Received, AlarmStep::Ended])
            }
            State::Sent { .. } => {
                self.state = State::Received;
                self.next = Some(now.after(LATER_ANNOUNCEMENTS));
                Some(vec![AlarmStep::Received])
            }
            State::Received | State::Seen => Some(Steps::new()),
            State::Inhibited | State::PreAlarm | State::Over => None,
        }
    }

    /// A person has seen this announcement. None where it means nothing.
    pub(super) fn see(&mut self, number: u32, now: Instant) -> Option<Steps> {
        if !(self.counts_from..=self.announced).contains(&number) {
            return None;
        }
        match self.state {
            State::Sent { .. } | State::Received => {
                self.state = State::Seen;
                self.next = Some(now.after(REMINDERS));
                self.escalates = None;
                if self.cleared || self.call.test {
                    self.over();
                    return Some(vec![AlarmStep::Seen, AlarmStep::Ended]);
                }
                Some(vec![AlarmStep::Seen])
            }
            State::Seen => Some(Steps::new()),
            State::Inhibited | State::PreAlarm | State::Over => None,
        }
    }

    /// A person ends it, or calls it a false alarm.
    pub(super) fn end(&mut self, last: AlarmStep) -> Steps {
        self.over();
        vec![last]
    }

    /// When it does something by itself.
    pub(super) fn due(&self) -> Option<Instant> {
        [self.next, self.escalates].into_iter().flatten().min()
    }

    /// What it does by itself at this moment.
    pub(super) fn pass(&mut self, now: Instant) -> Steps {
        let mut steps = Steps::new();
        if self.escalates.is_some_and(|at| at <= now) {
            self.escalates = None;
            steps.push(AlarmStep::Escalated);
        }
        if self.next.is_some_and(|at| at <= now) {
            match self.state {
                State::PreAlarm => steps.extend(self.send(now)),
                State::Sent { stuck } => {
                    if !stuck {
                        self.state = State::Sent { stuck: true };
                        steps.push(AlarmStep::NotGettingThrough);
                    }
                    steps.push(self.announce(now));
                }
                State::Received | State::Seen => steps.push(self.announce(now)),
                State::Inhibited | State::Over => self.next = None,
            }
        }
        steps
    }

    /// The gateway was off: nobody at home may know that the alarm is still open, and the hub may not either.
    pub(super) fn resume(&mut self, now: Instant) {
        if matches!(self.state, State::Sent { .. } | State::Received) {
            self.next = Some(now);
        }
    }

    fn begin(&mut self, now: Instant) -> Steps {
        let mut steps = vec![AlarmStep::Raised];
        if self.call.pre_alarm.is_zero() {
            steps.extend(self.send(now));
        } else {
            self.state = State::PreAlarm;
            self.next = Some(now.after(self.call.pre_alarm));
            let for_ms = u32::try_from(self.call.pre_alarm.as_millis()).unwrap_or(u32::MAX);
            steps.push(AlarmStep::PreAlarm { for_ms });
        }
        steps
    }

    fn send(&mut self, now: Instant) -> Steps {
        self.state = State::Sent { stuck: false };
        self.escalates = self.call.escalate_after.filter(|_| !self.call.test).map(|wait| now.after(wait));
        self.counts_from = self.announced.saturating_add(1);
        vec![self.announce(now)]
    }

    fn announce(&mut self, now: Instant) -> AlarmStep {
        self.announced = self.announced.saturating_add(1);
        let since_sent = self.announced.saturating_sub(self.counts_from);
        let wait = match self.state {
            State::Sent { .. } if since_sent < FIRST_ANNOUNCEMENTS_COUNT => FIRST_ANNOUNCEMENTS,
            State::Seen => REMINDERS,
            State::Inhibited | State::PreAlarm | State::Sent { .. } | State::Received | State::Over => {
                LATER_ANNOUNCEMENTS
            }
        };
        self.next = Some(now.after(wait));
        AlarmStep::Announced { number: self.announced }
    }

    fn over(&mut self) {
        self.state = State::Over;
        self.next = None;
        self.escalates = None;
    }
}
