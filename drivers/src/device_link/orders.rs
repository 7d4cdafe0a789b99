//! The hub's orders on their way to the device: one at a time, in the order in which they came.

use std::collections::VecDeque;
use std::time::Duration;

use varde_device_link as link;
use varde_device_link::{Answer, MessageText, Plan, Refusal};
use varde_wire::{Action, Cause, Indication, Instant, Outcome, Stage};

use super::plan::plan;
use crate::{Order, OrderRefused};

/// How many orders wait at most.
const MOST: usize = 8;

/// How long an order waits for the device to be there, and for its answer.
const PATIENCE: Duration = Duration::from_mins(1);

/// How often a plan is sent anew when the device lost what was prepared.
const TRIES: u8 = 3;

/// The orders that are taken on.
#[derive(Debug, Default)]
pub(super) struct Orders {
    queue: VecDeque<Taken>,
}

#[derive(Debug)]
struct Taken {
    order: Order,
    task: Task,
    /// When it was taken on, or last came further.
    since: Instant,
    /// Whether the device was asked since.
    is_asked: bool,
    /// Whether the device was asked before: on a line that has ended, or in another life of the gateway.
    was_asked: bool,
}

#[derive(Debug)]
enum Task {
    /// One request.
    Single(Box<link::Request>),
    /// A plan, in as many requests as it has parts and two.
    Plan { plan: Box<Plan>, step: u8, tries: u8 },
}

/// What an answer, or none, made of the first order.
pub(super) struct Turn {
    /// What is told of it.
    pub(super) outcome: Outcome,
    /// The plan that the device runs from now on.
    pub(super) plan: Option<Box<Plan>>,
}

impl Orders {
    /// Takes an order on, for which the device `was_asked` before or not.
    ///
    /// # Errors
    /// Where this link cannot do it, or too many wait.
    pub(super) fn take(&mut self, order: &Order, was_asked: bool, now: Instant) -> Result<(), OrderRefused> {
        if self.queue.iter().any(|taken| taken.order.number == order.number) {
            return Ok(());
        }
        let task = task(&order.action)?;
        if self.queue.len() >= MOST {
            return Err(Cause::Busy.into());
        }
        self.queue.push_back(Taken { order: order.clone(), task, since: now, is_asked: false, was_asked });
        Ok(())
    }

    /// The first order, and what the device is to be asked for it next.
    pub(super) fn next(&self) -> Option<(&Order, link::Request)> {
        self.queue.front().map(|taken| (&taken.order, taken.task.request()))
    }

    /// The device was asked.
    pub(super) fn asked(&mut self, now: Instant) {
        if let Some(first) = self.queue.front_mut() {
            first.since = now;
            first.is_asked = true;
        }
    }

    /// Whether the first order is a plan: then what the device runs is about to change.
    pub(super) fn is_planning(&self) -> bool {
        self.queue.front().is_some_and(|first| matches!(first.task, Task::Plan { .. }))
    }

    /// Whether it is too late to ask the device for the first order, or once more: for a plan it is not, once it began.
    pub(super) fn is_late(&self, now: Instant) -> bool {
        self.queue.front().is_some_and(|first| first.order.is_late(now)) && !self.is_planning()
    }

    /// The device answered what the first order asked.
    pub(super) fn answered(&mut self, answer: Answer, now: Instant) -> Option<Turn> {
        let first = self.queue.front_mut()?;
        first.since = now;
        let stage = match (&mut first.task, answer) {
            (Task::Plan { step, .. }, Answer::Done) => {
                *step = step.saturating_add(1);
                if *step != 1 {
                    return None;
                }
                Stage::Delivered
            }
            (
                Task::Plan { step, tries, .. },
                Answer::Refused(Refusal::NothingPrepared | Refusal::PlanDiffers | Refusal::Superseded),
            ) if *tries < TRIES => {
                *tries = tries.saturating_add(1);
                // It was told before that it is delivered.
                *step = 0;
                return None;
            }
            (Task::Plan { plan, .. }, Answer::Runs { version }) if version == plan.version() => Stage::Done,
            (Task::Single(_), Answer::Done) => Stage::Done,
            (_, Answer::NotSupported) => Stage::Refused(Cause::NotSupported),
            (_, Answer::Refused(Refusal::Superseded)) => Stage::Refused(Cause::Interrupted),
            (_, Answer::Refused(Refusal::Busy)) => Stage::Refused(Cause::Busy),
            (_, Answer::Refused(_) | Answer::Runs { .. }) => Stage::Refused(Cause::DeviceRefused),
        };
        let note = match answer {
            Answer::Refused(refusal) => refusal.reason(),
            Answer::Done | Answer::NotSupported | Answer::Runs { .. } => "",
        };
        let outcome = first.order.outcome(stage, note);
        let done = if stage.is_final() { self.queue.pop_front() } else { None };
        let plan = done.and_then(|done| match done.task {
            Task::Plan { plan, .. } if stage == Stage::Done => Some(plan),
            Task::Plan { .. } | Task::Single(_) => None,
        });
        Some(Turn { outcome, plan })
    }

