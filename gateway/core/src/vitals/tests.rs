use proptest::prelude::*;
use varde_wire::{BootId, Stamp, Trust, WallTime};

use super::*;

const EVERY: Duration = Duration::from_secs(60);
const GB: u64 = 1_000_000_000;

/// Looks at a box once a minute and gives what was told, each with the number of the reading, counted from 1.
fn told(readings: impl IntoIterator<Item = Reading>) -> Vec<(usize, Vital, usize)> {
    let mut vitals = Vitals::new(EVERY, &BTreeMap::new());
    let mut told = Vec::new();
    for (number, reading) in (1_usize..).zip(readings) {
        vitals.handle_reading(&reading, at(number));
        while let Some(turn) = vitals.poll_output() {
            told.push((number, turn.vital, turn.to));
        }
    }
    told
}

fn at(number: usize) -> Instant {
    // A reading is never taken early, and often a little late.
    Instant::from_millis(number as u64 * 60_007)
}

fn times(count: usize, reading: Reading) -> impl Iterator<Item = Reading> {
    std::iter::repeat_n(reading, count)
}

fn storage(free: u64, total: u64) -> Reading {
    Reading { storage: Some(Amount { free, total }), ..Reading::default() }
}

#[test]
fn what_a_box_does_not_have_says_nothing() {
    assert_eq!(told(times(200, Reading::default())), []);
}

#[test]
fn each_vital_begins_and_ends_where_its_table_says() {
    let memory = |free| Reading { memory: Some(Amount { free, total: 1_000 }), ..Reading::default() };
    let own = |mb: u64| Reading { own_memory: Some(mb * 1_000_000), ..Reading::default() };
    let warm = |celsius: i64| Reading { millicelsius: Some(celsius * 1_000), ..Reading::default() };
    let bits = |bits| Reading { throttled: Some(Throttled(bits)), ..Reading::default() };
    let alarm = |low| Reading { under_voltage: Some(low), ..Reading::default() };
    let wear =
        |life_tenths, pre_eol| Reading { wear: Some(Wear { life_tenths, pre_eol }), ..Reading::default() };
    let days = |days: i64| Reading { certificate_left_s: Some(days * 86_400), ..Reading::default() };
    let starts = |starts| Reading { starts: Some(starts), ..Reading::default() };
    let read_only = |is| Reading { read_only: Some(is), ..Reading::default() };
    let errors = |count| Reading { file_system_errors: Some(count), ..Reading::default() };
    let program = |altered| Reading { program_altered: Some(altered), ..Reading::default() };
    // The vital, well, between its steps up and down, ill by how many steps, and the readings to begin and to end.
    let table = [
        (Vital::Storage, storage(20, 100), Some(storage(12, 100)), storage(9, 100), 1, 3, 3),
        (Vital::Storage, storage(20, 100), None, storage(2, 100), 2, 1, 3),
        (Vital::Storage, storage(2 * GB, 128 * GB), None, storage(GB, 128 * GB), 1, 3, 3),
        (Vital::ReadOnly, read_only(false), None, read_only(true), 1, 1, 3),
        (Vital::FileSystem, errors(0), None, errors(1), 1, 1, 1),
        (Vital::Wear, wear(8, 1), None, wear(9, 1), 1, 1, 1),
        (Vital::Wear, wear(0, 1), None, wear(0, 2), 1, 1, 1),
        (Vital::Wear, wear(1, 1), None, wear(11, 1), 2, 1, 1),
        (Vital::Wear, wear(1, 1), None, wear(1, 3), 2, 1, 1),
        (Vital::Memory, memory(200), Some(memory(120)), memory(100), 1, 5, 10),
        (Vital::OwnMemory, own(20), Some(own(50)), own(64), 1, 5, 10),
        (Vital::OwnMemory, own(20), None, own(110), 2, 1, 10),
        (Vital::Temperature, warm(60), Some(warm(72)), warm(75), 1, 5, 10),
        (Vital::Temperature, warm(60), None, warm(82), 2, 2, 10),
        (Vital::PowerSupply, bits(0), None, bits(0x1), 1, 1, 60),
        (Vital::PowerSupply, alarm(false), None, alarm(true), 1, 1, 60),
        (Vital::Throttling, bits(0), None, bits(0x4), 1, 1, 60),
        (Vital::Throttling, bits(0), None, bits(0x8), 1, 1, 60),
        (Vital::Certificate, days(32), Some(days(31)), days(30), 1, 1, 1),
        (Vital::Certificate, days(300), None, days(7), 2, 1, 1),
        (Vital::Certificate, days(300), None, days(1), 3, 1, 1),
        (Vital::Certificate, days(300), None, days(-1), 4, 1, 1),
        (Vital::Restarts, starts(0), Some(starts(4)), starts(5), 1, 1, 1),
        (Vital::Program, program(false), None, program(true), 1, 1, 1),
    ];
    for (vital, well, between, ill, to, to_begin, to_end) in table {
        let between = between.unwrap_or(ill);
        let turns: Vec<_> =
            told(times(7, well).chain(times(100, ill)).chain(times(9, between)).chain(times(99, well)))
                .into_iter()
                .filter(|(.., step)| *step == to || *step == 0)
                .collect();
        assert_eq!(
            turns,
            [(7 + to_begin, vital, to), (7 + 100 + 9 + to_end, vital, 0)],
            "{vital:?}: {ill:?}"
        );
    }
}

