//! Link headers: Ethernet, Linux cooked, loopback, PPP; VLAN, MPLS and PPPoE within them.

use super::walk::{Outcome, Walk};
use crate::{link::LinkType, packet::MOST_LAYERS, tally::Skip};

const ARP: u16 = 0x0806;
const RARP: u16 = 0x8035;
const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
const MPLS_UNICAST: u16 = 0x8847;
const MPLS_MULTICAST: u16 = 0x8848;
const PPP: u16 = 0x880b;
const PPPOE_SESSION: u16 = 0x8864;
/// Values below are lengths of IEEE 802.3 frames, not protocols.
const LEAST_ETHER_TYPE: u16 = 0x0600;

/// MPLS labels in a stack: more than real networks push.
const MOST_LABELS: usize = 16;

impl Walk<'_, '_> {
    pub(super) fn first_header(&mut self, link_type: LinkType) -> Outcome {
        match link_type {
            LinkType::ETHERNET => self.ethernet(0),
            LinkType::RAW
            | LinkType::RAW_12
            | LinkType::RAW_14
            | LinkType::IPV4
            | LinkType::IPV6 => self.ip(0),
            LinkType::NULL | LinkType::LOOP => self.loopback(),
            LinkType::LINUX_SLL => self.cooked(16, 14, 6),
            LinkType::LINUX_SLL2 => self.cooked(20, 0, 12),
            LinkType::PPP | LinkType::PPP_HDLC => self.ppp(0),
            LinkType::C_HDLC => self.cisco_hdlc(),
            LinkType::PPP_WITH_DIRECTION => self.ppp_with_direction(),
            LinkType::PPP_ETHER => self.pppoe(0),
            _ => Err(Skip::LinkTypeUnknown),
        }
    }

    pub(super) fn ethernet(&mut self, offset: usize) -> Outcome {
        let header = self.read::<14>(offset, Skip::LinkMalformed)?;
        let layout = &mut self.stage.layout;
        layout.link = offset as u32;
        layout.link_addresses = offset as u32;
        layout.link_addresses_length = 12;
        // The lowest bit of the first byte sent marks a group address, broadcast included.
        self.stage.is_to_group = header[0] & 1 == 1;
        self.ether_type(u16::from_be_bytes([header[12], header[13]]), offset + 14)
    }

    /// Linux cooked: `length` bytes, protocol and sender's address at these places.
    fn cooked(&mut self, length: usize, protocol: usize, address: u32) -> Outcome {
        // Linux names frames of other kinds (802.2, CAN, ...) with numbers below 0x0600.
        let ether_type = self.read_u16(protocol, Skip::LinkMalformed)?;
        let layout = &mut self.stage.layout;
        layout.link_addresses = address;
        layout.link_addresses_length = 8;
        if ether_type < LEAST_ETHER_TYPE {
            return Err(Skip::NotIp);
        }
        self.ether_type(ether_type, length)
    }

    pub(super) fn ether_type(&mut self, mut ether_type: u16, mut offset: usize) -> Outcome {
        self.stage.layout.vlan = offset as u32;
        let mut tags = 0;
        while let 0x8100 | 0x88a8 | 0x9100 | 0x9200 = ether_type {
            if tags == MOST_LAYERS {
                return Err(Skip::TooManyLayers);
            }
            let tag = self.read::<4>(offset, Skip::LinkMalformed)?;
            // Id 0 carries a priority only and names no VLAN.
            self.stage.context.vlans[tags] = u16::from_be_bytes([tag[0], tag[1]]) & 0x0fff;
            ether_type = u16::from_be_bytes([tag[2], tag[3]]);
            tags += 1;
            offset += 4;
        }
        self.stage.layout.vlan_tags = tags as u32;
        match ether_type {
            IPV4 | IPV6 => self.ip(offset),
            ARP | RARP => Err(Skip::Arp),
            MPLS_UNICAST | MPLS_MULTICAST => self.mpls(offset),
            PPPOE_SESSION => self.pppoe(offset),
            PPP => self.ppp(offset),
            0..LEAST_ETHER_TYPE => self.llc(offset),
            _ => Err(Skip::NotIp),
        }
    }

