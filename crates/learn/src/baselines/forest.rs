//! Random forests: many trees, each on samples and columns that chance picks, and their mean.
//!
//! Source: Breiman, *Random Forests*, 2001; the mean of the leaves' shares as scikit-learn has it.

use rand::Rng;
use rayon::prelude::*;

use super::{
    Predictor,
    columns::Columns,
    features::Features,
    random, threads,
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
        let settings = TreeSettings {
            max_depth: None,
            tried_columns: Some((features.columns() as f64).sqrt().floor().max(1.0) as usize),
            ..TreeSettings::SHALLOW
        };
        let columns = Columns::of(features);
        let seed = fitting.seed;
        // A few for each thread, so that none waits long and a stop is soon seen.
        let batch = 2 * fitting.threads.max(1) as u32;
        let mut grown = Vec::new();
        for first in (0..trees).step_by(batch as usize) {
            fitting.check_stop()?;
            let numbers = first..trees.min(first + batch);
            let more: Vec<Tree> = threads::on(fitting.threads, || {
                numbers
                    .into_par_iter()
                    .map(|number| {
                        // The same chance for a tree whichever thread grows it.
                        let mut random = random(seed, u64::from(number));
                        let mut weights = vec![0; labels.len()];
                        for _ in 0..labels.len() {
                            weights[(random.next_u64() % labels.len() as u64) as usize] += 1;
                        }
                        let samples = Samples {
                            labels,
                            weights: &weights,
                        };
                        grow(&columns, samples, classes, &settings, random)
                    })
                    .collect()
            });
            grown.extend(more);
            let done = grown.len() as u64;
            fitting.progress.advance(done, u64::from(trees), "trees");
        }
        Ok(Self {
            classes,
            trees: grown,
        })
    }

    /// Its trees.
    pub fn trees(&self) -> &[Tree] {
        &self.trees
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
