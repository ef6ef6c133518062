//! Capturing: the thread that reads frames and cuts them into sessions, and is never held up.

use std::{
    fmt,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::{Duration, Instant},
};

use traffic::{cut::Cutting, session_table::CutOptions, tally::Tally};

use super::{
    counts::{Counts, Losses, Reading},
    handing::Handing,
    health::Health,
    source::{Arrival, Source},
};
use crate::numbers::{count, counted};

/// The seed of the session table's hash, which no result shows; attackers must not know it.
fn seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0)
}

/// Frames after which to look at the clock.
const FRAMES: u64 = 256;

/// How often others hear how it goes.
const INTERVAL: Duration = Duration::from_secs(1);

/// After an interrupt, how long the kernel may take to hand over what it has.
const SETTLING: Duration = Duration::from_millis(50);

/// After an interrupt, how long to go on while frames keep coming.
const LONGEST_SETTLING: Duration = Duration::from_millis(500);

/// What was captured, once it is over.
pub(crate) struct Captured {
    /// What was read, kept and skipped.
    pub(crate) tally: Tally,
    /// What was lost before, where the kernel counts it.
    pub(super) losses: Option<Losses>,
    /// Open sessions that the network had no time for.
    pub(super) unasked: u64,
    /// Ended sessions that the network had no time for.
    pub(super) unjudged: u64,
    /// Why it ended, if not as it should.
    pub(crate) failure: Option<anyhow::Error>,
}

/// Reads frames until they end or `stop` is set, then ends all open sessions.
pub(super) fn capture(
    mut source: Source,
    options: &CutOptions,
    mut handing: Handing<'_>,
    stop: &AtomicBool,
) -> Captured {
    let mut cutting = Cutting::new(options, seed());
    let mut pace = Pace::new();
    let failure = loop {
        let arrival = match source.next() {
            Ok(arrival) => arrival,
            Err(error) => break Some(error),
        };
        let is_silent = matches!(arrival, Arrival::Silence(_));
        let mut sink = |session| handing.hand(session);
        match arrival {
            Arrival::Frame(frame) => cutting.push(&frame, &mut sink),
            Arrival::Silence(now) => cutting.pass_time(now, &mut sink),
            Arrival::End => break None,
        }
        if handing.is_over() || pace.has_settled(stop, is_silent, source.waits()) {
            break None;
        }
        let counts = handing.counts();
        if pace.is_due(is_silent, source.may_make_wait(), counts.health()) {
            counts.publish(Reading {
                tally: cutting.tally().clone(),
                open_sessions: cutting.open_sessions(),
                losses: source.losses(),
                failure: None,
            });
        }
    };
    let losses = source.losses();
    handing.counts().health().end(match &failure {
        None => "the capture has ended".to_owned(),
        Some(error) => format!("{error:#}"),
    });
    handing.wait_from_now_on();
    let mut tally = cutting.finish(&mut |session| handing.hand(session));
    tally.cut_short_captures = u64::from(source.cut_short());
    let counts: &Counts = handing.counts();
    counts.publish(Reading {
        tally: tally.clone(),
        open_sessions: 0,
        losses,
        failure: failure.as_ref().map(|error| format!("{error:#}")),
    });
    Captured {
        tally,
        losses,
        unasked: counts.unasked(),
        unjudged: counts.unjudged(),
        failure,
    }
}

/// When to do what must not be done for every frame.
struct Pace {
    frames: u64,
    published: Instant,
    stopped: Option<Instant>,
}

impl Pace {
    fn new() -> Self {
        Self {
            frames: 0,
            published: Instant::now(),
            stopped: None,
        }
    }

    /// Whether others should hear how it goes.
    fn is_due(&mut self, is_silent: bool, may_wait: bool, health: &Health) -> bool {
        self.frames += 1;
        if may_wait {
            // Nobody knows for how long nothing else is heard.
            return true;
        }
        if !is_silent && !self.frames.is_multiple_of(FRAMES) {
            return false;
        }
        health.capture_beats();
        let is_due = self.published.elapsed() >= INTERVAL;
        if is_due {
            self.published = Instant::now();
        }
        is_due
    }

    /// Whether all that came before the interrupt has been read, if there was one.
    fn has_settled(&mut self, stop: &AtomicBool, is_silent: bool, waits: bool) -> bool {
        if !stop.load(Relaxed) {
            return false;
        }
        let elapsed = self.stopped.get_or_insert_with(Instant::now).elapsed();
        waits || elapsed >= LONGEST_SETTLING || (is_silent && elapsed >= SETTLING)
    }
}

/// What was captured and what was lost, a line each.
impl fmt::Display for Captured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let frames = counted(self.tally.frames, "frame");
        match self.losses {
            Some(losses) => write!(f, "{frames} of {} read; {losses}", count(losses.received))?,
            None => write!(f, "{frames} read")?,
        }
        if self.unjudged > 0 {
            let sessions = counted(self.unjudged, "session");
            write!(f, "; {sessions} without a verdict, for want of time")?;
        }
        if self.unasked > 0 {
            let verdicts = counted(self.unasked, "early verdict");
            write!(f, "; {verdicts} left out, for want of time")?;
        }
        Ok(())
    }
}
