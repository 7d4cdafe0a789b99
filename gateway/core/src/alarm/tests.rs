use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;

use super::*;

fn at(seconds: u64) -> Now {
    Now { at: Instant::from_millis(seconds * 1000), home: None }
}

fn call(device: u8, kind: AlarmKind, pre_alarm_s: u64, test: bool) -> Call {
    let source = Source::Device(format!("d-{device}").parse().unwrap());
    Call { pre_alarm: Duration::from_secs(pre_alarm_s), test, ..Call::new(source, kind) }
}

#[derive(Clone, Debug)]
enum Life {
    Raised(u8, AlarmKind, u64, bool),
    Cleared(u8, AlarmKind),
    CancelledAtHome(u8),
    /// Of the alarm opened so many before the last, this announcement.
    Received(u64, u32),
    Seen(u64, u32),
    Ended(u64),
    FalseAlarm(u64),
    Visit(u64),
    VisitOver,
    Restart,
}

fn life() -> impl Strategy<Value = Vec<(u64, Life)>> {
    let kind = proptest::sample::select(AlarmKind::ALL.to_vec());
    let pre_alarm = prop_oneof![Just(0_u64), Just(10)];
    let event = prop_oneof![
        4 => (0_u8..3, kind.clone(), pre_alarm, any::<bool>()).prop_map(|(d, k, p, t)| Life::Raised(d, k, p, t)),
        1 => (0_u8..3, kind).prop_map(|(d, k)| Life::Cleared(d, k)),
        1 => (0_u8..3).prop_map(Life::CancelledAtHome),
        3 => (0_u64..4, 0_u32..6).prop_map(|(a, n)| Life::Received(a, n)),
        3 => (0_u64..4, 0_u32..6).prop_map(|(a, n)| Life::Seen(a, n)),
        1 => (0_u64..4).prop_map(Life::Ended),
        1 => (0_u64..4).prop_map(Life::FalseAlarm),
        1 => (0_u64..4000).prop_map(Life::Visit),
        1 => Just(Life::VisitOver),
        2 => Just(Life::Restart),
    ];
    proptest::collection::vec((prop_oneof![0_u64..15, 0_u64..2000], event), 0..80)
}

/// What a person with a pencil would know of an alarm: nothing but its steps.
#[derive(Default)]
struct Known {
    over: bool,
    /// When something was said of it that a person notices.
    noticed: Option<Instant>,
    seen: bool,
    inhibited: bool,
    pre_alarm: bool,
}

proptest! {
    /// Whatever happens: an alarm that is sent is announced again within ten minutes (of that, or of its receipt) until a person has seen it, in six
    /// hours after that, for ever; what is over does not come back; nothing depends on when the machine is woken; and
    /// a restart at any moment changes nothing but that it announces again.
    #[test]
    fn no_open_alarm_is_ever_left_alone_and_no_closed_one_comes_back(life in life()) {
        let told = live(&life, false);
        let mut known: BTreeMap<u64, Known> = BTreeMap::new();
        let mut last = Instant::default();
        for told in &told {
            let Told::Alarm(AlarmNews { at, alarm, step, call, .. }) = told else { continue };
            prop_assert!(*at >= last, "steps are told in their order");
            last = *at;
            for (id, alarm) in &known {
                let limit = if alarm.seen { REMINDERS } else { LATER_ANNOUNCEMENTS };
                let silent = alarm.over || alarm.inhibited || alarm.pre_alarm;
                let since = alarm.noticed.map(|noticed| at.since(noticed));
                prop_assert!(silent || since.is_some_and(|since| since <= limit), "{id} was left alone: {since:?}");
            }
            let alarm = known.entry(*alarm).or_default();
            prop_assert!(!alarm.over, "{told:?}");
            match step {
                AlarmStep::Raised => (alarm.inhibited, alarm.pre_alarm) = (false, !call.pre_alarm.is_zero()),
                AlarmStep::Inhibited(_) => {
                    prop_assert!(!is_never_inhibited(call.kind) && !call.test);
                    (alarm.inhibited, alarm.over) = (true, !call.lasts);
                }
                AlarmStep::Announced { .. } => {
                    alarm.pre_alarm = false;
                    alarm.noticed = Some(*at);
                }
                AlarmStep::RaisedAgain if alarm.seen => (alarm.seen, alarm.noticed) = (false, Some(*at)),
                AlarmStep::Received => alarm.noticed = Some(*at),
                AlarmStep::Seen => (alarm.seen, alarm.noticed) = (true, Some(*at)),
                AlarmStep::Cancelled | AlarmStep::Ended => alarm.over = true,
                AlarmStep::Escalated => prop_assert!(!alarm.seen && !call.test),
                AlarmStep::RaisedAgain
                | AlarmStep::PreAlarm { .. }
                | AlarmStep::NotGettingThrough
                | AlarmStep::Cleared
                | AlarmStep::CancelRefused => {}
            }
            // Raising and the first announcement are one moment.
            if *step == AlarmStep::Raised && call.pre_alarm.is_zero() {
                alarm.noticed = Some(*at);
            }
        }
        prop_assert_eq!(told, live(&life, true));
    }

    /// A restored state is the saved one: the same alarms are open, and the same ones are closed.
    #[test]
    fn a_restart_opens_and_closes_nothing(life in life()) {
        let mut alarms = Alarms::new(None, at(0));
        let mut now = 0;
        for (wait, event) in &life {
            now += wait;
            happen(&mut alarms, event, at(now));
            let open: BTreeSet<u64> = alarms.state.open.keys().copied().collect();
            let restored = Alarms::restore(None, &alarms.snapshot(), at(now));
            prop_assert_eq!(open, restored.state.open.keys().copied().collect());
            prop_assert_eq!(alarms.state.next_id, restored.state.next_id);
        }
    }
}

