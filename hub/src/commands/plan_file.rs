//! A dosing plan as people write it: a TOML file.

use std::fmt::Display;
use std::path::Path;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil;
use serde::Deserialize;
use varde_wire::{Date, Dose, DosingPlan, WallTime, Weekdays};

use crate::{Error, file};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlanFile {
    version: u32,
    zone: String,
    from: Option<Written<civil::Date>>,
    until: Option<Written<civil::Date>>,
    travel_until: Option<Written<Timestamp>>,
    paused_until: Option<Written<Timestamp>>,
    #[serde(default)]
    dose: Vec<DoseTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DoseTable {
    id: u16,
    time: Written<civil::Time>,
    #[serde(default = "every_day")]
    days: Vec<Day>,
    window_min: u16,
    compartment: Option<u8>,
    #[serde(default = "one")]
    count: u8,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

const EVERY_DAY: [Day; 7] = [Day::Mon, Day::Tue, Day::Wed, Day::Thu, Day::Fri, Day::Sat, Day::Sun];

fn every_day() -> Vec<Day> {
    EVERY_DAY.to_vec()
}

const fn one() -> u8 {
    1
}

/// A date or time as RFC 3339 writes it.
#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "String", bound(deserialize = "T: FromStr, T::Err: Display"))]
struct Written<T>(T);

impl<T: FromStr<Err: Display>> TryFrom<String> for Written<T> {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse().map(Self).map_err(|error: T::Err| format!("'{text}' is no date or time: {error}"))
    }
}

/// The plan in this file. Its rules are checked where it is signed.
pub(crate) fn read(path: &Path) -> Result<DosingPlan, Error> {
    let bad = |what: String| Error::Plan { path: path.to_owned(), what };
    parse(&file::read(path)?).map_err(bad)
}

fn parse(text: &str) -> Result<DosingPlan, String> {
    let file: PlanFile = toml::from_str(text).map_err(|error| error.to_string())?;
    let zone = jiff::tz::TimeZone::get(&file.zone);
    zone.map_err(|_| format!("there is no time zone '{}': expected one such as Europe/Oslo", file.zone))?;
    Ok(DosingPlan {
        version: file.version,
        zone: file.zone.parse().map_err(|_| "the time zone's name is too long".to_owned())?,
        from: file.from.map(|from| date(from.0)),
        until: file.until.map(|until| date(until.0)),
        doses: file.dose.iter().map(dose).collect::<Result<_, _>>()?,
        travel_until: file.travel_until.map(|until| time(until.0)),
        paused_until: file.paused_until.map(|until| time(until.0)),
    })
}

fn dose(table: &DoseTable) -> Result<Dose, String> {
    let number = |part: i8| u16::try_from(part).unwrap_or_default();
    let time = table.time.0;
    if time.second() != 0 || time.subsec_nanosecond() != 0 {
        return Err(format!("dose {}: a dose is due at a whole minute", table.id));
    }
    let days = table.days.iter().fold(0, |bits, day| bits | 1_u8.wrapping_shl(*day as u32));
    Ok(Dose {
        id: table.id,
        minute: number(time.hour()).saturating_mul(60).saturating_add(number(time.minute())),
        weekdays: Weekdays::from_bits(days),
        window_minutes: table.window_min,
        compartment: table.compartment,
        count: table.count,
    })
}

fn date(date: civil::Date) -> Date {
    let part = |part: i8| u8::try_from(part).unwrap_or_default();
    Date {
        year: u16::try_from(date.year()).unwrap_or_default(),
        month: part(date.month()),
        day: part(date.day()),
    }
}

fn time(time: Timestamp) -> WallTime {
    WallTime::from_unix_millis(time.as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: &str = r#"
        version = 7
        zone = "Europe/Oslo"
        from = "2026-03-28"
        travel_until = "2026-04-01T12:00:00Z"
        [[dose]]
        id = 1
        time = "08:00"
        window_min = 60
        compartment = 3
        [[dose]]
        id = 2
        time = "21:30"
        days = ["mon", "sun"]
        window_min = 90
        count = 2
    "#;

    #[test]
    fn a_plan_file_becomes_the_plan_it_says() {
        let plan = parse(PLAN).unwrap();
        assert_eq!((plan.version, plan.zone.as_str(), plan.until), (7, "Europe/Oslo", None));
        assert_eq!(plan.from, Some(Date { year: 2026, month: 3, day: 28 }));
        assert_eq!(plan.travel_until, Some(WallTime::from_unix_millis(1_775_044_800_000)));
        let [first, second] = &*plan.doses else { panic!("{plan:?}") };
        assert_eq!((first.minute, first.weekdays, first.compartment), (480, Weekdays::ALL, Some(3)));
        assert_eq!((second.minute, second.weekdays.bits(), second.count), (1290, 0x41, 2));
    }

    #[test]
    fn a_wrong_word_is_named() {
        for (wrong, named) in [
            (PLAN.replace("Europe/Oslo", "Europe/Bergen"), "Europe/Bergen"),
            (PLAN.replace("window_min", "windows"), "windows"),
            (PLAN.replace("\"sun\"", "\"son\""), "son"),
            (PLAN.replace("08:00", "08:00:30"), "whole minute"),
            (PLAN.replace("08:00", "25:00"), "time"),
        ] {
            let message = parse(&wrong).unwrap_err();
            assert!(message.contains(named), "{message}");
        }
    }
}
