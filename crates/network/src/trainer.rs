//! The trainer: a network, its Adam optimiser, and one step at a time.

mod dropout;
mod gradients;
mod layerwise;
mod state;
mod statistics;

use std::fmt;

use burn::{
    optim::{AdamW, AdamWConfig, AdamWState, AdaptiveMomentumState, Optimizer},
    tensor::{Device, Tensor, TensorData},
};
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::{
    architecture::Shape,
    input::Input,
    kernels::Kernels,
    layout::{Layout, Values},
    operation::SharedTrunk,
    precision::Precision,
    stack::{Layer, layers},
    trunk::Trunk,
    weights::{Weights, WeightsError},
};
pub use layerwise::LayerStart;

/// One batch of samples.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a> {
    /// The samples.
    pub input: Input<'a>,
    /// Classes, `[samples]`.
    pub labels: &'a [u32],
    /// Weight of each class in the loss, `[classes]`; `None` for equal weights.
    pub class_weights: Option<&'a [f32]>,
}

/// What a step says of its batch, before the weights changed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepReport {
    /// Mean cross-entropy, each sample weighing as much as its class; CENTIME adds how far its
    /// auto-encoder's statistics are from the true ones.
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
    /// Probability that dropout zeroes an input of the paper's GRU, or a feature of a sequence. The
    /// networks of others have rates of their own, which 0 turns off.
    pub dropout: f64,
    /// Decoupled weight decay: each step takes `learning rate * weight decay` of every parameter
    /// away, biases and `BatchNorm` included, as `PyTorch`'s `AdamW` does. 0 is the paper's plain
    /// Adam.
    pub weight_decay: f64,
    /// What convolutions round their factors to.
    pub precision: Precision,
    /// Threads; the results do not depend on it.
    pub threads: usize,
}

/// A group of parameters and Adam's moments of it, all on the flex back end.
#[derive(Clone)]
struct Group {
    values: Tensor<1>,
    moments: Option<[Tensor<1>; 2]>,
}

/// A network in training.
///
/// The same options, batches and learning rates give the same bits, on any number of threads;
/// other [`Kernels`] round otherwise.
pub struct Trainer {
    options: TrainerOptions,
    layout: Layout,
    optimizer: AdamW,
    pool: Option<ThreadPool>,
    device: Device,
    branch: Option<SharedTrunk>,
    /// Layers one behind another, for the networks that are made of them.
    stack: Option<Vec<Layer>>,
    trunk: Group,
    rest: Group,
    means: Vec<f32>,
    variances: Vec<f32>,
    steps: u64,
}

impl fmt::Debug for Trainer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trainer")
            .field("options", &self.options)
            .field("steps", &self.steps)
            .finish_non_exhaustive()
    }
}

impl Trainer {
    /// New weights, drawn as `PyTorch` draws them, from the seed.
    ///
    /// # Panics
    ///
    /// If no network has the options' shape ([`Shape::check`]).
    pub fn new(options: TrainerOptions) -> Self {
        assert!(
            options.shape.check().is_ok(),
            "no network has the shape {:?}",
            options.shape
        );
        let layout = Layout::new(options.shape);
        let values = layout.draw(options.seed);
        Self::with_values(options, layout, values)
    }

    /// Given weights, nothing of an optimiser: to train a network further, on other data.
    ///
    /// # Errors
    ///
    /// [`WeightsError`] if the weights are not of this shape.
    pub fn from_weights(options: TrainerOptions, weights: &Weights) -> Result<Self, WeightsError> {
        options.shape.check()?;
        let layout = Layout::new(options.shape);
        let values = layout.find_values(weights)?;
        Ok(Self::with_values(options, layout, values))
    }

    fn with_values(options: TrainerOptions, layout: Layout, values: Values) -> Self {
        let device = Device::flex();
        let group = |values| Group {
            values: flat(values, &device),
            moments: None,
        };
        let (kernels, shape) = (Kernels::detect(), options.shape);
        let branch = layout
            .plan
            .as_ref()
            .map(|plan| Trunk::new(plan.slice_length, kernels, options.precision));
        Self {
            // Adam without decay is AdamW with a decay of zero; Burn's default epsilon is not
            // PyTorch's.
            optimizer: AdamWConfig::new()
                .with_weight_decay(options.weight_decay as f32)
                .with_epsilon(1e-8)
                .build(),
            // Where threads cannot be had, rayon's own pool does; the results are the same.
            pool: ThreadPoolBuilder::new()
                .num_threads(options.threads.max(1))
                .build()
                .ok(),
            branch: branch.map(SharedTrunk::new),
            stack: layers(shape.architecture, shape.slice_length, shape.classes),
            trunk: group(values.trunk),
            rest: group(values.rest),
            means: values.means,
            variances: values.variances,
            steps: 0,
            options,
            layout,
            device,
        }
    }

    /// Uses these kernels instead of the fastest ones.
    ///
    /// # Panics
    ///
    /// Later, if this processor does not have them ([`Kernels::is_available`]).
    #[must_use]
    pub fn with_kernels(self, kernels: Kernels) -> Self {
        if let Some(branch) = &self.branch {
            branch.lock().kernels = kernels;
        }
        self
    }

    /// Trainable parameters.
    pub fn parameters(&self) -> usize {
        self.layout.parameters()
    }

    /// Steps done, those before a resume included.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// One forward, backward and Adam step.
    ///
    /// # Panics
    ///
    /// If the batch is empty, its lengths disagree, or a label or the class weights do not fit
    /// the network's classes.
    pub fn step(&mut self, batch: Batch<'_>, learning_rate: f64) -> StepReport {
        let pool = self.pool.take();
        let report = match &pool {
            Some(pool) => pool.install(|| self.step_here(batch, learning_rate)),
            None => self.step_here(batch, learning_rate),
        };
        self.pool = pool;
        report
    }

    fn step_here(&mut self, batch: Batch<'_>, learning_rate: f64) -> StepReport {
        let gradients = self.gradients(batch);
        let steps = usize::try_from(self.steps).unwrap_or(usize::MAX);
        for (group, gradient) in [
            (&mut self.trunk, gradients.trunk),
            (&mut self.rest, gradients.rest),
        ] {
            if gradient.dims() == [0] {
                continue;
            }
            let state = group.moments.take().map(|[first, second]| {
                AdamWState::new(AdaptiveMomentumState::new(steps, first, second))
            });
            let (values, state) =
                self.optimizer
                    .step(learning_rate, group.values.clone(), gradient, state);
            group.values = values;
            group.moments = state.map(|state| [state.momentum.moment_1, state.momentum.moment_2]);
        }
        self.update_running_statistics(&gradients.moments, batch.input.seen);
        self.steps += 1;
        gradients.report
    }
}

/// A vector of values.
pub(crate) fn flat(values: Vec<f32>, device: &Device) -> Tensor<1> {
    let length = values.len();
    Tensor::from_data(TensorData::new(values, [length]), device)
}

/// A tensor's values.
pub(crate) fn floats<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}
