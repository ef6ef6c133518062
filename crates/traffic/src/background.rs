//! Background: sessions that a capture holds but its label does not mean.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::packet::{FiveTuple, Protocol};

/// Which kind of background.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Background {
    /// DNS, port 53.
    Dns,
    /// Link-local multicast name resolution, UDP port 5355.
    Llmnr,
    /// Multicast DNS, UDP port 5353.
    Mdns,
    /// NetBIOS names and datagrams, UDP ports 137 and 138.
    Netbios,
    /// Simple service discovery, UDP port 1900.
    Ssdp,
    /// DHCP, UDP ports 67 and 68, and for IPv6, 546 and 547.
    Dhcp,
    /// Network time, UDP port 123.
    Ntp,
    /// Web services discovery, UDP port 3702.
    WsDiscovery,
    /// Dropbox looking for peers in the local network, UDP port 17500.
    Dropbox,
    /// Anything else to a multicast or broadcast address.
    Multicast,
}

impl Background {
    /// Every kind, in the order of the tally.
    pub const ALL: [Self; 10] = [
        Self::Dns,
        Self::Llmnr,
        Self::Mdns,
        Self::Netbios,
        Self::Ssdp,
        Self::Dhcp,
        Self::Ntp,
        Self::WsDiscovery,
        Self::Dropbox,
        Self::Multicast,
    ];

    /// Its name in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Llmnr => "llmnr",
            Self::Mdns => "mdns",
            Self::Netbios => "netbios",
            Self::Ssdp => "ssdp",
            Self::Dhcp => "dhcp",
            Self::Ntp => "ntp",
            Self::WsDiscovery => "ws-discovery",
            Self::Dropbox => "dropbox",
            Self::Multicast => "multicast",
        }
    }

    /// Decides by ports and destination of a session's first packet alone.
    ///
    /// A port below 1024 counts at either end, since only a server has one. Above, it counts
    /// at the destination, and at the source if the destination is an unprivileged port too:
    /// that is an answer to a multicast question, which comes as a session of its own.
    pub fn of(five_tuple: &FiveTuple, is_to_group: bool) -> Option<Self> {
        let (source, destination) = (five_tuple.source.port(), five_tuple.destination.port());
        if source == 53 || destination == 53 {
            return Some(Self::Dns);
        }
        if five_tuple.protocol == Protocol::Udp {
            let answer = (destination >= 1024).then_some(source);
            let known = Self::of_port(destination)
                .or_else(|| answer.and_then(Self::of_port))
                .or_else(|| (source < 1024).then(|| Self::of_port(source)).flatten());
            if known.is_some() {
                return known;
            }
        }
        is_to_group.then_some(Self::Multicast)
    }

    fn of_port(port: u16) -> Option<Self> {
        Some(match port {
            67 | 68 | 546 | 547 => Self::Dhcp,
            123 => Self::Ntp,
            137 | 138 => Self::Netbios,
            1900 => Self::Ssdp,
            3702 => Self::WsDiscovery,
            5353 => Self::Mdns,
            5355 => Self::Llmnr,
            17_500 => Self::Dropbox,
            _ => return None,
        })
    }
}

impl fmt::Display for Background {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(protocol: Protocol, source: &str, destination: &str, expected: Option<Background>) {
        let five_tuple = FiveTuple {
            protocol,
            source: source.parse().unwrap(),
            destination: destination.parse().unwrap(),
        };
        let is_to_group = five_tuple.destination.ip().is_multicast();
        assert_eq!(Background::of(&five_tuple, is_to_group), expected);
    }

    #[test]
    fn a_multicast_question_is_background() {
        let expected = Some(Background::Llmnr);
        check(
            Protocol::Udp,
            "10.0.0.1:50000",
            "224.0.0.252:5355",
            expected,
        );
        check(Protocol::Udp, "10.0.0.2:5355", "10.0.0.1:50000", expected);
    }

    #[test]
    fn dns_counts_over_tcp_and_from_either_end() {
        let expected = Some(Background::Dns);
        check(Protocol::Tcp, "10.0.0.1:50000", "10.0.0.2:53", expected);
        check(Protocol::Udp, "10.0.0.2:53", "10.0.0.1:50000", expected);
    }

    #[test]
    fn a_client_port_of_the_same_number_is_not_background() {
        check(Protocol::Udp, "10.0.0.1:1900", "10.0.0.2:443", None);
        check(Protocol::Tcp, "10.0.0.1:50000", "10.0.0.2:5355", None);
    }

    #[test]
    fn any_other_multicast_is_background() {
        let expected = Some(Background::Multicast);
        check(Protocol::Udp, "10.0.0.1:50000", "239.1.2.3:9999", expected);
    }

    #[test]
    fn a_web_session_is_not_background() {
        check(Protocol::Tcp, "10.0.0.1:50000", "10.0.0.2:443", None);
    }
}
