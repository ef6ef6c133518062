//! Counts: what the threads of `live` have done so far, for whoever asks meanwhile.

use std::{
    fmt::{self, Write},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
};

use learn::classifier::Moment;
use traffic::tally::Tally;

use crate::numbers::{count, counted};

/// What was lost before a frame came to us, as the kernel counts it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Losses {
    /// Frames that passed the filter, whether they were lost or not.
    pub(super) received: u64,
    /// Frames for which the ring had no room.
    pub(super) by_kernel: u64,
    /// Frames that the interface or its driver dropped.
    pub(super) by_interface: u64,
}

/// What became of the sessions that were handed to the network.
#[derive(Debug, Default)]
pub(super) struct Counts {
    waiting: AtomicUsize,
    unasked: AtomicU64,
    unjudged: AtomicU64,
    early: AtomicU64,
    last: AtomicU64,
    reading: Mutex<Reading>,
}

/// What was read until some moment ago.
#[derive(Debug, Clone, Default)]
pub(super) struct Reading {
    pub(super) tally: Tally,
    pub(super) open_sessions: usize,
    pub(super) losses: Option<Losses>,
}

impl Counts {
    /// Sessions that wait for the network.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Relaxed)
    }

    /// One more waits.
    pub(super) fn wait(&self) {
        self.waiting.fetch_add(1, Relaxed);
    }

    /// So many wait no longer.
    pub(super) fn take(&self, sessions: usize) {
        self.waiting.fetch_sub(sessions, Relaxed);
    }

    /// The network had no time for an open session.
    pub(super) fn leave_out_early(&self) {
        self.unasked.fetch_add(1, Relaxed);
    }

    /// The network had no time for an ended session.
    pub(super) fn leave_out_ended(&self) {
        self.unjudged.fetch_add(1, Relaxed);
    }

    /// Open sessions that the network was not asked about for want of time.
    pub(super) fn unasked(&self) -> u64 {
        self.unasked.load(Relaxed)
    }

    /// Ended sessions without a verdict.
    pub(super) fn unjudged(&self) -> u64 {
        self.unjudged.load(Relaxed)
    }

    /// A verdict was written.
    pub(super) fn tell(&self, moment: Moment) {
        let told = if moment == Moment::End {
            &self.last
        } else {
            &self.early
        };
        told.fetch_add(1, Relaxed);
    }

    /// This is what was read until now.
    pub(super) fn publish(&self, reading: Reading) {
        *self.reading() = reading;
    }

    /// How it goes, on one line.
    pub(super) fn progress(&self) -> String {
        let reading = self.reading().clone();
        let mut text = format!(
            "{}, {} open; {} early and {} last",
            counted(reading.tally.frames, "frame"),
            counted(reading.open_sessions as u64, "session"),
            counted(self.early.load(Relaxed), "verdict"),
            count(self.last.load(Relaxed)),
        );
        if let Some(losses) = reading.losses {
            let _ = write!(text, "; {losses}");
        }
        if self.unjudged() > 0 {
            let sessions = counted(self.unjudged(), "session");
            let _ = write!(text, "; {sessions} without a verdict");
        }
        text
    }

    fn reading(&self) -> MutexGuard<'_, Reading> {
        // Whoever panicked while holding it has left a whole reading.
        self.reading.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `10 frames lost by the kernel, 0 by the interface`.
impl fmt::Display for Losses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} lost by the kernel, {} by the interface",
            counted(self.by_kernel, "frame"),
            count(self.by_interface)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_tells_what_was_read_told_and_lost() {
        let counts = Counts::default();
        counts.publish(Reading {
            tally: Tally {
                frames: 1_234,
                ..Tally::default()
            },
            open_sessions: 1,
            losses: Some(Losses {
                by_kernel: 7,
                ..Losses::default()
            }),
        });
        counts.tell(Moment::First);
        counts.tell(Moment::End);
        counts.tell(Moment::End);
        counts.leave_out_ended();
        assert_eq!(
            counts.progress(),
            "1,234 frames, 1 session open; 1 verdict early and 2 last; \
             7 frames lost by the kernel, 0 by the interface; 1 session without a verdict"
        );
    }
}
