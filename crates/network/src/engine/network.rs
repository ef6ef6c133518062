//! A network as the engine applies it to one sample: its branches, and the head behind them.

use super::{
    branch::Branch,
    cnn_lstm::CnnLstm,
    dense::Dense,
    gru::Gru,
    int8::{self, Int8Branch},
    int8_sequence::{self, Int8Sequence},
    ranges::{Activations, Ranges},
    sequence::{self, Sequence},
    stack::Stack,
    statistics::Statistics,
};
use crate::{
    aligned::Aligned,
    architecture::{Architecture, Shape},
    forward::{autoencoder::CODE, sequence::FEATURES as SEQUENCE_FEATURES},
    input::Input,
    kernels::Kernels,
    layout::{HIDDEN, Layout, Values},
    stack::layers,
    trunk::{
        padding::{Extent, filled},
        plan::{FEATURES, Plan},
    },
};

#[derive(Debug)]
pub(super) struct Network {
    pub(super) branch: Option<Spatial>,
    gru: Option<Gru>,
    pub(super) sequence: Option<Packets>,
    statistics: Option<Statistics>,
    head: Vec<Dense>,
    /// Instead of all of these: layers one behind another.
    stack: Option<Stack>,
    /// Or convolutions on packets and an LSTM over them.
    cnn_lstm: Option<CnnLstm>,
}

/// The `ResNet` branch, in the numbers that it computes with.
#[derive(Debug)]
pub(super) enum Spatial {
    Float32(Branch),
    Int8(Int8Branch),
}

impl Spatial {
    pub(super) fn plan(&self) -> &Plan {
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

/// The branch that reads packets, likewise.
#[derive(Debug)]
pub(super) enum Packets {
    Float32(Sequence),
    Int8(Box<Int8Sequence>),
}

impl Packets {
    /// Features of a sample's packets.
    fn apply(
        &self,
        kernels: Kernels,
        sample: Input<'_>,
        memory: &mut Memory,
        features: &mut [f32],
    ) {
        let (packets, seen) = (sample.packets, sample.seen[0]);
        match self {
            Self::Float32(branch) => {
                let own = &mut memory.sequence;
                branch.apply(kernels, packets, seen, own, features, |_, _| ());
            }
            Self::Int8(branch) => {
                branch.apply(kernels, packets, seen, &mut memory.packets, features);
            }
        }
    }
}

/// What a thread works in.
#[derive(Debug)]
pub(super) struct Memory {
    /// The slice, zero to one, with the zeros the stem needs at both ends.
    pub(super) slice: Aligned<f32>,
    /// A block's input, between its convolutions, and its output where that is elsewhere.
    pub(super) rows: [Aligned<f32>; 3],
    /// The same of bytes.
    bytes: int8::Memory,
    /// Inputs and outputs of the layers of the head.
    wide: [Vec<f32>; 2],
    gates: Vec<f32>,
    sequence: sequence::Memory,
    /// The same of bytes.
    packets: int8_sequence::Memory,
}

/// Zeros the stem needs before the slice, and behind it.
pub(super) const STEM_PADDING: usize = 4;

impl Network {
    /// Of these values; with ranges, in int8 what they are of.
    pub(super) fn new(
        layout: Layout,
        values: &Values,
        shape: Shape,
        ranges: Option<&Ranges>,
    ) -> Self {
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
            sequence: layout.has_sequence.then(|| {
                let own = ranges.and_then(Ranges::sequence);
                own.map_or_else(
                    || Packets::Float32(Sequence::new(&layout, values)),
                    |ranges| Packets::Int8(Box::new(Int8Sequence::new(&layout, values, ranges))),
                )
            }),
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
                Some(ranges) => Spatial::Int8(Int8Branch::new(plan, values, ranges.trunk())),
            }),
        }
    }

    /// Numbers that the head reads; 0 where there is no head behind branches.
    pub(super) fn features(&self) -> usize {
        self.head.first().map_or(0, |layer| layer.inputs)
    }

    /// Logits of one sample, and its joined features where there is room for them.
    pub(super) fn apply(
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
            sequence.apply(kernels, sample, memory, place);
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

    /// Counts what the branches that int8 serves carry for one sample; of those that are in int8
    /// already, nothing.
    pub(super) fn count(
        &self,
        kernels: Kernels,
        sample: Input<'_>,
        memory: &mut Memory,
        counts: &mut Activations,
    ) {
        let mut features = [0.0; FEATURES];
        if let Some(Spatial::Float32(branch)) = &self.branch {
            memory.set_slice(sample.slices);
            let extent = Extent::of_inference(&branch.plan, filled(sample.slices));
            let (slice, rows) = (&memory.slice, &mut memory.rows);
            let watch = |place: usize, values: &[f32]| counts.count_trunk(place, values);
            branch.apply(kernels, extent, slice, rows, &mut features, watch);
        }
        if let Some(Packets::Float32(branch)) = &self.sequence {
            let (packets, seen) = (sample.packets, sample.seen[0]);
            let watch = |place: usize, values: &[f32]| counts.count_sequence(place, values);
            let own = &mut memory.sequence;
            branch.apply(kernels, packets, seen, own, &mut features, watch);
        }
    }
}

impl Memory {
    /// For one sample at a time of such a network.
    pub(super) fn new(network: &Network, shape: Shape) -> Self {
        let plan = network.branch.as_ref().map(Spatial::plan);
        let rows = plan.map_or(0, Plan::largest_rows);
        let is_int8 = matches!(network.branch, Some(Spatial::Int8(_)));
        let layers = network.head.iter();
        let wide = layers
            .map(|layer| layer.inputs.max(layer.bias.len()))
            .max()
            .unwrap_or(0);
        let reads_bytes = matches!(network.sequence, Some(Packets::Int8(_)));
        let gates = network.gru.as_ref().map_or(0, Gru::gates);
        Self {
            slice: Aligned::new(shape.slice_length + 2 * STEM_PADDING),
            rows: std::array::from_fn(|_| Aligned::new(rows)),
            bytes: int8::Memory::new(if is_int8 { rows } else { 0 }, shape.slice_length),
            wide: std::array::from_fn(|_| vec![0.0; wide]),
            gates: vec![0.0; gates],
            sequence: sequence::Memory::new(if reads_bytes { 0 } else { shape.packets }),
            packets: int8_sequence::Memory::new(if reads_bytes { shape.packets } else { 0 }),
        }
    }

    /// Keeps the slice as fractions.
    pub(super) fn set_slice(&mut self, slice: &[u8]) {
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
