//! Plain packets: TCP or UDP over IP over Ethernet and nothing between, understood at one look.
//!
//! Nearly all packets are. What is said of them is what the walk from header to header says; all
//! others, and whatever is odd about one, are left to it.
#![expect(
    clippy::inline_always,
    reason = "done for each packet, where a call is dear"
)]

use super::{Layout, tunnel::is_tunnel_port};
use crate::{capture::Frame, link::LinkType, packet::Protocol};

/// Where the IP header of a plain packet is.
const IP: usize = 14;
const IPV4_HEADER: usize = 20;
const IPV6_HEADER: usize = 40;
const TCP_HEADER: usize = 20;
const UDP_HEADER: usize = 8;
const TCP: u8 = 6;
const UDP: u8 = 17;

/// What the headers of a plain packet say.
#[derive(Clone, Copy)]
pub(crate) struct PlainPacket {
    /// The sender's address, as a number in two halves, and port.
    pub(crate) source: ([u64; 2], u16),
    /// The receiver's.
    pub(crate) destination: ([u64; 2], u16),
    pub(crate) protocol: Protocol,
    pub(crate) ip_version: u8,
    pub(crate) tcp_flags: u8,
    pub(crate) is_to_group: bool,
    /// Bytes of the frame up to the end of the packet.
    pub(crate) end: u32,
    pub(crate) payload_length: u32,
}

impl PlainPacket {
    /// The packet in a frame, if it is a plain one, captured whole.
    #[inline(always)]
    pub(crate) fn of(frame: &Frame<'_>) -> Option<Self> {
        if frame.link_type != LinkType::ETHERNET {
            return None;
        }
        let link = frame.bytes.first_chunk::<IP>()?;
        let is_to_group = link[0] & 1 == 1;
        match [link[12], link[13]] {
            [0x08, 0x00] => Self::of_version_4(frame.bytes, is_to_group),
            [0x86, 0xdd] => Self::of_version_6(frame.bytes, is_to_group),
            _ => None,
        }
    }

    #[inline(always)]
    fn of_version_4(frame: &[u8], is_to_group: bool) -> Option<Self> {
        let header = frame[IP..].first_chunk::<IPV4_HEADER>()?;
        let half = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
        let address = |at: usize| u32::from(half(at)) << 16 | u32::from(half(at + 2));
        // Without options, and no fragment; "do not fragment" may be set.
        if header[0] != 0x45 || half(6) & 0x3fff != 0 {
            return None;
        }
        let (source, destination) = (address(12), address(16));
        let is_to_group = is_to_group || destination >> 28 == 0xe || destination == u32::MAX;
        Self::of_transport(
            frame.get(..IP + usize::from(half(2)))?,
            (header[9], IP + IPV4_HEADER),
            [0, u64::from(source)],
            [0, u64::from(destination)],
        )
        .map(|packet| Self {
            ip_version: 4,
            is_to_group,
            ..packet
        })
    }

    #[inline(always)]
    fn of_version_6(frame: &[u8], is_to_group: bool) -> Option<Self> {
        let header = frame[IP..].first_chunk::<IPV6_HEADER>()?;
        let length = usize::from(u16::from_be_bytes([header[4], header[5]]));
        // No length: a jumbogram, or the frame says it.
        if header[0] >> 4 != 6 || length == 0 {
            return None;
        }
        let (halves, _) = header[8..].as_chunks::<8>();
        let half = |number: usize| u64::from_be_bytes(halves[number]);
        let is_to_group = is_to_group || header[24] == 0xff;
        Self::of_transport(
            frame.get(..IP + IPV6_HEADER + length)?,
            (header[6], IP + IPV6_HEADER),
            [half(0), half(1)],
            [half(2), half(3)],
        )
        .map(|packet| Self {
            ip_version: 6,
            is_to_group,
            ..packet
        })
    }

    /// Of bytes that end with the packet.
    #[inline(always)]
    fn of_transport(
        bytes: &[u8],
        (protocol, transport): (u8, usize),
        source: [u64; 2],
        destination: [u64; 2],
    ) -> Option<Self> {
        let header = bytes.get(transport..)?;
        let (words, _) = header.first_chunk::<UDP_HEADER>()?.as_chunks::<2>();
        let [source_port, destination_port, udp_length] =
            [words[0], words[1], words[2]].map(u16::from_be_bytes);
        let ports = [source_port, destination_port];
        let (protocol, tcp_flags, payload_length) = match protocol {
            TCP => {
                let header = header.first_chunk::<TCP_HEADER>()?;
                let header_length = usize::from(header[12] >> 4) * 4;
                if header_length < TCP_HEADER {
                    return None;
                }
                let payload_length = (bytes.len() - transport).checked_sub(header_length)?;
                (Protocol::Tcp, header[13], payload_length)
            }
            UDP if !ports.into_iter().any(is_tunnel_port) => {
                let length = usize::from(udp_length).checked_sub(UDP_HEADER)?;
                let payload_length = length.min(header.len() - UDP_HEADER);
                (Protocol::Udp, 0, payload_length)
            }
            _ => return None,
        };
        Some(Self {
            source: (source, ports[0]),
            destination: (destination, ports[1]),
            protocol,
            ip_version: 0,
            tcp_flags,
            is_to_group: false,
            end: bytes.len() as u32,
            payload_length: payload_length as u32,
        })
    }

