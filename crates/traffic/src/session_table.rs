//! The session table: packets in, finished sessions out, memory bounded.

mod arena;
mod arrival;
mod foresight;
mod journal;
mod key;
mod notes;
mod open_session;
mod open_slices;
mod options;
mod pages;
mod places;
mod recency;
mod windows;

use std::ops::ControlFlow;

pub use self::options::{CutOptions, EndRule, Glimpses, LINGER_NANOSECONDS, Unit, Windows};
pub use crate::decode::Tunnels;
use crate::{
    capture::{Frame, Frames},
    decode::{Decoder, PlainPacket},
    seeded_hash::Seed,
    session::{Session, SessionEnd},
    tally::Tally,
    timestamp::Timestamp,
};
use arena::Arena;
use arrival::Arrival;
use notes::Notes;
use open_session::OpenSession;
use places::Places;
use recency::Recency;
use windows::Turn;

/// Cuts the frames of ONE capture into sessions.
pub struct SessionTable {
    options: CutOptions,
    seed: Seed,
    decoder: Decoder,
    open: OpenSessions,
    notes: Notes,
    tally: Tally,
    /// Of the frames that are looked at together.
    arrivals: Vec<Option<Arrival>>,
    /// Where they go, probably.
    near: Vec<u32>,
}

impl SessionTable {
    /// An empty table; `seed` makes its hash hard to attack and is not visible in results.
    pub fn new(options: CutOptions, seed: u64) -> Self {
        Self {
            seed: Seed::new(seed),
            decoder: Decoder::new(options.tunnels),
            open: OpenSessions::new(),
            notes: Notes::new(&options),
            tally: Tally::default(),
            arrivals: Vec::new(),
            near: Vec::new(),
            options,
        }
    }

    /// Takes frames in one after another, each after `goes_on` has agreed to it; says whether it did
    /// to the last. The same as pushing each, and faster.
    pub fn push_all(
        &mut self,
        frames: Frames<'_>,
        goes_on: &mut dyn FnMut(&Frame<'_>) -> ControlFlow<()>,
        sink: &mut dyn FnMut(Session),
    ) -> ControlFlow<()> {
        let mut arrivals = std::mem::take(&mut self.arrivals);
        arrivals.clear();
        arrivals.extend(frames.iter().map(|frame| self.arrival(&frame)));
        if self.open.are_many() {
            self.open
                .ask_for_memory(&arrivals, &self.notes, &mut self.near);
        }
        let flow = frames
            .iter()
            .zip(&arrivals)
            .try_for_each(|(frame, arrival)| {
                goes_on(&frame)?;
                match arrival {
                    Some(arrival) => {
                        Decoder::count_alone(&frame, &mut self.tally);
                        self.take_in(arrival, frame.bytes, sink);
                    }
                    None => self.push_odd(&frame, sink),
                }
                ControlFlow::Continue(())
            });
        self.arrivals = arrivals;
        flow
    }

    /// Takes one frame in; sessions that it ends go to `sink`, in an order that depends on the capture only.
    pub fn push(&mut self, frame: &Frame<'_>, sink: &mut dyn FnMut(Session)) {
        match self.arrival(frame) {
            Some(arrival) => {
                Decoder::count_alone(frame, &mut self.tally);
                self.take_in(&arrival, frame.bytes, sink);
            }
            None => self.push_odd(frame, sink),
        }
    }

    /// What a frame tells that needs no other.
    fn arrival(&self, frame: &Frame<'_>) -> Option<Arrival> {
        if let Some(packet) = PlainPacket::of(frame) {
            return Some(Arrival::of_plain(&packet, frame.timestamp, self.seed));
        }
        let packet = self.decoder.decode_alone(frame)?;
        Some(Arrival::of(&packet, self.seed))
    }

    /// Takes in a frame that is more, or less, than a packet.
    fn push_odd(&mut self, frame: &Frame<'_>, sink: &mut dyn FnMut(Session)) {
        let Some(packet) = self.decoder.decode(frame, &mut self.tally) else {
            return;
        };
        let arrival = Arrival::of(&packet, self.seed);
        let mut exit = Exit {
            options: &self.options,
            notes: &mut self.notes,
            tally: &mut self.tally,
            sink,
        };
        self.open.accept(&arrival, packet.bytes, &mut exit);
    }

    fn take_in(&mut self, arrival: &Arrival, bytes: &[u8], sink: &mut dyn FnMut(Session)) {
        let (open, mut exit) = self.open_and_exit(sink);
        open.accept(arrival, bytes, &mut exit);
    }

    /// Lets time pass without a frame: ends the sessions that have been silent for too long.
    pub fn pass_time(&mut self, now: Timestamp, sink: &mut dyn FnMut(Session)) {
        let (open, mut exit) = self.open_and_exit(sink);
        open.expire(now, &mut exit);
    }

    /// Ends every open session, in the order of their first packets.
    pub fn finish(&mut self, sink: &mut dyn FnMut(Session)) {
        self.decoder.finish(&mut self.tally);
        let (open, mut exit) = self.open_and_exit(sink);
        open.end_all(&mut exit);
    }

    fn open_and_exit<'a>(
        &'a mut self,
        sink: &'a mut dyn FnMut(Session),
    ) -> (&'a mut OpenSessions, Exit<'a>) {
        let exit = Exit {
            options: &self.options,
            notes: &mut self.notes,
            tally: &mut self.tally,
            sink,
        };
        (&mut self.open, exit)
    }