#[test]
fn a_certificate_is_told_of_more_urgently_four_times_and_then_of_its_renewal() {
    let left = (-2..=40).rev().chain([365]);
    let days = left.map(|days| Reading { certificate_left_s: Some(days * 86_400), ..Reading::default() });
    let steps: Vec<_> = told(days).into_iter().map(|(number, _, step)| (41 - number as i64, step)).collect();
    assert_eq!(steps, [(30, 1), (7, 2), (1, 3), (0, 4), (-3, 0)], "days left, and the step");
}

#[test]
fn a_dip_between_two_readings_is_told_once() {
    let bits = |bits| Reading { throttled: Some(Throttled(bits)), ..Reading::default() };
    let day = std::iter::once(bits(0)).chain(times(1_440, bits(0x5_0000)));
    assert_eq!(
        told(day),
        [
            (2, Vital::PowerSupply, 1),
            (2, Vital::Throttling, 1),
            (62, Vital::PowerSupply, 0),
            (62, Vital::Throttling, 0),
        ]
    );
    // The kernel's driver clears the bit when it has seen it, and the next dip sets it again.
    let cleared = [0, 0x1_0000, 0, 0x1_0000].map(bits);
    assert_eq!(told(cleared), [(2, Vital::PowerSupply, 1)]);
    assert_eq!(told([0x1_0000, 0x1_0000].map(bits)), [], "a dip of an earlier run");
}

#[test]
fn a_supply_that_dips_every_half_hour_is_one_fault_all_day() {
    let dips =
        (0..1_440).map(|minute| Reading { under_voltage: Some(minute % 30 == 10), ..Reading::default() });
    assert_eq!(told(dips), [(11, Vital::PowerSupply, 1)]);
}

#[test]
fn only_what_nothing_explains_is_a_jump() {
    use Trust::{Estimated, Synchronised, Unset};
    let clock = |minute: u64, ahead_s: i64, trust| {
        let uptime = Instant::from_millis(minute * 60_000);
        let wall = WallTime::from_unix_millis(1_790_000_000_000 + (minute as i64 * 60 + ahead_s) * 1_000);
        let stamp = Stamp { boot: BootId::from_bytes([1; 16]), uptime, wall, trust };
        Reading { clock: Some(stamp), ..Reading::default() }
    };
    // What the clock was ahead by and worth, twice, and whether that is a jump.
    let table = [
        ((0, Synchronised), (29, Synchronised), false),
        ((0, Synchronised), (30, Synchronised), true),
        ((0, Synchronised), (-3_600, Synchronised), true),
        ((0, Estimated), (-3_600, Estimated), true),
        ((0, Synchronised), (3_600, Estimated), true),
        ((0, Synchronised), (-99_999_999, Unset), true),
        ((-3_600, Estimated), (0, Synchronised), false),
        ((-99_999_999, Unset), (0, Synchronised), false),
        ((-99_999_999, Unset), (0, Estimated), false),
    ];
    for ((before, was), (after, is), jump) in table {
        let turns = told([clock(1, before, was), clock(2, after, is), clock(3, after, is)]);
        let expected: &[_] = if jump { &[(2, Vital::TimeJump, 1)] } else { &[] };
        assert_eq!(turns, expected, "{before} {was:?} to {after} {is:?}");
    }
}

#[test]
fn what_was_told_before_a_restart_stands_until_it_ends() {
    let left = |days: i64| Reading { certificate_left_s: Some(days * 86_400), ..Reading::default() };
    let mut vitals = Vitals::new(EVERY, &BTreeMap::new());
    vitals.handle_reading(&left(3), at(1));
    let told = vitals.told();
    assert_eq!(told, BTreeMap::from([(Vital::Certificate, 2)]));
    // Days left after the restart, and the turn at its first reading.
    let table = [(3, Some((2, 2))), (1, Some((2, 3))), (20, Some((2, 1))), (365, Some((2, 0)))];
    for (days, expected) in table {
        let mut vitals = Vitals::new(EVERY, &told);
        vitals.handle_reading(&Reading::default(), at(1));
        assert_eq!(vitals.poll_output(), None, "nothing was read");
        vitals.handle_reading(&left(days), at(2));
        assert_eq!(vitals.poll_output().map(|turn| (turn.from, turn.to)), expected, "{days} days");
        vitals.handle_reading(&left(days), at(3));
        assert_eq!(vitals.poll_output(), None);
    }
}

