//! The session key: the five-tuple without its direction, plus the context it was seen in.
#![expect(
    clippy::inline_always,
    reason = "done for each packet, where a call is dear"
)]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::{
    decode::PlainPacket,
    packet::{Context, FiveTuple, Packet, Protocol},
    seeded_hash::Seed,
};

/// Both ends in a fixed order, then ports, whether there is a context, protocol and IP version, packed.
///
/// Nothing of the five-tuple is lost, so a session need not keep it besides. Few packets have been in
/// anything: then the key says so, and their context is looked at beside it.
#[derive(Debug, Clone, Copy, Eq)]
pub(super) struct SessionKey([u64; 5]);

/// What the last word says of a packet with a context.
const IN_CONTEXT: u64 = 1 << 16;

/// An address as a number in two halves, and a port.
type Host = ([u64; 2], u16);

/// Which of a key's ends is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The smaller one by address, then port.
    Low,
    /// The other one.
    High,
}

impl SessionKey {
    /// Of no packet.
    pub(super) const NONE: Self = Self([0; 5]);
}

const PROTOCOLS: [Protocol; 3] = [Protocol::Tcp, Protocol::Udp, Protocol::Sctp];

/// Word by word, which is a call to the memory's comparison otherwise.
impl PartialEq for SessionKey {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        let (own, other) = (self.0, other.0);
        let lower = (own[0] ^ other[0]) | (own[1] ^ other[1]);
        let upper = (own[2] ^ other[2]) | (own[3] ^ other[3]);
        lower | upper | (own[4] ^ other[4]) == 0
    }
}

impl SessionKey {
    /// The key of a packet, and which end sent it.
    pub(super) fn of(packet: &Packet<'_>) -> (Self, End) {
        let FiveTuple {
            protocol,
            source,
            destination,
        } = packet.five_tuple;
        let version = packet.layout.ip_version;
        let (mut key, sender) = Self::between(host(source), host(destination), protocol, version);
        if packet.context != Context::default() {
            key.0[4] |= IN_CONTEXT;
        }
        (key, sender)
    }

    /// The same of a plain packet.
    #[inline(always)]
    pub(super) fn of_plain(packet: &PlainPacket) -> (Self, End) {
        Self::between(
            packet.source,
            packet.destination,
            packet.protocol,
            packet.ip_version,
        )
    }

    #[inline(always)]
    fn between(source: Host, destination: Host, protocol: Protocol, version: u8) -> (Self, End) {
        let (low, high, sender) = if source <= destination {
            (source, destination, End::Low)
        } else {
            (destination, source, End::High)
        };
        let ports = u64::from(low.1) << 48 | u64::from(high.1) << 32;
        let rest = ports | (protocol as u64) << 8 | u64::from(version);
        let key = Self([low.0[0], low.0[1], high.0[0], high.0[1], rest]);
        (key, sender)
    }

    /// Of the key, and of the context if there is one.
    #[inline(always)]
    pub(super) fn hash(&self, context: &Context, seed: Seed) -> u32 {
        let mut hash = seed.hash(self.0);
        if self.is_in_context() {
            let vlans = context
                .vlans
                .iter()
                .fold(0, |ids, &id| ids << 16 | u64::from(id));
            let tunnels = context.tunnels.iter().fold(0, |path, tunnel| {
                path << 8 | tunnel.map_or(0, |kind| kind as u64 + 1)
            });
            let network = u64::from(context.network);
            hash = seed.hash([vlans, tunnels, network, hash, 0]);
        }
        // The upper half has been mixed best.
        (hash >> 32) as u32
    }

    /// Whether its packets were wrapped in anything.
    pub(super) fn is_in_context(&self) -> bool {
        self.0[4] & IN_CONTEXT != 0
    }

    pub(super) fn protocol(&self) -> Protocol {
        PROTOCOLS[usize::from((self.0[4] >> 8) as u8) % PROTOCOLS.len()]
    }

    pub(super) fn ip_version(&self) -> u8 {
        self.0[4] as u8
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

    fn address(&self, words: [u64; 2], port_at: u32) -> SocketAddr {
        let ip = if self.ip_version() == 6 {
            let number = u128::from(words[0]) << 64 | u128::from(words[1]);
            IpAddr::V6(Ipv6Addr::from(number))
        } else {
            IpAddr::V4(Ipv4Addr::from(words[1] as u32))
        };
        SocketAddr::new(ip, (self.0[4] >> port_at) as u16)
    }
}

fn host(address: SocketAddr) -> Host {
    let number = match address.ip() {
        IpAddr::V4(ip) => u128::from(u32::from(ip)),
        IpAddr::V6(ip) => u128::from(ip),
    };
    ([(number >> 64) as u64, number as u64], address.port())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{decode::Layout, link::LinkType, packet::TunnelKind, timestamp::Timestamp};

    fn packet(protocol: Protocol, source: &str, destination: &str) -> Packet<'static> {
        let source: SocketAddr = source.parse().unwrap();
        Packet {
            timestamp: Timestamp::default(),
            link_type: LinkType::ETHERNET,
            five_tuple: FiveTuple {
                protocol,
                source,
                destination: destination.parse().unwrap(),
            },
            context: Context::default(),
            length: 0,
            payload_length: 0,
            tcp_flags: 0,
            is_to_group: false,
            bytes: &[],
            layout: Layout {
                ip_version: if source.is_ipv4() { 4 } else { 6 },
                ..Layout::default()
            },
        }
    }

    #[track_caller]
    fn check(protocol: Protocol, source: &str, destination: &str) {
        let packet = packet(protocol, source, destination);
        let (key, sender) = SessionKey::of(&packet);
        assert_eq!(key.five_tuple(sender), packet.five_tuple);
        let backward = Packet {
            five_tuple: packet.five_tuple.reversed(),
            ..packet
        };
        let (same, other) = SessionKey::of(&backward);
        assert_eq!((same, same.five_tuple(other)), (key, backward.five_tuple));
    }

    #[test]
    fn the_five_tuple_comes_back_from_the_key() {
        check(Protocol::Tcp, "10.0.0.1:40000", "10.0.0.2:443");
        check(Protocol::Udp, "10.0.0.2:53", "10.0.0.1:53");
        check(Protocol::Sctp, "10.0.0.1:7", "10.0.0.1:7");
        check(Protocol::Tcp, "[2001:db8::1]:1", "[::1]:65535");
        check(Protocol::Udp, "[ffff::ffff]:0", "[fe80::1]:9");
    }

    #[test]
    fn any_part_of_the_context_changes_the_hash() {
        let plain = packet(Protocol::Udp, "10.0.0.1:1", "10.0.0.2:2");
        let contexts = [
            Context::default(),
            Context {
                vlans: [0, 0, 7, 0],
                ..Context::default()
            },
            Context {
                tunnels: [None, Some(TunnelKind::Gre), None, None],
                ..Context::default()
            },
            Context {
                network: 1,
                ..Context::default()
            },
        ];
        let mut hashes: Vec<_> = contexts
            .iter()
            .map(|&context| {
                let (key, _) = SessionKey::of(&Packet { context, ..plain });
                key.hash(&context, Seed::new(1))
            })
            .collect();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), contexts.len());
    }
}
