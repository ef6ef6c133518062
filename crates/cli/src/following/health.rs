//! Health: whether frames can be read and the writer keeps up, for whoever asks.

use std::{
    fmt,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Instant,
};

/// For how long a thread may be silent that should be heard of every second.
const LONGEST_SILENCE_MILLISECONDS: u64 = 10_000;

/// For how long a loss is told.
const LOSS_MILLISECONDS: u64 = 60_000;

/// What waits for a frame on its own account and is not heard of meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// A wire: silence is told, so whoever reads it is heard of.
    Wire,
    /// A file or a pipe, which may make wait for any time.
    Capture,
}

/// When the threads were last heard of.
#[derive(Debug)]
pub(crate) struct Health {
    reading: Reading,
    began: Instant,
    captured: Beat,
    written: Beat,
    /// The last session that ended without a verdict.
    lost: Beat,
    end: Mutex<Option<String>>,
}

/// A moment in milliseconds since the beginning; 0 if there was none.
#[derive(Debug, Default)]
struct Beat(AtomicU64);

impl Beat {
    fn set(&self, now: u64) {
        self.0.store(now.max(1), Relaxed);
    }

    fn milliseconds_before(&self, now: u64) -> Option<u64> {
        let moment = self.0.load(Relaxed);
        (moment > 0).then(|| now.saturating_sub(moment))
    }
}

/// Why nobody should rely on what is said at present.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ailment {
    /// No frame is to come.
    Ended(String),
    /// Whoever reads frames was not heard of for so many seconds.
    Capturing(u64),
    /// Nor was whoever writes verdicts.
    Writing(u64),
    /// A session ended without a verdict so many seconds ago.
    Losing(u64),
}

impl Health {
    /// All is well so far.
    pub(crate) fn new(reading: Reading) -> Self {
        let health = Self {
            reading,
            began: Instant::now(),
            captured: Beat::default(),
            written: Beat::default(),
            lost: Beat::default(),
            end: Mutex::default(),
        };
        health.capture_beats();
        health.writer_beats();
        health
    }

    /// Frames are being waited for, or read.
    pub(crate) fn capture_beats(&self) {
        self.captured.set(self.now());
    }

    /// Verdicts are being waited for, or written.
    pub(crate) fn writer_beats(&self) {
        self.written.set(self.now());
    }

    /// A session ended without a verdict.
    pub(crate) fn lose(&self) {
        self.lost.set(self.now());
    }

    /// No frame is to come, and why.
    pub(crate) fn end(&self, reason: String) {
        *self.lock_end() = Some(reason);
    }

    /// What is wrong now, if anything is.
    pub(crate) fn ailment(&self) -> Option<Ailment> {
        self.ailment_at(self.now())
    }

    fn ailment_at(&self, now: u64) -> Option<Ailment> {
        if let Some(reason) = self.lock_end().clone() {
            return Some(Ailment::Ended(reason));
        }
        let silence = |beat: &Beat| {
            let silence = beat.milliseconds_before(now)?;
            (silence > LONGEST_SILENCE_MILLISECONDS).then_some(silence / 1000)
        };
        if self.reading == Reading::Wire
            && let Some(seconds) = silence(&self.captured)
        {
            return Some(Ailment::Capturing(seconds));
        }
        if let Some(seconds) = silence(&self.written) {
            return Some(Ailment::Writing(seconds));
        }
        let lost = self.lost.milliseconds_before(now)?;
        (lost < LOSS_MILLISECONDS).then_some(Ailment::Losing(lost / 1000))
    }

    fn now(&self) -> u64 {
        self.began.elapsed().as_millis() as u64
    }

    fn lock_end(&self) -> MutexGuard<'_, Option<String>> {
        self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Display for Ailment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended(reason) => write!(f, "no more frames: {reason}"),
            Self::Capturing(seconds) => {
                write!(f, "whoever captures was not heard of for {seconds} s")
            }
            Self::Writing(seconds) => write!(
                f,
                "the writer is busy for {seconds} s: standard output or a sink takes no more"
            ),
            Self::Losing(seconds) => write!(
                f,
                "a session ended without a verdict {seconds} s ago: model or writer fall behind"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(reading: Reading, change: impl Fn(&Health), now: u64, expected: Option<Ailment>) {
        let health = Health::new(reading);
        for beat in [&health.captured, &health.written] {
            beat.set(1);
        }
        change(&health);
        assert_eq!(health.ailment_at(now), expected);
    }

    #[test]
    fn a_silent_thread_is_an_ailment_but_for_a_pipe_that_makes_wait() {
        let writes = |health: &Health| health.written.set(20_000);
        check(Reading::Wire, |_| {}, 9_000, None);
        check(Reading::Wire, writes, 20_001, Some(Ailment::Capturing(20)));
        check(Reading::Capture, writes, 20_001, None);
        check(Reading::Capture, |_| {}, 20_001, Some(Ailment::Writing(20)));
    }

    #[test]
    fn a_loss_is_told_for_a_minute() {
        let lost = |health: &Health| {
            health.lost.set(1_000);
            health.written.set(100_000);
        };
        let told = Some(Ailment::Losing(59));
        check(Reading::Capture, lost, 60_999, told);
        check(Reading::Capture, lost, 61_000, None);
    }

    #[test]
    fn the_end_of_frames_is_told_with_its_reason() {
        let end = |health: &Health| health.end("the interface is down".to_owned());
        let told = Ailment::Ended("the interface is down".to_owned());
        assert_eq!(told.to_string(), "no more frames: the interface is down");
        check(Reading::Wire, end, 10, Some(told));
    }
}
