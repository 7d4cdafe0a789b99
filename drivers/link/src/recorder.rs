//! Writes down what passes over a line.

use std::io::{self, Write};

use crate::capture::HEADER;
use crate::{BootClock, Chunk, Event, Link, LinkError, Moment, Request};

/// A link whose traffic is also written to a capture, line by line, so that a capture cut short by a power cut
/// is still good up to there. What cannot be written never stands in the way of what the device says.
#[derive(Debug)]
pub struct Recorder<L, W> {
    link: L,
    /// `None` once writing has failed.
    file: Option<W>,
    started_ms: u64,
    clock: BootClock,
}

impl<L: Link, W: Write + Send> Recorder<L, W> {
    /// Records `link` into `file`, from now on. The file will hold health data: create it readable by its
    /// owner alone.
    ///
    /// # Errors
    /// The first line cannot be written.
    pub fn new(link: L, mut file: W, clock: BootClock) -> io::Result<Self> {
        writeln!(file, "{HEADER}")?;
        file.flush()?;
        Ok(Self { link, file: Some(file), started_ms: clock(), clock })
    }

    fn record(&mut self, at_ms: u64, event: Event) {
        let Some(file) = &mut self.file else { return };
        let moment = Moment { at_ms: at_ms.saturating_sub(self.started_ms), event };
        if let Err(error) = writeln!(file, "{moment}").and_then(|()| file.flush()) {
            tracing::warn!(%error, "the capture cannot be written and ends here; the device is still heard");
            self.file = None;
        }
    }
}

impl<L: Link, W: Write + Send> Link for Recorder<L, W> {
    async fn next(&mut self) -> Result<Chunk, LinkError> {
        let chunk = self.link.next().await?;
        self.record(chunk.at_ms, Event::Heard { channel: chunk.channel, bytes: chunk.bytes.clone() });
        Ok(chunk)
    }

    async fn request(&mut self, request: Request) -> Result<(), LinkError> {
        let at_ms = (self.clock)();
        self.link.request(request.clone()).await?;
        self.record(at_ms, Event::Asked(request));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Capture, Channel, Pace, Replay, Uuid};

    fn clock() -> u64 {
        1000
    }

    fn heard(at_ms: u64, bytes: &[u8]) -> Moment {
        let channel = Channel::Notified(Uuid::from_u128(0x2a35));
        Moment { at_ms, event: Event::Heard { channel, bytes: bytes.to_vec() } }
    }

    #[tokio::test]
    async fn a_recorded_replay_is_the_capture_that_was_played() {
        let subscribe = Request::Subscribe { characteristic: Uuid::from_u128(0x2a35) };
        let asked = Moment { at_ms: 0, event: Event::Asked(subscribe.clone()) };
        let played = Capture { moments: vec![asked, heard(10, &[1, 2]), heard(25, &[]), heard(25, &[3])] };
        let mut file = Vec::new();
        let mut recorder =
            Recorder::new(Replay::new(played.clone(), Pace::AtOnce, clock), &mut file, clock).unwrap();
        recorder.request(subscribe).await.unwrap();
        while recorder.next().await.is_ok() {}
        assert_eq!(String::from_utf8(file).unwrap().parse(), Ok(played));
    }

    /// A file on a disk that is full after `room` bytes.
    struct Full {
        room: usize,
    }

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.room = self.room.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_full_disk_ends_the_capture_and_not_the_line() {
        let played = Capture { moments: vec![heard(1, &[1]), heard(2, &[2]), heard(3, &[3])] };
        let replay = Replay::new(played, Pace::AtOnce, clock);
        let mut recorder = Recorder::new(replay, Full { room: HEADER.len() + 10 }, clock).unwrap();
        for expected in [[1], [2], [3]] {
            assert_eq!(recorder.next().await.unwrap().bytes, expected);
        }
        assert!(recorder.file.is_none());
    }
}
