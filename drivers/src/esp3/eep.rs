//! EnOcean Equipment Profiles: what a sender's telegrams mean.

use varde_wire::{DeviceId, Observation};

use crate::esp3::Telegram;
use crate::esp3::d5_00_01::Contact;
use crate::esp3::f6_02::Rocker;
use crate::{Description, FrameError, Problem, Purpose};

/// A profile that the configuration can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Eep {
    /// Rocker, application style 1.
    F60201,
    /// Rocker, application style 2.
    F60202,
    /// Contact.
    D50001,
}

/// A message of one of the profiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// Of F6-02-01 and F6-02-02.
    Rocker(Rocker),
    /// Of D5-00-01.
    Contact(Contact),
}

impl Eep {
    /// Every profile.
    pub const ALL: &[Self] = &[Self::F60201, Self::F60202, Self::D50001];

    /// The profile's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::F60201 => "F6-02-01",
            Self::F60202 => "F6-02-02",
            Self::D50001 => "D5-00-01",
        }
    }

    /// The profile of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|eep| eep.name().eq_ignore_ascii_case(name))
    }

    /// The kind of its telegrams, which begins its name.
    pub const fn rorg(self) -> u8 {
        match self {
            Self::F60201 | Self::F60202 => 0xF6,
            Self::D50001 => 0xD5,
        }
    }

    /// Whether it is a rocker's, which needs a [`Purpose`].
    pub const fn is_rocker(self) -> bool {
        self.rorg() == 0xF6
    }

    /// The first profile with such telegrams.
    pub(crate) fn guess(rorg: u8) -> Option<Self> {
        Self::ALL.iter().copied().find(|eep| eep.rorg() == rorg)
    }

    /// The message in a telegram.
    ///
    /// # Errors
    /// Where the telegram is of another kind, or not as long as the profile has it.
    pub fn decode(self, telegram: &Telegram) -> Result<Message, FrameError> {
        if telegram.rorg != self.rorg() {
            let problem = Problem::Kind { expected: self.rorg(), got: telegram.rorg };
            let offset = telegram.payload_offset.saturating_sub(1);
            return Err(FrameError { field: "RORG", offset, problem });
        }
        match self {
            Self::F60201 | Self::F60202 => Rocker::decode(telegram).map(Message::Rocker),
            Self::D50001 => Contact::decode(telegram).map(Message::Contact),
        }
    }
}

impl Message {
    /// Its fields.
    pub fn describe(&self) -> Description {
        match self {
            Self::Rocker(rocker) => rocker.describe(),
            Self::Contact(contact) => contact.describe(),
        }
    }

    /// What happened, if anything did. `purpose` is a rocker's.
    pub fn observation(&self, purpose: Purpose, device: &DeviceId) -> Option<Observation> {
        match self {
            Self::Rocker(rocker) => rocker.observation(purpose, device),
            Self::Contact(contact) => contact.observation(device),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_to_what_they_name_and_begin_with_the_rorg() {
        for eep in Eep::ALL {
            assert_eq!(Eep::from_name(eep.name()), Some(*eep));
            assert_eq!(format!("{:02X}", eep.rorg()), eep.name()[..2]);
        }
        assert_eq!(Eep::from_name("A5-02-05"), None);
    }
}
