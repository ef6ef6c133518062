//! The timeline: bytes by group in stretches of time of the same length.

use std::collections::VecDeque;

use traffic::timestamp::Timestamp;

/// The most stretches there are.
const MOST: i64 = 240;

/// What the shortest stretch lasts.
const SHORTEST_NANOSECONDS: i64 = 250_000_000;

/// What a stretch of a timeline lasts that forgets.
const LIVE_NANOSECONDS: i64 = 1_000_000_000;

/// What a timeline has room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// All there was: stretches get longer.
    Whole,
    /// The last minutes, a second each: what was before is forgotten.
    Last,
}

/// Bytes over time.
#[derive(Debug, Clone)]
pub(super) struct Timeline {
    extent: Extent,
    width: i64,
    /// Which stretch the first is, counted from 1970.
    first: i64,
    /// Bytes, `[stretches]` of `[groups seen]`.
    stretches: VecDeque<Vec<u64>>,
}

/// What there is to draw.
#[derive(Debug)]
pub(crate) struct Bars<'a> {
    /// What they are of.
    pub(crate) extent: Extent,
    /// When the first stretch begins.
    pub(crate) start: Timestamp,
    /// What each lasts, in nanoseconds.
    pub(crate) width_nanoseconds: i64,
    /// Bytes, `[stretches]` of `[groups]`; groups that are missing have none.
    pub(crate) bytes: Vec<&'a [u64]>,
}

impl Timeline {
    pub(super) fn new(extent: Extent) -> Self {
        Self {
            extent,
            width: match extent {
                Extent::Whole => SHORTEST_NANOSECONDS,
                Extent::Last => LIVE_NANOSECONDS,
            },
            first: 0,
            stretches: VecDeque::new(),
        }
    }

    pub(super) fn bars(&self) -> Bars<'_> {
        let start = self.first.saturating_mul(self.width);
        Bars {
            extent: self.extent,
            start: Timestamp::from_nanoseconds(start),
            width_nanoseconds: self.width,
            bytes: self.stretches.iter().map(Vec::as_slice).collect(),
        }
    }

    /// Adds bytes that were sent between two moments, as evenly as is known.
    pub(super) fn add(&mut self, group: usize, since: Timestamp, until: Timestamp, bytes: u64) {
        if bytes == 0 {
            return;
        }
        let until = until.nanoseconds();
        let since = since.nanoseconds().min(until);
        self.make_room(since, until);
        let duration = i128::from(until) - i128::from(since);
        let sent_by = |place: i64| {
            let passed = i128::from(place) * i128::from(self.width) - i128::from(since);
            part(bytes, passed, duration)
        };
        let begin = since.div_euclid(self.width);
        let last = until.div_euclid(self.width);
        // What lies before the first stretch is forgotten.
        let from = begin.max(self.first);
        let mut given = if from > begin { sent_by(from) } else { 0 };
        let shares: Vec<(i64, u64)> = (from..=last)
            .map(|place| {
                let sent = if place == last {
                    bytes
                } else {
                    sent_by(place + 1)
                };
                (place, sent - std::mem::replace(&mut given, sent))
            })
            .collect();
        for (place, share) in shares {
            self.add_at(place, group, share);
        }
    }

    /// How many stretches there are.
    fn len(&self) -> i64 {
        i64::try_from(self.stretches.len()).unwrap_or(i64::MAX)
    }

    fn add_at(&mut self, place: i64, group: usize, bytes: u64) {
        let Some(stretch) = usize::try_from(place - self.first)
            .ok()
            .and_then(|place| self.stretches.get_mut(place))
        else {
            return;
        };
        if stretch.len() <= group {
            stretch.resize(group + 1, 0);
        }
        stretch[group] += bytes;
    }

    /// Makes the stretches reach from one moment to the other, as far as they may.
    fn make_room(&mut self, since: i64, until: i64) {
        if self.extent == Extent::Whole {
            while self.reach(since, until) > MOST {
                self.double();
            }
        }
        let last = until.div_euclid(self.width);
        if self.stretches.is_empty() || last - self.first >= 2 * MOST {
            // Nothing of what was is near enough to stay.
            self.stretches.clear();
            self.first = since.div_euclid(self.width).max(last - MOST + 1);
        }
        let from = since.div_euclid(self.width);
        while self.first > from && self.len() < MOST {
            self.stretches.push_front(Vec::new());
            self.first -= 1;
        }
        while self.first + self.len() <= last {
            self.stretches.push_back(Vec::new());
            if self.len() > MOST {
                self.stretches.pop_front();
                self.first += 1;
            }
        }
    }

    /// How many stretches it takes to reach that far.
    fn reach(&self, since: i64, until: i64) -> i64 {
        let (mut from, mut to) = (since.div_euclid(self.width), until.div_euclid(self.width));
        if !self.stretches.is_empty() {
            from = from.min(self.first);
            to = to.max(self.first + self.len() - 1);
        }
        to.saturating_sub(from).saturating_add(1)
    }

    /// Makes one stretch of two.
    fn double(&mut self) {
        let mut merged: VecDeque<Vec<u64>> = VecDeque::new();
        let first = self.first.div_euclid(2);
        for (place, stretch) in (self.first..).zip(self.stretches.drain(..)) {
            if merged.is_empty() || place.rem_euclid(2) == 0 {
                merged.push_back(stretch);
            } else if let Some(before) = merged.back_mut() {
                before.resize(before.len().max(stretch.len()), 0);
                before
                    .iter_mut()
                    .zip(stretch)
                    .for_each(|(sum, bytes)| *sum += bytes);
            }
        }
        self.first = first;
        self.width = self.width.saturating_mul(2);
        self.stretches = merged;
    }
}

