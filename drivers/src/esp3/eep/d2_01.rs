//! D2-01-00 to D2-01-14: switches, dimmers and plugs, with or without a meter, in what they say of themselves (EEP 2.6.8).
//! They differ in how many channels they have and what they can; a telegram says by itself what it is. Of the commands to
//! them only the one that switches is shown with its fields; none is passed on.
//!
//! The channels of a device are numbered from 0; a channel is told from another by its place, from 1.

use varde_wire::{Absence, Event, Metric, Unit};

use super::profile::{Bits, Field, Means, Profile, Word, data};

const CMD: Bits = data(4, 4);
const CHANNEL: Bits = data(11, 5);
/// The unit of a measurement.
const UN: Bits = data(8, 3);

const SET_OUTPUT: &[(Bits, u32)] = &[(CMD, 1)];
const STATUS: &[(Bits, u32)] = &[(CMD, 4)];
const MEASUREMENT: &[(Bits, u32)] = &[(CMD, 7)];
const PILOT_WIRE: &[(Bits, u32)] = &[(CMD, 10)];
const INTERFACE: &[(Bits, u32)] = &[(CMD, 13)];

/// A measurement in one of the units.
const fn measured(exponent: i8, metric: Metric, unit: Unit, only: &'static [(Bits, u32)]) -> Field {
    const MOST: u32 = u32::MAX;
    let field = Field::number("MV", data(16, 32), [0, MOST], [0, MOST as i64], exponent);
    field.measures(metric, unit).which(CHANNEL).only(only)
}

const FIELDS: &[Field] = &[
    Field::words(
        "CMD",
        CMD,
        &[
            Word::of(1, "set output"),
            Word::of(2, "set local"),
            Word::of(3, "status query"),
            Word::of(4, "status response"),
            Word::of(5, "set measurement"),
            Word::of(6, "measurement query"),
            Word::of(7, "measurement response"),
            Word::of(8, "set pilot wire mode"),
            Word::of(9, "pilot wire mode query"),
            Word::of(10, "pilot wire mode response"),
            Word::of(11, "set external interface settings"),
            Word::of(12, "external interface settings query"),
            Word::of(13, "external interface settings response"),
        ],
    ),
    Field::flag("PF", data(0, 1)).only(STATUS),
    Field::words(
        "PFD",
        data(1, 1),
        &[
            Word::of(0, "mains").means(Means::Stands(Metric::MAINS, Event::MainsRestored)),
            Word::of(1, "mains failure").means(Means::Stands(Metric::MAINS, Event::MainsLost)),
        ],
    )
    .only(&[(CMD, 4), (data(0, 1), 1)]),
    Field::words("OC", data(8, 1), &[Word::of(0, "ready"), Word::of(1, "switched off by over current")])
        .only(STATUS),
    Field::words(
        "EL",
        data(9, 2),
        &[
            Word::of(0, "ok").means(Means::Stands(Metric::DEVICE_PROBLEM, Event::DeviceFaultCleared)),
            Word::of(1, "warning"),
            Word::of(2, "failure").means(Means::Stands(Metric::DEVICE_PROBLEM, Event::DeviceFault)),
            Word::of(3, "not supported"),
        ],
    )
    .only(STATUS),
    Field::flag("LC", data(16, 1)).only(STATUS),
    Field::number("OV", data(17, 7), [0, 100], [0, 100], 0)
        .measures(Metric::OUTPUT, Unit::Percent)
        .except(&[(127, Absence::NotANumber)])
        .which(CHANNEL)
        .only(STATUS),
    measured(0, Metric::ENERGY, Unit::Joule, &[(CMD, 7), (UN, 0)]),
    measured(-3, Metric::ENERGY, Unit::KilowattHour, &[(CMD, 7), (UN, 1)]),
    measured(0, Metric::ENERGY, Unit::KilowattHour, &[(CMD, 7), (UN, 2)]),
    measured(0, Metric::POWER, Unit::Watt, &[(CMD, 7), (UN, 3)]),
    measured(3, Metric::POWER, Unit::Watt, &[(CMD, 7), (UN, 4)]),
    Field::words(
        "UN",
        UN,
        &[
            Word::of(0, "energy in Ws"),
            Word::of(1, "energy in Wh"),
            Word::of(2, "energy in kWh"),
            Word::of(3, "power in W"),
            Word::of(4, "power in kW"),
        ],
    )
    .only(MEASUREMENT),
    Field::words(
        "PM",
        data(13, 3),
        &[
            Word::of(0, "off"),
            Word::of(1, "comfort"),
            Word::of(2, "eco"),
            Word::of(3, "anti-freeze"),
            Word::of(4, "comfort -1"),
            Word::of(5, "comfort -2"),
        ],
    )
    .only(PILOT_WIRE),
    timer("AOT", data(16, 16)),
    timer("DOT", data(32, 16)),
    Field::words(
        "EBM",
        data(48, 2),
        &[
            Word::of(0, "not applicable"),
            Word::of(1, "external switch"),
            Word::of(2, "external push button"),
            Word::of(3, "auto detect"),
        ],
    )
    .only(INTERFACE),
    Field::flag("SWT", data(50, 1)).only(INTERFACE),
    Field::words(
        "DV",
        data(8, 3),
        &[
            Word::of(0, "switch"),
            Word::of(1, "dim with timer 1"),
            Word::of(2, "dim with timer 2"),
            Word::of(3, "dim with timer 3"),
            Word::of(4, "stop dimming"),
        ],
    )
    .only(SET_OUTPUT),
    Field::number("OV", data(17, 7), [0, 100], [0, 100], 0).only(SET_OUTPUT),
    channel(SET_OUTPUT),
    channel(STATUS),
    channel(MEASUREMENT),
    channel(INTERFACE),
];

const fn channel(only: &'static [(Bits, u32)]) -> Field {
    Field::number("I/O", CHANNEL, [0, 31], [0, 31], 0).only(only)
}

/// Tenths of a second; 0 is off.
const fn timer(shortcut: &'static str, bits: Bits) -> Field {
    Field::number(shortcut, bits, [0, 0xFFFE], [0, 0xFFFE], -1).only(INTERFACE)
}

/// The shortest command has one byte.
const fn actuator(name: &'static str) -> Profile {
    Profile::long(name, 1, FIELDS)
}

pub(super) const PROFILES: &[Profile] = &[
    actuator("D2-01-00"),
    actuator("D2-01-01"),
    actuator("D2-01-02"),
    actuator("D2-01-03"),
    actuator("D2-01-04"),
    actuator("D2-01-05"),
    actuator("D2-01-06"),
    actuator("D2-01-07"),
    actuator("D2-01-08"),
    actuator("D2-01-09"),
    actuator("D2-01-0A"),
    actuator("D2-01-0B"),
    actuator("D2-01-0C"),
    actuator("D2-01-0D"),
    actuator("D2-01-0E"),
    actuator("D2-01-0F"),
    actuator("D2-01-10"),
    actuator("D2-01-11"),
    actuator("D2-01-12"),
    actuator("D2-01-13"),
    actuator("D2-01-14"),
];
