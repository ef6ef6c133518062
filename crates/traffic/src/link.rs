//! Link types: what the first header of a frame is.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The number that a capture gives its link layer (the LINKTYPE_ registry of tcpdump.org).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LinkType(pub u32);

impl LinkType {
    /// BSD loopback: the address family in the byte order of the capturing host.
    pub const NULL: Self = Self(0);
    /// Ethernet.
    pub const ETHERNET: Self = Self(1);
    /// PPP.
    pub const PPP: Self = Self(9);
    /// Raw IP as some systems number it.
    pub const RAW_12: Self = Self(12);
    /// Raw IP as OpenBSD numbers it.
    pub const RAW_14: Self = Self(14);
    /// PPP in HDLC-like framing, RFC 1662.
    pub const PPP_HDLC: Self = Self(50);
    /// PPP over Ethernet, from the PPPoE header on.
    pub const PPP_ETHER: Self = Self(51);
    /// Raw IP, version 4 or 6.
    pub const RAW: Self = Self(101);
    /// Cisco HDLC.
    pub const C_HDLC: Self = Self(104);
    /// OpenBSD loopback: the address family in network byte order.
    pub const LOOP: Self = Self(108);
    /// Linux cooked capture, version 1.
    pub const LINUX_SLL: Self = Self(113);
    /// PPP with a direction byte in front.
    pub const PPP_WITH_DIRECTION: Self = Self(166);
    /// Raw IP version 4.
    pub const IPV4: Self = Self(228);
    /// Raw IP version 6.
    pub const IPV6: Self = Self(229);
    /// Linux cooked capture, version 2.
    pub const LINUX_SLL2: Self = Self(276);

    /// Its name, for the link types that are understood; `None` for all others.
    pub fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::NULL => "null",
            Self::ETHERNET => "ethernet",
            Self::PPP => "ppp",
            Self::RAW_12 | Self::RAW_14 | Self::RAW => "raw-ip",
            Self::PPP_HDLC => "ppp-hdlc",
            Self::PPP_ETHER => "pppoe",
            Self::C_HDLC => "cisco-hdlc",
            Self::LOOP => "loop",
            Self::LINUX_SLL => "linux-cooked",
            Self::PPP_WITH_DIRECTION => "ppp-with-direction",
            Self::IPV4 => "raw-ipv4",
            Self::IPV6 => "raw-ipv6",
            Self::LINUX_SLL2 => "linux-cooked-v2",
            _ => return None,
        })
    }
}

/// Its name and number, `ethernet (1)`, or `link type 127` where it is not understood.
impl fmt::Display for LinkType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{name} ({})", self.0),
            None => write!(f, "link type {}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_link_type_prints_its_name() {
        assert_eq!(LinkType::ETHERNET.to_string(), "ethernet (1)");
    }

    #[test]
    fn an_unknown_link_type_prints_its_number() {
        assert_eq!(LinkType(127).to_string(), "link type 127");
    }
}
