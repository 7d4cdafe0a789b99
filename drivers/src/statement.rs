//! What a sensor says at once, in a form that everything shares that only talks: advertisements and radio telegrams.

use std::collections::BTreeMap;

use varde_wire::{Absence, Decimal, DeviceId, Flags, Metric, Observation, Unit, Value};

/// One thing that it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Statement {
    pub(crate) key: Key,
    pub(crate) said: Said,
}

/// What a statement is about: the same in everything that a device says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) metric: Metric,
    /// Which of several, from 1; none where there is only one.
    pub(crate) index: Option<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// A number, or why there is none.
    Measured(Result<Decimal, Absence>, Unit),
    /// What stands until it changes.
    State {
        value: Value,
        /// Whether it is worth telling when nothing is known of before.
        at_first: bool,
    },
    /// What happened once, and how.
    Happened { value: Value, unit: Option<Unit>, kind: Option<&'static str> },
}

impl Statement {
    /// Whether it happened once, rather than standing or being measured.
    pub(crate) const fn happened(&self) -> bool {
        matches!(self.said, Said::Happened { .. })
    }

    /// The statements of one advertisement or telegram, with an index where several are about the same metric. A place that is
    /// kept free (none) counts.
    pub(crate) fn indexed(stated: Vec<(Metric, Option<Said>)>) -> Vec<Self> {
        let mut counts = BTreeMap::<Metric, (u8, u8)>::new();
        for (metric, _) in &stated {
            let (_, all) = counts.entry(*metric).or_default();
            *all = all.saturating_add(1);
        }
        let mut index = |metric| {
            let (passed, all) = counts.entry(metric).or_default();
            *passed = passed.saturating_add(1);
            (*all > 1).then_some(*passed)
        };
        let stated = stated.into_iter().map(|(metric, said)| (Key { metric, index: index(metric) }, said));
        stated.filter_map(|(key, said)| Some(Self { key, said: said? })).collect()
    }

    /// The statement in common words: its value, then how it came about and which of several it is about.
    pub(crate) fn observations(&self, device: &DeviceId, flags: Flags) -> Vec<Observation> {
        let (value, unit, kind) = match &self.said {
            Said::Measured(Ok(number), unit) => (Value::Decimal(*number), Some(*unit), None),
            Said::Measured(Err(absence), unit) => (Value::Absent(*absence), Some(*unit), None),
            Said::State { value, .. } => (value.clone(), None, None),
            Said::Happened { value, unit, kind } => (value.clone(), *unit, *kind),
        };
        let kind = kind.map(|kind| (Metric::EVENT_KIND, Value::Text(kind.to_owned()), None));
        let index = self.key.index.map(|index| {
            (Metric::OBJECT_INDEX, Value::Decimal(Decimal::whole(index.into())), Some(Unit::One))
        });
        std::iter::once((self.key.metric, value, unit))
            .chain(kind)
            .chain(index)
            .map(|(metric, value, unit)| Observation {
                unit,
                flags,
                ..Observation::new(device.clone(), metric, value)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_comes_several_times_is_counted_and_a_free_place_counts() {
        let state = || Some(Said::State { value: Value::Bits(1), at_first: true });
        let stated = vec![
            (Metric::CONTACT, state()),
            (Metric::SWITCH, None),
            (Metric::SWITCH, state()),
            (Metric::SWITCH, state()),
        ];
        let keys: Vec<_> = Statement::indexed(stated).iter().map(|s| (s.key.metric, s.key.index)).collect();
        let expected = [(Metric::CONTACT, None), (Metric::SWITCH, Some(2)), (Metric::SWITCH, Some(3))];
        assert_eq!(keys, expected);
    }
}
