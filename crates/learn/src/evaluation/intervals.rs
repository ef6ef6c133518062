//! Intervals: how far a score would move with other captures of the same kind.

use std::collections::BTreeMap;

use rand::Rng;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use serde::{Deserialize, Serialize};

use super::confusion::ConfusionMatrix;
use crate::dataset::Rows;

/// How often the samples are drawn again.
pub const RESAMPLES: usize = 1000;

/// Seed of the draws: fixed, so that the same answers have the same interval.
const SEED: u64 = 1;

/// The middle 95 % of what resampling gives.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// 2.5 % of the resamples are below.
    pub low: f64,
    /// 2.5 % of the resamples are above.
    pub high: f64,
}

/// What was drawn again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Drawn {
    /// Whole groups: samples of one capture are alike, so they stand or fall together.
    Groups,
    /// Single samples: there was one group only, and the interval is too narrow.
    Samples,
}

/// Intervals of the scores that are quoted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Intervals {
    /// What was drawn again.
    pub drawn: Drawn,
    /// Of how many.
    pub units: usize,
    /// How often.
    pub resamples: usize,
    /// The seed of the draws.
    pub seed: u64,
    /// Of the accuracy.
    pub accuracy: Interval,
    /// Of the macro-F1, over the classes that a resample holds.
    pub macro_f1: Interval,
}

/// [`bootstrap`] of a model's answers to rows, with the one seed that all figures share.
pub fn of_rows(classes: usize, rows: &Rows, answers: &[u32]) -> Option<Intervals> {
    let groups: Vec<&str> = rows
        .origins
        .iter()
        .map(|origin| origin.group.as_str())
        .collect();
    of_groups(classes, &rows.samples.labels, answers, &groups)
}

/// The same of labels and groups that are no rows.
pub(super) fn of_groups(
    classes: usize,
    labels: &[u32],
    answers: &[u32],
    groups: &[&str],
) -> Option<Intervals> {
    bootstrap(classes, labels, answers, groups, SEED)
}

/// 95 % bootstrap intervals over groups.
///
/// `labels`, `answers` and `groups` are `[samples]`. As many groups as there are are drawn with
/// replacement, [`RESAMPLES`] times; with a single group, samples are drawn instead, which
/// [`Intervals::drawn`] tells. `None` without samples.
///
/// Source: Efron and Tibshirani, *An Introduction to the Bootstrap*, 1993 (percentile intervals);
/// Field and Welsh, *Bootstrapping clustered data*, 2007 (whole clusters).
pub fn bootstrap(
    classes: usize,
    labels: &[u32],
    answers: &[u32],
    groups: &[&str],
    seed: u64,
) -> Option<Intervals> {
    let mut by_group: BTreeMap<&str, ConfusionMatrix> = BTreeMap::new();
    for ((&label, &answer), group) in labels.iter().zip(answers).zip(groups) {
        by_group
            .entry(group)
            .or_insert_with(|| ConfusionMatrix::new(classes))
            .count(label, answer);
    }
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let matrices: Vec<ConfusionMatrix> = by_group.into_values().collect();
    let (drawn, units) = match matrices.len() {
        0 => return None,
        1 => (Drawn::Samples, labels.len()),
        groups => (Drawn::Groups, groups),
    };
    let mut accuracies = Vec::with_capacity(RESAMPLES);
    let mut macro_f1s = Vec::with_capacity(RESAMPLES);
    for _ in 0..RESAMPLES {
        let mut sum = ConfusionMatrix::new(classes);
        for _ in 0..units {
            // The modulo favours small numbers by units / 2^64: nothing.
            let pick = (random.next_u64() % units as u64) as usize;
            match drawn {
                Drawn::Groups => sum.add(&matrices[pick]),
                Drawn::Samples => sum.count(labels[pick], answers[pick]),
            }
        }
        accuracies.push(sum.accuracy());
        macro_f1s.push(sum.macro_f1());
    }
    Some(Intervals {
        drawn,
        units,
        resamples: RESAMPLES,
        seed,
        accuracy: middle(accuracies),
        macro_f1: middle(macro_f1s),
    })
}

/// The 2.5 % and 97.5 % percentiles, by nearest rank.
fn middle(mut values: Vec<f64>) -> Interval {
    values.sort_by(f64::total_cmp);
    let rank = |share: f64| ((share * values.len() as f64).ceil() as usize).max(1) - 1;
    Interval {
        low: values[rank(0.025)],
        high: values[rank(0.975)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_interval() {
        let draw = |seed| bootstrap(2, &[0, 1, 0, 1], &[0, 1, 1, 0], &["a", "b", "c", "d"], seed);
        assert_eq!(draw(7), draw(7));
    }

    #[test]
    fn answers_that_are_always_right_leave_no_doubt() {
        let found = bootstrap(2, &[0, 1], &[0, 1], &["a", "b"], 1).unwrap();
        assert_eq!(
            found.accuracy,
            Interval {
                low: 1.0,
                high: 1.0
            }
        );
    }

    #[test]
    fn groups_stand_or_fall_together() {
        // 100 samples in two groups, one all right, one all wrong: a quarter of the resamples has
        // only the first, a quarter only the second. Single draws would stay near one half.
        let labels = [0; 100];
        let answers: Vec<u32> = (0..100).map(|sample| u32::from(sample >= 50)).collect();
        let groups: Vec<&str> = (0..100)
            .map(|sample| if sample < 50 { "a" } else { "b" })
            .collect();
        let found = bootstrap(2, &labels, &answers, &groups, 1).unwrap();
        assert_eq!((found.drawn, found.units), (Drawn::Groups, 2));
        assert_eq!(
            found.accuracy,
            Interval {
                low: 0.0,
                high: 1.0
            }
        );
    }

    #[test]
    fn a_single_group_is_drawn_from_sample_by_sample_and_says_so() {
        let answers: Vec<u32> = (0..100).map(|sample| u32::from(sample >= 50)).collect();
        let found = bootstrap(2, &[0; 100], &answers, &["a"; 100], 1).unwrap();
        assert_eq!((found.drawn, found.units), (Drawn::Samples, 100));
        // The standard error of a share of 0.5 among 100 is 0.05.
        assert!(
            (found.accuracy.low - 0.4).abs() < 0.03,
            "{:?}",
            found.accuracy
        );
        assert!(
            (found.accuracy.high - 0.6).abs() < 0.03,
            "{:?}",
            found.accuracy
        );
    }

    #[test]
    fn percentiles_are_taken_by_nearest_rank() {
        let found = middle((1..=1000).map(f64::from).collect());
        assert_eq!(
            found,
            Interval {
                low: 25.0,
                high: 975.0
            }
        );
    }
}
