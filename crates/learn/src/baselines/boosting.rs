//! Gradient boosting: round by round, a small tree for each class corrects those before it.
//!
//! As scikit-learn's `HistGradientBoostingClassifier` by its own settings (columns in at most 255
//! bins, 100 rounds, rate 0.1, 31 leaves of at least 20 samples), but that the number of rounds is
//! chosen on validation rows. Sources: Friedman, *Greedy function approximation*, 2001; Ke et al.,
//! *`LightGBM`*, 2017.

mod bins;
mod regression;

use rayon::prelude::*;

use super::{
    Predictor,
    features::{Examples, Features},
    threads,
};
use crate::{
    calibration,
    learner::{Fitting, LearnerError},
};
use bins::Bins;
use regression::{Gradients, RegressionTree};

const ROUNDS: u64 = 100;
const RATE: f64 = 0.1;
/// Rounds without a lower validation loss after which the fit ends.
const PATIENCE: usize = 10;

/// Fitted trees, one a class and round.
#[derive(Debug, Clone, PartialEq)]
pub struct Boosting {
    classes: usize,
    /// What is said of each class before the first round: the logarithm of its share.
    start: Vec<f64>,
    /// `[rounds, classes]`
    trees: Vec<RegressionTree>,
}

impl Boosting {
    /// Fits trees on training rows, chooses their number on validation rows.
    ///
    /// # Errors
    ///
    /// [`LearnerError::Stopped`].
    pub fn fit(
        examples: &Examples<'_>,
        classes: usize,
        fitting: &mut Fitting<'_>,
    ) -> Result<Self, LearnerError> {
        let (features, labels) = examples.train;
        let (judges, judges_labels) = examples.validation;
        let bins = Bins::of(features);
        let start = log_shares(labels, classes);
        let mut model = Self {
            classes,
            trees: Vec::new(),
            start: start.clone(),
        };
        // By class and then by sample: a tree changes one class.
        let mut scores: Vec<Vec<f64>> = start
            .iter()
            .map(|&share| vec![share; labels.len()])
            .collect();
        let mut validation_scores = start.repeat(judges.rows());
        let (mut best_loss, mut best_rounds) = (f64::INFINITY, 0);
        for round in 0..ROUNDS as usize {
            fitting.check_stop()?;
            let partitions = partitions(&scores);
            let trees: Vec<RegressionTree> = threads::on(fitting.threads, || {
                scores
                    .par_iter_mut()
                    .enumerate()
                    .map(|(class, scores)| {
                        let gradients = gradients(scores, &partitions, labels, class as u32);
                        regression::grow(&bins, gradients, RATE, scores)
                    })
                    .collect()
            });
            for row in 0..judges.rows() {
                for (class, tree) in trees.iter().enumerate() {
                    validation_scores[row * classes + class] += tree.leaf(judges, row);
                }
            }
            model.trees.extend(trees);
            fitting.progress.advance(round as u64 + 1, ROUNDS, "rounds");
            if judges_labels.is_empty() {
                best_rounds = round + 1;
                continue;
            }
            let logits: Vec<f32> = validation_scores
                .iter()
                .map(|&score| score as f32)
                .collect();
            let loss = calibration::cross_entropy(&logits, judges_labels, classes, 1.0);
            if loss < best_loss {
                (best_loss, best_rounds) = (loss, round + 1);
            } else if round + 1 - best_rounds >= PATIENCE {
                break;
            }
        }
        model.trees.truncate(best_rounds * classes);
        Ok(model)
    }
}

/// The logarithm of each class's share; one that has no samples is as unlikely as a millionth.
fn log_shares(labels: &[u32], classes: usize) -> Vec<f64> {
    let mut counts = vec![0.0_f64; classes];
    for &label in labels {
        counts[label as usize] += 1.0;
    }
    let samples = labels.len().max(1) as f64;
    counts
        .iter()
        .map(|count| (count / samples).max(1e-6).ln())
        .collect()
}

/// Of each sample the logarithm of the sum of its classes' powers.
fn partitions(scores: &[Vec<f64>]) -> Vec<f64> {
    let samples = scores.first().map_or(0, Vec::len);
    (0..samples)
        .map(|sample| {
            let of_sample = || scores.iter().map(|scores| scores[sample]);
            let top = of_sample().fold(f64::NEG_INFINITY, f64::max);
            top + of_sample()
                .map(|score| (score - top).exp())
                .sum::<f64>()
                .ln()
        })
        .collect()
}

/// First and second derivative of each sample's cross-entropy by the score of one class.
fn gradients(scores: &[f64], partitions: &[f64], labels: &[u32], class: u32) -> Gradients {
    scores
        .iter()
        .zip(partitions)
        .zip(labels)
        .map(|((score, partition), &label)| {
            let probability = (score - partition).exp();
            let truth = f64::from(u8::from(label == class));
            (probability - truth, probability * (1.0 - probability))
        })
        .collect()
}

impl Predictor for Boosting {
    /// Column and threshold of each split, the value of each leaf, and where it starts.
    fn parameters(&self) -> usize {
        let of_trees: usize = self.trees.iter().map(RegressionTree::parameters).sum();
        of_trees + self.start.len()
    }

    fn probabilities(&self, features: &Features, threads: usize) -> Vec<f64> {
        let answer = |row: usize| {
            let mut scores = self.start.clone();
            for trees in self.trees.chunks_exact(self.classes) {
                for (score, tree) in scores.iter_mut().zip(trees) {
                    *score += tree.leaf(features, row);
                }
            }
            let logits: Vec<f32> = scores.into_iter().map(|score| score as f32).collect();
            calibration::probabilities(&logits, 1.0)
        };
        threads::on(threads, || {
            (0..features.rows())
                .into_par_iter()
                .flat_map_iter(answer)
                .collect()
        })
    }
}
