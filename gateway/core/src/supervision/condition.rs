//! What an observation says of the device itself.

use varde_wire::{Event, Metric, Observation, Unit, Value};

/// What a device says of its own state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Its battery's charge, in percent.
    Charge(u8),
    /// It says itself that its battery is low.
    BatteryLow,
    /// It says itself that its battery is empty.
    BatteryEmpty,
    /// It says itself that its battery is well.
    BatteryWell,
    /// Whether it has mains.
    Mains(bool),
    /// Whether it was opened or moved.
    Tampered(bool),
    /// Whether its clock is right.
    ClockRight(bool),
    /// Whether it measured somebody whom the roster knows; told by whoever maps users to persons.
    UserKnown(bool),
}

impl Condition {
    /// What this observation says of its device; none for what it says of the world.
    pub fn of(observation: &Observation) -> Option<Self> {
        match &observation.value {
            Value::Decimal(charge)
                if observation.metric == Metric::BATTERY && observation.unit == Some(Unit::Percent) =>
            {
                let whole = match charge.exponent {
                    0 => charge.mantissa,
                    exponent => scaled(charge.mantissa, exponent)?,
                };
                u8::try_from(whole).ok().filter(|percent| *percent <= 100).map(Self::Charge)
            }
            Value::Event(event) => Self::of_event(*event),
            Value::Decimal(_) | Value::Absent(_) | Value::Bits(_) | Value::Text(_) => None,
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "every other event is about the world")]
    const fn of_event(event: Event) -> Option<Self> {
        Some(match event {
            Event::BatteryLow => Self::BatteryLow,
            Event::BatteryEmpty => Self::BatteryEmpty,
            Event::BatteryRestored => Self::BatteryWell,
            Event::MainsLost => Self::Mains(false),
            Event::MainsRestored => Self::Mains(true),
            Event::Tamper => Self::Tampered(true),
            Event::TamperCleared => Self::Tampered(false),
            Event::ClockWrong => Self::ClockRight(false),
            Event::ClockRestored => Self::ClockRight(true),
            _ => return None,
        })
    }
}

/// The whole part of `mantissa × 10^exponent`.
fn scaled(mantissa: i64, exponent: i8) -> Option<i64> {
    let power = 10_i64.checked_pow(u32::from(exponent.unsigned_abs()))?;
    if exponent > 0 { mantissa.checked_mul(power) } else { mantissa.checked_div(power) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use varde_wire::Decimal;

    #[test]
    fn a_charge_is_read_in_whatever_precision_and_only_if_it_is_one() {
        let table = [
            (Decimal::whole(17), Some(Condition::Charge(17))),
            (Decimal::new(179, -1), Some(Condition::Charge(17))),
            (Decimal::new(1, 2), Some(Condition::Charge(100))),
            (Decimal::whole(101), None),
            (Decimal::whole(-1), None),
            (Decimal::new(5, -128), None),
        ];
        for (number, expected) in table {
            let mut observation =
                Observation::new("d-1".parse().unwrap(), Metric::BATTERY, Value::Decimal(number));
            assert_eq!(Condition::of(&observation), None, "without a unit");
            observation.unit = Some(Unit::Percent);
            assert_eq!(Condition::of(&observation), expected, "{number}");
        }
    }
}
