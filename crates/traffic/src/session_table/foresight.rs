//! Foresight: packets of several frames decoded at once, and the memory they need asked for.
//!
//! Where many sessions are open, a packet waits for memory three times: for its slot in the table,
//! its session, and that session's slice and journal. These waits follow from one another in one
//! packet, but not between packets: asked for side by side, they pass together.

use std::hint::black_box;

use super::{
    OpenSessions,
    key::{End, SessionKey},
};
use crate::{capture::Frames, decode::Decoder, packet::Packet};

/// Open sessions from which on they no longer are in the processor's nearest memory.
const MANY: usize = 2_000;

/// Sessions that may end during a batch.
const ENDING: usize = 16;

/// A packet, and what its session is found by.
pub(super) struct Identified<'a> {
    pub(super) packet: Packet<'a>,
    pub(super) key: SessionKey,
    pub(super) sender: End,
    pub(super) hash: u32,
}

impl OpenSessions {
    /// A packet with what it is found by.
    pub(super) fn identify<'a>(&self, packet: Packet<'a>) -> Identified<'a> {
        let (key, sender) = SessionKey::of(&packet);
        let hash = self.hash(&key);
        Identified {
            packet,
            key,
            sender,
            hash,
        }
    }

    /// Whether so many sessions are open that foresight is worth its work.
    pub(super) fn are_many(&self) -> bool {
        self.places.len() >= MANY
    }

    /// What the frames alone tell, `[frames]`.
    pub(super) fn foresee<'a>(
        &self,
        frames: Frames<'a>,
        decoder: &Decoder,
    ) -> Vec<Option<Identified<'a>>> {
        let identified: Vec<_> = frames
            .iter()
            .map(|frame| {
                let packet = decoder.decode_alone(&frame)?;
                Some(self.identify(packet))
            })
            .collect();
        self.ask_for_memory(&identified);
        identified
    }

    /// Reads a little of all that will be read, and leaves it at that.
    fn ask_for_memory(&self, identified: &[Option<Identified<'_>>]) {
        let packets = identified.iter().flatten();
        let places: Vec<u32> = packets
            .filter_map(|one| self.places.find(one.hash, |_| true))
            .collect();
        // Those that were silent longest end next, and nobody has looked at them for as long.
        let ending = || self.active.oldest_first().take(ENDING);
        let sessions = || {
            let all = places.iter().copied().chain(ending());
            all.filter_map(|place| self.sessions.get(place))
        };
        let own: u64 = sessions().fold(0, |sum, session| sum ^ session.glance());
        let others: u8 =
            sessions().fold(0, |sum, session| sum ^ session.glance_beyond(&self.memory));
        // Or the compiler leaves out what nobody needs.
        black_box((own, others));
    }
}
