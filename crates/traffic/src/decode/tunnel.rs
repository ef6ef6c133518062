//! Tunnels: recognised and counted; entered where the inner packets are asked for.

use super::{
    Tunnels,
    walk::{Outcome, Walk},
};
use crate::{packet::TunnelKind, tally::Skip};

const VXLAN_PORT: u16 = 4789;
/// What Linux used before the port was assigned, and still does by default.
const VXLAN_LINUX_PORT: u16 = 8472;
const GENEVE_PORT: u16 = 6081;
const GTP_U_PORT: u16 = 2152;
const TEREDO_PORT: u16 = 3544;

const ETHER_TYPE_IPV4: u16 = 0x0800;
const ETHER_TYPE_IPV6: u16 = 0x86dd;
const TRANSPARENT_ETHERNET: u16 = 0x6558;
const PPP_IN_GRE: u16 = 0x880b;
const ERSPAN_TYPE_II: u16 = 0x88be;
const ERSPAN_TYPE_III: u16 = 0x22eb;

/// GTP-U: a user packet, the one message that carries one.
const G_PDU: u8 = 255;

/// Whether a tunnel may be found at this port.
pub(super) fn is_tunnel_port(port: u16) -> bool {
    matches!(
        port,
        VXLAN_PORT | VXLAN_LINUX_PORT | GENEVE_PORT | GTP_U_PORT | TEREDO_PORT
    )
}

/// A tunnel over UDP, recognised by port and by a header that makes sense.
pub(super) struct UdpTunnel {
    pub(super) kind: TunnelKind,
    network: u32,
    /// Where its contents begin, and what they are.
    offset: usize,
    content: Content,
}

enum Content {
    Ethernet,
    Ip,
    EtherType(u16),
    /// Signalling: no packet inside.
    Nothing,
}

impl Walk<'_, '_> {
    pub(super) fn udp_tunnel(&self, ports: [u16; 2], payload: usize) -> Option<UdpTunnel> {
        match ports {
            [_, VXLAN_PORT | VXLAN_LINUX_PORT] => self.vxlan(payload),
            [_, GENEVE_PORT] => self.geneve(payload),
            [GTP_U_PORT, _] | [_, GTP_U_PORT] => self.gtp_u(payload),
            [TEREDO_PORT, _] | [_, TEREDO_PORT] => self.teredo(payload),
            _ => None,
        }
    }

    pub(super) fn enter_udp_tunnel(&mut self, tunnel: UdpTunnel) -> Outcome {
        self.enter(tunnel.kind, tunnel.offset)?;
        if matches!(tunnel.kind, TunnelKind::Vxlan | TunnelKind::Geneve) {
            self.stage.context.network = tunnel.network;
        }
        match tunnel.content {
            Content::Ethernet => self.inner_ethernet(tunnel.offset),
            Content::Ip => self.ip(tunnel.offset),
            Content::EtherType(ether_type) => self.inner(ether_type, tunnel.offset),
            Content::Nothing => Err(Skip::NotIp),
        }
    }

    fn vxlan(&self, offset: usize) -> Option<UdpTunnel> {
        let header = self.read::<8>(offset, Skip::TunnelMalformed).ok()?;
        // Only the bit that says the network identifier is valid may be relied on.
        (header[0] & 0x08 != 0).then_some(UdpTunnel {
            kind: TunnelKind::Vxlan,
            network: u32::from_be_bytes([0, header[4], header[5], header[6]]),
            offset: offset + 8,
            content: Content::Ethernet,
        })
    }

    fn geneve(&self, offset: usize) -> Option<UdpTunnel> {
        let header = self.read::<8>(offset, Skip::TunnelMalformed).ok()?;
        let options = usize::from(header[0] & 0x3f) * 4;
        (header[0] >> 6 == 0).then_some(UdpTunnel {
            kind: TunnelKind::Geneve,
            network: u32::from_be_bytes([0, header[4], header[5], header[6]]),
            offset: offset + 8 + options,
            content: Content::EtherType(u16::from_be_bytes([header[2], header[3]])),
        })
    }

