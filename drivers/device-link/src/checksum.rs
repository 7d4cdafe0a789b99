//! CRC-32 as in Ethernet and zip files ("CRC-32/ISO-HDLC"): polynomial 0x04C11DB7 reflected, initial value and final
//! exclusive-or 0xFFFFFFFF.

/// The checksum of bytes that come in several runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Crc32(u32);

impl Crc32 {
    pub(crate) const fn new() -> Self {
        Self(u32::MAX)
    }

    /// Half a byte at a time, without a table.
    #[must_use]
    pub(crate) fn with(self, bytes: &[u8]) -> Self {
        let mut crc = self.0;
        for byte in bytes {
            crc ^= u32::from(*byte);
            crc = (crc >> 4) ^ remainder(crc);
            crc = (crc >> 4) ^ remainder(crc);
        }
        Self(crc)
    }

    pub(crate) const fn value(self) -> u32 {
        !self.0
    }
}

/// What the lowest four bits leave when they are divided out.
const fn remainder(crc: u32) -> u32 {
    // The remainders of single bits; that of several is their exclusive-or.
    let one = if crc & 1 == 0 { 0 } else { 0x1DB7_1064 };
    let two = if crc & 2 == 0 { 0 } else { 0x3B6E_20C8 };
    let four = if crc & 4 == 0 { 0 } else { 0x76DC_4190 };
    let eight = if crc & 8 == 0 { 0 } else { 0xEDB8_8320 };
    one ^ two ^ four ^ eight
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_of_the_catalogue_comes_out() {
        assert_eq!(Crc32::new().with(b"123456789").value(), 0xCBF4_3926);
        assert_eq!(Crc32::new().with(b"1234").with(b"56789").value(), 0xCBF4_3926);
        assert_eq!(Crc32::new().value(), 0);
    }
}
