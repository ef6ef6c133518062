//! Conversations: a whole TCP connection, or an exchange of UDP datagrams.

use std::net::SocketAddr;

use super::{
    headers::{Flags, TcpFields, ethernet, ip, tcp, udp},
    writer::{Record, record},
};
use crate::packet::{Direction, Protocol};

/// A TCP connection: handshake, data, and FIN both ways with the closing ACK.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversation {
    /// Who connects.
    pub client: SocketAddr,
    /// Who listens.
    pub server: SocketAddr,
    /// Time of the first frame, in nanoseconds since the epoch.
    pub start_nanoseconds: i64,
    /// Time from frame to frame, in nanoseconds.
    pub gap_nanoseconds: i64,
    /// What is said, in order.
    pub payloads: Vec<(Direction, Vec<u8>)>,
}

/// One request of 100 bytes and one answer of 300, 1 ms apart.
impl Default for Conversation {
    fn default() -> Self {
        Self {
            client: SocketAddr::from(([10, 0, 0, 1], 40_000)),
            server: SocketAddr::from(([10, 0, 0, 2], 443)),
            start_nanoseconds: 1_456_790_400_000_000_000,
            gap_nanoseconds: 1_000_000,
            payloads: vec![
                (Direction::Forward, vec![0xaa; 100]),
                (Direction::Backward, vec![0xbb; 300]),
            ],
        }
    }
}

impl Conversation {
    /// Its IP packets, first to last: 3 of the handshake, one a payload, 3 of the end.
    pub fn packets(&self) -> Vec<Vec<u8>> {
        use Direction::{Backward, Forward};
        let opening = [
            (Forward, Flags::SYN, &[][..]),
            (Backward, Flags::SYN | Flags::ACK, &[]),
            (Forward, Flags::ACK, &[]),
        ];
        let said = self
            .payloads
            .iter()
            .map(|(direction, payload)| (*direction, Flags::PSH | Flags::ACK, payload.as_slice()));
        let closing = [
            (Forward, Flags::FIN | Flags::ACK, &[][..]),
            (Backward, Flags::FIN | Flags::ACK, &[]),
            (Forward, Flags::ACK, &[]),
        ];
        // Next sequence number of each side; SYN and FIN count as one byte.
        let mut next = [1_000_u32, 2_000_u32];
        opening
            .into_iter()
            .chain(said)
            .chain(closing)
            .map(|(direction, flags, payload)| {
                let (own, other) = match direction {
                    Forward => (0, 1),
                    Backward => (1, 0),
                };
                let fields = TcpFields {
                    sequence: next[own],
                    acknowledgement: if flags & Flags::ACK == 0 {
                        0
                    } else {
                        next[other]
                    },
                    flags,
                    ..TcpFields::default()
                };
                let counted =
                    payload.len() as u32 + u32::from(flags & (Flags::SYN | Flags::FIN) != 0);
                next[own] = next[own].wrapping_add(counted);
                let (source, destination) = match direction {
                    Forward => (self.client, self.server),
                    Backward => (self.server, self.client),
                };
                let segment = tcp(source, destination, &fields, payload);
                ip(source.ip(), destination.ip(), Protocol::Tcp, &segment)
            })
            .collect()
    }

    /// Its Ethernet frames with their times.
    pub fn frames(&self) -> Vec<Record> {
        (0..)
            .zip(self.packets())
            .map(|(number, packet)| {
                let nanoseconds = self.start_nanoseconds + number * self.gap_nanoseconds;
                record(nanoseconds, ethernet(&packet))
            })
            .collect()
    }
}

/// IP packets of UDP datagrams between two ends, in order.
pub fn udp_exchange(
    client: SocketAddr,
    server: SocketAddr,
    payloads: &[(Direction, &[u8])],
) -> Vec<Vec<u8>> {
    payloads
        .iter()
        .map(|&(direction, payload)| {
            let (source, destination) = match direction {
                Direction::Forward => (client, server),
                Direction::Backward => (server, client),
            };
            let segment = udp(source, destination, payload);
            ip(source.ip(), destination.ip(), Protocol::Udp, &segment)
        })
        .collect()
}
