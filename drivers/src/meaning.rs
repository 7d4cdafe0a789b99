//! What numbers and states mean where only the configuration can tell: on lines of text, in registers.

use thiserror::Error;
use varde_wire::{Absence, Decimal, Event, Metric, Unit};

/// How a device's number becomes an observation's.
///
/// Written as the metric's reference identifier, the unit's UCUM code, and, where the device sends another power of ten,
/// that: `MDC_TEMP_ROOM Cel 1e-1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meaning {
    /// What is measured.
    pub metric: Metric,
    /// In what unit.
    pub unit: Unit,
    /// The power of ten that the device's number is multiplied with.
    pub exponent: i8,
}

/// An event that such a device can tell of. Written as its word: `mains-lost`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// What happened.
    pub event: Event,
    /// What it is about.
    pub metric: Metric,
}

/// A text that is no [`Meaning`] and no [`Told`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadMeaning {
    /// Not two or three words.
    #[error("expected a metric, a unit and perhaps a power of ten, such as \"MDC_TEMP_ROOM Cel 1e-1\"")]
    Shape,
    /// No metric of this name.
    #[error("'{0}' is no metric that is known: docs/wire-format.md lists them, such as MDC_TEMP_ROOM")]
    Metric(String),
    /// No unit of this code.
    #[error(
        "'{0}' is no unit that is known: docs/wire-format.md lists them by UCUM code, such as Cel, %, kg, V"
    )]
    Unit(String),
    /// No power of ten.
    #[error("'{0}' is no power of ten: expected 1e-9 to 1e9, such as 1e-1 for a device that sends tenths")]
    Scale(String),
    /// No event of this name, or none of a device's.
    #[error("'{got}' is no event that such a device can tell of; known: {known}", known = Told::known())]
    Event {
        /// What was written.
        got: String,
    },
}

/// What a device can tell of, and what each is about.
const EVENTS: &[(Event, Metric)] = &[
    (Event::SafetyAlarm, Metric::PERSONAL_ALARM),
    (Event::PullCord, Metric::PERSONAL_ALARM),
    (Event::Seizure, Metric::PERSONAL_ALARM),
    (Event::ButtonPressed, Metric::SWITCH),
    (Event::ButtonReleased, Metric::SWITCH),
    (Event::DoorOpened, Metric::CONTACT),
    (Event::DoorClosed, Metric::CONTACT),
    (Event::BatteryLow, Metric::BATTERY_STATE),
    (Event::BatteryEmpty, Metric::BATTERY_STATE),
    (Event::BatteryRestored, Metric::BATTERY_STATE),
    (Event::MainsLost, Metric::MAINS),
    (Event::MainsRestored, Metric::MAINS),
    (Event::Tamper, Metric::TAMPER),
    (Event::TamperCleared, Metric::TAMPER),
    (Event::Smoke, Metric::SMOKE),
    (Event::SmokeCleared, Metric::SMOKE),
    (Event::Gas, Metric::GAS),
    (Event::GasCleared, Metric::GAS),
    (Event::Water, Metric::WATER),
    (Event::WaterCleared, Metric::WATER),
    (Event::Motion, Metric::MOTION),
    (Event::MotionCleared, Metric::MOTION),
    (Event::InBed, Metric::USAGE),
    (Event::LeftBed, Metric::USAGE),
    (Event::EnteredRoom, Metric::OCCUPANCY),
    (Event::LeftRoom, Metric::OCCUPANCY),
    (Event::DeviceFault, Metric::DEVICE_PROBLEM),
    (Event::DeviceFaultCleared, Metric::DEVICE_PROBLEM),
];

impl Meaning {
    /// The device's number in the unit.
    pub(crate) const fn scale(self, number: Decimal) -> Decimal {
        Decimal { exponent: number.exponent.saturating_add(self.exponent), ..number }
    }
}

impl Told {
    fn known() -> String {
        EVENTS.iter().map(|(event, _)| event.name()).collect::<Vec<_>>().join(", ")
    }
}

impl std::str::FromStr for Meaning {
    type Err = BadMeaning;

    fn from_str(text: &str) -> Result<Self, BadMeaning> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let (metric, unit, scale) = match words[..] {
            [metric, unit] => (metric, unit, "1e0"),
            [metric, unit, scale] => (metric, unit, scale),
            _ => return Err(BadMeaning::Shape),
        };
        let known = Unit::ALL.iter().copied().find(|known| known.ucum() == unit);
        Ok(Self {
            metric: Metric::from_refid(metric).ok_or_else(|| BadMeaning::Metric(quoted(metric)))?,
            unit: known.ok_or_else(|| BadMeaning::Unit(quoted(unit)))?,
            exponent: power_of_ten(scale).ok_or_else(|| BadMeaning::Scale(quoted(scale)))?,
        })
    }
}

