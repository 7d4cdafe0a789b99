//! What a device is for, where the radio does not tell.

use varde_wire::Event;

/// What a button, a rocker or a sensor is for in this home.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Somebody calls for help with it.
    Pendant,
    /// A cord that somebody pulls for help.
    PullCord,
    /// It feels that somebody fell, and tells by its button.
    Fall,
    /// It feels a seizure, and tells by its button.
    Epilepsy,
    /// It switches something.
    Switch,
    /// It feels whether somebody is in bed.
    Bed,
    /// It feels water where none should be.
    Water,
}

impl Purpose {
    /// Every purpose.
    pub const ALL: &[Self] =
        &[Self::Pendant, Self::PullCord, Self::Fall, Self::Epilepsy, Self::Switch, Self::Bed, Self::Water];

    /// Those that a button or rocker can have.
    pub const OF_BUTTONS: &[Self] =
        &[Self::Pendant, Self::PullCord, Self::Fall, Self::Epilepsy, Self::Switch];

    /// Those that a sensor that advertises can have.
    pub const OF_ADVERTISERS: &[Self] =
        &[Self::Pendant, Self::PullCord, Self::Fall, Self::Epilepsy, Self::Switch, Self::Bed];

    /// The purpose's name in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pendant => "pendant",
            Self::PullCord => "pull-cord",
            Self::Fall => "fall",
            Self::Epilepsy => "epilepsy",
            Self::Switch => "switch",
            Self::Bed => "bed",
            Self::Water => "water",
        }
    }

    /// What a press of its button means, where that is an alarm.
    pub const fn alarm(self) -> Option<Event> {
        match self {
            Self::Pendant => Some(Event::SafetyAlarm),
            Self::PullCord => Some(Event::PullCord),
            Self::Fall => Some(Event::Fall),
            Self::Epilepsy => Some(Event::Seizure),
            Self::Switch | Self::Bed | Self::Water => None,
        }
    }

    /// The purpose of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|purpose| purpose.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_purpose_is_found_by_its_name() {
        for purpose in Purpose::ALL {
            assert_eq!(Purpose::from_name(purpose.name()), Some(*purpose));
        }
        assert_eq!(Purpose::from_name("ornament"), None);
    }
}
