//! Stages: the session table in two halves that may work at the same time, a batch of frames apart.
//!
//! The first finds the sessions of frames and writes down, step by step, what is to be kept of them;
//! the second keeps it. What comes out is what one table gives of the same frames, in its order.

use super::{
    CutOptions,
    arrival::{Arrival, Kind},
    foresight::Near,
    frontier::Frontier,
    keeping::{Keep, Keeping},
    notes::{Notes, Outline},
};
use crate::{
    capture::{CaptureError, CaptureReader, OwnedFrames},
    packet::Direction,
    session::{Session, SessionEnd},
    tally::Tally,
    timestamp::Timestamp,
};

/// Frames that are looked at together.
const FRAMES: usize = 64;

/// Frames on their way through the stages, and what is to be kept of them.
#[derive(Default)]
pub(crate) struct Batch {
    frames: OwnedFrames,
    steps: Steps,
}

impl Batch {
    /// Reads the next frames into it; whether there are any.
    pub(crate) fn read(&mut self, reader: &mut CaptureReader) -> Result<bool, CaptureError> {
        reader.take_frames(&mut self.frames)?;
        Ok(!self.frames.frames().is_empty())
    }
}

/// One thing that is to be kept.
enum Step {
    Begin {
        place: u32,
        packet: u32,
    },
    BeginAgain {
        place: u32,
        start: Timestamp,
    },
    Add {
        place: u32,
        packet: u32,
        direction: Direction,
    },
    Show {
        place: u32,
        reason: SessionEnd,
    },
    Forget {
        place: u32,
    },
}

/// Where the bytes of a packet are.
#[derive(Clone, Copy)]
enum Bytes {
    /// They are those of the frame of this number.
    Frame(u32),
    /// They were put together, and are here among all of those.
    Joined(u32),
}

/// Steps in their order, and what they speak of.
#[derive(Default)]
struct Steps {
    order: Vec<Step>,
    packets: Vec<(Arrival, Bytes)>,
    /// Of the sessions that are shown, in that order.
    outlines: Vec<Outline>,
    joined: Vec<u8>,
    /// The frame whose packet is taken in.
    frame: u32,
    /// Whether the packet that is taken in has been written down.
    has_packet: bool,
    /// Whether so many sessions are open that whoever keeps them should look ahead.
    are_many: bool,
}

impl Steps {
    fn clear(&mut self) {
        self.order.clear();
        self.packets.clear();
        self.outlines.clear();
        self.joined.clear();
        self.are_many = false;
    }

    fn begin_frame(&mut self, number: usize) {
        self.frame = number as u32;
        self.has_packet = false;
    }

    /// The number of the packet that is taken in.
    fn packet(&mut self, packet: &Arrival) -> u32 {
        if !self.has_packet {
            self.packets.push((*packet, Bytes::Frame(self.frame)));
            self.has_packet = true;
        }
        self.packets.len() as u32 - 1
    }
}

impl Keep for Steps {
    fn begin(&mut self, place: u32, first: &Arrival) {
        let packet = self.packet(first);
        self.order.push(Step::Begin { place, packet });
    }

    fn begin_again(&mut self, place: u32, start: Timestamp) {
        self.order.push(Step::BeginAgain { place, start });
    }

    fn add(&mut self, place: u32, packet: &Arrival, _bytes: &[u8], direction: Direction) {
        let packet = self.packet(packet);
        self.order.push(Step::Add {
            place,
            packet,
            direction,
        });
    }

    fn show(&mut self, place: u32, outline: &Outline, reason: SessionEnd) {
        self.outlines.push(*outline);
        self.order.push(Step::Show { place, reason });
    }

    fn forget(&mut self, place: u32) {
        self.order.push(Step::Forget { place });
    }

    fn foresee(&mut self, _near: &Near) {
        self.are_many = true;
    }
}

/// Steps of a packet that was put together: its bytes must be written down too.
struct JoinedSteps<'a>(&'a mut Steps);

impl Keep for JoinedSteps<'_> {
    fn begin(&mut self, place: u32, first: &Arrival) {
        self.0.begin(place, first);
    }

    fn begin_again(&mut self, place: u32, start: Timestamp) {
        self.0.begin_again(place, start);
    }

    fn add(&mut self, place: u32, packet: &Arrival, bytes: &[u8], direction: Direction) {
        self.0.add(place, packet, bytes, direction);
        let at = Bytes::Joined(self.0.joined.len() as u32);
        self.0.joined.extend_from_slice(bytes);
        if let Some((_, there)) = self.0.packets.last_mut() {
            *there = at;
        }
    }

    fn show(&mut self, place: u32, outline: &Outline, reason: SessionEnd) {
        self.0.show(place, outline, reason);
    }

    fn forget(&mut self, place: u32) {
        self.0.forget(place);
    }

    fn foresee(&mut self, near: &Near) {
        self.0.foresee(near);
    }
}

