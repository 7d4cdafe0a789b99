//! A capture in the making.

use std::io::{self, Write};

use super::{Event, HEADER, Moment};
use crate::{BootClock, Chunk, Request};

/// A capture that is written line by line, so that one cut short by a power cut is still good up to there. What cannot be
/// written never stands in the way of what the device says.
#[derive(Debug)]
pub struct CaptureWriter<W> {
    /// `None` once writing has failed.
    file: Option<W>,
    started_ms: u64,
    clock: BootClock,
}

impl<W: Write> CaptureWriter<W> {
    /// Begins a capture now. The file will hold health data: create it readable by its owner alone.
    ///
    /// # Errors
    /// The first line cannot be written.
    pub fn begin(mut file: W, clock: BootClock) -> io::Result<Self> {
        writeln!(file, "{HEADER}")?;
        file.flush()?;
        Ok(Self { file: Some(file), started_ms: clock(), clock })
    }

    /// The device said something, over a connection or in an advertisement.
    pub fn heard(&mut self, chunk: &Chunk) {
        self.write(chunk.at_ms, Event::Heard { channel: chunk.channel, bytes: chunk.bytes.clone() });
    }

    /// The device was asked for something at that time since boot, and the line did it.
    pub(crate) fn asked(&mut self, at_ms: u64, request: Request) {
        self.write(at_ms, Event::Asked(request));
    }

    /// Now, in milliseconds since boot.
    pub(crate) fn now(&self) -> u64 {
        (self.clock)()
    }

    #[cfg(test)]
    pub(crate) const fn has_ended(&self) -> bool {
        self.file.is_none()
    }

    fn write(&mut self, at_ms: u64, event: Event) {
        let Some(file) = &mut self.file else { return };
        let moment = Moment { at_ms: at_ms.saturating_sub(self.started_ms), event };
        if let Err(error) = writeln!(file, "{moment}").and_then(|()| file.flush()) {
            tracing::warn!(%error, "the capture cannot be written and ends here; the device is still heard");
            self.file = None;
        }
    }
}
