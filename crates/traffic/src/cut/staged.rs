//! Cutting in stages: reading, finding sessions and keeping notes, each on a thread of its own.

use std::{
    ops::ControlFlow,
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread,
};

use super::{CutError, outcome};
use crate::{
    capture::{CaptureError, CaptureReader},
    session::Session,
    session_table::{Batch, CutOptions, Finder, Keeper},
    tally::Tally,
};

/// Batches that are on their way at once, each some hundred kilobytes.
const BATCHES: usize = 6;

/// As [`cut`](super::cut()), with two threads beside the caller's: the same sessions in the same order.
///
/// Pays for a capture that is long and comes from a file; a frame from a pipe waits for others to
/// come. Before each batch of frames, `goes_on` is asked; when it or `sink` stops the work, the
/// tally may count some batches of frames whose sessions were not given.
///
/// # Errors
///
/// As [`cut`](super::cut()).
pub fn cut_in_stages(
    reader: &mut CaptureReader,
    options: &CutOptions,
    seed: u64,
    goes_on: &mut dyn FnMut() -> ControlFlow<()>,
    sink: &mut dyn FnMut(Session) -> ControlFlow<()>,
) -> Result<Tally, CutError> {
    let (mut tally, failure) = thread::scope(|scope| {
        let (back, empty) = sync_channel(BATCHES);
        let (give_read, take_read) = sync_channel(BATCHES);
        let (give_found, take_found) = sync_channel(BATCHES);
        for _ in 0..BATCHES {
            // There is room for each of them.
            let _ = back.send(Batch::default());
        }
        let finder = Finder::new(options, seed);
        let reading = scope.spawn(|| read(reader, empty, give_read));
        let finding = scope.spawn(|| find(finder, take_read, give_found));
        keep(options, take_found, back, goes_on, sink);
        let failure = reading.join().unwrap_or_else(resume);
        let tally = finding.join().unwrap_or_else(resume);
        (tally, failure)
    });
    tally.captures = 1;
    outcome(reader, tally, failure)
}

fn resume<T>(panic: Box<dyn std::any::Any + Send>) -> T {
    std::panic::resume_unwind(panic)
}

/// Fills batches until the capture ends or nobody takes them; says what broke it.
fn read(
    reader: &mut CaptureReader,
    empty: Receiver<Batch>,
    give: SyncSender<Batch>,
) -> Option<CaptureError> {
    for mut batch in empty {
        match batch.read(reader) {
            Ok(true) => {}
            Ok(false) => return None,
            Err(error) => return Some(error),
        }
        if give.send(batch).is_err() {
            return None;
        }
    }
    None
}

/// Finds the sessions of batches, and ends all behind the last.
fn find(mut finder: Finder, read: Receiver<Batch>, give: SyncSender<Batch>) -> Tally {
    for mut batch in read {
        finder.find(&mut batch);
        if give.send(batch).is_err() {
            break;
        }
    }
    let mut last = Batch::default();
    let tally = finder.finish(&mut last);
    // Nobody may want it any more.
    let _ = give.send(last);
    tally
}

/// Keeps what is found, and gives batches back; returns when all has ended or is stopped.
fn keep(
    options: &CutOptions,
    found: Receiver<Batch>,
    back: SyncSender<Batch>,
    goes_on: &mut dyn FnMut() -> ControlFlow<()>,
    sink: &mut dyn FnMut(Session) -> ControlFlow<()>,
) {
    let mut keeper = Keeper::new(options);
    let mut flow = ControlFlow::Continue(());
    for batch in found {
        if goes_on().is_break() {
            return;
        }
        keeper.keep(&batch, &mut |session| {
            if flow.is_continue() {
                flow = sink(session);
            }
        });
        if flow.is_break() {
            return;
        }
        // Nobody reads any more once the capture has ended.
        let _ = back.send(batch);
    }
}
