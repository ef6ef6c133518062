//! IP fragments: held until their datagram is whole; bounded in number, bytes and time.

use std::{
    collections::{BTreeMap, VecDeque},
    net::IpAddr,
};

use super::walk::{Fragment, Stage};
use crate::{
    packet::Context,
    tally::{Skip, Tally},
    timestamp::Timestamp,
};

/// The largest payload of an IP datagram, in bytes.
const LARGEST_DATAGRAM: u32 = 65_535;

/// The most datagrams that wait at once.
const MOST_DATAGRAMS: usize = 1_024;

/// The most bytes that wait at once, headers included.
const MOST_BYTES: usize = 16 << 20;

/// How long a datagram waits, in nanoseconds: RFC 8200's 60 seconds.
const PATIENCE_NANOSECONDS: u64 = 60_000_000_000;

/// What tells the fragments of one datagram from all others: RFC 791 and 8200, and the context.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct DatagramKey {
    source: IpAddr,
    destination: IpAddr,
    identification: u32,
    next_header: u8,
    context: Context,
}

struct Waiting {
    /// Tells it from an earlier datagram of the same key in the queue.
    number: u64,
    since: Timestamp,
    /// By offset, none overlapping another.
    pieces: BTreeMap<u32, Vec<u8>>,
    received: u32,
    total: Option<u32>,
    first: Option<First>,
    bytes: usize,
}

/// What the fragment at offset 0 brings: every header up to the piece.
struct First {
    headers: Vec<u8>,
    stage: Stage,
    next_header: u8,
}

/// A datagram whose fragments have all come.
pub(super) struct Whole {
    /// Headers as the first fragment had them, then the whole payload.
    pub(super) bytes: Vec<u8>,
    pub(super) stage: Stage,
    pub(super) next_header: u8,
    /// Where the payload begins.
    pub(super) offset: usize,
}

pub(super) enum Joined {
    /// Held, or skipped and counted.
    Nothing,
    Whole(Whole),
}

pub(super) struct Fragments {
    waiting: BTreeMap<DatagramKey, Waiting>,
    /// Oldest first; entries of finished datagrams are passed over.
    queue: VecDeque<(u64, DatagramKey)>,
    next_number: u64,
    bytes: usize,
}

impl Fragments {
    pub(super) fn new() -> Self {
        Self {
            waiting: BTreeMap::new(),
            queue: VecDeque::new(),
            next_number: 0,
            bytes: 0,
        }
    }

    /// Takes one fragment; `frame` are the bytes it was found in, `piece` its part of the
    /// datagram.
    pub(super) fn join(
        &mut self,
        now: Timestamp,
        frame: &[u8],
        fragment: &Fragment,
        piece: &[u8],
        tally: &mut Tally,
    ) -> Joined {
        tally.fragments += 1;
        self.expire(now, tally);
        let length = (fragment.wire_end - fragment.start) as u32;
        let end = fragment.piece_offset + length;
        if length == 0
            || end > LARGEST_DATAGRAM
            || (fragment.more_follow && !length.is_multiple_of(8))
        {
            tally.skip(Skip::FragmentMalformed, 1);
            return Joined::Nothing;
        }
        if piece.len() < length as usize {
            tally.skip(Skip::FragmentTruncated, 1);
            return Joined::Nothing;
        }
        let key = DatagramKey {
            source: fragment.stage.source,
            destination: fragment.stage.destination,
            identification: fragment.identification,
            next_header: fragment.next_header,
            context: fragment.stage.context,
        };
        let waiting = self.waiting.entry(key).or_insert_with(|| {
            self.next_number += 1;
            self.queue.push_back((self.next_number, key));
            Waiting::new(self.next_number, now)
        });
        match waiting.place(fragment, end, piece) {
            Place::Taken => {
                tally.skip(Skip::FragmentDuplicate, 1);
                return Joined::Nothing;
            }
            Place::Disputed => {
                tally.skip(Skip::FragmentOverlap, 1);
                self.drop_datagram(key, Skip::FragmentOverlap, tally);
                return Joined::Nothing;
            }
            Place::Free => {}
        }
        let held = waiting.bytes;
        waiting.hold(frame, fragment, end, piece);
        self.bytes += waiting.bytes - held;
        tally.held_fragments += 1;
        if waiting.is_whole() {
            return self.complete(key, tally);
        }
        self.evict(tally);
        Joined::Nothing
    }

