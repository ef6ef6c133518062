//! The session key: the five-tuple without its direction, plus the context it was seen in.

use std::{
    hash::{Hash, Hasher},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use crate::packet::{Context, FiveTuple, Packet, Protocol, TunnelKind};

/// Both ends in a fixed order, then ports, protocol, IP version and context, packed.
///
/// Nothing of the five-tuple and the context is lost, so a session need not keep them besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SessionKey([u64; 7]);

/// Which of a key's ends is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The smaller one by address, then port.
    Low,
    /// The other one.
    High,
}

const PROTOCOLS: [Protocol; 3] = [Protocol::Tcp, Protocol::Udp, Protocol::Sctp];

const TUNNELS: [TunnelKind; 7] = [
    TunnelKind::Gre,
    TunnelKind::IpInIp,
    TunnelKind::SixInFour,
    TunnelKind::Vxlan,
    TunnelKind::Geneve,
    TunnelKind::GtpU,
    TunnelKind::Teredo,
];

impl SessionKey {
    /// The key of a packet, and which end sent it.
    pub(super) fn of(packet: &Packet<'_>) -> (Self, End) {
        let source = end(packet.five_tuple.source);
        let destination = end(packet.five_tuple.destination);
        let (low, high, sender) = if source <= destination {
            (source, destination, End::Low)
        } else {
            (destination, source, End::High)
        };
        let ports = u64::from(low.1) << 48 | u64::from(high.1) << 32;
        let protocol = (packet.five_tuple.protocol as u64) << 8;
        let version = u64::from(packet.layout.ip_version);
        let context = &packet.context;
        let [a, b, c, d] = context.vlans.map(u64::from);
        let vlans = a << 48 | b << 32 | c << 16 | d;
        let tunnels = context.tunnels.iter().fold(0, |path, tunnel| {
            path << 8 | tunnel.map_or(0, |kind| kind as u64 + 1)
        });
        let key = Self([
            (low.0 >> 64) as u64,
            low.0 as u64,
            (high.0 >> 64) as u64,
            high.0 as u64,
            ports | protocol | version,
            vlans,
            tunnels << 32 | u64::from(context.network),
        ]);
        (key, sender)
    }

    pub(super) fn protocol(&self) -> Protocol {
        PROTOCOLS[usize::from((self.0[4] >> 8) as u8) % PROTOCOLS.len()]
    }

    pub(super) fn has_port(&self, port: u16) -> bool {
        [48, 32].map(|at| (self.0[4] >> at) as u16).contains(&port)
    }

    /// From `client` to the other end.
    pub(super) fn five_tuple(&self, client: End) -> FiveTuple {
        let low = self.address([self.0[0], self.0[1]], 48);
        let high = self.address([self.0[2], self.0[3]], 32);
        let (source, destination) = match client {
            End::Low => (low, high),
            End::High => (high, low),
        };
        FiveTuple {
            protocol: self.protocol(),
            source,
            destination,
        }
    }

    pub(super) fn context(&self) -> Context {
        let path = (self.0[6] >> 32) as u32;
        Context {
            vlans: [48, 32, 16, 0].map(|at| (self.0[5] >> at) as u16),
            tunnels: path.to_be_bytes().map(|code| {
                let number = usize::from(code).checked_sub(1)?;
                TUNNELS.get(number).copied()
            }),
            network: self.0[6] as u32,
        }
    }

    fn address(&self, words: [u64; 2], port_at: u32) -> SocketAddr {
        let ip = if self.0[4] as u8 == 6 {
            let number = u128::from(words[0]) << 64 | u128::from(words[1]);
            IpAddr::V6(Ipv6Addr::from(number))
        } else {
            IpAddr::V4(Ipv4Addr::from(words[1] as u32))
        };
        SocketAddr::new(ip, (self.0[4] >> port_at) as u16)
    }
}

fn end(address: SocketAddr) -> (u128, u16) {
    let number = match address.ip() {
        IpAddr::V4(ip) => u128::from(u32::from(ip)),
        IpAddr::V6(ip) => u128::from(ip),
    };
    (number, address.port())
}

impl Hash for SessionKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for word in self.0 {
            state.write_u64(word);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{decode::Layout, link::LinkType, timestamp::Timestamp};

    #[track_caller]
    fn check(protocol: Protocol, source: &str, destination: &str, context: Context) {
        let source: SocketAddr = source.parse().unwrap();
        let packet = Packet {
            timestamp: Timestamp::default(),
            link_type: LinkType::ETHERNET,
            five_tuple: FiveTuple {
                protocol,
                source,
                destination: destination.parse().unwrap(),
            },
            context,
            length: 0,
            payload_length: 0,
            tcp_flags: 0,
            is_to_group: false,
            bytes: &[],
            layout: Layout {
                ip_version: if source.is_ipv4() { 4 } else { 6 },
                ..Layout::default()
            },
        };
        let (key, sender) = SessionKey::of(&packet);
        assert_eq!(key.five_tuple(sender), packet.five_tuple);
        assert_eq!(key.context(), context);
        let backward = Packet {
            five_tuple: packet.five_tuple.reversed(),
            ..packet
        };
        let (same, other) = SessionKey::of(&backward);
        assert_eq!((same, same.five_tuple(other)), (key, backward.five_tuple));
    }

    #[test]
    fn five_tuple_and_context_come_back_from_the_key() {
        let context = Context::default();
        check(Protocol::Tcp, "10.0.0.1:40000", "10.0.0.2:443", context);
        check(Protocol::Udp, "10.0.0.2:53", "10.0.0.1:53", context);
        check(Protocol::Sctp, "10.0.0.1:7", "10.0.0.1:7", context);
        check(Protocol::Tcp, "[2001:db8::1]:1", "[::1]:65535", context);
        check(Protocol::Udp, "[ffff::ffff]:0", "[fe80::1]:9", context);
    }

    #[test]
    fn every_kind_of_tunnel_and_every_vlan_comes_back() {
        for kinds in TUNNELS.windows(3) {
            let context = Context {
                vlans: [1, 0xfff, 0x8001, 0xffff],
                tunnels: [Some(kinds[0]), Some(kinds[1]), Some(kinds[2]), None],
                network: u32::MAX,
            };
            check(Protocol::Udp, "10.0.0.1:1", "10.0.0.2:2", context);
        }
    }
}
