//! The journal: a session's first packets, 12 bytes each: two beside the session, the others in
//! short chunks from one arena.
//!
//! Most sessions are short. The journal of such a session is all that its summaries and its
//! statistics need, at a fraction of the memory that sums of everything take.

use super::{arena::Arena, arrival::Arrival};
use crate::{packet::Direction, statistics::Observation, timestamp::Timestamp};

/// Entries beside the session.
const NEAR: usize = 2;

/// Entries of a chunk: with the next one's place they fill a line of memory.
const CHUNK: usize = 5;

const NONE: u32 = u32::MAX;

/// What is kept of a packet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    /// Nanoseconds since the journal began, in two parts; they reach for 39 hours either way.
    upper_offset: i16,
    lower_offset: u32,
    /// Lengths, 65,535 where they are longer; what counts beyond that does not rely on it.
    pub(super) length: u16,
    pub(super) payload_length: u16,
    tcp_flags: u8,
    pub(super) direction: Direction,
}

impl Entry {
    const EMPTY: Self = Self {
        upper_offset: 0,
        lower_offset: 0,
        length: 0,
        payload_length: 0,
        tcp_flags: 0,
        direction: Direction::Forward,
    };

    /// Of a packet in a journal that began at `base`; and whether it holds all that statistics need.
    pub(super) fn of(packet: &Arrival, direction: Direction, base: Timestamp) -> (Self, Fit) {
        let offset = packet
            .timestamp
            .nanoseconds()
            .wrapping_sub(base.nanoseconds());
        let upper_offset = i16::try_from(offset >> 32);
        let length = u16::try_from(packet.length);
        let payload_length = u16::try_from(packet.payload_length);
        let fit = if upper_offset.is_err() || base.nanoseconds().checked_add(offset).is_none() {
            Fit::TooFar
        } else if length.is_err() || payload_length.is_err() {
            Fit::TooLong
        } else {
            Fit::Exact
        };
        let entry = Self {
            upper_offset: upper_offset.unwrap_or(0),
            lower_offset: offset as u32,
            length: length.unwrap_or(u16::MAX),
            payload_length: payload_length.unwrap_or(u16::MAX),
            tcp_flags: packet.tcp_flags,
            direction,
        };
        (entry, fit)
    }

    pub(super) fn timestamp(&self, base: Timestamp) -> Timestamp {
        let offset = i64::from(self.upper_offset) << 32 | i64::from(self.lower_offset);
        Timestamp::from_nanoseconds(base.nanoseconds().wrapping_add(offset))
    }

    pub(super) fn observation(&self, base: Timestamp) -> Observation {
        Observation {
            timestamp: self.timestamp(base),
            direction: self.direction,
            length: u32::from(self.length),
            payload_length: u32::from(self.payload_length),
            tcp_flags: self.tcp_flags,
        }
    }
}

/// How much of a packet its entry holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    /// All.
    Exact,
    /// Not its lengths.
    TooLong,
    /// Not its time, and possibly not its lengths.
    TooFar,
}

#[repr(align(64))]
struct Chunk {
    entries: [Entry; CHUNK],
    next: u32,
}

/// A session's journal.
pub(super) struct Journal {
    near: [Entry; NEAR],
    first: u32,
    last: u32,
    entries: u8,
}

/// What the journals of all open sessions have beside them.
pub(super) struct Chunks(Arena<Chunk>);

impl Journal {
    pub(super) const EMPTY: Self = Self {
        near: [Entry::EMPTY; NEAR],
        first: NONE,
        last: NONE,
        entries: 0,
    };

    pub(super) fn entries(&self) -> usize {
        usize::from(self.entries)
    }

    pub(super) fn append(&mut self, entry: Entry, chunks: &mut Chunks) {
        let number = self.entries();
        self.entries += 1;
        if let Some(near) = self.near.get_mut(number) {
            *near = entry;
            return;
        }
        let row = (number - NEAR) % CHUNK;
        if row > 0 {
            if let Some(chunk) = chunks.0.get_mut(self.last) {
                chunk.entries[row] = entry;
            }
            return;
        }
        let place = chunks.0.insert(Chunk {
            entries: [entry; CHUNK],
            next: NONE,
        });
        match chunks.0.get_mut(self.last) {
            Some(last) => last.next = place,
            None => self.first = place,
        }
        self.last = place;
    }

    /// Shows each entry in order.
    pub(super) fn visit(&self, chunks: &Chunks, mut see: impl FnMut(&Entry)) {
        let mut left = self.entries();
        self.near[..left.min(NEAR)].iter().for_each(&mut see);
        left = left.saturating_sub(NEAR);
        let mut place = self.first;
        while let Some(chunk) = chunks.0.get(place) {
            let count = left.min(CHUNK);
            chunk.entries[..count].iter().for_each(&mut see);
            left -= count;
            place = chunk.next;
        }
    }

    /// Forgets all; its memory is for journals to come.
    pub(super) fn clear(&mut self, chunks: &mut Chunks) {
        let mut place = self.first;
        while let Some(chunk) = chunks.0.remove(place) {
            place = chunk.next;
        }
        *self = Self::EMPTY;
    }

    /// Asks for where the next packet is written to, and does not wait for it.
    pub(super) fn prefetch_last(&self, chunks: &Chunks) {
        chunks.0.prefetch(self.last);
    }

    /// Asks for what is read first behind the near entries.
    pub(super) fn prefetch_first(&self, chunks: &Chunks) {
        chunks.0.prefetch(self.first);
    }
}

impl Chunks {
    pub(super) fn new() -> Self {
        Self(Arena::new())
    }
}
