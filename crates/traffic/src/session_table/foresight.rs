//! Foresight: packets of several frames looked at together, and the memory they need asked for.
//!
//! Where many sessions are open, a packet waits for memory three times: for its slot in the table,
//! its session, and that session's slice and journal. These waits follow from one another in one
//! packet, but not between packets: asked for side by side, they pass together.

use std::hint::black_box;

use super::{ACTIVE, CLOSED, OpenSessions, arrival::Arrival, notes::Notes};

/// Open sessions from which on they no longer are in the processor's nearest memory.
const MANY: usize = 2_000;

/// Sessions that may end during a batch.
const ENDING: usize = 12;

impl OpenSessions {
    /// Whether so many sessions are open that foresight is worth its work.
    pub(super) fn are_many(&self) -> bool {
        self.places.len() >= MANY
    }

    /// Reads a little of all that will be read, and leaves it at that; `near` is for its own use.
    pub(super) fn ask_for_memory(
        &self,
        arrivals: &[Option<Arrival>],
        notes: &Notes,
        near: &mut Vec<u32>,
    ) {
        near.clear();
        let packets = arrivals.iter().flatten();
        near.extend(packets.filter_map(|one| self.places.find(one.hash, |_| true)));
        // Those that were silent longest end next, and nobody has looked at them for as long.
        let own = near.len();
        for list in [ACTIVE, CLOSED] {
            near.extend(self.recency.oldest_first(list).take(ENDING));
        }
        let mut seen = 0;
        for &place in near.iter() {
            let session = self.sessions.get(place);
            seen ^= session.map_or(0, super::OpenSession::glance);
            seen ^= u64::from(notes.glance(place));
        }
        for &place in &near[..own] {
            seen ^= u64::from(notes.glance_beyond(place));
        }
        for &place in &near[own..] {
            seen ^= u64::from(notes.glance_back(place));
            let hash = self.sessions.get(place).map(|session| session.hash);
            seen ^= hash.map_or(0, |hash| self.places.glance(hash));
        }
        // Or the compiler leaves out what nobody needs.
        black_box(seen);
    }
}
