//! The vital signs, and the steps of each.

use serde::{Deserialize, Serialize};

/// What the gateway watches of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Vital {
    /// Room where the state is kept. Used, in ‰.
    Storage,
    /// Whether that file system takes no writes. 0 or 1.
    ReadOnly,
    /// Errors that the kernel has found in file systems.
    FileSystem,
    /// How far the flash memory is worn, in %.
    Wear,
    /// The box's memory. Used, in ‰.
    Memory,
    /// The program's own resident memory, in bytes.
    OwnMemory,
    /// The warmest place that is measured, in thousandths of a degree Celsius.
    Temperature,
    /// Whether the supply's voltage is, or was since the last reading, too low. 0 or 1.
    PowerSupply,
    /// Whether the processor is, or was since the last reading, slowed down. 0 or 1.
    Throttling,
    /// How long ago the certificate ended, in seconds; negative before.
    Certificate,
    /// How far the clock has jumped since the last reading, in seconds.
    TimeJump,
    /// Starts in a row after none of which the program lived long.
    Restarts,
    /// Whether the program's file is another one than this version's. 0 or 1.
    Program,
}

/// One step on the way from well to worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The measure at and above which it is reached.
    pub begins: i64,
    /// The measure below which it is left; not above `begins`.
    pub ends: i64,
    /// Readings in a row after which it is told that it was reached.
    pub to_begin: u32,
    /// Readings in a row after which it is told that it was left.
    pub to_end: u32,
}

const DAY_S: i64 = 86_400;
const MB: i64 = 1_000_000;

impl Vital {
    /// Every vital sign.
    pub const ALL: [Self; 13] = [
        Self::Storage,
        Self::ReadOnly,
        Self::FileSystem,
        Self::Wear,
        Self::Memory,
        Self::OwnMemory,
        Self::Temperature,
        Self::PowerSupply,
        Self::Throttling,
        Self::Certificate,
        Self::TimeJump,
        Self::Restarts,
        Self::Program,
    ];

    /// The word in output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Storage => "storage",
            Self::ReadOnly => "read-only storage",
            Self::FileSystem => "file system",
            Self::Wear => "worn storage",
            Self::Memory => "memory",
            Self::OwnMemory => "own memory",
            Self::Temperature => "temperature",
            Self::PowerSupply => "power supply",
            Self::Throttling => "throttling",
            Self::Certificate => "certificate",
            Self::TimeJump => "time jump",
            Self::Restarts => "restarts",
            Self::Program => "program file",
        }
    }

    /// Its steps, from the first warning to the worst.
    pub const fn steps(self) -> &'static [Step] {
        match self {
            Self::Storage => const { &[step(900, 850, 3, 3), step(980, 960, 1, 3)] },
            Self::ReadOnly => const { &[step(1, 1, 1, 3)] },
            Self::FileSystem | Self::Program => const { &[step(1, 1, 1, 1)] },
            Self::Wear => const { &[step(90, 90, 1, 1), step(100, 100, 1, 1)] },
            Self::Memory => const { &[step(900, 850, 5, 10), step(970, 930, 3, 10)] },
            // It is ended at 128 MB (`MemoryMax=` of its unit), and needs less than 25.
            Self::OwnMemory => const { &[step(64 * MB, 48 * MB, 5, 10), step(110 * MB, 100 * MB, 1, 10)] },
            // A Raspberry Pi slows down at 80 °C, and ever more up to 85.
            Self::Temperature => const { &[step(75_000, 70_000, 5, 10), step(82_000, 77_000, 2, 10)] },
            // What comes and goes all day with the load is one fault that lasts all day.
            Self::PowerSupply | Self::Throttling => const { &[step(1, 1, 1, 60)] },
            Self::Certificate => {
                const {
                    &[
                        step(-30 * DAY_S, -31 * DAY_S, 1, 1),
                        step(-7 * DAY_S, -8 * DAY_S, 1, 1),
                        step(-DAY_S, -2 * DAY_S, 1, 1),
                        step(0, -DAY_S, 1, 1),
                    ]
                }
            }
            Self::TimeJump => const { &[step(30, 30, 1, 60)] },
            Self::Restarts => const { &[step(5, 1, 1, 1)] },
        }
    }
}

const fn step(begins: i64, ends: i64, to_begin: u32, to_end: u32) -> Step {
    Step { begins, ends, to_begin, to_end }
}
