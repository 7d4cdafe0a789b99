//! Alarms: from the press of a button to the person who has seen it, and never given up before.
//!
//! ```text
//!              held back, and             nothing holds
//!              its cause lasts            it back any more
//!   raised ───► [inhibited] ───────────────────┐
//!     │              └── cleared ──► over      │
//!     ├────────────────────────────────────────┤
//!     │ cancellable here                       │
//!     ▼                                        ▼
//! [pre-alarm] ── its time is up ──────────► [sent] ── receipt ──► [received] ── seen ──► [seen]
//!     │                                      │  ▲                  │               ▲  │   │
//!     ├── cancelled at home ──► over         │  └── raised again ──┼───────────────┼──┘   │
//!     └── cleared ──► over                   └────── seen ─────────┼───────────────┘      │
//!                                                                  ▼                      ▼
//!                           ended or cancelled by a person, from any state: over    cleared: over
//! ```
//!
//! - *inhibited*: staff is in the home, or it is a quiet hour. What was momentary is logged and forgotten.
//! - *pre-alarm*: whoever raised it may have done so by mistake.
//! - *sent*: announced, and again every 30 s, sixteen times, then every 10 min, for ever. The first time that it has to
//!   be said again, the person at home is told that it does not get through.
//! - *received*: the hub has it. Announced every 10 min until a person has seen it. Until then it is also escalated, once,
//!   if that takes too long.
//! - *seen*: announced every 6 h, so that nobody forgets to end it. Raised again, it is *sent* again: somebody saw it,
//!   and help has not come.
//!
//! What is raised again while it is open is the same alarm, counted. A receipt or a notice names the announcement that
//! it is about, so that one for an earlier press ends no later one. A test alarm is over with its receipt.
//!
//! Every step is [`AlarmNews`] to be kept with its time. All instants are life times ([`crate::LifeClock`]); an alarm
//! that is open when the gateway is switched off is announced again as soon as it is back.

mod call;
mod kind;
mod life;
mod step;
mod visit;

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};
use varde_wire::{AlarmKind, AlarmStep, Inhibitor, Instant};

pub use call::{Call, ESCALATION, Inhibit, Source};
pub use kind::{cleared_by, is_never_inhibited, raised_by};
pub use life::{FIRST_ANNOUNCEMENTS, FIRST_ANNOUNCEMENTS_COUNT, LATER_ANNOUNCEMENTS, REMINDERS};
pub use step::{AlarmNews, Feedback};
pub use visit::VisitNews;

use crate::{Now, Window, saved};
use life::{Alarm, Steps};
use visit::Visit;

const VERSION: u8 = 1;

/// What is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// A step of an alarm.
    Alarm(AlarmNews),
    /// Staff came, or is gone.
    Visit(VisitNews),
}

/// Every open alarm of the home.
#[derive(Debug)]
pub struct Alarms {
    quiet_hours: Option<Window>,
    state: State,
    now: Now,
    told: VecDeque<Told>,
    strange: u64,
}

/// What outlives a restart.
#[derive(Debug, Default, Serialize, Deserialize)]
struct State {
    next_id: u64,
    open: BTreeMap<u64, Alarm>,
    visit: Visit,
}

impl Alarms {
    /// None yet.
    pub fn new(quiet_hours: Option<Window>, now: Now) -> Self {
        Self { quiet_hours, state: State::default(), now, told: VecDeque::new(), strange: 0 }
    }

    /// Goes on from a [`Self::snapshot`], or from the beginning where the bytes are none.
    pub fn restore(quiet_hours: Option<Window>, bytes: &[u8], now: Now) -> Self {
        let mut alarms = Self::new(quiet_hours, now);
        alarms.state = saved::read(VERSION, bytes).unwrap_or_default();
        for alarm in alarms.state.open.values_mut() {
            alarm.resume(now.at);
        }
        alarms.handle_timeout(now);
        alarms
    }

    /// What is open, to be saved in the same transaction as what was told: take every output first.
    pub fn snapshot(&self) -> Vec<u8> {
        saved::bytes(VERSION, &self.state)
    }

    /// Something is raised. Gives the alarm that it is, or the open one that it belongs to.
    pub fn handle_raised(&mut self, call: Call, now: Now) -> u64 {
        self.handle_timeout(now);
        let same = |alarm: &Alarm| {
            (&alarm.call.source, alarm.call.kind, alarm.call.test) == (&call.source, call.kind, call.test)
        };
        if let Some(id) = self.state.open.iter().find(|(_, alarm)| same(alarm)).map(|(id, _)| *id) {
            self.step(id, now.at, |alarm| alarm.raise_again(now.at));
            return id;
        }
        let id = self.state.next_id;
        self.state.next_id = id.saturating_add(1);
        let inhibitor = self.inhibitor(&call, now);
        let (alarm, steps) = Alarm::raise(call, inhibitor, now.at);
        self.state.open.insert(id, alarm);
        self.step(id, now.at, |_| steps);
        id
    }

    /// The cause of what this source raised is gone.
    pub fn handle_cleared(&mut self, source: &Source, kind: AlarmKind, now: Now) {
        self.handle_timeout(now);
        self.step_each(now.at, |alarm| {
            let same = alarm.call.source == *source && alarm.call.kind == kind;
            if same { alarm.clear() } else { Steps::new() }
        });
    }

    /// Somebody at home cancels what this source raised.
    pub fn handle_cancelled_at_home(&mut self, source: &Source, now: Now) {
        self.handle_timeout(now);
        self.step_each(now.at, |alarm| {
            if alarm.call.source == *source { alarm.cancel_at_home() } else { Steps::new() }
        });
    }

