//! An open session: what is kept of it while packets may still come.

use super::{CutOptions, EndRule, LINGER_NANOSECONDS};
use crate::{
    background::Background,
    link::LinkType,
    packet::{Context, Direction, FiveTuple, Packet, Protocol},
    session::{PacketSummary, SUMMARIES, Session, SessionEnd},
    slice::Slice,
    statistics::Accumulator,
    timestamp::Timestamp,
};

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;

/// Slice, at most 64 summaries, and sums: never the packets.
pub(super) struct OpenSession {
    /// How many sessions were opened before it.
    pub(super) number: u64,
    /// Time of the latest packet.
    pub(super) latest: Timestamp,
    five_tuple: FiveTuple,
    context: Context,
    link_type: LinkType,
    start: Timestamp,
    packets: u64,
    bytes: u64,
    payload_bytes: u64,
    tcp_flags: [u8; 2],
    background: Option<Background>,
    slice: Slice,
    packet_slices: Vec<Slice>,
    summaries: Vec<PacketSummary>,
    statistics: Accumulator,
}

impl OpenSession {
    /// A session that this packet begins, and does not yet hold.
    pub(super) fn begin(packet: &Packet<'_>, number: u64, options: &CutOptions) -> Self {
        Self {
            number,
            latest: packet.timestamp,
            five_tuple: packet.five_tuple,
            context: packet.context,
            link_type: packet.link_type,
            start: packet.timestamp,
            packets: 0,
            bytes: 0,
            payload_bytes: 0,
            tcp_flags: [0; 2],
            background: Background::of(&packet.five_tuple, packet.is_to_group),
            slice: Slice::empty(options.slice_length),
            packet_slices: Vec::new(),
            summaries: Vec::new(),
            statistics: Accumulator::default(),
        }
    }

    pub(super) fn add(&mut self, packet: &Packet<'_>, options: &CutOptions) {
        let direction = if packet.five_tuple.source == self.five_tuple.source {
            Direction::Forward
        } else {
            Direction::Backward
        };
        self.latest = self.latest.max(packet.timestamp);
        self.packets += 1;
        self.bytes += u64::from(packet.length);
        self.payload_bytes += u64::from(packet.payload_length);
        self.tcp_flags[direction as usize] |= packet.tcp_flags;
        self.statistics.add(packet, direction);
        if !self.slice.is_full() {
            self.slice.append(packet, &options.policy);
        }
        if self.packet_slices.len() < options.packet_slices {
            let slice = Slice::of_packet(packet, &options.policy, options.slice_length);
            self.packet_slices.push(slice);
        }
        if self.summaries.len() < SUMMARIES {
            self.summaries.push(PacketSummary {
                direction,
                length: u16::try_from(packet.length).unwrap_or(u16::MAX),
                payload_length: u16::try_from(packet.payload_length).unwrap_or(u16::MAX),
                offset_nanoseconds: packet.timestamp.nanoseconds_since(self.start),
            });
        }
    }

    /// Whether TCP has said that it is over.
    pub(super) fn is_closed(&self) -> bool {
        let [forward, backward] = self.tcp_flags;
        self.five_tuple.protocol == Protocol::Tcp
            && (forward & backward & FIN != 0 || (forward | backward) & RST != 0)
    }

    /// Why this packet, though of the same key, belongs to the next session; `None` if not.
    pub(super) fn end_before(&self, packet: &Packet<'_>, rule: EndRule) -> Option<SessionEnd> {
        let EndRule::Timeout {
            idle_nanoseconds,
            active_nanoseconds,
        } = rule
        else {
            return None;
        };
        let silence = packet.timestamp.nanoseconds_since(self.latest);
        let age = packet.timestamp.nanoseconds_since(self.start);
        if self.is_closed() {
            let is_over =
                packet.tcp_flags & SYN != 0 || silence > LINGER_NANOSECONDS.min(idle_nanoseconds);
            is_over.then_some(SessionEnd::Closed)
        } else if silence > idle_nanoseconds {
            Some(SessionEnd::Idle)
        } else if age > active_nanoseconds {
            Some(SessionEnd::Active)
        } else {
            None
        }
    }

    pub(super) fn finish(self, end_reason: SessionEnd) -> Session {
        Session {
            five_tuple: self.five_tuple,
            context: self.context,
            link_type: self.link_type,
            start: self.start,
            end: self.latest,
            packets: self.packets,
            bytes: self.bytes,
            payload_bytes: self.payload_bytes,
            tcp_flags: self.tcp_flags,
            end_reason,
            background: self.background,
            slice: self.slice,
            packet_slices: self.packet_slices,
            summaries: self.summaries,
            statistics: self.statistics.finish(),
        }
    }
}
