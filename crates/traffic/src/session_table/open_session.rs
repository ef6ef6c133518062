//! An open session: what is kept of it while packets may still come.

use super::{
    CutOptions, EndRule, LINGER_NANOSECONDS,
    foresight::Identified,
    journal::{Journal, Journals, is_exact},
    key::{End, SessionKey},
    open_slices::OpenSlices,
    windows::Course,
};
use crate::{
    background::Background,
    link::LinkType,
    packet::{Direction, Packet, Protocol},
    session::{SUMMARIES, Session, SessionEnd, Volume},
    slice::{Slice, append},
    statistics::{Accumulator, DNS_PORT, Nature, Observation, Statistics},
    timestamp::Timestamp,
};

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;

/// What open sessions have beside themselves, of all of them together.
pub(super) struct Memory {
    pub(super) journals: Journals,
    pub(super) slices: OpenSlices,
}

/// Slice, at most 64 summaries, and sums: never the packets.
///
/// What packets look at comes first; what few sessions need is elsewhere.
pub(super) struct OpenSession {
    pub(super) key: SessionKey,
    /// Time of the latest packet.
    pub(super) latest: Timestamp,
    pub(super) start: Timestamp,
    /// Of its key.
    pub(super) hash: u32,
    link_type: LinkType,
    client: End,
    background: Option<Background>,
    tcp_flags: [u8; 2],
    journal: Journal,
    pub(super) packets: u64,
    bytes: u64,
    forward: Volume,
    payload_bytes: u64,
    /// Its row of the open slices, and how much of it is filled.
    slice: u32,
    filled: u32,
    /// Sums of all packets, once the journal no longer says everything of each.
    statistics: Option<Box<Accumulator>>,
    packet_slices: Vec<Slice>,
    /// How many sessions were opened before it.
    pub(super) number: u64,
    /// Where it is, if it is cut into windows: then everything else is of the present window.
    pub(super) course: Option<Box<Course>>,
}

impl OpenSession {
    /// A session that this packet begins, and does not yet hold.
    pub(super) fn begin(first: &Identified<'_>, memory: &mut Memory) -> Self {
        let packet = &first.packet;
        Self {
            key: first.key,
            latest: packet.timestamp,
            start: packet.timestamp,
            hash: first.hash,
            link_type: packet.link_type,
            client: first.sender,
            background: Background::of(&packet.five_tuple, packet.is_to_group),
            tcp_flags: [0; 2],
            journal: Journal::EMPTY,
            packets: 0,
            bytes: 0,
            forward: Volume::default(),
            payload_bytes: 0,
            slice: memory.slices.take(),
            filled: 0,
            statistics: None,
            packet_slices: Vec::new(),
            number: 0,
            course: None,
        }
    }

    /// Nothing yet of the same session, from this moment on; what was seen of TCP's flags is kept.
    pub(super) fn next_part(&self, start: Timestamp, memory: &mut Memory) -> Self {
        Self {
            key: self.key,
            latest: self.latest,
            start,
            hash: self.hash,
            link_type: self.link_type,
            client: self.client,
            background: self.background,
            tcp_flags: self.tcp_flags,
            journal: Journal::EMPTY,
            packets: 0,
            bytes: 0,
            payload_bytes: 0,
            forward: Volume::default(),
            slice: memory.slices.take(),
            filled: 0,
            statistics: None,
            packet_slices: Vec::new(),
            number: self.number,
            course: None,
        }
    }

    fn direction(&self, sender: End) -> Direction {
        if sender == self.client {
            Direction::Forward
        } else {
            Direction::Backward
        }
    }

    /// Notes of a packet of its key only that there was one.
    pub(super) fn pass_over(&mut self, packet: &Packet<'_>, sender: End) {
        self.latest = self.latest.max(packet.timestamp);
        self.tcp_flags[self.direction(sender) as usize] |= packet.tcp_flags;
    }