    fn complete(&mut self, key: DatagramKey, tally: &mut Tally) -> Joined {
        let Some(waiting) = self.waiting.remove(&key) else {
            return Joined::Nothing;
        };
        self.bytes -= waiting.bytes;
        let count = waiting.pieces.len() as u64;
        tally.held_fragments -= count;
        // The last one counts as what becomes of the datagram: a packet, a skip, a fragment.
        tally.merged_fragments += count - 1;
        let Some(first) = waiting.first else {
            return Joined::Nothing;
        };
        let mut bytes = first.headers;
        let offset = bytes.len();
        for piece in waiting.pieces.values() {
            bytes.extend_from_slice(piece);
        }
        Joined::Whole(Whole {
            bytes,
            stage: first.stage,
            next_header: first.next_header,
            offset,
        })
    }

    fn drop_datagram(&mut self, key: DatagramKey, reason: Skip, tally: &mut Tally) {
        if let Some(waiting) = self.waiting.remove(&key) {
            self.bytes -= waiting.bytes;
            let count = waiting.pieces.len() as u64;
            tally.held_fragments -= count;
            tally.skip(reason, count);
        }
    }

    /// Drops what has waited too long.
    fn expire(&mut self, now: Timestamp, tally: &mut Tally) {
        while let Some(&(number, key)) = self.queue.front() {
            let is_due = match self.waiting.get(&key) {
                Some(waiting) if waiting.number == number => {
                    now.nanoseconds_since(waiting.since) > PATIENCE_NANOSECONDS
                }
                _ => {
                    self.queue.pop_front();
                    continue;
                }
            };
            if !is_due {
                return;
            }
            self.queue.pop_front();
            self.drop_datagram(key, Skip::FragmentIncomplete, tally);
        }
    }

    /// Drops the oldest while there are too many.
    fn evict(&mut self, tally: &mut Tally) {
        while self.bytes > MOST_BYTES || self.waiting.len() > MOST_DATAGRAMS {
            let Some((number, key)) = self.queue.pop_front() else {
                return;
            };
            if self.waiting.get(&key).is_some_and(|w| w.number == number) {
                self.drop_datagram(key, Skip::FragmentEvicted, tally);
            }
        }
        // Finished datagrams leave their queue entries behind a slow one at the front.
        if self.queue.len() > 4 * MOST_DATAGRAMS {
            let waiting = &self.waiting;
            self.queue
                .retain(|(number, key)| waiting.get(key).is_some_and(|w| w.number == *number));
        }
    }

    /// Drops everything, for this reason.
    pub(super) fn give_up(&mut self, reason: Skip, tally: &mut Tally) {
        self.queue.clear();
        while let Some((&key, _)) = self.waiting.first_key_value() {
            self.drop_datagram(key, reason, tally);
        }
    }
}

/// What is where a fragment wants to go.
enum Place {
    Free,
    /// The very same bytes.
    Taken,
    /// Other bytes, or part of them, or beyond the datagram's end.
    Disputed,
}

impl Waiting {
    fn new(number: u64, since: Timestamp) -> Self {
        Self {
            number,
            since,
            pieces: BTreeMap::new(),
            received: 0,
            total: None,
            first: None,
            bytes: 0,
        }
    }

    fn place(&self, fragment: &Fragment, end: u32, piece: &[u8]) -> Place {
        let offset = fragment.piece_offset;
        if self
            .pieces
            .get(&offset)
            .is_some_and(|held| held.as_slice() == piece)
        {
            return Place::Taken;
        }
        let before = self.pieces.range(..end).next_back();
        let overlaps = before.is_some_and(|(&at, held)| at + held.len() as u32 > offset);
        let furthest = self
            .pieces
            .last_key_value()
            .map_or(0, |(&at, held)| at + held.len() as u32);
        let contradicts_end = match self.total {
            Some(total) => end > total || !fragment.more_follow,
            None => !fragment.more_follow && furthest > end,
        };
        if overlaps || contradicts_end {
            Place::Disputed
        } else {
            Place::Free
        }
    }

    fn hold(&mut self, frame: &[u8], fragment: &Fragment, end: u32, piece: &[u8]) {
        if fragment.piece_offset == 0 {
            self.first = Some(First {
                headers: frame[..fragment.start].to_vec(),
                stage: fragment.stage,
                next_header: fragment.next_header,
            });
            self.bytes += fragment.start;
        }
        if !fragment.more_follow {
            self.total = Some(end);
        }
        self.received += piece.len() as u32;
        self.bytes += piece.len();
        self.pieces.insert(fragment.piece_offset, piece.to_vec());
    }

    fn is_whole(&self) -> bool {
        self.total == Some(self.received)
    }
}
