use proptest::prelude::*;

use super::*;

const QUIET: Duration = Duration::from_mins(10);

fn at(seconds: u64) -> Instant {
    Instant::from_millis(seconds * 1000)
}

/// What the ladder does by itself until then, with the second in which it does it.
fn until(ladder: &mut RadioLadder, end: u64) -> Vec<(u64, RadioCare)> {
    let mut done = Vec::new();
    while let Some(due) = ladder.poll_timeout().filter(|due| *due <= at(end)) {
        ladder.handle_timeout(due);
        while let Some(care) = ladder.poll_output() {
            done.push((due.as_millis() / 1000, care));
        }
    }
    done
}

#[test]
fn a_scan_that_died_in_silence_is_mended_rung_by_rung_and_then_told_once() {
    let mut ladder = RadioLadder::new(QUIET, true, at(0));
    let expected = [
        (600, RadioCare::Take(Rung::RestartScan)),
        (660, RadioCare::Take(Rung::PowerCycle)),
        (720, RadioCare::Take(Rung::RestartDaemon)),
        (780, RadioCare::Silent),
        (2580, RadioCare::Take(Rung::RestartScan)),
        (2640, RadioCare::Take(Rung::PowerCycle)),
        (2700, RadioCare::Take(Rung::RestartDaemon)),
    ];
    assert_eq!(until(&mut ladder, 2800), expected);
    ladder.handle_heard(at(2801));
    assert_eq!(ladder.poll_output(), Some(RadioCare::HeardAgain));
    assert_eq!(until(&mut ladder, 2801 + 599), []);
}

#[test]
fn the_climb_ends_where_a_rung_helps() {
    let mut ladder = RadioLadder::new(QUIET, true, at(0));
    assert_eq!(until(&mut ladder, 659).len(), 1);
    ladder.handle_heard(at(659));
    assert_eq!(ladder.poll_output(), None, "nothing was told, so nothing is restored");
    assert_eq!(until(&mut ladder, 1258), []);
    assert_eq!(until(&mut ladder, 1259), [(1259, RadioCare::Take(Rung::RestartScan))]);
}

#[test]
fn where_only_meters_are_awaited_silence_renews_the_scan_and_nothing_more() {
    let mut ladder = RadioLadder::new(QUIET, false, at(0));
    let rungs: Vec<_> = until(&mut ladder, 3000).into_iter().map(|(_, care)| care).collect();
    assert_eq!(rungs, [RadioCare::Take(Rung::RestartScan); 4]);
}

#[test]
fn a_failure_is_given_time_to_pass_then_the_adapter_and_the_daemon_are_restarted() {
    let mut ladder = RadioLadder::new(QUIET, true, at(0));
    ladder.handle_failed(at(100));
    ladder.handle_failed(at(105));
    ladder.handle_listening(at(110));
    assert_eq!(until(&mut ladder, 600), [], "it passed by itself");
    ladder.handle_failed(at(700));
    let expected = [
        (720, RadioCare::Take(Rung::PowerCycle)),
        (780, RadioCare::Take(Rung::RestartDaemon)),
        (2640, RadioCare::Take(Rung::PowerCycle)),
    ];
    assert_eq!(until(&mut ladder, 2640), expected, "a failure is told by whoever meets it");
}

#[test]
fn a_radio_that_works_only_for_a_moment_again_and_again_is_climbed_for() {
    let mut ladder = RadioLadder::new(QUIET, true, at(0));
    let mut done = Vec::new();
    for start in (100..300).step_by(10) {
        ladder.handle_failed(at(start));
        done.extend(until(&mut ladder, start + 5));
        ladder.handle_listening(at(start + 6));
        ladder.handle_heard(at(start + 7));
        done.extend(until(&mut ladder, start + 9));
    }
    let rungs = [(120, RadioCare::Take(Rung::PowerCycle)), (180, RadioCare::Take(Rung::RestartDaemon))];
    assert_eq!(done, rungs);
    assert_eq!(until(&mut ladder, 296 + 60), [], "it has listened for a minute");
    ladder.handle_failed(at(400));
    assert_eq!(until(&mut ladder, 420), [(420, RadioCare::Take(Rung::PowerCycle))], "a new failure");
}

#[test]
fn a_rung_that_ends_the_scan_itself_is_no_failure_and_no_proof_of_hearing() {
    let mut ladder = RadioLadder::new(QUIET, true, at(0));
    assert_eq!(until(&mut ladder, 660).len(), 2);
    ladder.handle_failed(at(661));
    ladder.handle_listening(at(665));
    let expected = [(720, RadioCare::Take(Rung::RestartDaemon)), (780, RadioCare::Silent)];
    assert_eq!(until(&mut ladder, 1000), expected);
}

#[test]
fn a_bluetoothd_that_dies_after_a_silence_was_told_is_not_left_dead_until_the_rest_is_over() {
    let mut ladder = RadioLadder::new(QUIET, true, at(0));
    assert_eq!(until(&mut ladder, 780).last(), Some(&(780, RadioCare::Silent)));
    ladder.handle_failed(at(800));
    let expected = [(820, RadioCare::Take(Rung::PowerCycle)), (880, RadioCare::Take(Rung::RestartDaemon))];
    assert_eq!(until(&mut ladder, 900), expected);
    ladder.handle_listening(at(905));
    ladder.handle_heard(at(910));
    assert_eq!(ladder.poll_output(), Some(RadioCare::HeardAgain));
}

#[derive(Clone, Debug)]
enum Happening {
    Heard,
    Failed,
    Listening,
    Nothing,
}

proptest! {
    /// Whatever happens in whatever order: no rung follows another within its patience, and a silence that is told
    /// is told restored before it is told again.
    #[test]
    fn rungs_keep_their_distance_and_told_silences_alternate(
        telling: bool,
        happenings in proptest::collection::vec(
            (0_u64..2000, prop_oneof![
                Just(Happening::Heard), Just(Happening::Failed), Just(Happening::Listening), Just(Happening::Nothing),
            ]),
            0..200,
        ),
    ) {
        let mut ladder = RadioLadder::new(QUIET, telling, at(0));
        let mut now = 0;
        let (mut last_rung, mut silent) = (None::<u64>, false);
        for (pause, happening) in happenings {
            now += pause;
            let mut done = until(&mut ladder, now);
            match happening {
                Happening::Heard => ladder.handle_heard(at(now)),
                Happening::Failed => ladder.handle_failed(at(now)),
                Happening::Listening => ladder.handle_listening(at(now)),
                Happening::Nothing => {}
            }
            done.extend(ladder.poll_output().map(|care| (now, care)));
            for (second, care) in done {
                match care {
                    RadioCare::Take(_) => {
                        prop_assert!(last_rung.is_none_or(|last| second - last >= 20));
                        last_rung = Some(second);
                    }
                    RadioCare::Silent => {
                        prop_assert!(telling && !silent);
                        silent = true;
                    }
                    RadioCare::HeardAgain => {
                        prop_assert!(silent);
                        silent = false;
                    }
                }
            }
        }
    }
}