/// How many of the bytes were sent until then, evenly.
fn part(bytes: u64, passed: i128, duration: i128) -> u64 {
    if passed >= duration {
        return bytes;
    }
    u64::try_from(i128::from(bytes) * passed.max(0) / duration).unwrap_or(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    fn at(nanoseconds: i64) -> Timestamp {
        Timestamp::from_nanoseconds(nanoseconds)
    }

    fn all(timeline: &Timeline) -> u64 {
        timeline.bars().bytes.into_iter().flatten().sum()
    }

    #[test]
    fn bytes_are_spread_evenly_over_the_time_in_which_they_were_sent() {
        let mut timeline = Timeline::new(Extent::Last);
        // A quarter of the time lies in the first second, half in the second, a quarter in the third.
        timeline.add(1, at(SECOND / 2), at(5 * SECOND / 2), 100);
        assert_eq!(timeline.bars().bytes, [[0, 25], [0, 50], [0, 25]]);
    }

    #[test]
    fn a_moment_is_in_one_stretch() {
        let mut timeline = Timeline::new(Extent::Last);
        timeline.add(0, at(SECOND), at(SECOND), 7);
        assert_eq!(timeline.bars().bytes, [[7]]);
        assert_eq!(timeline.bars().start, at(SECOND));
    }

    #[test]
    fn stretches_of_a_whole_capture_get_longer_and_lose_nothing() {
        let mut timeline = Timeline::new(Extent::Whole);
        for second in [100, 40, 1_000, 99_999] {
            timeline.add(0, at(second * SECOND), at((second + 3) * SECOND), 1_000);
        }
        assert_eq!(all(&timeline), 4_000);
        assert!(timeline.len() <= MOST);
    }

    #[test]
    fn a_timeline_of_the_last_minutes_forgets_what_was_before() {
        let mut timeline = Timeline::new(Extent::Last);
        timeline.add(0, at(0), at(0), 5);
        timeline.add(0, at(100 * SECOND), at(100 * SECOND), 6);
        timeline.add(0, at(300 * SECOND), at(300 * SECOND), 7);
        assert_eq!(all(&timeline), 13);
        timeline.add(0, at(9_000 * SECOND), at(9_000 * SECOND), 8);
        // Nor does it go back for what comes too late.
        timeline.add(0, at(0), at(SECOND), 9);
        assert_eq!(all(&timeline), 8);
    }

    #[test]
    fn times_that_make_no_sense_do_no_harm() {
        for extent in [Extent::Whole, Extent::Last] {
            let mut timeline = Timeline::new(extent);
            timeline.add(0, at(i64::MIN), at(i64::MAX), 1);
            timeline.add(0, at(5), at(0), 1);
            timeline.add(0, at(i64::MIN), at(i64::MIN), 1);
            assert!(timeline.len() <= MOST);
        }
    }
}
