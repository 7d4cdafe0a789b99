//! Whose observations are, by opaque ids: who that is, only the receiver knows.

use std::collections::BTreeMap;

use varde_wire::{DeviceId, Observation, PersonId};

use super::{devices::given, fault::Problem, fragment::DeviceFragment, judge::Judge};

/// Whose the devices of a home are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Whose(BTreeMap<DeviceId, Owners>);

/// Whose one device is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Owners {
    /// Of a device that one person uses.
    person: Option<PersonId>,
    /// Of a device that keeps its users apart, by their slots in it.
    users: BTreeMap<u8, PersonId>,
}

impl Whose {
    /// The person whose observation it is, where that is known.
    pub fn person(&self, observation: &Observation) -> Option<&PersonId> {
        let owners = self.0.get(&observation.device)?;
        // A device that keeps its users apart and does not know which it was could have measured anybody.
        observation.user.and_then(|user| owners.users.get(&user)).or(owners.person.as_ref())
    }

    /// Whether the device measured somebody whom the roster knows; nothing where it does not keep its users apart.
    pub fn knows_user(&self, observation: &Observation) -> Option<bool> {
        let (owners, user) = (self.0.get(&observation.device)?, observation.user?);
        (!owners.users.is_empty()).then(|| owners.users.contains_key(&user))
    }

    pub(super) fn add(&mut self, device: DeviceId, owners: Owners) {
        if owners != Owners::default() {
            self.0.insert(device, owners);
        }
    }
}

impl Owners {
    /// What a device's table says of them. A device has one person, or users, not both.
    pub(super) fn of_fragment(from: &DeviceFragment, judge: &mut Judge<'_>) -> Self {
        let person = given(&from.person).and_then(|text| judge.parse(text, "device.person"));
        let mut users = BTreeMap::new();
        for (slot, text) in &from.users {
            let Some(number) = slot.value.parse::<u8>().ok().filter(|number| *number < 255) else {
                judge.fault::<()>(&slot.place, "device.users", Problem::UserSlot { got: slot.value.clone() });
                continue;
            };
            if let Some(person) = judge.parse(text, "device.users") {
                users.insert(number, person);
            }
        }
        if let (Some(text), false) = (given(&from.person), users.is_empty()) {
            judge.fault::<()>(&text.place, "device.person", Problem::PersonAndUsers);
        }
        Self { person, users }
    }
}

#[cfg(test)]
mod tests {
    use varde_wire::{Metric, Value};

    use super::*;

    #[test]
    fn a_reading_of_an_unknown_user_is_nobodys() {
        let person = |id: &str| id.parse::<PersonId>().unwrap();
        let mut whose = Whose::default();
        let users = BTreeMap::from([(1, person("p-1")), (2, person("p-2"))]);
        whose.add("cuff-1".parse().unwrap(), Owners { person: None, users });
        whose.add(
            "pendant-1".parse().unwrap(),
            Owners { person: Some(person("p-2")), users: BTreeMap::new() },
        );
        let table = [
            ("cuff-1", Some(1), Some("p-1")),
            ("cuff-1", Some(2), Some("p-2")),
            ("cuff-1", Some(3), None),
            ("cuff-1", Some(255), None),
            ("cuff-1", None, None),
            ("pendant-1", None, Some("p-2")),
            ("scale-1", Some(1), None),
        ];
        for (device, user, expected) in table {
            let observation = Observation {
                user,
                ..Observation::new(device.parse().unwrap(), Metric::SYSTOLIC, Value::Bits(0))
            };
            let found = whose.person(&observation).map(PersonId::as_str);
            assert_eq!(found, expected, "{device} {user:?}");
        }
    }
}
