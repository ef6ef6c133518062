//! IP headers: version 4 and 6, options and extension headers, fragments.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::walk::{Found, Fragment, Outcome, Walk};
use crate::tally::Skip;

pub(crate) const HOP_BY_HOP: u8 = 0;
pub(crate) const ROUTING: u8 = 43;
pub(crate) const FRAGMENT: u8 = 44;
pub(crate) const AUTHENTICATION: u8 = 51;
pub(crate) const DESTINATION_OPTIONS: u8 = 60;
const MOBILITY: u8 = 135;
const HOST_IDENTITY: u8 = 139;
const SHIM6: u8 = 140;

/// Extension headers of one packet: RFC 8200 names seven.
const MOST_EXTENSIONS: usize = 12;

/// Length of an extension header with these first two bytes; `None` if it is none.
pub(crate) fn extension_length(kind: u8, front: [u8; 2]) -> Option<usize> {
    match kind {
        FRAGMENT => Some(8),
        AUTHENTICATION => Some((usize::from(front[1]) + 2) * 4),
        HOP_BY_HOP | ROUTING | DESTINATION_OPTIONS | MOBILITY | HOST_IDENTITY | SHIM6 => {
            Some((usize::from(front[1]) + 1) * 8)
        }
        _ => None,
    }
}

impl Walk<'_, '_> {
    /// An IP packet of whichever version its first nibble says.
    pub(super) fn ip(&mut self, offset: usize) -> Outcome {
        let version = self.read::<1>(offset, Skip::IpMalformed)?[0] >> 4;
        self.stage.layout.ip = offset as u32;
        self.stage.layout.ip_version = version;
        match version {
            4 => self.ipv4(offset),
            6 => self.ipv6(offset),
            _ => Err(Skip::IpMalformed),
        }
    }

    fn ipv4(&mut self, offset: usize) -> Outcome {
        let header = self.read::<20>(offset, Skip::IpMalformed)?;
        let half = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
        let header_length = usize::from(header[0] & 0x0f) * 4;
        let total_length = usize::from(half(2));
        // 0 where the network card cut the packet after it was captured: the frame says.
        if total_length != 0 {
            if header_length < 20 || total_length < header_length {
                return Err(Skip::IpMalformed);
            }
            self.limit(offset + total_length);
        } else if header_length < 20 || self.wire_end < offset + header_length {
            return Err(Skip::IpMalformed);
        }
        let source = Ipv4Addr::new(header[12], header[13], header[14], header[15]);
        let destination = Ipv4Addr::new(header[16], header[17], header[18], header[19]);
        self.stage.is_to_group |= destination.is_multicast() || destination.is_broadcast();
        self.stage.source = IpAddr::V4(source);
        self.stage.destination = IpAddr::V4(destination);
        let start = offset + header_length;
        // The upper two bits are reserved and "do not fragment".
        let (flags_and_offset, protocol) = (half(6), header[9]);
        if flags_and_offset << 2 == 0 {
            return self.after_ip_header(protocol, start);
        }
        let identification = u32::from(half(4));
        self.fragment(
            protocol,
            identification,
            u32::from(flags_and_offset & 0x1fff) * 8,
            flags_and_offset & 0x2000 != 0,
            start,
        )
    }

    fn ipv6(&mut self, offset: usize) -> Outcome {
        let header = self.read::<40>(offset, Skip::IpMalformed)?;
        let payload_length = usize::from(u16::from_be_bytes([header[4], header[5]]));
        // 0 for jumbograms, and as in version 4: the frame says.
        if payload_length != 0 {
            self.limit(offset + 40 + payload_length);
        }
        let address = |at: usize| {
            let mut octets = [0; 16];
            octets.copy_from_slice(&header[at..at + 16]);
            Ipv6Addr::from(octets)
        };
        let destination = address(24);
        self.stage.is_to_group |= destination.is_multicast();
        self.stage.source = IpAddr::V6(address(8));
        self.stage.destination = IpAddr::V6(destination);
        self.after_ip_header(header[6], offset + 40)
    }

    /// Passes extension headers, then goes on to the transport layer or into a tunnel.
    pub(super) fn after_ip_header(&mut self, mut next_header: u8, mut offset: usize) -> Outcome {
        let is_version_6 = self.stage.layout.ip_version == 6;
        for _ in 0..=MOST_EXTENSIONS {
            let is_extension = is_version_6 || next_header == AUTHENTICATION;
            if !is_extension || extension_length(next_header, [0; 2]).is_none() {
                self.stage.layout.transport = offset as u32;
                return self.transport(next_header, offset);
            }
            let front = self.read::<8>(offset, Skip::IpMalformed)?;
            if next_header == FRAGMENT {
                let flags_and_offset = u16::from_be_bytes([front[2], front[3]]);
                // Neither an offset nor more to come: an atomic fragment is whole, RFC 6946.
                if flags_and_offset & 0xfff9 != 0 {
                    return self.fragment(
                        front[0],
                        u32::from_be_bytes([front[4], front[5], front[6], front[7]]),
                        u32::from(flags_and_offset & 0xfff8),
                        flags_and_offset & 1 != 0,
                        offset + 8,
                    );
                }
            }
            offset += extension_length(next_header, [front[0], front[1]]).unwrap_or(8);
            next_header = front[0];
        }
        Err(Skip::TooManyLayers)
    }

    fn fragment(
        &mut self,
        next_header: u8,
        identification: u32,
        piece_offset: u32,
        more_follow: bool,
        start: usize,
    ) -> Outcome {
        if self.bytes.len() < start {
            return Err(Skip::FragmentTruncated);
        }
        Ok(Found::Fragment(Fragment {
            next_header,
            identification,
            piece_offset,
            more_follow,
            start,
            captured_end: self.bytes.len(),
            wire_end: self.wire_end,
            stage: self.stage,
        }))
    }
}
