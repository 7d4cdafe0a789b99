//! Battery Level, 0x2A19 of the Battery Service.

use varde_wire::{Absence, Decimal, DeviceId, Metric, Observation, Unit, Value};

use crate::cursor::Cursor;
use crate::decode::{Decoded, Decoder};
use crate::{Description, FrameError, Uuid};

/// Battery Level.
pub const BATTERY_LEVEL: Uuid = Uuid::sig(0x2A19);

/// Battery Level.
pub(crate) const DECODERS: &[Decoder] = &[(0x2A19, |bytes, device| {
    let battery = BatteryLevel::decode(bytes)?;
    Ok(Decoded { measurement: battery.describe(), observations: vec![battery.observation(device)] })
})];

/// The charge of a device's battery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatteryLevel {
    /// Percent; 101 to 255 are reserved, and devices use them for "not known".
    pub level: Result<u8, Absence>,
    /// Bytes after the level, which the characteristic does not have.
    pub rest: Vec<u8>,
}

impl BatteryLevel {
    /// The level in a value of the characteristic.
    ///
    /// # Errors
    /// Where the value is empty.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        let mut cursor = Cursor::new(bytes);
        let raw = cursor.u8("battery level")?;
        let level = if raw <= 100 { Ok(raw) } else { Err(Absence::Reserved) };
        Ok(Self { level, rest: cursor.rest().to_vec() })
    }

    /// Its fields.
    pub fn describe(&self) -> Description {
        Description::default().with("battery_level", self.number()).with_bytes("rest", &self.rest)
    }

    /// The level in common words.
    pub fn observation(&self, device: &DeviceId) -> Observation {
        let value = self.number().map_or_else(Value::Absent, Value::Decimal);
        Observation { unit: Some(Unit::Percent), ..Observation::new(device.clone(), Metric::BATTERY, value) }
    }

    fn number(&self) -> Result<Decimal, Absence> {
        self.level.map(|percent| Decimal::whole(percent.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Problem;

    #[test]
    fn a_level_is_a_percentage_or_reserved_and_an_empty_value_is_refused() {
        // 00 and 64: tests of im97mori's JavaBLEUtil (MIT).
        for (bytes, level) in [([0x00], Ok(0)), ([0x64], Ok(100)), ([0x65], Err(Absence::Reserved))] {
            assert_eq!(BatteryLevel::decode(&bytes).unwrap().level, level);
        }
        let refused = BatteryLevel::decode(&[]).unwrap_err();
        assert_eq!(refused.problem, Problem::Truncated { expected: 1, got: 0 });
        assert_eq!(refused.to_string(), "battery level at byte 0: too short: expected length 1, got 0");
    }
}
