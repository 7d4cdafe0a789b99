//! One telegram that comes several times over.
//!
//! A sender sends each telegram as up to three subtelegrams, within 40 ms, and repeaters send them again. All of it
//! arrives within 100 ms, EnOcean's maturity time for receivers. A stick joins what it can; what it passes on twice
//! all the same (direct and through a repeater, or through two) is joined here.
//!
//! **A pendant that is pressed again is never taken for a repeat.** Its sender must let go first, which is another
//! telegram; and 100 ms are too short for a hand. So the same once more is new after the maturity time, and within it
//! where another telegram of the sender has come the same way (through as many repeaters) in between: a sender
//! finishes one telegram before the next.

use std::time::Duration;

use varde_wire::Instant;

use crate::esp3::Telegram;

/// After its first subtelegram, everything of a telegram has arrived (EnOcean, "Maturity Time").
const MATURITY: Duration = Duration::from_millis(100);

/// The line is too slow to bring more of one sender in that time, but bytes that are read late come at once.
const REMEMBERED: usize = 32;

/// The bits of the status that a repeater leaves as they were: neither its count nor the kind of checksum.
const WITHOUT_WAY: u8 = 0x70;

/// What one sender sent within the last [`MATURITY`].
#[derive(Debug, Default)]
pub(super) struct Repeats {
    recent: Vec<Heard>,
    /// How many telegrams there were.
    count: u64,
}

#[derive(Debug)]
struct Heard {
    /// Which telegram it was; later ones have higher numbers.
    number: u64,
    /// When that telegram was heard first, in whatever way.
    first: Instant,
    hops: u8,
    content: (u8, Vec<u8>, u8),
}

impl Repeats {
    /// Whether this telegram has been heard before; from now on it has.
    pub(super) fn repeats(&mut self, telegram: &Telegram, now: Instant) -> bool {
        self.recent.retain(|heard| now.since(heard.first) < MATURITY);
        let hops = telegram.hops();
        let content = (telegram.rorg, telegram.payload.clone(), telegram.status & WITHOUT_WAY);
        let same = self.recent.iter().rfind(|heard| heard.content == content);
        let is_over = |number| self.recent.iter().any(|heard| heard.hops == hops && heard.number > number);
        let earlier = same.filter(|same| !is_over(same.number)).map(|same| (same.number, same.first));
        if self.recent.len() >= REMEMBERED {
            self.recent.remove(0);
        }
        let (number, first) = earlier.unwrap_or_else(|| {
            self.count = self.count.saturating_add(1);
            (self.count, now)
        });
        self.recent.push(Heard { number, first, hops, content });
        earlier.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::esp3::SenderId;

    fn rocker(data: u8, hops: u8) -> Telegram {
        let status = if data == 0 { 0x20 } else { 0x30 };
        Telegram {
            rorg: Telegram::ROCKER,
            payload: vec![data],
            sender: SenderId([0, 0x29, 0x89, 0x79]),
            status: status | hops,
            reception: None,
            payload_offset: 7,
        }
    }

    /// What was heard, through how many repeaters, after how many milliseconds, and whether it is a repeat.
    type Life = &'static [(u8, u8, u64, bool)];

    #[test]
    fn a_telegram_is_joined_whatever_way_it_comes_and_a_second_press_never_is() {
        const PRESS: u8 = 0x50;
        const RELEASE: u8 = 0;
        let lives: [(&str, Life); 9] = [
            ("subtelegrams", &[(PRESS, 0, 0, false), (PRESS, 0, 8, true), (PRESS, 0, 39, true)]),
            ("repeaters", &[(PRESS, 0, 0, false), (PRESS, 1, 30, true), (PRESS, 2, 70, true)]),
            ("the far repeater first", &[(PRESS, 2, 0, false), (PRESS, 0, 5, true), (PRESS, 1, 5, true)]),
            ("do not repeat", &[(PRESS, 15, 0, false), (PRESS, 0, 5, true)]),
            ("too late for a repeater", &[(PRESS, 0, 0, false), (PRESS, 1, 100, false)]),
            ("the window stands", &[(PRESS, 0, 0, false), (PRESS, 1, 90, true), (PRESS, 2, 110, false)]),
            (
                "a tap whose press comes late through a repeater",
                &[
                    (PRESS, 0, 0, false),
                    (RELEASE, 0, 40, false),
                    (PRESS, 1, 60, true),
                    (RELEASE, 1, 90, true),
                ],
            ),
            (
                "read late, all at once",
                &[(PRESS, 0, 0, false), (RELEASE, 0, 0, false), (PRESS, 0, 0, false), (RELEASE, 0, 0, false)],
            ),
            (
                "pressed again at once",
                &[(PRESS, 0, 0, false), (RELEASE, 0, 30, false), (PRESS, 0, 60, false), (PRESS, 1, 90, true)],
            ),
        ];
        for (life, heard) in lives {
            let mut repeats = Repeats::default();
            for (data, hops, ms, expected) in heard {
                let now = Instant::from_millis(*ms);
                assert_eq!(repeats.repeats(&rocker(*data, *hops), now), *expected, "{life}: after {ms} ms");
            }
        }
    }

    #[test]
    fn a_sender_of_ever_new_telegrams_fills_no_memory() {
        let mut repeats = Repeats::default();
        for data in 0..=u8::MAX {
            assert!(!repeats.repeats(&rocker(data, 0), Instant::default()));
        }
        assert_eq!(repeats.recent.len(), REMEMBERED);
    }
}
