use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn at(minutes: u64) -> Instant {
    Instant::from_millis(minutes * 60_000)
}

fn id(n: u8) -> DeviceId {
    format!("d-{n}").parse().unwrap()
}

/// Devices that speak every hour and are missing after three; the odd ones live on mains, and every third is heard
/// on another link.
fn home(devices: u8) -> BTreeMap<DeviceId, Expectation> {
    let expectation = |n: u8| Expectation {
        interval: Duration::from_hours(1),
        silent_after: Duration::from_hours(3),
        link: LinkNumber(n % 3 / 2),
        on_mains: n % 2 == 1,
    };
    (0..devices).map(|n| (id(n), expectation(n))).collect()
}

fn findings(supervision: &mut Supervision) -> Vec<Finding> {
    std::iter::from_fn(|| supervision.poll_output()).collect()
}

#[test]
fn a_restart_neither_invents_a_missing_device_nor_forgets_one() {
    let mut supervision = Supervision::new(home(1), at(0));
    supervision.handle_heard(&id(0), None, at(10));
    // Every 50 minutes the gateway is off for ten, and the device is dead.
    for round in 0..3 {
        let off = at(60 + round * 60);
        supervision.handle_timeout(off);
        assert_eq!(findings(&mut supervision), [], "round {round}");
        let saved = supervision.snapshot();
        supervision = Supervision::restore(home(1), &saved, off, off.after(Duration::from_mins(10)));
    }
    // 3 h of hearing and 30 min of being off would end at 220; an hour after the last of them is given once.
    supervision.handle_timeout(at(250).after(GATHERING));
    let told = findings(&mut supervision);
    let [Finding::Single(edge)] = &told[..] else { panic!("{told:?}") };
    assert_eq!((edge.change, edge.since, edge.at), (Change::Began, at(10), at(250)));
    // It stays missing through a restart, and comes back once.
    let saved = supervision.snapshot();
    let mut supervision = Supervision::restore(home(1), &saved, at(260), at(5000));
    supervision.handle_timeout(at(9000));
    assert_eq!(findings(&mut supervision), []);
    supervision.handle_heard(&id(0), None, at(9000));
    supervision.handle_timeout(at(9001));
    assert_eq!(findings(&mut supervision).len(), 1);
}

#[test]
fn a_device_that_left_the_home_in_trouble_leaves_none_behind() {
    let mut supervision = Supervision::new(home(2), at(0));
    supervision.handle_condition(&id(1), Condition::Charge(2), at(1));
    supervision.handle_condition(&id(1), Condition::Tampered(true), at(1));
    supervision.handle_heard(&id(0), None, at(170));
    supervision.handle_timeout(at(200));
    let began = findings(&mut supervision);
    let saved = supervision.snapshot();
    let mut supervision = Supervision::restore(home(1), &saved, at(200), at(200));
    supervision.handle_timeout(at(202));
    let over = findings(&mut supervision);
    let troubles = |findings: &[Finding], change| {
        let of = |finding: &Finding| match finding {
            Finding::Single(edge) => {
                assert_eq!((&edge.device, edge.change), (&id(1), change));
                edge.trouble
            }
            Finding::Story(story) => panic!("{story:?}"),
        };
        findings.iter().map(of).collect::<std::collections::BTreeSet<_>>()
    };
    let all = troubles(&began, Change::Began);
    assert!(all.contains(&Trouble::Contact) && all.contains(&Trouble::Tamper), "{all:?}");
    assert_eq!(troubles(&over, Change::Over), all);
    assert!(supervision.poll_timeout().is_some_and(|due| due > at(202)), "the other one is still expected");
}

#[test]
fn what_was_said_in_a_deaf_time_may_have_been_missed_so_one_interval_is_given() {
    let mut supervision = Supervision::new(home(3), at(0));
    supervision.handle_heard(&id(2), None, at(0));
    supervision.handle_link_down(LinkNumber(1), at(170));
    supervision.handle_timeout(at(100_000));
    assert_eq!(supervision.is_heard(&id(2)), Some(false), "the radio is down");
    let told = findings(&mut supervision);
    assert!(
        !told.iter().any(|told| matches!(told, Finding::Single(edge) if edge.device == id(2))),
        "{told:?}"
    );
    supervision.handle_link_up(LinkNumber(1), at(100_000));
    let due = at(100_060);
    assert_eq!(supervision.poll_timeout(), Some(due));
}

#[test]
fn a_device_that_is_heard_ever_more_weakly_is_told_before_it_is_missing_and_a_weak_telegram_is_not() {
    let mut supervision = Supervision::new(home(1), at(0));
    let strength = |minute: u64| match minute {
        0..600 => {
            if minute.is_multiple_of(60) {
                -99
            } else {
                -70
            }
        }
        600..1200 => -97,
        _ => -75,
    };
    for minute in (0..2000).step_by(10) {
        supervision.handle_heard(&id(0), Some(strength(minute)), at(minute));
    }
    let told: Vec<(Trouble, Change, u64)> = findings(&mut supervision)
        .iter()
        .map(|finding| match finding {
            Finding::Single(edge) => (edge.trouble, edge.change, edge.at.as_millis() / 60_000),
            Finding::Story(story) => panic!("{story:?}"),
        })
        .collect();
    let [(Trouble::Signal, Change::Began, began), (Trouble::Signal, Change::Over, over)] = told[..] else {
        panic!("{told:?}")
    };
    assert!((660..900).contains(&began) && (1260..1600).contains(&over), "{told:?}");
}

