//! EnOcean Equipment Profiles: what a sender's telegrams mean.
//!
//! A profile is a table of fields ([`profile`]), one file a family of profiles, and [`message`] reads a telegram by it.
//!
//! The tables follow EEP 2.6.8, and EEP 3.1 for what is newer. Where they do not say enough, or other programs read a
//! field otherwise, the family's file says so.

mod a5;
mod a5_02;
mod a5_04;
mod a5_06;
mod a5_07;
mod a5_08;
mod a5_10;
mod a5_12;
mod a5_20;
mod a5_30;
mod a5_38;
mod d2_01;
mod d2_03;
mod d2_14;
mod d2_15;
mod d5_00;
mod f6_02;
mod f6_03;
mod f6_04;
mod f6_05;
mod f6_10;
mod message;
mod profile;

pub use message::Message;

use self::profile::Profile;
use crate::esp3::Telegram;
use crate::{FrameError, Problem, Purpose};

/// Every profile, by family.
const FAMILIES: &[&[Profile]] = &[
    f6_02::PROFILES,
    f6_03::PROFILES,
    f6_04::PROFILES,
    f6_05::PROFILES,
    f6_10::PROFILES,
    d5_00::PROFILES,
    a5_02::PROFILES,
    a5_04::PROFILES,
    a5_06::PROFILES,
    a5_07::PROFILES,
    a5_08::PROFILES,
    a5_10::PROFILES,
    a5_12::PROFILES,
    a5_20::PROFILES,
    a5_30::PROFILES,
    a5_38::PROFILES,
    d2_01::PROFILES,
    d2_03::PROFILES,
    d2_14::PROFILES,
    d2_15::PROFILES,
];

/// A profile that the configuration can name.
#[derive(Clone, Copy)]
pub struct Eep(&'static Profile);

impl Eep {
    /// Every profile.
    pub fn all() -> impl Iterator<Item = Self> {
        FAMILIES.iter().copied().flatten().map(Self)
    }

    /// The profile's name, such as `F6-02-01`.
    pub const fn name(self) -> &'static str {
        self.0.name
    }

    /// The profile of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|eep| eep.name().eq_ignore_ascii_case(name))
    }

    /// The profiles that somebody may have meant by a name that is none: those of its family, else of its kind of
    /// telegram, else all.
    pub fn near(name: &str) -> impl Iterator<Item = Self> {
        const FAMILY: usize = "A5-02-".len();
        const KIND: usize = "A5-".len();
        let shares = |eep: Self, length| {
            let begins = |name: &str| name.get(..length).map(str::to_ascii_uppercase);
            begins(name).is_some_and(|begin| begins(eep.name()) == Some(begin))
        };
        let length = [FAMILY, KIND].into_iter().find(|length| Self::all().any(|eep| shares(eep, *length)));
        Self::all().filter(move |eep| length.is_none_or(|length| shares(*eep, length)))
    }

    /// The kind of its telegrams, which begins its name.
    pub fn rorg(self) -> u8 {
        self.name().get(..2).and_then(|rorg| u8::from_str_radix(rorg, 16).ok()).unwrap_or_default()
    }

    /// What its devices can be for, where the profile leaves that open; else empty.
    pub const fn purposes(self) -> &'static [Purpose] {
        self.0.purposes
    }

    /// The profile to take where none is given: only where such telegrams mostly have the same meaning.
    pub(crate) fn guess(rorg: u8) -> Option<Self> {
        const TELLING: [u8; 2] = [Telegram::ROCKER, Telegram::ONE_BYTE];
        Self::all().find(|eep| eep.rorg() == rorg && TELLING.contains(&rorg))
    }

    /// The message in a telegram.
    ///
    /// # Errors
    /// Where the telegram is of another kind, or not as long as the profile has it.
    pub fn decode(self, telegram: &Telegram) -> Result<Message, FrameError> {
        if telegram.rorg != self.rorg() {
            let problem = Problem::Kind { expected: self.rorg(), got: telegram.rorg };
            return Err(telegram.of_rorg(problem));
        }
        Message::read(self.0, telegram)
    }
}

/// By the name, which no two profiles share.
impl PartialEq for Eep {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Eep {}

impl std::fmt::Debug for Eep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests;
