//! Doses that nobody confirmed: the gateway watches the same plan as the device, and tells of what the device leaves
//! untold.

use varde_device_link::{DoseRef, DoseWatch, Due, Plan, Watched, Zone};

/// How long the device has to tell by itself what became of a dose: from the end of its window, or from when the gateway
/// is back, if that is later.
const GRACE_S: u64 = 5 * 60;

/// How many doses wait for that at most: what a gateway that was off for weeks finds. Beyond, the oldest are told at
/// once.
const MOST: usize = 256;

/// The doses of the plan that the device runs. It begins when the plan and the time are known: what was due before is
/// the device's to tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Doses {
    watch: DoseWatch,
    late: Vec<Late>,
    has_begun: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Late {
    due: Due,
    /// None from a restart until the time is known.
    tell_s: Option<u64>,
}

impl Doses {
    /// The doses as they were [`kept`](Self::kept).
    pub(super) fn of(watch: DoseWatch, late: Vec<Due>) -> Self {
        let late = late.into_iter().map(|due| Late { due, tell_s: None }).collect();
        Self { watch, late, has_begun: false }
    }

    /// What is to be kept of them over a restart.
    pub(super) fn kept(&self) -> (&DoseWatch, Vec<Due>) {
        (&self.watch, self.late.iter().map(|late| late.due).collect())
    }

    /// Something was told of a dose.
    pub(super) fn settle(&mut self, dose: DoseRef) {
        self.watch.settle(dose);
        self.late.retain(|late| late.due.dose != dose);
    }

    /// Follows the plan until now, in seconds since 1970-01-01T00:00:00Z. Whether from now on there is a place in the
    /// plan's course to keep: where nobody keeps one, what comes due while the gateway is off is never found.
    pub(super) fn follow(&mut self, plan: Option<&Plan>, zone: &Zone, now_s: u64) -> bool {
        while let Some(watched) = self.watch.poll(plan, zone, now_s) {
            match watched {
                Watched::Due(_) => {}
                Watched::NotConfirmed(due) => self.late.push(Late { due, tell_s: None }),
            }
        }
        for late in &mut self.late {
            late.tell_s.get_or_insert(now_s.saturating_add(GRACE_S));
        }
        plan.is_some() && !std::mem::replace(&mut self.has_begun, true)
    }

    /// The next dose of which nothing was told until now; to be called until it gives none.
    pub(super) fn not_confirmed(&mut self, now_s: u64) -> Option<Due> {
        let are_too_many = self.late.len() > MOST;
        let is_to_be_told = |late: &Late| are_too_many || late.tell_s.is_some_and(|tell_s| tell_s <= now_s);
        let index = self.late.iter().position(is_to_be_told)?;
        Some(self.late.remove(index).due)
    }

    /// When to look again, in seconds since 1970-01-01T00:00:00Z.
    pub(super) fn next_s(&self, plan: Option<&Plan>, zone: &Zone) -> Option<u64> {
        self.late.iter().filter_map(|late| late.tell_s).chain(self.watch.next_s(plan, zone)).min()
    }
}
