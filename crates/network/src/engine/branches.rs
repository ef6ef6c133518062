//! Branches of a step or two: CENTIME's encoder of statistics, the paper's GRU.

use super::dense::Dense;
use crate::{
    forward::autoencoder::{CODE, standardise},
    kernels::Kernels,
    layout::HIDDEN,
};

/// CENTIME's encoder.
#[derive(Debug)]
pub(super) struct Statistics {
    pub(super) means: Vec<f32>,
    pub(super) variances: Vec<f32>,
    pub(super) layers: [Dense; 2],
}

/// The paper's GRU.
#[derive(Debug)]
pub(super) struct Gru {
    pub(super) input: Dense,
    pub(super) state_bias: Vec<f32>,
}

impl Statistics {
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

impl Gru {
    /// One step from a state of zeros; gates in `PyTorch`'s order reset, update, new.
    pub(super) fn apply(
        &self,
        kernels: Kernels,
        slice: &[f32],
        gates: &mut [f32],
        features: &mut [f32],
    ) {
        self.input.apply(kernels, slice, gates, false);
        let sigmoid = |value: f32| 1.0 / (1.0 + (-value).exp());
        for (unit, feature) in features.iter_mut().enumerate() {
            let gate = |number: usize| {
                let place = number * HIDDEN + unit;
                (gates[place], self.state_bias[place])
            };
            let ((reset, reset_bias), (update, update_bias), (new, new_bias)) =
                (gate(0), gate(1), gate(2));
            let reset = sigmoid(reset + reset_bias);
            let update = sigmoid(update + update_bias);
            *feature = (1.0 - update) * (new + reset * new_bias).tanh();
        }
    }
}
