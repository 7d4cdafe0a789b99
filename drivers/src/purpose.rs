//! What a device is for, where the radio does not tell.

/// What a button, a rocker or a sensor is for in this home.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Somebody calls for help with it.
    Pendant,
    /// It switches something.
    Switch,
    /// It feels whether somebody is in bed.
    Bed,
    /// It feels water where none should be.
    Water,
}

impl Purpose {
    /// Every purpose.
    pub const ALL: &[Self] = &[Self::Pendant, Self::Switch, Self::Bed, Self::Water];

    /// Those that a button or rocker can have.
    pub const OF_BUTTONS: &[Self] = &[Self::Pendant, Self::Switch];

    /// Those that a sensor that advertises can have.
    pub const OF_ADVERTISERS: &[Self] = &[Self::Pendant, Self::Switch, Self::Bed];

    /// The purpose's name in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pendant => "pendant",
            Self::Switch => "switch",
            Self::Bed => "bed",
            Self::Water => "water",
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
