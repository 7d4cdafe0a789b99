//! A Bluetooth device address.

use std::fmt;
use std::str::FromStr;

/// A Bluetooth device address, most significant octet first, as printed on a device: `C0:FF:EE:00:00:01`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(pub [u8; 6]);

/// The text is not a Bluetooth address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a Bluetooth address such as C0:FF:EE:00:00:01, got {got:?}")]
pub struct NotAnAddress {
    got: String,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02X}:{b:02X}:{c:02X}:{d:02X}:{e:02X}:{g:02X}")
    }
}

impl FromStr for Address {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        parse(text, ':').ok_or_else(|| NotAnAddress { got: text.to_owned() })
    }
}

impl Address {
    /// The device's path below `adapter`.
    pub(crate) fn device_path(self, adapter: &str) -> String {
        format!("{adapter}/dev_{}", self.to_string().replace(':', "_"))
    }

    /// The address in a BlueZ device path below `adapter`, as `/org/bluez/hci0/dev_C0_FF_EE_00_00_01`.
    pub(crate) fn from_device_path(adapter: &str, path: &str) -> Option<Self> {
        parse(path.strip_prefix(adapter)?.strip_prefix("/dev_")?, '_')
    }
}

fn parse(text: &str, separator: char) -> Option<Address> {
    let mut octets = [0; 6];
    let mut parts = text.split(separator);
    for octet in &mut octets {
        let part = parts.next()?;
        // `from_str_radix` alone would take "+1".
        if part.len() != 2 || !part.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        *octet = u8::from_str_radix(part, 16).ok()?;
    }
    parts.next().is_none().then_some(Address(octets))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_reads_back_as_it_is_shown() {
        let address = Address([0xC0, 0xFF, 0xEE, 0x00, 0x0A, 0x01]);
        assert_eq!(address.to_string(), "C0:FF:EE:00:0A:01");
        assert_eq!(address.to_string().parse(), Ok(address));
        assert_eq!(address.to_string().to_lowercase().parse(), Ok(address));
    }

    #[test]
    fn what_is_not_an_address_is_refused() {
        for text in [
            "",
            "C0:FF:EE:00:0A",
            "C0:FF:EE:00:0A:01:02",
            "C0-FF-EE-00-0A-01",
            "C0:FF:EE:00:0A:+1",
            "å0:FF:EE:00:0A:1",
        ] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_device_path_belongs_to_one_adapter() {
        let path = "/org/bluez/hci10/dev_C0_FF_EE_00_0A_01";
        let address = Address([0xC0, 0xFF, 0xEE, 0x00, 0x0A, 0x01]);
        assert_eq!(Address::from_device_path("/org/bluez/hci10", path), Some(address));
        assert_eq!(Address::from_device_path("/org/bluez/hci1", path), None);
        assert_eq!(Address::from_device_path("/org/bluez/hci10", &format!("{path}/service000e")), None);
    }
}
