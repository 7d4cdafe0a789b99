//! Doses that nobody confirmed: the gateway watches the same plan as the device, and tells of what the device leaves
//! untold.

use varde_device_link::{DoseRef, DoseWatch, Due, Plan, Watched, Zone};

/// How long the device has to tell by itself what became of a dose after its window.
const GRACE_S: u64 = 5 * 60;

/// The doses of the plan that the device runs. It begins when the plan and the time are known: what was due before is
/// the device's to tell.
#[derive(Debug, Default)]
pub(super) struct Doses {
    watch: DoseWatch,
    late: Vec<Late>,
}

#[derive(Debug)]
struct Late {
    due: Due,
    tell_s: u64,
}

impl Doses {
    /// Something was told of a dose.
    pub(super) fn settle(&mut self, dose: DoseRef) {
        self.watch.settle(dose);
        self.late.retain(|late| late.due.dose != dose);
    }

    /// The doses of which nothing was told until now, in seconds since 1970-01-01T00:00:00Z.
    pub(super) fn not_confirmed(&mut self, plan: Option<&Plan>, zone: &Zone, now_s: u64) -> Vec<Due> {
        while let Some(watched) = self.watch.poll(plan, zone, now_s) {
            match watched {
                Watched::Due(_) => {}
                Watched::NotConfirmed(due) => {
                    self.late.push(Late { due, tell_s: due.until_s.saturating_add(GRACE_S) });
                }
            }
        }
        self.late.extract_if(.., |late| late.tell_s <= now_s).map(|late| late.due).collect()
    }

    /// When to look again, in seconds since 1970-01-01T00:00:00Z.
    pub(super) fn next_s(&self, plan: Option<&Plan>, zone: &Zone) -> Option<u64> {
        self.late.iter().map(|late| late.tell_s).chain(self.watch.next_s(plan, zone)).min()
    }
}
