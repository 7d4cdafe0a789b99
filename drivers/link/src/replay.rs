//! Plays a capture as if its device were there.

use std::time::Duration;
use std::vec;

use crate::{BootClock, Capture, Chunk, Event, Link, LinkError, Moment, Request};

/// How fast a [`Replay`] plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// As it was recorded.
    Recorded,
    /// All at once. The chunks still bear the times of their recording, which then lie ahead of the clock.
    AtOnce,
}

/// A link that says what a captured device said. It takes every request and does nothing about it, and fails
/// with [`LinkError::CaptureEnded`] when all has been said.
#[derive(Debug)]
pub struct Replay {
    moments: vec::IntoIter<Moment>,
    pace: Pace,
    started_ms: u64,
    clock: BootClock,
}

impl Replay {
    /// Plays `capture`, whose beginning is now.
    #[must_use]
    pub fn new(capture: Capture, pace: Pace, clock: BootClock) -> Self {
        Self { moments: capture.moments.into_iter(), pace, started_ms: clock(), clock }
    }

    async fn wait_until(&self, at_ms: u64) {
        match self.pace {
            Pace::AtOnce => {}
            Pace::Recorded => {
                let wait_ms = at_ms.saturating_sub((self.clock)());
                tokio::time::sleep(Duration::from_millis(wait_ms)).await;
            }
        }
    }
}

impl Link for Replay {
    async fn next(&mut self) -> Result<Chunk, LinkError> {
        loop {
            // Looked at before the wait and taken after it, so that dropping this future loses nothing.
            let Some(moment) = self.moments.as_slice().first() else { return Err(LinkError::CaptureEnded) };
            let at_ms = self.started_ms.saturating_add(moment.at_ms);
            if matches!(moment.event, Event::Heard { .. }) {
                self.wait_until(at_ms).await;
            }
            if let Some(Moment { event: Event::Heard { channel, bytes }, .. }) = self.moments.next() {
                return Ok(Chunk { at_ms, channel, bytes });
            }
        }
    }

    async fn request(&mut self, _request: Request) -> Result<(), LinkError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::OnceLock;

    use tokio::time::{Instant, timeout};

    use super::*;
    use crate::Channel;

    /// Tokio's paused time, counted from 500 at the first reading.
    fn paused_clock() -> u64 {
        static START: OnceLock<Instant> = OnceLock::new();
        500 + u64::try_from(START.get_or_init(Instant::now).elapsed().as_millis()).unwrap()
    }

    fn capture(moments: &[(u64, u8)]) -> Capture {
        let moment = |&(at_ms, byte)| Moment {
            at_ms,
            event: Event::Heard { channel: Channel::Serial, bytes: vec![byte] },
        };
        Capture { moments: moments.iter().map(moment).collect() }
    }

    #[tokio::test(start_paused = true)]
    async fn at_its_recorded_pace_each_chunk_comes_when_it_is_due() {
        let capture = capture(&[(0, 1), (40, 2), (90_000, 3)]);
        let mut replay = Replay::new(capture, Pace::Recorded, paused_clock);
        let started_ms = replay.started_ms;
        for (due, byte) in [(0, 1), (40, 2), (90_000, 3)] {
            let chunk = loop {
                // Waiting in vain, which drops the future half-way, loses nothing.
                if let Ok(chunk) = timeout(Duration::from_millis(7), replay.next()).await {
                    break chunk.unwrap();
                }
            };
            assert_eq!((chunk.at_ms, chunk.bytes), (started_ms + due, vec![byte]));
            assert!(paused_clock() >= started_ms + due);
        }
        assert_eq!(replay.next().await, Err(LinkError::CaptureEnded));
        assert_eq!(replay.next().await, Err(LinkError::CaptureEnded));
    }

    #[tokio::test]
    async fn at_once_the_recorded_times_are_kept_and_nothing_is_waited_for() {
        let mut replay = Replay::new(capture(&[(0, 1), (86_400_000, 2)]), Pace::AtOnce, || 500);
        replay.request(Request::Disconnect).await.unwrap();
        assert_eq!(replay.next().await.unwrap().at_ms, 500);
        assert_eq!(replay.next().await.unwrap().at_ms, 86_400_500);
    }
}
