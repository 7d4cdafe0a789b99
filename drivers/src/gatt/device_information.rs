//! Device Information Service, 0x180A (DIS 1.1): what a device is. No measurement, so no observation.

use crate::cursor::Cursor;
use crate::decode::{Decoded, Decoder};
use crate::describe::hex;
use crate::{Description, FrameError, Problem, Uuid};

/// The nine.
pub(crate) const DECODERS: &[Decoder] = &[
    (0x2A23, |bytes, _| decoded(0x2A23, bytes)),
    (0x2A24, |bytes, _| decoded(0x2A24, bytes)),
    (0x2A25, |bytes, _| decoded(0x2A25, bytes)),
    (0x2A26, |bytes, _| decoded(0x2A26, bytes)),
    (0x2A27, |bytes, _| decoded(0x2A27, bytes)),
    (0x2A28, |bytes, _| decoded(0x2A28, bytes)),
    (0x2A29, |bytes, _| decoded(0x2A29, bytes)),
    (0x2A2A, |bytes, _| decoded(0x2A2A, bytes)),
    (0x2A50, |bytes, _| decoded(0x2A50, bytes)),
];

fn decoded(characteristic: u16, bytes: &[u8]) -> Result<Decoded, FrameError> {
    let mut information = DeviceInformation::default();
    information.learn(characteristic, bytes)?;
    Ok(Decoded::fields(information.describe()))
}

/// What a device has told of itself so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceInformation {
    /// 0x2A29.
    pub manufacturer_name: Option<String>,
    /// 0x2A24.
    pub model_number: Option<String>,
    /// 0x2A25.
    pub serial_number: Option<String>,
    /// 0x2A27.
    pub hardware_revision: Option<String>,
    /// 0x2A26.
    pub firmware_revision: Option<String>,
    /// 0x2A28.
    pub software_revision: Option<String>,
    /// 0x2A23, an EUI-64 with its most significant byte, the first of the maker's OUI, first.
    pub system_id: Option<[u8; 8]>,
    /// 0x2A2A, IEEE 11073-20601 Regulatory Certification Data List, unread.
    pub regulatory_certification: Option<Vec<u8>>,
    /// 0x2A50.
    pub pnp_id: Option<PnpId>,
}

/// PnP ID: who made the device, in the numbers of Bluetooth SIG or USB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PnpId {
    /// Whose number the vendor's is: 1 Bluetooth SIG, 2 USB Implementer's Forum.
    pub vendor_id_source: u8,
    /// The vendor.
    pub vendor_id: u16,
    /// The product.
    pub product_id: u16,
    /// Its version, as binary-coded decimal `0xJJMN`.
    pub product_version: u16,
}

impl DeviceInformation {
    /// Every characteristic that [`learn`](Self::learn) reads.
    pub const CHARACTERISTICS: [Uuid; 9] = [
        Uuid::sig(0x2A29),
        Uuid::sig(0x2A24),
        Uuid::sig(0x2A25),
        Uuid::sig(0x2A27),
        Uuid::sig(0x2A26),
        Uuid::sig(0x2A28),
        Uuid::sig(0x2A23),
        Uuid::sig(0x2A2A),
        Uuid::sig(0x2A50),
    ];

    /// Takes up the value of one characteristic of the service, by its short UUID.
    ///
    /// # Errors
    /// Where the value is too short, or the characteristic is none of this service.
    pub fn learn(&mut self, characteristic: u16, bytes: &[u8]) -> Result<(), FrameError> {
        let mut cursor = Cursor::new(bytes);
        match characteristic {
            0x2A29 => self.manufacturer_name = Some(text(bytes)),
            0x2A24 => self.model_number = Some(text(bytes)),
            0x2A25 => self.serial_number = Some(text(bytes)),
            0x2A27 => self.hardware_revision = Some(text(bytes)),
            0x2A26 => self.firmware_revision = Some(text(bytes)),
            0x2A28 => self.software_revision = Some(text(bytes)),
            0x2A23 => {
                let mut id = cursor.array("system id")?;
                id.reverse();
                self.system_id = Some(id);
            }
            0x2A2A => self.regulatory_certification = Some(bytes.to_vec()),
            0x2A50 => self.pnp_id = Some(PnpId::take(&mut cursor)?),
            other => return Err(cursor.error("characteristic", Problem::UnknownCharacteristic(other))),
        }
        Ok(())
    }

