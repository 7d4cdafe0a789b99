//! The repeats of one advertisement.

use std::time::Duration;

use varde_wire::Instant;

/// How long after its last repeat an advertisement with a packet id is still the same one. Senders repeat a press for
/// up to a minute, and at the edge of the radio's range some repeats are lost; the next press has another id.
const NUMBERED: Duration = Duration::from_secs(60);

/// The same without a packet id, where the next press looks the same.
const UNNUMBERED: Duration = Duration::from_secs(10);

/// A device that alternates between some advertisements is still known by them.
const REMEMBERED: usize = 8;

/// The advertisements heard lately.
#[derive(Debug, Default)]
pub(super) struct Echoes {
    recent: Vec<Recent>,
}

#[derive(Debug)]
struct Recent {
    content: Vec<u8>,
    until: Instant,
}

impl Echoes {
    /// Whether this advertisement was heard a moment ago; from now on it was.
    pub(super) fn repeats(&mut self, content: &[u8], numbered: bool, now: Instant) -> bool {
        let until = now.after(if numbered { NUMBERED } else { UNNUMBERED });
        self.recent.retain(|recent| recent.until >= now);
        if let Some(known) = self.recent.iter_mut().find(|recent| recent.content == content) {
            known.until = until;
            return true;
        }
        if self.recent.len() >= REMEMBERED {
            self.recent.remove(0);
        }
        self.recent.push(Recent { content: content.to_vec(), until });
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_are_known_as_long_as_they_keep_coming_and_a_press_after_a_pause_is_new() {
        let mut echoes = Echoes::default();
        let mut heard =
            |content: u8, numbered, ms| echoes.repeats(&[content], numbered, Instant::from_millis(ms));
        let table = [
            (1, false, 0, false),
            (1, false, 9_000, true),
            (1, false, 19_000, true),
            (2, false, 19_500, false),
            (1, false, 20_000, true),
            (1, false, 30_001, false),
            (3, true, 31_000, false),
            (3, true, 91_000, true),
            (3, true, 151_001, false),
        ];
        for (content, numbered, ms, echo) in table {
            assert_eq!(heard(content, numbered, ms), echo, "{content} after {ms} ms");
        }
    }

    #[test]
    fn a_sender_of_ever_new_advertisements_fills_no_memory() {
        let mut echoes = Echoes::default();
        for content in 0..=u8::MAX {
            assert!(!echoes.repeats(&[content], true, Instant::default()));
        }
        assert_eq!(echoes.recent.len(), REMEMBERED);
    }
}
