//! Transport headers: TCP, UDP, SCTP; other protocols over IP are told apart.

use super::{
    Tunnels,
    walk::{Outcome, Walk},
};
use crate::{packet::Protocol, tally::Skip};

const ICMP: u8 = 1;
const IP_IN_IP: u8 = 4;
const TCP: u8 = 6;
const UDP: u8 = 17;
const IPV6_IN_IP: u8 = 41;
const GRE: u8 = 47;
const ENCAPSULATING_SECURITY: u8 = 50;
const ICMP_VERSION_6: u8 = 58;
const SCTP: u8 = 132;

/// The shortest TCP header.
const TCP_HEADER: usize = 20;
const UDP_HEADER: usize = 8;
const SCTP_HEADER: usize = 12;

impl Walk<'_, '_> {
    pub(super) fn transport(&mut self, protocol: u8, offset: usize) -> Outcome {
        match protocol {
            TCP => self.tcp(offset),
            UDP => self.udp(offset),
            SCTP => self.sctp(offset),
            ICMP | ICMP_VERSION_6 => Err(Skip::Icmp),
            ENCAPSULATING_SECURITY => Err(Skip::Ipsec),
            GRE => self.gre(offset),
            IP_IN_IP | IPV6_IN_IP => self.ip_in_ip(protocol == IPV6_IN_IP, offset),
            _ => Err(Skip::NoPorts),
        }
    }

    /// The ports, which are all that a packet must have captured of its transport header.
    fn ports(&self, offset: usize, header_length: usize) -> Result<[u16; 2], Skip> {
        if offset + header_length > self.wire_end {
            return Err(Skip::TransportMalformed);
        }
        let ports = self.read::<4>(offset, Skip::TransportMalformed)?;
        Ok([
            u16::from_be_bytes([ports[0], ports[1]]),
            u16::from_be_bytes([ports[2], ports[3]]),
        ])
    }

    fn tcp(&mut self, offset: usize) -> Outcome {
        let ports = self.ports(offset, TCP_HEADER)?;
        let (header_length, flags) = match self.bytes.get(offset + 12..offset + 14) {
            Some(bytes) => (usize::from(bytes[0] >> 4) * 4, bytes[1]),
            None => (TCP_HEADER, 0),
        };
        let payload = offset + header_length;
        if header_length < TCP_HEADER || payload > self.wire_end {
            return Err(Skip::TransportMalformed);
        }
        let payload_length = self.wire_end - payload;
        Ok(self.packet(Protocol::Tcp, ports, flags, payload, payload_length))
    }

    fn udp(&mut self, offset: usize) -> Outcome {
        let ports = self.ports(offset, UDP_HEADER)?;
        let payload = offset + UDP_HEADER;
        let mut payload_length = self.wire_end - payload;
        if let Some(field) = self.bytes.get(offset + 4..offset + 6) {
            match usize::from(u16::from_be_bytes([field[0], field[1]])) {
                // 0 in jumbograms and where the network card fills it in.
                0 => {}
                1..UDP_HEADER => return Err(Skip::TransportMalformed),
                length => payload_length = payload_length.min(length - UDP_HEADER),
            }
        }
        if let Some(tunnel) = self.udp_tunnel(ports, payload) {
            self.count_tunnel(tunnel.kind);
            if self.tunnels == Tunnels::Inner {
                return self.enter_udp_tunnel(tunnel);
            }
        }
        Ok(self.packet(Protocol::Udp, ports, 0, payload, payload_length))
    }

    fn sctp(&mut self, offset: usize) -> Outcome {
        let ports = self.ports(offset, SCTP_HEADER)?;
        let payload = offset + SCTP_HEADER;
        let payload_length = self.wire_end - payload;
        Ok(self.packet(Protocol::Sctp, ports, 0, payload, payload_length))
    }
}
