//! Arrivals: what the session table needs of a packet, and what its session is found by.
#![expect(
    clippy::inline_always,
    reason = "done for each packet, where a call is dear"
)]

use super::{
    CutOptions,
    key::{End, SessionKey},
};
use crate::{
    decode::{Layout, PlainPacket, plain_layout},
    link::LinkType,
    packet::{Context, Packet},
    policy::Zeros,
    seeded_hash::Seed,
    slice::{append, append_plain},
    timestamp::Timestamp,
};

/// How much a frame tells without any other.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A [`PlainPacket`].
    Plain,
    /// Another packet.
    Unusual,
    /// Less than a packet, or more.
    Odd,
}

/// A packet but for its bytes, which are beside it wherever it goes.
#[derive(Clone, Copy)]
pub(super) struct Arrival {
    pub(super) key: SessionKey,
    /// Of the key and the context.
    pub(super) hash: u32,
    /// Where its session probably is, as far as anybody has looked.
    pub(super) guess: u32,
    pub(super) link_type: LinkType,
    pub(super) timestamp: Timestamp,
    /// How many bytes are beside it.
    pub(super) captured: u32,
    pub(super) length: u32,
    pub(super) payload_length: u32,
    pub(super) sender: End,
    pub(super) tcp_flags: u8,
    pub(super) is_to_group: bool,
    pub(super) kind: Kind,
    /// Of an unusual one; a plain one has none.
    pub(super) context: Context,
    /// Of an unusual one; that of a plain one follows from all else.
    layout: Layout,
}

impl Arrival {
    /// Of a frame of which nothing is told.
    pub(super) const ODD: Self = Self {
        key: SessionKey::NONE,
        hash: 0,
        guess: u32::MAX,
        link_type: LinkType::ETHERNET,
        timestamp: Timestamp::from_nanoseconds(0),
        captured: 0,
        length: 0,
        payload_length: 0,
        sender: End::Low,
        tcp_flags: 0,
        is_to_group: false,
        kind: Kind::Odd,
        context: Context::NONE,
        layout: Layout::NONE,
    };

    pub(super) fn of(packet: &Packet<'_>, seed: Seed) -> Self {
        let (key, sender) = SessionKey::of(packet);
        Self {
            key,
            hash: key.hash(&packet.context, seed),
            guess: u32::MAX,
            link_type: packet.link_type,
            timestamp: packet.timestamp,
            captured: packet.bytes.len() as u32,
            length: packet.length,
            payload_length: packet.payload_length,
            sender,
            tcp_flags: packet.tcp_flags,
            is_to_group: packet.is_to_group,
            kind: Kind::Unusual,
            context: packet.context,
            layout: packet.layout,
        }
    }

    /// Becomes that of a plain packet in a frame of Ethernet. Written field by field: to write it elsewhere and
    /// move it here would be a wait for the writing.
    #[inline(always)]
    pub(super) fn become_plain(&mut self, packet: &PlainPacket, timestamp: Timestamp, seed: Seed) {
        let (key, sender) = SessionKey::of_plain(packet);
        self.key = key;
        self.hash = key.hash(&Context::NONE, seed);
        self.guess = u32::MAX;
        self.link_type = LinkType::ETHERNET;
        self.timestamp = timestamp;
        self.captured = packet.end;
        self.length = packet.length();
        self.payload_length = packet.payload_length;
        self.sender = sender;
        self.tcp_flags = packet.tcp_flags;
        self.is_to_group = packet.is_to_group;
        self.kind = Kind::Plain;
    }

    fn layout(&self) -> Layout {
        match self.kind {
            Kind::Plain => plain_layout(
                self.key.ip_version(),
                self.key.protocol(),
                self.captured,
                self.payload_length,
            ),
            _ => self.layout,
        }
    }

    fn context(&self) -> Context {
        match self.kind {
            Kind::Plain => Context::NONE,
            _ => self.context,
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
        if self.kind == Kind::Plain {
            let captured = &bytes[..self.captured as usize];
            let packet = (captured, &self.layout(), self.key.protocol());
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
            context: self.context(),
            length: self.length,
            payload_length: self.payload_length,
            tcp_flags: self.tcp_flags,
            is_to_group: self.is_to_group,
            bytes: &bytes[..self.captured as usize],
            layout: self.layout(),
        }
    }
}