    /// Its fields.
    pub fn describe(&self) -> Description {
        Description::default()
            .with_some("manufacturer_name", self.manufacturer_name.as_deref())
            .with_some("model_number", self.model_number.as_deref())
            .with_some("serial_number", self.serial_number.as_deref())
            .with_some("hardware_revision", self.hardware_revision.as_deref())
            .with_some("firmware_revision", self.firmware_revision.as_deref())
            .with_some("software_revision", self.software_revision.as_deref())
            .with_some("system_id", self.system_id.map(|id| hex(&id)))
            .with_some("regulatory_certification", self.regulatory_certification.as_deref().map(hex))
            .with_some("pnp_id", self.pnp_id.map(PnpId::describe))
    }
}

impl PnpId {
    fn take(cursor: &mut Cursor<'_>) -> Result<Self, FrameError> {
        Ok(Self {
            vendor_id_source: cursor.u8("vendor id source")?,
            vendor_id: cursor.u16_le("vendor id")?,
            product_id: cursor.u16_le("product id")?,
            product_version: cursor.u16_le("product version")?,
        })
    }

    fn describe(self) -> Description {
        Description::default()
            .with("vendor_id_source", self.vendor_id_source)
            .with("vendor_id", self.vendor_id)
            .with("product_id", self.product_id)
            .with("product_version", self.product_version)
    }
}

/// A UTF-8 text as devices send it: padded with zeros or spaces, at times in another encoding. Control characters
/// go: the text ends up on terminals.
fn text(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let printable: String = text.chars().filter(|c| !c.is_control()).collect();
    printable.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learned(characteristic: u16, bytes: &[u8]) -> DeviceInformation {
        let mut information = DeviceInformation::default();
        information.learn(characteristic, bytes).unwrap();
        information
    }

    /// Tests of im97mori's JavaBLEUtil (MIT).
    #[test]
    fn ids_are_read_least_byte_first() {
        let system_id = learned(0x2A23, &[1, 2, 3, 4, 5, 6, 7, 8]).system_id.unwrap();
        // Manufacturer identifier 0x0504030201 = 21542142465, OUI 0x080706 = 526086.
        assert_eq!(system_id, [8, 7, 6, 5, 4, 3, 2, 1]);
        assert_eq!(u64::from_be_bytes(system_id) >> 40, 526_086);
        assert_eq!(u64::from_be_bytes(system_id) & 0xFF_FFFF_FFFF, 21_542_142_465);

        let pnp = |source, vendor, product, version| PnpId {
            vendor_id_source: source,
            vendor_id: vendor,
            product_id: product,
            product_version: version,
        };
        let table = [
            ([1, 2, 3, 4, 5, 6, 7], pnp(1, 770, 1284, 1798)),
            ([2, 2, 0xFF, 4, 0xFF, 6, 0xFF], pnp(2, 65_282, 65_284, 65_286)),
        ];
        for (bytes, expected) in table {
            assert_eq!(learned(0x2A50, &bytes).pnp_id, Some(expected));
        }
    }

    #[test]
    fn texts_lose_their_padding_and_whatever_a_terminal_would_obey() {
        let name = learned(0x2A29, b"A&D \x1b[31mMedical\0\0").manufacturer_name;
        assert_eq!(name.as_deref(), Some("A&D [31mMedical"));
        assert_eq!(learned(0x2A24, b"UA-651\xFF").model_number.as_deref(), Some("UA-651\u{FFFD}"));
        assert_eq!(learned(0x2A25, b"").serial_number.as_deref(), Some(""));
    }

    #[test]
    fn a_short_pnp_id_names_the_missing_field() {
        let refused = DeviceInformation::default().learn(0x2A50, &[1, 2, 3, 4]).unwrap_err();
        assert_eq!(refused.to_string(), "product id at byte 3: too short: expected length 2, got 1");
    }

    #[test]
    fn every_listed_characteristic_is_read() {
        for uuid in DeviceInformation::CHARACTERISTICS {
            let information = learned(uuid.short().unwrap(), b"12345678");
            assert_eq!(information.describe().fields().len(), 1, "{uuid}");
        }
    }
}
