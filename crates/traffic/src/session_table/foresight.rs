//! Foresight: packets of several frames looked at together, and the memory they need asked for.
//!
//! Where many sessions are open, a packet waits for memory three times: for its slot in the table,
//! its session, and that session's slice and journal. These waits follow from one another in one
//! packet, but not between packets: asked for side by side, they pass together.

use super::{
    arrival::Arrival,
    open_sessions::{ACTIVE, CLOSED, OpenSessions},
};

/// Open sessions from which on they no longer are in the processor's nearest memory.
const MANY: usize = 2_000;

/// Sessions of a list that may end during a batch.
const ENDING: usize = 24;

/// Places that will be looked at soon.
#[derive(Default)]
pub(super) struct Near {
    /// Where packets go, and how many bytes they have.
    pub(super) packets: Vec<(u32, u32)>,
    pub(super) ending: Vec<u32>,
    /// Of each list, the latest that was told to end.
    told: [Option<u32>; 2],
}

impl OpenSessions {
    /// Whether so many sessions are open that foresight is worth its work.
    pub(super) fn are_many(&self) -> bool {
        self.count() >= MANY
    }

    /// Asks for where the sessions of these packets probably are, whose slots have been asked for,
    /// and for those that were silent longest, which nobody has looked at for long; says where. Those that
    /// were told before are not told again.
    pub(super) fn foresee(&self, arrivals: &mut [Arrival], near: &mut Near) {
        near.packets.clear();
        near.ending.clear();
        for arrival in arrivals {
            if let Some(place) = self.places.find(arrival.hash, |_| true) {
                arrival.guess = place;
                self.sessions.prefetch(place);
                self.recency.prefetch(place);
                near.packets.push((place, arrival.captured));
            }
        }
        for list in [ACTIVE, CLOSED] {
            let first = near.ending.len();
            let told = near.told[list];
            for place in self.recency.oldest_first(list).take(ENDING) {
                near.ending.push(place);
                if told == Some(place) {
                    near.ending.truncate(first);
                }
            }
            if let Some(&last) = near.ending[first..].last() {
                near.told[list] = Some(last);
            }
        }
        for &place in &near.ending {
            self.sessions.prefetch(place);
        }
    }

    /// Asks for all that is looked at where these end.
    pub(super) fn foresee_ending(&self, near: &Near) {
        for &place in &near.ending {
            self.sessions.prefetch(place);
            self.recency.prefetch(place);
        }
        for &place in &near.ending {
            self.recency.prefetch_neighbours(place);
        }
        self.foresee_neighbours(near);
    }

    /// Asks for what stands beside these in the table's order.
    pub(super) fn foresee_neighbours(&self, near: &Near) {
        for &(place, _) in &near.packets {
            self.recency.prefetch_neighbours(place);
        }
        for &place in &near.ending {
            if let Some(session) = self.sessions.get(place) {
                self.places.prefetch(session.hash);
            }
        }
    }
}