    /// IEEE 802.2; IP only in its SNAP form, RFC 1042.
    fn llc(&mut self, offset: usize) -> Outcome {
        match self.read::<8>(offset, Skip::Llc) {
            Ok(&[0xaa, 0xaa, 3, 0, 0, 0, upper, lower]) => {
                let ether_type = u16::from_be_bytes([upper, lower]);
                match ether_type {
                    IPV4 | IPV6 => self.ip(offset + 8),
                    ARP | RARP => Err(Skip::Arp),
                    _ => Err(Skip::Llc),
                }
            }
            _ => Err(Skip::Llc),
        }
    }

    fn mpls(&mut self, mut offset: usize) -> Outcome {
        for _ in 0..MOST_LABELS {
            let label = self.read::<4>(offset, Skip::LinkMalformed)?;
            offset += 4;
            if label[2] & 1 == 1 {
                // Nothing says what follows the last label: routers look at this nibble too.
                return match self.read::<1>(offset, Skip::LinkMalformed)?[0] >> 4 {
                    4 | 6 => self.ip(offset),
                    _ => Err(Skip::NotIp),
                };
            }
        }
        Err(Skip::TooManyLayers)
    }

    fn pppoe(&mut self, offset: usize) -> Outcome {
        let header = self.read::<6>(offset, Skip::LinkMalformed)?;
        // Version 1, type 1, code 0: session data.
        if header[0] != 0x11 {
            return Err(Skip::LinkMalformed);
        }
        if header[1] != 0 {
            return Err(Skip::NotIp);
        }
        self.ppp(offset + 6)
    }

    /// PPP, with or without address and control bytes, RFC 1661 and 1662.
    pub(super) fn ppp(&mut self, offset: usize) -> Outcome {
        match *self.read::<2>(offset, Skip::LinkMalformed)? {
            [0xff, 0x03] => self.ppp_protocol(offset + 2),
            // Cisco HDLC in the same link type: unicast or multicast, then an EtherType.
            [0x0f | 0x8f, 0] => {
                let ether_type = self.read_u16(offset + 2, Skip::LinkMalformed)?;
                self.ether_type(ether_type, offset + 4)
            }
            _ => self.ppp_protocol(offset),
        }
    }

    fn ppp_with_direction(&mut self) -> Outcome {
        match *self.read::<3>(0, Skip::LinkMalformed)? {
            [_, 0xff, 0x03] => self.ppp_protocol(3),
            // The direction byte took the place of the address byte.
            [_, 0x03, _] => self.ppp_protocol(2),
            _ => self.ppp_protocol(1),
        }
    }

    fn ppp_protocol(&mut self, offset: usize) -> Outcome {
        let first = self.read::<1>(offset, Skip::LinkMalformed)?[0];
        // Only the last byte of a protocol number is odd, so a first odd byte is all of it.
        let (protocol, offset) = if first & 1 == 1 {
            (u16::from(first), offset + 1)
        } else {
            (self.read_u16(offset, Skip::LinkMalformed)?, offset + 2)
        };
        match protocol {
            0x0021 | 0x0057 => self.ip(offset),
            0x0281 => self.mpls(offset),
            _ => Err(Skip::NotIp),
        }
    }

    fn cisco_hdlc(&mut self) -> Outcome {
        match *self.read::<4>(0, Skip::LinkMalformed)? {
            [_, _, upper, lower] => self.ether_type(u16::from_be_bytes([upper, lower]), 4),
        }
    }

    /// An address family, in the byte order of whichever host captured it.
    fn loopback(&mut self) -> Outcome {
        let family = *self.read::<4>(0, Skip::LinkMalformed)?;
        let family = u32::from_le_bytes(family).min(u32::from_be_bytes(family));
        match family {
            // AF_INET; AF_INET6 of Linux, NetBSD, FreeBSD, macOS.
            2 | 10 | 24 | 28 | 30 => self.ip(4),
            _ => Err(Skip::NotIp),
        }
    }
}
