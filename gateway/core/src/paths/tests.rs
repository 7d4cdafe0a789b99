//! Paths live a random life in which an urgent batch waits all the time: they refuse, swallow what is sent, come back.

use proptest::prelude::*;

use super::*;

/// Between two looks of the model.
const TICK: u64 = 500;
/// How long the dispatcher pauses while an alarm waits, at most.
const PAUSE: Duration = Duration::from_secs(5);
/// When a peer that says nothing more is noticed without an alarm that waits: half as long again as the keep-alive.
const STALL: Duration = Duration::from_secs(45);
/// How long a test waits for a path that swallows everything.
const TEST_PATIENCE: Duration = Duration::from_secs(30);
const SENT_AGAIN: Duration = Duration::from_secs(4);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weather {
    Good,
    Refuses,
    Swallows,
}

/// The broker behind the paths, and what the gateway has under way.
struct World {
    paths: Paths,
    now: Instant,
    weather: Vec<Weather>,
    /// Since when each path is good without a break.
    good_since: Vec<Option<Instant>>,
    hub_answers: bool,
    pending: Option<(Step, Instant)>,
    tests: Vec<(usize, Instant)>,
    /// Since when the path in use swallows everything, and when the urgent batch went out last.
    stalled: Option<Instant>,
    sent: Instant,
    receipt: Instant,
    journal: Vec<(Instant, Step)>,
}

impl World {
    fn new(metered: &[bool]) -> Self {
        let test_every = Duration::from_mins(10);
        let start = Instant::from_millis(0);
        Self {
            paths: Paths::new(metered.iter().map(|metered| Plan { metered: *metered, test_every }), 7),
            now: start,
            weather: vec![Weather::Good; metered.len()],
            good_since: vec![Some(start); metered.len()],
            hub_answers: true,
            pending: None,
            tests: Vec::new(),
            stalled: None,
            sent: start,
            receipt: start,
            journal: Vec::new(),
        }
    }

    fn set(&mut self, path: usize, weather: Weather) {
        if self.weather[path] != weather {
            self.weather[path] = weather;
            self.good_since[path] = (weather == Weather::Good).then_some(self.now);
        }
    }

    fn run(&mut self, seconds: u64) {
        for _ in 0..seconds * 1000 / TICK {
            self.now = self.now.after(Duration::from_millis(TICK));
            self.answer();
            self.use_connection();
            self.paths.handle_timeout(self.now);
            while let Some(step) = self.paths.poll_step() {
                self.journal.push((self.now, step));
                self.take(step);
            }
            assert!(
                self.paths.poll_timeout().is_none_or(|at| at > self.now),
                "a timeout that is due stays due"
            );
            self.judge();
        }
    }

    fn take(&mut self, step: Step) {
        let weather = |path: usize| self.weather[path];
        let soon = self.now.after(Duration::from_millis(TICK));
        match step {
            Step::Leave => self.tests.clear(),
            Step::Pause => self.pending = Some((step, self.now.after(PAUSE))),
            Step::Connect { path, patience } => {
                let swallowed = weather(path) == Weather::Swallows;
                self.pending = Some((step, if swallowed { self.now.after(patience) } else { soon }));
            }
            Step::Test { path } => {
                let swallowed = weather(path) == Weather::Swallows;
                self.tests.push((path, if swallowed { self.now.after(TEST_PATIENCE) } else { soon }));
            }
        }
    }

    /// What was under way comes to its end.
    fn answer(&mut self) {
        if let Some((step, _)) = self.pending.take_if(|(_, at)| *at <= self.now) {
            match step {
                Step::Connect { path, .. } if self.weather[path] == Weather::Good => {
                    self.paths.handle_connected(self.now);
                    self.stalled = None;
                    self.sent = self.now;
                    self.paths.handle_urgent_sent(self.now);
                }
                Step::Connect { .. } => self.paths.handle_failed(self.now),
                Step::Pause => self.paths.handle_paused(),
                Step::Leave | Step::Test { .. } => unreachable!("nobody waits for these here"),
            }
        }
        let (done, under_way) = self.tests.iter().partition(|(_, at)| *at <= self.now);
        self.tests = under_way;
        let done: Vec<_> = done;
        for (path, _) in done {
            if self.paths.in_use().is_some() {
                self.paths.handle_tested(path, self.weather[path] == Weather::Good, self.now);
            }
        }
    }

    fn use_connection(&mut self) {
        let Some(path) = self.paths.in_use() else { return };
        match self.weather[path] {
            Weather::Good if self.hub_answers => {
                self.stalled = None;
                self.receipt = self.now;
                self.paths.handle_receipt();
            }
            Weather::Good => self.stalled = None,
            Weather::Refuses => return self.lose(),
            Weather::Swallows => {
                let since = *self.stalled.get_or_insert(self.now);
                if self.now.since(since) >= STALL {
                    return self.lose();
                }
            }
        }
        if self.now.since(self.sent) >= SENT_AGAIN {
            self.sent = self.now;
            self.paths.handle_urgent_sent(self.now);
        }
    }

    fn lose(&mut self) {
        self.tests.clear();
        self.paths.handle_lost(self.now);
    }

    fn judge(&self) {
        assert_eq!(self.paths.strange(), 0);
        if let Some(path) = self.paths.in_use() {
            let is_metered = self.paths.paths[path].plan.metered && self.weather.len() > 1;
            assert_eq!(self.paths.carries_routine(), !is_metered);
        }
    }