#[test]
fn a_program_that_never_lives_long_is_in_a_loop_until_it_does() {
    let mut past = Past::default();
    for start in 1..=9 {
        past.handle_start("1", [0; 32]);
        assert_eq!(past.starts(), start);
    }
    past.handle_good_life();
    assert_eq!(past.starts(), 0);
    past.handle_start("1", [0; 32]);
    assert_eq!(past.starts(), 1, "the first in a row again");
}

#[test]
fn another_program_or_configuration_is_told_once_and_an_altered_file_is_found() {
    let (one, two) = ([1; 32], [2; 32]);
    let mut past = Past::default();
    assert_eq!(past.handle_start("1.0", one), [], "nothing was known");
    assert!(!past.handle_program(one));
    assert_eq!(past.handle_start("1.0", one), []);
    assert!(past.handle_program(two), "the same version, other bytes");
    assert_eq!(past.handle_start("1.0", two), [Change::Configuration]);
    assert!(past.handle_program(two), "they stay other bytes");
    assert!(!past.handle_program(one), "reinstalled");
    let change = Change::Software { from: "1.0".to_owned(), to: "1.1".to_owned() };
    assert_eq!(past.handle_start("1.1", two), [change]);
    assert!(!past.handle_program(two), "the first of its version");
    assert_eq!(past.handle_start("1.1", two), []);
}

#[test]
fn the_steps_of_every_vital_go_upwards_and_each_ends_below_where_it_begins() {
    for vital in Vital::ALL {
        let steps = vital.steps();
        assert!(
            steps.iter().all(|step| step.ends <= step.begins && step.to_begin > 0 && step.to_end > 0),
            "{vital:?}"
        );
        assert!(
            steps.is_sorted_by(|low, high| low.begins < high.begins && low.ends <= high.ends),
            "{vital:?}"
        );
    }
}

fn any_reading() -> impl Strategy<Value = Reading> {
    let amount = || {
        proptest::option::of((0..1_000_u64, 0..1_000_u64).prop_map(|(free, total)| Amount { free, total }))
    };
    let yes = || proptest::option::of(any::<bool>());
    let wear = proptest::option::of(
        (any::<u8>(), 0..5_u8).prop_map(|(life_tenths, pre_eol)| Wear { life_tenths, pre_eol }),
    );
    let bits = proptest::option::of(any::<u32>().prop_map(|bits| Throttled(bits & 0xF_000F)));
    let celsius = proptest::option::of(60_000..90_000_i64);
    let left = proptest::option::of(-900_000..4_000_000_i64);
    (amount(), amount(), yes(), yes(), yes(), wear, bits, (celsius, left, proptest::option::of(0..9_u32)))
        .prop_map(
            |(
                storage,
                memory,
                read_only,
                under_voltage,
                program_altered,
                wear,
                throttled,
                (millicelsius, left, starts),
            )| Reading {
                storage,
                memory,
                read_only,
                under_voltage,
                program_altered,
                wear,
                throttled,
                millicelsius,
                certificate_left_s: left,
                starts,
                ..Reading::default()
            },
        )
}

/// A box on which nothing is wrong, and everything can be read.
fn well() -> Reading {
    Reading {
        storage: Some(Amount { free: 8 * GB, total: 16 * GB }),
        read_only: Some(false),
        file_system_errors: Some(0),
        wear: Some(Wear { life_tenths: 1, pre_eol: 1 }),
        memory: Some(Amount { free: GB, total: 2 * GB }),
        own_memory: Some(20_000_000),
        millicelsius: Some(50_000),
        throttled: Some(Throttled(0)),
        under_voltage: Some(false),
        certificate_left_s: Some(300 * 86_400),
        starts: Some(0),
        program_altered: Some(false),
        clock: None,
    }
}

proptest! {
    /// Whatever is read: what is told begins and ends by turns, nothing is told again before it has lasted, and on a box
    /// that is well again everything has ended.
    #[test]
    fn each_fault_has_its_end_and_none_flaps(readings in proptest::collection::vec((any_reading(), 0..4_usize), 0..80)) {
        let readings = readings.into_iter().flat_map(|(reading, more)| times(more + 1, reading));
        // Of each step of each vital: whether it was told, and when.
        let mut last: BTreeMap<(Vital, usize), (bool, usize)> = BTreeMap::new();
        for (number, vital, to) in told(readings.chain(times(100, well()))) {
            for step in 0..vital.steps().len() {
                let (was, before) = last.get(&(vital, step)).copied().unwrap_or_default();
                let is = to > step;
                if was != is {
                    // A higher step stands for the lower ones too.
                    let holds = vital.steps()[step..].iter().map(|s| if is { s.to_begin } else { s.to_end });
                    let hold = holds.min().unwrap_or_default() as usize;
                    prop_assert!(number - before >= hold, "{:?} {} after {}", vital, step, number - before);
                    last.insert((vital, step), (is, number));
                }
            }
        }
        prop_assert!(last.values().all(|(told, _)| !told), "{:?}", last);
    }
}
