//! Headers: transport, IP, link, with right lengths and checksums.

use std::net::{IpAddr, SocketAddr};

use crate::packet::Protocol;

/// TCP flags by name.
#[derive(Debug, Clone, Copy)]
pub struct Flags;

impl Flags {
    /// No more data from the sender.
    pub const FIN: u8 = 0x01;
    /// Synchronise sequence numbers.
    pub const SYN: u8 = 0x02;
    /// Reset.
    pub const RST: u8 = 0x04;
    /// Push.
    pub const PSH: u8 = 0x08;
    /// The acknowledgement number counts.
    pub const ACK: u8 = 0x10;
    /// The urgent pointer counts.
    pub const URG: u8 = 0x20;
}

/// What a TCP header says beside ports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TcpFields {
    /// Sequence number.
    pub sequence: u32,
    /// Acknowledgement number.
    pub acknowledgement: u32,
    /// Flags, CWR to FIN.
    pub flags: u8,
    /// Window.
    pub window: u16,
    /// Options; padded with end-of-options to 32 bits.
    pub options: Vec<u8>,
}

/// ACK, and nothing special.
impl Default for TcpFields {
    fn default() -> Self {
        Self {
            sequence: 1,
            acknowledgement: 1,
            flags: Flags::ACK,
            window: 64_240,
            options: Vec::new(),
        }
    }
}

/// What an IP header says beside addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IpFields {
    /// IPv4 identification.
    pub identification: u16,
    /// Time to live or hop limit.
    pub ttl: u8,
    /// Type of service or traffic class.
    pub tos: u8,
    /// IPv6 flow label, 20 bits.
    pub flow_label: u32,
}

/// 64 hops, and zeros.
impl Default for IpFields {
    fn default() -> Self {
        Self {
            identification: 0,
            ttl: 64,
            tos: 0,
            flow_label: 0,
        }
    }
}

/// A TCP segment.
pub fn tcp(
    source: SocketAddr,
    destination: SocketAddr,
    fields: &TcpFields,
    payload: &[u8],
) -> Vec<u8> {
    let mut options = fields.options.clone();
    options.resize(options.len().next_multiple_of(4), 0);
    let mut bytes = ports(source, destination);
    bytes.extend(fields.sequence.to_be_bytes());
    bytes.extend(fields.acknowledgement.to_be_bytes());
    bytes.push(((5 + options.len() / 4) << 4) as u8);
    bytes.push(fields.flags);
    bytes.extend(fields.window.to_be_bytes());
    bytes.extend([0; 4]);
    bytes.extend(options);
    bytes.extend(payload);
    fill_checksum(&mut bytes, 16, source, destination, 6);
    bytes
}

/// A UDP datagram.
pub fn udp(source: SocketAddr, destination: SocketAddr, payload: &[u8]) -> Vec<u8> {
    let mut bytes = ports(source, destination);
    bytes.extend((payload.len() as u16 + 8).to_be_bytes());
    bytes.extend([0; 2]);
    bytes.extend(payload);
    fill_checksum(&mut bytes, 6, source, destination, 17);
    bytes
}

/// An SCTP packet with these chunks; its CRC-32C is left 0, which nothing here reads.
pub fn sctp(source: SocketAddr, destination: SocketAddr, chunks: &[u8]) -> Vec<u8> {
    let mut bytes = ports(source, destination);
    bytes.extend([0, 0, 0, 1, 0, 0, 0, 0]);
    bytes.extend(chunks);
    bytes
}

fn ports(source: SocketAddr, destination: SocketAddr) -> Vec<u8> {
    [
        source.port().to_be_bytes(),
        destination.port().to_be_bytes(),
    ]
    .concat()
}

/// The checksum over pseudo-header and segment, RFC 9293 and 8200.
fn fill_checksum(
    segment: &mut [u8],
    place: usize,
    source: SocketAddr,
    destination: SocketAddr,
    protocol: u8,
) {
    let mut covered = octets(source.ip());
    covered.extend(octets(destination.ip()));
    covered.extend((segment.len() as u32).to_be_bytes());
    covered.extend([0, 0, 0, protocol]);
    covered.extend(&*segment);
    let checksum = match internet_checksum(&covered) {
        // UDP says "none" with 0, so a sum of 0 is sent as its other form.
        0 if protocol == 17 => 0xffff,
        checksum => checksum,
    };
    segment[place..place + 2].copy_from_slice(&checksum.to_be_bytes());
}

/// The ones' complement of the ones' complement sum, RFC 1071.
fn internet_checksum(bytes: &[u8]) -> u16 {
    let mut sum: u32 = 0;
    for pair in bytes.chunks(2) {
        let low = pair.get(1).copied().unwrap_or(0);
        sum += u32::from(u16::from_be_bytes([pair[0], low]));
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    }
}

/// The IP packet of a segment, version 4 or 6 as the addresses are.
pub fn ip(source: IpAddr, destination: IpAddr, protocol: Protocol, segment: &[u8]) -> Vec<u8> {
    let number = match protocol {
        Protocol::Tcp => 6,
        Protocol::Udp => 17,
        Protocol::Sctp => 132,
    };
    ip_of(source, destination, number, IpFields::default(), segment)
}

