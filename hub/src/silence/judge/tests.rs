//! Timelines, and a property beside a model that counts seconds.

use proptest::prelude::*;

use super::*;

const HOME: GatewayRow = GatewayRow(1);
const EVERY: u32 = 60;

fn at(s: u64) -> Instant {
    Instant::from_millis(s * 1000)
}

/// What happens, in seconds since the hub's start.
#[derive(Clone, Copy, Debug)]
enum Happens {
    Beat(LifeState),
    Batch,
    Hearing,
    Deaf,
}

use Happens::{Batch, Beat, Deaf, Hearing};
use LifeState::{Running, Stopping};

/// Lives through a timeline of one home, looking each second, and gives what was noticed and when.
fn lived(judge: &mut Judge, happens: &[(u64, Happens)], until: u64) -> Vec<(u64, Notice)> {
    let mut noticed = Vec::new();
    for second in 0..=until {
        for (_, happens) in happens.iter().filter(|(at, _)| *at == second) {
            match *happens {
                Beat(state) => judge.handle_heartbeat(HOME, EVERY, state, at(second)),
                Batch => judge.handle_batch(HOME, at(second)),
                Hearing => judge.handle_hearing(at(second)),
                Deaf => judge.handle_deaf(),
            }
        }
        judge.handle_look(at(second));
        noticed.extend(std::iter::from_fn(|| judge.poll_output()).map(|notice| (second, notice)));
    }
    noticed
}

const SILENT: Notice = Notice::Silent { gateway: HOME, after_stop: false, merged: false };
const NOT_BACK: Notice = Notice::Silent { gateway: HOME, after_stop: true, merged: false };

const RESTORED: Notice = Notice::Restored { gateway: HOME, merged: false };