fn live(life: &[(u64, Life)], lazily: bool) -> Vec<Told> {
    let mut alarms = Alarms::new(None, at(0));
    let mut told = Vec::new();
    let mut now = 0;
    for (wait, event) in life.iter().chain([&(100_000, Life::VisitOver)]) {
        now += wait;
        while let Some(due) = alarms.poll_timeout().filter(|due| !lazily && *due <= at(now).at) {
            alarms.handle_timeout(Now { at: due, home: None });
        }
        happen(&mut alarms, event, at(now));
        told.extend(std::iter::from_fn(|| alarms.poll_output()));
        if matches!(event, Life::Restart) {
            alarms = Alarms::restore(None, &alarms.snapshot(), at(now));
        }
    }
    told.extend(std::iter::from_fn(|| alarms.poll_output()));
    told
}

fn happen(alarms: &mut Alarms, event: &Life, now: Now) {
    let alarm = |alarms: &Alarms, back: u64| alarms.state.next_id.saturating_sub(1 + back);
    match event {
        Life::Raised(device, kind, pre_alarm, test) => {
            alarms.handle_raised(call(*device, *kind, *pre_alarm, *test), now);
        }
        Life::Cleared(device, kind) => {
            alarms.handle_cleared(&call(*device, *kind, 0, false).source, *kind, now);
        }
        Life::CancelledAtHome(device) => {
            alarms.handle_cancelled_at_home(&call(*device, AlarmKind::Pendant, 0, false).source, now);
        }
        Life::Received(back, number) => alarms.handle_received(alarm(alarms, *back), *number, now),
        Life::Seen(back, number) => alarms.handle_seen(alarm(alarms, *back), *number, now),
        Life::Ended(back) => alarms.handle_ended(alarm(alarms, *back), now),
        Life::FalseAlarm(back) => alarms.handle_false_alarm(alarm(alarms, *back), now),
        Life::Visit(seconds) => alarms.handle_visit(now.at.after(Duration::from_secs(*seconds)), now),
        Life::VisitOver => alarms.handle_visit_over(now),
        Life::Restart => alarms.handle_timeout(now),
    }
}

#[test]
fn a_receipt_for_an_earlier_press_does_not_stand_for_a_later_one() {
    let mut alarms = Alarms::new(None, at(0));
    let id = alarms.handle_raised(call(0, AlarmKind::Pendant, 0, false), at(0));
    alarms.handle_seen(id, 1, at(10));
    alarms.handle_raised(call(0, AlarmKind::Pendant, 0, false), at(20));
    alarms.handle_received(id, 1, at(21));
    alarms.handle_seen(id, 1, at(22));
    assert_eq!(alarms.strange(), 2);
    let steps: Vec<AlarmStep> = std::iter::from_fn(|| alarms.poll_output())
        .filter_map(|told| if let Told::Alarm(step) = told { Some(step.step) } else { None })
        .collect();
    let expected = [
        AlarmStep::Raised,
        AlarmStep::Announced { number: 1 },
        AlarmStep::Seen,
        AlarmStep::RaisedAgain,
        AlarmStep::Announced { number: 2 },
    ];
    assert_eq!(steps, expected);
}
