//! F6-05-00 to F6-05-02: detectors of wind, of water on the floor, and of smoke (EEP 2.6.8).
//!
//! An alarm is told with each telegram that has it: its end may get lost, or (F6-05-01) never be sent, and must not
//! hide the next alarm. The same holds for a low battery, of which no telegram says that it is well again.
//!
//! Wind has no event in the common words: it is shown and not passed on. F6-05-00's shortcut was not found in a public
//! source; its values were, in several.

use varde_wire::{Event, Metric};

use super::profile::{Field, Means, Profile, Word, data, status};

const LOW: Word =
    Word::of(0x30, "energy low").means(Means::Happened(Metric::BATTERY_STATE, Event::BatteryLow, None));

const WIND: &[Field] =
    &[Field::words("WIND", data(0, 8), &[Word::of(0x00, "alarm off"), Word::of(0x10, "alarm on"), LOW])];

const WATER: &[Field] = &[
    Field::flag("T21", status(2, 1)),
    Field::flag("NU", status(3, 1)),
    Field::words(
        "WAS",
        data(0, 8),
        &[Word::of(0x11, "water detected").means(Means::Happened(Metric::WATER, Event::Water, None))],
    ),
];

const SMOKE: &[Field] = &[Field::words(
    "SMO",
    data(0, 8),
    &[
        Word::of(0x00, "alarm off").means(Means::Stands(Metric::SMOKE, Event::SmokeCleared)),
        Word::of(0x10, "alarm on").means(Means::Happened(Metric::SMOKE, Event::Smoke, None)),
        LOW,
    ],
)];

pub(super) const PROFILES: &[Profile] = &[
    Profile::one_byte("F6-05-00", WIND),
    Profile::one_byte("F6-05-01", WATER),
    Profile::one_byte("F6-05-02", SMOKE),
];
