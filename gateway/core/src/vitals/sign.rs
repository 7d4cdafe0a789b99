//! One vital sign: on which of its steps it is, and was told to be.

use std::time::Duration;

use varde_wire::Instant;

use super::vital::Step;
use crate::held::Held;

#[derive(Debug)]
pub(super) struct Sign {
    steps: Vec<(Step, Held<bool>)>,
    /// Whether what was told was told before a restart, and nothing was measured since.
    resumed: bool,
}

impl Sign {
    /// A sign that was told to be on this many of its steps before a restart.
    pub(super) fn new(steps: &[Step], told: usize) -> Self {
        let held = |number| Held::new(number < told);
        let steps = steps.iter().enumerate().map(|(number, step)| (*step, held(number))).collect();
        Self { steps, resumed: told > 0 }
    }

    /// Takes a measure, and gives the step told before and the one to be told now, where it is another. Each step is held
    /// for itself: a measure that swings between two of them is above the lower one all the time.
    pub(super) fn handle_measure(
        &mut self,
        measure: i64,
        every: Duration,
        now: Instant,
    ) -> Option<(usize, usize)> {
        let from = self.told();
        for (step, held) in &mut self.steps {
            let limit = if held.is() { step.ends } else { step.begins };
            held.say(measure >= limit, now);
            // Between the first and the last of so many readings lies one interval less.
            held.turn(now, |on| {
                every.saturating_mul(if on { step.to_begin } else { step.to_end }.saturating_sub(1))
            });
        }
        let to = self.told();
        // Who is told to be on a step is told to be on those below, and comes down from them on their own terms.
        for (step, held) in self.steps.iter_mut().take(to).filter(|(_, held)| !held.told()) {
            *held = Held::new(true);
            held.say(measure >= step.ends, now);
        }
        // Whoever shows what stands has forgotten it over the restart.
        let resumed = std::mem::take(&mut self.resumed);
        (resumed || from != to).then_some((from, to))
    }

    /// The highest step that was told, counted from 1; 0 for none.
    pub(super) fn told(&self) -> usize {
        self.steps.iter().rposition(|(_, held)| held.told()).map_or(0, |last| last.saturating_add(1))
    }
}