    /// The hub has this announcement for good.
    pub fn handle_received(&mut self, alarm: u64, number: u32, now: Now) {
        self.handle_timeout(now);
        self.step_if(alarm, now.at, |alarm| alarm.receive(number, now.at));
    }

    /// A person has seen this announcement: a signed notice of the hub.
    pub fn handle_seen(&mut self, alarm: u64, number: u32, now: Now) {
        self.handle_timeout(now);
        self.step_if(alarm, now.at, |alarm| alarm.see(number, now.at));
    }

    /// A person ended it: a signed notice of the hub.
    pub fn handle_ended(&mut self, alarm: u64, now: Now) {
        self.handle_timeout(now);
        self.step_if(alarm, now.at, |alarm| Some(alarm.end(AlarmStep::Ended)));
    }

    /// A person says that it was a false alarm: a signed notice of the hub.
    pub fn handle_false_alarm(&mut self, alarm: u64, now: Now) {
        self.handle_timeout(now);
        self.step_if(alarm, now.at, |alarm| Some(alarm.end(AlarmStep::Cancelled)));
    }

    /// Staff is in the home until then, at the most.
    pub fn handle_visit(&mut self, until: Instant, now: Now) {
        self.handle_timeout(now);
        self.told.extend(self.state.visit.begin(until, now.at).map(Told::Visit));
    }

    /// Staff is gone.
    pub fn handle_visit_over(&mut self, now: Now) {
        self.handle_timeout(now);
        self.told.extend(self.state.visit.end(now.at).map(Told::Visit));
        self.release(now);
    }

    /// Time has passed, or the clock on the wall was changed. What became due is told in the order in which it did,
    /// however late this is called.
    pub fn handle_timeout(&mut self, now: Now) {
        while let Some(due) = self.due(self.now).filter(|due| *due <= now.at) {
            let due = self.now.at(due.max(self.now.at));
            self.now = due;
            self.told.extend(self.state.visit.pass(due.at).map(Told::Visit));
            self.step_each(due.at, |alarm| alarm.pass(due.at));
            self.release(due);
        }
        self.now = now;
        self.release(now);
    }

    /// When [`Self::handle_timeout`] is due, if the clock is not changed before.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.due(self.now)
    }

    /// What is to be told, in its order.
    pub fn poll_output(&mut self) -> Option<Told> {
        self.told.pop_front()
    }

    /// How many alarms are open, those held back included.
    pub fn open(&self) -> usize {
        self.state.open.len()
    }

    /// What the person at home is shown of each open alarm, and who raised it.
    pub fn feedback(&self) -> impl Iterator<Item = (&Source, Feedback)> {
        let open = self.state.open.values();
        open.filter_map(|alarm| Some((&alarm.call.source, alarm.feedback()?)))
    }

    /// Whether staff is in the home.
    pub fn is_visited(&self) -> bool {
        self.state.visit.is_on()
    }

    /// How often a receipt or notice came for what is not open, or not yet sent.
    pub fn strange(&self) -> u64 {
        self.strange
    }

    fn due(&self, now: Now) -> Option<Instant> {
        let quiet_ends = match (&self.quiet_hours, now.home) {
            (Some(window), Some(clock)) if self.state.open.values().any(Alarm::is_inhibited) => {
                window.next_edge(&clock).map(|wall| now.instant(&clock, wall))
            }
            _ => None,
        };
        let alarms = self.state.open.values().filter_map(Alarm::due);
        alarms.chain(quiet_ends).chain(self.state.visit.due()).min()
    }

    /// What holds this back now. A clock that is not set makes no quiet hours.
    fn inhibitor(&self, call: &Call, now: Now) -> Option<Inhibitor> {
        if call.test || is_never_inhibited(call.kind) {
            return None;
        }
        let is_quiet = match (&self.quiet_hours, now.home) {
            (Some(window), Some(clock)) => window.is_open(&clock),
            _ => false,
        };
        if call.inhibit.visit && self.state.visit.is_on() {
            Some(Inhibitor::Visit)
        } else {
            (call.inhibit.quiet_hours && is_quiet).then_some(Inhibitor::QuietHours)
        }
    }

    /// Raises what nothing holds back any more.
    fn release(&mut self, now: Now) {
        let held = self.state.open.iter().filter(|(_, alarm)| alarm.is_inhibited());
        let free = held.filter(|(_, alarm)| self.inhibitor(&alarm.call, now).is_none());
        let free: Vec<u64> = free.map(|(id, _)| *id).collect();
        for id in free {
            self.step(id, now.at, |alarm| alarm.release(now.at));
        }
    }

    fn step_each(&mut self, at: Instant, mut step: impl FnMut(&mut Alarm) -> Steps) {
        let ids: Vec<u64> = self.state.open.keys().copied().collect();
        for id in ids {
            self.step(id, at, &mut step);
        }
    }

    fn step_if(&mut self, id: u64, at: Instant, step: impl FnOnce(&mut Alarm) -> Option<Steps>) {
        let mut known = false;
        self.step(id, at, |alarm| {
            let steps = step(alarm);
            known = steps.is_some();
            steps.unwrap_or_default()
        });
        if !known {
            self.strange = self.strange.saturating_add(1);
        }
    }

    /// Tells the steps of an alarm, and forgets it where it is over.
    fn step(&mut self, id: u64, at: Instant, step: impl FnOnce(&mut Alarm) -> Steps) {
        let Some(alarm) = self.state.open.get_mut(&id) else { return };
        for step in step(alarm) {
            let (call, count) = (alarm.call.clone(), alarm.count);
            self.told.push_back(Told::Alarm(AlarmNews { at, alarm: id, call, count, step }));
        }
        if alarm.is_over() {
            self.state.open.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests;
