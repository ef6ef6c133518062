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
    /// What each frame tells.
    arrivals: Vec<Arrival>,
    steps: Steps,
}

impl Batch {
    /// Reads the next frames into it; whether there are any.
    pub(crate) fn read(&mut self, reader: &mut CaptureReader) -> Result<bool, CaptureError> {
        reader.take_frames(&mut self.frames)?;
        Ok(!self.frames.frames().is_empty())
    }

    /// The packet of this number, and its bytes, perhaps with more behind them.
    fn packet(&self, number: u32) -> (&Arrival, &[u8]) {
        let number = number as usize;
        if let Some(arrival) = self.arrivals.get(number) {
            let frame = self.frames.frames().get(number);
            return (arrival, frame.map_or(&[], |frame| frame.bytes));
        }
        let (arrival, bytes) = &self.steps.odd[number - self.arrivals.len()];
        (arrival, &self.steps.joined[*bytes as usize..])
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

/// Steps in their order, and what they speak of.
///
/// Packets have the numbers of their frames; behind those come the ones of odd frames.
#[derive(Default)]
struct Steps {
    order: Vec<Step>,
    /// Packets of odd frames, and where their bytes begin among all of those.
    odd: Vec<(Arrival, u32)>,
    /// Bytes of packets of odd frames.
    joined: Vec<u8>,
    /// Of the sessions that are shown, in that order.
    outlines: Vec<Outline>,
    /// The number of the packet that is taken in.
    packet: u32,
    /// Whether so many sessions are open that whoever keeps them should look ahead.
    are_many: bool,
}

impl Steps {
    fn clear(&mut self) {
        self.order.clear();
        self.odd.clear();
        self.joined.clear();
        self.outlines.clear();
        self.are_many = false;
    }
}

impl Keep for Steps {
    fn begin(&mut self, place: u32, _first: &Arrival) {
        let packet = self.packet;
        self.order.push(Step::Begin { place, packet });
    }

    fn begin_again(&mut self, place: u32, start: Timestamp) {
        self.order.push(Step::BeginAgain { place, start });
    }

    fn add(&mut self, place: u32, _packet: &Arrival, _bytes: &[u8], direction: Direction) {
        let packet = self.packet;
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

/// Steps of the packet of an odd frame: it must be written down too.
struct OddSteps<'a> {
    steps: &'a mut Steps,
    /// How many frames there are.
    frames: usize,
    is_written: bool,
}

impl OddSteps<'_> {
    fn write(&mut self, packet: &Arrival) {
        if !self.is_written {
            self.is_written = true;
            self.steps.packet = (self.frames + self.steps.odd.len()) as u32;
            let bytes = self.steps.joined.len() as u32;
            self.steps.odd.push((*packet, bytes));
        }
    }
}

impl Keep for OddSteps<'_> {
    fn begin(&mut self, place: u32, first: &Arrival) {
        self.write(first);
        self.steps.begin(place, first);
    }

    fn begin_again(&mut self, place: u32, start: Timestamp) {
        self.steps.begin_again(place, start);
    }

    fn add(&mut self, place: u32, packet: &Arrival, bytes: &[u8], direction: Direction) {
        self.write(packet);
        self.steps.add(place, packet, bytes, direction);
        self.steps.joined.extend_from_slice(bytes);
    }

    fn show(&mut self, place: u32, outline: &Outline, reason: SessionEnd) {
        self.steps.show(place, outline, reason);
    }

    fn forget(&mut self, place: u32) {
        self.steps.forget(place);
    }

    fn foresee(&mut self, near: &Near) {
        self.steps.foresee(near);
    }
}

/// The first half: whose are these frames?
pub(crate) struct Finder(Frontier);

impl Finder {
    pub(crate) fn new(options: &CutOptions, seed: u64) -> Self {
        Self(Frontier::new(options.clone(), seed))
    }

    /// Writes down what is to be kept of a batch's frames.
    pub(crate) fn find(&mut self, batch: &mut Batch) {
        let Self(frontier) = self;
        let Batch {
            frames,
            arrivals,
            steps,
        } = batch;
        steps.clear();
        let frames = frames.frames();
        arrivals.resize(frames.len(), Arrival::ODD);
        for (first, arrivals) in (0..).step_by(FRAMES).zip(arrivals.chunks_mut(FRAMES)) {
            let some = frames.range(first..first + arrivals.len());
            if frontier.look_at(some, arrivals) {
                steps.are_many = true;
                frontier.foresee_neighbours();
            }
            for (number, (frame, arrival)) in (first..).zip(some.iter().zip(&*arrivals)) {
                if arrival.kind == Kind::Odd {
                    let mut steps = OddSteps {
                        steps,
                        frames: frames.len(),
                        is_written: false,
                    };
                    frontier.take_in_odd(&frame, &mut steps);
                } else {
                    steps.packet = number as u32;
                    frontier.take_in(&frame, arrival, steps);
                }
            }
        }
    }

    /// Writes down that all ends; says what was read, kept and skipped.
    pub(crate) fn finish(mut self, batch: &mut Batch) -> Tally {
        *batch = Batch::default();
        self.0.finish(&mut batch.steps);
        self.0.tally
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
        let mut outlines = batch.steps.outlines.iter();
        for steps in batch.steps.order.chunks(FRAMES) {
            if batch.steps.are_many {
                self.foresee(steps, batch);
            }
            let mut keep = Keeping {
                notes: &mut self.notes,
                options: &self.options,
                sink,
            };
            for step in steps {
                match *step {
                    Step::Begin { place, packet } => {
                        keep.begin(place, batch.packet(packet).0);
                    }
                    Step::BeginAgain { place, start } => keep.begin_again(place, start),
                    Step::Add {
                        place,
                        packet,
                        direction,
                    } => {
                        let (packet, bytes) = batch.packet(packet);
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

    fn foresee(&mut self, steps: &[Step], batch: &Batch) {
        self.near.packets.clear();
        self.near.ending.clear();
        for step in steps {
            match *step {
                Step::Add { place, packet, .. } => {
                    let captured = batch.packet(packet).0.captured;
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
