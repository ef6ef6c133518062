//! The inference engine: slices in, logits out, `BatchNorm` folded, no Burn.

use crate::{
    architecture::Shape,
    weights::{Weights, WeightsError},
};

/// A network ready to answer.
#[derive(Debug, Clone)]
pub struct Engine {
    shape: Shape,
}

impl Engine {
    /// Folds the weights of a network of that shape.
    ///
    /// # Errors
    ///
    /// [`WeightsError`] if a tensor is missing or has another shape.
    pub fn new(shape: Shape, _weights: &Weights) -> Result<Self, WeightsError> {
        Ok(Self { shape })
    }

    /// What it was made for.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Logits `[samples, classes]` of slices `[samples, slice length]`, on `threads` threads.
    ///
    /// The result does not depend on the batch nor on the number of threads.
    pub fn logits(&self, _slices: &[u8], _threads: usize) -> Vec<f32> {
        todo!()
    }
}
