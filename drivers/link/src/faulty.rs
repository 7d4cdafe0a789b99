//! Injures what a device says, in the ways in which radios and cables do.

use std::collections::VecDeque;
use std::pin::Pin;
use std::time::Duration;

use tokio::time::{Sleep, sleep};

use crate::{Channel, Chunk, Link, LinkError, Request};

/// How often each injury strikes, in chunks of a thousand. Several may strike one chunk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Injuries {
    /// The chunk never arrives.
    pub drop: u16,
    /// The chunk arrives twice.
    pub repeat: u16,
    /// The chunk loses its end, at least one byte of it.
    pub cut: u16,
    /// One bit of the chunk is turned.
    pub garble: u16,
    /// The chunk arrives in two pieces. Serial lines only: elsewhere a value is whole.
    pub split: u16,
    /// The chunk arrives together with the next one. Serial lines only.
    pub join: u16,
    /// The chunk, and all that follow, wait for up to a second.
    pub delay: u16,
    /// The line hangs up instead of handing out the chunk.
    pub hang_up: u16,
}

/// A link with seeded injuries: the same seed does the same to the same chunks. Requests pass unharmed.
#[derive(Debug)]
pub struct Faulty<L> {
    /// `None` once the line has hung up.
    link: Option<L>,
    injuries: Injuries,
    random: SplitMix,
    /// Injured, and due to be handed out.
    ready: VecDeque<Chunk>,
    /// Waits for the chunk it will be joined to.
    held: Option<Chunk>,
    delay: Option<Pin<Box<Sleep>>>,
    end: LinkError,
}

impl<L: Link> Faulty<L> {
    /// Injures `link`. When it hangs up, it fails with `hung_up`, the error such a line gives.
    pub fn new(link: L, seed: u64, injuries: Injuries, hung_up: LinkError) -> Self {
        Self {
            link: Some(link),
            injuries,
            random: SplitMix::new(seed),
            ready: VecDeque::new(),
            held: None,
            delay: None,
            end: hung_up,
        }
    }

    /// Every chunk draws the same numbers in the same order, whatever befalls it, so that one injury's rate
    /// does not change where the others strike.
    fn injure(&mut self, mut chunk: Chunk) {
        let Injuries { drop, repeat, cut, garble, split, join, delay, hang_up } = self.injuries;
        let [drop, repeat, cut, garble, split, join, delay, hang_up] =
            [drop, repeat, cut, garble, split, join, delay, hang_up].map(|rate| self.random.strikes(rate));
        let [cut_at, bit, split_at, delay_ms] = [(); 4].map(|()| self.random.next());

        if hang_up {
            self.link = None;
            self.ready.extend(self.held.take());
            return;
        }
        if delay {
            self.delay = Some(Box::pin(sleep(Duration::from_millis(delay_ms % 1000))));
        }
        if drop {
            return;
        }
        if cut {
            chunk.bytes.truncate(below(cut_at, chunk.bytes.len()));
        }
        if garble {
            garble_bit(&mut chunk.bytes, bit);
        }
        if chunk.channel != Channel::Serial {
            self.ready.extend(repeat.then(|| chunk.clone()));
            self.ready.push_back(chunk);
            return;
        }
        if repeat {
            let twice = chunk.bytes.clone();
            self.hand_out_serial(Chunk { bytes: twice, ..chunk }, None, false);
        }
        let split_at = split.then(|| below(split_at, chunk.bytes.len()));
        self.hand_out_serial(chunk, split_at, join);
    }

    fn hand_out_serial(&mut self, mut chunk: Chunk, split_at: Option<usize>, join: bool) {
        if let Some(mut held) = self.held.take() {
            held.bytes.append(&mut chunk.bytes);
            chunk.bytes = held.bytes;
        }
        if let Some(at) = split_at {
            let bytes = chunk.bytes.split_off(at);
            let tail = Chunk { bytes, ..chunk };
            self.ready.push_back(std::mem::replace(&mut chunk, tail));
        }
        if join {
            self.held = Some(chunk);
        } else {
            self.ready.push_back(chunk);
        }
        // A tty never hands out nothing: that would be a hang-up.
        self.ready.retain(|chunk| !chunk.bytes.is_empty());
    }
}

