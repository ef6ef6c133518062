//! The frontier: frames in, and who is open told; the session table without what is kept.
#![expect(
    clippy::inline_always,
    reason = "done for each packet, where a call is dear"
)]

use super::{
    CutOptions,
    arrival::{Arrival, Kind},
    foresight::Near,
    keeping::{Exit, Keep},
    open_sessions::OpenSessions,
};
use crate::{
    capture::{Frame, Frames},
    decode::{Decoder, FrameCount, PlainPacket},
    link::LinkType,
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
    /// Frames that are packets, and not yet in the tally.
    count: FrameCount,
    pub(super) tally: Tally,
    pub(super) near: Near,
}

impl Frontier {
    pub(super) fn new(options: CutOptions, seed: u64) -> Self {
        Self {
            seed: Seed::new(seed),
            decoder: Decoder::new(options.tunnels),
            open: OpenSessions::new(),
            count: FrameCount::of(LinkType::ETHERNET),
            tally: Tally::default(),
            near: Near::default(),
            options,
        }
    }

    /// What frames tell that need no other, each at its place in `arrivals`; if so many sessions are open that
    /// it pays, asks for the memory that these will need, and says so.
    pub(super) fn look_at(&mut self, frames: Frames<'_>, arrivals: &mut [Arrival]) -> bool {
        for (frame, arrival) in frames.iter().zip(&mut *arrivals) {
            self.arrive(&frame, arrival);
        }
        let pays = self.open.are_many();
        if pays {
            for arrival in &*arrivals {
                self.open.places.prefetch(arrival.hash);
            }
            self.open.foresee(arrivals, &mut self.near);
        }
        pays
    }

    /// Asks for more of it, once what was asked for has come.
    pub(super) fn foresee_neighbours(&self) {
        self.open.foresee_neighbours(&self.near);
    }

    /// Writes down what a frame tells that needs no other.
    #[inline(always)]
    pub(super) fn arrive(&self, frame: &Frame<'_>, arrival: &mut Arrival) {
        match PlainPacket::of(frame) {
            Some(packet) => arrival.become_plain(&packet, frame.timestamp, self.seed),
            None => *arrival = self.unusual_arrival(frame),
        }
    }

    #[cold]
    fn unusual_arrival(&self, frame: &Frame<'_>) -> Arrival {
        let packet = self.decoder.decode_alone(frame);
        packet.map_or(Arrival::ODD, |packet| Arrival::of(&packet, self.seed))
    }

    /// Writes into the tally what was counted beside it.
    pub(super) fn settle(&mut self) {
        self.count.settle_packets(&mut self.tally);
    }

    /// Takes in a frame, of which this is told; a packet is counted beside the tally.
    #[inline]
    pub(super) fn take_in(&mut self, frame: &Frame<'_>, arrival: &Arrival, keep: &mut impl Keep) {
        if arrival.kind == Kind::Odd {
            self.take_in_odd(frame, keep);
            return;
        }
        self.count.add_packet(frame, &mut self.tally);
        let mut exit = Exit {
            options: &self.options,
            tally: &mut self.tally,
            keep,
        };
        self.open.accept(arrival, frame.bytes, &mut exit);
    }

    /// Takes in a frame that is more, or less, than a packet.
    #[cold]
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
        self.settle();
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
