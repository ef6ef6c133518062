//! Spreads: what other seeds of the same model give.

use serde::{Deserialize, Serialize};

/// Figures over several seeds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Of the accuracy.
    pub accuracy: Estimate,
    /// Of the macro-F1.
    pub macro_f1: Estimate,
    /// Of the weighted F1.
    pub weighted_f1: Estimate,
}

/// A mean over seeds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// The standard deviation of a sample: divided by one less than there are seeds.
    pub deviation: f64,
}

impl Estimate {
    /// Of values, of which there is at least one.
    pub(super) fn of(values: &[f64]) -> Self {
        let mean = mean(values);
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Self {
            mean,
            deviation: (squares / (values.len() as f64 - 1.0).max(1.0)).sqrt(),
        }
    }
}

/// Of values, of which there is at least one.
pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}
