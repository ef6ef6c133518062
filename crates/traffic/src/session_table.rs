//! The session table: packets in, finished sessions out, memory bounded.

mod arena;
mod foresight;
mod journal;
mod key;
mod open_session;
mod open_slices;
mod options;
mod places;
mod recency;
mod windows;

use std::{hash::BuildHasher, ops::ControlFlow};

pub use self::options::{CutOptions, EndRule, Glimpses, LINGER_NANOSECONDS, Unit, Windows};
pub use crate::decode::Tunnels;
use crate::{
    capture::{Frame, Frames},
    decode::Decoder,
    packet::Packet,
    seeded_hash::Seed,
    session::{Session, SessionEnd},
    tally::Tally,
    timestamp::Timestamp,
};
use arena::Arena;
use foresight::Identified;
use journal::Journals;
use key::SessionKey;
use open_session::{Memory, OpenSession};
use open_slices::OpenSlices;
use places::Places;
use recency::Recency;
use windows::Turn;

/// Cuts the frames of ONE capture into sessions.
pub struct SessionTable {
    options: CutOptions,
    decoder: Decoder,
    open: OpenSessions,
    tally: Tally,
}

impl SessionTable {
    /// An empty table; `seed` makes its hash hard to attack and is not visible in results.
    pub fn new(options: CutOptions, seed: u64) -> Self {
        Self {
            decoder: Decoder::new(options.tunnels),
            open: OpenSessions::new(seed, options.slice_length.get()),
            tally: Tally::default(),
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
        if !self.open.are_many() {
            return frames.iter().try_for_each(|frame| {
                goes_on(&frame)?;
                self.push(&frame, sink);
                ControlFlow::Continue(())
            });
        }
        let identified = self.open.foresee(frames, &self.decoder);
        for (frame, identified) in frames.iter().zip(identified) {
            goes_on(&frame)?;
            match identified {
                Some(identified) => {
                    Decoder::count_alone(&frame, &mut self.tally);
                    self.take_in(&identified, sink);
                }
                None => self.push(&frame, sink),
            }
        }
        ControlFlow::Continue(())
    }

    /// Takes one frame in; sessions that it ends go to `sink`, in an order that depends on the capture only.
    pub fn push(&mut self, frame: &Frame<'_>, sink: &mut dyn FnMut(Session)) {
        let Some(packet) = self.decoder.decode(frame, &mut self.tally) else {
            return;
        };
        let identified = self.open.identify(packet);
        let mut exit = Exit {
            tally: &mut self.tally,
            sink,
        };
        self.open.accept(&identified, &self.options, &mut exit);
    }

    fn take_in(&mut self, identified: &Identified<'_>, sink: &mut dyn FnMut(Session)) {
        let mut exit = Exit {
            tally: &mut self.tally,
            sink,
        };
        self.open.accept(identified, &self.options, &mut exit);
    }

    /// Lets time pass without a frame: ends the sessions that have been silent for too long.
    pub fn pass_time(&mut self, now: Timestamp, sink: &mut dyn FnMut(Session)) {
        let mut exit = Exit {
            tally: &mut self.tally,
            sink,
        };
        self.open.expire(now, &self.options, &mut exit);
    }

    /// Ends every open session, in the order of their first packets.
    pub fn finish(&mut self, sink: &mut dyn FnMut(Session)) {
        self.decoder.finish(&mut self.tally);
        let mut exit = Exit {
            tally: &mut self.tally,
            sink,
        };
        self.open.end_all(self.options.end_rule, &mut exit);
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

/// Where ended sessions go, counted, and glimpses of open ones.
struct Exit<'a> {
    tally: &'a mut Tally,
    sink: &'a mut dyn FnMut(Session),
}

impl Exit<'_> {
    fn end(&mut self, session: OpenSession, reason: SessionEnd, memory: &mut Memory) {
        if session.is_before_windows() {
            session.forget(memory);
            self.tally.short_sessions += 1;
            return;
        }
        *self.tally.ends.entry(reason).or_default() += 1;
        (self.sink)(session.finish(reason, memory));
    }

    fn show(&mut self, session: &OpenSession, memory: &Memory) {
        (self.sink)(session.glimpse(memory));
    }
}

/// The open sessions, found by key and by how recently they were active.
struct OpenSessions {
    seed: Seed,
    places: Places,
    sessions: Arena<OpenSession>,
    memory: Memory,
    active: Recency,
    closed: Recency,
    /// Those that wait to be shown for their age, in the order in which they began.
    young: Recency,
    opened: u64,
    last_timestamp: Timestamp,
}

impl OpenSessions {
    fn new(seed: u64, slice_length: usize) -> Self {
        Self {
            seed: Seed(seed),
            places: Places::new(),
            sessions: Arena::new(),
            memory: Memory {
                journals: Journals::new(),
                slices: OpenSlices::new(slice_length),
            },
            active: Recency::new(),
            closed: Recency::new(),
            young: Recency::new(),
            opened: 0,
            last_timestamp: Timestamp::default(),
        }
    }

