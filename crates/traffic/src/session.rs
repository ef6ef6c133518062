//! Sessions: both directions of one conversation.

use serde::{Deserialize, Serialize};

use crate::{
    background::Background,
    excerpt::Excerpt,
    link::LinkType,
    packet::{Context, Direction, FiveTuple},
    slice::Slice,
    statistics::Statistics,
    timestamp::Timestamp,
};

/// How many packets of a session are summarised.
pub const SUMMARIES: usize = 64;

/// What is kept of one packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PacketSummary {
    /// Which way it goes.
    pub direction: Direction,
    /// Its length on the wire from the IP header on, in bytes; 65,535 if longer.
    pub length: u16,
    /// Its transport payload's length, in bytes; 65,535 if longer.
    pub payload_length: u16,
    /// Nanoseconds since the session's first packet; 0 if the capture has it earlier.
    pub offset_nanoseconds: u64,
}

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SessionEnd {
    /// The capture ended.
    Capture,
    /// No packet for longer than the idle time-out.
    Idle,
    /// Open for longer than the active time-out.
    Active,
    /// FIN in both directions, or RST.
    Closed,
    /// Flushed to keep the table within its bound.
    Evicted,
    /// It is one packet, as asked for.
    Packet,
    /// It has not: this is what is known of it so far.
    Open,
    /// It is a window, as asked for, and not the last of its session.
    Window,
}

impl SessionEnd {
    /// Its name, as in a tally.
    pub fn name(self) -> &'static str {
        match self {
            Self::Capture => "capture",
            Self::Idle => "idle",
            Self::Active => "active",
            Self::Closed => "closed",
            Self::Evicted => "evicted",
            Self::Packet => "packet",
            Self::Open => "open",
            Self::Window => "window",
        }
    }
}

/// How much there was of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Volume {
    /// Packets.
    pub packets: u64,
    /// Bytes on the wire from the IP header on.
    pub bytes: u64,
}

/// Which part of a longer session something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Window {
    /// How many sessions of the capture were opened before its own.
    pub session: u64,
    /// How many windows came before it, those in which nothing was sent among them.
    pub number: u64,
}

/// A finished session, or a glimpse of an open one.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    /// From the client to the server.
    pub five_tuple: FiveTuple,
    /// What its packets were wrapped in.
    pub context: Context,
    /// Link type of the frame of its first packet.
    pub link_type: LinkType,
    /// Time of the first packet.
    pub start: Timestamp,
    /// Time of the latest packet.
    pub end: Timestamp,
    /// Packets, both directions.
    pub packets: u64,
    /// Bytes on the wire from the IP header on, both directions.
    pub bytes: u64,
    /// Of these, what the client sent.
    pub forward: Volume,
    /// Transport payload bytes, both directions.
    pub payload_bytes: u64,
    /// All TCP flags seen, forward and backward.
    pub tcp_flags: [u8; 2],
    /// Why it ended.
    pub end_reason: SessionEnd,
    /// Whether it is background, and which.
    pub background: Option<Background>,
    /// Its first bytes under the policy.
    pub slice: Slice,
    /// The first packets' own slices, where asked for.
    pub packet_slices: Vec<Slice>,
    /// The first 64 packets.
    pub summaries: Vec<PacketSummary>,
    /// Of the whole session.
    pub statistics: Statistics,
    /// The first packets as they were captured, where asked for; a glimpse has none.
    pub excerpt: Option<Box<Excerpt>>,
    /// Which window of a session it is, if sessions are cut into windows: then all else, but for
    /// ends, context, background and TCP's flags until then, is of that window alone.
    pub window: Option<Window>,
}

impl Session {
    /// Whether no packet carries transport payload.
    pub fn is_empty(&self) -> bool {
        self.payload_bytes == 0
    }
}
