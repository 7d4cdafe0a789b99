//! What a register means, as the configuration writes it:
//!
//! ```text
//! input 12 i16 MDC_TEMP_ROOM Cel 1e-1
//! input 4 u16 below 180 mains-lost above 200 mains-restored
//! discrete 5 off mains-lost on mains-restored
//! holding 30 bit 4 on tamper off tamper-cleared
//! ```
//!
//! Of two events the first is also told when it is so from the beginning, the second only when it comes to be so.
//! Thresholds compare the number as it stands in the register; between the two nothing changes.

use thiserror::Error;
use varde_wire::Value;

use crate::meaning::{BadMeaning, Meaning, Told};
use crate::modbus::{Kind, Number, Register, Table};
use crate::statement::Said;

/// A register and what it means.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Item {
    /// Where it stands.
    pub register: Register,
    /// What it means.
    pub reads: Reads,
}

/// What a register means.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reads {
    /// A number.
    Value(Meaning),
    /// One of two events, by a test each.
    Events([(Test, Told); 2]),
}

/// When an event is so.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Test {
    /// The bit is this.
    Is(bool),
    /// The number is lower.
    Below(f64),
    /// The number is higher.
    Above(f64),
}

/// A text that is no [`Item`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadItem {
    /// Words are missing.
    #[error(
        "expected a table, an address, a kind and a meaning, such as \"input 12 i16 MDC_TEMP_ROOM Cel 1e-1\" or \
         \"discrete 5 off mains-lost on mains-restored\""
    )]
    Shape,
    /// No table of this name.
    #[error("'{0}' is no table: expected coil, discrete, holding or input")]
    Table(String),
    /// No address.
    #[error(
        "'{0}' is no address: expected 0 to 65535, counted from 0 (0 for what manuals call 30001 or 40001)"
    )]
    Address(String),
    /// No kind of number.
    #[error("'{got}' is no kind of number: expected {known}", known = Kind::NAMES)]
    Kind {
        /// What was written.
        got: String,
    },
    /// Tests that do not fit what they test.
    #[error(
        "expected a pair of events: \"on EVENT off EVENT\" for a bit, \"below NUMBER EVENT above NUMBER EVENT\" for a \
         number, the lower number first told of as below"
    )]
    Events,
    /// A bit cannot be a value.
    #[error("a bit has no unit: expected \"on EVENT off EVENT\"")]
    BitWithUnit,
    /// A meaning that is none.
    #[error(transparent)]
    Meaning(#[from] BadMeaning),
}

impl Item {
    /// What the number says, if it says anything.
    pub(crate) fn said(&self, number: Number) -> Option<Said> {
        match self.reads {
            Reads::Value(meaning) => {
                Some(Said::Measured(number.decimal().map(|number| meaning.scale(number)), meaning.unit))
            }
            Reads::Events(events) => {
                let place = events.iter().position(|(test, _)| test.holds(number))?;
                let (_, told) = events.get(place)?;
                Some(Said::State { value: Value::Event(told.event), at_first: place == 0 })
            }
        }
    }

    /// What it is about.
    pub(crate) const fn metric(&self) -> varde_wire::Metric {
        match self.reads {
            Reads::Value(meaning) => meaning.metric,
            Reads::Events([(_, told), _]) => told.metric,
        }
    }
}

impl Test {
    fn holds(self, number: Number) -> bool {
        match self {
            Self::Is(expected) => number == Number::Bit(expected),
            Self::Below(limit) => number.comparable() < limit,
            Self::Above(limit) => number.comparable() > limit,
        }
    }
}

impl std::str::FromStr for Item {
    type Err = BadItem;

    fn from_str(text: &str) -> Result<Self, BadItem> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let [table, address, rest @ ..] = words.as_slice() else { return Err(BadItem::Shape) };
        let found = Table::ALL.iter().find(|(name, _)| name == table);
        let table = found.map(|(_, table)| *table).ok_or_else(|| BadItem::Table(short(table)))?;
        let address = address.parse().map_err(|_| BadItem::Address(short(address)))?;
        let (kind, rest) = match rest {
            rest if table.has_bits() => (Kind::Single, rest),
            ["bit", number, rest @ ..] => {
                let number = number.parse().ok().filter(|number| *number < 16);
                (Kind::Bit(number.ok_or_else(|| BadItem::Kind { got: "bit".to_owned() })?), rest)
            }
            [name, rest @ ..] => {
                (Kind::from_name(name).ok_or_else(|| BadItem::Kind { got: short(name) })?, rest)
            }
            [] => return Err(BadItem::Shape),
        };
        let is_bit = matches!(kind, Kind::Single | Kind::Bit(_));
        let reads = match rest {
            [] => return Err(BadItem::Shape),
            ["on", ..] | ["off", ..] if is_bit => bits(rest)?,
            ["below", ..] | ["above", ..] if !is_bit => thresholds(rest)?,
            ["on" | "off" | "below" | "above", ..] => return Err(BadItem::Events),
            _ if is_bit => return Err(BadItem::BitWithUnit),
            meaning => Reads::Value(meaning.join(" ").parse()?),
        };
        Ok(Self { register: Register { table, address, kind }, reads })
    }
}

