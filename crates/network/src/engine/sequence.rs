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
    /// The branch of a network that has one, its norms folded into its convolutions.
    pub(super) fn new(layout: &Layout, values: &Values) -> Self {
        let layer = |number: usize| {
            let of = |kind: &str, part: &str| {
                layout.values_of(&format!("{}.{part}", name_of(kind, number)), values)
            };
            let weights = of("conv", "weight");
            let depth = weights.len() / CHANNELS;
            let (gamma, beta) = (of("norm", "weight"), of("norm", "bias"));
            let first = layout.sequence_norm(number);
            let (mut folded, mut bias) = (Vec::with_capacity(weights.len()), Vec::new());
            for (channel, row) in weights.chunks_exact(depth).enumerate() {
                let deviation = (f64::from(values.variances[first + channel]) + EPSILON).sqrt();
                let scale = f64::from(gamma[channel]) / deviation;
                // PyTorch has a row's taps innermost, rows of packets have the channels innermost.
                let turned = (0..TAPS).flat_map(|tap| row[tap..].iter().step_by(TAPS));
                folded.extend(turned.map(|&weight| (f64::from(weight) * scale) as f32));
                let mean = f64::from(values.means[first + channel]);
                bias.push((f64::from(beta[channel]) - mean * scale) as f32);
            }
            Layer {
                convolution: Dense::linear(&folded, &bias),
                inputs: depth / TAPS,
            }
        };
        Self {
            layers: (0..LAYERS).map(layer).collect(),
        }
    }

    /// Features of a sequence of which `seen` packets are there.
    pub(super) fn apply(
        &self,
        kernels: Kernels,
        packets: &[f32],
        seen: u32,
        memory: &mut Memory,
        features: &mut [f32],
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
        let rows = values[CHANNELS..][..seen * CHANNELS].chunks_exact(CHANNELS);
        let (means, largest) = features[..FEATURES].split_at_mut(CHANNELS);
        means.fill(0.0);
        largest.fill(0.0);
        for row in rows {
            for ((mean, most), &value) in means.iter_mut().zip(&mut *largest).zip(row) {
                *mean += value;
                *most = most.max(value);
            }
        }
        let share = 1.0 / seen.max(1) as f32;
        for mean in means {
            *mean *= share;
        }
    }
}
