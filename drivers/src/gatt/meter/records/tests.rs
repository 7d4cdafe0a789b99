//! A meter with a memory, a gateway that forgets, and everything that can go wrong between them.

#![expect(clippy::wildcard_enum_match_arm, reason = "what a test does not look at fails it")]

mod model;

use std::collections::BTreeSet;

use proptest::prelude::*;
use varde_wire::Instant;

use self::model::{Entry, Home, NUMBERED, Visitation, World, in_range, is_plain};
use super::*;

fn visits() -> impl Strategy<Value = Vec<Visitation>> {
    let maybe = |most: u8| proptest::option::weighted(0.3, 1..most);
    let rarely = || proptest::bool::weighted(0.2);
    let meanwhile = proptest::option::weighted(0.2, (1..6_u8, 1..3_u8));
    let lost = prop_oneof![4 => Just(None), 1 => any::<bool>().prop_map(Some)];
    let visit = (0..5_u8, meanwhile, maybe(20), maybe(20), lost, rarely(), maybe(8), rarely());
    let visit = visit.prop_map(|(made, made_meanwhile, cut, dropped, lost, busy, silent, restart)| {
        let (commits, commits_late) = (lost.is_none(), lost == Some(true));
        let dies = None;
        Visitation { made, made_meanwhile, cut, dropped, commits, commits_late, busy, silent, restart, dies }
    });
    proptest::collection::vec(visit, 1..12)
}

fn worlds() -> impl Strategy<Value = World> {
    // Within the last row of numbers they go round.
    let first_number = prop_oneof![
        Just(0),
        Just(1),
        any::<u32>(),
        0xEFF0..0xF010_u32,
        0xFFE0..=0xFFFF_u32,
        0xEFFF_FFF0..0xF000_0010_u32,
        0xFFFF_FFE0..=0xFFFF_FFFF_u32,
    ];
    let unreadable = proptest::option::weighted(0.2, 0..10_u16);
    let world = (any::<[bool; 4]>(), 0_u8..3, first_number, unreadable, visits());
    world.prop_map(|(can, kind, first_number, unreadable, mut visits)| {
        let [clears, counts, filters, deletes] = can;
        let first_number = in_range(kind, first_number);
        for visit in visits.iter_mut().filter(|_| !counts) {
            // A meter that does not count cannot tell that a record was lost on the way.
            visit.dropped = None;
        }
        World { kind, clears, counts, filters, deletes, first_number, unreadable, visits }
    })
}

/// The same life without its faults.
fn calm(mut world: World) -> World {
    world.unreadable = None;
    for visit in &mut world.visits {
        let Visitation { made, made_meanwhile, .. } = *visit;
        *visit = Visitation { made, made_meanwhile, commits: true, ..Visitation::default() };
    }
    world
}

/// What is remembered where everything up to this number is kept.
fn settled_at(series: u64, last: u16) -> Vec<u8> {
    Progress { series, last: Some(last.into()), beyond: Rows::default() }.encode()
}

/// The same life of a meter whose records are known by their numbers, and of a gateway that dies or is stopped again and
/// again.
fn deadly(world: World, ends: &[(bool, u8, u8)]) -> World {
    let mut world = World { clears: false, ..calm(world) };
    world.kind = world.kind.max(NUMBERED);
    for (visit, (stops, at, percent)) in world.visits.iter_mut().zip(ends) {
        if *stops {
            (visit.cut, visit.restart) = (Some(*at), true);
        } else {
            visit.dies = Some((*at, *percent));
        }
    }
    world
}

fn calm_home(clears: bool) -> Home {
    Home::new(World {
        kind: NUMBERED,
        clears,
        counts: true,
        filters: true,
        deletes: true,
        first_number: 1,
        unreadable: None,
        visits: Vec::new(),
    })
}

fn calm_visit(made: u8) -> Visitation {
    Visitation { made, commits: true, ..Visitation::default() }
}

#[test]
fn a_meter_that_was_replaced_is_fetched_whole_and_once() {
    let mut home = calm_home(false);
    home.visit(&calm_visit(20));
    (home.device.memory, home.device.next) = (Vec::new(), 1);
    for made in [5, 2, 0] {
        home.visit(&Visitation { restart: true, ..calm_visit(made) });
    }
    assert_eq!(home.given, (0..27).collect::<Vec<_>>());
}

#[test]
fn a_transfer_that_was_cut_goes_on_where_it_was() {
    let mut home = calm_home(false);
    home.visit(&calm_visit(1));
    home.visit(&Visitation { cut: Some(6), ..calm_visit(10) });
    let before = home.given.len();
    home.visit(&Visitation { restart: true, ..calm_visit(0) });
    assert_eq!((before, home.given.len()), (5, 11));
}

#[test]
fn a_memory_that_no_longer_makes_sense_is_as_good_as_none() {
    let of_long_numbers = [1, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0];
    for memory in
        [&[][..], &[1], &[2, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0], &of_long_numbers[..12], &of_long_numbers]
    {
        let mut home = calm_home(false);
        home.store.push(Entry::Memory(memory.to_vec()));
        home.kept = 1;
        home.restart();
        home.visit(&calm_visit(3));
        assert_eq!(home.given, [0, 1, 2], "{memory:?}");
    }
}

#[test]
fn numbers_of_another_series_are_all_new() {
    let mut records = Records::new(Memory::Numbered);
    records.recall(&settled_at(7, 100));
    records.begin(Instant::default());
    let asked = |steps: Vec<Step>| match &steps[..] {
        [Step::Output(Output::Request(Request::Write { bytes, .. }))] => crate::describe::hex(bytes),
        other => panic!("{other:?}"),
    };
    assert_eq!(asked(records.answer(&[5, 0, 3, 0], 7, Instant::default()).unwrap()), "0403016500");
    records.begin(Instant::default());
    assert_eq!(asked(records.answer(&[5, 0, 3, 0], 8, Instant::default()).unwrap()), "0101");
}