/// The IP packet of anything: a protocol number or an extension header in front of `payload`.
pub fn ip_of(
    source: IpAddr,
    destination: IpAddr,
    protocol: u8,
    fields: IpFields,
    payload: &[u8],
) -> Vec<u8> {
    let mut bytes = Vec::new();
    if source.is_ipv4() {
        bytes.extend([0x45, fields.tos]);
        bytes.extend((payload.len() as u16 + 20).to_be_bytes());
        bytes.extend(fields.identification.to_be_bytes());
        bytes.extend([0, 0, fields.ttl, protocol, 0, 0]);
    } else {
        let front = 6 << 28 | u32::from(fields.tos) << 20 | fields.flow_label & 0xf_ffff;
        bytes.extend(front.to_be_bytes());
        bytes.extend((payload.len() as u16).to_be_bytes());
        bytes.extend([protocol, fields.ttl]);
    }
    bytes.extend(octets(source));
    bytes.extend(octets(destination));
    if source.is_ipv4() {
        fill_ipv4_checksum(&mut bytes);
    }
    bytes.extend(payload);
    bytes
}

fn fill_ipv4_checksum(header: &mut [u8]) {
    header[10..12].fill(0);
    let checksum = internet_checksum(&header[..20]);
    header[10..12].copy_from_slice(&checksum.to_be_bytes());
}

/// Cuts an IP packet without options into fragments of at most `size` bytes of payload, a
/// multiple of 8.
pub fn fragments(packet: &[u8], identification: u16, size: usize) -> Vec<Vec<u8>> {
    let is_version_4 = packet[0] >> 4 == 4;
    let header_length = if is_version_4 { 20 } else { 40 };
    let (header, payload) = packet.split_at(header_length);
    let count = payload.len().div_ceil(size);
    payload
        .chunks(size)
        .enumerate()
        .map(|(number, piece)| {
            let more_follow = number + 1 < count;
            let offset = (number * size) as u16;
            let mut bytes = header.to_vec();
            if is_version_4 {
                let more = if more_follow { 0x2000 } else { 0 };
                bytes[2..4].copy_from_slice(&(piece.len() as u16 + 20).to_be_bytes());
                bytes[4..6].copy_from_slice(&identification.to_be_bytes());
                bytes[6..8].copy_from_slice(&(more | (offset / 8)).to_be_bytes());
                fill_ipv4_checksum(&mut bytes);
            } else {
                bytes[4..6].copy_from_slice(&(piece.len() as u16 + 8).to_be_bytes());
                bytes[6] = 44;
                bytes.extend([header[6], 0]);
                bytes.extend((offset | u16::from(more_follow)).to_be_bytes());
                bytes.extend(u32::from(identification).to_be_bytes());
            }
            bytes.extend(piece);
            bytes
        })
        .collect()
}

fn ether_type(packet: &[u8]) -> [u8; 2] {
    match packet.first().map(|byte| byte >> 4) {
        Some(6) => [0x86, 0xdd],
        _ => [0x08, 0x00],
    }
}

/// An Ethernet frame of an IP packet.
pub fn ethernet(packet: &[u8]) -> Vec<u8> {
    let mut bytes = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];
    bytes.extend(ether_type(packet));
    bytes.extend(packet);
    bytes
}

/// An Ethernet frame with a tag of this VLAN put in; put in two for QinQ.
pub fn vlan(frame: &[u8], id: u16) -> Vec<u8> {
    let is_tagged = frame[12..14] == [0x81, 0x00];
    let mut bytes = frame[..12].to_vec();
    bytes.extend(if is_tagged {
        [0x88, 0xa8]
    } else {
        [0x81, 0x00]
    });
    bytes.extend(id.to_be_bytes());
    bytes.extend(&frame[12..]);
    bytes
}

/// An Ethernet frame of an IP packet under MPLS labels, outermost first.
pub fn mpls(packet: &[u8], labels: &[u32]) -> Vec<u8> {
    let mut bytes = ethernet(&[]);
    bytes[12..14].copy_from_slice(&[0x88, 0x47]);
    for (number, label) in labels.iter().enumerate() {
        let is_last = u32::from(number + 1 == labels.len());
        bytes.extend((label << 12 | is_last << 8 | 64).to_be_bytes());
    }
    bytes.extend(packet);
    bytes
}

/// An Ethernet frame of an IP packet in a PPPoE session.
pub fn pppoe(packet: &[u8], session: u16) -> Vec<u8> {
    let mut bytes = ethernet(&[]);
    bytes[12..14].copy_from_slice(&[0x88, 0x64]);
    let inside = ppp_protocol(packet);
    bytes.extend([0x11, 0]);
    bytes.extend(session.to_be_bytes());
    bytes.extend((inside.len() as u16).to_be_bytes());
    bytes.extend(inside);
    bytes
}

/// A PPP frame of an IP packet, with address and control bytes.
pub fn ppp(packet: &[u8]) -> Vec<u8> {
    [&[0xff, 0x03], &*ppp_protocol(packet)].concat()
}

fn ppp_protocol(packet: &[u8]) -> Vec<u8> {
    let protocol = if ether_type(packet) == [0x08, 0x00] {
        [0x00, 0x21]
    } else {
        [0x00, 0x57]
    };
    [&protocol, packet].concat()
}

/// A Linux cooked frame, version 1, of an IP packet.
pub fn cooked(packet: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0];
    bytes.extend(ether_type(packet));
    bytes.extend(packet);
    bytes
}

/// A Linux cooked frame, version 2, of an IP packet.
pub fn cooked_v2(packet: &[u8]) -> Vec<u8> {
    let mut bytes = ether_type(packet).to_vec();
    bytes.extend([0, 0, 0, 0, 0, 3, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0]);
    bytes.extend(packet);
    bytes
}

/// A BSD loopback frame of an IP packet, the address family in this host's byte order.
pub fn loopback(packet: &[u8], big_endian: bool) -> Vec<u8> {
    let family: u32 = if ether_type(packet) == [0x08, 0x00] {
        2
    } else {
        30
    };
    let family = if big_endian {
        family.to_be_bytes()
    } else {
        family.to_le_bytes()
    };
    [&family, packet].concat()
}