/// The first half: whose are these frames?
pub(crate) struct Finder {
    frontier: Frontier,
    arrivals: Vec<Arrival>,
}

impl Finder {
    pub(crate) fn new(options: &CutOptions, seed: u64) -> Self {
        Self {
            frontier: Frontier::new(options.clone(), seed),
            arrivals: Vec::new(),
        }
    }

    /// Writes down what is to be kept of a batch's frames.
    pub(crate) fn find(&mut self, batch: &mut Batch) {
        let Self { frontier, arrivals } = self;
        let Batch { frames, steps } = batch;
        steps.clear();
        let frames = frames.frames();
        for first in (0..frames.len()).step_by(FRAMES) {
            let some = frames.range(first..frames.len().min(first + FRAMES));
            if frontier.look_at(some, arrivals) {
                steps.are_many = true;
                frontier.foresee_neighbours();
            }
            for (number, (frame, arrival)) in (first..).zip(some.iter().zip(&*arrivals)) {
                steps.begin_frame(number);
                match arrival.kind {
                    Kind::Odd => frontier.take_in_odd(&frame, &mut JoinedSteps(steps)),
                    _ => frontier.take_in(&frame, arrival, steps),
                }
            }
        }
    }

    /// Writes down that all ends; says what was read, kept and skipped.
    pub(crate) fn finish(mut self, batch: &mut Batch) -> Tally {
        batch.frames = OwnedFrames::default();
        batch.steps.clear();
        self.frontier.finish(&mut batch.steps);
        self.frontier.tally
    }
}

/// The second half: what is there of the sessions?
pub(crate) struct Keeper {
    notes: Notes,
    options: CutOptions,
    near: Near,
}

impl Keeper {
    pub(crate) fn new(options: &CutOptions) -> Self {
        Self {
            notes: Notes::new(options),
            options: options.clone(),
            near: Near::default(),
        }
    }

    /// Keeps what is written down in a batch; sessions that end go to `sink`, and glimpses.
    pub(crate) fn keep(&mut self, batch: &Batch, sink: &mut dyn FnMut(Session)) {
        let frames = batch.frames.frames();
        let Steps {
            packets,
            outlines,
            joined,
            ..
        } = &batch.steps;
        let bytes_of = |bytes: Bytes| match bytes {
            Bytes::Frame(number) => frames.get(number as usize).map(|frame| frame.bytes),
            Bytes::Joined(at) => joined.get(at as usize..),
        };
        let mut outlines = outlines.iter();
        for steps in batch.steps.order.chunks(FRAMES) {
            if batch.steps.are_many {
                self.foresee(steps, packets);
            }
            let mut keep = Keeping {
                notes: &mut self.notes,
                options: &self.options,
                sink,
            };
            for step in steps {
                match *step {
                    Step::Begin { place, packet } => {
                        keep.begin(place, &packets[packet as usize].0);
                    }
                    Step::BeginAgain { place, start } => keep.begin_again(place, start),
                    Step::Add {
                        place,
                        packet,
                        direction,
                    } => {
                        let (packet, bytes) = &packets[packet as usize];
                        let bytes = bytes_of(*bytes).unwrap_or_default();
                        keep.add(place, packet, bytes, direction);
                    }
                    Step::Show { place, reason } => {
                        if let Some(outline) = outlines.next() {
                            keep.show(place, outline, reason);
                        }
                    }
                    Step::Forget { place } => keep.forget(place),
                }
            }
        }
    }

    fn foresee(&mut self, steps: &[Step], packets: &[(Arrival, Bytes)]) {
        self.near.packets.clear();
        self.near.ending.clear();
        for step in steps {
            match *step {
                Step::Add { place, packet, .. } => {
                    let captured = packets[packet as usize].0.captured;
                    self.near.packets.push((place, captured));
                }
                Step::Show { place, .. } => self.near.ending.push(place),
                _ => {}
            }
        }
        self.notes.ask_for(&self.near);
        self.notes.foresee(&self.near);
    }
}
