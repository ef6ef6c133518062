//! The journal: a session's first packets, 16 bytes each, in short chunks from one arena.
//!
//! Most sessions are short. The journal of such a session is all that its summaries and its
//! statistics need, at a fraction of the memory that sums of everything take.

use super::arena::Arena;
use crate::{
    packet::{Direction, Packet},
    session::PacketSummary,
    statistics::Observation,
    timestamp::Timestamp,
};

/// Entries of a chunk: with the next one's place they fill a line of memory.
const CHUNK: usize = 3;

const NONE: u32 = u32::MAX;

/// What is kept of a packet.
#[derive(Debug, Clone, Copy)]
struct Entry {
    timestamp: Timestamp,
    /// Lengths, 65,535 where they are longer; what counts beyond that does not rely on it.
    length: u16,
    payload_length: u16,
    tcp_flags: u8,
    direction: Direction,
}

#[repr(align(64))]
struct Chunk {
    entries: [Entry; CHUNK],
    next: u32,
}

/// Where a session's journal is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Journal {
    first: u32,
    last: u32,
    entries: u32,
}

/// The journals of all open sessions.
pub(super) struct Journals(Arena<Chunk>);

impl Journal {
    pub(super) const EMPTY: Self = Self {
        first: NONE,
        last: NONE,
        entries: 0,
    };

    pub(super) fn entries(self) -> usize {
        self.entries as usize
    }
}

/// Whether an entry holds all that statistics need of a packet.
pub(super) fn is_exact(packet: &Packet<'_>) -> bool {
    u16::try_from(packet.length).is_ok() && u16::try_from(packet.payload_length).is_ok()
}

impl Journals {
    pub(super) fn new() -> Self {
        Self(Arena::new())
    }

    pub(super) fn append(
        &mut self,
        journal: &mut Journal,
        packet: &Packet<'_>,
        direction: Direction,
    ) {
        let entry = Entry {
            timestamp: packet.timestamp,
            length: u16::try_from(packet.length).unwrap_or(u16::MAX),
            payload_length: u16::try_from(packet.payload_length).unwrap_or(u16::MAX),
            tcp_flags: packet.tcp_flags,
            direction,
        };
        let row = journal.entries() % CHUNK;
        journal.entries += 1;
        if row > 0 {
            if let Some(chunk) = self.0.get_mut(journal.last) {
                chunk.entries[row] = entry;
            }
            return;
        }
        let place = self.0.insert(Chunk {
            entries: [entry; CHUNK],
            next: NONE,
        });
        match self.0.get_mut(journal.last) {
            Some(last) => last.next = place,
            None => journal.first = place,
        }
        journal.last = place;
    }

    /// Something of where the next packet is written to.
    pub(super) fn glance(&self, journal: Journal) -> u8 {
        let chunk = self.0.get(journal.last);
        chunk.map_or(0, |chunk| chunk.entries[0].tcp_flags)
    }

    /// Shows each packet in order.
    pub(super) fn replay(&self, journal: Journal, see: &mut impl FnMut(&Observation)) {
        self.visit(journal, &mut |entry| {
            see(&Observation {
                timestamp: entry.timestamp,
                direction: entry.direction,
                length: u32::from(entry.length),
                payload_length: u32::from(entry.payload_length),
                tcp_flags: entry.tcp_flags,
            });
        });
    }

    /// Summaries of the packets of a session that began at `start`.
    pub(super) fn summaries(&self, journal: Journal, start: Timestamp) -> Vec<PacketSummary> {
        let mut summaries = Vec::with_capacity(journal.entries());
        self.visit(journal, &mut |entry| {
            summaries.push(PacketSummary {
                direction: entry.direction,
                length: entry.length,
                payload_length: entry.payload_length,
                offset_nanoseconds: entry.timestamp.nanoseconds_since(start),
            });
        });
        summaries
    }

    /// Gives its memory to journals to come.
    pub(super) fn clear(&mut self, journal: Journal) {
        let mut place = journal.first;
        while let Some(chunk) = self.0.remove(place) {
            place = chunk.next;
        }
    }

    fn visit(&self, journal: Journal, see: &mut impl FnMut(&Entry)) {
        let mut left = journal.entries();
        let mut place = journal.first;
        while let Some(chunk) = self.0.get(place) {
            let count = left.min(CHUNK);
            chunk.entries[..count].iter().for_each(&mut *see);
            left -= count;
            place = chunk.next;
        }
    }
}
