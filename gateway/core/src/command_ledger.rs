//! Which commands are carried out: each once, in rising order, in time.
//!
//! The ledger is what the store holds, held in memory: whoever uses it writes to the store first and tells the ledger
//! after the commit. So a power cut between the two has the same end as one before both.

use std::collections::BTreeMap;

use varde_wire::{Cause, DeviceId, Hash, Outcome, Stage, Trust, WallTime};

/// Commands whose bytes and outcome are kept, so that a copy can be told from a forgery and answered. The hub sends
/// one at a time, and is done with it when it is answered.
pub const KEPT_COMMANDS: usize = 256;

/// What the signed part of a command says, once its signature held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Its number.
    pub number: u64,
    /// The hash of its order.
    pub hash: Hash,
    /// Until when it is valid.
    pub expires: WallTime,
}

/// What is to be done with a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// It is new and in time: to be written down as accepted, then carried out.
    TakeOn,
    /// It was taken on before, and the hub may not know: answered with its last outcome.
    AnswerAgain(Outcome),
    /// It is not carried out, and answered so.
    Refuse(Stage),
    /// A recording: not carried out, not answered.
    Replay,
}

impl Ruling {
    /// Whether no honest hub sends such a command, at least none whose clock and memory are well.
    pub const fn is_suspicious(&self) -> bool {
        matches!(self, Self::Replay | Self::Refuse(Stage::Expired | Stage::Refused(Cause::OutOfOrder { .. })))
    }
}

/// The commands that were taken on.
#[derive(Clone, Debug, Default)]
pub struct CommandLedger {
    kept: BTreeMap<u64, Kept>,
}

#[derive(Clone, Debug)]
struct Kept {
    claim: Claim,
    outcome: Outcome,
}

impl CommandLedger {
    /// What is to be done with a command that came now.
    pub fn judge(&self, claim: &Claim, now: WallTime, trust: Trust) -> Ruling {
        let is_late = trust != Trust::Unset && claim.expires < now;
        if let Some(kept) = self.kept.get(&claim.number) {
            let is_copy = kept.claim == *claim && !is_late;
            return if is_copy { Ruling::AnswerAgain(kept.outcome.clone()) } else { Ruling::Replay };
        }
        match self.kept.last_key_value() {
            Some((highest, _)) if claim.number < *highest => {
                Ruling::Refuse(Stage::Refused(Cause::OutOfOrder { highest: *highest }))
            }
            // What was recorded a year ago may be new here, and seems in time to a clock that was never set.
            _ if trust == Trust::Unset => Ruling::Refuse(Stage::Refused(Cause::ClockUnset)),
            _ if is_late => Ruling::Refuse(Stage::Expired),
            _ => Ruling::TakeOn,
        }
    }

    /// A command is written down as taken on, with this outcome. Also for each that the store holds at the start.
    pub fn note_taken(&mut self, claim: Claim, outcome: Outcome) {
        self.kept.insert(claim.number, Kept { claim, outcome });
        let too_many = self.kept.len().saturating_sub(KEPT_COMMANDS);
        let done = self.kept.iter().filter(|(_, kept)| kept.outcome.stage.is_final());
        for number in done.map(|(number, _)| *number).take(too_many).collect::<Vec<_>>() {
            self.kept.remove(&number);
        }
    }

    /// Which device a command that is kept was for.
    pub fn device(&self, number: u64) -> Option<DeviceId> {
        self.kept.get(&number).map(|kept| kept.outcome.device.clone())
    }

    /// Whether an outcome says anything new of a command that was taken on: nothing follows what is final.
    pub fn is_news(&self, outcome: &Outcome) -> bool {
        self.kept.get(&outcome.number).is_some_and(|kept| {
            !kept.outcome.stage.is_final() && rank(kept.outcome.stage) < rank(outcome.stage)
        })
    }

    /// An outcome that [is news](Self::is_news) is written down.
    pub fn note_outcome(&mut self, outcome: Outcome) {
        if let Some(kept) = self.kept.get_mut(&outcome.number) {
            kept.outcome = outcome;
        }
    }
}

const fn rank(stage: Stage) -> u8 {
    match stage {
        Stage::Accepted => 0,
        Stage::Delivered => 1,
        Stage::Done | Stage::Refused(_) | Stage::Expired => 2,
    }
}

#[cfg(test)]
mod tests;
