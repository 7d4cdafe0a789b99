use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use varde_wire::BoundedText;

use super::*;

/// The gateway's two memories: what a power cut takes, and what it leaves.
#[derive(Default)]
struct Gateway {
    ledger: CommandLedger,
    disk: BTreeMap<u64, (Claim, Outcome)>,
    /// Taken on in this life and not finished.
    at_work: BTreeSet<u64>,
    /// How often each was carried out, and what the hub was told of it.
    executed: BTreeMap<u64, u32>,
    told: BTreeMap<u64, Vec<Stage>>,
}

/// What befalls it.
#[derive(Clone, Debug)]
enum Happening {
    /// A command comes: an honest one of this number, or one with other bytes.
    Comes { number: u64, is_forked: bool },
    /// The same, and the power goes after so many of the steps that it takes.
    ComesAndCut { number: u64, steps: u8 },
    /// What is at work is finished, the oldest first.
    Finishes,
    /// Power goes and comes.
    Cut,
    /// Time passes.
    Waits { ms: i64 },
    /// The clock loses or finds its trust.
    Clock(Trust),
}

fn happening() -> impl Strategy<Value = Happening> {
    let number = 0_u64..12;
    prop_oneof![
        6 => (number.clone(), prop::bool::weighted(0.1)).prop_map(|(number, is_forked)| Happening::Comes { number, is_forked }),
        2 => (number, 0_u8..3).prop_map(|(number, steps)| Happening::ComesAndCut { number, steps }),
        3 => Just(Happening::Finishes),
        1 => Just(Happening::Cut),
        2 => (0_i64..4000).prop_map(|ms| Happening::Waits { ms }),
        1 => prop_oneof![Just(Trust::Unset), Just(Trust::Estimated), Just(Trust::Synchronised)].prop_map(Happening::Clock),
    ]
}

fn claim(number: u64, is_forked: bool) -> Claim {
    let hash = Hash::of(&[u8::try_from(number).unwrap(), u8::from(is_forked)]);
    // Each is valid for its own time, from 1 s to 12 s.
    let expires = WallTime::from_unix_millis(1000 + i64::try_from(number).unwrap() * 1000);
    Claim { number, hash, expires }
}

fn outcome(number: u64, stage: Stage) -> Outcome {
    Outcome { number, device: DeviceId::gateway(), stage, note: BoundedText::default() }
}

impl Gateway {
    /// Takes a command in, up to so many steps: 1 it is written down, 2 it is carried out.
    fn take(&mut self, claim: Claim, now: WallTime, trust: Trust, steps: u8) -> Ruling {
        let ruling = self.ledger.judge(&claim, now, trust);
        if ruling == Ruling::TakeOn && steps > 0 {
            let accepted = outcome(claim.number, Stage::Accepted);
            self.disk.insert(claim.number, (claim, accepted.clone()));
            self.told.entry(claim.number).or_default().push(Stage::Accepted);
            self.ledger.note_taken(claim, accepted);
            self.at_work.insert(claim.number);
            if steps > 1 {
                *self.executed.entry(claim.number).or_default() += 1;
            }
        }
        ruling
    }

    fn finish(&mut self, number: u64, stage: Stage) {
        let outcome = outcome(number, stage);
        assert!(self.ledger.is_news(&outcome));
        self.disk.get_mut(&number).unwrap().1 = outcome.clone();
        self.told.get_mut(&number).unwrap().push(stage);
        self.ledger.note_outcome(outcome);
        self.at_work.remove(&number);
    }

    /// A new life with what the disk holds: what was under way, nobody can tell.
    fn restart(&mut self) {
        self.ledger = CommandLedger::default();
        self.at_work.clear();
        for (claim, outcome) in self.disk.values() {
            self.ledger.note_taken(*claim, outcome.clone());
        }
        let unfinished: Vec<u64> =
            self.disk.values().filter(|(_, o)| !o.stage.is_final()).map(|(claim, _)| claim.number).collect();
        for number in unfinished {
            self.finish(number, Stage::Refused(Cause::Interrupted));
        }
    }
}

