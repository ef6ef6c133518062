//! The trainer: a network, its Adam optimiser, and one step at a time.

mod state;

use std::fmt;

use burn::{
    optim::{AdamW, AdamWConfig, AdamWState, AdaptiveMomentumState, Optimizer},
    tensor::{Device, Tensor, TensorData, activation::log_softmax},
};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::{
    architecture::{Architecture, Shape},
    engine::to_unit,
    forward::{
        self,
        autoencoder::{self, standardise},
        cnn_lstm,
        sequence::{self, Moments},
        stack,
    },
    input::{Input, STATISTICS},
    kernels::Kernels,
    layout::{Layout, Values},
    operation::{SharedTrunk, spatial_features},
    precision::Precision,
    stack::{Layer, layers},
    trunk::Trunk,
    weights::{Weights, WeightsError},
};

/// Share of a batch's statistics in the running ones, as `PyTorch` has it.
const MOMENTUM: f64 = 0.1;

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

/// Loss and gradients of one batch.
pub(crate) struct Gradients {
    pub(crate) report: StepReport,
    pub(crate) trunk: Tensor<1>,
    pub(crate) rest: Tensor<1>,
    /// Of the branch that reads packets; the `ResNet` branch keeps its own.
    moments: Vec<Moments>,
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
        let kernels = Kernels::detect();
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
            stack: {
                let Shape {
                    architecture,
                    slice_length,
                    classes,
                    ..
                } = options.shape;
                layers(architecture, slice_length, classes)
            },
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

    /// Sets by what statistics are standardised to the means and variances of these,
    /// `[samples, STATISTICS]`: the training samples'. Networks that look at none are left alone.
    #[must_use]
    pub fn with_statistics(mut self, statistics: &[f32]) -> Self {
        if !self.layout.has_statistics {
            return self;
        }
        let place = self.layout.statistics_norm();
        let samples = (statistics.len() / STATISTICS).max(1) as f64;
        for column in 0..STATISTICS {
            let values = || statistics.iter().skip(column).step_by(STATISTICS);
            let mean = values().copied().map(f64::from).sum::<f64>() / samples;
            let squares = values().map(|&value| (f64::from(value) - mean).powi(2));
            self.variances[place + column] = (squares.sum::<f64>() / samples) as f32;
            self.means[place + column] = mean as f32;
        }
        self
    }

