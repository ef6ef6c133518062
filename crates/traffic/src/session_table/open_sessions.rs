//! The open sessions: who is open and until when; what is kept of them is told to whoever keeps it.

use super::{
    CutOptions, EndRule, LINGER_NANOSECONDS, Unit,
    arena::Arena,
    arrival::Arrival,
    calm::Calm,
    foresight::Near,
    keeping::{Exit, Keep},
    open_session::OpenSession,
    places::Places,
    recency::Recency,
    windows::Turn,
};
use crate::{session::SessionEnd, timestamp::Timestamp};

/// Sessions that end together with their capture, so many at a time.
const TOGETHER: usize = 32;

/// The lists of sessions by recency.
pub(super) const ACTIVE: usize = 0;
pub(super) const CLOSED: usize = 1;

/// The open sessions, found by key and by how recently they were active.
pub(super) struct OpenSessions {
    pub(super) places: Places,
    pub(super) sessions: Arena<OpenSession>,
    pub(super) recency: Recency<2>,
    /// Those that wait to be shown for their age, in the order in which they began.
    young: Recency<1>,
    opened: u64,
    last_timestamp: Timestamp,
    /// When nobody ends or is shown by silence or age, as long as the oldest stay what they are.
    calm: Calm,
}

impl OpenSessions {
    pub(super) fn new() -> Self {
        Self {
            places: Places::new(),
            sessions: Arena::new(),
            recency: Recency::new(),
            young: Recency::new(),
            opened: 0,
            last_timestamp: Timestamp::default(),
            calm: Calm::NEVER,
        }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.places.len()
    }

    /// Takes a packet in, whose bytes are these.
    #[inline]
    pub(super) fn accept(
        &mut self,
        packet: &Arrival,
        bytes: &[u8],
        exit: &mut Exit<'_, impl Keep>,
    ) {
        match exit.options.unit {
            Unit::Session | Unit::Window(_) => self.take_in(packet, bytes, exit),
            Unit::Packet => pass(packet, bytes, exit),
        }
    }

    fn take_in(&mut self, packet: &Arrival, bytes: &[u8], exit: &mut Exit<'_, impl Keep>) {
        // One frame with a time far ahead must not end everything: the next has to confirm it.
        let clock = packet.timestamp.min(self.last_timestamp);
        self.last_timestamp = packet.timestamp;
        if !self.calm.holds(clock) {
            self.expire(clock, exit);
        }
        let place = self
            .find(packet, exit)
            .unwrap_or_else(|| self.insert(packet, exit));
        let Some(session) = self.sessions.get_mut(place) else {
            return;
        };
        let latest_before = session.latest;
        match session.turn(packet.timestamp) {
            Turn::Stay => exit.add(place, session, packet, bytes),
            Turn::Skip => session.pass_over(packet),
            Turn::Next(window) => {
                exit.end(place, session, SessionEnd::Window);
                session.enter_window(packet.timestamp, window);
                exit.keep.begin_again(place, packet.timestamp);
                exit.add(place, session, packet, bytes);
            }
        }
        let is_over = exit.options.end_rule.heeds_tcp() && session.is_closed();
        let list = if is_over { CLOSED } else { ACTIVE };
        let oldest = self.recency.oldest(list);
        if oldest.is_none() || self.recency.is_oldest(place) {
            self.calm = Calm::NEVER;
        }
        self.recency.touch(list, place);
        if exit.options.glimpses.are_due(session, latest_before) {
            self.young.remove(place);
            exit.show(place, session, SessionEnd::Open);
        }
    }

    /// Where the session is that the packet joins; one that is over before it, ends.
    fn find(&mut self, packet: &Arrival, exit: &mut Exit<'_, impl Keep>) -> Option<u32> {
        let sessions = &self.sessions;
        let is_meant = |place| {
            sessions
                .get(place)
                .is_some_and(|session: &OpenSession| session.is_of(packet))
        };
        let place = if is_meant(packet.guess) {
            packet.guess
        } else {
            self.places.find(packet.hash, is_meant)?
        };
        let session = self.sessions.get(place)?;
        match session.end_before(packet, exit.options.end_rule) {
            None => Some(place),
            Some(reason) => {
                self.remove(place, reason, exit);
                None
            }
        }
    }

