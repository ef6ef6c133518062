//! Options: every setting that decides what sessions and slices come out of a capture.

use std::num::{NonZeroU64, NonZeroUsize};

use super::open_session::OpenSession;
use crate::{
    decode::Tunnels, excerpt::ExcerptLimits, policy::BytePolicy, slice::SLICE_LENGTH,
    timestamp::Timestamp,
};

/// What one slice is cut from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A session's packets one after another.
    Session,
    /// Each packet alone: a session of one packet, its sender the client.
    Packet,
    /// Some seconds of a session after others: sessions that are too long to wait for their end.
    Window(Windows),
}

/// How sessions are cut into windows.
///
/// Windows lie one behind the other from the first packet on that is in one; a window in which
/// nothing is sent is left out. Direction and end are those of the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Windows {
    /// How long a window is, in nanoseconds.
    pub nanoseconds: NonZeroU64,
    /// How many of a session's first packets are in no window, as those by which a tunnel is set
    /// up; of a session that has no more there is none.
    pub skipped_packets: u32,
}

/// When a session ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndRule {
    /// With the capture: one session per five-tuple, as the paper's tool chain has it.
    ///
    /// That tool chain (SplitCap) differs still: it drops IP fragments, SCTP, QinQ, IPv6 with
    /// hop-by-hop options and IP-in-IP without a word, ignores VLAN ids, keys GRE and 6in4 by
    /// the inner session, rejects nanosecond pcap and pcapng, keeps the padding of short
    /// Ethernet frames, and compares duplicates before addresses are zeroed.
    Capture,
    /// After silence, after a long time, or when TCP says so (FIN both ways, or RST).
    ///
    /// Late packets of a closed TCP session still join it for [`LINGER_NANOSECONDS`]; a SYN on
    /// a closed five-tuple begins the next session at once.
    Timeout {
        /// Silence that ends a session, in nanoseconds.
        idle_nanoseconds: u64,
        /// Age that ends a session, in nanoseconds.
        active_nanoseconds: u64,
    },
}

impl EndRule {
    /// Time-outs as usual for flow meters: 64 s idle, 30 min active.
    pub const fn timeout() -> Self {
        Self::Timeout {
            idle_nanoseconds: 64_000_000_000,
            active_nanoseconds: 1_800_000_000_000,
        }
    }

    pub(super) fn heeds_tcp(self) -> bool {
        matches!(self, Self::Timeout { .. })
    }
}

/// When an open session is shown as it is by then, before it has ended; the default is never.
///
/// Such a glimpse is a session whose end is [`Open`](crate::session::SessionEnd::Open): exactly
/// what the session would be, had the capture ended there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Glimpses {
    /// After these numbers of packets.
    pub packets: Vec<u64>,
    /// At this age in nanoseconds, where none was shown before: as soon as a frame, or a clock
    /// ([`Cutting::pass_time`](crate::cut::Cutting::pass_time)), says that the time has come.
    pub age_nanoseconds: Option<u64>,
    /// With the first packet in each such part of its life but the first: as often as it grows, and
    /// no oftener.
    pub every_nanoseconds: Option<NonZeroU64>,
}

impl Glimpses {
    /// Whether a session is shown with its latest packet, if the latest before that was then.
    pub(super) fn are_due(&self, session: &OpenSession, before: Timestamp) -> bool {
        let is_due_again = |every: NonZeroU64| {
            let part = |time: Timestamp| time.nanoseconds_since(session.start) / every;
            part(session.latest) > part(before)
        };
        self.packets.contains(&session.packets) || self.every_nanoseconds.is_some_and(is_due_again)
    }
}

/// How long a closed TCP session waits for late packets, in nanoseconds; shorter if the idle
/// time-out is.
pub const LINGER_NANOSECONDS: u64 = 5_000_000_000;

/// Every setting that decides what sessions and slices come out of a capture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CutOptions {
    /// Which bytes enter a slice.
    pub policy: BytePolicy,
    /// Bytes of a slice.
    pub slice_length: NonZeroUsize,
    /// What a slice is cut from.
    pub unit: Unit,
    /// When a session ends.
    pub end_rule: EndRule,
    /// Which packets of a tunnel count.
    pub tunnels: Tunnels,
    /// The most sessions open at once; beyond it, the least recently active one is flushed and
    /// counted (closed ones first: they end as closed).
    pub max_sessions: NonZeroUsize,
    /// How many packets get a slice of their own (0 to 3 are usual).
    pub packet_slices: usize,
    /// When open sessions are shown. What ends of them is the same with and without.
    pub glimpses: Glimpses,
    /// How much of sessions is kept as it was captured; none keeps nothing, and costs nothing.
    pub excerpts: Option<ExcerptLimits>,
}

/// Policy `paper`, slices of 784 bytes, sessions, usual time-outs, outer packets of tunnels,
/// 250,000 sessions, no packet slices, no glimpses, no excerpts. Beside its slice, an open session takes some 200 bytes while
/// it has few packets, and 2 KB once it has 64.
impl Default for CutOptions {
    fn default() -> Self {
        Self {
            policy: BytePolicy::paper(),
            slice_length: const { NonZeroUsize::new(SLICE_LENGTH).expect("784 is not zero") },
            unit: Unit::Session,
            end_rule: EndRule::timeout(),
            tunnels: Tunnels::Outer,
            max_sessions: const { NonZeroUsize::new(250_000).expect("250,000 is not zero") },
            packet_slices: 0,
            glimpses: Glimpses::default(),
            excerpts: None,
        }
    }
}
