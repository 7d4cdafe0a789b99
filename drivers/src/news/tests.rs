use proptest::prelude::*;
use varde_wire::{Absence, Decimal};

use super::*;

const KEY: Key = Key { metric: Metric::ROOM_TEMPERATURE, index: None };

fn at(seconds: u64) -> Instant {
    Instant::from_millis(seconds * 1000)
}

fn heard(value: Value) -> Vec<Observation> {
    vec![Observation::new("device".parse().unwrap(), KEY.metric, value)]
}

fn number(mantissa: i64) -> Vec<Observation> {
    heard(Value::Decimal(Decimal::new(mantissa, -2)))
}

#[test]
fn a_state_is_news_when_it_changes_and_at_first_where_that_says_something() {
    let mut news = News::default();
    let table = [(1, true, true), (1, true, false), (0, true, true), (0, false, false)];
    for (state, at_first, expected) in table {
        assert_eq!(news.is_change(KEY, &Value::Bits(state), at_first), expected);
    }
    let other = Key { index: Some(2), ..KEY };
    assert!(!news.is_change(other, &Value::Bits(0), false), "the first of another sensor");
    assert!(news.is_change(other, &Value::Bits(1), false));
}

#[test]
fn a_number_is_passed_on_at_first_then_when_it_changed_then_as_a_heartbeat() {
    let mut news = News::default();
    assert_eq!(news.number(KEY, number(2000), at(0)), Some(number(2000)));
    assert_eq!(news.number(KEY, number(2000), at(59)), None);
    assert_eq!(news.number(KEY, number(2000), at(61)), None, "the same");
    assert_eq!(news.number(KEY, number(2001), at(62)), Some(number(2001)));
    assert_eq!(news.number(KEY, number(2001), at(62 + 1799)), None);
    assert_eq!(news.number(KEY, number(2001), at(62 + 1800)), Some(number(2001)));
}

#[test]
fn the_last_value_of_a_minute_is_not_lost_though_nothing_more_comes() {
    let mut news = News::default();
    news.number(KEY, number(2000), at(0));
    assert_eq!(news.number(KEY, number(2001), at(10)), None);
    assert_eq!(news.number(KEY, number(2002), at(20)), None);
    assert_eq!((news.due(), news.poll(at(59))), (Some(at(60)), None));
    assert_eq!(news.poll(at(60)), Some((KEY, number(2002))));
    assert_eq!((news.due(), news.poll(at(60))), (None, None));
    news.number(KEY, number(2003), at(70));
    news.number(KEY, number(2002), at(80));
    assert_eq!(news.due(), None, "it is what was passed on last");
}

#[test]
fn a_sensor_that_fails_is_told_and_one_that_is_not_there_is_not() {
    let absent = || heard(Value::Absent(Absence::NotANumber));
    let mut news = News::default();
    assert_eq!(news.number(KEY, absent(), at(0)), None, "never there");
    assert_eq!(news.number(KEY, number(2000), at(1)), Some(number(2000)));
    assert_eq!(news.number(KEY, absent(), at(61)), Some(absent()));
    assert_eq!(news.number(KEY, absent(), at(9000)), None, "told already");
    assert_eq!(news.number(KEY, number(2000), at(9001)), Some(number(2000)));
}

proptest! {
    /// Whatever comes whenever: never two within a minute, and in the end what was heard last is what was passed on
    /// last.
    #[test]
    fn the_receiver_is_never_flooded_and_never_left_behind(
        heard in proptest::collection::vec((0_u64..90, 0_i64..3), 1..50),
    ) {
        let (mut news, mut now, mut passed) = (News::default(), 0, Vec::new());
        let mut last = None;
        for (wait, value) in heard {
            now += wait;
            while let Some(due) = news.due().filter(|due| *due <= at(now)) {
                let (_, observations) = news.poll(due).unwrap();
                passed.push((due, observations));
            }
            passed.extend(news.number(KEY, number(value), at(now)).map(|news| (at(now), news)));
            last = Some(number(value));
        }
        if let Some(due) = news.due() {
            passed.push((due, news.poll(due).unwrap().1));
        }
        prop_assert_eq!(passed.last().map(|(_, observations)| observations.clone()), last);
        for pair in passed.windows(2) {
            prop_assert!(pair[1].0.since(pair[0].0) >= CHANGED);
        }
    }
}
