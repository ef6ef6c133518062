//! The latest sessions, held against a reference.

use std::{collections::VecDeque, num::NonZeroUsize};

use super::{
    Observation, Quantity,
    distribution::{Distribution, index_by_chance, stability_index},
};

/// The index from which on a population is called another, beyond what chance explains.
const ALARM: f64 = 0.25;

/// How often in the time of one full turn alarms are looked for.
const LOOKS: usize = 10;

/// How far the latest sessions are from the reference in one quantity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drift {
    /// In which.
    pub of: Quantity,
    /// The population stability index.
    pub index: f64,
    /// What it would be on average if nothing had changed.
    pub by_chance: f64,
}

impl Drift {
    /// Whether it is large, even for so few sessions.
    pub fn is_alarming(&self) -> bool {
        self.index > ALARM + self.by_chance
    }
}

/// What is kept of a session.
#[derive(Debug, Clone)]
struct Taken {
    /// Which bin of each reference it is in, `[references]`.
    bins: Vec<u16>,
    is_unknown: bool,
}

/// The latest sessions, as many as were asked for, held against a reference.
#[derive(Debug, Clone)]
pub struct Latest {
    references: Vec<Distribution>,
    capacity: usize,
    sessions: VecDeque<Taken>,
    /// How many of them are unknown.
    unknown: usize,
    /// How many are in each bin, `[references][bins]`.
    counts: Vec<Vec<u64>>,
    /// Sessions until alarms are looked for again.
    until_look: usize,
}

impl Latest {
    /// No sessions yet, of `capacity` at most.
    pub fn new(references: Vec<Distribution>, capacity: NonZeroUsize) -> Self {
        let counts = references
            .iter()
            .map(|reference| vec![0; reference.counts.len()])
            .collect();
        Self {
            references,
            capacity: capacity.get(),
            sessions: VecDeque::new(),
            unknown: 0,
            counts,
            until_look: 0,
        }
    }

    /// Whether there is nothing to hold sessions against.
    pub fn has_no_reference(&self) -> bool {
        self.references.is_empty()
    }

    /// Takes in a session, in place of the oldest if there are as many as there may be.
    pub fn add(&mut self, observation: &Observation) {
        let bins: Vec<u16> = self
            .references
            .iter()
            // A reference of more bins is refused when its model is read.
            .map(|reference| reference.bin(observation.value(reference.of)) as u16)
            .collect();
        if self.is_full()
            && let Some(oldest) = self.sessions.pop_front()
        {
            self.unknown -= usize::from(oldest.is_unknown);
            for (counts, bin) in self.counts.iter_mut().zip(oldest.bins) {
                counts[usize::from(bin)] -= 1;
            }
        }
        for (counts, &bin) in self.counts.iter_mut().zip(&bins) {
            counts[usize::from(bin)] += 1;
        }
        let is_unknown = observation.value(Quantity::Unknown) > 0.0;
        self.unknown += usize::from(is_unknown);
        self.sessions.push_back(Taken { bins, is_unknown });
        self.until_look = self.until_look.saturating_sub(1);
    }

    /// Which share of them is unknown; none of no sessions.
    pub fn unknown_share(&self) -> Option<f64> {
        let sessions = self.sessions.len();
        (sessions > 0).then(|| self.unknown as f64 / sessions as f64)
    }

    /// How far they are from the reference; nothing before there are as many as were asked for.
    pub fn drifts(&self) -> Vec<Drift> {
        if !self.is_full() {
            return Vec::new();
        }
        let pairs = self.references.iter().zip(&self.counts);
        pairs
            .map(|(reference, counts)| Drift {
                of: reference.of,
                index: stability_index(&reference.counts, counts),
                by_chance: index_by_chance(
                    counts.len(),
                    reference.total(),
                    self.sessions.len() as u64,
                ),
            })
            .collect()
    }

    /// The drifts that are alarming now, the largest first.
    pub fn alarming(&self) -> Vec<Drift> {
        let mut alarming = self.drifts();
        alarming.retain(Drift::is_alarming);
        alarming.sort_by(|one, other| other.index.total_cmp(&one.index));
        alarming
    }

    /// The same if it is time to tell: what was told is not told again before all sessions have been
    /// replaced.
    pub fn alarms(&mut self) -> Vec<Drift> {
        if self.until_look > 0 || !self.is_full() {
            return Vec::new();
        }
        let alarming = self.alarming();
        self.until_look = if alarming.is_empty() {
            (self.capacity / LOOKS).max(1)
        } else {
            self.capacity
        };
        alarming
    }

    fn is_full(&self) -> bool {
        self.sessions.len() >= self.capacity
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reference of 1,000 values, the same many of 0 to 9, and the latest 100 sessions.
    fn latest() -> Latest {
        let values: Vec<f64> = (0..1000).map(|number| f64::from(number % 10)).collect();
        let reference = Distribution::in_tenths(Quantity::Packets, &values);
        Latest::new(vec![reference], NonZeroUsize::new(100).unwrap())
    }

    fn packets(packets: u64) -> Observation {
        let mut values = [0.0; Quantity::ALL.len()];
        values[Quantity::Packets as usize] = packets as f64;
        Observation { values }
    }

    #[test]
    fn sessions_like_the_reference_raise_no_alarm() {
        let mut latest = latest();
        for number in 0..1000 {
            latest.add(&packets(number % 10));
            assert_eq!(latest.alarms(), []);
        }
        let [drift] = latest.drifts()[..] else {
            panic!("one reference")
        };
        assert!(drift.index < 0.01, "{drift:?}");
    }

    #[test]
    fn nothing_is_said_of_few_sessions() {
        let mut latest = latest();
        for _ in 0..99 {
            latest.add(&packets(9));
        }
        assert_eq!((latest.drifts(), latest.alarms()), (vec![], vec![]));
        latest.add(&packets(9));
        assert_eq!(latest.alarms(), latest.alarming());
        // What was told is alarming still.
        assert_eq!((latest.alarms().len(), latest.alarming().len()), (0, 1));
    }

    #[test]
    fn another_population_raises_one_alarm_for_each_turn() {
        let mut latest = latest();
        let alarms: Vec<u64> = (0..1000)
            .filter(|&number| {
                // From 300 on, only the largest.
                let value = if number < 300 { number % 10 } else { 9 };
                latest.add(&packets(value));
                !latest.alarms().is_empty()
            })
            .collect();
        // With 20 of the 9s the index is 0.23, with 30 it is 0.45; chance explains 0.10.
        assert_eq!(alarms, [329, 429, 529, 629, 729, 829, 929]);
    }

    #[test]
    fn what_is_long_gone_no_longer_counts() {
        let mut latest = latest();
        for number in 0..300 {
            latest.add(&packets(if number < 200 { 9 } else { number % 10 }));
        }
        assert!(!latest.drifts()[0].is_alarming());
    }
}
