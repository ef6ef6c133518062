//! Naive Bayes: each class is a Gaussian in each column, the columns independent.
//!
//! As scikit-learn's `GaussianNB`: a billionth of the largest variance of a column is added to all.

use super::{Predictor, features::Features};

/// Share of the largest variance that keeps every variance above 0.
const SMOOTHING: f64 = 1e-9;

/// Mean and variance of each class in each column, and how frequent it is.
#[derive(Debug, Clone, PartialEq)]
pub struct NaiveBayes {
    columns: usize,
    /// The logarithm of each class's share of the samples; minus infinity where it has none.
    log_priors: Vec<f64>,
    /// `[classes, columns]`
    means: Vec<f64>,
    /// `[classes, columns]`
    variances: Vec<f64>,
}

impl NaiveBayes {
    /// Fits the Gaussians to features and labels, `[samples]`.
    pub fn fit(features: &Features, labels: &[u32], classes: usize) -> Self {
        let columns = features.columns();
        let mut counts = vec![0.0_f64; classes];
        for &label in labels {
            counts[label as usize] += 1.0;
        }
        let per_class = |add: &dyn Fn(usize, f64) -> f64| {
            let mut sums = vec![0.0; classes * columns];
            for (row, &label) in labels.iter().enumerate() {
                let first = label as usize * columns;
                for (column, value) in features.row(row).enumerate() {
                    sums[first + column] += add(first + column, f64::from(value));
                }
            }
            for (class, sums) in sums.chunks_exact_mut(columns.max(1)).enumerate() {
                for sum in sums {
                    *sum /= counts[class].max(1.0);
                }
            }
            sums
        };
        let means = per_class(&|_, value| value);
        let mut variances = per_class(&|at, value| (value - means[at]).powi(2));
        let smallest = SMOOTHING * largest_variance(features);
        for variance in &mut variances {
            // Where nothing varies at all, any positive number makes all classes alike.
            *variance = (*variance + smallest).max(f64::MIN_POSITIVE.sqrt());
        }
        let samples = labels.len().max(1) as f64;
        Self {
            columns,
            log_priors: counts.iter().map(|count| (count / samples).ln()).collect(),
            means,
            variances,
        }
    }

    fn log_likelihood(&self, class: usize, row: &[f32]) -> f64 {
        let of_class = class * self.columns..(class + 1) * self.columns;
        let gaussians = self.means[of_class.clone()]
            .iter()
            .zip(&self.variances[of_class]);
        row.iter()
            .zip(gaussians)
            .map(|(&value, (mean, variance))| {
                let distance = (f64::from(value) - mean).powi(2) / variance;
                -0.5 * ((2.0 * std::f64::consts::PI * variance).ln() + distance)
            })
            .sum()
    }
}

/// The largest variance of a column over all samples.
fn largest_variance(features: &Features) -> f64 {
    let rows = features.rows().max(1) as f64;
    let mean_over_rows = |add: &dyn Fn(f64) -> f64, column: usize| {
        let values = (0..features.rows()).map(|row| f64::from(features.value(row, column)));
        values.map(add).sum::<f64>() / rows
    };
    (0..features.columns())
        .map(|column| {
            let mean = mean_over_rows(&|value| value, column);
            mean_over_rows(&|value| (value - mean).powi(2), column)
        })
        .fold(0.0, f64::max)
}

impl Predictor for NaiveBayes {
    /// A mean and a variance for each class and column, and each class's share.
    fn parameters(&self) -> usize {
        self.means.len() + self.variances.len() + self.log_priors.len()
    }

    fn probabilities(&self, features: &Features, _threads: usize) -> Vec<f64> {
        let mut all = Vec::with_capacity(features.rows() * self.log_priors.len());
        for row in 0..features.rows() {
            let row: Vec<f32> = features.row(row).collect();
            let joint: Vec<f64> = self
                .log_priors
                .iter()
                .enumerate()
                .map(|(class, &prior)| {
                    if prior == f64::NEG_INFINITY {
                        prior
                    } else {
                        prior + self.log_likelihood(class, &row)
                    }
                })
                .collect();
            let top = joint.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = joint.iter().map(|log| (log - top).exp()).sum();
            all.extend(joint.iter().map(|log| (log - top).exp() / sum));
        }
        all
    }
}
