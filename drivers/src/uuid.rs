//! Names of Bluetooth services and characteristics.

/// A Bluetooth UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uuid(pub u128);

impl Uuid {
    /// The Bluetooth Base UUID (Core Specification, Vol 3, Part B, §2.5.1): the short ones are set into its top.
    const BASE: u128 = 0x0000_0000_0000_1000_8000_0080_5F9B_34FB;

    /// The UUID that the Bluetooth SIG assigned this short form.
    pub const fn sig(short: u16) -> Self {
        Self(Self::BASE | (short as u128) << 96)
    }

    /// The 16-bit form, where it has one.
    pub fn short(self) -> Option<u16> {
        let short = u16::try_from(self.0 >> 96).ok()?;
        (self == Self::sig(short)).then_some(short)
    }
}

/// The usual hyphenated form, in lower case.
impl std::fmt::Display for Uuid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let hex = format!("{:032x}", self.0);
        for (place, digit) in hex.chars().enumerate() {
            if matches!(place, 8 | 12 | 16 | 20) {
                f.write_str("-")?;
            }
            write!(f, "{digit}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_form_stands_for_its_place_in_the_base_uuid() {
        let measurement = Uuid::sig(0x2A35);
        assert_eq!(measurement.to_string(), "00002a35-0000-1000-8000-00805f9b34fb");
        assert_eq!(measurement.short(), Some(0x2A35));
        assert_eq!(Uuid(measurement.0 ^ 1).short(), None);
        assert_eq!(Uuid(u128::MAX).short(), None);
    }
}