fn bits(words: &[&str]) -> Result<Reads, BadItem> {
    let (first, one, two) = match words {
        ["on", one, "off", two] => (true, one, two),
        ["off", one, "on", two] => (false, one, two),
        _ => return Err(BadItem::Events),
    };
    Ok(Reads::Events([(Test::Is(first), one.parse()?), (Test::Is(!first), two.parse()?)]))
}

fn thresholds(words: &[&str]) -> Result<Reads, BadItem> {
    let number = |text: &str| text.parse().ok().filter(|n: &f64| n.is_finite()).ok_or(BadItem::Events);
    let (low, high, events) = match words {
        ["below", low, one, "above", high, two] => {
            let (low, high) = (number(low)?, number(high)?);
            (low, high, [(Test::Below(low), one.parse()?), (Test::Above(high), two.parse()?)])
        }
        ["above", high, one, "below", low, two] => {
            let (low, high) = (number(low)?, number(high)?);
            (low, high, [(Test::Above(high), one.parse()?), (Test::Below(low), two.parse()?)])
        }
        _ => return Err(BadItem::Events),
    };
    if low > high { Err(BadItem::Events) } else { Ok(Reads::Events(events)) }
}

fn short(word: &str) -> String {
    word.chars().take(40).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(text: &str) -> Result<Item, BadItem> {
        text.parse()
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        let temperature = item("input 12 i16 MDC_TEMP_ROOM Cel 1e-1").unwrap();
        assert_eq!(temperature.register, Register { table: Table::Input, address: 12, kind: Kind::I16 });
        let Some(Said::Measured(Ok(number), unit)) = temperature.said(Number::Whole(-35)) else {
            panic!("a number was expected")
        };
        assert_eq!((number.to_string().as_str(), unit.ucum()), ("-3.5", "Cel"));

        let said = |text: &str, number| match item(text).unwrap().said(number) {
            Some(Said::State { value, at_first }) => format!("{value} {at_first}"),
            None => "nothing".to_owned(),
            other => panic!("{other:?}"),
        };
        let mains = "input 4 u16 below 180 mains-lost above 200 mains-restored";
        let bit = "holding 30 bit 4 on tamper off tamper-cleared";
        let discrete = "discrete 5 off mains-lost on mains-restored";
        let table = [
            (mains, Number::Whole(179), "mains-lost true"),
            (mains, Number::Whole(180), "nothing"),
            (mains, Number::Whole(200), "nothing"),
            (mains, Number::Whole(201), "mains-restored false"),
            ("input 4 f32 above 2.5 water below 2 water-cleared", Number::Float(f32::NAN), "nothing"),
            (bit, Number::Bit(true), "tamper true"),
            (discrete, Number::Bit(false), "mains-lost true"),
            (discrete, Number::Bit(true), "mains-restored false"),
        ];
        for (text, number, expected) in table {
            assert_eq!(said(text, number), expected, "{text} {number:?}");
        }
    }

    #[test]
    fn what_cannot_be_is_refused_with_the_word_that_is_wrong() {
        let table = [
            ("input", BadItem::Shape),
            ("input 12", BadItem::Shape),
            ("input 12 u16", BadItem::Shape),
            ("inputs 12 u16 MDC_TEMP_ROOM Cel", BadItem::Table("inputs".to_owned())),
            ("input 65536 u16 MDC_TEMP_ROOM Cel", BadItem::Address("65536".to_owned())),
            ("input 1 u8 MDC_TEMP_ROOM Cel", BadItem::Kind { got: "u8".to_owned() }),
            ("input 1 bit 16 on tamper off tamper-cleared", BadItem::Kind { got: "bit".to_owned() }),
            ("input 1 u16 on tamper off tamper-cleared", BadItem::Events),
            ("discrete 1 below 1 water above 2 water-cleared", BadItem::Events),
            ("discrete 1 on water on water-cleared", BadItem::Events),
            ("input 1 u16 below 5 water above 4 water-cleared", BadItem::Events),
            ("input 1 u16 below inf water above 4 water-cleared", BadItem::Events),
            ("coil 1 MDC_TEMP_ROOM Cel", BadItem::BitWithUnit),
            ("input 1 u16 MDC_TEMP_ROOM C", BadItem::Meaning(BadMeaning::Unit("C".to_owned()))),
        ];
        for (text, expected) in table {
            assert_eq!(item(text), Err(expected), "{text}");
        }
        assert!(matches!(
            item("discrete 1 on fire off water"),
            Err(BadItem::Meaning(BadMeaning::Event { .. }))
        ));
    }
}
