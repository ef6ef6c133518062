//! The session table: packets in, finished sessions out, memory bounded.

mod arena;
mod arrival;
mod calm;
mod foresight;
mod frontier;
mod journal;
mod keeping;
mod key;
mod notes;
mod open_session;
mod open_sessions;
mod open_slices;
mod options;
mod pages;
mod places;
mod recency;
mod stages;
mod windows;

use std::ops::ControlFlow;

pub use self::options::{CutOptions, EndRule, Glimpses, LINGER_NANOSECONDS, Unit, Windows};
pub(crate) use self::stages::{Batch, Finder, Keeper};
pub use crate::decode::Tunnels;
use crate::{
    capture::{Frame, Frames},
    session::Session,
    tally::Tally,
    timestamp::Timestamp,
};
use arrival::Arrival;
use frontier::Frontier;
use keeping::Keeping;
use notes::Notes;

/// Cuts the frames of ONE capture into sessions.
pub struct SessionTable {
    frontier: Frontier,
    notes: Notes,
    options: CutOptions,
    /// Of the frames that are looked at together.
    arrivals: Vec<Arrival>,
}

impl SessionTable {
    /// An empty table; `seed` makes its hash hard to attack and is not visible in results.
    pub fn new(options: CutOptions, seed: u64) -> Self {
        Self {
            notes: Notes::new(&options),
            frontier: Frontier::new(options.clone(), seed),
            options,
            arrivals: Vec::new(),
        }
    }

    /// Takes frames in one after another, each after `goes_on` has agreed to it; says whether it did
    /// to the last. The same as pushing each, and faster.
    pub fn push_all(
        &mut self,
        frames: Frames<'_>,
        mut goes_on: impl FnMut(&Frame<'_>) -> ControlFlow<()>,
        sink: &mut dyn FnMut(Session),
    ) -> ControlFlow<()> {
        let Self {
            frontier,
            notes,
            options,
            arrivals,
        } = self;
        arrivals.resize(frames.len(), Arrival::ODD);
        if frontier.look_at(frames, arrivals) {
            notes.ask_for(&frontier.near);
            frontier.foresee_neighbours();
            notes.foresee(&frontier.near);
        }
        let mut keep = Keeping {
            notes,
            options,
            sink,
        };
        let flow = frames
            .iter()
            .zip(&*arrivals)
            .try_for_each(|(frame, arrival)| {
                goes_on(&frame)?;
                frontier.take_in(&frame, arrival, &mut keep);
                ControlFlow::Continue(())
            });
        frontier.settle();
        flow
    }

    /// Takes one frame in; sessions that it ends go to `sink`, in an order that depends on the capture only.
    pub fn push(&mut self, frame: &Frame<'_>, sink: &mut dyn FnMut(Session)) {
        let mut arrival = Arrival::ODD;
        self.frontier.arrive(frame, &mut arrival);
        let (frontier, mut keep) = self.parts(sink);
        frontier.take_in(frame, &arrival, &mut keep);
        frontier.settle();
    }

    /// Lets time pass without a frame: ends the sessions that have been silent for too long.
    pub fn pass_time(&mut self, now: Timestamp, sink: &mut dyn FnMut(Session)) {
        let (frontier, mut keep) = self.parts(sink);
        frontier.pass_time(now, &mut keep);
    }

    /// Ends every open session, in the order of their first packets.
    pub fn finish(&mut self, sink: &mut dyn FnMut(Session)) {
        let (frontier, mut keep) = self.parts(sink);
        frontier.finish(&mut keep);
    }

    fn parts<'a>(
        &'a mut self,
        sink: &'a mut dyn FnMut(Session),
    ) -> (&'a mut Frontier, Keeping<'a>) {
        let keep = Keeping {
            notes: &mut self.notes,
            options: &self.options,
            sink,
        };
        (&mut self.frontier, keep)
    }

    /// Sessions open now.
    pub fn open_sessions(&self) -> usize {
        self.frontier.open_sessions()
    }

    /// What was read, kept and skipped so far.
    pub fn tally(&self) -> &Tally {
        &self.frontier.tally
    }
}
