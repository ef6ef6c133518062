//! Packets: what remains of a frame once it is understood.

use std::{fmt, net::SocketAddr};

use serde::{Deserialize, Serialize};

use crate::{decode::Layout, link::LinkType, timestamp::Timestamp};

/// The transport protocols that have ports, and so sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

impl Protocol {
    /// Its name in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Protocol, source and destination: directed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FiveTuple {
    /// Transport protocol.
    pub protocol: Protocol,
    /// Source address and port.
    pub source: SocketAddr,
    /// Destination address and port.
    pub destination: SocketAddr,
}

impl FiveTuple {
    /// The same conversation seen from the other end.
    #[must_use]
    pub fn reversed(self) -> Self {
        Self {
            protocol: self.protocol,
            source: self.destination,
            destination: self.source,
        }
    }
}

/// `tcp 10.0.0.1:40000 > 10.0.0.2:443`.
impl fmt::Display for FiveTuple {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} > {}",
            self.protocol, self.source, self.destination
        )
    }
}

/// Which way a packet of a session goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// From the client, the sender of the session's first packet.
    Forward,
    /// To the client.
    Backward,
}

/// The tunnels that are recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum TunnelKind {
    /// Generic Routing Encapsulation, RFC 2784, with PPTP's form and ERSPAN.
    Gre,
    /// IP in IP, RFC 2003, and any IP in IPv6, RFC 2473.
    IpInIp,
    /// IPv6 in IPv4, RFC 4213.
    SixInFour,
    /// VXLAN, RFC 7348.
    Vxlan,
    /// GENEVE, RFC 8926.
    Geneve,
    /// GTP version 1, user plane, 3GPP TS 29.281.
    GtpU,
    /// Teredo, RFC 4380.
    Teredo,
}

impl TunnelKind {
    /// Its name, as in a tally.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gre => "gre",
            Self::IpInIp => "ip-in-ip",
            Self::SixInFour => "six-in-four",
            Self::Vxlan => "vxlan",
            Self::Geneve => "geneve",
            Self::GtpU => "gtp-u",
            Self::Teredo => "teredo",
        }
    }
}

/// How many VLAN tags, and how many tunnels in one another, are followed.
pub const MOST_LAYERS: usize = 4;

/// What a packet was wrapped in: part of the session key.
///
/// Only what is the same in both directions is in it: VLAN ids, kinds of tunnels, VXLAN and
/// GENEVE network identifiers. GTP-U tunnel ids and MPLS labels differ by direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Context {
    /// VLAN ids, outermost first; 0 where there is none.
    pub vlans: [u16; MOST_LAYERS],
    /// Tunnels entered, outermost first.
    pub tunnels: [Option<TunnelKind>; MOST_LAYERS],
    /// Network identifier of the innermost VXLAN or GENEVE tunnel; 0 if there is none.
    pub network: u32,
}

impl Context {
    /// Of a packet that was wrapped in nothing.
    pub(crate) const NONE: Self = Self {
        vlans: [0; MOST_LAYERS],
        tunnels: [None; MOST_LAYERS],
        network: 0,
    };
}

/// A decoded IP packet with a five-tuple.
#[derive(Debug, Clone, Copy)]
pub struct Packet<'a> {
    /// When it was captured; of a reassembled datagram, its last fragment.
    pub timestamp: Timestamp,
    /// Link type of its frame.
    pub link_type: LinkType,
    /// Who to whom.
    pub five_tuple: FiveTuple,
    /// What it was wrapped in.
    pub context: Context,
    /// Its length on the wire from the IP header on, in bytes.
    pub length: u32,
    /// Its transport payload's length on the wire, in bytes.
    pub payload_length: u32,
    /// Flags of its TCP header (CWR to FIN); 0 for other protocols or where not captured.
    pub tcp_flags: u8,
    /// Whether it goes to many: an IP multicast or broadcast address, or an Ethernet group.
    pub is_to_group: bool,
    /// From the first byte of the frame to the last captured byte of the IP packet, without
    /// the trailer that pads short Ethernet frames.
    pub bytes: &'a [u8],
    /// Where its headers are in `bytes`.
    pub layout: Layout,
}
