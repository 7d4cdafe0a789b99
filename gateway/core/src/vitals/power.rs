//! What a Raspberry Pi's firmware says of its supply and its speed.

/// The bits of `get_throttled`: what is so now, and sixteen places above what has been so since the boot, or since
/// somebody cleared it.
///
/// <https://www.raspberrypi.com/documentation/computers/os.html#get_throttled>
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Throttled(pub u32);

const UNDER_VOLTAGE: u32 = 1;
/// The clock capped, throttled, or at the soft limit of temperature.
const SLOWED: u32 = 0b1110;

impl Throttled {
    const fn now(self) -> u32 {
        self.0 & 0xFFFF
    }

    const fn has_been(self) -> u32 {
        self.0 >> 16
    }
}

/// Finds what has been so since the last reading: a dip of a second lies between two of them. What was so before the
/// first is another run's, and told by it.
#[derive(Debug, Default)]
pub(super) struct Sticky {
    under_voltage: Option<u32>,
    slowed: Option<u32>,
}

impl Sticky {
    /// 1 where the voltage is or was too low, 0 where it was not, nothing where nobody knows. `alarm` is the kernel's
    /// hwmon driver's word for it, which it takes anew every two seconds.
    pub(super) fn under_voltage(&mut self, throttled: Option<Throttled>, alarm: Option<bool>) -> Option<i64> {
        let firmware = throttled.map(|bits| is_or_was(bits, UNDER_VOLTAGE, &mut self.under_voltage));
        firmware.into_iter().chain(alarm).reduce(|one, other| one || other).map(i64::from)
    }

    /// The same of the processor's speed.
    pub(super) fn throttling(&mut self, throttled: Option<Throttled>) -> Option<i64> {
        throttled.map(|bits| i64::from(is_or_was(bits, SLOWED, &mut self.slowed)))
    }
}

fn is_or_was(bits: Throttled, mask: u32, seen: &mut Option<u32>) -> bool {
    let has_been = bits.has_been() & mask;
    let newly = has_been & !seen.replace(has_been).unwrap_or(has_been);
    (bits.now() & mask) | newly != 0
}
