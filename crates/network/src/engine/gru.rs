//! The paper's GRU, without Burn: one step on the whole slice.

use super::dense::Dense;
use crate::{
    kernels::Kernels,
    layout::{HIDDEN, Layout, Values},
};

/// The GRU, its weights ready to multiply by.
#[derive(Debug)]
pub(super) struct Gru {
    input: Dense,
    /// The state's own part, which is its bias alone: it starts from zeros.
    state_bias: Vec<f32>,
}

impl Gru {
    /// The GRU of a network that has one.
    pub(super) fn new(layout: &Layout, values: &Values) -> Self {
        let of = |name: &str| layout.values_of(name, values);
        Self {
            input: Dense::linear(of("gru.weight_ih_l0"), of("gru.bias_ih_l0")),
            state_bias: of("gru.bias_hh_l0").to_vec(),
        }
    }

    /// Floats of all gates.
    pub(super) fn gates(&self) -> usize {
        self.input.bias.len()
    }

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