    /// The first order cannot be carried out, for this cause.
    pub(super) fn refuse(&mut self, cause: Cause, note: &str) -> Option<Outcome> {
        self.queue.pop_front().map(|first| first.order.outcome(Stage::Refused(cause), note))
    }

    /// The first order's time was over before the device had it.
    pub(super) fn expire(&mut self) -> Option<Outcome> {
        self.queue.pop_front().map(|first| first.expired())
    }

    /// The orders for which the device was never asked, and now must not be.
    pub(super) fn expired(&mut self, now: Instant) -> Vec<Outcome> {
        let mut expired = Vec::new();
        self.queue.retain(|taken| {
            let is_over = taken.is_unasked() && taken.order.is_late(now);
            expired.extend(is_over.then(|| taken.expired()));
            !is_over
        });
        expired
    }

    /// The orders that have waited too long, each with whether the device was asked for it.
    pub(super) fn given_up(&mut self, now: Instant) -> Vec<(Outcome, bool)> {
        let late = |taken: &mut Taken| taken.since.after(PATIENCE) <= now;
        let mut given_up = Vec::new();
        let mut waiting = VecDeque::new();
        for mut taken in self.queue.drain(..) {
            if !late(&mut taken) {
                waiting.push_back(taken);
                continue;
            }
            let (cause, note) = if taken.is_asked {
                (Cause::Unanswered, "the device did not answer: is it still plugged in?")
            } else {
                (Cause::Unreachable, "the device is not there: is it on, and plugged in?")
            };
            given_up.push((taken.order.outcome(Stage::Refused(cause), note), taken.is_asked));
        }
        self.queue = waiting;
        given_up
    }

    /// The line has ended: whoever gave the orders gives what is not finished again.
    pub(super) fn forget(&mut self) {
        self.queue.clear();
    }

    /// When an order will have waited too long, or its time is over.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let expires = |taken: &Taken| taken.order.expires.filter(|_| taken.is_unasked());
        self.queue
            .iter()
            .flat_map(|taken| [Some(taken.since.after(PATIENCE)), expires(taken)])
            .flatten()
            .min()
    }
}

impl Taken {
    const fn is_unasked(&self) -> bool {
        !self.is_asked && !self.was_asked
    }

    /// Of one that was given before, the memory of asking for it may be lost.
    fn expired(&self) -> Outcome {
        if self.order.is_repeat && !self.was_asked {
            let note = "its time is over; whether the device was asked before the line ended is not known";
            return self.order.outcome(Stage::Refused(Cause::Unanswered), note);
        }
        self.order.outcome(Stage::Expired, "its time was over before the device had it")
    }
}

impl Task {
    fn request(&self) -> link::Request {
        match self {
            Self::Single(request) => (**request).clone(),
            Self::Plan { step: 0, plan, .. } => link::Request::BeginPlan(*plan.head()),
            Self::Plan { step, plan, .. } if *step <= plan.parts() => {
                link::Request::PlanDoses(plan.part(step.saturating_sub(1)))
            }
            Self::Plan { plan, .. } => {
                link::Request::CommitPlan { version: plan.version(), digest: plan.digest() }
            }
        }
    }
}

fn task(action: &Action) -> Result<Task, OrderRefused> {
    let request = match action {
        Action::Plan(ordered) => {
            let plan = Box::new(plan(ordered).map_err(|_| Cause::Invalid)?);
            return Ok(Task::Plan { plan, step: 0, tries: 0 });
        }
        Action::Identify => link::Request::Identify,
        Action::Dispense { compartment } => link::Request::Dispense { compartment: *compartment },
        Action::Lock { locked } => link::Request::Lock { locked: *locked },
        Action::Message { id, text } => {
            let text = MessageText::try_from(text.as_str()).map_err(|_| Cause::Invalid)?;
            link::Request::ShowMessage { id: *id, text }
        }
        Action::Indicate(indication) => link::Request::Indicate(match indication {
            Indication::HeardHere => link::Indicator::HeardHere,
            Indication::Received => link::Indicator::Received,
            Indication::Seen => link::Indicator::Seen,
            Indication::NotGettingThrough => link::Indicator::NotGettingThrough,
            Indication::Off => link::Indicator::Off,
        }),
        Action::TestAlarm => {
            let note = "the device link has no order for a test alarm: have somebody press the device's own button, or test the way by a test alarm of the gateway";
            return Err(OrderRefused { cause: Cause::NotSupported, note });
        }
        Action::Switch { .. }
        | Action::Roster(_)
        | Action::Supervise { .. }
        | Action::Heartbeat { .. }
        | Action::Diagnose
        | Action::ChangeHubKeys(_)
        | Action::Alarm { .. }
        | Action::Visit { .. } => {
            return Err(OrderRefused {
                cause: Cause::NotSupported,
                note: "the device link has no such order",
            });
        }
    };
    Ok(Task::Single(Box::new(request)))
}