impl std::str::FromStr for Told {
    type Err = BadMeaning;

    fn from_str(text: &str) -> Result<Self, BadMeaning> {
        let found = EVENTS.iter().find(|(event, _)| event.name() == text);
        let told = found.map(|(event, metric)| Self { event: *event, metric: *metric });
        told.ok_or_else(|| BadMeaning::Event { got: quoted(text) })
    }
}

fn power_of_ten(text: &str) -> Option<i8> {
    text.strip_prefix("1e")?.parse().ok().filter(|exponent| (-9..=9).contains(exponent))
}

/// A word of the configuration, on one line and not without end.
fn quoted(word: &str) -> String {
    word.chars().take(40).flat_map(char::escape_debug).collect()
}

/// A number as people and meters write it, with every digit: a sign, digits, and a point or comma among them.
pub(crate) fn decimal(text: &str) -> Result<Decimal, Absence> {
    let text = text.trim();
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text).trim_start();
    let (whole, fraction) = digits.split_once(['.', ',']).unwrap_or((digits, ""));
    let all = || whole.bytes().chain(fraction.bytes());
    if all().next().is_none() || !all().all(|digit| digit.is_ascii_digit()) {
        return Err(Absence::NotANumber);
    }
    let digit = |digit: u8| i64::from(digit.wrapping_sub(b'0'));
    let mantissa =
        all().try_fold(0_i64, |number, next| number.checked_mul(10).and_then(|n| n.checked_add(digit(next))));
    let exponent = i8::try_from(fraction.len()).ok().and_then(i8::checked_neg);
    let (mantissa, exponent) = mantissa.zip(exponent).ok_or(Absence::NotANumber)?;
    let mantissa = if text.starts_with('-') { mantissa.saturating_neg() } else { mantissa };
    Ok(Decimal { mantissa, exponent })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meaning_is_a_metric_a_unit_and_a_scale() {
        let expected = Meaning { metric: Metric::ROOM_TEMPERATURE, unit: Unit::Celsius, exponent: -1 };
        assert_eq!("MDC_TEMP_ROOM  Cel 1e-1".parse(), Ok(expected));
        assert_eq!("MDC_TEMP_ROOM Cel".parse(), Ok(Meaning { exponent: 0, ..expected }));
        assert_eq!(expected.scale(Decimal::whole(215)).to_string(), "21.5");
    }

    #[test]
    fn anything_else_is_refused_with_the_word_that_is_wrong() {
        let table = [
            ("MDC_TEMP_ROOM", BadMeaning::Shape),
            ("MDC_TEMP_ROM Cel", BadMeaning::Metric("MDC_TEMP_ROM".to_owned())),
            ("MDC_TEMP_ROOM C", BadMeaning::Unit("C".to_owned())),
            ("MDC_TEMP_ROOM Cel 0.1", BadMeaning::Scale("0.1".to_owned())),
            ("MDC_TEMP_ROOM Cel 1e10", BadMeaning::Scale("1e10".to_owned())),
        ];
        for (text, expected) in table {
            assert_eq!(text.parse::<Meaning>(), Err(expected));
        }
        for alien in ["technical-fault", "contact-lost", "mains", ""] {
            assert!(matches!(alien.parse::<Told>(), Err(BadMeaning::Event { .. })));
        }
        assert_eq!("mains-lost".parse(), Ok(Told { event: Event::MainsLost, metric: Metric::MAINS }));
    }

    #[test]
    fn every_digit_of_a_number_is_kept_and_what_is_none_is_absent() {
        for (text, expected) in [
            ("21.50", "21.50"),
            ("-0,5", "-0.5"),
            ("+ 82.4", "82.4"),
            (".5", "0.5"),
            ("007", "7"),
            ("9223372036854775807", "9223372036854775807"),
        ] {
            assert_eq!(decimal(text).unwrap().to_string(), expected, "{text}");
        }
        for none in ["", "-", ".", "--.-", "OL", "1.2.3", "1e3", "9223372036854775808", "12a"] {
            assert_eq!(decimal(none), Err(Absence::NotANumber), "{none}");
        }
    }
}
