//! Session keys: the five-tuple without direction, plus the context it was seen in.

use std::{
    hash::{Hash, Hasher},
    net::{IpAddr, SocketAddr},
};

use crate::packet::Packet;

/// Both ends in a fixed order, then ports, protocol, IP version and context, packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SessionKey([u64; 7]);

impl SessionKey {
    pub(super) fn of(packet: &Packet<'_>) -> Self {
        let source = end(packet.five_tuple.source);
        let destination = end(packet.five_tuple.destination);
        let (low, high) = if source <= destination {
            (source, destination)
        } else {
            (destination, source)
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
        Self([
            (low.0 >> 64) as u64,
            low.0 as u64,
            (high.0 >> 64) as u64,
            high.0 as u64,
            ports | protocol | version,
            vlans,
            tunnels << 32 | u64::from(context.network),
        ])
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
