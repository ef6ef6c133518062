//! Notes: what is kept of open sessions for when they end.
//!
//! Slice, at most 64 summaries, and sums: never the packets. Who is open, and until when, is not
//! asked here; that is the table's, which tells what to write to which place.

use super::{
    CutOptions,
    arrival::Arrival,
    foresight::Near,
    journal::{Chunks, Entry, Fit, Journal},
    key::{End, SessionKey},
    open_slices::OpenSlices,
    pages::Pages,
};
use crate::{
    background::Background,
    excerpt::{Excerpt, ExcerptLimits},
    link::LinkType,
    memory::prefetch_whole,
    packet::{Context, Direction},
    policy::Zeros,
    session::{PacketSummary, SUMMARIES, Session, SessionEnd, Volume, Window},
    slice::Slice,
    statistics::{Accumulator, DNS_PORT, Nature, Observation},
    timestamp::Timestamp,
};

/// What is kept of one session: a line of memory for as long as it is short.
#[repr(align(64))]
struct Note {
    journal: Journal,
    background: Option<Background>,
    /// Bytes of its row of the slices.
    filled: u32,
    link_type: LinkType,
    /// Time of its first packet.
    base: Timestamp,
    /// Once the journal no longer says everything of each packet.
    sums: Option<Box<Sums>>,
}

/// Sums of all packets of a session.
#[derive(Clone, Default)]
struct Sums {
    statistics: Accumulator,
    forward: Volume,
    payload_bytes: u64,
    /// Times that the journal's entries cannot hold, by their numbers.
    far: Vec<(usize, Timestamp)>,
}

impl Sums {
    fn add(&mut self, packet: &Observation, nature: Nature) {
        let bytes = u64::from(packet.length);
        if packet.direction == Direction::Forward {
            self.forward.packets += 1;
            self.forward.bytes += bytes;
        }
        self.payload_bytes += u64::from(packet.payload_length);
        self.statistics.add(packet, nature);
    }
}

/// What the table says of a session that ends or is shown.
#[derive(Clone, Copy)]
pub(super) struct Outline {
    pub(super) key: SessionKey,
    pub(super) client: End,
    pub(super) context: Context,
    pub(super) start: Timestamp,
    pub(super) latest: Timestamp,
    pub(super) tcp_flags: [u8; 2],
    pub(super) window: Option<Window>,
}

/// The notes of all open sessions, by place.
pub(super) struct Notes {
    pages: Pages<Note>,
    chunks: Chunks,
    slices: OpenSlices,
    zeros: Zeros,
    /// By place; none where none are asked for.
    packet_slices: Vec<Vec<Slice>>,
    /// By place; none where none are asked for.
    excerpts: Vec<Option<Box<Excerpt>>>,
    /// Bytes of all of them.
    excerpt_bytes: usize,
}

impl Notes {
    pub(super) fn new(options: &CutOptions) -> Self {
        Self {
            pages: Pages::new(),
            chunks: Chunks::new(),
            slices: OpenSlices::new(options.slice_length.get()),
            zeros: Zeros::of(options.policy),
            packet_slices: Vec::new(),
            excerpts: Vec::new(),
            excerpt_bytes: 0,
        }
    }

    /// Begins a session with its first packet, which it does not yet hold.
    pub(super) fn begin(&mut self, place: u32, first: &Arrival) {
        self.slices.reach(place);
        let client = first.key.five_tuple(first.sender);
        let note = Note {
            journal: Journal::EMPTY,
            background: Background::of(&client, first.is_to_group),
            filled: 0,
            link_type: first.link_type,
            base: first.timestamp,
            sums: None,
        };
        self.pages.put(place, note);
    }

    /// Begins a session anew at this time, with nothing of what was kept of it.
    pub(super) fn begin_again(&mut self, place: u32, base: Timestamp) {
        self.forget(place);
        if let Some(note) = self.pages.get_mut(place) {
            note.filled = 0;
            note.base = base;
        }
    }

