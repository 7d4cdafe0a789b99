//! The person at home, and what they do when a dose lies ready.

use std::collections::HashMap;

/// What somebody does about a dose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Habit {
    /// Takes it so many seconds after it was offered.
    Takes {
        /// Seconds.
        after_s: u64,
    },
    /// Says no to it so many seconds after it was offered.
    Refuses {
        /// Seconds.
        after_s: u64,
    },
    /// Does nothing.
    Ignores,
}

/// A person with habits.
#[derive(Clone, Debug)]
pub struct Person {
    usual: Habit,
    at: HashMap<u16, Habit>,
    /// After how many seconds they acknowledge a message, if they do.
    pub reads_after_s: Option<u64>,
}

impl Person {
    /// Somebody who does the same about every dose, and reads messages after a minute.
    pub fn who(usual: Habit) -> Self {
        Self { usual, at: HashMap::new(), reads_after_s: Some(60) }
    }

    /// The same person, who does something else about the dose of this id.
    #[must_use]
    pub fn but(mut self, dose: u16, habit: Habit) -> Self {
        self.at.insert(dose, habit);
        self
    }

    /// What they do about the dose of this id.
    pub fn about(&self, dose: u16) -> Habit {
        self.at.get(&dose).copied().unwrap_or(self.usual)
    }
}