#[test]
fn a_gateway_is_silent_after_three_missed_heartbeats_and_restored_by_the_next_sign_of_life() {
    /// What it is, what happens, what is noticed until an hour has passed.
    type Story = (&'static str, &'static [(u64, Happens)], &'static [(u64, Notice)]);
    let stories: [Story; 13] = [
        ("nothing was ever heard of it", &[(0, Hearing)], &[]),
        ("a batch, never a heartbeat", &[(0, Hearing), (9, Batch)], &[]),
        ("heartbeats, then none", &[(0, Hearing), (1, Beat(Running)), (61, Beat(Running))], &[(246, SILENT)]),
        ("two missed", &[(0, Hearing), (1, Beat(Running)), (181, Beat(Running))], &[(366, SILENT)]),
        ("a batch is a sign of life", &[(0, Hearing), (1, Beat(Running)), (180, Batch)], &[(365, SILENT)]),
        (
            "silent, then heard",
            &[(0, Hearing), (1, Beat(Running)), (1_000, Beat(Running))],
            &[(186, SILENT), (1_000, RESTORED), (1_185, SILENT)],
        ),
        (
            "silent, then a batch",
            &[(0, Hearing), (1, Beat(Running)), (3_500, Batch)],
            &[(186, SILENT), (3_500, RESTORED)],
        ),
        (
            "a planned stop, and back in time",
            &[(0, Hearing), (1, Beat(Stopping)), (900, Beat(Running)), (901, Beat(Stopping))],
            &[(1_801, NOT_BACK)],
        ),
        ("a planned stop for good", &[(0, Hearing), (1, Beat(Stopping))], &[(901, NOT_BACK)]),
        (
            "its last batches come behind",
            &[(0, Hearing), (1, Beat(Stopping)), (2, Batch)],
            &[(901, NOT_BACK)],
        ),
        ("the hub is deaf", &[(0, Hearing), (1, Beat(Running)), (100, Deaf)], &[]),
        (
            "the hub was deaf: everybody has time to come back",
            &[(0, Hearing), (1, Beat(Running)), (100, Deaf), (1_000, Hearing)],
            &[(1_185, SILENT)],
        ),
        (
            "the hub was deaf while it was silent already",
            &[(0, Hearing), (1, Beat(Running)), (200, Deaf), (1_000, Hearing), (2_000, Beat(Stopping))],
            &[(186, SILENT), (2_000, RESTORED), (2_900, NOT_BACK)],
        ),
    ];
    for (what, happens, noticed) in stories {
        assert_eq!(lived(&mut Judge::default(), happens, 3_600), noticed, "{what}");
    }
}

#[test]
fn a_hub_that_begins_anew_gives_time_to_come_back_and_tells_no_silence_twice() {
    for (standing, noticed) in [
        (Standing::Living, vec![(190, SILENT)]),
        (Standing::Stopped, vec![(905, NOT_BACK)]),
        (Standing::Silent { merged: false }, vec![]),
    ] {
        let mut judge = Judge::default();
        judge.recall(HOME, EVERY, standing);
        assert_eq!(lived(&mut judge, &[(5, Hearing)], 2_000), noticed, "{standing:?}");
    }
    let mut quick = Judge::default();
    quick.recall(HOME, 10, Standing::Living);
    assert_eq!(lived(&mut quick, &[(5, Hearing)], 300), [(185, SILENT)], "a broker's return takes its time");
}

#[test]
fn a_hub_that_was_stopped_itself_calls_nobody_silent_for_that_time() {
    let mut judge = Judge::default();
    judge.handle_hearing(at(0));
    judge.handle_heartbeat(HOME, EVERY, Running, at(1));
    judge.handle_look(at(2));
    judge.handle_look(at(10_000));
    assert_eq!(judge.poll_output(), None);
    for second in 10_001..=10_185 {
        judge.handle_look(at(second));
    }
    assert_eq!(judge.poll_output(), Some(SILENT));
}

fn homes(count: i64) -> impl Iterator<Item = GatewayRow> {
    (1..=count).map(GatewayRow)
}

/// Everything that is noticed when these look at their time.
fn look(judge: &mut Judge, seconds: std::ops::RangeInclusive<u64>) -> Vec<Notice> {
    seconds
        .flat_map(|second| {
            judge.handle_look(at(second));
            std::iter::from_fn(|| judge.poll_output()).collect::<Vec<_>>()
        })
        .collect()
}

/// A hundred homes whose heartbeats come at different seconds of the minute, up to second 100.
fn a_hundred() -> Judge {
    let mut judge = Judge::default();
    judge.handle_hearing(at(0));
    for (home, second) in homes(100).zip((0..).map(|n| 40 + n % 60)) {
        judge.handle_heartbeat(home, EVERY, Running, at(second));
    }
    judge
}

fn told_alone(notices: &[Notice]) -> usize {
    notices.iter().filter(|notice| matches!(notice, Notice::Silent { merged: false, .. })).count()
}

#[test]
fn many_at_once_are_one_story_with_one_end() {
    let mut judge = a_hundred();
    let told = look(&mut judge, 101..=400);
    assert_eq!(told.iter().filter(|notice| **notice == Notice::ManySilent).count(), 1);
    assert_eq!(told_alone(&told), MANY - 1);
    assert_eq!(told.len(), 101, "each is silent, and one notice is of all");

    for home in homes(97) {
        judge.handle_heartbeat(home, EVERY, Running, at(401));
    }
    let back = look(&mut judge, 401..=580);
    assert!(back.iter().all(|notice| matches!(notice, Notice::Restored { .. })) && back.len() == 97);
    // Whoever is still away when the story ends has one of its own.
    let still: Vec<_> = homes(100).skip(97).map(|gateway| Notice::StillSilent { gateway }).collect();
    let end = look(&mut judge, 581..=586);
    assert!(end.starts_with(&[&[Notice::ManyRestored][..], &still[..]].concat()), "{end:?}");
}

#[test]
fn the_story_of_many_ends_at_once_when_all_are_back() {
    let mut judge = a_hundred();
    look(&mut judge, 101..=400);
    homes(100).for_each(|home| judge.handle_heartbeat(home, EVERY, Running, at(401)));
    let back = look(&mut judge, 401..=401);
    assert_eq!((back.len(), back.last()), (101, Some(&Notice::ManyRestored)));
}

#[test]
fn some_of_many_are_told_each_by_itself() {
    let mut judge = a_hundred();
    // All are heard in the minutes that end at 160 and 220; then no more of the first twenty.
    for (minute, away) in [(101, 0), (161, 0), (221, 20), (281, 20), (341, 20)] {
        assert_eq!(look(&mut judge, minute..=minute + 59), []);
        for home in homes(100).skip(away) {
            judge.handle_heartbeat(home, EVERY, Running, at(minute + 59));
        }
    }
    let told = look(&mut judge, 401..=460);
    assert_eq!((told_alone(&told), told.len()), (20, 20));
}

#[test]
fn an_old_story_of_many_swallows_no_new_silence() {
    let mut judge = a_hundred();
    look(&mut judge, 101..=400);
    let newcomer = GatewayRow(500);
    judge.handle_heartbeat(newcomer, EVERY, Running, at(400));
    assert_eq!(
        look(&mut judge, 401..=600),
        [Notice::Silent { gateway: newcomer, after_stop: false, merged: false }]
    );
    // Nor does one that an earlier hub told.
    let mut judge = Judge::default();
    homes(10).for_each(|home| judge.recall(home, EVERY, Standing::Silent { merged: true }));
    judge.handle_hearing(at(0));
    judge.handle_heartbeat(newcomer, EVERY, Running, at(1));
    assert_eq!(told_alone(&look(&mut judge, 1..=300)), 1);
    judge.handle_heartbeat(HOME, EVERY, Running, at(301));
    assert_eq!(judge.poll_output(), Some(Notice::Restored { gateway: HOME, merged: true }));
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Beat,
    Wait(u16),
    Deaf,
    Hearing,
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Beat),
        5 => (1_u16..120).prop_map(Step::Wait),
        1 => Just(Step::Deaf),
        2 => Just(Step::Hearing),
        1 => Just(Step::Restart),
    ]
}

