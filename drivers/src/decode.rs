//! Bytes that a technician holds in hand, decoded without a link.

use varde_wire::{DeviceId, Observation};

use crate::esp3::{self, Deframer, Eep, Frame, Purpose, Telegram};
use crate::gatt::battery::BatteryLevel;
use crate::gatt::blood_pressure::{BloodPressureFeature, BloodPressureMeasurement, IntermediateCuffPressure};
use crate::gatt::device_information::DeviceInformation;
use crate::{Description, FrameError};

/// What bytes mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The device's own words, every field.
    pub measurement: Description,
    /// The common words; empty for what is no reading. The device's name is a placeholder, `device`.
    pub observations: Vec<Observation>,
}

/// The value of a characteristic, by its short UUID.
///
/// # Errors
/// Where no decoder reads that characteristic, or its decoder refuses the value.
pub fn decode_gatt(uuid: u16, bytes: &[u8]) -> Result<Decoded, FrameError> {
    let device = placeholder();
    let (measurement, observations) = match uuid {
        0x2A35 => {
            let measurement = BloodPressureMeasurement::decode(bytes)?;
            (measurement.describe(), measurement.observations(&device))
        }
        0x2A36 => {
            let pressure = IntermediateCuffPressure::decode(bytes)?;
            (pressure.describe(), pressure.observations(&device))
        }
        0x2A49 => (BloodPressureFeature::decode(bytes)?.describe(), Vec::new()),
        0x2A19 => {
            let battery = BatteryLevel::decode(bytes)?;
            (battery.describe(), vec![battery.observation(&device)])
        }
        // Device information; it refuses what is none.
        other => {
            let mut information = DeviceInformation::default();
            information.learn(other, bytes)?;
            (information.describe(), Vec::new())
        }
    };
    Ok(Decoded { measurement, observations })
}

/// The packets of a serial stream, one by one, with what was lost between them. Without a profile the first that
/// has such telegrams is assumed, and a rocker to be a pendant.
pub fn decode_esp3(bytes: &[u8], eep: Option<Eep>) -> Vec<Result<Decoded, FrameError>> {
    let mut deframer = Deframer::default();
    deframer.push(bytes);
    std::iter::from_fn(|| deframer.poll_rest())
        .map(|found| found.and_then(|frame| decode_packet(&frame, eep)))
        .collect()
}

fn decode_packet(frame: &Frame, eep: Option<Eep>) -> Result<Decoded, FrameError> {
    if frame.packet_type != esp3::RADIO_ERP1 {
        return Ok(Decoded { measurement: esp3::describe(frame), observations: Vec::new() });
    }
    let telegram = Telegram::decode(frame)?;
    let measurement = Description::default().with("packet", "RADIO_ERP1").and(telegram.describe());
    let Some(eep) = eep.or_else(|| Eep::guess(telegram.rorg)) else {
        return Ok(Decoded { measurement, observations: Vec::new() });
    };
    let message = eep.decode(&telegram)?;
    Ok(Decoded {
        measurement: measurement.with("eep", eep.name()).and(message.describe()),
        observations: message.observation(Purpose::Pendant, &placeholder()).into_iter().collect(),
    })
}

/// The short UUIDs that [`decode_gatt`] knows, as text.
pub(crate) fn known() -> String {
    let information = DeviceInformation::CHARACTERISTICS.iter().filter_map(|uuid| uuid.short());
    let mut all: Vec<u16> = [0x2A19, 0x2A35, 0x2A36, 0x2A49].into_iter().chain(information).collect();
    all.sort_unstable();
    all.iter().map(|uuid| format!("{uuid:04X}")).collect::<Vec<_>>().join(", ")
}

/// The device that stands for whichever sent the bytes.
#[expect(clippy::expect_used, reason = "a constant text that a test proves to be a name")]
fn placeholder() -> DeviceId {
    "device".parse().expect("a good name")
}

#[cfg(test)]
mod tests;
