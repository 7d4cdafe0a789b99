//! A5-20-xx: valves and other actuators of heating (EEP 2.6.8), in what they say of themselves. What a controller says
//! to them has the same profile, and cannot be told from it: only the actuator belongs in the configuration.
//!
//! python-enocean (kipe/enocean) names BCAP of A5-20-01 the other way round. EEP says that the battery has to be
//! changed where the bit is 0, in both directions of the profile; that is followed.

use varde_wire::{Event, Metric, Unit};

use super::a5::{fine_temperature, temperature};
use super::profile::{Bits, Field, Means, Profile, Word, data};

/// How far the valve is open, in percent.
const fn valve(shortcut: &'static str) -> Field {
    Field::number(shortcut, data(0, 8), [0, 100], [0, 100], 0).measures(Metric::OUTPUT, Unit::Percent)
}

/// A fault that stands while the bit is set.
const fn fault(shortcut: &'static str, bits: Bits) -> Field {
    Field::words(shortcut, bits, FAULT)
}
const FAULT: &[Word] = &[
    Word::of(0, "false").means(Means::Stands(Metric::DEVICE_PROBLEM, Event::DeviceFaultCleared)),
    Word::of(1, "true").means(Means::Stands(Metric::DEVICE_PROBLEM, Event::DeviceFault)),
];

const BATTERY_POWERED: &[Field] = &[
    valve("CV"),
    Field::flag("SO", data(8, 1)),
    Field::flag("ENIE", data(9, 1)),
    Field::flag("ES", data(10, 1)),
    Field::words(
        "BCAP",
        data(11, 1),
        &[
            Word::of(0, "change the battery").means(Means::Stands(Metric::BATTERY_STATE, Event::BatteryLow)),
            Word::of(1, "ok").means(Means::Stands(Metric::BATTERY_STATE, Event::BatteryRestored)),
        ],
    ),
    Field::words(
        "CCO",
        data(12, 1),
        &[
            Word::of(0, "false").means(Means::Stands(Metric::TAMPER, Event::TamperCleared)),
            Word::of(1, "true").means(Means::Stands(Metric::TAMPER, Event::Tamper)),
        ],
    ),
    fault("FTS", data(13, 1)),
    // Guessed by the actuator from how fast it gets cold.
    Field::flag("DWO", data(14, 1)),
    fault("ACO", data(15, 1)),
    temperature(data(16, 8), [0, 255], [0, 400]),
];

const BASIC: &[Field] = &[valve("AV"), Field::flag("SPI", data(22, 1))];

const LINE_POWERED: &[Field] = &[valve("AV"), temperature(data(16, 8), [0, 255], [0, 400])];

/// Whether DB_1 has a failure code instead of the room's temperature.
const FL: Bits = data(31, 1);
/// Whether DB_2 has the set point instead of the temperature of the water that comes.
const TS: Bits = data(30, 1);

const WITH_DISPLAY: &[Field] = &[
    valve("CP"),
    Field::number("FTS", data(8, 8), [0, 255], [200, 800], -1).only(&[(TS, 0)]),
    Field::number("FTS", data(8, 8), [0, 255], [1000, 3000], -2).only(&[(TS, 1)]),
    fine_temperature(data(16, 8), [0, 255], [1000, 3000]).only(&[(FL, 0)]),
    Field::words(
        "FC",
        data(16, 8),
        &[
            Word::of(17, "measurement error"),
            Word::of(18, "battery empty").means(Means::Happened(
                Metric::BATTERY_STATE,
                Event::BatteryEmpty,
                None,
            )),
            Word::of(20, "frost protection"),
            Word::of(33, "blocked valve"),
            Word::of(36, "end point detection error"),
            Word::of(40, "no valve"),
            Word::of(49, "not taught in"),
            Word::of(53, "no response from controller"),
            Word::of(54, "teach-in error"),
        ],
    )
    .only(&[(FL, 1)]),
    Field::words("MST", data(24, 1), &[Word::of(0, "active"), Word::of(1, "inactive")]),
    Field::words("STR", data(25, 1), &[Word::of(0, "no change"), Word::of(1, "status requested")]),
    Field::words("BLS", data(29, 1), &[Word::of(0, "unlocked"), Word::of(1, "locked")]),
    Field::words("TS", TS, &[Word::of(0, "feed temperature"), Word::of(1, "temperature set point")]),
    fault("FL", FL),
];

/// 0 is an open window.
const WINDOW: Field = Field::words("WC", data(30, 1), &[Word::of(0, "opened"), Word::of(1, "closed")]);

const AIR_CONDITIONER: &[Field] = &[
    Field::words(
        "MD",
        data(0, 8),
        &[
            Word::of(0, "auto"),
            Word::of(1, "heat"),
            Word::of(2, "morning warmup"),
            Word::of(3, "cool"),
            Word::of(4, "night purge"),
            Word::of(5, "precool"),
            Word::of(6, "off"),
            Word::of(7, "test"),
            Word::of(8, "emergency heat"),
            Word::of(9, "fan only"),
            Word::of(10, "free cool"),
            Word::of(11, "ice"),
            Word::of(12, "max heat"),
            Word::of(13, "economic heat/cool"),
            Word::of(14, "dehumidification"),
            Word::of(15, "calibration"),
            Word::of(16, "emergency cool"),
            Word::of(17, "emergency steam"),
            Word::of(18, "max cool"),
            Word::of(19, "hvc load"),
            Word::of(20, "no load"),
            Word::of(31, "auto heat"),
            Word::of(32, "auto cool"),
            Word::of(255, "not available"),
        ],
    ),
    Field::number("VPS", data(8, 4), [0, 15], [0, 15], 0),
    Field::number("FANSP", data(12, 4), [0, 15], [0, 15], 0),
    Field::number("CVAR", data(16, 8), [0, 100], [0, 100], 0),
    Field::words(
        "RO",
        data(29, 2),
        &[Word::of(0, "occupied"), Word::of(1, "standby"), Word::of(2, "unoccupied"), Word::of(3, "off")],
    ),
    Field::words("O/I", data(31, 1), &[Word::of(0, "off"), Word::of(1, "on")]),
];

const AIR_CONDITIONER_ERRORS: &[Field] = &[
    Field::number("ERR", data(0, 16), [0, 65_535], [0, 65_535], 0),
    Field::flag("OD", data(20, 1)),
    Field::flag("WCD", data(21, 1)),
    Field::flag("KCD", data(22, 1)),
    Field::flag("ED", data(23, 1)),
    Field::flag("RCD", data(29, 1)),
    WINDOW,
    fault("AS", data(31, 1)),
];

pub(super) const PROFILES: &[Profile] = &[
    Profile::four_bytes("A5-20-01", BATTERY_POWERED),
    Profile::four_bytes("A5-20-02", BASIC),
    Profile::four_bytes("A5-20-03", LINE_POWERED),
    Profile::four_bytes("A5-20-04", WITH_DISPLAY),
    Profile::four_bytes("A5-20-10", AIR_CONDITIONER),
    Profile::four_bytes("A5-20-11", AIR_CONDITIONER_ERRORS),
];
