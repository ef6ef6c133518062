//! The trainer: a network, its Adam optimiser, and one step at a time.

use crate::{
    architecture::Shape,
    weights::{Weights, WeightsError},
};

/// One batch of samples.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a> {
    /// Slices one after another, `[samples, slice length]`.
    pub slices: &'a [u8],
    /// Classes, `[samples]`.
    pub labels: &'a [u32],
    /// Weight of each class in the loss, `[classes]`; `None` for equal weights.
    pub class_weights: Option<&'a [f32]>,
}

/// What a step says of its batch, before the weights changed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepReport {
    /// Mean (weighted) cross-entropy.
    pub loss: f32,
    /// How many samples were classified right.
    pub correct: usize,
}

/// Settings that do not change during training.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrainerOptions {
    /// The network.
    pub shape: Shape,
    /// Seed of the initial weights and of dropout.
    pub seed: u64,
    /// Probability that dropout zeroes an input of the GRU.
    pub dropout: f64,
    /// Adam's decoupled weight decay; 0 as in the paper.
    pub weight_decay: f64,
    /// Threads; the results do not depend on it.
    pub threads: usize,
}

/// A network in training.
pub struct Trainer {
    _options: TrainerOptions,
}

impl Trainer {
    /// New weights, drawn as PyTorch draws them, from the seed.
    pub fn new(options: TrainerOptions) -> Self {
        Self { _options: options }
    }

    /// Continues from [`Trainer::state`]: the steps that follow are those that would have followed.
    ///
    /// # Errors
    ///
    /// [`WeightsError`] if the state is not one of this shape.
    pub fn resume(_options: TrainerOptions, _state: &Weights) -> Result<Self, WeightsError> {
        todo!()
    }

    /// One forward, backward and Adam step.
    pub fn step(&mut self, _batch: Batch<'_>, _learning_rate: f64) -> StepReport {
        todo!()
    }

    /// The network's weights and running statistics, for [`crate::engine::Engine`].
    pub fn weights(&self) -> Weights {
        todo!()
    }

    /// Weights, optimiser state and step count.
    pub fn state(&self) -> Weights {
        todo!()
    }
}
