//! Writes down what passes over a line.

use std::io::Write;

use crate::{CaptureWriter, Chunk, Link, LinkError, Request};

/// A link whose traffic is also written to a capture.
#[derive(Debug)]
pub struct Recorder<L, W> {
    link: L,
    capture: CaptureWriter<W>,
}

impl<L: Link, W: Write + Send> Recorder<L, W> {
    /// Records `link` into `capture`, from now on.
    pub const fn new(link: L, capture: CaptureWriter<W>) -> Self {
        Self { link, capture }
    }
}

impl<L: Link, W: Write + Send> Link for Recorder<L, W> {
    async fn next(&mut self) -> Result<Chunk, LinkError> {
        let chunk = self.link.next().await?;
        self.capture.heard(&chunk);
        Ok(chunk)
    }

    async fn request(&mut self, request: Request) -> Result<(), LinkError> {
        let at_ms = self.capture.now();
        self.link.request(request.clone()).await?;
        self.capture.asked(at_ms, request);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::capture::HEADER;
    use crate::{Capture, Channel, Event, Moment, Pace, Replay, Uuid};

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
        let capture = CaptureWriter::begin(&mut file, clock).unwrap();
        let mut recorder = Recorder::new(Replay::new(played.clone(), Pace::AtOnce, clock), capture);
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
        let capture = CaptureWriter::begin(Full { room: HEADER.len() + 10 }, clock).unwrap();
        let mut recorder = Recorder::new(replay, capture);
        for expected in [[1], [2], [3]] {
            assert_eq!(recorder.next().await.unwrap().bytes, expected);
        }
        assert!(recorder.capture.has_ended());
    }
}