    fn insert(&mut self, packet: &Arrival, exit: &mut Exit<'_, impl Keep>) -> u32 {
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
        exit.keep.begin(place, packet);
        if exit.options.glimpses.age_nanoseconds.is_some() {
            self.young.touch(0, place);
        }
        place
    }

    fn remove(&mut self, place: u32, reason: SessionEnd, exit: &mut Exit<'_, impl Keep>) {
        let Some(session) = self.sessions.remove(place) else {
            return;
        };
        self.calm = Calm::NEVER;
        self.places.remove(session.hash, place);
        self.recency.remove(place);
        self.young.remove(place);
        exit.end(place, &session, reason);
    }

    /// Ends the sessions that have been silent for too long, and shows those that are old enough.
    pub(super) fn expire(&mut self, clock: Timestamp, exit: &mut Exit<'_, impl Keep>) {
        if let Some(age_nanoseconds) = exit.options.glimpses.age_nanoseconds {
            self.show_old(clock, age_nanoseconds, exit);
        }
        for (list, reason, patience_nanoseconds) in patience(exit.options.end_rule) {
            self.expire_list(list, reason, patience_nanoseconds, clock, exit);
        }
        self.calm = self.calm(exit.options);
    }

    /// When expiring changes nothing, by those that are the oldest now.
    fn calm(&self, options: &CutOptions) -> Calm {
        if options.glimpses.age_nanoseconds.is_some() {
            return Calm::NEVER;
        }
        let lists = patience(options.end_rule);
        lists.fold(Calm::ALWAYS, |calm, (list, _, patience_nanoseconds)| {
            let oldest = self.recency.oldest(list);
            match oldest.and_then(|place| self.sessions.get(place)) {
                Some(session) => calm.around(session.latest, patience_nanoseconds),
                None => calm,
            }
        })
    }

    fn expire_list(
        &mut self,
        list: usize,
        reason: SessionEnd,
        patience_nanoseconds: u64,
        clock: Timestamp,
        exit: &mut Exit<'_, impl Keep>,
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

    fn show_old(&mut self, clock: Timestamp, age_nanoseconds: u64, exit: &mut Exit<'_, impl Keep>) {
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

    /// Ends every open session, in the order of their first packets.
    pub(super) fn end_all(&mut self, exit: &mut Exit<'_, impl Keep>) {
        let all = self.sessions.iter();
        let first = all.clone().map(|(_, session)| session.number).min();
        let first = first.unwrap_or_default();
        // So many after the first, and the place: what is sorted lies together.
        let mut rest: Vec<(u32, u32)> = all
            .map(|(place, session)| ((session.number - first) as u32, place))
            .collect();
        if u32::try_from(self.opened - first).is_ok() {
            rest.sort_unstable();
        } else {
            rest.sort_by_key(|&(_, place)| self.sessions.get(place).map(|one| one.number));
        }
        let mut near = Near::default();
        for some in rest.chunks(TOGETHER) {
            near.ending.clear();
            near.ending.extend(some.iter().map(|&(_, place)| place));
            if self.are_many() {
                self.foresee_ending(&near);
                exit.keep.foresee(&near);
            }
            self.end_these(&near.ending, exit);
        }
    }

    fn end_these(&mut self, places: &[u32], exit: &mut Exit<'_, impl Keep>) {
        let heeds_tcp = exit.options.end_rule.heeds_tcp();
        for &place in places {
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

/// The lists whose sessions end by silence, why they do, and after how many nanoseconds.
fn patience(rule: EndRule) -> impl Iterator<Item = (usize, SessionEnd, u64)> {
    let lists = match rule {
        EndRule::Timeout {
            idle_nanoseconds: idle,
            ..
        } => Some([
            (CLOSED, SessionEnd::Closed, LINGER_NANOSECONDS.min(idle)),
            (ACTIVE, SessionEnd::Idle, idle),
        ]),
        EndRule::Capture => None,
    };
    lists.into_iter().flatten()
}

/// Takes a packet in that is a session of its own.
fn pass(packet: &Arrival, bytes: &[u8], exit: &mut Exit<'_, impl Keep>) {
    // There is no other session: nothing stays.
    const PLACE: u32 = 0;
    let mut session = OpenSession::begin(packet, 0);
    exit.keep.begin(PLACE, packet);
    exit.add(PLACE, &mut session, packet, bytes);
    exit.end(PLACE, &session, SessionEnd::Packet);
}
