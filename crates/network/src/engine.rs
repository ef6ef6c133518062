//! The inference engine: samples in, logits out, `BatchNorm` folded, no Burn.

mod branches;
#[cfg(test)]
mod checks;
mod cnn_lstm;
mod dense;
mod sequence;
mod stack;

use std::sync::{Arc, Mutex, PoisonError};

use branches::{Gru, Statistics};
use cnn_lstm::CnnLstm;
use dense::Dense;
use sequence::Sequence;
use stack::Stack;

use crate::{
    architecture::{Architecture, Shape},
    forward::{autoencoder::CODE, sequence::FEATURES as SEQUENCE_FEATURES},
    input::{Input, STATISTICS},
    kernels::Kernels,
    layout::{HIDDEN, Layout, Values},
    stack::layers,
    trunk::{
        average_rows,
        padding::{Extent, filled},
        plan::{Convolution, FEATURES, Plan},
    },
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

#[derive(Debug)]
struct Network {
    plan: Option<Plan>,
    convolutions: Vec<Dense>,
    gru: Option<Gru>,
    sequence: Option<Sequence>,
    statistics: Option<Statistics>,
    head: Vec<Dense>,
    /// Instead of all of these: layers one behind another.
    stack: Option<Stack>,
    /// Or convolutions on packets and an LSTM over them.
    cnn_lstm: Option<CnnLstm>,
}

/// What a thread works in.
#[derive(Debug)]
struct Memory {
    /// The slice, zero to one, with the zeros the stem needs at both ends.
    slice: Vec<f32>,
    /// A block's input, between its convolutions, and its output where that is elsewhere.
    rows: [Vec<f32>; 3],
    /// Inputs and outputs of the layers of the head.
    wide: [Vec<f32>; 2],
    gates: Vec<f32>,
    sequence: sequence::Memory,
}

/// Zeros the stem needs before the slice, and behind it.
const STEM_PADDING: usize = 4;

impl Network {
    fn new(layout: Layout, values: &Values, shape: Shape) -> Self {
        let layers = layers(shape.architecture, shape.slice_length, shape.classes);
        let is_cnn_lstm = shape.architecture == Architecture::CnnLstm;
        if layers.is_some() || is_cnn_lstm {
            return Self {
                cnn_lstm: is_cnn_lstm.then(|| CnnLstm::new(&layout, values)),
                plan: None,
                convolutions: Vec::new(),
                gru: None,
                sequence: None,
                statistics: None,
                head: Vec::new(),
                stack: layers.map(|layers| Stack::new(layers, &layout, values)),
            };
        }
        let linear = |name: &str, bias: &str| {
            let of = |name: &str| layout.values_of(name, values);
            Dense::linear(of(name), of(bias))
        };
        let has_gru = layout
            .rest
            .iter()
            .any(|parameter| parameter.name == "gru.bias_hh_l0");
        let gru = has_gru.then(|| Gru {
            input: linear("gru.weight_ih_l0", "gru.bias_ih_l0"),
            state_bias: layout.values_of("gru.bias_hh_l0", values).to_vec(),
        });
        let head = ["head.0", "head.2", "head.4"]
            .map(|name| linear(&format!("{name}.weight"), &format!("{name}.bias")));
        let sequence = layout.has_sequence.then(|| Sequence::new(&layout, values));
        let statistics = layout.has_statistics.then(|| {
            let place = layout.statistics_norm();
            let encoder = ["encoder.0", "encoder.2"];
            Statistics {
                means: values.means[place..][..STATISTICS].to_vec(),
                variances: values.variances[place..][..STATISTICS].to_vec(),
                layers: encoder
                    .map(|name| linear(&format!("{name}.weight"), &format!("{name}.bias"))),
            }
        });
        let convolutions = layout.plan.iter().flat_map(|plan| &plan.convolutions);
        Self {
            convolutions: convolutions.map(|one| Dense::folded(one, values)).collect(),
            gru,
            sequence,
            statistics,
            head: head.into(),
            stack: None,
            cnn_lstm: None,
            plan: layout.plan,
        }
    }

    /// Spatial features of the slice in memory, of which `extent` is computed.
    fn spatial(
        &self,
        kernels: Kernels,
        plan: &Plan,
        extent: Extent,
        memory: &mut Memory,
        features: &mut [f32],
    ) {
        let Memory { slice, rows, .. } = memory;
        let [input, middle, other] = rows;
        let (mut input, mut output) = (input, other);
        let stem = &plan.convolutions[0];
        // The zeros behind the slice may be its padding as well as the stem's.
        let to = inner(input, extent, stem);
        self.convolutions[0].convolve(kernels, stem, slice, to, false, true);
        for block in &plan.blocks {
            let first = &plan.convolutions[block.first];
            let second = &plan.convolutions[block.second];
            let to = inner(middle, extent, first);
            self.convolutions[block.first].convolve(kernels, first, input, to, false, true);
            if let Some(own) = block.shortcut {
                // One tap: the middle one of the window that three taps would read.
                let shortcut = &plan.convolutions[own];
                let from = &input[shortcut.inputs..];
                let to = inner(output, extent, shortcut);
                self.convolutions[own].convolve(kernels, shortcut, from, to, false, false);
                std::mem::swap(&mut input, &mut output);
            }
            // The residual is in place already: the second convolution goes on top.
            let to = inner(input, extent, second);
            self.convolutions[block.second].convolve(kernels, second, middle, to, true, true);
        }
        let last = plan.last();
        let rows = &input[FEATURES..][..extent.outputs(last) * FEATURES];
        average_rows(rows, extent.repeated(last), features);
    }

    /// Numbers that the head reads; 0 where there is no head behind branches.
    fn features(&self) -> usize {
        self.head.first().map_or(0, |layer| layer.inputs)
    }

    /// Logits of one sample, and its joined features where there is room for them.
    fn apply(
        &self,
        kernels: Kernels,
        sample: Input<'_>,
        memory: &mut Memory,
        logits: &mut [f32],
        joined: &mut [f32],
    ) {
        let slice = sample.slices;
        if let Some(stack) = &self.stack {
            stack.apply(kernels, &to_unit(slice), logits);
            return;
        }
        if let Some(cnn_lstm) = &self.cnn_lstm {
            cnn_lstm.apply(kernels, &to_unit(sample.packet_slices), logits);
            return;
        }
        let own = &mut memory.slice[STEM_PADDING..][..slice.len()];
        for (value, &byte) in own.iter_mut().zip(slice) {
            *value = f32::from(byte) / 255.0;
        }
        let [mut features, mut hidden] = std::mem::take(&mut memory.wide);
        let mut width = 0;
        if let Some(plan) = &self.plan {
            width = FEATURES;
            let extent = Extent::of_inference(plan, filled(slice));
            self.spatial(kernels, plan, extent, memory, &mut features[..width]);
        }
        if let Some(gru) = &self.gru {
            let slice = &memory.slice[STEM_PADDING..][..slice.len()];
            gru.apply(
                kernels,
                slice,
                &mut memory.gates,
                &mut features[width..][..HIDDEN],
            );
            width += HIDDEN;
        }
        if let Some(sequence) = &self.sequence {
            let place = &mut features[width..][..SEQUENCE_FEATURES];
            width += SEQUENCE_FEATURES;
            sequence.apply(
                kernels,
                sample.packets,
                sample.seen[0],
                &mut memory.sequence,
                place,
            );
        }
        if let Some(statistics) = &self.statistics {
            let place = &mut features[width..][..CODE];
            statistics.apply(kernels, sample.statistics, place);
        }
        joined.copy_from_slice(&features[..joined.len()]);
        for (number, layer) in self.head.iter().enumerate() {
            let is_last = number + 1 == self.head.len();
            layer.apply(kernels, &features, &mut hidden, !is_last);
            std::mem::swap(&mut features, &mut hidden);
        }
        logits.copy_from_slice(&features[..logits.len()]);
        memory.wide = [features, hidden];
    }
}

/// A convolution's place in a buffer, its zero rows cleared: the rows between them.
fn inner<'a>(buffer: &'a mut [f32], extent: Extent, convolution: &Convolution) -> &'a mut [f32] {
    let (channels, length) = (convolution.outputs, extent.outputs(convolution));
    buffer[..channels].fill(0.0);
    buffer[(length + 1) * channels..(length + 2) * channels].fill(0.0);
    &mut buffer[channels..(length + 1) * channels]
}