#[test]
fn another_version_of_a_snapshot_or_a_damaged_one_starts_afresh() {
    let supervision = Supervision::new(home(5), at(0));
    let mut saved = supervision.snapshot();
    saved[0] = saved[0].wrapping_add(1);
    let restored = Supervision::restore(home(5), &saved, at(0), at(500));
    assert_eq!(restored.poll_timeout(), Some(at(500 + 180)));
}

#[test]
fn a_device_costs_less_than_two_kilobytes() {
    let heap = 32 + std::mem::size_of::<Expectation>() + 2 * std::mem::size_of::<DeviceId>() + 2 * 32;
    // B-tree nodes are at least half full.
    let memory = 2 * (std::mem::size_of::<Thing>() + heap);
    assert!(memory <= 2048, "{memory} bytes");
    let saved = Supervision::new(home(200), at(0)).snapshot().len();
    assert!(saved <= 200 * 256, "{saved} bytes on disk");
}

#[derive(Clone, Debug)]
enum Life {
    Heard(u8, Option<i8>),
    Said(u8, Condition),
    LinkDown(u8),
    LinkUp(u8),
    Restart(u64),
    PowerCut,
}

fn life() -> impl Strategy<Value = Vec<(u64, Life)>> {
    let device = 0_u8..7;
    let condition = prop_oneof![
        (0_u8..=100).prop_map(Condition::Charge),
        Just(Condition::BatteryLow),
        any::<bool>().prop_map(Condition::Mains),
        any::<bool>().prop_map(Condition::Tampered),
        any::<bool>().prop_map(Condition::ClockRight),
        any::<bool>().prop_map(Condition::UserKnown),
    ];
    let event = prop_oneof![
        4 => (device.clone(), proptest::option::of(-100_i8..-40)).prop_map(|(d, r)| Life::Heard(d, r)),
        3 => (device, condition).prop_map(|(d, c)| Life::Said(d, c)),
        1 => (0_u8..2).prop_map(Life::LinkDown),
        1 => (0_u8..2).prop_map(Life::LinkUp),
        1 => (0_u64..500).prop_map(Life::Restart),
        1 => Just(Life::PowerCut),
    ];
    proptest::collection::vec((0_u64..120, event), 0..120)
}

proptest! {
    /// Whatever happens, and however seldom the machine is woken: every trouble alternates between its beginning and its
    /// end, nothing is told before it is certain, nothing later than a gathering, and it is the same in every rhythm.
    #[test]
    fn troubles_alternate_and_nothing_depends_on_when_the_machine_is_woken(life in life(), pause in 1_u64..400) {
        let told = live(&life, None);
        let only_findings = |told: &[(Instant, Finding)]| told.iter().map(|(_, f)| f.clone()).collect::<Vec<_>>();
        prop_assert_eq!(only_findings(&told), only_findings(&live(&life, Some(pause))));
        let mut out = BTreeMap::new();
        for (when, finding) in &told {
            let edges = match finding {
                Finding::Single(edge) => std::slice::from_ref(edge),
                Finding::Story(story) => &story.edges[..],
            };
            for edge in edges {
                prop_assert!(edge.since <= edge.at && edge.at <= *when, "{edge:?}");
                let state = out.entry((edge.device.clone(), edge.trouble)).or_insert(Change::Over);
                prop_assert_eq!(edge.change == Change::Began, *state == Change::Over, "{:?}", edge);
                *state = if edge.change == Change::Over { Change::Over } else { Change::Began };
            }
        }
    }
}

/// What is told in such a life, and when; woken when due, and every so many minutes besides.
fn live(life: &[(u64, Life)], pause: Option<u64>) -> Vec<(Instant, Finding)> {
    let mut supervision = Supervision::new(home(6), at(0));
    let mut told = Vec::new();
    let mut now = 0;
    for (wait, event) in life.iter().chain([&(1000, Life::LinkUp(0))]) {
        let end = now + wait;
        if let Some(pause) = pause {
            for tick in (now..end).step_by(usize::try_from(pause).unwrap()) {
                supervision.handle_timeout(at(tick));
            }
        }
        while let Some(due) = supervision.poll_timeout().filter(|due| *due <= at(end)) {
            supervision.handle_timeout(due);
            told.extend(findings(&mut supervision).into_iter().map(|finding| (due, finding)));
        }
        now = end;
        match event {
            Life::Heard(device, rssi) => supervision.handle_heard(&id(*device), *rssi, at(now)),
            Life::Said(device, condition) => supervision.handle_condition(&id(*device), *condition, at(now)),
            Life::LinkDown(link) => supervision.handle_link_down(LinkNumber(*link), at(now)),
            Life::LinkUp(link) => supervision.handle_link_up(LinkNumber(*link), at(now)),
            Life::PowerCut => {
                (0..6).for_each(|d| supervision.handle_condition(&id(d), Condition::Mains(false), at(now)))
            }
            Life::Restart(off) => {
                told.extend(findings(&mut supervision).into_iter().map(|finding| (at(now), finding)));
                let saved = supervision.snapshot();
                supervision = Supervision::restore(home(6), &saved, at(now), at(now + off));
                now += off;
            }
        }
        told.extend(findings(&mut supervision).into_iter().map(|finding| (at(now), finding)));
    }
    told
}
