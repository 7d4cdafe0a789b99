//! F6-10-00: a window handle (EEP 2.6.8). It sends when it is turned and at no other time.
//!
//! The first four bits alone say where to, and the third of them may be either where the handle points sideways: the
//! profile asks not to look at the rest.

use varde_wire::{Event, Metric};

use super::profile::{Field, Means, Profile, Word, data, status};

/// The window is open or tilted, in this way.
const fn opened(how: &'static str) -> Means {
    Means::Happened(Metric::CONTACT, Event::DoorOpened, Some(how))
}

const FIELDS: &[Field] = &[
    Field::flag("T21", status(2, 1)),
    Field::flag("NU", status(3, 1)),
    Field::words(
        "WIN",
        data(0, 4),
        &[
            Word::of(0b1100, "left or right").means(opened("open")),
            Word::of(0b1110, "left or right").means(opened("open")),
            Word::of(0b1101, "up").means(opened("tilted")),
            Word::of(0b1111, "down").means(Means::Happened(Metric::CONTACT, Event::DoorClosed, None)),
        ],
    ),
];

pub(super) const PROFILES: &[Profile] = &[Profile::one_byte("F6-10-00", FIELDS)];
