//! What goes wrong with a radio for months on end, to be had at once.

/// What makes a scan hear again that has gone silent although BlueZ says that it discovers.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Cure {
    /// All clients stop discovery and one starts it again; each stronger cure helps, too.
    NewScan,
    /// The adapter is switched off and on.
    PowerCycle,
    /// bluetoothd starts anew.
    NewDaemon,
}

/// The faults that stand.
#[derive(Debug, Default)]
pub(super) struct Faults {
    /// The least that makes the scan hear again.
    pub(super) deaf: Option<Cure>,
    /// Whether rfkill keeps the adapter off.
    pub(super) blocked: bool,
    /// How many more calls are refused with InProgress.
    busy: u32,
    /// Of so many advertisements one is heard; 0 and 1: each.
    one_in: u32,
    passed: u32,
}

impl Faults {
    pub(super) fn be_busy(&mut self, calls: u32) {
        self.busy = calls;
    }

    pub(super) fn hear_one_in(&mut self, advertisements: u32) {
        (self.one_in, self.passed) = (advertisements, 0);
    }

    /// Whether this call falls to the storm.
    pub(super) fn is_busy(&mut self) -> bool {
        let busy = self.busy > 0;
        self.busy = self.busy.saturating_sub(1);
        busy
    }

    /// Whether this advertisement gets through.
    pub(super) fn hears(&mut self) -> bool {
        self.passed += 1;
        let heard = self.deaf.is_none() && self.passed >= self.one_in;
        if heard {
            self.passed = 0;
        }
        heard
    }

    pub(super) fn try_cure(&mut self, cure: Cure) {
        self.deaf.take_if(|needed| *needed <= cure);
    }
}
