//! A trainer's state as named tensors: what a checkpoint holds, and how training goes on from it.

use super::{Group, Trainer, TrainerOptions, flat, floats};
use crate::{
    layout::Values,
    weights::{NamedTensor, Weights, WeightsError},
};

/// Name of the step count in a state.
const STEPS: &str = "trainer.steps";

/// What precedes a tensor's name where a state keeps Adam's first and second moment of it.
const MOMENTS: [&str; 2] = ["adam.first.", "adam.second."];

impl Trainer {
    /// Continues from [`Trainer::state`]: the steps that follow are those that would have followed.
    ///
    /// # Errors
    ///
    /// [`WeightsError`] if the state is not one of this shape.
    pub fn resume(options: TrainerOptions, state: &Weights) -> Result<Self, WeightsError> {
        let mut trainer = Self::from_weights(options, state)?;
        // Two digits of base 65,536: a float32 holds whole numbers to 2^24 only.
        let digits = state.values(STEPS, &[2])?;
        trainer.steps = digits[0] as u64 + 65_536 * digits[1] as u64;
        if trainer.steps > 0 {
            let [first_trunk, first_rest] = trainer.layout.find_parameters(state, MOMENTS[0])?;
            let [second_trunk, second_rest] = trainer.layout.find_parameters(state, MOMENTS[1])?;
            let device = &trainer.device;
            let pair = |first: Vec<f32>, second| Some([first, second].map(|v| flat(v, device)));
            trainer.trunk.moments = pair(first_trunk, second_trunk);
            trainer.rest.moments = pair(first_rest, second_rest);
        }
        Ok(trainer)
    }

    /// The network's weights and running statistics, for [`crate::engine::Engine`].
    pub fn weights(&self) -> Weights {
        self.layout.name(&Values {
            trunk: floats(self.trunk.values.clone()),
            rest: floats(self.rest.values.clone()),
            means: self.means.clone(),
            variances: self.variances.clone(),
        })
    }

    /// Gradients by the names of their parameters.
    #[cfg(test)]
    pub(crate) fn name_gradients(&self, trunk: Vec<f32>, rest: Vec<f32>) -> Weights {
        self.layout.name_parameters(&trunk, &rest, "")
    }

    /// Weights, optimiser state and step count.
    pub fn state(&self) -> Weights {
        let mut state = self.weights();
        let of = |group: &Group, number: usize| {
            group.moments.as_ref().map_or_else(
                || vec![0.0; group.values.dims()[0]],
                |moments| floats(moments[number].clone()),
            )
        };
        for (number, prefix) in MOMENTS.iter().enumerate() {
            let (trunk, rest) = (of(&self.trunk, number), of(&self.rest, number));
            let named = self.layout.name_parameters(&trunk, &rest, prefix);
            state.tensors.extend(named.tensors);
        }
        let digits = [self.steps % 65_536, self.steps / 65_536].map(|digit| digit as f32);
        let steps = NamedTensor {
            shape: vec![2],
            values: digits.to_vec(),
        };
        state.tensors.insert(STEPS.to_owned(), steps);
        state
    }
}
