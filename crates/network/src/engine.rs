//! The inference engine: samples in, logits out, `BatchNorm` folded, no Burn.

mod branch;
#[cfg(test)]
mod checks;
mod cnn_lstm;
mod dense;
mod gru;
mod int8;
mod int8_sequence;
mod network;
mod quantised;
mod ranges;
mod sequence;
mod stack;
mod statistics;

use std::sync::{Arc, Mutex, PoisonError};

pub(crate) use network::to_unit;
use network::{Memory, Network, Packets, Spatial};
pub(crate) use ranges::is_range;
pub use ranges::{Activations, Ranges};

use crate::{
    architecture::Shape,
    input::Input,
    kernels::Kernels,
    layout::Layout,
    precision::Arithmetic,
    weights::{Weights, WeightsError},
};

/// What a network makes of samples.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outputs {
    /// `[samples, classes]`.
    pub logits: Vec<f32>,
    /// What its branches found, joined, before the head makes logits of it:
    /// `[samples, Engine::features]`.
    pub features: Vec<f32>,
}

/// A network ready to answer. Clones share the weights.
#[derive(Debug, Clone)]
pub struct Engine {
    shape: Shape,
    kernels: Kernels,
    network: Arc<Network>,
    /// Memory of calls that have ended, for those to come.
    memory: Arc<Mutex<Vec<Memory>>>,
}

impl Engine {
    /// Folds the weights of a network of that shape.
    ///
    /// # Errors
    ///
    /// [`WeightsError`] if a tensor is missing, has another shape, or is not finite, or if no network
    /// has that shape.
    pub fn new(shape: Shape, weights: &Weights) -> Result<Self, WeightsError> {
        shape.check()?;
        Self::of(shape, weights, None)
    }

    /// The same with its `ResNet` branch and its convolutions over packets in int8, in the [`Ranges`]
    /// that are kept beside the weights; convolutions over packets without ranges stay in float32.
    ///
    /// # Errors
    ///
    /// As [`Engine::new`], and if there are no such ranges.
    pub fn new_int8(shape: Shape, weights: &Weights) -> Result<Self, WeightsError> {
        shape.check()?;
        let ranges = Ranges::find(shape, weights)?;
        Self::of(shape, weights, Some(&ranges))
    }

    fn of(shape: Shape, weights: &Weights, ranges: Option<&Ranges>) -> Result<Self, WeightsError> {
        let layout = Layout::new(shape);
        let values = layout.find_values(weights)?;
        let network = Arc::new(Network::new(layout, &values, shape, ranges));
        Ok(Self {
            shape,
            kernels: Kernels::detect(),
            network,
            memory: Arc::default(),
        })
    }

    /// Counts what its `ResNet` branch and its convolutions over packets carry for samples; of an
    /// engine in int8, or without these, nothing.
    ///
    /// # Panics
    ///
    /// As [`Engine::logits`].
    pub fn count_activations<'a>(&self, input: impl Into<Input<'a>>, counts: &mut Activations) {
        let input = input.into();
        let mut memory = Memory::new(&self.network, self.shape);
        for sample in 0..input.samples(self.shape) {
            let one = input.range(self.shape, sample..sample + 1);
            self.network.count(self.kernels, one, &mut memory, counts);
        }
    }

    /// Uses these kernels instead of the fastest ones.
    ///
    /// # Panics
    ///
    /// Later, if this processor does not have them ([`Kernels::is_available`]).
    #[must_use]
    pub fn with_kernels(mut self, kernels: Kernels) -> Self {
        self.kernels = kernels;
        self
    }

    /// What its convolutions compute in.
    pub fn arithmetic(&self) -> Arithmetic {
        match (&self.network.branch, &self.network.sequence) {
            (Some(Spatial::Int8(_)), _) | (None, Some(Packets::Int8(_))) => Arithmetic::Int8,
            _ => Arithmetic::Float32,
        }
    }

    /// What it was made for.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// How many features a sample has: 0 for networks that are layers one behind another.
    pub fn features(&self) -> usize {
        self.network.features()
    }

    /// Logits `[samples, classes]` of samples, on `threads` threads.
    ///
    /// The result does not depend on the batch nor on the number of threads.
    ///
    /// # Panics
    ///
    /// If the parts that the network looks at do not hold the same whole number of samples.
    pub fn logits<'a>(&self, input: impl Into<Input<'a>>, threads: usize) -> Vec<f32> {
        self.ask(input.into(), threads, 0).logits
    }

    /// The same logits, and the features that they were made of.
    ///
    /// # Panics
    ///
    /// As [`Engine::logits`].
    pub fn outputs<'a>(&self, input: impl Into<Input<'a>>, threads: usize) -> Outputs {
        self.ask(input.into(), threads, self.features())
    }

    /// Asks about samples, of each of which `width` features are kept: all or none.
    fn ask(&self, input: Input<'_>, threads: usize, width: usize) -> Outputs {
        let classes = self.shape.classes;
        let samples = input.samples(self.shape);
        let mut outputs = Outputs {
            logits: vec![0.0; samples * classes],
            features: vec![0.0; samples * width],
        };
        let share = samples.div_ceil(threads.max(1)).max(1);
        let Outputs { logits, features } = &mut outputs;
        if share >= samples {
            self.answer(input, logits, features);
            return outputs;
        }
        std::thread::scope(|scope| {
            let (mut logits, mut features) = (&mut logits[..], &mut features[..]);
            for from in (0..samples).step_by(share) {
                let count = share.min(samples - from);
                let (own_logits, rest) = logits.split_at_mut(count * classes);
                let (own_features, others) = features.split_at_mut(count * width);
                (logits, features) = (rest, others);
                let input = input.range(self.shape, from..from + count);
                scope.spawn(move || self.answer(input, own_logits, own_features));
            }
        });
        outputs
    }

    /// Answers to samples; room for features is there for all of them or for none.
    fn answer(&self, input: Input<'_>, logits: &mut [f32], features: &mut [f32]) {
        let kept = self
            .memory
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let mut memory = kept.unwrap_or_else(|| Memory::new(&self.network, self.shape));
        let samples = logits.len() / self.shape.classes;
        let width = features.len() / samples.max(1);
        for (sample, logits) in logits.chunks_exact_mut(self.shape.classes).enumerate() {
            let one = input.range(self.shape, sample..sample + 1);
            let joined = &mut features[sample * width..][..width];
            self.network
                .apply(self.kernels, one, &mut memory, logits, joined);
        }
        self.memory
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(memory);
    }
}
