//! One Ruuvi sensor.

use std::time::Duration;

use varde_wire::Instant;

use super::{COMPANY, EXTENDED, RuuviData};
use crate::advert::format::Advertiser;
use crate::advert::format::Told;
use crate::{Channel, Description, FrameError};

/// A sensor that sends both formats says the same in both, more precisely in E1 ("Data format E1"). One that is not
/// heard in E1 any more, such as after a change of the radio, is heard in format 6 again.
const EXTENDED_IS_ENOUGH: Duration = Duration::from_mins(10);

/// A Ruuvi sensor.
#[derive(Debug, Default)]
pub(crate) struct Ruuvi {
    /// The format that was heard last.
    format: Option<u8>,
    extended_at: Option<Instant>,
}

impl Ruuvi {
    fn read(&mut self, data: &RuuviData, now: Instant) -> Told {
        self.format = Some(data.format);
        if data.format == EXTENDED {
            self.extended_at = Some(now);
        } else if self.extended_at.is_some_and(|at| now.since(at) < EXTENDED_IS_ENOUGH) {
            return Told::default();
        }
        Told { statements: data.statements(), flags: data.flags(), ..Told::default() }
    }
}

impl Advertiser for Ruuvi {
    fn hear(&mut self, channel: Channel, bytes: &[u8], now: Instant) -> Option<Result<Told, FrameError>> {
        let data = (channel == Channel::ManufacturerData(COMPANY)).then(|| RuuviData::decode(bytes))?;
        Some(data.map(|data| self.read(&data, now)))
    }

    fn describe(&self) -> Description {
        Description::default().with_some("data_format", self.format)
    }
}
