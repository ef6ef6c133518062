//! One direction of a link: packets leave it one after the other, and only so many wait.

use std::{collections::VecDeque, time::Duration};

/// What goes around a frame on an Ethernet wire: preamble, check sequence, gap; bytes.
const AROUND_A_FRAME: usize = 24;

/// One direction of a link. Times count from the router's start.
#[derive(Debug, Default)]
pub(super) struct Wire {
    /// When each packet leaves that has not left yet, in order.
    departures: VecDeque<Duration>,
}

impl Wire {
    /// When a frame that comes now has left; `None` if it finds the queue full.
    ///
    /// Times must not go back from one call to the next.
    pub(super) fn pass(
        &mut self,
        now: Duration,
        bytes: usize,
        kbit: u32,
        queue: usize,
    ) -> Option<Duration> {
        while self.departures.front().is_some_and(|&left| left <= now) {
            self.departures.pop_front();
        }
        // The one that is leaving does not wait.
        if self.departures.len() > queue {
            return None;
        }
        let bits = (bytes + AROUND_A_FRAME) as f64 * 8.0;
        let takes = Duration::from_secs_f64(bits / (f64::from(kbit.max(1)) * 1000.0));
        let begins = self.departures.back().map_or(now, |&last| last.max(now));
        let leaves = begins + takes;
        self.departures.push_back(leaves);
        Some(leaves)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames of 1226 bytes (1250 on the wire) at 1 Mbit/s: each takes 10 ms.
    #[track_caller]
    fn check(arrivals_ms: &[u64], queue: usize, expected_ms: &[Option<u64>]) {
        let mut wire = Wire::default();
        let found: Vec<Option<u64>> = arrivals_ms
            .iter()
            .map(|&at| wire.pass(Duration::from_millis(at), 1226, 1000, queue))
            .map(|leaves| leaves.map(|time| time.as_millis() as u64))
            .collect();
        assert_eq!(found, expected_ms);
    }

    #[test]
    fn a_frame_takes_its_length_over_the_rate() {
        check(&[0, 50], 10, &[Some(10), Some(60)]);
    }

    #[test]
    fn frames_that_come_together_leave_one_after_the_other() {
        check(&[5, 5, 8], 10, &[Some(15), Some(25), Some(35)]);
    }

    #[test]
    fn a_frame_that_finds_the_queue_full_is_lost() {
        check(
            &[0, 0, 0, 0, 11],
            2,
            &[Some(10), Some(20), Some(30), None, Some(40)],
        );
    }
}
