//! What the devices sent, against what the hub has.

use std::{collections::HashMap, fmt::Write as _, time::Duration};

use serde_json::Value;

/// What the simulated devices sent while the gateway listened.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    made: Vec<Made>,
    online: Vec<Duration>,
    away: Vec<Duration>,
    kills: u32,
    cuts: u32,
}

/// One message of a device: a press, a door's move, a reading with all its values.
#[derive(Clone, Debug)]
pub(super) struct Made {
    /// The device's name in the roster.
    pub(super) device: &'static str,
    /// What the hub is to show: metric and value.
    pub(super) words: Vec<(&'static str, String)>,
}

/// The comparison.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Tally {
    /// Messages sent.
    pub(super) made: usize,
    /// Those of which the hub has every value.
    pub(super) received: usize,
    /// Those of which it lacks some.
    pub(super) lost: usize,
    /// Values that it has more often than they were sent.
    pub(super) repeated: usize,
    /// Batches it refused and entries it could not read.
    pub(super) objections: usize,
}

impl Tally {
    /// Whether everything came, once.
    pub(super) const fn is_clean(&self) -> bool {
        self.lost == 0 && self.repeated == 0 && self.objections == 0
    }
}

impl Ledger {
    /// Writes a message down, in the step in which it is sent.
    pub(super) fn made(&mut self, made: Made) {
        self.made.push(made);
    }

    /// Takes back the last messages of a device that it still holds in its own memory.
    pub(super) fn still_with(&mut self, device: &str, count: usize) {
        for _ in 0..count {
            if let Some(place) = self.made.iter().rposition(|made| made.device == device) {
                self.made.remove(place);
            }
        }
    }

    /// How many messages were sent.
    pub(super) fn count(&self) -> usize {
        self.made.len()
    }

    /// An alarm, from the press until the gateway held the hub's receipt, with nothing in the way.
    pub(super) fn alarm_online(&mut self, took: Duration) {
        self.online.push(took);
    }

    /// An alarm pressed while the way was broken, from its mending until the gateway held the hub's receipt.
    pub(super) fn alarm_after_return(&mut self, took: Duration) {
        self.away.push(took);
    }

    /// A program was killed.
    pub(super) const fn killed(&mut self) {
        self.kills += 1;
    }

    /// The network was cut.
    pub(super) const fn cut(&mut self) {
        self.cuts += 1;
    }

    /// Compares with what `varde-hub show --json` printed.
    pub(super) fn tally(&self, seen: &[Value]) -> Tally {
        let mut unclaimed: HashMap<[&str; 3], usize> = HashMap::new();
        for line in seen {
            let text = |key| line.get(key).and_then(Value::as_str).unwrap_or_default();
            *unclaimed.entry([text("device"), text("metric"), text("value")]).or_default() += 1;
        }
        let mut tally = Tally { made: self.made.len(), ..Tally::default() };
        for Made { device, words } in &self.made {
            let mut whole = true;
            for (metric, value) in words {
                match unclaimed.get_mut(&[*device, metric, value.as_str()]).filter(|count| **count > 0) {
                    Some(count) => *count -= 1,
                    None => whole = false,
                }
            }
            if whole { tally.received += 1 } else { tally.lost += 1 }
        }
        // Values that no device was made to send, such as a battery's charge, are nobody's repeats.
        let sent = |key: &[&str; 3]| {
            let [device, metric, value] = *key;
            self.made.iter().any(|made| {
                made.device == device && made.words.iter().any(|(m, v)| *m == metric && v == value)
            })
        };
        tally.repeated =
            unclaimed.iter().filter(|(key, count)| **count > 0 && sent(key)).map(|(_, count)| count).sum();
        tally
    }

