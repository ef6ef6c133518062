//! Foresight: packets of several frames looked at together, and the memory they need asked for.
//!
//! Where many sessions are open, a packet waits for memory three times: for its slot in the table,
//! its session, and that session's slice and journal. These waits follow from one another in one
//! packet, but not between packets: asked for side by side, they pass together.

use std::hint::black_box;

use super::{
    arrival::Arrival,
    open_session::OpenSession,
    open_sessions::{ACTIVE, CLOSED, OpenSessions},
};

/// Open sessions from which on they no longer are in the processor's nearest memory.
const MANY: usize = 2_000;

/// Sessions that may end during a batch.
const ENDING: usize = 12;

/// Places that will be looked at soon.
#[derive(Default)]
pub(super) struct Near {
    pub(super) packets: Vec<u32>,
    pub(super) ending: Vec<u32>,
}

impl OpenSessions {
    /// Whether so many sessions are open that foresight is worth its work.
    pub(super) fn are_many(&self) -> bool {
        self.count() >= MANY
    }

    /// Reads a little of what will be read to find the sessions of these packets, and to end those
    /// that were silent longest; says where they probably are.
    pub(super) fn foresee(&self, arrivals: &[Option<Arrival>], near: &mut Near) {
        near.packets.clear();
        near.ending.clear();
        let packets = arrivals.iter().flatten();
        near.packets
            .extend(packets.filter_map(|one| self.places.find(one.hash, |_| true)));
        // Nobody has looked for long at those that end next.
        for list in [ACTIVE, CLOSED] {
            let ending = self.recency.oldest_first(list).take(ENDING);
            near.ending.extend(ending);
        }
        let mut seen = 0;
        for &place in near.packets.iter().chain(&near.ending) {
            let session = self.sessions.get(place);
            seen ^= session.map_or(0, OpenSession::glance);
        }
        for &place in &near.ending {
            let hash = self.sessions.get(place).map(|session| session.hash);
            seen ^= hash.map_or(0, |hash| self.places.glance(hash));
        }
        // Or the compiler leaves out what nobody needs.
        black_box(seen);
    }
}
