//! CENTIME's encoder, without Burn.

use super::dense::Dense;
use crate::{
    forward::autoencoder::{CODE, standardise},
    input::STATISTICS,
    kernels::Kernels,
    layout::{Layout, Values},
};

/// CENTIME's encoder.
#[derive(Debug)]
pub(super) struct Statistics {
    means: Vec<f32>,
    variances: Vec<f32>,
    layers: [Dense; 2],
}

impl Statistics {
    /// The encoder of a network that has one.
    pub(super) fn new(layout: &Layout, values: &Values) -> Self {
        let place = layout.statistics_norm();
        Self {
            means: values.means[place..][..STATISTICS].to_vec(),
            variances: values.variances[place..][..STATISTICS].to_vec(),
            layers: ["encoder.0", "encoder.2"].map(|name| Dense::named(name, layout, values)),
        }
    }

    /// The code of a session's statistics.
    pub(super) fn apply(&self, kernels: Kernels, statistics: &[f32], features: &mut [f32]) {
        let standard = standardise(statistics, &self.means, &self.variances);
        let [first, second] = &self.layers;
        let mut hidden = vec![0.0; first.bias.len()];
        first.apply(kernels, &standard, &mut hidden, true);
        let mut code = vec![0.0; second.bias.len()];
        second.apply(kernels, &hidden, &mut code, false);
        features.copy_from_slice(&code[..CODE]);
    }
}
