//! Continuous Glucose Monitoring Service 1.0.2 (0x181F): a sensor under the skin that measures every few minutes.
//!
//! A sensor has no clock of its own that matters: everything is told in minutes since its session began, and when
//! that was is a value of its own ([`SessionStartTime`]). Any value may end in an [E2E-CRC](super::e2e_crc); which
//! do is told by [`CgmFeature`], so that it is read before all else. A value whose CRC does not fit is refused.
//!
//! Reserved bits and bytes after the last field come with newer or odd sensors; they are kept and shown, and never
//! cost a measurement.

mod control_point;
mod feature;
mod measurement;
mod sensor;
mod sensor_status;
mod session_time;

pub use control_point::{AlertLevel, CalibrationValue, CgmControlPoint, Operation, Question};
pub use feature::CgmFeature;
pub use measurement::CgmMeasurement;
pub(crate) use sensor::CgmSensor;
pub use sensor_status::{CgmStatus, SensorStatus};
pub use session_time::{SessionRunTime, SessionStartTime};

use varde_wire::{Absence, Decimal, Value};

use crate::Uuid;
use crate::decode::{Decoded, Decoder};
use crate::gatt::e2e_crc::E2eCrc;

/// CGM Measurement.
pub const MEASUREMENT: Uuid = Uuid::sig(0x2AA7);
/// CGM Feature.
pub const FEATURE: Uuid = Uuid::sig(0x2AA8);
/// CGM Status.
pub const STATUS: Uuid = Uuid::sig(0x2AA9);
/// CGM Session Start Time.
pub const SESSION_START_TIME: Uuid = Uuid::sig(0x2AAA);
/// CGM Session Run Time.
pub const SESSION_RUN_TIME: Uuid = Uuid::sig(0x2AAB);
/// CGM Specific Ops Control Point.
pub const CONTROL_POINT: Uuid = Uuid::sig(0x2AAC);

/// The six. Without the sensor's feature, its values have a CRC where they are that much longer, and its glucose is
/// taken for that of interstitial fluid.
pub(crate) const DECODERS: &[Decoder] = &[
    (0x2AA7, |bytes, device| {
        let records = CgmMeasurement::decode_all(bytes, E2eCrc::ByLength)?;
        let observations = records.iter().flat_map(|record| record.observations(device, None, None));
        Ok(Decoded { measurement: measurement::describe(&records), observations: observations.collect() })
    }),
    (0x2AA8, |bytes, _| Ok(Decoded::fields(CgmFeature::decode(bytes)?.describe()))),
    (0x2AA9, |bytes, device| {
        let status = CgmStatus::decode(bytes, E2eCrc::ByLength)?;
        Ok(Decoded {
            measurement: status.describe(),
            observations: vec![status.sensor_status.observation(device)],
        })
    }),
    (0x2AAA, |bytes, _| Ok(Decoded::fields(SessionStartTime::decode(bytes, E2eCrc::ByLength)?.describe()))),
    (0x2AAB, |bytes, _| Ok(Decoded::fields(SessionRunTime::decode(bytes, E2eCrc::ByLength)?.describe()))),
    (0x2AAC, |bytes, _| Ok(Decoded::fields(CgmControlPoint::decode(bytes, E2eCrc::ByLength)?.describe()))),
];

/// A concentration, rate or percentage: the number with its precision, or why there is none.
type Medical = Result<Decimal, Absence>;

fn value(number: Medical) -> Value {
    number.map_or_else(Value::Absent, Value::Decimal)
}

#[cfg(test)]
mod tests;
