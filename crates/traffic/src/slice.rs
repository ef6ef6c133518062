//! Slices: the first bytes of a session under a byte policy, zero-padded.

use std::num::NonZeroUsize;

use crate::{
    decode::Layout,
    packet::{Packet, Protocol},
    policy::{BytePolicy, Start, Zeros, field_mask, visit_fields},
};

/// Bytes of a slice by default: 28 x 28, as in the literature.
pub const SLICE_LENGTH: usize = 784;

/// What the networks see of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slice {
    bytes: Box<[u8]>,
    filled: usize,
}

impl Slice {
    /// A slice of padding only, for packets to come.
    pub fn empty(length: NonZeroUsize) -> Self {
        Self {
            bytes: vec![0; length.get()].into_boxed_slice(),
            filled: 0,
        }
    }

    /// A slice that begins with these bytes, at most `length`, and is padding from there on.
    pub(crate) fn of_bytes(filled: &[u8], length: usize) -> Self {
        let mut bytes = Vec::with_capacity(length);
        bytes.extend_from_slice(filled);
        bytes.resize(length, 0);
        Self {
            bytes: bytes.into_boxed_slice(),
            filled: filled.len(),
        }
    }

    /// A slice of one packet.
    pub fn of_packet(packet: &Packet<'_>, policy: &BytePolicy, length: NonZeroUsize) -> Self {
        let mut slice = Self::empty(length);
        slice.append(packet, policy);
        slice
    }

    /// All its bytes, padding included.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many bytes are not padding.
    pub fn filled(&self) -> usize {
        self.filled
    }

    /// Whether there is no room for another packet.
    pub fn is_full(&self) -> bool {
        self.filled == self.bytes.len()
    }

    /// Adds a packet's bytes under a policy, as far as there is room.
    pub fn append(&mut self, packet: &Packet<'_>, policy: &BytePolicy) {
        self.filled = append(&mut self.bytes, self.filled, packet, *policy);
    }
}

/// As [`append`] of a plain packet, by zeros worked out before; `None`, and nothing is filled, if they
/// cannot tell.
pub(crate) fn append_plain(
    bytes: &mut [u8],
    filled: usize,
    packet: (&[u8], &Layout, Protocol),
    policy: BytePolicy,
    zeros: &Zeros,
) -> Option<usize> {
    let (captured, layout, protocol) = packet;
    let start = start_of(layout, policy);
    let length = (bytes.len() - filled).min(captured.len() - start);
    let place = &mut bytes[filled..filled + length];
    place.copy_from_slice(&captured[start..start + length]);
    let is_done = zeros.apply(layout, protocol, start, place);
    is_done.then_some(filled + length)
}

/// Where the bytes of a packet begin that enter a slice.
fn start_of(layout: &Layout, policy: BytePolicy) -> usize {
    let start = match policy.start() {
        Start::Link => layout.link,
        Start::Ip => layout.ip,
        Start::Payload => layout.payload,
    };
    start as usize
}

/// Adds a packet's bytes under a policy to those that are filled, as far as there is room; says
/// how many are filled then.
pub(crate) fn append(
    bytes: &mut [u8],
    filled: usize,
    packet: &Packet<'_>,
    policy: BytePolicy,
) -> usize {
    let start = start_of(&packet.layout, policy);
    let room = bytes.len() - filled;
    let length = room.min(packet.bytes.len() - start);
    if length == 0 {
        return filled;
    }
    let place = &mut bytes[filled..filled + length];
    place.copy_from_slice(&packet.bytes[start..start + length]);
    let zeroed = policy.zeroed();
    if zeroed.is_empty() {
        return filled + length;
    }
    visit_fields(packet, &mut |field, range| {
        if zeroed.contains(field) {
            let range = range.start.max(start)..range.end.min(start + length);
            for offset in range {
                place[offset - start] &= !field_mask(packet, field, offset);
            }
        }
    });
    filled + length
}
