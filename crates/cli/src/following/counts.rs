//! Counts: what the threads of `live` have done so far, for whoever asks meanwhile.

use std::{
    fmt::{self, Write},
    num::NonZeroUsize,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use learn::classifier::Classifier;
use traffic::tally::Tally;

use super::{
    health::{Health, Reading as Way},
    judging::Told,
    source::Source,
    verdicts::Verdicts,
};
use crate::{
    metrics::Histogram,
    numbers::{count, counted},
};

/// Bounds of the times that the model takes, in seconds.
const SECONDS: [f64; 12] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0,
];

/// What was lost before a frame came to us, as the kernel counts it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Losses {
    /// Frames that passed the filter, whether they were lost or not.
    pub(super) received: u64,
    /// Frames for which the ring had no room.
    pub(crate) by_kernel: u64,
    /// Frames that the interface or its driver dropped.
    pub(crate) by_interface: u64,
}

/// What became of the sessions that were handed to the network.
#[derive(Debug)]
pub(crate) struct Counts {
    waiting: AtomicUsize,
    unasked: AtomicU64,
    unjudged: AtomicU64,
    reading: Mutex<Reading>,
    inference: Mutex<Histogram>,
    verdicts: Mutex<Verdicts>,
    health: Health,
}

/// What was read until some moment ago.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reading {
    pub(crate) tally: Tally,
    pub(crate) open_sessions: usize,
    pub(crate) losses: Option<Losses>,
    /// What broke, if something did.
    #[cfg_attr(
        not(feature = "top"),
        expect(
            dead_code,
            reason = "a screen of the terminal alone outlives its source"
        )
    )]
    pub(crate) failure: Option<String>,
}

impl Counts {
    /// Nothing done yet, of verdicts by this classifier on that source; drift is told of so many
    /// sessions.
    pub(crate) fn of(
        classifier: &Classifier,
        source: &Source,
        drift_sessions: NonZeroUsize,
    ) -> Self {
        let way = if source.waits() {
            Way::Capture
        } else {
            Way::Wire
        };
        Self::new(Health::new(way), Verdicts::of(classifier, drift_sessions))
    }

    pub(super) fn new(health: Health, verdicts: Verdicts) -> Self {
        Self {
            waiting: AtomicUsize::default(),
            unasked: AtomicU64::default(),
            unjudged: AtomicU64::default(),
            reading: Mutex::default(),
            inference: Mutex::new(Histogram::new(&SECONDS)),
            verdicts: Mutex::new(verdicts),
            health,
        }
    }

    /// When its threads were last heard of.
    pub(crate) fn health(&self) -> &Health {
        &self.health
    }

    /// Sessions that wait for the network.
    pub(crate) fn waiting(&self) -> usize {
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
    pub(crate) fn leave_out_ended(&self) {
        self.unjudged.fetch_add(1, Relaxed);
        self.health.lose();
    }

    /// Open sessions that the network was not asked about for want of time.
    pub(crate) fn unasked(&self) -> u64 {
        self.unasked.load(Relaxed)
    }

    /// Ended sessions without a verdict.
    pub(crate) fn unjudged(&self) -> u64 {
        self.unjudged.load(Relaxed)
    }

    /// A verdict was written; what is to be told of drift then, if anything is.
    pub(crate) fn tell(&self, told: &Told) -> Option<String> {
        let mut verdicts = self.verdicts();
        verdicts.add(told);
        verdicts.warning()
    }

    /// All verdicts that were written.
    pub(crate) fn verdicts(&self) -> MutexGuard<'_, Verdicts> {
        lock(&self.verdicts)
    }

    /// The model was asked, and took that long.
    pub(crate) fn infer(&self, time: Duration) {
        lock(&self.inference).observe(time.as_secs_f64());
    }

    /// How long the model took each time.
    pub(crate) fn inference(&self) -> MutexGuard<'_, Histogram> {
        lock(&self.inference)
    }

    /// This is what was read until now.
    pub(crate) fn publish(&self, reading: Reading) {
        *self.reading() = reading;
    }

    /// How it goes, on one line.
    pub(crate) fn progress(&self) -> String {
        let reading = self.reading().clone();
        let (early, last) = {
            let verdicts = self.verdicts();
            (
                verdicts.early().values().sum(),
                verdicts.last().values().sum(),
            )
        };
        let mut text = format!(
            "{}, {} open; {} early and {} last",
            counted(reading.tally.frames, "frame"),
            counted(reading.open_sessions as u64, "session"),
            counted(early, "verdict"),
            count(last),
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

    /// What was read until some moment ago.
    pub(crate) fn reading(&self) -> MutexGuard<'_, Reading> {
        lock(&self.reading)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Whoever panicked while holding it has left whole numbers.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
    use learn::classifier::Moment;

    use super::{
        super::example::{counts, told},
        *,
    };

    #[test]
    fn progress_tells_what_was_read_told_and_lost() {
        let counts = counts();
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
            failure: None,
        });
        counts.tell(&told(Moment::First));
        counts.tell(&told(Moment::End));
        counts.tell(&told(Moment::End));
        counts.leave_out_ended();
        assert_eq!(
            counts.progress(),
            "1,234 frames, 1 session open; 1 verdict early and 2 last; \
             7 frames lost by the kernel, 0 by the interface; 1 session without a verdict"
        );
    }
}