impl<L: Link> Link for Faulty<L> {
    async fn next(&mut self) -> Result<Chunk, LinkError> {
        loop {
            if let Some(delay) = &mut self.delay {
                delay.as_mut().await;
                self.delay = None;
            }
            if let Some(chunk) = self.ready.pop_front() {
                return Ok(chunk);
            }
            let Some(link) = &mut self.link else { return Err(self.end.clone()) };
            match link.next().await {
                Ok(chunk) => self.injure(chunk),
                Err(end) => {
                    self.end = end;
                    self.link = None;
                    self.ready.extend(self.held.take());
                }
            }
        }
    }

    async fn request(&mut self, request: Request) -> Result<(), LinkError> {
        match &mut self.link {
            Some(link) => link.request(request).await,
            None => Err(self.end.clone()),
        }
    }
}

fn garble_bit(bytes: &mut [u8], random: u64) {
    let bits = bytes.len().saturating_mul(8);
    let bit = below(random, bits);
    if let Some(byte) = bytes.get_mut(bit / 8) {
        *byte ^= 1 << (bit % 8);
    }
}

/// A number below `limit`, or 0 where there is none.
fn below(random: u64, limit: usize) -> usize {
    let limit = u64::try_from(limit).unwrap_or(u64::MAX);
    random.checked_rem(limit).and_then(|number| usize::try_from(number).ok()).unwrap_or(0)
}

/// The generator SplitMix64 of Steele, Lea and Flood (2014): small, and the same on every machine.
#[derive(Clone, Debug)]
pub(crate) struct SplitMix(u64);

impl SplitMix {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Whether something that strikes `rate` times in a thousand strikes now.
    fn strikes(&mut self, rate: u16) -> bool {
        self.next() % 1000 < u64::from(rate)
    }

