//! Zeros: which bytes of plain packets a policy zeroes, worked out once.
//!
//! Without options, every field of such a packet is always in the same place.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{BytePolicy, Field, Fields, field_mask, visit_fields};
use crate::{
    decode::{Layout, plain_layout},
    link::LinkType,
    packet::{Context, FiveTuple, Packet, Protocol},
    timestamp::Timestamp,
};

/// Fields that are in the same place only where there are none: those of TCP's options.
const OF_OPTIONS: [Field; 3] = [Field::TcpOptions, Field::Timestamps, Field::Sack];

/// A TCP header without options, in bytes.
const TCP_HEADER: u32 = 20;

/// Some bytes, and which bits of them stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Zero {
    start: u32,
    end: u32,
    kept: u8,
}

/// What a policy zeroes of plain packets.
pub(crate) struct Zeros {
    /// Which bits stay of each byte, up to the last that loses any: of TCP and of UDP.
    version_4: [Vec<u8>; 2],
    version_6: [Vec<u8>; 2],
    spares_options: bool,
    spares_payload: bool,
}

impl Zeros {
    pub(crate) fn of(policy: BytePolicy) -> Self {
        let zeroed = policy.zeroed();
        let places = |version| {
            [Protocol::Tcp, Protocol::Udp].map(|protocol| mask(&places(version, protocol, zeroed)))
        };
        Self {
            version_4: places(4),
            version_6: places(6),
            spares_options: !OF_OPTIONS.iter().any(|&field| zeroed.contains(field)),
            spares_payload: !zeroed.contains(Field::Payload),
        }
    }

    /// Zeroes what it must of the bytes of a plain packet, which begin at that offset; `false`, and
    /// nothing is changed, if that is not always in the same place.
    pub(crate) fn apply(
        &self,
        layout: &Layout,
        protocol: Protocol,
        offset: usize,
        bytes: &mut [u8],
    ) -> bool {
        let is_tcp = protocol == Protocol::Tcp;
        let has_options = is_tcp && layout.payload > layout.transport + TCP_HEADER;
        if !self.spares_payload || (has_options && !self.spares_options) {
            return false;
        }
        let places = match layout.ip_version {
            4 => &self.version_4,
            _ => &self.version_6,
        };
        let mask = places[usize::from(!is_tcp)].get(offset..);
        for (byte, kept) in bytes.iter_mut().zip(mask.unwrap_or_default()) {
            *byte &= kept;
        }
        true
    }
}

/// Which bits stay of each byte.
fn mask(places: &[Zero]) -> Vec<u8> {
    let length = places.iter().map(|zero| zero.end as usize).max();
    let mut mask = vec![u8::MAX; length.unwrap_or(0)];
    for zero in places {
        for byte in &mut mask[zero.start as usize..zero.end as usize] {
            *byte &= zero.kept;
        }
    }
    mask
}

/// The zeroed fields of any packet of these, as the general way has them of one.
fn places(ip_version: u8, protocol: Protocol, zeroed: Fields) -> Vec<Zero> {
    let (address, transport): (IpAddr, u32) = match ip_version {
        4 => (Ipv4Addr::UNSPECIFIED.into(), 34),
        _ => (Ipv6Addr::UNSPECIFIED.into(), 54),
    };
    let payload = transport
        + if protocol == Protocol::Tcp {
            TCP_HEADER
        } else {
            8
        };
    let mut bytes = vec![0; payload as usize];
    // The length of version 4's header.
    bytes[14] = 0x45;
    let packet = Packet {
        timestamp: Timestamp::default(),
        link_type: LinkType::ETHERNET,
        five_tuple: FiveTuple {
            protocol,
            source: SocketAddr::new(address, 0),
            destination: SocketAddr::new(address, 0),
        },
        context: Context::default(),
        length: payload - 14,
        payload_length: 0,
        tcp_flags: 0,
        is_to_group: false,
        bytes: &bytes,
        layout: plain_layout(ip_version, protocol, payload, 0),
    };
    let mut places: Vec<Zero> = Vec::new();
    visit_fields(&packet, &mut |field, range| {
        if !zeroed.contains(field) {
            return;
        }
        for offset in range {
            let kept = !field_mask(&packet, field, offset);
            match places.last_mut() {
                Some(last) if last.end as usize == offset && last.kept == kept => last.end += 1,
                _ => places.push(Zero {
                    start: offset as u32,
                    end: offset as u32 + 1,
                    kept,
                }),
            }
        }
    });
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(policy: &str, version: u8, protocol: Protocol, expected: &[(u32, u32, u8)]) {
        let policy: BytePolicy = policy.parse().unwrap();
        let found: Vec<_> = places(version, protocol, policy.zeroed())
            .iter()
            .map(|zero| (zero.start, zero.end, zero.kept))
            .collect();
        assert_eq!(found, expected);
    }

    // Offsets by hand: 14 bytes of Ethernet, RFC 791, RFC 8200, RFC 768.
    #[test]
    fn the_papers_policy_zeroes_two_ranges() {
        check("paper", 4, Protocol::Tcp, &[(0, 12, 0), (26, 34, 0)]);
        check("paper", 6, Protocol::Udp, &[(0, 12, 0), (22, 54, 0)]);
    }

    #[test]
    fn fields_that_share_a_byte_are_zeroed_by_bits() {
        let expected = [
            (22, 54, 0),
            (15, 16, 0xf0),
            (16, 18, 0),
            (54, 58, 0),
            (60, 62, 0),
        ];
        let policy = "ip,zero=flow-label+ports";
        check(policy, 6, Protocol::Udp, &expected);
    }
}