    /// Takes in a packet.
    pub(super) fn add(
        &mut self,
        place: u32,
        packet: &Arrival,
        bytes: &[u8],
        direction: Direction,
        options: &CutOptions,
    ) {
        let Some(note) = self.pages.get_mut(place) else {
            return;
        };
        let filled = note.filled as usize;
        if filled < options.slice_length.get() {
            let row = self.slices.row_mut(place);
            note.filled = packet.append(row, filled, bytes, options, &self.zeros) as u32;
        }
        note.add(packet, direction, &mut self.chunks);
        if let Some(limits) = &options.excerpts {
            self.excerpt(place, packet, bytes, limits);
        }
        if options.packet_slices > 0 {
            self.add_packet_slice(place, packet, bytes, options);
        }
    }

    fn add_packet_slice(
        &mut self,
        place: u32,
        packet: &Arrival,
        bytes: &[u8],
        options: &CutOptions,
    ) {
        let row = place as usize;
        if self.packet_slices.len() <= row {
            self.packet_slices.resize_with(row + 1, Vec::new);
        }
        let slices = &mut self.packet_slices[row];
        if slices.len() < options.packet_slices {
            let packet = packet.packet(bytes);
            let slice = Slice::of_packet(&packet, &options.policy, options.slice_length);
            slices.push(slice);
        }
    }

    fn excerpt(&mut self, place: u32, packet: &Arrival, bytes: &[u8], limits: &ExcerptLimits) {
        let row = place as usize;
        if self.excerpts.len() <= row {
            self.excerpts.resize(row + 1, None);
        }
        let excerpt =
            self.excerpts[row].get_or_insert_with(|| Box::new(Excerpt::new(packet.link_type)));
        let left = limits.all_bytes.saturating_sub(self.excerpt_bytes);
        self.excerpt_bytes += excerpt.add(&packet.packet(bytes), limits, left);
    }

    /// Takes out what was kept of a session as it was captured.
    pub(super) fn take_excerpt(&mut self, place: u32) -> Option<Box<Excerpt>> {
        let excerpt = self.excerpts.get_mut(place as usize)?.take()?;
        self.excerpt_bytes -= excerpt.bytes();
        Some(excerpt)
    }

    /// What is known of a session so far, but for its excerpt.
    pub(super) fn session(
        &self,
        place: u32,
        open: &Outline,
        end_reason: SessionEnd,
    ) -> Option<Session> {
        let note = self.pages.get(place)?;
        let nature = nature_of(&open.key);
        let (replayed, sums);
        if let Some(all) = &note.sums {
            sums = all.as_ref();
        } else {
            replayed = note.replay(nature, &self.chunks);
            sums = &replayed;
        }
        Some(Session {
            window: open.window,
            five_tuple: open.key.five_tuple(open.client),
            context: open.context,
            link_type: note.link_type,
            start: open.start,
            end: open.latest,
            packets: sums.statistics.packets(),
            bytes: sums.statistics.bytes(),
            forward: sums.forward,
            payload_bytes: sums.payload_bytes,
            tcp_flags: open.tcp_flags,
            end_reason,
            background: note.background,
            slice: self.slices.slice(place, note.filled as usize),
            packet_slices: self
                .packet_slices
                .get(place as usize)
                .cloned()
                .unwrap_or_default(),
            summaries: note.summaries(open.start, &sums.far, &self.chunks),
            statistics: sums.statistics.clone().finish(),
            excerpt: None,
        })
    }

    /// Gives what a session has beside its own line to others.
    pub(super) fn forget(&mut self, place: u32) {
        if let Some(note) = self.pages.get_mut(place) {
            note.journal.clear(&mut self.chunks);
            note.sums = None;
        }
        if let Some(slices) = self.packet_slices.get_mut(place as usize) {
            slices.clear();
        }
        self.take_excerpt(place);
    }