proptest! {
    #[test]
    fn whatever_comes_each_number_is_carried_out_at_most_once_and_each_accepted_one_ends_once(
        happenings in prop::collection::vec(happening(), 1..80),
    ) {
        let mut gateway = Gateway::default();
        let (mut now, mut trust) = (WallTime::from_unix_millis(0), Trust::Synchronised);
        let mut highest = None;
        for happening in happenings {
            match happening {
                Happening::Comes { number, is_forked } => {
                    let claim = claim(number, is_forked);
                    let ruling = gateway.take(claim, now, trust, 2);
                    if ruling == Ruling::TakeOn {
                        prop_assert!(highest.is_none_or(|highest| number > highest), "not in rising order");
                        prop_assert!(trust != Trust::Unset && now <= claim.expires, "out of time");
                        highest = Some(number);
                    }
                    if let Ruling::AnswerAgain(again) = ruling {
                        prop_assert_eq!(Some(&again.stage), gateway.told[&number].last());
                    }
                }
                Happening::ComesAndCut { number, steps } => {
                    if gateway.take(claim(number, false), now, trust, steps) == Ruling::TakeOn && steps > 0 {
                        highest = Some(number);
                    }
                    gateway.restart();
                }
                Happening::Finishes => {
                    if let Some(number) = gateway.at_work.first().copied() {
                        gateway.finish(number, Stage::Done);
                    }
                }
                Happening::Cut => gateway.restart(),
                Happening::Waits { ms } => now = WallTime::from_unix_millis(now.as_unix_millis() + ms),
                Happening::Clock(now_trust) => trust = now_trust,
            }
        }
        gateway.restart();
        prop_assert!(gateway.executed.values().all(|times| *times == 1), "{:?}", gateway.executed);
        for (number, told) in &gateway.told {
            prop_assert_eq!(told.iter().filter(|stage| stage.is_final()).count(), 1, "{}: {:?}", number, told);
            prop_assert_eq!(told.iter().filter(|stage| **stage == Stage::Accepted).count(), 1);
        }
    }
}

#[test]
fn each_way_of_being_wrong_has_its_own_answer() {
    let mut ledger = CommandLedger::default();
    let now = WallTime::from_unix_millis(5_500);
    let judge = |ledger: &CommandLedger, number, is_forked, trust| {
        ledger.judge(&claim(number, is_forked), now, trust)
    };
    assert_eq!(judge(&ledger, 5, false, Trust::Estimated), Ruling::TakeOn);
    assert_eq!(judge(&ledger, 4, false, Trust::Estimated), Ruling::Refuse(Stage::Expired));
    assert_eq!(judge(&ledger, 5, false, Trust::Unset), Ruling::Refuse(Stage::Refused(Cause::ClockUnset)));
    ledger.note_taken(claim(7, false), outcome(7, Stage::Accepted));
    ledger.note_outcome(outcome(7, Stage::Delivered));
    let again = Ruling::AnswerAgain(outcome(7, Stage::Delivered));
    assert_eq!(judge(&ledger, 7, false, Trust::Synchronised), again);
    assert_eq!(judge(&ledger, 7, false, Trust::Unset), again, "nothing is carried out by it");
    assert_eq!(judge(&ledger, 7, true, Trust::Synchronised), Ruling::Replay);
    let out_of_order = Ruling::Refuse(Stage::Refused(Cause::OutOfOrder { highest: 7 }));
    assert_eq!(judge(&ledger, 6, false, Trust::Synchronised), out_of_order);
    let later = WallTime::from_unix_millis(8_001);
    assert_eq!(ledger.judge(&claim(7, false), later, Trust::Synchronised), Ruling::Replay);
}

#[test]
fn the_greatest_number_and_whatever_is_unfinished_outlives_the_rest() {
    let mut ledger = CommandLedger::default();
    let claim = |number: u64| Claim {
        number,
        hash: Hash::of(&number.to_be_bytes()),
        expires: WallTime::from_unix_millis(i64::MAX),
    };
    for number in 1..=2000 {
        let stage = if number % 100 == 0 { Stage::Delivered } else { Stage::Done };
        ledger.note_taken(claim(number), outcome(number, stage));
    }
    assert!(ledger.kept.len() <= KEPT_COMMANDS + 20);
    assert!((1..=20).all(|hundred| ledger.kept.contains_key(&(hundred * 100))));
    let now = WallTime::from_unix_millis(0);
    for number in 1..=2000 {
        assert_ne!(ledger.judge(&claim(number), now, Trust::Synchronised), Ruling::TakeOn, "{number}");
    }
}
