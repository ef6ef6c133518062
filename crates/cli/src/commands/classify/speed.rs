//! Speed: how many sessions and bytes a second were read and judged.

use std::{
    fmt,
    time::{Duration, Instant},
};

use traffic::tally::Tally;

use crate::numbers::counted;

/// What was read since a moment.
pub(super) struct Speed {
    start: Instant,
    sessions: u64,
    bytes: u64,
}

impl Speed {
    pub(super) fn start() -> Self {
        Self {
            start: Instant::now(),
            sessions: 0,
            bytes: 0,
        }
    }

    pub(super) fn add(&mut self, tally: &Tally) {
        self.sessions += tally.sessions();
        self.bytes += tally.frame_bytes;
    }
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&sentence(self.sessions, self.bytes, self.start.elapsed()))
    }
}

/// As people read it; frames only, whatever a capture file has around them.
fn sentence(sessions: u64, bytes: u64, time: Duration) -> String {
    let seconds = time.as_secs_f64().max(1e-9);
    let gigabytes = bytes as f64 / 1e9;
    format!(
        "{} in {seconds:.2} s: {:.0} sessions/s, {:.3} GB/s",
        counted(sessions, "session"),
        sessions as f64 / seconds,
        gigabytes / seconds
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speed_is_sessions_and_gigabytes_a_second() {
        assert_eq!(
            sentence(1_200, 3_000_000_000, Duration::from_millis(1_500)),
            "1,200 sessions in 1.50 s: 800 sessions/s, 2.000 GB/s"
        );
    }
}