    /// Sessions open now.
    pub fn open_sessions(&self) -> usize {
        self.open.places.len()
    }

    /// What was read, kept and skipped so far.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }
}

/// What is kept of open sessions, and where it goes when they end: counted, to the sink.
struct Exit<'a> {
    options: &'a CutOptions,
    notes: &'a mut Notes,
    tally: &'a mut Tally,
    sink: &'a mut dyn FnMut(Session),
}

impl Exit<'_> {
    fn end(&mut self, place: u32, session: &OpenSession, reason: SessionEnd) {
        if session.is_before_windows() {
            self.tally.short_sessions += 1;
        } else {
            *self.tally.ends.entry(reason).or_default() += 1;
            self.show(place, session, reason);
        }
        self.notes.forget(place);
    }

    fn show(&mut self, place: u32, session: &OpenSession, reason: SessionEnd) {
        if let Some(mut session) = self.notes.session(place, session, reason) {
            if reason != SessionEnd::Open {
                session.excerpt = self.notes.take_excerpt(place);
            }
            (self.sink)(session);
        }
    }

    fn add(&mut self, place: u32, session: &mut OpenSession, packet: &Arrival, bytes: &[u8]) {
        session.add(packet);
        let direction = session.direction(packet.sender);
        self.notes
            .add(place, packet, bytes, direction, self.options);
    }
}

/// The lists of sessions by recency.
const ACTIVE: usize = 0;
const CLOSED: usize = 1;

/// The open sessions, found by key and by how recently they were active.
struct OpenSessions {
    places: Places,
    sessions: Arena<OpenSession>,
    recency: Recency<2>,
    /// Those that wait to be shown for their age, in the order in which they began.
    young: Recency<1>,
    opened: u64,
    last_timestamp: Timestamp,
}

impl OpenSessions {
    fn new() -> Self {
        Self {
            places: Places::new(),
            sessions: Arena::new(),
            recency: Recency::new(),
            young: Recency::new(),
            opened: 0,
            last_timestamp: Timestamp::default(),
        }
    }

    fn accept(&mut self, packet: &Arrival, bytes: &[u8], exit: &mut Exit<'_>) {
        match exit.options.unit {
            Unit::Session | Unit::Window(_) => self.take_in(packet, bytes, exit),
            Unit::Packet => Self::pass(packet, bytes, exit),
        }
    }

    fn take_in(&mut self, packet: &Arrival, bytes: &[u8], exit: &mut Exit<'_>) {
        // One frame with a time far ahead must not end everything: the next has to confirm it.
        let clock = packet.timestamp.min(self.last_timestamp);
        self.last_timestamp = packet.timestamp;
        self.expire(clock, exit);
        let place = self
            .find(packet, exit)
            .unwrap_or_else(|| self.insert(packet, exit));
        let Some(session) = self.sessions.get_mut(place) else {
            return;
        };
        match session.turn(packet.timestamp) {
            Turn::Stay => exit.add(place, session, packet, bytes),
            Turn::Skip => session.pass_over(packet),
            Turn::Next(window) => {
                exit.end(place, session, SessionEnd::Window);
                session.enter_window(packet.timestamp, window);
                exit.notes.begin_again(place, packet.timestamp);
                exit.add(place, session, packet, bytes);
            }
        }
        let is_over = exit.options.end_rule.heeds_tcp() && session.is_closed();
        let list = if is_over { CLOSED } else { ACTIVE };
        self.recency.touch(list, place);
        if exit.options.glimpses.packets.contains(&session.packets) {
            self.young.remove(place);
            exit.show(place, session, SessionEnd::Open);
        }
    }

