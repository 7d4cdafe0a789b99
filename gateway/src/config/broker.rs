//! Where the broker is.

use std::{fmt, net::Ipv6Addr, str::FromStr};

use rustls::pki_types::{IpAddr, ServerName};
use thiserror::Error;

use super::fault::Quoted;

/// The port that IANA gives MQTT over TLS.
const SECURE_MQTT: u16 = 8883;

/// A broker's URL: `mqtts://HOST[:PORT]`. There is none without TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broker {
    host: ServerName<'static>,
    port: u16,
}

/// Why a text is no broker's URL.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadBroker {
    /// No scheme, or one without TLS.
    #[error("expected a URL such as mqtts://broker.example:8883, got {}; varde speaks MQTT over TLS (mqtts) only", Quoted(.0))]
    Scheme(String),
    /// A user name: the certificate is the name here, and no password belongs into this file.
    #[error("a user name or password does not belong here: the gateway shows its certificate instead")]
    User,
    /// Neither a host name nor an IP address.
    #[error("{} is no host name or IP address (IPv6 in square brackets)", Quoted(.0))]
    Host(String),
    /// No port number.
    #[error("{} is no port: expected a number of 1 to 65535, such as 8883", Quoted(.0))]
    Port(String),
    /// A path, query or fragment.
    #[error("{} after the host does not belong here: write mqtts://HOST:PORT", Quoted(.0))]
    Rest(String),
}

impl Broker {
    /// The name or address that its certificate must bear.
    pub const fn server_name(&self) -> &ServerName<'static> {
        &self.host
    }

    /// Its host name or IP address, without brackets.
    pub fn host(&self) -> String {
        self.host.to_str().into_owned()
    }

    /// Its TCP port.
    pub const fn port(&self) -> u16 {
        self.port
    }
}

impl FromStr for Broker {
    type Err = BadBroker;

    fn from_str(text: &str) -> Result<Self, BadBroker> {
        // First of all, so that no other message shows a password.
        if text.contains('@') {
            return Err(BadBroker::User);
        }
        let rest = text.strip_prefix("mqtts://").ok_or_else(|| BadBroker::Scheme(text.to_owned()))?;
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if let Some(at) = authority.find(['/', '?', '#']) {
            return Err(BadBroker::Rest(authority.split_at(at).1.to_owned()));
        }
        let (host, port) = split_port(authority)?;
        let port = match port {
            None => SECURE_MQTT,
            Some(text) => text
                .bytes()
                .all(|digit| digit.is_ascii_digit())
                .then(|| text.parse().ok())
                .flatten()
                .filter(|port| *port != 0)
                .ok_or_else(|| BadBroker::Port(text.to_owned()))?,
        };
        Ok(Self { host, port })
    }
}

fn split_port(authority: &str) -> Result<(ServerName<'static>, Option<&str>), BadBroker> {
    let bad = || BadBroker::Host(authority.to_owned());
    if let Some(bracketed) = authority.strip_prefix('[') {
        let (address, after) = bracketed.split_once(']').ok_or_else(bad)?;
        let address: Ipv6Addr = address.parse().map_err(|_| bad())?;
        let port = match after {
            "" => None,
            _ => Some(after.strip_prefix(':').ok_or_else(bad)?),
        };
        return Ok((ServerName::from(std::net::IpAddr::V6(address)), port));
    }
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    ServerName::try_from(host.to_owned()).map(|host| (host, port)).map_err(|_| bad())
}

impl fmt::Display for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        let name = host.to_str();
        if matches!(host, ServerName::IpAddress(IpAddr::V6(_))) {
            write!(f, "mqtts://[{name}]:{port}")
        } else {
            write!(f, "mqtts://{name}:{port}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_reads_as_it_is_shown() {
        for (text, host, port) in [
            ("mqtts://broker.example:8884", "broker.example", 8884),
            ("mqtts://broker.example", "broker.example", 8883),
            ("mqtts://broker.example/", "broker.example", 8883),
            ("mqtts://192.0.2.1:1", "192.0.2.1", 1),
            ("mqtts://[2001:db8::1]", "2001:db8::1", 8883),
            ("mqtts://[::1]:65535", "::1", 65535),
        ] {
            let broker: Broker = text.parse().unwrap();
            assert_eq!((broker.host().as_str(), broker.port()), (host, port), "{text}");
            assert_eq!(broker.to_string().parse(), Ok(broker));
        }
    }

    #[test]
    fn what_is_no_broker_is_refused_with_the_part_that_is_wrong() {
        for (text, part) in [
            ("", "mqtts://broker.example"),
            ("broker.example", "mqtts://broker.example"),
            ("mqtt://broker.example", "over TLS (mqtts) only"),
            ("mqtts://", "'' is no host"),
            ("mqtts://:8883", "':8883' is no host"),
            ("mqtts://a b", "'a b' is no host"),
            ("mqtts://2001:db8::1", "is no host"),
            ("mqtts://[2001:db8::1", "is no host"),
            ("mqtts://[192.0.2.1]", "is no host"),
            ("mqtts://[::1]8883", "is no host"),
            ("mqtts://a:0", "'0' is no port"),
            ("mqtts://a:", "'' is no port"),
            ("mqtts://a:+8", "'+8' is no port"),
            ("mqtts://a:65536", "'65536' is no port"),
            ("mqtts://a:8883/x?y", "'/x?y' after the host"),
            ("mqtts://me:secret@a", "user name or password"),
            ("mqtt://me:secret@a", "user name or password"),
        ] {
            let error = text.parse::<Broker>().unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
            assert!(!error.contains("secret"));
        }
    }
}
