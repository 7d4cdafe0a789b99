//! The MQTT topics: `varde/v1/{gateway}/…`. A broker's access list by certificate name keeps each gateway to
//! its own level.

use crate::{GatewayId, Lane};

/// What a topic carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Topic {
    /// Signed batches, gateway to hub.
    Up(GatewayId, Lane),
    /// Signed receipts, hub to gateway.
    Receipt(GatewayId, Lane),
    /// Signed commands, hub to gateway.
    Command(GatewayId),
    /// `online` or `offline`, retained, with the gateway's last will: a sign of life for operators, no proof.
    Status(GatewayId),
    /// Signed heartbeats, gateway to hub. Never retained: one that a broker kept would be an old one.
    Heartbeat(GatewayId),
}

impl std::fmt::Display for Topic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Up(gateway, lane) => write!(f, "varde/v1/{gateway}/up/{lane}"),
            Self::Receipt(gateway, lane) => write!(f, "varde/v1/{gateway}/receipt/{lane}"),
            Self::Command(gateway) => write!(f, "varde/v1/{gateway}/command"),
            Self::Status(gateway) => write!(f, "varde/v1/{gateway}/status"),
            Self::Heartbeat(gateway) => write!(f, "varde/v1/{gateway}/heartbeat"),
        }
    }
}

impl Topic {
    /// The topic that this text is, if it is one of ours.
    pub fn parse(text: &str) -> Option<Self> {
        let mut levels = text.strip_prefix("varde/v1/")?.split('/');
        let gateway: GatewayId = levels.next()?.parse().ok()?;
        let kind = levels.next()?;
        let lane = levels.next().map(|word| Lane::ALL.into_iter().find(|lane| lane.name() == word));
        if levels.next().is_some() {
            return None;
        }
        match (kind, lane) {
            ("up", Some(Some(lane))) => Some(Self::Up(gateway, lane)),
            ("receipt", Some(Some(lane))) => Some(Self::Receipt(gateway, lane)),
            ("command", None) => Some(Self::Command(gateway)),
            ("status", None) => Some(Self::Status(gateway)),
            ("heartbeat", None) => Some(Self::Heartbeat(gateway)),
            _ => None,
        }
    }
}

/// The subscription by which the hub hears this lane of every gateway.
pub fn filter_for_hub(lane: Lane) -> String {
    format!("varde/v1/+/up/{lane}")
}

/// The subscription by which the hub hears which gateways are there.
pub const STATUS_FILTER: &str = "varde/v1/+/status";

/// The subscription by which the hub hears every gateway's heartbeats.
pub const HEARTBEAT_FILTER: &str = "varde/v1/+/heartbeat";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_topic_reads_back_and_a_strange_one_is_none_of_ours() {
        let gateway: GatewayId = "gw-1".parse().unwrap();
        let topics = Lane::ALL
            .into_iter()
            .flat_map(|lane| [Topic::Up(gateway.clone(), lane), Topic::Receipt(gateway.clone(), lane)])
            .chain([Topic::Command, Topic::Status, Topic::Heartbeat].map(|topic| topic(gateway.clone())));
        for topic in topics {
            assert_eq!(Topic::parse(&topic.to_string()), Some(topic));
        }
        for strange in [
            "",
            "varde/v1/",
            "varde/v1/gw-1/up",
            "varde/v1/gw-1/up/urgent/x",
            "varde/v2/gw-1/status",
            "varde/v1/+/up/urgent",
        ] {
            assert_eq!(Topic::parse(strange), None, "{strange}");
        }
    }
}
