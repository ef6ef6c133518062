//! The inference engine: samples in, logits out, `BatchNorm` folded, no Burn.

mod branch;
#[cfg(test)]
mod checks;
mod cnn_lstm;
mod dense;
mod gru;
mod int8;
mod ranges;
mod sequence;
mod stack;
mod statistics;

use std::sync::{Arc, Mutex, PoisonError};

use branch::Branch;
use cnn_lstm::CnnLstm;
use dense::Dense;
use gru::Gru;
use int8::Int8Branch;
pub(crate) use ranges::is_range;
pub use ranges::{Activations, Ranges};
use sequence::Sequence;
use stack::Stack;
use statistics::Statistics;

use crate::{
    architecture::{Architecture, Shape},
    forward::{autoencoder::CODE, sequence::FEATURES as SEQUENCE_FEATURES},
    input::Input,
    kernels::Kernels,
    layout::{HIDDEN, Layout, Values},
    precision::Arithmetic,
    stack::layers,
    trunk::{
        padding::{Extent, filled},
        plan::{FEATURES, Plan},
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
    branch: Option<Spatial>,
    gru: Option<Gru>,
    sequence: Option<Sequence>,
    statistics: Option<Statistics>,
    head: Vec<Dense>,
    /// Instead of all of these: layers one behind another.
    stack: Option<Stack>,
    /// Or convolutions on packets and an LSTM over them.
    cnn_lstm: Option<CnnLstm>,
}

/// The `ResNet` branch, in the numbers that it computes with.
#[derive(Debug)]
enum Spatial {
    Float32(Branch),
    Int8(Int8Branch),
}

impl Spatial {
    fn plan(&self) -> &Plan {
        match self {
            Self::Float32(branch) => &branch.plan,
            Self::Int8(branch) => &branch.plan,
        }
    }

    /// Features of the slice, which is in memory too.
    fn apply(&self, kernels: Kernels, slice: &[u8], memory: &mut Memory, features: &mut [f32]) {
        let extent = Extent::of_inference(self.plan(), filled(slice));
        let rows = &mut memory.rows;
        match self {
            Self::Float32(branch) => {
                branch.apply(kernels, extent, &memory.slice, rows, features, |_, _| ());
            }
            Self::Int8(branch) => {
                branch.apply(kernels, extent, slice, rows, &mut memory.bytes, features);
            }
        }
    }
}

/// What a thread works in.
#[derive(Debug)]
struct Memory {
    /// The slice, zero to one, with the zeros the stem needs at both ends.
    slice: Vec<f32>,
    /// A block's input, between its convolutions, and its output where that is elsewhere.
    rows: [Vec<f32>; 3],
    /// The same of bytes.
    bytes: int8::Memory,
    /// Inputs and outputs of the layers of the head.
    wide: [Vec<f32>; 2],
    gates: Vec<f32>,
    sequence: sequence::Memory,
}

/// Zeros the stem needs before the slice, and behind it.
const STEM_PADDING: usize = 4;

impl Network {
    fn new(layout: Layout, values: &Values, shape: Shape, ranges: Option<&[f32]>) -> Self {
        let layers = layers(shape.architecture, shape.slice_length, shape.classes);
        let is_cnn_lstm = shape.architecture == Architecture::CnnLstm;
        let has_head = layers.is_none() && !is_cnn_lstm;
        let head: &[&str] = if has_head {
            &["head.0", "head.2", "head.4"]
        } else {
            &[]
        };
        let has_gru = shape.architecture.has_gru();
        Self {
            gru: has_gru.then(|| Gru::new(&layout, values)),
            sequence: layout.has_sequence.then(|| Sequence::new(&layout, values)),
            statistics: layout
                .has_statistics
                .then(|| Statistics::new(&layout, values)),
            head: head
                .iter()
                .map(|name| Dense::named(name, &layout, values))
                .collect(),
            stack: layers.map(|layers| Stack::new(layers, &layout, values)),
            cnn_lstm: is_cnn_lstm.then(|| CnnLstm::new(&layout, values)),
            branch: layout.plan.map(|plan| match ranges {
                None => Spatial::Float32(Branch::new(plan, values)),
                Some(ranges) => Spatial::Int8(Int8Branch::new(plan, values, ranges)),
            }),
        }
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
        memory.set_slice(slice);
        let [mut features, mut hidden] = std::mem::take(&mut memory.wide);
        let mut width = 0;
        if let Some(branch) = &self.branch {
            width = FEATURES;
            branch.apply(kernels, slice, memory, &mut features[..width]);
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

impl Memory {
    fn set_slice(&mut self, slice: &[u8]) {
        let own = &mut self.slice[STEM_PADDING..][..slice.len()];
        for (value, &byte) in own.iter_mut().zip(slice) {
            *value = f32::from(byte) / 255.0;
        }
    }
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
        Self::of(shape, weights, None)
    }

    /// The same with its `ResNet` branch in int8, in the [`Ranges`] that are kept beside the
    /// weights.
    ///
    /// # Errors
    ///
    /// As [`Engine::new`], and if there are no such ranges.
    pub fn new_int8(shape: Shape, weights: &Weights) -> Result<Self, WeightsError> {
        shape.check()?;
        let ranges = Ranges::find(shape, weights)?;
        Self::of(shape, weights, Some(ranges.values()))
    }

    fn of(shape: Shape, weights: &Weights, ranges: Option<&[f32]>) -> Result<Self, WeightsError> {
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

    /// Counts what the rectifiers of its `ResNet` branch give for samples; of an engine in int8, or
    /// without that branch, nothing.
    ///
    /// # Panics
    ///
    /// As [`Engine::logits`].
    pub fn count_activations<'a>(&self, input: impl Into<Input<'a>>, counts: &mut Activations) {
        let input = input.into();
        let Some(Spatial::Float32(branch)) = &self.network.branch else {
            return;
        };
        let mut memory = self.new_memory();
        let mut features = vec![0.0; FEATURES];
        for sample in 0..input.samples(self.shape) {
            let slice = input.range(self.shape, sample..sample + 1).slices;
            memory.set_slice(slice);
            let extent = Extent::of_inference(&branch.plan, filled(slice));
            let (slice, rows) = (&memory.slice, &mut memory.rows);
            branch.apply(
                self.kernels,
                extent,
                slice,
                rows,
                &mut features,
                |place, values| {
                    counts.count(place, values);
                },
            );
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

    /// What its `ResNet` branch computes in.
    pub fn arithmetic(&self) -> Arithmetic {
        match self.network.branch {
            Some(Spatial::Int8(_)) => Arithmetic::Int8,
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
        let plan = self.network.branch.as_ref().map(Spatial::plan);
        let rows = plan.map_or(0, Plan::largest_rows);
        let is_int8 = matches!(self.network.branch, Some(Spatial::Int8(_)));
        let layers = self.network.head.iter();
        let wide = layers
            .map(|layer| layer.inputs.max(layer.bias.len()))
            .max()
            .unwrap_or(0);
        let gates = self.network.gru.as_ref().map_or(0, Gru::gates);
        Memory {
            slice: vec![0.0; self.shape.slice_length + 2 * STEM_PADDING],
            rows: std::array::from_fn(|_| vec![0.0; rows]),
            bytes: int8::Memory::new(if is_int8 { rows } else { 0 }, self.shape.slice_length),
            wide: std::array::from_fn(|_| vec![0.0; wide]),
            gates: vec![0.0; gates],
            sequence: sequence::Memory::new(self.shape.packets),
        }
    }
}