    /// The end of the demonstration, in words.
    pub(super) fn summary(&self, tally: &Tally) -> String {
        let Tally { made, received, lost, repeated, objections } = tally;
        let mut text = format!(
            "\nSUMMARY (network cuts: {}, kill -9: {})\n\n  made      {made:5}   messages the devices sent while a gateway listened\n  \
             received  {received:5}   of them at the hub, every value\n  lost      {lost:5}\n  repeated  {repeated:5}\n",
            self.cuts, self.kills
        );
        let mut add = |line: String| {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{line}");
        };
        if *objections > 0 {
            add(format!("  refused   {objections:5}   by the hub: see `varde-hub show --incidents`"));
        }
        add(String::new());
        if let Some(slowest) = self.online.iter().max() {
            let (slowest, of) = (span(*slowest), self.online.len());
            add(format!(
                "  slowest alarm: {slowest}, of {of}, from the press to the hub's signed receipt in the gateway"
            ));
        }
        if let Some(slowest) = self.away.iter().max() {
            let (slowest, of) = (span(*slowest), self.away.len());
            add(format!(
                "  slowest alarm pressed while the way was broken: {slowest}, of {of}, from when it was whole again"
            ));
        }
        add(if tally.is_clean() {
            "\n  Nothing was lost and nothing came twice.".to_owned()
        } else {
            "\n  This should not happen: something was lost, repeated or refused.".to_owned()
        });
        text
    }
}

/// A duration as people say it.
pub(super) fn span(duration: Duration) -> String {
    match duration.as_millis() {
        ms @ 0..1000 => format!("{ms} ms"),
        _ => format!("{:.1} s", duration.as_secs_f64()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};
    use serde_json::json;

    use super::*;

    fn door(opened: bool) -> Made {
        let value = if opened { "door-opened" } else { "door-closed" };
        Made { device: "door-1", words: vec![("contact", value.into())] }
    }

    fn reading(systolic: u8) -> Made {
        let words = vec![("systolic", systolic.to_string()), ("pulse", "64".into())];
        Made { device: "cuff-1", words }
    }

    fn shown(made: &Made) -> impl Iterator<Item = Value> {
        made.words
            .iter()
            .map(|(metric, value)| json!({"device": made.device, "metric": metric, "value": value}))
    }

    proptest! {
        /// What is left out at the hub is counted as lost, what stands there twice as repeated, and the order is
        /// nobody's concern.
        #[test]
        fn every_message_is_received_lost_or_repeated(
            doors in vec((any::<bool>(), 0_usize..3), 0..20),
            readings in 0..5_u8,
        ) {
            let mut ledger = Ledger::default();
            let mut seen = vec![json!({"device": "cuff-1", "metric": "battery", "value": "87"})];
            // Alike messages make up for each other, so what is told apart is how often each kind came.
            let mut surplus = [0_i64; 2];
            for (opened, times) in doors.iter().copied() {
                ledger.made(door(opened));
                (0..times).for_each(|_| seen.extend(shown(&door(opened))));
                surplus[usize::from(opened)] += i64::try_from(times).unwrap() - 1;
            }
            for systolic in 0..readings {
                ledger.made(reading(systolic));
                seen.extend(shown(&reading(systolic)));
            }
            seen.reverse();
            let count = |filter: fn(i64) -> i64| usize::try_from(surplus.map(filter).iter().sum::<i64>()).unwrap();
            let (lost, repeated) = (count(|s| (-s).max(0)), count(|s| s.max(0)));
            let made = doors.len() + usize::from(readings);
            let tally = ledger.tally(&seen);
            prop_assert_eq!(tally, Tally { made, received: made - lost, lost, repeated, objections: 0 });
        }
    }

    #[test]
    fn a_reading_that_lacks_a_value_is_lost_and_none_of_the_others_is_a_repeat() {
        let mut ledger = Ledger::default();
        ledger.made(reading(120));
        let seen: Vec<_> = shown(&reading(120)).skip(1).collect();
        let expected = Tally { made: 1, lost: 1, ..Tally::default() };
        assert_eq!(ledger.tally(&seen), expected);
        ledger.still_with("cuff-1", 1);
        assert_eq!(ledger.count(), 0);
    }

    #[test]
    fn spans_read_as_people_say_them() {
        assert_eq!(span(Duration::from_millis(14)), "14 ms");
        assert_eq!(span(Duration::from_millis(4_210)), "4.2 s");
    }
}
