//! Repair: zeroed and missing header bytes put back as far as the decoder needs them.
//!
//! A policy may zero lengths and protocols, fragments were put together, and a slice's end cuts
//! its last packet anywhere. What a session knows of its packets stands in for what is missing.

use crate::{
    link::LinkType,
    packet::Protocol,
    policy::{Field, Fields},
};

/// What is known of a packet beside its bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    /// Its length from the IP header on.
    pub(super) length: Option<usize>,
    /// Its transport payload's length.
    pub(super) payload_length: Option<usize>,
    /// Its transport protocol.
    pub(super) protocol: Protocol,
    /// What its policy zeroed.
    pub(super) zeroed: Fields,
}

const IPV4: [u8; 2] = [0x08, 0x00];
const IPV6: [u8; 2] = [0x86, 0xdd];
const MORE_FRAGMENTS_AND_OFFSET: u8 = 0x3f;
const VERSION_6_HEADER: usize = 40;

impl Known {
    fn protocol_number(self) -> u8 {
        match self.protocol {
            Protocol::Tcp => 6,
            Protocol::Udp => 17,
            Protocol::Sctp => 132,
        }
    }
}

/// Makes the packet at the front of `bytes` decodable, and says where its IP header is; none if
/// the bytes contradict what is known. Bytes from `filled` on are not the slice's.
pub(super) fn repair(
    bytes: &mut [u8],
    filled: usize,
    link_type: LinkType,
    known: &Known,
) -> Option<usize> {
    let ip = ip_offset(bytes, filled, link_type, known)?;
    if ip >= filled {
        // Nothing but a cut link header: an IP header of no content makes it decodable.
        *bytes.get_mut(ip)? = 0x45;
    }
    let version = bytes.get(ip)? >> 4;
    let transport = match version {
        4 => repair_version_4(bytes, ip, filled, known)?,
        6 => repair_version_6(bytes, ip, filled, known)?,
        _ => return None,
    };
    repair_transport(bytes, ip, transport, filled, known);
    Some(ip)
}

/// Where the IP header must be; writes an Ethernet type that was zeroed or cut off.
fn ip_offset(bytes: &mut [u8], filled: usize, link_type: LinkType, known: &Known) -> Option<usize> {
    match link_type {
        LinkType::RAW | LinkType::RAW_12 | LinkType::RAW_14 | LinkType::IPV4 | LinkType::IPV6 => {
            Some(0)
        }
        LinkType::ETHERNET => {
            let mut at = 12;
            while let [0x81 | 0x91 | 0x92, 0x00] | [0x88, 0xa8] = bytes.get(at..at + 2)? {
                at += 4;
            }
            let is_zeroed = known.zeroed.contains(Field::Link) || at + 2 > filled;
            if is_zeroed && bytes[at..at + 2] != IPV4 && bytes[at..at + 2] != IPV6 {
                let ether_type = if bytes.get(at + 2)? >> 4 == 6 {
                    IPV6
                } else {
                    IPV4
                };
                bytes[at..at + 2].copy_from_slice(&ether_type);
            }
            // MPLS, PPPoE and 802.2 lie between the two: the length of the packet finds its header.
            if bytes[at..at + 2] == IPV4 || bytes[at..at + 2] == IPV6 {
                Some(at + 2)
            } else {
                search(bytes, at + 2, known)
            }
        }
        _ => search(bytes, 0, known),
    }
}

/// The first place that looks like the IP header of a packet of the known length.
fn search(bytes: &[u8], from: usize, known: &Known) -> Option<usize> {
    let length = known.length?;
    (from..from + 64).find(|&at| {
        let half = |offset: usize| {
            let bytes = bytes.get(at + offset..at + offset + 2)?;
            Some(usize::from(u16::from_be_bytes([bytes[0], bytes[1]])))
        };
        match bytes.get(at).map(|byte| byte >> 4) {
            Some(4) => half(2) == Some(length),
            Some(6) => half(4) == Some(length.saturating_sub(VERSION_6_HEADER)),
            _ => false,
        }
    })
}

fn repair_version_4(bytes: &mut [u8], ip: usize, filled: usize, known: &Known) -> Option<usize> {
    let header_length = usize::from(bytes[ip] & 0x0f) * 4;
    if header_length < 20 {
        return None;
    }
    let found = usize::from(u16::from_be_bytes([
        *bytes.get(ip + 2)?,
        *bytes.get(ip + 3)?,
    ]));
    let is_fragment = bytes.get(ip + 6)? & 0x20 != 0;
    if let Some(length) = known.length {
        let is_known = found == length
            || found == 0
            || is_fragment
            || ip + 4 > filled
            || length == usize::from(u16::MAX);
        if !is_known {
            return None;
        }
        bytes[ip + 2..ip + 4].copy_from_slice(&(length as u16).to_be_bytes());
    }
    // A datagram that came in fragments keeps the header of its first.
    *bytes.get_mut(ip + 6)? &= !MORE_FRAGMENTS_AND_OFFSET;
    bytes[ip + 7] = 0;
    if known.zeroed.contains(Field::Protocol) || ip + 10 > filled {
        *bytes.get_mut(ip + 9)? = known.protocol_number();
    }
    Some(ip + header_length)
}

fn repair_version_6(bytes: &mut [u8], ip: usize, filled: usize, known: &Known) -> Option<usize> {
    let found = usize::from(u16::from_be_bytes([
        *bytes.get(ip + 4)?,
        *bytes.get(ip + 5)?,
    ]));
    let is_first_fragment = bytes.get(ip + 6) == Some(&crate::decode::FRAGMENT);
    if let Some(length) = known.length {
        let payload = length.checked_sub(VERSION_6_HEADER)?;
        if found != payload && found != 0 && !is_first_fragment && ip + 6 <= filled {
            return None;
        }
        bytes[ip + 4..ip + 6].copy_from_slice(&(payload as u16).to_be_bytes());
    }
    if known.zeroed.contains(Field::Protocol) || ip + 7 > filled {
        *bytes.get_mut(ip + 6)? = known.protocol_number();
    }
    if is_first_fragment {
        // Offset 0 and no more to come: an atomic fragment, which is whole.
        let fragment = ip + VERSION_6_HEADER;
        let flags = bytes.get_mut(fragment + 2..fragment + 4)?;
        flags.fill(0);
        return Some(fragment + 8);
    }
    Some(ip + VERSION_6_HEADER)
}

/// The header length of TCP, where it is zeroed or cut off.
fn repair_transport(bytes: &mut [u8], ip: usize, transport: usize, filled: usize, known: &Known) {
    if known.protocol != Protocol::Tcp {
        return;
    }
    let is_missing = known.zeroed.contains(Field::TcpFlags) || transport + 13 > filled;
    let header_length = match (known.length, known.payload_length) {
        (Some(length), Some(payload)) => (ip + length)
            .checked_sub(transport + payload)
            .filter(|length| (20..=60).contains(length)),
        _ => None,
    };
    if let Some(byte) = bytes.get_mut(transport + 12).filter(|_| is_missing) {
        *byte = (header_length.unwrap_or(20) as u8 / 4) << 4;
    }
}