    /// How long an urgent batch has waited although one path was good all the while.
    fn waited_in_vain(&self) -> Duration {
        let good_since = self.good_since.iter().flatten().min();
        good_since.map_or(Duration::ZERO, |since| self.now.since((*since).max(self.receipt)))
    }

    fn connects(&self) -> Vec<usize> {
        let path = |(_, step): &(Instant, Step)| match step {
            Step::Connect { path, .. } => Some(*path),
            Step::Pause | Step::Leave | Step::Test { .. } => None,
        };
        self.journal.iter().filter_map(path).collect()
    }
}

#[test]
fn an_urgent_batch_is_on_its_way_over_the_next_path_within_ten_seconds_however_the_first_was_lost() {
    for weather in [Weather::Refuses, Weather::Swallows] {
        let mut world = World::new(&[false, true]);
        world.run(120);
        assert_eq!(world.paths.in_use(), Some(0));
        world.set(0, weather);
        world.run(10);
        assert_eq!(world.paths.in_use(), Some(1), "{weather:?}");
        assert!(world.waited_in_vain() < Duration::from_secs(1), "{weather:?}");
        assert!(!world.paths.carries_routine());
    }
}

#[test]
fn the_preferred_path_is_gone_back_to_when_it_has_held_for_a_while_and_later_each_time_it_did_not() {
    let mut world = World::new(&[false, true]);
    world.run(60);
    let mut away = Vec::new();
    for _ in 0..4 {
        world.set(0, Weather::Refuses);
        world.run(120);
        assert_eq!((world.paths.in_use(), world.paths.standing(0)), (Some(1), Standing::Lost));
        world.set(0, Weather::Good);
        let mut seconds = 0;
        while world.paths.in_use() != Some(0) {
            world.run(1);
            seconds += 1;
        }
        away.push(seconds);
    }
    assert!(away[0] >= 20 && away[3] > 2 * away[0], "{away:?}");
}

#[test]
fn a_path_that_is_only_a_reserve_is_tested_when_there_is_a_connection_and_then_seldom() {
    let mut world = World::new(&[false, true]);
    world.set(1, Weather::Refuses);
    world.run(30);
    assert_eq!((world.paths.in_use(), world.paths.standing(1)), (Some(0), Standing::Lost));
    world.set(1, Weather::Good);
    world.run(60);
    assert_eq!(world.paths.standing(1), Standing::Works);
    world.journal.clear();
    world.run(3600);
    let tests = world.journal.iter().filter(|(_, step)| matches!(step, Step::Test { path: 1 })).count();
    assert!((5..=6).contains(&tests), "{tests} tests in an hour");
    assert_eq!(world.journal.len(), tests, "and nothing else is done");
}

#[test]
fn a_silent_hub_is_no_reason_to_run_to_and_fro() {
    let mut world = World::new(&[false, true]);
    world.run(60);
    world.hub_answers = false;
    world.journal.clear();
    world.run(24 * 3600);
    let moves = world.connects().len();
    assert!(moves <= 24 * 60, "{moves} connections in a day without a hub");
    world.hub_answers = true;
    world.run(1800);
    assert_eq!(world.paths.in_use(), Some(0));
}

#[test]
fn a_broker_that_lets_in_and_throws_out_is_not_hurried() {
    let mut paths = Paths::new([Plan { metered: false, test_every: LONGEST_STEADY }; 2], 1);
    let now = Instant::from_millis(0);
    let mut connects = 0;
    while paths.poll_step() != Some(Step::Pause) {
        connects += 1;
        paths.handle_connected(now);
        paths.handle_lost(now);
    }
    assert_eq!(connects, 2);
}

#[test]
fn one_path_alone_is_tried_again_after_each_pause_and_never_left_or_tested() {
    let mut world = World::new(&[true]);
    world.run(60);
    assert!(world.paths.carries_routine(), "there is no other");
    world.hub_answers = false;
    world.run(300);
    world.set(0, Weather::Swallows);
    world.run(300);
    world.set(0, Weather::Good);
    world.hub_answers = true;
    world.run(40);
    assert_eq!(world.paths.in_use(), Some(0));
    assert!(!world.journal.iter().any(|(_, step)| matches!(step, Step::Leave | Step::Test { .. })));
}

fn weathers() -> impl Strategy<Value = Vec<(usize, Weather, u64)>> {
    let weather = prop_oneof![
        3 => Just(Weather::Good),
        2 => Just(Weather::Refuses),
        2 => Just(Weather::Swallows),
    ];
    prop::collection::vec((0..3_usize, weather, 1..400_u64), 1..40)
}

proptest! {
    /// With two paths that swallow: 30 s for a connection that leads nowhere, a pause, 7 s for each of the others, and
    /// the 5 s after which the alarm looks for another way.
    #[test]
    fn no_urgent_batch_waits_long_while_any_path_works_and_in_the_end_the_preferred_one_is_in_use(
        changes in weathers()
    ) {
        let mut world = World::new(&[false, true, false]);
        for (path, weather, seconds) in changes {
            world.set(path, weather);
            for _ in 0..seconds {
                world.run(1);
                prop_assert!(world.waited_in_vain() <= Duration::from_secs(70), "{:?}", world.journal);
            }
        }
        for path in 0..3 {
            world.set(path, Weather::Good);
        }
        world.run(40 * 60);
        prop_assert_eq!(world.paths.in_use(), Some(0));
        for path in 0..3 {
            prop_assert_eq!(world.paths.standing(path), Standing::Works);
        }
    }
}
