//! Counting: how frequent each class is, alone or among samples that are exactly alike.

use std::collections::HashMap;

use super::{Predictor, features::Features};

/// The class counted most often; the first of several.
pub(crate) fn most_frequent(counts: &[u32]) -> u32 {
    let mut best = 0;
    for (class, &count) in counts.iter().enumerate() {
        if count > counts[best] {
            best = class;
        }
    }
    best as u32
}

/// How frequent each class was: the answer is always the majority.
#[derive(Debug, Clone, PartialEq)]
pub struct Majority {
    shares: Vec<f64>,
}

impl Majority {
    /// Counts labels.
    pub fn fit(labels: &[u32], classes: usize) -> Self {
        Self {
            shares: shares(labels.iter().copied(), classes),
        }
    }
}

fn shares(labels: impl Iterator<Item = u32>, classes: usize) -> Vec<f64> {
    let mut counts = vec![0.0; classes];
    let mut all = 0.0;
    for label in labels {
        counts[label as usize] += 1.0;
        all += 1.0;
    }
    for count in &mut counts {
        *count /= f64::max(all, 1.0);
    }
    counts
}

impl Predictor for Majority {
    /// A share for each class.
    fn parameters(&self) -> usize {
        self.shares.len()
    }

    fn probabilities(&self, features: &Features, _threads: usize) -> Vec<f64> {
        self.shares.repeat(features.rows())
    }
}

/// Training samples by all their numbers: what is not found among them is the majority.
#[derive(Debug, Clone, PartialEq)]
pub struct LookUp {
    known: HashMap<Vec<u8>, Vec<f64>>,
    otherwise: Majority,
}

impl LookUp {
    /// Remembers, of each row that occurs, how frequent the classes were.
    pub fn fit(features: &Features, labels: &[u32], classes: usize) -> Self {
        let mut alike: HashMap<Vec<u8>, Vec<u32>> = HashMap::new();
        for (row, &label) in labels.iter().enumerate() {
            alike.entry(features.key(row)).or_default().push(label);
        }
        Self {
            known: alike
                .into_iter()
                .map(|(row, labels)| (row, shares(labels.into_iter(), classes)))
                .collect(),
            otherwise: Majority::fit(labels, classes),
        }
    }
}

impl Predictor for LookUp {
    /// The distinct rows.
    fn parameters(&self) -> usize {
        self.known.len()
    }

    fn probabilities(&self, features: &Features, _threads: usize) -> Vec<f64> {
        (0..features.rows())
            .flat_map(|row| {
                self.known
                    .get(&features.key(row))
                    .unwrap_or(&self.otherwise.shares)
            })
            .copied()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_is_looked_up_and_the_rest_is_the_majority() {
        let features = Features::bytes(2, vec![1, 2, 1, 2, 3, 4, 5, 6, 7, 8]);
        let labels = [0, 1, 1, 1, 0];
        let asked = Features::bytes(2, vec![1, 2, 7, 8, 9, 9]);
        let found = LookUp::fit(&features, &labels, 2).probabilities(&asked, 1);
        assert_eq!(found, [0.5, 0.5, 1.0, 0.0, 0.4, 0.6]);
        let found = Majority::fit(&labels, 2).probabilities(&asked, 1);
        assert_eq!(found, [0.4, 0.6, 0.4, 0.6, 0.4, 0.6]);
    }
}
