//! Cutting a capture, whole or while it comes in: the one path from its frames to sessions and slices.

mod staged;

use std::{cell::Cell, ops::ControlFlow};

pub use staged::cut_in_stages;

use crate::{
    capture::{CaptureError, CaptureReader, Frame},
    session::Session,
    session_table::{CutOptions, SessionTable},
    tally::Tally,
    timestamp::Timestamp,
};

/// Frames that are looked at together: their packets stay in the processor's nearest memory.
const FRAMES: usize = 64;

/// A capture that broke in its middle.
#[derive(Debug, thiserror::Error)]
#[error("the capture cannot be read to its end")]
pub struct CutError {
    /// What broke.
    #[source]
    pub error: CaptureError,
    /// What was read until then; its sessions have been given to the sink.
    pub tally: Box<Tally>,
}

/// Who sees what while a capture is cut; each may stop it with [`ControlFlow::Break`].
pub struct Watch<'a> {
    /// Is shown each frame before it is cut; after a break, that frame is not.
    pub frame: &'a mut dyn FnMut(&Frame<'_>) -> ControlFlow<()>,
    /// Is given each session as it ends.
    pub session: &'a mut dyn FnMut(Session) -> ControlFlow<()>,
}

/// A capture that is cut while it comes in.
///
/// Nobody knows when the next frame comes, so time may pass without one. The same frames give the
/// same ended sessions as [`cut`] has of them, as long as time does not pass beyond frames that are
/// still to come; sessions that [`cut`] has end with their capture may end sooner, by silence.
pub struct Cutting {
    table: SessionTable,
}

impl Cutting {
    /// Nothing yet of a capture; `seed` makes the session table hard to attack and is not visible
    /// in results.
    pub fn new(options: &CutOptions, seed: u64) -> Self {
        Self {
            table: SessionTable::new(options.clone(), seed),
        }
    }

    /// Takes a frame in; sessions that it ends go to `sink`, and glimpses of open ones.
    pub fn push(&mut self, frame: &Frame<'_>, sink: &mut dyn FnMut(Session)) {
        self.table.push(frame, sink);
    }

    /// Lets time pass without a frame; what ends or is due by then goes to `sink`.
    pub fn pass_time(&mut self, now: Timestamp, sink: &mut dyn FnMut(Session)) {
        self.table.pass_time(now, sink);
    }

    /// Ends all that is open, in the order of first packets, and says what was read and kept.
    pub fn finish(mut self, sink: &mut dyn FnMut(Session)) -> Tally {
        self.table.finish(sink);
        let mut tally = self.table.tally().clone();
        tally.captures = 1;
        tally
    }

    /// What was read, kept and skipped so far.
    pub fn tally(&self) -> &Tally {
        self.table.tally()
    }

    /// Sessions open now.
    pub fn open_sessions(&self) -> usize {
        self.table.open_sessions()
    }
}

/// Reads a capture to its end and gives its sessions to `sink`, in an order that depends on
/// the capture only; returns what was read, kept and skipped.
///
/// `sink` may stop it: after [`ControlFlow::Break`] no more frames are read and no more
/// sessions are given, and the tally is that of the frames so far. Where sessions are few and
/// far between, as when they end with their capture, [`cut_watched`] can stop sooner.
///
/// # Errors
///
/// If the capture stops making sense. The sessions before that place are given to `sink` first.
pub fn cut(
    reader: &mut CaptureReader,
    options: &CutOptions,
    seed: u64,
    sink: &mut dyn FnMut(Session) -> ControlFlow<()>,
) -> Result<Tally, CutError> {
    cut_while(reader, options, seed, |_| ControlFlow::Continue(()), sink)
}

/// As [`cut`], and shows each frame too, which may be the last.
///
/// # Errors
///
/// As [`cut`].
pub fn cut_watched(
    reader: &mut CaptureReader,
    options: &CutOptions,
    seed: u64,
    watch: Watch<'_>,
) -> Result<Tally, CutError> {
    cut_while(reader, options, seed, watch.frame, watch.session)
}

fn cut_while(
    reader: &mut CaptureReader,
    options: &CutOptions,
    seed: u64,
    mut see: impl FnMut(&Frame<'_>) -> ControlFlow<()>,
    sink: &mut dyn FnMut(Session) -> ControlFlow<()>,
) -> Result<Tally, CutError> {
    let mut cutting = Cutting::new(options, seed);
    // Shared by the loop and the closure: the table keeps giving after a break, unheard.
    let is_stopped = Cell::new(false);
    let mut guarded = |session| {
        if !is_stopped.get() {
            is_stopped.set(sink(session).is_break());
        }
    };
    let mut failure = None;
    // No frame is cut after one that has stopped it.
    let mut goes_on = |frame: &Frame<'_>| {
        if is_stopped.get() {
            return ControlFlow::Break(());
        }
        see(frame)
    };
    loop {
        match reader.next_frames(FRAMES) {
            Ok(frames) if frames.is_empty() => break,
            Ok(frames) => {
                let flow = cutting.table.push_all(frames, &mut goes_on, &mut guarded);
                if flow.is_break() || is_stopped.get() {
                    is_stopped.set(true);
                    break;
                }
            }
            Err(error) => {
                failure = Some(error);
                break;
            }
        }
    }
    outcome(reader, cutting.finish(&mut guarded), failure)
}

/// What was read of a capture, and what broke it if something did.
fn outcome(
    reader: &CaptureReader,
    mut tally: Tally,
    failure: Option<CaptureError>,
) -> Result<Tally, CutError> {
    tally.cut_short_captures = u64::from(reader.cut_short());
    match failure {
        None => Ok(tally),
        Some(error) => Err(CutError {
            error,
            tally: Box::new(tally),
        }),
    }
}
