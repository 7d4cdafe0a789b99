//! Sensor Status Annunciation, and CGM Status, 0x2AA9, which is all of it with its time.

use varde_wire::{DeviceId, Flags, Metric, Observation, Value};

use crate::cursor::Cursor;
use crate::gatt::e2e_crc::E2eCrc;
use crate::{Description, FrameError};

/// What the sensor says of itself and of the measurement, as 24 bits: the status octet, then the calibration and
/// temperature octet, then the warning octet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SensorStatus(pub u32);

/// CGM Status, 0x2AA9.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CgmStatus {
    /// Minutes since the session began: the sensor's clock at this moment.
    pub time_offset_min: u16,
    /// The sensor's status at this moment.
    pub sensor_status: SensorStatus,
    /// Bytes after the last field.
    pub rest: Vec<u8>,
}

impl SensorStatus {
    const SESSION_STOPPED: u32 = 1;
    const BATTERY_LOW: u32 = 1 << 1;
    const TYPE_INCORRECT: u32 = 1 << 2;
    const MALFUNCTION: u32 = 1 << 3;
    const GENERAL_FAULT: u32 = 1 << 5;
    const TIME_SYNCHRONIZATION_REQUIRED: u32 = 1 << 8;
    const CALIBRATION_REQUIRED: u32 = 1 << 11;
    const TEMPERATURE_TOO_HIGH: u32 = 1 << 12;
    const TEMPERATURE_TOO_LOW: u32 = 1 << 13;
    const BELOW_WHAT_CAN_BE_PROCESSED: u32 = 1 << 22;
    const ABOVE_WHAT_CAN_BE_PROCESSED: u32 = 1 << 23;

    /// While one of these stands, the sensor does not do its work.
    const FAULTS: u32 =
        Self::SESSION_STOPPED | Self::TYPE_INCORRECT | Self::MALFUNCTION | Self::GENERAL_FAULT;

    /// While one of these stands, the number is not to be believed as it is. High and low glucose, and how fast it
    /// changes, are no doubts: they are what the sensor is worn for.
    const DOUBTS: u32 = Self::FAULTS
        | Self::CALIBRATION_REQUIRED
        | Self::TEMPERATURE_TOO_HIGH
        | Self::TEMPERATURE_TOO_LOW
        | Self::BELOW_WHAT_CAN_BE_PROCESSED
        | Self::ABOVE_WHAT_CAN_BE_PROCESSED;

    /// The names of the bits that have one.
    const NAMES: [(u8, &str); 20] = [
        (0, "session_stopped"),
        (1, "device_battery_low"),
        (2, "sensor_type_incorrect"),
        (3, "sensor_malfunction"),
        (4, "device_specific_alert"),
        (5, "general_device_fault"),
        (8, "time_synchronization_required"),
        (9, "calibration_not_allowed"),
        (10, "calibration_recommended"),
        (11, "calibration_required"),
        (12, "sensor_temperature_too_high"),
        (13, "sensor_temperature_too_low"),
        (16, "result_lower_than_patient_low"),
        (17, "result_higher_than_patient_high"),
        (18, "result_lower_than_hypo"),
        (19, "result_higher_than_hyper"),
        (20, "rate_of_decrease_exceeded"),
        (21, "rate_of_increase_exceeded"),
        (22, "result_lower_than_device_can_process"),
        (23, "result_higher_than_device_can_process"),
    ];

    /// The octets in their order; one that was not sent has no bit set.
    pub(super) const fn of_octets(status: u8, calibration_temperature: u8, warning: u8) -> Self {
        Self(u32::from_le_bytes([status, calibration_temperature, warning, 0]))
    }

    /// Whether the session is over: nothing is measured any more.
    pub const fn session_stopped(self) -> bool {
        self.has(Self::SESSION_STOPPED)
    }

    /// Whether the sensor's battery is low.
    pub const fn battery_low(self) -> bool {
        self.has(Self::BATTERY_LOW)
    }

    /// Whether the sensor wants to be told the time.
    pub const fn wants_the_time(self) -> bool {
        self.has(Self::TIME_SYNCHRONIZATION_REQUIRED)
    }

    /// Whether the sensor does not do its work: stopped, broken, or not the kind that belongs here.
    pub const fn is_faulty(self) -> bool {
        self.has(Self::FAULTS)
    }

    /// Whether the sensor reports anything that makes a measurement doubtful.
    pub const fn is_questionable(self) -> bool {
        self.has(Self::DOUBTS)
    }

    /// The status in common words.
    ///
    /// MDC_CGM_DEV_STAT would be its code, but that counts its bits in another order and lacks the low battery, the
    /// general fault and the time that is wanted.
    pub fn observation(self, device: &DeviceId) -> Observation {
        let flags = if self.is_questionable() { Flags::QUESTIONABLE } else { Flags::NONE };
        let value = Value::Bits(self.0);
        Observation { flags, ..Observation::new(device.clone(), Metric::CGM_SENSOR_STATUS, value) }
    }

    pub(super) fn describe(self) -> Description {
        let mut unnamed = self.0;
        let mut description = Description::default();
        for (bit, name) in Self::NAMES {
            let mask = 1_u32 << bit;
            description = description.with(name, self.has(mask));
            unnamed &= !mask;
        }
        // Those above bit 15 have a name, each.
        description.with_bits("reserved", u16::try_from(unnamed).unwrap_or_default())
    }

    const fn has(self, any_of: u32) -> bool {
        self.0 & any_of != 0
    }
}

impl CgmStatus {
    /// Time offset and three octets.
    const FIELDS: usize = 5;

    /// The status in a value of the characteristic.
    ///
    /// # Errors
    /// Where it ends within a field, or its E2E-CRC does not fit.
    pub fn decode(bytes: &[u8], crc: E2eCrc) -> Result<Self, FrameError> {
        let mut cursor = Cursor::new(crc.strip(bytes, Self::FIELDS)?);
        let time_offset_min = cursor.u16_le("time offset")?;
        let [status, calibration_temperature, warning] = cursor.array("CGM status")?;
        Ok(Self {
            time_offset_min,
            sensor_status: SensorStatus::of_octets(status, calibration_temperature, warning),
            rest: cursor.rest().to_vec(),
        })
    }

    /// Its fields.
    pub fn describe(&self) -> Description {
        Description::default()
            .with("time_offset_min", self.time_offset_min)
            .with("sensor_status", self.sensor_status.describe())
            .with_bytes("rest", &self.rest)
    }
}