    /// Its length from the IP header on, in bytes.
    pub(crate) fn length(&self) -> u32 {
        self.end - IP as u32
    }

    #[cfg(test)]
    pub(crate) fn layout(&self) -> Layout {
        plain_layout(
            self.ip_version,
            self.protocol,
            self.end,
            self.payload_length,
        )
    }
}

/// Where the headers of a plain packet are, by its end and the length of its payload.
#[inline]
pub(crate) fn plain_layout(
    ip_version: u8,
    protocol: Protocol,
    end: u32,
    payload_length: u32,
) -> Layout {
    let header = if ip_version == 4 {
        IPV4_HEADER
    } else {
        IPV6_HEADER
    };
    let transport = (IP + header) as u32;
    Layout {
        link_addresses_length: 12,
        vlan: IP as u32,
        ip: IP as u32,
        ip_version,
        transport,
        payload: match protocol {
            Protocol::Udp => transport + UDP_HEADER as u32,
            // Nothing can be behind TCP's payload.
            _ => end - payload_length,
        },
        ..Layout::NONE
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        decode::{Decoder, Tunnels},
        packet::Packet,
        synth,
        tally::Tally,
        timestamp::Timestamp,
    };

    fn halves(address: std::net::IpAddr) -> [u64; 2] {
        let number = match address {
            std::net::IpAddr::V4(ip) => u128::from(u32::from(ip)),
            std::net::IpAddr::V6(ip) => u128::from(ip),
        };
        [(number >> 64) as u64, number as u64]
    }

    /// Whether it is plain; then the walk must say the same of it.
    fn check(bytes: &[u8], original_length: u32) -> bool {
        let frame = Frame {
            timestamp: Timestamp::default(),
            link_type: LinkType::ETHERNET,
            interface: 0,
            original_length: original_length.max(bytes.len() as u32),
            bytes,
        };
        let Some(plain) = PlainPacket::of(&frame) else {
            return false;
        };
        for tunnels in [Tunnels::Outer, Tunnels::Inner] {
            let mut decoder = Decoder::new(tunnels);
            let mut tally = Tally::default();
            let walked: Packet<'_> = decoder.decode(&frame, &mut tally).unwrap();
            assert_eq!(tally.tunnels.len(), 0);
            let [source, destination] = [walked.five_tuple.source, walked.five_tuple.destination]
                .map(|end| (halves(end.ip()), end.port()));
            assert_eq!((plain.source, plain.destination), (source, destination));
            assert_eq!(plain.protocol, walked.five_tuple.protocol);
            assert_eq!(plain.layout(), walked.layout);
            assert_eq!(plain.tcp_flags, walked.tcp_flags);
            assert_eq!(plain.is_to_group, walked.is_to_group);
            assert_eq!(plain.end as usize, walked.bytes.len());
            assert_eq!(plain.length(), walked.length);
            assert_eq!(plain.payload_length, walked.payload_length);
            assert_eq!(walked.context, crate::packet::Context::default());
        }
        true
    }

    fn frames() -> Vec<Vec<u8>> {
        let ends = [
            "10.0.0.1:40000",
            "10.0.0.2:443",
            "[2001:db8::1]:53",
            "[ff02::1]:5353",
        ]
        .map(|end| end.parse().unwrap());
        let mut frames = Vec::new();
        for [source, destination] in [[ends[0], ends[1]], [ends[2], ends[3]]] {
            let tcp = synth::tcp(
                source,
                destination,
                &synth::TcpFields::default(),
                b"payload",
            );
            let udp = synth::udp(source, destination, b"payload");
            for (protocol, segment) in [(Protocol::Tcp, tcp), (Protocol::Udp, udp)] {
                let packet = synth::ip(source.ip(), destination.ip(), protocol, &segment);
                frames.push(synth::ethernet(&packet));
            }
        }
        frames
    }

    #[test]
    fn packets_without_anything_odd_are_plain() {
        for frame in frames() {
            assert!(check(&frame, 0));
        }
    }

    proptest! {
        /// Whatever a byte is changed to, and wherever the frame is cut.
        #[test]
        fn a_plain_packet_is_what_the_walk_finds(
            number in 0..4_usize,
            changes in prop::collection::vec((12..70_usize, any::<u8>()), 0..3),
            cut in 0..90_usize,
        ) {
            let mut frame = frames()[number].clone();
            for (at, value) in changes {
                if let Some(byte) = frame.get_mut(at) {
                    *byte = value;
                }
            }
            let length = frame.len() as u32;
            frame.truncate(cut);
            check(&frame, length);
        }
    }
}