#[test]
fn a_live_record_before_the_fetch_says_nothing_of_what_is_in_the_memory() {
    let mut records = Records::new(Memory::Numbered);
    let now = Instant::default();
    records.recall(&settled_at(7, 100));
    records.begin(now);
    records.answer(&[5, 0, 3, 0], 7, now).unwrap();
    records.answer(&[5, 0, 1, 0], 7, now).unwrap();
    records.end();
    // The memory is another by now, and still empty.
    records.begin(now);
    records.note(Record::plain(Some(1_u16.into())), &[1, 0], now);
    assert_eq!(records.answer(&[5, 0, 0, 0], 8, now).unwrap(), [Step::Done]);
    assert_eq!(records.end(), [Step::Release, Step::Output(Output::AwaitCommit)]);
    assert_eq!(records.committed(now), []);
}

#[test]
fn a_live_record_is_not_fetched_again_once_it_is_kept() {
    let mut records = Records::new(Memory::Numbered);
    let now = Instant::default();
    let live = |records: &mut Records, number: u16| {
        let record = Record::plain(Some(number.into()));
        assert_eq!(records.note(record, &number.to_le_bytes(), now), Origin::Live);
        records.note_live(record)
    };
    let awaited = vec![Step::Output(Output::AwaitCommit)];
    let remembered = |last: u16| vec![Step::Output(Output::Remember(settled_at(0, last)))];
    records.begin(now);
    assert_eq!(live(&mut records, 4), [], "what came before it is not fetched yet");
    assert_eq!(records.answer(&[5, 0, 0, 0], 0, now).unwrap(), [Step::Done]);
    assert_eq!(live(&mut records, 5), [remembered(5), awaited.clone()].concat());
    assert_eq!(live(&mut records, 6), remembered(6), "one commit at a time");
    assert_eq!(live(&mut records, 7), remembered(7));
    assert_eq!(records.committed(now), awaited);
    assert_eq!(records.committed(now), []);
    assert_eq!(records.committed(now), [], "nothing was waiting for it");
    live(&mut records, 8);
    live(&mut records, 9);
    records.begin(now);
    assert_eq!(records.committed(now), [], "a commit that comes too late says nothing");
}

#[test]
fn a_silent_meter_is_hung_up_on_and_one_that_never_answers_has_no_memory() {
    let mut records = Records::new(Memory::Numbered);
    let abort = write(&RecordAccess::abort());
    let later = Instant::default().after(PROCEDURE_LIMIT);
    records.begin(Instant::default());
    assert_eq!(records.poll_timeout(), Some(later));
    assert_eq!(records.handle_timeout(Instant::default()), []);
    assert_eq!(records.handle_timeout(later), [Step::Done]);
    assert_eq!(records.poll_timeout(), None);
    records.begin(later);
    records.answer(&[5, 0, 3, 0], 0, later).unwrap();
    let hang_up = Step::Output(Output::Request(Request::Disconnect));
    assert_eq!(records.handle_timeout(later.after(PROCEDURE_LIMIT)), [Step::Release, abort, hang_up]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn whatever_happens_every_record_comes_and_none_is_deleted_before_it_is_kept(world in worlds()) {
        let mut home = Home::new(world.clone());
        for visit in &world.visits {
            home.visit(visit);
        }
        // A memory whose numbers went round is fetched in as many connections.
        for _ in 0..3 {
            let hung_up = home.visit(&Visitation { commits: true, ..Visitation::default() });
            prop_assert!(hung_up);
        }
        let all: BTreeSet<u16> = (0..home.device.made).filter(|mark| world.unreadable != Some(*mark)).collect();
        prop_assert_eq!(home.given.iter().copied().collect::<BTreeSet<_>>(), all.clone());
        prop_assert_eq!(home.committed().into_iter().collect::<BTreeSet<_>>(), all);
        let near_the_end = home.device.memory.iter().any(|(number, _)| !is_plain(world.kind, *number));
        let can_be_emptied = world.kind != NUMBERED || (world.filters && !near_the_end);
        let all_is_read = world.unreadable.is_none_or(|mark| mark >= home.device.made);
        if world.clears && world.deletes && world.counts && can_be_emptied && all_is_read {
            prop_assert_eq!(&home.device.memory, &vec![]);
        }
    }

    #[test]
    fn where_nothing_goes_wrong_every_record_comes_exactly_once(world in worlds().prop_map(calm)) {
        let mut home = Home::new(world.clone());
        for visit in world.visits.iter().chain([&Visitation { commits: true, ..Visitation::default() }]) {
            let hung_up = home.visit(visit);
            prop_assert!(hung_up);
        }
        let mut given = home.given.clone();
        given.sort_unstable();
        prop_assert_eq!(given, (0..home.device.made).collect::<Vec<_>>());
    }

    #[test]
    fn whenever_the_gateway_stops_or_dies_every_record_is_kept_exactly_once(
        world in worlds(),
        ends in proptest::collection::vec((any::<bool>(), 0..30_u8, 0..=100_u8), 0..12),
    ) {
        let mut home = Home::new(deadly(world, &ends));
        for visit in home.device.world.visits.clone() {
            home.visit(&visit);
        }
        for _ in 0..3 {
            let hung_up = home.visit(&Visitation { commits: true, ..Visitation::default() });
            prop_assert!(hung_up);
        }
        let mut kept = home.committed();
        kept.sort_unstable();
        prop_assert_eq!(kept, (0..home.device.made).collect::<Vec<_>>());
    }
}