    #[cfg(test)]
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Capture, Event, Moment, Pace, Replay, Uuid};

    const NOTIFIED: Channel = Channel::Notified(Uuid::nil());

    fn hung_up() -> LinkError {
        LinkError::Unplugged { path: "/dev/ttyUSB0".into() }
    }

    /// What comes through of `count` chunks of four bytes, chunk n holding n four times, and how it ends.
    async fn through(channel: Channel, count: u8, seed: u64, injuries: Injuries) -> (Vec<Chunk>, LinkError) {
        let moment = |n: u8| Moment { at_ms: n.into(), event: Event::Heard { channel, bytes: vec![n; 4] } };
        let capture = Capture { moments: (0..count).map(moment).collect() };
        let replay = Replay::new(capture, Pace::AtOnce, || 0);
        let mut faulty = Faulty::new(replay, seed, injuries, hung_up());
        let mut heard = Vec::new();
        loop {
            match faulty.next().await {
                Ok(chunk) => heard.push(chunk),
                Err(end) => {
                    assert_eq!(faulty.request(Request::Disconnect).await, Err(end.clone()));
                    return (heard, end);
                }
            }
        }
    }

    fn bytes(chunks: &[Chunk]) -> Vec<u8> {
        chunks.iter().flat_map(|chunk| chunk.bytes.clone()).collect()
    }

    fn all_bytes(count: u8) -> Vec<u8> {
        (0..count).flat_map(|n| [n; 4]).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn the_same_seed_does_the_same_and_another_seed_does_not() {
        let injuries = Injuries {
            drop: 100,
            repeat: 100,
            cut: 100,
            garble: 100,
            split: 100,
            join: 100,
            delay: 100,
            hang_up: 2,
        };
        for channel in [Channel::Serial, NOTIFIED] {
            let first = through(channel, 200, 1, injuries).await;
            assert_eq!(through(channel, 200, 1, injuries).await, first);
            assert_ne!(through(channel, 200, 2, injuries).await, first);
        }
    }

    #[tokio::test]
    async fn without_injuries_nothing_is_changed() {
        for channel in [Channel::Serial, NOTIFIED] {
            let (heard, end) = through(channel, 50, 3, Injuries::default()).await;
            assert_eq!((heard.len(), bytes(&heard), end), (50, all_bytes(50), LinkError::CaptureEnded));
        }
    }

    #[tokio::test]
    async fn dropped_chunks_are_gone_and_the_others_whole() {
        let (heard, _) = through(NOTIFIED, 250, 4, Injuries { drop: 300, ..Injuries::default() }).await;
        assert!(heard.len() > 125 && heard.len() < 250, "{}", heard.len());
        assert!(heard.is_sorted_by(|a, b| a.at_ms < b.at_ms));
        assert!(heard.iter().all(|chunk| chunk.bytes == [chunk.at_ms.to_le_bytes()[0]; 4]));
    }

    #[tokio::test]
    async fn repeated_chunks_come_twice_and_equal() {
        for channel in [Channel::Serial, NOTIFIED] {
            let (mut heard, _) =
                through(channel, 250, 5, Injuries { repeat: 300, ..Injuries::default() }).await;
            assert!(heard.len() > 250 && heard.len() < 450, "{}", heard.len());
            heard.dedup();
            assert_eq!(bytes(&heard), all_bytes(250));
        }
    }

    #[tokio::test]
    async fn cut_chunks_keep_their_beginning() {
        let (heard, _) = through(NOTIFIED, 250, 6, Injuries { cut: 300, ..Injuries::default() }).await;
        assert_eq!(heard.len(), 250);
        let cut = heard.iter().filter(|chunk| chunk.bytes.len() < 4).count();
        assert!(cut > 25 && cut < 125, "{cut}");
        assert!(heard.iter().all(|chunk| [chunk.at_ms.to_le_bytes()[0]; 4].starts_with(&chunk.bytes)));
    }

    #[tokio::test]
    async fn a_garbled_chunk_differs_in_one_bit() {
        let (heard, _) =
            through(Channel::Serial, 250, 7, Injuries { garble: 1000, ..Injuries::default() }).await;
        assert_eq!(heard.len(), 250);
        for chunk in heard {
            let right = chunk.at_ms.to_le_bytes()[0];
            let turned: u32 = chunk.bytes.iter().map(|byte| (byte ^ right).count_ones()).sum();
            assert_eq!((chunk.bytes.len(), turned), (4, 1));
        }
    }

    #[tokio::test]
    async fn splitting_and_joining_change_the_chunks_of_a_serial_line_and_not_its_bytes() {
        let injuries = Injuries { split: 300, join: 300, ..Injuries::default() };
        for seed in 0..20 {
            let (heard, _) = through(Channel::Serial, 250, seed, injuries).await;
            assert_eq!(bytes(&heard), all_bytes(250));
            assert!(heard.iter().any(|chunk| chunk.bytes.len() < 4));
            assert!(heard.iter().any(|chunk| chunk.bytes.len() > 4));
            assert!(heard.iter().all(|chunk| !chunk.bytes.is_empty()));
        }
        let (heard, _) = through(NOTIFIED, 250, 8, injuries).await;
        assert!(heard.iter().all(|chunk| chunk.bytes.len() == 4), "a notification is never split nor joined");
    }

    #[tokio::test(start_paused = true)]
    async fn delayed_chunks_all_arrive_and_in_order() {
        let (heard, _) = through(NOTIFIED, 250, 9, Injuries { delay: 500, ..Injuries::default() }).await;
        assert_eq!(bytes(&heard), all_bytes(250));
    }

    #[tokio::test]
    async fn a_hang_up_ends_the_line_for_good_and_what_came_before_is_heard() {
        let injuries = Injuries { join: 500, hang_up: 50, ..Injuries::default() };
        for seed in 0..20 {
            let (heard, end) = through(Channel::Serial, 250, seed, injuries).await;
            assert_eq!(end, hung_up());
            assert!(all_bytes(250).starts_with(&bytes(&heard)));
        }
    }
}