    fn gtp_u(&self, offset: usize) -> Option<UdpTunnel> {
        let header = self.read::<8>(offset, Skip::TunnelMalformed).ok()?;
        // Version 1, and GTP rather than GTP' (charging).
        if header[0] >> 4 != 3 {
            return None;
        }
        let mut contents = offset + 8;
        // Any of three flags adds sequence number, N-PDU number and the next extension's type.
        if header[0] & 0x07 != 0 {
            let mut next = self.read::<4>(contents, Skip::TunnelMalformed).ok()?[3];
            contents += 4;
            while header[0] & 0x04 != 0 && next != 0 {
                let units = self.read::<1>(contents, Skip::TunnelMalformed).ok()?[0];
                let length = usize::from(units.max(1)) * 4;
                next = self
                    .read::<1>(contents + length - 1, Skip::TunnelMalformed)
                    .ok()?[0];
                contents += length;
            }
        }
        Some(UdpTunnel {
            kind: TunnelKind::GtpU,
            network: 0,
            offset: contents,
            content: if header[1] == G_PDU {
                Content::Ip
            } else {
                Content::Nothing
            },
        })
    }

    /// An IPv6 packet, with an authentication and an origin header possibly before it.
    fn teredo(&self, mut offset: usize) -> Option<UdpTunnel> {
        let read = |at| self.read::<4>(at, Skip::TunnelMalformed).ok();
        if let [0, 1, client, authentication] = *read(offset)? {
            offset += 13 + usize::from(client) + usize::from(authentication);
        }
        if let [0, 0, ..] = *read(offset)? {
            offset += 8;
        }
        (read(offset)?[0] >> 4 == 6).then_some(UdpTunnel {
            kind: TunnelKind::Teredo,
            network: 0,
            offset,
            content: Content::Ip,
        })
    }

    pub(super) fn ip_in_ip(&mut self, inner_is_version_6: bool, offset: usize) -> Outcome {
        let kind = if inner_is_version_6 && self.stage.layout.ip_version == 4 {
            TunnelKind::SixInFour
        } else {
            TunnelKind::IpInIp
        };
        self.count_tunnel(kind);
        if self.tunnels == Tunnels::Outer {
            return Err(Skip::TunnelWithoutPorts);
        }
        self.enter(kind, offset)?;
        self.ip(offset)
    }

    pub(super) fn gre(&mut self, offset: usize) -> Outcome {
        self.count_tunnel(TunnelKind::Gre);
        if self.tunnels == Tunnels::Outer {
            return Err(Skip::TunnelWithoutPorts);
        }
        let [flags, version, upper, lower] = *self.read::<4>(offset, Skip::TunnelMalformed)?;
        let protocol = u16::from_be_bytes([upper, lower]);
        // Source routes (0x40) were dropped by RFC 2784; nobody sends them.
        if flags & 0x40 != 0 || version & 0x07 > 1 {
            return Err(Skip::TunnelMalformed);
        }
        // Checksum, key, sequence number; acknowledgement in PPTP's version 1.
        let fields = [
            flags & 0x80,
            flags & 0x20,
            flags & 0x10,
            if version & 0x07 == 1 {
                version & 0x80
            } else {
                0
            },
        ];
        let present = fields.iter().filter(|&&flag| flag != 0).count();
        let contents = offset + 4 + 4 * present;
        let has_sequence = flags & 0x10 != 0;
        self.enter(TunnelKind::Gre, contents)?;
        match protocol {
            TRANSPARENT_ETHERNET => self.inner_ethernet(contents),
            // Type I has neither a sequence number nor a header of its own.
            ERSPAN_TYPE_II if !has_sequence => self.inner_ethernet(contents),
            ERSPAN_TYPE_II => self.inner_ethernet(contents + 8),
            ERSPAN_TYPE_III => self.erspan_type_iii(contents),
            PPP_IN_GRE => self.ppp(contents),
            _ => self.inner(protocol, contents),
        }
    }

    fn erspan_type_iii(&mut self, offset: usize) -> Outcome {
        let header = self.read::<12>(offset, Skip::TunnelMalformed)?;
        let subheader = if header[11] & 1 == 1 { 8 } else { 0 };
        self.inner_ethernet(offset + 12 + subheader)
    }

    fn inner(&mut self, ether_type: u16, offset: usize) -> Outcome {
        match ether_type {
            TRANSPARENT_ETHERNET => self.inner_ethernet(offset),
            ETHER_TYPE_IPV4 | ETHER_TYPE_IPV6 => self.ip(offset),
            _ => self.ether_type(ether_type, offset),
        }
    }

    /// The VLANs of the outer frame are not the inner one's.
    fn inner_ethernet(&mut self, offset: usize) -> Outcome {
        self.stage.context.vlans = Default::default();
        self.ethernet(offset)
    }
}