    fn hash(&self, key: &SessionKey) -> u32 {
        // The upper half has been mixed best.
        (self.seed.hash_one(key) >> 32) as u32
    }

    fn accept(&mut self, one: &Identified<'_>, options: &CutOptions, exit: &mut Exit<'_>) {
        match options.unit {
            Unit::Session | Unit::Window(_) => self.take_in(one, options, exit),
            Unit::Packet => self.pass(one, options, exit),
        }
    }

    fn take_in(&mut self, one: &Identified<'_>, options: &CutOptions, exit: &mut Exit<'_>) {
        let Identified {
            packet,
            key,
            sender,
            hash,
        } = one;
        // One frame with a time far ahead must not end everything: the next has to confirm it.
        let clock = packet.timestamp.min(self.last_timestamp);
        self.last_timestamp = packet.timestamp;
        self.expire(clock, options, exit);
        let place = self
            .find(*hash, key, packet, options.end_rule, exit)
            .unwrap_or_else(|| self.insert(one, options, exit));
        let Some(session) = self.sessions.get_mut(place) else {
            return;
        };
        let was_closed = session.is_closed();
        match session.turn(packet.timestamp) {
            Turn::Stay => session.add(packet, *sender, options, &mut self.memory),
            Turn::Skip => session.pass_over(packet, *sender),
            Turn::Next(window) => {
                let next = session.next_window(packet.timestamp, window, &mut self.memory);
                let ended = std::mem::replace(session, next);
                session.add(packet, *sender, options, &mut self.memory);
                exit.end(ended, SessionEnd::Window, &mut self.memory);
            }
        }
        if options.end_rule.heeds_tcp() && session.is_closed() {
            if !was_closed {
                self.active.remove(place);
            }
            self.closed.touch(place);
        } else {
            self.active.touch(place);
        }
        if options.glimpses.packets.contains(&session.packets()) {
            self.young.remove(place);
            exit.show(session, &self.memory);
        }
    }

    /// Where the session is that the packet joins; one that is over before it, ends.
    fn find(
        &mut self,
        hash: u32,
        key: &SessionKey,
        packet: &Packet<'_>,
        rule: EndRule,
        exit: &mut Exit<'_>,
    ) -> Option<u32> {
        let sessions = &self.sessions;
        let place = self.places.find(hash, |place| {
            sessions
                .get(place)
                .is_some_and(|session| session.key == *key)
        })?;
        match self.sessions.get(place)?.end_before(packet, rule) {
            None => Some(place),
            Some(reason) => {
                self.remove(place, reason, exit);
                None
            }
        }
    }

