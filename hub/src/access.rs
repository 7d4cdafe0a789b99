//! Who may publish and hear what: each gateway its own level, the hub all of ours.
//!
//! The same rules as [`crate::mosquitto::ACCESS_LIST`], for the embedded broker.

use varde_wire::{GatewayId, Topic};

use crate::authority::HUB;

/// What a client of the broker may do, by the common name of its certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// The hub: everything below `varde/v1/`.
    Hub,
    /// A gateway: its own level.
    Gateway(GatewayId),
}

impl Access {
    /// The access of a certificate's common name; none for a name that is no gateway's.
    pub(crate) fn of(common_name: &str) -> Option<Self> {
        if common_name == HUB {
            return Some(Self::Hub);
        }
        common_name.parse().ok().map(Self::Gateway)
    }

    /// The common name.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Hub => HUB,
            Self::Gateway(gateway) => gateway.as_str(),
        }
    }

    /// Whether an MQTT client id is its own: its name, or its name, a colon and more. Otherwise one gateway
    /// could take over another's connection by its client id.
    pub(crate) fn owns_client_id(&self, client_id: &str) -> bool {
        // No gateway id has a colon in it.
        client_id.strip_prefix(self.name()).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
    }

    /// Whether it may publish there.
    pub(crate) fn may_publish(&self, topic: &str) -> bool {
        match (self, Topic::parse(topic)) {
            (Self::Hub, Some(_)) => true,
            (
                Self::Gateway(own),
                Some(Topic::Up(gateway, _) | Topic::Status(gateway) | Topic::Heartbeat(gateway)),
            ) => *own == gateway,
            _ => false,
        }
    }

    /// Whether it may subscribe to that.
    pub(crate) fn may_subscribe(&self, filter: &str) -> bool {
        match self {
            Self::Hub => filter.starts_with("varde/v1/"),
            Self::Gateway(own) => match Topic::parse(filter) {
                Some(Topic::Receipt(gateway, _) | Topic::Command(gateway)) => *own == gateway,
                Some(Topic::Up(..) | Topic::Status(_) | Topic::Heartbeat(_)) => false,
                None => filter
                    .strip_prefix(&format!("varde/v1/{own}/receipt/"))
                    .is_some_and(|rest| matches!(rest, "+" | "#")),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_has_its_own_level_and_no_other() {
        let gateway = Access::of("gw-1").unwrap();
        for end in ["up/urgent", "up/routine", "status", "heartbeat"] {
            let topic = format!("varde/v1/gw-1/{end}");
            assert!(gateway.may_publish(&topic), "{topic}");
        }
        for topic in [
            "varde/v1/gw-2/up/urgent",
            "varde/v1/gw-1/receipt/urgent",
            "varde/v1/gw-1/command",
            "varde/v1/gw-10/status",
            "varde/v1/gw-2/heartbeat",
            "$SYS/x",
            "",
        ] {
            assert!(!gateway.may_publish(topic), "{topic}");
        }
        for filter in ["varde/v1/gw-1/receipt/urgent", "varde/v1/gw-1/receipt/+", "varde/v1/gw-1/command"] {
            assert!(gateway.may_subscribe(filter), "{filter}");
        }
        for filter in [
            "#",
            "varde/v1/gw-1/heartbeat",
            "varde/v1/+/receipt/urgent",
            "varde/v1/gw-2/command",
            "varde/v1/gw-1/#",
            "$SYS/#",
        ] {
            assert!(!gateway.may_subscribe(filter), "{filter}");
        }
    }

    #[test]
    fn a_client_id_belongs_to_one_certificate() {
        let gateway = Access::of("gw-1").unwrap();
        assert!(gateway.owns_client_id("gw-1") && gateway.owns_client_id("gw-1:urgent"));
        assert!(!gateway.owns_client_id("gw-10") && !gateway.owns_client_id("hub:urgent"));
        assert_eq!(Access::of("Nobody Known"), None);
    }
}