    /// Asks for the notes of sessions whose packets are near, or that may end.
    pub(super) fn ask_for(&self, near: &Near) {
        for &(place, _) in &near.packets {
            self.pages.prefetch(place);
        }
        for &place in &near.ending {
            self.pages.prefetch(place);
        }
    }

    /// Asks for all that packets of these sessions will be written to, and for all that is read of
    /// those that may end; their notes have been asked for.
    pub(super) fn foresee(&self, near: &Near) {
        for &(place, captured) in &near.packets {
            if let Some(note) = self.pages.get(place) {
                let filled = note.filled as usize;
                let end = filled + captured as usize;
                self.slices.prefetch(place, filled..end);
                match &note.sums {
                    Some(sums) => prefetch_whole(sums.as_ref()),
                    None => note.journal.prefetch_last(&self.chunks),
                }
            }
        }
        for &place in &near.ending {
            if let Some(note) = self.pages.get(place) {
                self.slices.prefetch(place, 0..note.filled as usize);
                note.journal.prefetch_first(&self.chunks);
                note.journal.prefetch_last(&self.chunks);
            }
        }
    }
}

impl Note {
    #[inline]
    fn add(&mut self, packet: &Arrival, direction: Direction, chunks: &mut Chunks) {
        if self.journal.entries() < SUMMARIES {
            self.write_down(packet, direction, chunks);
            return;
        }
        let nature = nature_of(&packet.key);
        if self.sums.is_none() {
            self.sums = Some(Box::new(self.replay(nature, chunks)));
        }
        if let Some(sums) = &mut self.sums {
            sums.add(&observation(packet, direction), nature);
        }
    }

    /// Adds a packet to the journal, and to the sums if there are any or it takes them from now on.
    fn write_down(&mut self, packet: &Arrival, direction: Direction, chunks: &mut Chunks) {
        let (entry, fit) = Entry::of(packet, direction, self.base);
        let nature = nature_of(&packet.key);
        if self.sums.is_none() && fit != Fit::Exact {
            self.sums = Some(Box::new(self.replay(nature, chunks)));
        }
        if let Some(sums) = &mut self.sums {
            sums.add(&observation(packet, direction), nature);
            if fit == Fit::TooFar {
                sums.far.push((self.journal.entries(), packet.timestamp));
            }
        }
        self.journal.append(entry, chunks);
    }

    /// Sums of all that is in the journal, which says everything.
    fn replay(&self, nature: Nature, chunks: &Chunks) -> Sums {
        let mut sums = Sums::default();
        self.journal.visit(chunks, |entry| {
            sums.add(&entry.observation(self.base), nature);
        });
        sums
    }

    /// Summaries of the first packets of a session that began at `start`.
    fn summaries(
        &self,
        start: Timestamp,
        far: &[(usize, Timestamp)],
        chunks: &Chunks,
    ) -> Vec<PacketSummary> {
        let mut summaries = Vec::with_capacity(self.journal.entries());
        self.journal.visit(chunks, |entry| {
            summaries.push(PacketSummary {
                direction: entry.direction,
                length: entry.length,
                payload_length: entry.payload_length,
                offset_nanoseconds: entry.timestamp(self.base).nanoseconds_since(start),
            });
        });
        for &(number, timestamp) in far {
            summaries[number].offset_nanoseconds = timestamp.nanoseconds_since(start);
        }
        summaries
    }
}

fn observation(packet: &Arrival, direction: Direction) -> Observation {
    Observation {
        timestamp: packet.timestamp,
        direction,
        length: packet.length,
        payload_length: packet.payload_length,
        tcp_flags: packet.tcp_flags,
    }
}

fn nature_of(key: &SessionKey) -> Nature {
    Nature {
        protocol: key.protocol(),
        is_dns: key.has_port(DNS_PORT),
    }
}
