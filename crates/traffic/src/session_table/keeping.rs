//! Keeping: what the table tells of open sessions to whoever keeps what there is of them.

use super::{
    CutOptions,
    arrival::Arrival,
    foresight::Near,
    notes::{Notes, Outline},
    open_session::OpenSession,
};
use crate::{
    packet::Direction,
    session::{Session, SessionEnd},
    tally::Tally,
    timestamp::Timestamp,
};

/// Keeps what there is of sessions, each at its place, and gives it out in the end.
pub(super) trait Keep {
    /// Begins a session with its first packet, which it does not yet hold.
    fn begin(&mut self, place: u32, first: &Arrival);

    /// Begins a session anew at this time, with nothing of what was kept of it.
    fn begin_again(&mut self, place: u32, start: Timestamp);

    /// Takes in a packet, whose bytes are these.
    fn add(&mut self, place: u32, packet: &Arrival, bytes: &[u8], direction: Direction);

    /// Gives out what there is of a session.
    fn show(&mut self, place: u32, outline: &Outline, reason: SessionEnd);

    /// Keeps nothing more of a session.
    fn forget(&mut self, place: u32);

    /// Is told what will be asked for soon; matters for speed only.
    fn foresee(&mut self, near: &Near);
}

/// Keeps notes at once.
pub(super) struct Keeping<'a> {
    pub(super) notes: &'a mut Notes,
    pub(super) options: &'a CutOptions,
    pub(super) sink: &'a mut dyn FnMut(Session),
}

impl Keep for Keeping<'_> {
    fn begin(&mut self, place: u32, first: &Arrival) {
        self.notes.begin(place, first);
    }

    fn begin_again(&mut self, place: u32, start: Timestamp) {
        self.notes.begin_again(place, start);
    }

    fn add(&mut self, place: u32, packet: &Arrival, bytes: &[u8], direction: Direction) {
        self.notes
            .add(place, packet, bytes, direction, self.options);
    }

    fn show(&mut self, place: u32, outline: &Outline, reason: SessionEnd) {
        if let Some(mut session) = self.notes.session(place, outline, reason) {
            if reason != SessionEnd::Open {
                session.excerpt = self.notes.take_excerpt(place);
            }
            (self.sink)(session);
        }
    }

    fn forget(&mut self, place: u32) {
        self.notes.forget(place);
    }

    fn foresee(&mut self, near: &Near) {
        self.notes.ask_for(near);
        self.notes.foresee(near);
    }
}

/// What becomes of packets and sessions, counted.
pub(super) struct Exit<'a, K> {
    pub(super) options: &'a CutOptions,
    pub(super) tally: &'a mut Tally,
    pub(super) keep: &'a mut K,
}

impl<K: Keep> Exit<'_, K> {
    pub(super) fn end(&mut self, place: u32, session: &OpenSession, reason: SessionEnd) {
        if session.is_before_windows() {
            self.tally.short_sessions += 1;
        } else {
            *self.tally.ends.entry(reason).or_default() += 1;
            self.show(place, session, reason);
        }
        self.keep.forget(place);
    }

    pub(super) fn show(&mut self, place: u32, session: &OpenSession, reason: SessionEnd) {
        self.keep.show(place, &session.outline(), reason);
    }

    pub(super) fn add(
        &mut self,
        place: u32,
        session: &mut OpenSession,
        packet: &Arrival,
        bytes: &[u8],
    ) {
        session.add(packet);
        let direction = session.direction(packet.sender);
        self.keep.add(place, packet, bytes, direction);
    }
}