    /// Statistics as the network reads them.
    fn standardised(&self, statistics: &[f32]) -> Vec<f32> {
        let place = self.layout.statistics_norm();
        let of = |values: &[f32]| values[place..][..STATISTICS].to_vec();
        standardise(statistics, &of(&self.means), &of(&self.variances))
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

    /// Loss and gradients of a batch; nothing changes but the statistics left in the branch.
    pub(crate) fn gradients(&self, batch: Batch<'_>) -> Gradients {
        let shape = self.options.shape;
        let Shape {
            classes,
            architecture,
            ..
        } = shape;
        let (input, samples) = (batch.input, batch.labels.len());
        assert!(samples > 0, "a batch holds at least one sample");
        assert_eq!(input.samples(shape), samples, "samples and labels");
        let class_weights = batch
            .class_weights
            .map_or_else(|| vec![1.0; classes], <[f32]>::to_vec);
        assert_eq!(class_weights.len(), classes, "class weights");

        let autodiff = self.device.clone().autodiff();
        let rows = |values: Vec<f32>| {
            let columns = values.len() / samples;
            Tensor::<2>::from_data(TensorData::new(values, [samples, columns]), &autodiff)
        };
        let unit = to_unit(input.slices);
        let trunk = self.trunk.values.clone().autodiff().require_grad();
        let rest = self.rest.values.clone().autodiff().require_grad();
        let temporal = architecture.has_gru().then(|| {
            let dropped = rows(self.drop_out(&unit, 0));
            forward::temporal_features(&self.layout, &rest, dropped)
        });
        let sequential = architecture.has_sequence().then(|| {
            let packets = rows(input.packets.to_vec());
            sequence::features(&self.layout, &rest, packets, input.seen, shape.packets)
        });
        let (sequential, moments) = match sequential {
            Some((features, moments)) => {
                let ones = vec![1.0; samples * sequence::FEATURES];
                (Some(features * rows(self.drop_out(&ones, 1))), moments)
            }
            None => (None, Vec::new()),
        };
        let spatial = self
            .branch
            .clone()
            .map(|branch| spatial_features(trunk.clone(), rows(unit), branch));
        let (code, reconstruction) = architecture
            .has_autoencoder()
            .then(|| {
                let statistics = rows(self.standardised(input.statistics));
                autoencoder::features(&self.layout, &rest, statistics)
            })
            .unzip();
        let logits = if let Some(layers) = &self.stack {
            let slices = rows(to_unit(input.slices));
            stack::logits(
                &self.layout,
                layers,
                &rest,
                slices,
                |values, dropout, number| {
                    let ones = vec![1.0; values.shape().num_elements()];
                    values * rows(self.drop_out_by(dropout, &ones, number as u64))
                },
            )
        } else if architecture == Architecture::CnnLstm {
            let packets = rows(to_unit(input.packet_slices));
            cnn_lstm::logits(&self.layout, &rest, packets)
        } else {
            let features = [spatial, temporal, sequential, code];
            forward::logits(&self.layout, &rest, features)
        };

        // One row a sample: its class's weight at its class, else zero.
        let mut targets = vec![0.0; samples * classes];
        for (target, &label) in targets.chunks_exact_mut(classes).zip(batch.labels) {
            let label = label as usize;
            assert!(
                label < classes,
                "label {label} of a network of {classes} classes"
            );
            target[label] = class_weights[label];
        }
        let total: f64 = targets.iter().copied().map(f64::from).sum();
        let correct = count_correct(&floats(logits.clone().inner()), batch.labels, classes);
        let targets =
            Tensor::<2>::from_data(TensorData::new(targets, [samples, classes]), &autodiff);
        let loss = (log_softmax(logits, 1) * targets).sum().div_scalar(-total);
        let loss = match reconstruction {
            Some(difference) => loss + difference,
            None => loss,
        };
        let gradients = loss.backward();
        // A group without parameters has no gradient.
        let of = |leaf: &Tensor<1>| {
            leaf.grad(&gradients)
                .unwrap_or_else(|| flat(Vec::new(), &self.device))
        };
        Gradients {
            report: StepReport {
                loss: floats(loss.clone().inner())[0],
                correct,
            },
            trunk: of(&trunk),
            rest: of(&rest),
            moments,
        }
    }

    /// Values with some zeroed and the others grown to make up for it. Which, is decided by the
    /// seed, the step and `place` alone, so that a resumed run drops the same.
    fn drop_out(&self, unit: &[f32], place: u64) -> Vec<f32> {
        self.drop_out_by(self.options.dropout, unit, place)
    }

    /// The same with a probability of the network's own, which the options can turn off.
    fn drop_out_by(&self, dropout: f64, unit: &[f32], place: u64) -> Vec<f32> {
        if dropout <= 0.0 || self.options.dropout <= 0.0 {
            return unit.to_vec();
        }
        let mut random = ChaCha8Rng::seed_from_u64(self.options.seed);
        // Stream 0 drew the initial weights.
        random.set_stream((place << 48) + self.steps + 1);
        let threshold = (dropout.min(1.0) * 2.0_f64.powi(32)) as u64;
        let grown = if dropout < 1.0 {
            (1.0 / (1.0 - dropout)) as f32
        } else {
            0.0
        };
        unit.iter()
            .map(|value| {
                if u64::from(random.next_u32()) < threshold {
                    0.0
                } else {
                    value * grown
                }
            })
            .collect()
    }

    fn update_running_statistics(&mut self, moments: &[Moments], seen: &[u32]) {
        let mix = |running: &mut f32, new: f64| {
            *running = ((1.0 - MOMENTUM) * f64::from(*running) + MOMENTUM * new) as f32;
        };
        let packets = f64::from(sequence::packets_of(seen));
        let unbiased = packets / (packets - 1.0).max(1.0);
        for (layer, moments) in moments.iter().enumerate() {
            let place = self.layout.sequence_norm(layer);
            for (channel, mean) in floats(moments.means.clone()).into_iter().enumerate() {
                mix(&mut self.means[place + channel], f64::from(mean));
            }
            for (channel, variance) in floats(moments.variances.clone()).into_iter().enumerate() {
                let variance = f64::from(variance) * unbiased;
                mix(&mut self.variances[place + channel], variance);
            }
        }
        let Some(branch) = &self.branch else { return };
        let branch = branch.lock();
        for (convolution, norm) in branch.plan.convolutions.iter().zip(&branch.norms) {
            for channel in 0..convolution.outputs {
                let place = convolution.channel_offset + channel;
                mix(&mut self.means[place], f64::from(norm.mean[channel]));
                mix(&mut self.variances[place], norm.unbiased_variance(channel));
            }
        }
    }
}

pub(crate) fn flat(values: Vec<f32>, device: &Device) -> Tensor<1> {
    let length = values.len();
    Tensor::from_data(TensorData::new(values, [length]), device)
}

/// A tensor's values.
pub(crate) fn floats<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

/// How many rows have their largest logit, the first of equals, at their label.
fn count_correct(logits: &[f32], labels: &[u32], classes: usize) -> usize {
    let is_correct = |(row, label): (&[f32], &u32)| {
        let mut best = 0;
        for (class, logit) in row.iter().enumerate() {
            if *logit > row[best] {
                best = class;
            }
        }
        best == *label as usize
    };
    logits
        .chunks_exact(classes)
        .zip(labels)
        .filter(|&pair| is_correct(pair))
        .count()
}
