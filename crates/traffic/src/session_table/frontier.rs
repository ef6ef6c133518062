//! The frontier: frames in, and who is open told; the session table without what is kept.

use super::{
    CutOptions,
    arrival::Arrival,
    foresight::Near,
    keeping::{Exit, Keep},
    open_sessions::OpenSessions,
};
use crate::{
    capture::Frame,
    decode::{Decoder, PlainPacket},
    seeded_hash::Seed,
    tally::Tally,
    timestamp::Timestamp,
};

/// Decoder and open sessions of one capture.
pub(super) struct Frontier {
    pub(super) options: CutOptions,
    seed: Seed,
    decoder: Decoder,
    open: OpenSessions,
    pub(super) tally: Tally,
    pub(super) near: Near,
}

impl Frontier {
    pub(super) fn new(options: CutOptions, seed: u64) -> Self {
        Self {
            seed: Seed::new(seed),
            decoder: Decoder::new(options.tunnels),
            open: OpenSessions::new(),
            tally: Tally::default(),
            near: Near::default(),
            options,
        }
    }

    /// What a frame tells that needs no other.
    pub(super) fn arrival(&self, frame: &Frame<'_>) -> Option<Arrival> {
        if let Some(packet) = PlainPacket::of(frame) {
            return Some(Arrival::of_plain(&packet, frame.timestamp, self.seed));
        }
        let packet = self.decoder.decode_alone(frame)?;
        Some(Arrival::of(&packet, self.seed))
    }

    /// Asks for the memory that these will need, if so many sessions are open that it pays; says whether.
    pub(super) fn foresee(&mut self, arrivals: &[Option<Arrival>]) -> bool {
        let pays = self.open.are_many();
        if pays {
            self.open.foresee(arrivals, &mut self.near);
        }
        pays
    }

    /// Takes in a frame that is this packet.
    pub(super) fn take_in(&mut self, frame: &Frame<'_>, arrival: &Arrival, keep: &mut impl Keep) {
        Decoder::count_alone(frame, &mut self.tally);
        let mut exit = Exit {
            options: &self.options,
            tally: &mut self.tally,
            keep,
        };
        self.open.accept(arrival, frame.bytes, &mut exit);
    }

    /// Takes in a frame that is more, or less, than a packet.
    pub(super) fn take_in_odd(&mut self, frame: &Frame<'_>, keep: &mut impl Keep) {
        let Some(packet) = self.decoder.decode(frame, &mut self.tally) else {
            return;
        };
        let arrival = Arrival::of(&packet, self.seed);
        let mut exit = Exit {
            options: &self.options,
            tally: &mut self.tally,
            keep,
        };
        self.open.accept(&arrival, packet.bytes, &mut exit);
    }

    /// Lets time pass without a frame.
    pub(super) fn pass_time(&mut self, now: Timestamp, keep: &mut impl Keep) {
        let mut exit = Exit {
            options: &self.options,
            tally: &mut self.tally,
            keep,
        };
        self.open.expire(now, &mut exit);
    }

    /// Ends all that waits or is open.
    pub(super) fn finish(&mut self, keep: &mut impl Keep) {
        self.decoder.finish(&mut self.tally);
        let mut exit = Exit {
            options: &self.options,
            tally: &mut self.tally,
            keep,
        };
        self.open.end_all(&mut exit);
    }

    /// Sessions open now.
    pub(super) fn open_sessions(&self) -> usize {
        self.open.count()
    }
}