/// Bytes as fractions of 255, the network's input.
pub(crate) fn to_unit(bytes: &[u8]) -> Vec<f32> {
    bytes.iter().map(|&byte| f32::from(byte) / 255.0).collect()
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
        let layout = Layout::new(shape);
        let values = layout.find_values(weights)?;
        let network = Arc::new(Network::new(layout, &values, shape));
        Ok(Self {
            shape,
            kernels: Kernels::detect(),
            network,
            memory: Arc::default(),
        })
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
        let mut memory = kept.unwrap_or_else(|| self.new_memory());
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

    fn new_memory(&self) -> Memory {
        let rows = self.network.plan.as_ref().map_or(0, Plan::largest_rows);
        let layers = self.network.head.iter();
        let wide = layers
            .map(|layer| layer.inputs.max(layer.bias.len()))
            .max()
            .unwrap_or(0);
        let gates = self
            .network
            .gru
            .as_ref()
            .map_or(0, |gru| gru.input.bias.len());
        Memory {
            slice: vec![0.0; self.shape.slice_length + 2 * STEM_PADDING],
            rows: std::array::from_fn(|_| vec![0.0; rows]),
            wide: std::array::from_fn(|_| vec![0.0; wide]),
            gates: vec![0.0; gates],
            sequence: sequence::Memory::new(self.shape.packets),
        }
    }
}
