//! The branch that reads packets, without Burn.

use super::dense::Dense;
use crate::{
    forward::sequence::{CHANNELS, FEATURES, LAYERS, TAPS, name_of},
    input::PACKET_FEATURES,
    kernels::{Kernels, Product},
    layout::{Layout, Values},
    trunk::EPSILON,
};

/// The branch's layers.
#[derive(Debug)]
pub(super) struct Sequence {
    layers: Vec<Layer>,
}

#[derive(Debug)]
struct Layer {
    convolution: Dense,
    /// Channels of what it reads.
    inputs: usize,
}

/// What a thread works in.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// The packets, with a row of zeros at both ends.
    packets: Vec<f32>,
    /// The same of the channels.
    values: Vec<f32>,
    /// What a convolution gives.
    products: Vec<f32>,
}

impl Memory {
    /// For sequences of so many packets.
    pub(super) fn new(packets: usize) -> Self {
        Self {
            packets: vec![0.0; (packets + 2) * PACKET_FEATURES],
            values: vec![0.0; (packets + 2) * CHANNELS],
            products: vec![0.0; packets * CHANNELS],
        }
    }
}

impl Sequence {
    /// The branch of a network that has one.
    pub(super) fn new(layout: &Layout, values: &Values) -> Self {
        let layer = |folded: &Folded| {
            let depth = folded.weights.len() / CHANNELS;
            let rows = folded.weights.chunks_exact(depth);
            // PyTorch has a row's taps innermost, rows of packets have the channels innermost.
            let turned = rows.flat_map(|row| {
                (0..TAPS).flat_map(move |tap| row[tap..].iter().step_by(TAPS).copied())
            });
            let turned: Vec<f32> = turned.collect();
            Layer {
                convolution: Dense::linear(&turned, &folded.bias),
                inputs: depth / TAPS,
            }
        };
        Self {
            layers: Folded::all(layout, values).iter().map(layer).collect(),
        }
    }

    /// Features of a sequence of which `seen` packets are there. `watch` is shown what each
    /// convolution reads, in their order.
    pub(super) fn apply(
        &self,
        kernels: Kernels,
        packets: &[f32],
        seen: u32,
        memory: &mut Memory,
        features: &mut [f32],
        mut watch: impl FnMut(usize, &[f32]),
    ) {
        let seen = seen as usize;
        let Memory {
            packets: padded,
            values,
            products,
        } = memory;
        let filled = seen * PACKET_FEATURES;
        padded[PACKET_FEATURES..][..filled].copy_from_slice(&packets[..filled]);
        padded[PACKET_FEATURES + filled..].fill(0.0);
        values.fill(0.0);
        let products = &mut products[..seen * CHANNELS];
        for (number, layer) in self.layers.iter().enumerate() {
            let input: &[f32] = if number == 0 { padded } else { values };
            watch(number, &input[layer.inputs..][..seen * layer.inputs]);
            kernels.multiply(Product {
                rows: seen,
                depth: TAPS * layer.inputs,
                columns: CHANNELS,
                input,
                row_stride: layer.inputs,
                weights: &layer.convolution.weights,
                bias: Some(&layer.convolution.bias),
                output: products,
                output_stride: CHANNELS,
                accumulate: false,
                rectify: true,
            });
            let own = &mut values[CHANNELS..][..seen * CHANNELS];
            for (value, product) in own.iter_mut().zip(&*products) {
                *value += product;
            }
        }
        pool(&values[CHANNELS..][..seen * CHANNELS], features);
    }
}

/// A convolution over packets with its norm folded in.
#[derive(Debug)]
pub(super) struct Folded {
    /// `[CHANNELS, inputs, TAPS]`.
    pub(super) weights: Vec<f32>,
    /// `[CHANNELS]`.
    pub(super) bias: Vec<f32>,
}

impl Folded {
    /// Those of a network that reads packets, one after another.
    pub(super) fn all(layout: &Layout, values: &Values) -> Vec<Self> {
        let layers = 0..LAYERS;
        layers
            .map(|layer| Self::of(layer, layout, values))
            .collect()
    }

    fn of(layer: usize, layout: &Layout, values: &Values) -> Self {
        let of = |kind: &str, part: &str| {
            layout.values_of(&format!("{}.{part}", name_of(kind, layer)), values)
        };
        let weights = of("conv", "weight");
        let (gamma, beta) = (of("norm", "weight"), of("norm", "bias"));
        let first = layout.sequence_norm(layer);
        let (mut folded, mut bias) = (Vec::with_capacity(weights.len()), Vec::new());
        for (channel, row) in weights.chunks_exact(weights.len() / CHANNELS).enumerate() {
            let deviation = (f64::from(values.variances[first + channel]) + EPSILON).sqrt();
            let scale = f64::from(gamma[channel]) / deviation;
            folded.extend(row.iter().map(|&weight| (f64::from(weight) * scale) as f32));
            let mean = f64::from(values.means[first + channel]);
            bias.push((f64::from(beta[channel]) - mean * scale) as f32);
        }
        Self {
            weights: folded,
            bias,
        }
    }
}

/// Means, then maxima of `[packets, CHANNELS]`, none of which is below zero.
pub(super) fn pool(values: &[f32], features: &mut [f32]) {
    let (means, largest) = features[..FEATURES].split_at_mut(CHANNELS);
    means.fill(0.0);
    largest.fill(0.0);
    for row in values.chunks_exact(CHANNELS) {
        for ((mean, most), &value) in means.iter_mut().zip(&mut *largest).zip(row) {
            *mean += value;
            *most = most.max(value);
        }
    }
    let packets = values.len() / CHANNELS;
    let share = 1.0 / packets.max(1) as f32;
    for mean in means {
        *mean *= share;
    }
}
