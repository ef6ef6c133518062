//! Random forests: many trees, each on samples and columns that chance picks, and their mean.
//!
//! Source: Breiman, *Random Forests*, 2001; the mean of the leaves' shares as scikit-learn has it.

use std::ops::Range;

use rand::Rng;
use rayon::prelude::*;

use super::{
    Predictor,
    chance::random,
    columns::Columns,
    features::Features,
    threads,
    tree::{Samples, Tree, TreeSettings, grow},
};
use crate::learner::{Fitting, LearnerError};

/// A fitted forest.
#[derive(Debug, Clone, PartialEq)]
pub struct Forest {
    classes: usize,
    trees: Vec<Tree>,
}

impl Forest {
    /// Fits `trees` full-grown trees; each split tries the square root of the columns.
    ///
    /// # Errors
    ///
    /// [`LearnerError::Stopped`].
    pub fn fit(
        features: &Features,
        labels: &[u32],
        classes: usize,
        trees: u32,
        fitting: &mut Fitting<'_>,
    ) -> Result<Self, LearnerError> {
        let nursery = Nursery::of(features, labels, classes, fitting.seed);
        // A few for each thread, so that none waits long and a stop is soon seen.
        let batch = 2 * fitting.threads.max(1) as u32;
        let mut grown = Vec::new();
        for first in (0..trees).step_by(batch as usize) {
            fitting.check_stop()?;
            let numbers = first..trees.min(first + batch);
            grown.extend(threads::on(fitting.threads, || nursery.grow(numbers)));
            let done = grown.len() as u64;
            fitting.progress.advance(done, u64::from(trees), "trees");
        }
        Ok(Self {
            classes,
            trees: grown,
        })
    }

    /// The same forest in one go, on the threads there are where it is called.
    pub fn grow(
        features: &Features,
        labels: &[u32],
        classes: usize,
        trees: u32,
        seed: u64,
    ) -> Self {
        Self {
            classes,
            trees: Nursery::of(features, labels, classes, seed).grow(0..trees),
        }
    }

    /// Its trees.
    pub fn trees(&self) -> &[Tree] {
        &self.trees
    }
}

/// What all trees of a forest are grown from.
struct Nursery<'a> {
    columns: Columns,
    labels: &'a [u32],
    classes: usize,
    settings: TreeSettings,
    seed: u64,
}

impl<'a> Nursery<'a> {
    fn of(features: &Features, labels: &'a [u32], classes: usize, seed: u64) -> Self {
        Self {
            columns: Columns::of(features),
            labels,
            classes,
            settings: TreeSettings {
                max_depth: None,
                tried_columns: Some((features.columns() as f64).sqrt().floor().max(1.0) as usize),
                ..TreeSettings::SHALLOW
            },
            seed,
        }
    }

    fn grow(&self, numbers: Range<u32>) -> Vec<Tree> {
        let samples = self.labels.len();
        let tree = |number| {
            // The same chance for a tree whichever thread grows it.
            let mut random = random(self.seed, u64::from(number));
            let mut weights = vec![0; samples];
            for _ in 0..samples {
                weights[(random.next_u64() % samples as u64) as usize] += 1;
            }
            let samples = Samples {
                labels: self.labels,
                weights: &weights,
            };
            grow(&self.columns, samples, self.classes, &self.settings, random)
        };
        numbers.into_par_iter().map(tree).collect()
    }
}

impl Predictor for Forest {
    /// Those of its trees.
    fn parameters(&self) -> usize {
        self.trees.iter().map(Predictor::parameters).sum()
    }

    fn probabilities(&self, features: &Features, threads: usize) -> Vec<f64> {
        let answer = |row: usize| {
            let mut shares = vec![0.0; self.classes];
            for tree in &self.trees {
                for (sum, &share) in shares.iter_mut().zip(tree.shares(features, row)) {
                    *sum += f64::from(share);
                }
            }
            let trees = self.trees.len() as f64;
            shares.into_iter().map(move |sum| sum / trees)
        };
        threads::on(threads, || {
            (0..features.rows())
                .into_par_iter()
                .flat_map_iter(answer)
                .collect()
        })
    }
}
