//! CGM Measurement, 0x2AA7: one or more records, each as long as its first octet says.

use varde_wire::{DeviceId, Flags, Metric, Observation, Unit};

use super::{CgmFeature, Medical, SensorStatus, SessionStartTime, value};
use crate::cursor::Cursor;
use crate::gatt::e2e_crc::E2eCrc;
use crate::{Description, FieldValue, FrameError, Problem};

/// One record of the characteristic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CgmMeasurement {
    /// mg/dL.
    pub glucose: Medical,
    /// Minutes since the session began.
    pub time_offset_min: u16,
    /// What the sensor says of itself and of this record; none where it has nothing to say.
    pub sensor_status: Option<SensorStatus>,
    /// How fast the glucose changes, mg/dL per minute.
    pub trend: Option<Medical>,
    /// How good the measurement is, percent.
    pub quality: Option<Medical>,
    /// Reserved bits of the flags that are set.
    pub reserved_flags: u8,
    /// Bytes after the last field: what a reserved flag announces, or a vendor's own.
    pub rest: Vec<u8>,
}

impl CgmMeasurement {
    const TREND: u8 = 1;
    const QUALITY: u8 = 1 << 1;
    const WARNING: u8 = 1 << 5;
    const CALIBRATION_TEMPERATURE: u8 = 1 << 6;
    const STATUS: u8 = 1 << 7;
    const RESERVED: u8 = 0b0001_1100;

    /// Size, flags, glucose, time offset.
    const LEAST: usize = 6;

    /// All records in a value of the characteristic.
    ///
    /// # Errors
    /// Where one of them is refused.
    pub fn decode_all(bytes: &[u8], crc: E2eCrc) -> Result<Vec<Self>, FrameError> {
        let mut begin = 0_usize;
        let records = Self::split(bytes).into_iter().map(|record| {
            let offset = begin;
            begin = begin.saturating_add(record.len());
            Self::decode(record, crc)
                .map_err(|error| FrameError { offset: error.offset.saturating_add(offset), ..error })
        });
        records.collect()
    }

    /// The records in a value of the characteristic, each as its bytes. Those that are no record are given as one,
    /// to be refused.
    pub fn split(bytes: &[u8]) -> Vec<&[u8]> {
        let mut records = Vec::new();
        let mut rest = bytes;
        while let Some((record, behind)) = rest.first().and_then(|size| rest.split_at_checked((*size).into()))
            && record.len() >= Self::LEAST
        {
            records.push(record);
            rest = behind;
        }
        if !rest.is_empty() || records.is_empty() {
            records.push(rest);
        }
        records
    }

    /// The time offset of a record that may yet be refused.
    pub(super) fn time_offset_of(record: &[u8]) -> Option<u16> {
        Cursor::new(record.get(4..)?).u16_le("time offset").ok()
    }

    /// The record that the bytes begin with.
    ///
    /// # Errors
    /// Where it ends within a field, or its E2E-CRC does not fit.
    pub fn decode(bytes: &[u8], crc: E2eCrc) -> Result<Self, FrameError> {
        let size = Cursor::new(bytes).u8("size")?.into();
        if size < Self::LEAST {
            let problem = Problem::Length { least: Self::LEAST, most: 255, got: size };
            return Err(FrameError { field: "size", offset: 0, problem });
        }
        let record = Cursor::new(bytes).take(size, "CGM measurement record")?;
        let flags = record.get(1).copied().unwrap_or_default();
        // What a reserved flag announces has a length that is not known, so that a CRC cannot be told by it.
        let crc = match crc {
            E2eCrc::ByLength if flags & Self::RESERVED != 0 => E2eCrc::Absent,
            E2eCrc::Present | E2eCrc::Absent | E2eCrc::ByLength => crc,
        };
        Self::fields(&mut Cursor::new(crc.strip(record, Self::length(flags))?))
    }

    /// How long the fields are that the flags announce.
    fn length(flags: u8) -> usize {
        let announced = [
            (Self::TREND, 2),
            (Self::QUALITY, 2),
            (Self::WARNING, 1),
            (Self::CALIBRATION_TEMPERATURE, 1),
            (Self::STATUS, 1),
        ];
        announced
            .into_iter()
            .filter(|(flag, _)| flags & flag != 0)
            .fold(Self::LEAST, |sum, (_, length)| sum.saturating_add(length))
    }

