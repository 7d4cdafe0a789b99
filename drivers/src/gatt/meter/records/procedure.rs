//! What the control point is asked for, one at a time.

use super::Memory;
use crate::gatt::record_access::{OpCode, RecordAccess, RecordNumber, Selection};

/// A procedure of the control point, and what for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Procedure {
    /// How many records there are.
    Count(Sought),
    /// The records themselves.
    Report {
        /// Which.
        sought: Sought,
        /// How many have to come, where the meter said so.
        expected: Option<u32>,
        /// Whether fewer came the first time.
        again: bool,
    },
    /// Whether a record that was made during the transfer hides that another did not come.
    Verify {
        /// Which were reported.
        sought: Sought,
        /// Whether that was the second time.
        again: bool,
    },
    /// Whether the memory still holds exactly what was fetched, before it is deleted.
    Recount,
    /// Deletion.
    Delete(Selection),
}

/// Which records are sought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sought {
    /// All.
    All,
    /// Those of this number, the one after the last one kept, or a higher one.
    New(RecordNumber),
    /// The same, and the last one kept, which has this number: is it still the same memory?
    Known(RecordNumber),
}

impl Procedure {
    /// By what it is asked for, and answered to.
    pub(super) fn op_code(self, memory: Memory) -> OpCode {
        match self {
            Self::Count(_) | Self::Verify { .. } | Self::Recount => OpCode::REPORT_NUMBER,
            Self::Report { .. } if memory == Memory::Combined => OpCode::COMBINED_REPORT,
            Self::Report { .. } => OpCode::REPORT,
            Self::Delete(_) => OpCode::DELETE,
        }
    }

    /// What is written to the control point.
    pub(super) fn request(self, memory: Memory) -> RecordAccess {
        let selection = match self {
            Self::Count(sought) | Self::Report { sought, .. } | Self::Verify { sought, .. } => {
                sought.selection()
            }
            Self::Recount => Selection::All,
            Self::Delete(selection) => selection,
        };
        RecordAccess::request(self.op_code(memory), selection)
    }
}

impl Sought {
    const fn selection(self) -> Selection {
        match self {
            Self::All => Selection::All,
            Self::New(number) | Self::Known(number) => Selection::AtLeast(number),
        }
    }
}
