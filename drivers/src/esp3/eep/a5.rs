//! Fields that several profiles of 4BS have.

use varde_wire::{Absence, Event, Metric, Unit};

use super::profile::{Bits, Field, Means, Word, data};

/// Temperature of the air; `scale` in tenths of °C.
pub(super) const fn temperature(bits: Bits, raw: [u32; 2], scale: [i64; 2]) -> Field {
    Field::number("TMP", bits, raw, scale, -1).measures(Metric::ROOM_TEMPERATURE, Unit::Celsius)
}

/// The same in finer steps; `scale` in hundredths of °C.
pub(super) const fn fine_temperature(bits: Bits, raw: [u32; 2], scale: [i64; 2]) -> Field {
    Field::number("TMP", bits, raw, scale, -2).measures(Metric::ROOM_TEMPERATURE, Unit::Celsius)
}

/// Relative humidity from 0 to 100 %, of which `most` stands for 100.
pub(super) const fn humidity(bits: Bits, most: u32) -> Field {
    Field::number("HUM", bits, [0, most], [0, 1000], -1).measures(Metric::HUMIDITY, Unit::Percent)
}

/// Illuminance, in lx.
pub(super) const fn illuminance(shortcut: &'static str, bits: Bits, raw: [u32; 2], scale: [i64; 2]) -> Field {
    Field::number(shortcut, bits, raw, scale, 0).measures(Metric::ILLUMINANCE, Unit::Lux)
}

/// Illuminance where 251 stands for more than can be measured.
pub(super) const fn illuminance_to_1000(shortcut: &'static str, bits: Bits) -> Field {
    illuminance(shortcut, bits, [0, 250], [0, 1000]).except(&[(251, Absence::PositiveInfinity)])
}

/// The voltage of what supplies the device, 0 to 5.1 V.
pub(super) const SUPPLY_5_1: Field =
    Field::number("SVC", data(0, 8), [0, 255], [0, 510], -2).measures(Metric::BATTERY_VOLTAGE, Unit::Volt);

/// The same, 0 to 5.0 V. 251 to 255 are error codes of the maker.
pub(super) const fn supply_5_0(shortcut: &'static str) -> Field {
    Field::number(shortcut, data(0, 8), [0, 250], [0, 500], -2)
        .measures(Metric::BATTERY_VOLTAGE, Unit::Volt)
        .except(&[
            (251, Absence::NotANumber),
            (252, Absence::NotANumber),
            (253, Absence::NotANumber),
            (254, Absence::NotANumber),
            (255, Absence::NotANumber),
        ])
}

/// Motion is told with each telegram that has it: many sensors never send that it ended.
pub(super) const MOTION: Means = Means::Happened(Metric::MOTION, Event::Motion, None);
pub(super) const MOTION_CLEARED: Means = Means::Stands(Metric::MOTION, Event::MotionCleared);

/// A button by which people say that they are here. 0 is pressed.
pub(super) const fn button(shortcut: &'static str, bits: Bits) -> Field {
    Field::words(shortcut, bits, BUTTON)
}

const BUTTON: &[Word] = &[
    Word::of(0, "pressed").means(Means::Happened(Metric::SWITCH, Event::ButtonPressed, None)),
    Word::of(1, "released"),
];
