//! CGM Session Start Time, 0x2AAA, and CGM Session Run Time, 0x2AAB.

use varde_wire::{Decimal, LocalTime};

use crate::cursor::Cursor;
use crate::gatt::date_time::DateTime;
use crate::gatt::e2e_crc::E2eCrc;
use crate::home_time::{local_of_seconds, seconds_of_local};
use crate::{Description, FrameError, HomeTime};

/// When the session began, on a clock on the wall where it began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionStartTime {
    /// Date and time of day.
    pub date_time: DateTime,
    /// How far standard time there is ahead of UTC, in quarters of an hour; -128 is "not known".
    pub time_zone: i8,
    /// Daylight saving there, as the code of DST Offset (0x2A0D); 255 is "not known".
    pub dst_offset: u8,
    /// Bytes after the last field.
    pub rest: Vec<u8>,
}

/// How long the session may last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRunTime {
    /// Hours from its beginning.
    pub hours: u16,
    /// Bytes after the field.
    pub rest: Vec<u8>,
}

impl SessionStartTime {
    /// Date and time, time zone, daylight saving.
    const FIELDS: usize = 9;

    /// The start in a value of the characteristic.
    ///
    /// # Errors
    /// Where it ends within a field, or its E2E-CRC does not fit.
    pub fn decode(bytes: &[u8], crc: E2eCrc) -> Result<Self, FrameError> {
        let mut cursor = Cursor::new(crc.strip(bytes, Self::FIELDS)?);
        Ok(Self {
            date_time: DateTime::take(&mut cursor, "session start time")?,
            time_zone: cursor.u8("time zone")?.cast_signed(),
            dst_offset: cursor.u8("DST offset")?,
            rest: cursor.rest().to_vec(),
        })
    }

    /// A session that began at that moment.
    pub fn at(moment: HomeTime) -> Self {
        let HomeTime { utc_offset_min, daylight_saving_min, .. } = moment;
        let zone = utc_offset_min.saturating_sub(daylight_saving_min).div_euclid(15);
        let dst = Self::DST_OFFSETS.iter().find(|(_, minutes)| *minutes == daylight_saving_min);
        Self {
            date_time: DateTime::from(moment.local()),
            time_zone: i8::try_from(zone).unwrap_or(Self::UNKNOWN_ZONE),
            dst_offset: dst.map_or(Self::UNKNOWN_DST, |(code, _)| *code),
            rest: Vec::new(),
        }
    }

    /// The value that gives a sensor the time. What is written is the time now, as if the session began now: the
    /// sensor itself takes off what has passed of it.
    pub fn encode(&self, crc: E2eCrc) -> Vec<u8> {
        let mut bytes = self.date_time.encode().to_vec();
        bytes.extend([self.time_zone.cast_unsigned(), self.dst_offset]);
        crc.append(bytes)
    }

    const UNKNOWN_ZONE: i8 = -128;
    const UNKNOWN_DST: u8 = 255;

    /// The codes of DST Offset, and their minutes.
    const DST_OFFSETS: [(u8, i16); 4] = [(0, 0), (2, 30), (4, 60), (8, 120)];

    /// Whether the sensor was never told the time of this session.
    pub fn is_unset(&self) -> bool {
        self.date_time.clock_is_unset()
    }

    /// What the clock on the wall showed that many minutes later, as if no clock was changed since; none where the
    /// start is not known.
    pub fn after(&self, minutes: u16) -> Option<LocalTime> {
        let start = seconds_of_local(self.date_time.moment()?)?;
        let time = local_of_seconds(start.saturating_add(i64::from(minutes).saturating_mul(60)));
        (time.year != 0).then_some(time)
    }

    /// Its fields.
    pub fn describe(&self) -> Description {
        let zone_min = Decimal::whole(i64::from(self.time_zone).saturating_mul(15));
        let zone_min = (self.time_zone != Self::UNKNOWN_ZONE).then_some(Ok(zone_min));
        let dst_min = Self::DST_OFFSETS.iter().find(|(code, _)| *code == self.dst_offset);
        self.date_time
            .describe()
            .with_some("time_zone_min", zone_min)
            .with("dst_offset", self.dst_offset)
            .with_some("dst_offset_min", dst_min.map(|(_, minutes)| minutes.unsigned_abs()))
            .with_bytes("rest", &self.rest)
    }
}

impl SessionRunTime {
    /// The hours.
    const FIELDS: usize = 2;

    /// The run time in a value of the characteristic.
    ///
    /// # Errors
    /// Where it is shorter than two bytes, or its E2E-CRC does not fit.
    pub fn decode(bytes: &[u8], crc: E2eCrc) -> Result<Self, FrameError> {
        let mut cursor = Cursor::new(crc.strip(bytes, Self::FIELDS)?);
        Ok(Self { hours: cursor.u16_le("CGM session run time")?, rest: cursor.rest().to_vec() })
    }

    /// Its fields.
    pub fn describe(&self) -> Description {
        Description::default().with("session_run_time_h", self.hours).with_bytes("rest", &self.rest)
    }
}
