//! Arrivals: what the session table needs of a packet, and what its session is found by.

use super::{
    CutOptions,
    key::{End, SessionKey},
};
use crate::{
    decode::{Layout, PlainPacket},
    link::LinkType,
    packet::{Context, Packet},
    policy::Zeros,
    seeded_hash::Seed,
    slice::{append, append_plain},
    timestamp::Timestamp,
};

/// A packet but for its bytes, which are beside it wherever it goes.
#[derive(Clone, Copy)]
pub(super) struct Arrival {
    pub(super) key: SessionKey,
    /// Of the key and the context.
    pub(super) hash: u32,
    pub(super) link_type: LinkType,
    pub(super) timestamp: Timestamp,
    /// How many bytes are beside it.
    pub(super) captured: u32,
    pub(super) length: u32,
    pub(super) payload_length: u32,
    pub(super) sender: End,
    pub(super) tcp_flags: u8,
    pub(super) is_to_group: bool,
    /// Whether it was a [`PlainPacket`].
    pub(super) is_plain: bool,
    pub(super) context: Context,
    pub(super) layout: Layout,
}

impl Arrival {
    pub(super) fn of(packet: &Packet<'_>, seed: Seed) -> Self {
        let (key, sender) = SessionKey::of(packet);
        Self {
            key,
            hash: key.hash(&packet.context, seed),
            link_type: packet.link_type,
            timestamp: packet.timestamp,
            captured: packet.bytes.len() as u32,
            length: packet.length,
            payload_length: packet.payload_length,
            sender,
            tcp_flags: packet.tcp_flags,
            is_to_group: packet.is_to_group,
            is_plain: false,
            context: packet.context,
            layout: packet.layout,
        }
    }

    /// The same of a plain packet in a frame of Ethernet.
    #[inline]
    pub(super) fn of_plain(packet: &PlainPacket, timestamp: Timestamp, seed: Seed) -> Self {
        let (key, sender) = SessionKey::of_plain(packet);
        let context = Context::default();
        Self {
            key,
            hash: key.hash(&context, seed),
            link_type: LinkType::ETHERNET,
            timestamp,
            captured: packet.end,
            length: packet.length(),
            payload_length: packet.payload_length,
            sender,
            tcp_flags: packet.tcp_flags,
            is_to_group: packet.is_to_group,
            is_plain: true,
            context,
            layout: packet.layout(),
        }
    }

    /// Adds it to what is filled of a slice, as far as there is room; says how much is filled then.
    pub(super) fn append(
        &self,
        slice: &mut [u8],
        filled: usize,
        bytes: &[u8],
        options: &CutOptions,
        zeros: &Zeros,
    ) -> usize {
        if self.is_plain {
            let captured = &bytes[..self.captured as usize];
            let packet = (captured, &self.layout, self.key.protocol());
            let done = append_plain(slice, filled, packet, options.policy, zeros);
            if let Some(filled) = done {
                return filled;
            }
        }
        append(slice, filled, &self.packet(bytes), options.policy)
    }

    /// The packet again, of bytes that begin with it.
    pub(super) fn packet<'a>(&self, bytes: &'a [u8]) -> Packet<'a> {
        Packet {
            timestamp: self.timestamp,
            link_type: self.link_type,
            five_tuple: self.key.five_tuple(self.sender),
            context: self.context,
            length: self.length,
            payload_length: self.payload_length,
            tcp_flags: self.tcp_flags,
            is_to_group: self.is_to_group,
            bytes: &bytes[..self.captured as usize],
            layout: self.layout,
        }
    }
}
