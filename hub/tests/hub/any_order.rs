//! However the steps of alarms come, the list is the same.

use std::collections::BTreeMap;

use crate::alarms::{announced, step};
use crate::gateway::{Gateway, Hub, take};
use proptest::prelude::*;
use serde_json::Value;
use varde_hub::{ListAlarms, Signature};
use varde_wire::{AlarmKind, AlarmStep, Inhibitor, Lane, Record};

/// The life of an alarm as the gateway lives it, told in so many chances.
fn life(chances: &[u8]) -> Vec<AlarmStep> {
    #[derive(Clone, Copy, PartialEq)]
    enum At {
        Nothing,
        HeldBack,
        PreAlarm,
        Sent,
        Received,
        Seen,
        Over,
    }
    let (mut steps, mut at, mut number) = (Vec::new(), At::Nothing, 0);
    let mut announce = |steps: &mut Vec<AlarmStep>| {
        number += 1;
        steps.push(announced(number));
    };
    for chance in chances {
        match (at, chance % 8) {
            (At::Nothing, 0) => {
                steps.push(AlarmStep::Inhibited(Inhibitor::Visit));
                at = At::HeldBack;
            }
            (At::Nothing, 1) => {
                steps.extend([AlarmStep::Raised, AlarmStep::PreAlarm { for_ms: 10_000 }]);
                at = At::PreAlarm;
            }
            (At::Nothing, _) | (At::HeldBack, 0..6) => {
                steps.push(AlarmStep::Raised);
                announce(&mut steps);
                at = At::Sent;
            }
            (At::PreAlarm, 0) => {
                steps.push(AlarmStep::Cancelled);
                at = At::Over;
            }
            (At::PreAlarm, _) | (At::Sent, 0 | 1) | (At::Received, 0) => {
                if at == At::Sent {
                    steps.push(AlarmStep::NotGettingThrough);
                }
                announce(&mut steps);
                at = if at == At::Received { At::Received } else { At::Sent };
            }
            (At::Sent, 2 | 3) => {
                steps.push(AlarmStep::Received);
                at = At::Received;
            }
            (At::Sent | At::Received, 4) => steps.push(AlarmStep::RaisedAgain),
            (At::Received, 1) => steps.push(AlarmStep::Escalated),
            (At::Received | At::Sent, 5) => {
                steps.push(AlarmStep::Seen);
                at = At::Seen;
            }
            (At::Seen, 0..4) => {
                steps.push(AlarmStep::RaisedAgain);
                announce(&mut steps);
                at = At::Sent;
            }
            (At::Sent | At::Received | At::Seen, 6) => steps.push(AlarmStep::CancelRefused),
            (At::Sent | At::Received | At::Seen, 7) => {
                steps.push(AlarmStep::Ended);
                at = At::Over;
            }
            (At::HeldBack, _) => {
                steps.extend([AlarmStep::Cleared, AlarmStep::Ended]);
                at = At::Over;
            }
            (At::Sent | At::Received | At::Seen | At::Over, _) => {}
        }
    }
    steps
}

/// What a list that knows the right order says.
fn state(steps: &[AlarmStep]) -> &'static str {
    steps.iter().fold("", |state, step| match (step, state) {
        (AlarmStep::Inhibited(_), _) => "held-back",
        (AlarmStep::Raised, _) => "raised",
        (AlarmStep::PreAlarm { .. }, _) => "pre-alarm",
        (AlarmStep::Announced { .. }, "seen") => "seen",
        (AlarmStep::Announced { .. }, _) | (AlarmStep::RaisedAgain, "seen") => "unseen",
        (AlarmStep::Seen, _) => "seen",
        (AlarmStep::Cancelled, _) => "cancelled",
        (AlarmStep::Ended, _) => "ended",
        (_, state) => state,
    })
}

fn told(lives: &[Vec<u8>]) -> (Vec<Record>, BTreeMap<u64, &'static str>) {
    let lives: Vec<_> = lives.iter().map(|chances| life(chances)).collect();
    let kinds = [AlarmKind::Pendant, AlarmKind::Smoke, AlarmKind::Bed, AlarmKind::Pendant];
    let (mut records, mut uptime) = (Vec::new(), 0);
    for place in 0..lives.iter().map(Vec::len).max().unwrap_or_default() {
        for ((number, kind), steps) in (0..).zip(kinds).zip(&lives) {
            let Some(taken) = steps.get(place) else { continue };
            uptime += 10;
            records.push(step(uptime, number, kind, 1, *taken));
        }
    }
    let states = (0..).zip(&lives).map(|(number, steps)| (number, state(steps)));
    (records, states.filter(|(_, state)| !state.is_empty()).collect())
}

/// A gateway's list without what the order of arrival does change.
fn listed(hub: &Hub, gateway: &Gateway, all: bool) -> Vec<Value> {
    let list = ListAlarms { gateway: Some(gateway.id.clone()), all, ..ListAlarms::default() };
    let mut lines = hub.alarms(list);
    for line in &mut lines {
        line["gateway"].take();
        line["steps"].as_array_mut().unwrap().sort_by_key(|step| step["step"].to_string());
    }
    lines.sort_by_key(|line| line["alarm"].as_u64());
    lines
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, max_shrink_iters: 100, ..ProptestConfig::default() })]
    #[test]
    fn in_whatever_order_batches_and_repetitions_steps_come_the_same_alarms_are_open(
        (lives, order) in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..12), 1..=4).prop_flat_map(
            |lives| {
                let places = (0..told(&lives).0.len()).collect::<Vec<_>>();
                (Just(lives), Just(places).prop_shuffle())
            },
        ),
        sizes in prop::collection::vec(1..6_usize, 1..20),
        again in any::<bool>(),
    ) {
        let (records, states) = told(&lives);
        let hub = Hub::new();
        let gateways = ["gw-1", "gw-2"].map(|id| hub.enrol(id, Signature::Ed25519, false));
        let mut intake = hub.intake();
        for (gateway, order) in gateways.iter().zip([(0..records.len()).collect::<Vec<_>>(), order]) {
            let mut outbox = gateway.outbox(Lane::Urgent, 1);
            let (mut rest, mut sizes) = (&*order, sizes.iter().cycle());
            while !rest.is_empty() {
                let (now, later) = rest.split_at(rest.len().min(*sizes.next().unwrap()));
                rest = later;
                let batch = outbox.batch(&now.iter().map(|place| records[*place].clone()).collect::<Vec<_>>());
                let times = if again { 2 } else { 1 };
                take(&mut intake, gateway, Lane::Urgent, &vec![&batch; times]);
            }
        }
        let [in_order, shuffled] = &gateways;
        let found: BTreeMap<u64, String> = listed(&hub, shuffled, true)
            .iter()
            .map(|line| (line["alarm"].as_u64().unwrap(), line["state"].as_str().unwrap().to_owned()))
            .collect();
        let expected: BTreeMap<_, _> = states.into_iter().map(|(n, state)| (n, state.to_owned())).collect();
        prop_assert_eq!(found, expected);
        for all in [false, true] {
            prop_assert_eq!(listed(&hub, in_order, all), listed(&hub, shuffled, all));
        }
    }
}
