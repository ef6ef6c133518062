//! CENTIME's auto-encoder in Burn's tensors, and what standardises its statistics.

use burn::tensor::{Tensor, activation};

use super::{Leaves, matrix, row};
use crate::layout::Layout;

/// Length of the code: its feature vector.
pub(crate) const CODE: usize = 9;

/// Outputs of the layers between the statistics and the code, and back.
pub(crate) const MIDDLE: usize = 18;

/// The name of the running statistics that hold the training samples' means and variances.
pub(crate) const NORM: &str = "statistics";

/// Statistics less their mean, divided by their deviation; 0 where training saw one value only.
pub(crate) fn standardise(statistics: &[f32], means: &[f32], variances: &[f32]) -> Vec<f32> {
    let one = |(place, &value): (usize, &f32)| {
        let (mean, variance) = (means[place % means.len()], variances[place % means.len()]);
        if variance > 0.0 {
            (f64::from(value) - f64::from(mean)) / f64::from(variance).sqrt()
        } else {
            0.0
        }
    };
    let all = statistics.iter().enumerate();
    all.map(|pair| one(pair) as f32).collect()
}

/// Codes `[batch, CODE]` of standardised statistics, and the mean absolute difference between
/// these and what is made of the codes again.
pub(crate) fn features(
    layout: &Layout,
    rest: &Leaves,
    statistics: Tensor<2>,
) -> (Tensor<2>, Tensor<1>) {
    let linear = |values: Tensor<2>, name: &str| {
        let weight = matrix(rest, layout.find(&format!("{name}.weight")));
        values.matmul(weight.transpose()) + row(rest, layout.find(&format!("{name}.bias")))
    };
    let hidden = activation::relu(linear(statistics.clone(), "encoder.0"));
    let code = linear(hidden, "encoder.2");
    let hidden = activation::relu(linear(code.clone(), "decoder.0"));
    let again = linear(hidden, "decoder.2");
    (code, (again - statistics).abs().mean())
}
