//! What a dispenser keeps without power: bytes, written anew at each change.

use serde::{Deserialize, Serialize};
use varde_device_link::{Answered, Dose, DoseWatch, Event, KeptEvents, Memory, Plan, PlanHead};

/// A dispenser's flash. Cutting its power leaves [`Flash::bytes`] and nothing else.
#[derive(Clone, Debug)]
pub struct Flash {
    kept: Kept,
    plan: Option<Plan>,
    bytes: Vec<u8>,
    /// Whether writing to it fails.
    pub is_broken: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Kept {
    log: u32,
    next: u32,
    events: Vec<Event>,
    answer: Option<Answered>,
    plan: Option<(PlanHead, Vec<Dose>)>,
    watch: DoseWatch,
    boots: u32,
    doses_left: u16,
}

impl Flash {
    /// That of a new dispenser, filled with so many doses.
    pub fn new(log: u32, doses_left: u16) -> Self {
        let kept = Kept {
            log,
            next: 1,
            events: Vec::new(),
            answer: None,
            plan: None,
            watch: DoseWatch::default(),
            boots: 0,
            doses_left,
        };
        Self { kept, plan: None, bytes: Vec::new(), is_broken: false }.written()
    }

    /// What is left after power was lost.
    ///
    /// # Panics
    /// Where the bytes are no flash's.
    pub fn after_power_loss(bytes: &[u8]) -> Self {
        let kept: Kept = postcard::from_bytes(bytes).expect("the bytes of a flash");
        let plan =
            kept.plan.as_ref().map(|(head, doses)| Plan::new(*head, doses).expect("a kept plan is good"));
        Self { kept, plan, bytes: bytes.to_vec(), is_broken: false }
    }

    /// All of it.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Writes an event down, and gives it its number.
    pub fn log_event(&mut self, event: impl FnOnce(u32) -> Event) -> Event {
        let event = event(self.kept.next);
        self.kept.events.push(event);
        self.kept.next += 1;
        self.write();
        event
    }

    /// The doses that are watched.
    pub fn watch(&self) -> &DoseWatch {
        &self.kept.watch
    }

    /// Changes what is watched. Written down by the next event, or at the end of a dose's turn.
    pub fn change_watch<T>(&mut self, change: impl FnOnce(&mut DoseWatch, Option<&Plan>) -> T) -> T {
        let before = self.kept.watch.clone();
        let result = change(&mut self.kept.watch, self.plan.as_ref());
        if self.kept.watch != before {
            self.write();
        }
        result
    }

    /// How many doses are left.
    pub fn doses_left(&self) -> u16 {
        self.kept.doses_left
    }

    /// Takes a dose out. Whether there was one.
    pub fn take_dose(&mut self) -> bool {
        let left = self.kept.doses_left.checked_sub(1);
        self.kept.doses_left = left.unwrap_or_default();
        self.write();
        left.is_some()
    }

    /// Loses the last answer.
    pub fn forget_answer(&mut self) {
        self.kept.answer = None;
        self.write();
    }

    /// Loses the plan that runs.
    pub fn forget_plan(&mut self) {
        self.kept.plan = None;
        self.plan = None;
        self.write();
    }

    /// One more start, and its number.
    pub fn boots(&mut self) -> u32 {
        self.kept.boots += 1;
        self.write();
        self.kept.boots
    }

    fn written(mut self) -> Self {
        self.write();
        self
    }

    fn write(&mut self) {
        self.bytes = postcard::to_stdvec(&self.kept).expect("everything in it has a size");
    }
}

impl Memory for Flash {
    fn log(&self) -> u32 {
        self.kept.log
    }

    fn kept_events(&self) -> KeptEvents {
        let next = self.kept.next;
        KeptEvents { first: self.kept.events.first().map_or(next, |event| event.number), next }
    }

    fn event(&self, number: u32) -> Option<Event> {
        self.kept.events.iter().find(|event| event.number == number).copied()
    }

    fn release_events(&mut self, through: u32) {
        self.kept.events.retain(|event| event.number > through);
        self.write();
    }

    fn last_answer(&self) -> Option<Answered> {
        self.kept.answer
    }

    fn keep_answer(&mut self, answered: Answered) {
        self.kept.answer = Some(answered);
        self.write();
    }

    fn plan(&self) -> Option<&Plan> {
        self.plan.as_ref()
    }

    fn keep_plan(&mut self, plan: &Plan) -> bool {
        if self.is_broken {
            return false;
        }
        self.kept.plan = Some((*plan.head(), plan.doses().to_vec()));
        self.plan = Some(plan.clone());
        self.write();
        true
    }
}
