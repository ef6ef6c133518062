//! Excerpts: the first packets of a session as they were captured, for whoever wants to look at them.

use crate::{
    decode::{FRAGMENT, extension_length},
    link::LinkType,
    packet::Packet,
    timestamp::Timestamp,
};

/// How much of each open session is kept as it was captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExcerptLimits {
    /// Packets of a session.
    pub packets: usize,
    /// Bytes of a packet; of a longer one, the rest is left out.
    pub packet_bytes: usize,
    /// Bytes of a session; the packet that goes beyond and all behind it are left out.
    pub bytes: usize,
    /// Bytes of all open sessions together; beyond, nothing more is kept of any.
    pub all_bytes: usize,
}

/// 64 packets and 64 KiB of a session, 256 MiB in all.
impl Default for ExcerptLimits {
    fn default() -> Self {
        Self {
            packets: 64,
            packet_bytes: 2 << 10,
            bytes: 64 << 10,
            all_bytes: 256 << 20,
        }
    }
}

/// The first packets of a session, each from the first byte of its frame to its last own byte.
///
/// A datagram that came in fragments is one packet, its IP header mended to say so; where it is a
/// tunnel that came in fragments, the outer header stays that of the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    link_type: LinkType,
    heads: Vec<Head>,
    bytes: Vec<u8>,
    is_over: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Head {
    timestamp: Timestamp,
    original_length: u32,
    captured: u32,
}

impl Excerpt {
    /// Nothing yet of a session whose first packet has this link type.
    pub(crate) fn new(link_type: LinkType) -> Self {
        Self {
            link_type,
            heads: Vec::new(),
            bytes: Vec::new(),
            is_over: false,
        }
    }

    /// Takes a packet in if there is room for it, and for `left` bytes in all; says how many it took.
    pub(crate) fn add(
        &mut self,
        packet: &Packet<'_>,
        limits: &ExcerptLimits,
        left: usize,
    ) -> usize {
        let captured = packet.bytes.len().min(limits.packet_bytes);
        let room = limits.bytes.saturating_sub(self.bytes.len()).min(left);
        // A pcap file is of one link type.
        self.is_over |= self.heads.len() >= limits.packets
            || captured > room
            || packet.link_type != self.link_type;
        if self.is_over {
            return 0;
        }
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&packet.bytes[..captured]);
        mend(&mut self.bytes[start..], packet);
        self.heads.push(Head {
            timestamp: packet.timestamp,
            original_length: packet.layout.ip + packet.length,
            captured: captured as u32,
        });
        captured
    }

    /// Packets in it.
    pub fn packets(&self) -> usize {
        self.heads.len()
    }

    /// Bytes of them.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// It as a pcap file, little-endian, nanoseconds.
    ///
    /// Source: draft-ietf-opsawg-pcap.
    pub fn to_pcap(&self) -> Vec<u8> {
        const MAGIC: u32 = 0xa1b2_3c4d;
        const VERSION: u32 = 0x0004_0002;
        const SNAP_LENGTH: u32 = 262_144;
        let mut file = Vec::with_capacity(24 + 16 * self.heads.len() + self.bytes.len());
        let mut put = |words: &[u32], bytes: &[u8]| {
            file.extend(words.iter().flat_map(|word| word.to_le_bytes()));
            file.extend_from_slice(bytes);
        };
        put(&[MAGIC, VERSION, 0, 0, SNAP_LENGTH, self.link_type.0], &[]);
        let mut rest = &self.bytes[..];
        for head in &self.heads {
            let (bytes, behind) = rest.split_at(head.captured as usize);
            rest = behind;
            let nanoseconds = head.timestamp.nanoseconds();
            let seconds = nanoseconds.div_euclid(1_000_000_000) as u32;
            let fraction = nanoseconds.rem_euclid(1_000_000_000) as u32;
            put(
                &[seconds, fraction, head.captured, head.original_length],
                bytes,
            );
        }
        file
    }
}

/// Makes the IP header of a datagram that came in fragments that of a whole one.
fn mend(bytes: &mut [u8], packet: &Packet<'_>) {
    let ip = packet.layout.ip as usize;
    let transport = packet.layout.transport as usize;
    // What is cut off within its headers says nothing anyway.
    let Some(headers) = bytes.get_mut(ip..transport) else {
        return;
    };
    match packet.layout.ip_version {
        4 if headers.len() >= 20 => mend_version_4(headers, packet.length),
        6 if headers.len() >= 40 => mend_version_6(headers, packet.length),
        _ => {}
    }
}

fn mend_version_4(headers: &mut [u8], length: u32) {
    const MORE_FRAGMENTS: u8 = 0x20;
    if headers[6] & MORE_FRAGMENTS == 0 {
        return;
    }
    headers[2..4].copy_from_slice(&(length as u16).to_be_bytes());
    headers[6] &= !MORE_FRAGMENTS;
    headers[10..12].fill(0);
    let header_length = (usize::from(headers[0] & 0x0f) * 4).min(headers.len());
    let words = headers[..header_length].chunks_exact(2);
    let sum: u32 = words
        .map(|word| u32::from(u16::from_be_bytes([word[0], word[1]])))
        .sum();
    // At most 30 words: folding twice is enough.
    let sum = (sum & 0xffff) + (sum >> 16);
    let sum = (sum & 0xffff) + (sum >> 16);
    headers[10..12].copy_from_slice(&(!(sum as u16)).to_be_bytes());
}

/// Leaves an atomic fragment, which is whole: RFC 6946.
fn mend_version_6(headers: &mut [u8], length: u32) {
    const FIXED: usize = 40;
    let (mut next, mut at) = (headers[6], FIXED);
    while let Some(front) = headers.get(at..at + 4) {
        let front = [front[0], front[1], front[2], front[3]];
        if next == FRAGMENT {
            if front[3] & 1 != 0 {
                headers[at + 3] &= !1;
                let payload = length.saturating_sub(FIXED as u32) as u16;
                headers[4..6].copy_from_slice(&payload.to_be_bytes());
            }
            return;
        }
        let Some(length) = extension_length(next, [front[0], front[1]]) else {
            return;
        };
        (next, at) = (front[0], at + length);
    }
}
