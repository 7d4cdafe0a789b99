//! F6-04-01: a switch that is held down by a key card (EEP 2.6.8). The card in it says that somebody is in the room.

use varde_wire::{Event, Metric};

use super::profile::{Field, Means, Profile, Word, data, status};

const FIELDS: &[Field] = &[
    Field::flag("T21", status(2, 1)),
    Field::flag("NU", status(3, 1)),
    Field::words(
        "KC",
        data(0, 8),
        &[
            Word::of(0x00, "taken out").means(Means::Stands(Metric::OCCUPANCY, Event::LeftRoom)),
            Word::of(0x70, "inserted").means(Means::Stands(Metric::OCCUPANCY, Event::EnteredRoom)),
        ],
    ),
];

pub(super) const PROFILES: &[Profile] = &[Profile::one_byte("F6-04-01", FIELDS)];
