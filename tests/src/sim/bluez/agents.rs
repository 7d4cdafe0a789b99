//! `org.bluez.AgentManager1`: who is asked when a pairing needs a person.

use std::collections::BTreeMap;

use super::association::Capability;

pub(super) const AGENT_MANAGER: &str = "org.bluez.AgentManager1";
/// Where the manager stands.
pub(super) const MANAGER_PATH: &str = "/org/bluez";

/// The agents that clients have registered, one each.
#[derive(Debug, Default)]
pub(super) struct Agents {
    /// By the unique bus name of the client.
    registered: BTreeMap<String, (String, Capability)>,
    /// Clients in the order in which they asked to be the default; the last one is it.
    defaults: Vec<String>,
}

/// The agent that takes part in one pairing.
#[derive(Clone, Debug)]
pub(super) struct Agent {
    /// The unique bus name of its client.
    pub(super) client: String,
    /// Its object in the client.
    pub(super) path: String,
    pub(super) capability: Capability,
}

impl Agents {
    /// False where the client already has one. The first agent is the default without asking.
    pub(super) fn register(&mut self, client: &str, path: String, capability: Capability) -> bool {
        if self.registered.contains_key(client) {
            return false;
        }
        self.registered.insert(client.to_owned(), (path, capability));
        if self.defaults.is_empty() {
            self.defaults.push(client.to_owned());
        }
        true
    }

    /// False where the client has none at this path.
    pub(super) fn unregister(&mut self, client: &str, path: &str) -> bool {
        let known = self.registered.get(client).is_some_and(|(registered, _)| registered == path);
        if known {
            self.forget(client);
        }
        known
    }

    /// False where the client has none.
    pub(super) fn make_default(&mut self, client: &str) -> bool {
        let known = self.registered.contains_key(client);
        if known {
            self.defaults.retain(|it| it != client);
            self.defaults.push(client.to_owned());
        }
        known
    }

    /// An agent ends with its client.
    pub(super) fn forget(&mut self, client: &str) {
        self.registered.remove(client);
        self.defaults.retain(|it| it != client);
    }

    /// Whether there is a default agent, without which the adapter does not bond.
    pub(super) fn any(&self) -> bool {
        !self.defaults.is_empty()
    }

    /// The client's own agent, else the default.
    pub(super) fn serving(&self, client: Option<&str>) -> Option<Agent> {
        let own = client.filter(|client| self.registered.contains_key(*client));
        let client = own.or(self.defaults.last().map(String::as_str))?;
        let (path, capability) = self.registered.get(client)?;
        Some(Agent { client: client.to_owned(), path: path.clone(), capability: *capability })
    }
}