    /// Takes in a packet of its key that this end sent.
    pub(super) fn add(
        &mut self,
        packet: &Packet<'_>,
        sender: End,
        options: &CutOptions,
        memory: &mut Memory,
    ) {
        let direction = self.direction(sender);
        self.pass_over(packet, sender);
        self.packets += 1;
        self.bytes += u64::from(packet.length);
        if direction == Direction::Forward {
            self.forward.packets += 1;
            self.forward.bytes += u64::from(packet.length);
        }
        self.payload_bytes += u64::from(packet.payload_length);
        let filled = self.filled as usize;
        if filled < options.slice_length.get() {
            let row = memory.slices.row_mut(self.slice);
            self.filled = append(row, filled, packet, options.policy) as u32;
        }
        let journals = &mut memory.journals;
        if options.packet_slices > 0 {
            self.add_packet_slice(packet, options);
        }
        let is_in_journal = self.journal.entries() < SUMMARIES;
        if self.statistics.is_none() && !(is_in_journal && is_exact(packet)) {
            self.statistics = Some(Box::new(self.sums(journals)));
        }
        if is_in_journal {
            journals.append(&mut self.journal, packet, direction);
        }
        let nature = self.nature();
        if let Some(statistics) = &mut self.statistics {
            let observation = Observation {
                timestamp: packet.timestamp,
                direction,
                length: packet.length,
                payload_length: packet.payload_length,
                tcp_flags: packet.tcp_flags,
            };
            statistics.add(&observation, nature);
        }
    }

    fn add_packet_slice(&mut self, packet: &Packet<'_>, options: &CutOptions) {
        if self.packet_slices.len() < options.packet_slices {
            let slice = Slice::of_packet(packet, &options.policy, options.slice_length);
            self.packet_slices.push(slice);
        }
    }

    /// Something of each line of memory that it takes itself.
    pub(super) fn glance(&self) -> u64 {
        self.packets ^ self.number ^ self.latest.nanoseconds() as u64
    }

    /// Something of the memory beside it that the next packet is written to.
    pub(super) fn glance_beyond(&self, memory: &Memory) -> u8 {
        let next = memory.slices.row(self.slice).get(self.filled as usize);
        next.copied().unwrap_or(0) ^ memory.journals.glance(self.journal)
    }

    /// Sums of all that is in the journal.
    fn sums(&self, journals: &Journals) -> Accumulator {
        let nature = self.nature();
        let mut sums = Accumulator::default();
        journals.replay(self.journal, &mut |packet| sums.add(packet, nature));
        sums
    }

    fn nature(&self) -> Nature {
        Nature {
            protocol: self.key.protocol(),
            is_dns: self.key.has_port(DNS_PORT),
        }
    }

    /// Whether TCP has said that it is over.
    pub(super) fn is_closed(&self) -> bool {
        let [forward, backward] = self.tcp_flags;
        self.key.protocol() == Protocol::Tcp
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
        let age = packet.timestamp.nanoseconds_since(self.first_seen());
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

    /// How old it is by that time, in nanoseconds.
    pub(super) fn age(&self, now: Timestamp) -> u64 {
        now.nanoseconds_since(self.start)
    }

    /// How far ahead of that time it began, in nanoseconds.
    pub(super) fn is_ahead_by(&self, now: Timestamp) -> u64 {
        self.start.nanoseconds_since(now)
    }

    /// Packets so far.
    pub(super) fn packets(&self) -> u64 {
        self.packets
    }

    /// What is known of it so far.
    pub(super) fn glimpse(&self, memory: &Memory) -> Session {
        Session {
            slice: memory.slices.copy(self.slice, self.filled as usize),
            packet_slices: self.packet_slices.clone(),
            ..self.without_slices(SessionEnd::Open, &memory.journals)
        }
    }

    pub(super) fn finish(mut self, end_reason: SessionEnd, memory: &mut Memory) -> Session {
        let session = Session {
            slice: memory.slices.finish(self.slice, self.filled as usize),
            packet_slices: std::mem::take(&mut self.packet_slices),
            ..self.without_slices(end_reason, &memory.journals)
        };
        memory.journals.clear(self.journal);
        session
    }

    fn without_slices(&self, end_reason: SessionEnd, journals: &Journals) -> Session {
        Session {
            window: self.window(),
            five_tuple: self.key.five_tuple(self.client),
            context: self.key.context(),
            link_type: self.link_type,
            start: self.start,
            end: self.latest,
            packets: self.packets,
            bytes: self.bytes,
            forward: self.forward,
            payload_bytes: self.payload_bytes,
            tcp_flags: self.tcp_flags,
            end_reason,
            background: self.background,
            slice: Slice::of_bytes(&[], 0),
            packet_slices: Vec::new(),
            summaries: journals.summaries(self.journal, self.start),
            statistics: self.statistics_so_far(journals),
        }
    }

    /// Gives its memory to others without a word.
    pub(super) fn forget(self, memory: &mut Memory) {
        memory.journals.clear(self.journal);
        memory.slices.give_back(self.slice);
    }

    fn statistics_so_far(&self, journals: &Journals) -> Statistics {
        match &self.statistics {
            Some(sums) => sums.as_ref().clone().finish(),
            None => self.sums(journals).finish(),
        }
    }
}
