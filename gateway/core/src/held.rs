//! What is told of a state that may flap: only what has stood for its hold time.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use varde_wire::Instant;

/// A state as it is, and as it was told last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Held<T> {
    told: T,
    is: T,
    since: Instant,
}

/// It is time to tell that a state is another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Turn<T> {
    pub(crate) from: T,
    pub(crate) to: T,
    /// Since when it is what it is.
    pub(crate) since: Instant,
}

impl<T: Copy + PartialEq> Held<T> {
    /// A state of which nothing needs to be told.
    pub(crate) const fn new(is: T) -> Self {
        Self { told: is, is, since: Instant::from_millis(0) }
    }

    pub(crate) fn told(&self) -> T {
        self.told
    }

    pub(crate) fn is(&self) -> T {
        self.is
    }

    /// The state is this from now on. Saying so again changes nothing.
    pub(crate) fn say(&mut self, is: T, now: Instant) {
        if self.is != is {
            self.is = is;
            self.since = now;
        }
    }

    /// When it will have stood for its hold time, which `hold` gives for what it is.
    pub(crate) fn due(&self, hold: impl Fn(T) -> Duration) -> Option<Instant> {
        (self.is != self.told).then(|| self.since.after(hold(self.is)))
    }

    /// What is to be told now, once.
    pub(crate) fn turn(&mut self, now: Instant, hold: impl Fn(T) -> Duration) -> Option<Turn<T>> {
        self.due(hold).filter(|due| *due <= now)?;
        let from = std::mem::replace(&mut self.told, self.is);
        Some(Turn { from, to: self.is, since: self.since })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_last_is_not_told() {
        let at = |s: u64| Instant::from_millis(s * 1000);
        let hold = |bad: bool| Duration::from_secs(if bad { 10 } else { 60 });
        let mut held = Held::new(false);
        held.say(true, at(100));
        held.say(true, at(105));
        held.say(false, at(109));
        assert_eq!(held.due(hold), None);
        held.say(true, at(200));
        assert_eq!((held.due(hold), held.turn(at(209), hold)), (Some(at(210)), None));
        assert_eq!(held.turn(at(210), hold), Some(Turn { from: false, to: true, since: at(200) }));
        held.say(false, at(300));
        held.say(true, at(359));
        assert_eq!((held.due(hold), held.told()), (None, true));
    }
}