    /// Where the session is that the packet joins; one that is over before it, ends.
    fn find(&mut self, packet: &Arrival, exit: &mut Exit<'_>) -> Option<u32> {
        let sessions = &self.sessions;
        let place = self.places.find(packet.hash, |place| {
            sessions
                .get(place)
                .is_some_and(|session| session.is_of(packet))
        })?;
        let session = self.sessions.get(place)?;
        match session.end_before(packet, exit.options.end_rule) {
            None => Some(place),
            Some(reason) => {
                self.remove(place, reason, exit);
                None
            }
        }
    }

    fn insert(&mut self, packet: &Arrival, exit: &mut Exit<'_>) -> u32 {
        while self.places.len() >= exit.options.max_sessions.get() {
            if let Some(place) = self.recency.oldest(CLOSED) {
                self.remove(place, SessionEnd::Closed, exit);
            } else if let Some(place) = self.recency.oldest(ACTIVE) {
                self.remove(place, SessionEnd::Evicted, exit);
            } else {
                break;
            }
        }
        let mut session = OpenSession::begin(packet, self.opened);
        session.cut_into(exit.options.unit);
        self.opened += 1;
        let place = self.sessions.insert(session);
        self.places.insert(packet.hash, place);
        exit.notes.begin(place, packet);
        if exit.options.glimpses.age_nanoseconds.is_some() {
            self.young.touch(0, place);
        }
        place
    }

    /// Takes a packet in that is a session of its own.
    fn pass(packet: &Arrival, bytes: &[u8], exit: &mut Exit<'_>) {
        // There is no other session: nothing stays.
        const PLACE: u32 = 0;
        let mut session = OpenSession::begin(packet, 0);
        exit.notes.begin(PLACE, packet);
        exit.add(PLACE, &mut session, packet, bytes);
        exit.end(PLACE, &session, SessionEnd::Packet);
    }

    fn remove(&mut self, place: u32, reason: SessionEnd, exit: &mut Exit<'_>) {
        let Some(session) = self.sessions.remove(place) else {
            return;
        };
        self.places.remove(session.hash, place);
        self.recency.remove(place);
        self.young.remove(place);
        exit.end(place, &session, reason);
    }

    /// Ends the sessions that have been silent for too long, and shows those that are old enough.
    fn expire(&mut self, clock: Timestamp, exit: &mut Exit<'_>) {
        if let Some(age_nanoseconds) = exit.options.glimpses.age_nanoseconds {
            self.show_old(clock, age_nanoseconds, exit);
        }
        let EndRule::Timeout {
            idle_nanoseconds, ..
        } = exit.options.end_rule
        else {
            return;
        };
        let linger_nanoseconds = LINGER_NANOSECONDS.min(idle_nanoseconds);
        self.expire_list(CLOSED, SessionEnd::Closed, linger_nanoseconds, clock, exit);
        self.expire_list(ACTIVE, SessionEnd::Idle, idle_nanoseconds, clock, exit);
    }

    fn expire_list(
        &mut self,
        list: usize,
        reason: SessionEnd,
        patience_nanoseconds: u64,
        clock: Timestamp,
        exit: &mut Exit<'_>,
    ) {
        while let Some(place) = self.recency.oldest(list)
            && let Some(session) = self.sessions.get(place)
        {
            if clock.nanoseconds_since(session.latest) > patience_nanoseconds {
                self.remove(place, reason, exit);
                continue;
            }
            // A session whose last packet lies far ahead would keep all behind it from ending.
            if session.latest.nanoseconds_since(clock) > patience_nanoseconds {
                self.recency.touch(list, place);
            }
            break;
        }
    }

    fn show_old(&mut self, clock: Timestamp, age_nanoseconds: u64, exit: &mut Exit<'_>) {
        while let Some(place) = self.young.oldest(0)
            && let Some(session) = self.sessions.get(place)
            && session.age(clock) >= age_nanoseconds
        {
            self.young.remove(place);
            exit.show(place, session, SessionEnd::Open);
        }
        // One that began far ahead would keep all behind it from being shown.
        if let Some(place) = self.young.oldest(0)
            && let Some(session) = self.sessions.get(place)
            && session.is_ahead_by(clock) > age_nanoseconds
        {
            self.young.touch(0, place);
        }
    }

    fn end_all(&mut self, exit: &mut Exit<'_>) {
        let all = self.sessions.iter();
        let mut rest: Vec<u32> = all.map(|(place, _)| place).collect();
        rest.sort_unstable_by_key(|&place| self.sessions.get(place).map(|session| session.number));
        let heeds_tcp = exit.options.end_rule.heeds_tcp();
        for place in rest {
            let session = self.sessions.get(place);
            let is_closed = session.is_some_and(|session| heeds_tcp && session.is_closed());
            let reason = if is_closed {
                SessionEnd::Closed
            } else {
                SessionEnd::Capture
            };
            self.remove(place, reason, exit);
        }
    }
}