/// A hub that counts for how many seconds it has heard nothing while it could hear.
#[derive(Default)]
struct Model {
    hears: bool,
    /// Seconds since the last sign of life, or since it began to hear.
    waited: u64,
    is_watched: bool,
    is_silent: bool,
}

impl Model {
    fn second(&mut self) -> Option<Notice> {
        self.waited += 1;
        // 3 × 60 s and 5 s of slack; that is more than the time to come back.
        let late = self.waited >= 185;
        (self.hears && self.is_watched && !self.is_silent && late).then(|| {
            self.is_silent = true;
            SILENT
        })
    }

    fn beat(&mut self) -> Option<Notice> {
        (self.is_watched, self.waited) = (true, 0);
        std::mem::take(&mut self.is_silent).then_some(RESTORED)
    }
}

proptest! {
    #[test]
    fn silence_is_told_exactly_when_three_are_missed_while_the_hub_could_hear(
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let (mut judge, mut model, mut now) = (Judge::default(), Model::default(), 0);
        judge.handle_look(at(0));
        let (mut told, mut wanted) = (Vec::new(), Vec::new());
        for step in steps {
            match step {
                // What is not heard does not reach the hub.
                Step::Beat if !model.hears => {}
                Step::Beat => {
                    judge.handle_heartbeat(HOME, EVERY, Running, at(now));
                    wanted.extend(model.beat());
                }
                Step::Wait(seconds) => {
                    for _ in 0..seconds {
                        now += 1;
                        judge.handle_look(at(now));
                        wanted.extend(model.second());
                    }
                }
                Step::Deaf => {
                    judge.handle_deaf();
                    model.hears = false;
                }
                Step::Hearing => {
                    judge.handle_hearing(at(now));
                    (model.hears, model.waited) = (true, 0);
                }
                Step::Restart => {
                    judge = Judge::default();
                    judge.handle_look(at(now));
                    if model.is_watched {
                        let silent = Standing::Silent { merged: false };
                        judge.recall(HOME, EVERY, if model.is_silent { silent } else { Standing::Living });
                    }
                    model.hears = false;
                }
            }
            told.extend(std::iter::from_fn(|| judge.poll_output()));
            prop_assert_eq!(&told, &wanted);
        }
        // What is told alternates, so that every silence has its end.
        prop_assert!(told.iter().step_by(2).all(|notice| *notice == SILENT));
        prop_assert!(told.iter().skip(1).step_by(2).all(|notice| *notice == RESTORED));
    }
}
