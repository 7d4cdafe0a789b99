use varde_wire::{
    BoundedText, Cause, DeviceId, Hash, Instant, Lane, OpeningKey, SigningKey, Stage, Trust, WallTime,
};

use super::*;
use crate::store::{Identity, Outbox};

fn outbox(path: &std::path::Path) -> Outbox {
    let identity = Identity {
        gateway: "gw-1".parse().unwrap(),
        sign: SigningKey::ed25519(&[2; 32]),
        hub_seal: OpeningKey::derive(&[1; 32]).sealing_key(),
    };
    Outbox::open(Some(path), identity, u64::MAX >> 16).unwrap()
}

fn stamp() -> Stamp {
    Stamp {
        boot: varde_wire::BootId::from_bytes([3; 16]),
        uptime: Instant::default(),
        wall: WallTime::from_unix_millis(0),
        trust: Trust::Estimated,
    }
}

fn step(number: u64, stage: Stage, is_first: bool) -> CommandStep {
    let claim =
        Claim { number, hash: Hash::of(&number.to_be_bytes()), expires: WallTime::from_unix_millis(7) };
    let signed = SignedCommand::from_bytes(number.to_be_bytes().to_vec());
    CommandStep {
        taken_on: is_first.then_some(TakenOn { claim, signed }),
        outcome: Outcome { number, device: DeviceId::gateway(), stage, note: BoundedText::default() },
        stamp: stamp(),
    }
}

#[test]
fn a_command_and_the_entry_that_tells_of_it_are_in_the_file_together_or_not_at_all() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("outbox.db");
    let mut first = outbox(&path);
    first.step(&step(u64::MAX, Stage::Accepted, true)).unwrap();
    assert!(first.step(&step(u64::MAX, Stage::Accepted, true)).is_err(), "a number is taken on once");
    assert_eq!(first.place(Lane::Urgent).next_seq, 1);
    drop(first);

    let mut second = outbox(&path);
    let [stored] = &*second.commands().unwrap() else { panic!() };
    assert_eq!(
        (stored.claim, &stored.outcome.stage),
        (step(u64::MAX, Stage::Accepted, true).taken_on.unwrap().claim, &Stage::Accepted)
    );
    assert_eq!(stored.signed.as_ref().unwrap().as_bytes(), u64::MAX.to_be_bytes());
    second.step(&step(u64::MAX, Stage::Refused(Cause::Busy), false)).unwrap();
    let [stored] = &*second.commands().unwrap() else { panic!() };
    assert!(stored.signed.is_none(), "what was asked is not kept for longer than it is needed");
    assert_eq!((stored.outcome.stage, second.place(Lane::Urgent).next_seq), (Stage::Refused(Cause::Busy), 2));
}

#[test]
fn only_the_last_are_kept_and_all_that_are_unfinished() {
    let directory = tempfile::tempdir().unwrap();
    let mut outbox = outbox(&directory.path().join("outbox.db"));
    let last = u64::try_from(KEPT_COMMANDS).unwrap() + 10;
    for number in 0..=last {
        outbox.step(&step(number, Stage::Accepted, true)).unwrap();
        if number != 3 {
            outbox.step(&step(number, Stage::Done, false)).unwrap();
        }
    }
    let numbers: Vec<_> = outbox.commands().unwrap().iter().map(|command| command.claim.number).collect();
    assert_eq!((numbers.len(), numbers[0], numbers.last()), (KEPT_COMMANDS + 1, 3, Some(&last)));
}

#[test]
fn a_new_file_after_a_damaged_one_knows_what_was_carried_out() {
    let directory = tempfile::tempdir().unwrap();
    let (old, new) = (directory.path().join("old.db"), directory.path().join("new.db"));
    let mut damaged = outbox(&old);
    damaged.step(&step(1, Stage::Accepted, true)).unwrap();
    damaged.step(&step(1, Stage::Done, false)).unwrap();
    damaged.step(&step(2, Stage::Accepted, true)).unwrap();
    drop(damaged);
    let salvaged = outbox(&new);
    salvaged.adopt_commands(&Connection::open(&old).unwrap()).unwrap();
    let stages: Vec<_> = salvaged.commands().unwrap().iter().map(|command| command.outcome.stage).collect();
    assert_eq!(stages, [Stage::Done, Stage::Accepted]);
}