    fn fields(cursor: &mut Cursor<'_>) -> Result<Self, FrameError> {
        cursor.u8("size")?;
        let flags = cursor.u8("flags")?;
        let has = |flag: u8| flags & flag != 0;
        Ok(Self {
            glucose: cursor.sfloat("glucose concentration")?,
            time_offset_min: cursor.u16_le("time offset")?,
            sensor_status: has(Self::STATUS | Self::CALIBRATION_TEMPERATURE | Self::WARNING)
                .then(|| {
                    let mut octet = |flag, field| if has(flag) { cursor.u8(field) } else { Ok(0) };
                    let status = octet(Self::STATUS, "status octet")?;
                    let calibration =
                        octet(Self::CALIBRATION_TEMPERATURE, "calibration and temperature octet")?;
                    let warning = octet(Self::WARNING, "warning octet")?;
                    Ok(SensorStatus::of_octets(status, calibration, warning))
                })
                .transpose()?,
            trend: has(Self::TREND).then(|| cursor.sfloat("trend information")).transpose()?,
            quality: has(Self::QUALITY).then(|| cursor.sfloat("quality")).transpose()?,
            reserved_flags: flags & Self::RESERVED,
            rest: cursor.rest().to_vec(),
        })
    }

    fn describe(&self) -> Description {
        Description::default()
            .with("glucose", self.glucose)
            .with("unit", Unit::MilligramPerDecilitre.ucum())
            .with("time_offset_min", self.time_offset_min)
            .with_some("sensor_status", self.sensor_status.map(SensorStatus::describe))
            .with_some("trend", self.trend)
            .with_some("quality", self.quality)
            .with_bits("reserved_flags", self.reserved_flags.into())
            .with_bytes("rest", &self.rest)
    }

    /// The record in common words. The sensor's feature tells what the glucose is of, the start of its session when
    /// that was.
    pub fn observations(
        &self,
        device: &DeviceId,
        feature: Option<&CgmFeature>,
        start: Option<&SessionStartTime>,
    ) -> Vec<Observation> {
        let glucose = feature.map_or(Metric::GLUCOSE_INTERSTITIAL_FLUID, CgmFeature::glucose);
        let rate = Unit::MilligramPerDecilitrePerMinute;
        let numbers = [
            Some((glucose, self.glucose, Unit::MilligramPerDecilitre)),
            self.trend.map(|trend| (Metric::GLUCOSE_TREND, trend, rate)),
            self.quality.map(|quality| (Metric::CGM_QUALITY, quality, Unit::Percent)),
        ];
        let numbers = numbers.into_iter().flatten().map(|(metric, number, unit)| Observation {
            unit: Some(unit),
            ..Observation::new(device.clone(), metric, value(number))
        });
        let status = self.sensor_status.map(|status| status.observation(device));
        let flags = self.marks(feature, start);
        let device_time = start.and_then(|start| start.after(self.time_offset_min));
        numbers.chain(status).map(|observation| Observation { device_time, flags, ..observation }).collect()
    }

    fn marks(&self, feature: Option<&CgmFeature>, start: Option<&SessionStartTime>) -> Flags {
        let marks = [
            (self.sensor_status.is_some_and(SensorStatus::is_questionable), Flags::QUESTIONABLE),
            (feature.is_some_and(CgmFeature::is_of_control_solution), Flags::TEST),
            (start.is_some_and(SessionStartTime::is_unset), Flags::DEVICE_CLOCK_UNSET),
        ];
        let set = marks.into_iter().filter(|(is_set, _)| *is_set);
        set.fold(Flags::NONE, |flags, (_, mark)| flags.with(mark))
    }
}

/// The fields of one record; of several, a list.
pub(super) fn describe(records: &[CgmMeasurement]) -> Description {
    match records {
        [record] => record.describe(),
        _ => {
            let records = records.iter().map(|record| FieldValue::from(record.describe())).collect();
            Description::default().with("records", FieldValue::List(records))
        }
    }
}
