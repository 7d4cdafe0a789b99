//! What is read of the box at one moment.

use varde_wire::Stamp;

use super::power::Throttled;

/// One look at the box. What it does not have, or does not let be read, is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Bytes of the file system that keeps the state.
    pub storage: Option<Amount>,
    /// Whether that file system is mounted read-only.
    pub read_only: Option<bool>,
    /// Errors that the kernel has found in file systems.
    pub file_system_errors: Option<u64>,
    /// What the flash memory says of itself.
    pub wear: Option<Wear>,
    /// Bytes of the box's memory.
    pub memory: Option<Amount>,
    /// Bytes of it that this program holds.
    pub own_memory: Option<u64>,
    /// The warmest place, in thousandths of a degree Celsius.
    pub millicelsius: Option<i64>,
    /// A Raspberry Pi's firmware on its supply and speed.
    pub throttled: Option<Throttled>,
    /// The kernel on the same supply.
    pub under_voltage: Option<bool>,
    /// How long the certificate is still valid, in seconds; negative since it has ended.
    pub certificate_left_s: Option<i64>,
    /// The clocks, and what they are worth.
    pub clock: Option<Stamp>,
    /// Starts in a row after none of which the program lived long, this one among them: [`super::Past::starts`].
    pub starts: Option<u32>,
    /// Whether the program's file is another than this version's: [`super::Past::handle_program`].
    pub program_altered: Option<bool>,
}

/// How much of something is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amount {
    /// Bytes that are free.
    pub free: u64,
    /// Bytes in all.
    pub total: u64,
}

/// A large disk is not nearly full while there is more room than this gateway will ever need.
const ENOUGH_STORAGE: u64 = 10_000_000_000;

impl Amount {
    /// What is used of it, in ‰.
    pub(super) fn used_permille(self) -> i64 {
        let free = u128::from(self.free).saturating_mul(1_000).checked_div(u128::from(self.total));
        let free = free.and_then(|free| i64::try_from(free).ok()).unwrap_or(1_000);
        1_000_i64.saturating_sub(free.min(1_000))
    }

    /// The same of a disk, of which at most so much counts.
    pub(super) fn storage_used_permille(self) -> i64 {
        Self { total: self.total.min(ENOUGH_STORAGE), ..self }.used_permille()
    }
}

/// What an eMMC says of its wear (JEDEC JESD84-B51, EXT_CSD bytes 267 to 269). SD cards say nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wear {
    /// Tenths of its life that are used, the larger of both kinds of memory in it, rounded up; 11 is more than all,
    /// 0 not told.
    pub life_tenths: u8,
    /// Its reserve of blocks: 1 normal, 2 mostly used, 3 nearly used up, 0 not told.
    pub pre_eol: u8,
}

impl Wear {
    pub(super) fn percent(self) -> Option<i64> {
        let reserve = match self.pre_eol {
            1 => Some(0),
            2 => Some(90),
            3 => Some(100),
            _ => None,
        };
        let life = Some(self.life_tenths).filter(|tenths| (1..=11).contains(tenths));
        reserve.max(life.map(|tenths| i64::from(tenths).saturating_mul(10)))
    }
}