    fn insert(&mut self, one: &Identified<'_>, options: &CutOptions, exit: &mut Exit<'_>) -> u32 {
        while self.places.len() >= options.max_sessions.get() {
            if let Some(place) = self.closed.oldest() {
                self.remove(place, SessionEnd::Closed, exit);
            } else if let Some(place) = self.active.oldest() {
                self.remove(place, SessionEnd::Evicted, exit);
            } else {
                break;
            }
        }
        let mut session = OpenSession::begin(one, &mut self.memory);
        session.number = self.opened;
        session.cut_into(options.unit);
        self.opened += 1;
        let place = self.sessions.insert(session);
        self.places.insert(one.hash, place);
        if options.glimpses.age_nanoseconds.is_some() {
            self.young.touch(place);
        }
        place
    }

    /// Takes a packet in that is a session of its own.
    fn pass(&mut self, one: &Identified<'_>, options: &CutOptions, exit: &mut Exit<'_>) {
        let mut session = OpenSession::begin(one, &mut self.memory);
        session.add(&one.packet, one.sender, options, &mut self.memory);
        exit.end(session, SessionEnd::Packet, &mut self.memory);
    }

    fn remove(&mut self, place: u32, reason: SessionEnd, exit: &mut Exit<'_>) {
        let Some(session) = self.sessions.remove(place) else {
            return;
        };
        self.places.remove(session.hash, place);
        self.active.remove(place);
        self.closed.remove(place);
        self.young.remove(place);
        exit.end(session, reason, &mut self.memory);
    }

    /// Ends the sessions that have been silent for too long, and shows those that are old enough.
    fn expire(&mut self, clock: Timestamp, options: &CutOptions, exit: &mut Exit<'_>) {
        if let Some(age_nanoseconds) = options.glimpses.age_nanoseconds {
            self.show_old(clock, age_nanoseconds, exit);
        }
        let EndRule::Timeout {
            idle_nanoseconds, ..
        } = options.end_rule
        else {
            return;
        };
        let linger_nanoseconds = LINGER_NANOSECONDS.min(idle_nanoseconds);
        while let Some(place) = self.closed.oldest() {
            if !self.is_silent(place, clock, linger_nanoseconds) {
                break;
            }
            self.remove(place, SessionEnd::Closed, exit);
        }
        while let Some(place) = self.active.oldest() {
            if !self.is_silent(place, clock, idle_nanoseconds) {
                break;
            }
            self.remove(place, SessionEnd::Idle, exit);
        }
        // A session whose last packet lies far ahead would keep all behind it from ending.
        for (list, patience) in [
            (&mut self.closed, linger_nanoseconds),
            (&mut self.active, idle_nanoseconds),
        ] {
            if let Some(place) = list.oldest()
                && let Some(session) = self.sessions.get(place)
                && session.latest.nanoseconds_since(clock) > patience
            {
                list.touch(place);
            }
        }
    }

    fn show_old(&mut self, clock: Timestamp, age_nanoseconds: u64, exit: &mut Exit<'_>) {
        while let Some(place) = self.young.oldest()
            && let Some(session) = self.sessions.get(place)
            && session.age(clock) >= age_nanoseconds
        {
            self.young.remove(place);
            exit.show(session, &self.memory);
        }
        // One that began far ahead would keep all behind it from being shown.
        if let Some(place) = self.young.oldest()
            && let Some(session) = self.sessions.get(place)
            && session.is_ahead_by(clock) > age_nanoseconds
        {
            self.young.touch(place);
        }
    }

    fn is_silent(&self, place: u32, clock: Timestamp, patience_nanoseconds: u64) -> bool {
        self.sessions
            .get(place)
            .is_some_and(|session| clock.nanoseconds_since(session.latest) > patience_nanoseconds)
    }

    fn end_all(&mut self, rule: EndRule, exit: &mut Exit<'_>) {
        let all = self.sessions.iter();
        let mut rest: Vec<_> = all
            .map(|(place, session)| (session.number, place))
            .collect();
        rest.sort_unstable();
        for (_, place) in rest {
            let is_closed = |session: &OpenSession| rule.heeds_tcp() && session.is_closed();
            let reason = if self.sessions.get(place).is_some_and(is_closed) {
                SessionEnd::Closed
            } else {
                SessionEnd::Capture
            };
            self.remove(place, reason, exit);
        }
    }
}
