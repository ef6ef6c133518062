//! The branch that reads packets, in Burn's tensors.

use burn::tensor::{Tensor, TensorData, activation};

use super::{Leaves, row};
use crate::{
    input::PACKET_FEATURES,
    layout::{Layout, Parameter},
    trunk::EPSILON,
};

/// Channels of its convolutions.
pub(crate) const CHANNELS: usize = 96;

/// Length of its feature vector: means, then maxima over the packets.
pub(crate) const FEATURES: usize = 2 * CHANNELS;

/// Convolutions, each three packets wide; all but the first are added to what they read.
pub(crate) const LAYERS: usize = 4;

/// Packets that an output of a convolution sees.
pub(crate) const TAPS: usize = 3;

/// What a batch leaves for the running statistics of one `BatchNorm`.
pub(crate) struct Moments {
    /// Means, `[CHANNELS]`.
    pub(crate) means: Tensor<2>,
    /// Variances over the number of packets, `[CHANNELS]`.
    pub(crate) variances: Tensor<2>,
}

/// Features `[batch, FEATURES]` of sequences `[batch, packets * PACKET_FEATURES]`, and the moments
/// of each convolution's output.
///
/// Each convolution is followed by `BatchNorm` over the packets seen and a rectifier. What is
/// behind the packets seen is zero after every layer, so that it changes nothing before it.
pub(crate) fn features(
    layout: &Layout,
    rest: &Leaves,
    sequences: Tensor<2>,
    seen: &[u32],
    packets: usize,
) -> (Tensor<2>, Vec<Moments>) {
    let samples = seen.len();
    let device = sequences.device();
    let column = |values: Vec<f32>| {
        let rows = values.len();
        Tensor::<2>::from_data(TensorData::new(values, [rows, 1]), &device)
    };
    let is_seen = seen.iter().flat_map(|&seen| {
        (0..packets).map(move |packet| f32::from(u8::from(packet < seen as usize)))
    });
    let mask = column(is_seen.collect());
    let count = packets_of(seen);
    let mut moments = Vec::with_capacity(LAYERS);
    let mut values = sequences.reshape([samples * packets, PACKET_FEATURES]);
    for layer in 0..LAYERS {
        let of = |kind, part| layout.find(&format!("{}.{part}", name_of(kind, layer)));
        let windows = windows(values.clone(), samples);
        let convolved = windows.matmul(by_taps(rest, of("conv", "weight")));
        let means = (convolved.clone() * mask.clone()).sum_dim(0) / count;
        let centred = convolved - means.clone();
        let squares = centred.clone() * centred.clone() * mask.clone();
        let variances = squares.sum_dim(0) / count;
        let normed = centred / (variances.clone() + EPSILON).sqrt();
        let normed = normed * row(rest, of("norm", "weight")) + row(rest, of("norm", "bias"));
        let rectified = activation::relu(normed) * mask.clone();
        values = if layer == 0 {
            rectified
        } else {
            values + rectified
        };
        moments.push(Moments {
            means: means.inner(),
            variances: variances.inner(),
        });
    }
    let shares = column(seen.iter().map(|&seen| 1.0 / seen.max(1) as f32).collect());
    let values = values.reshape([samples, packets, CHANNELS]);
    let sums: Tensor<2> = values.clone().sum_dim(1).squeeze_dim(1);
    // Nothing is below zero, so what is behind the packets seen is never the largest.
    let largest: Tensor<2> = values.max_dim(1).squeeze_dim(1);
    (Tensor::cat(vec![sums * shares, largest], 1), moments)
}

/// Packets seen in all, at least 1: what moments are taken over.
pub(crate) fn packets_of(seen: &[u32]) -> f32 {
    seen.iter().sum::<u32>().max(1) as f32
}

/// `PyTorch`'s name of a layer's convolution (`conv`) or `BatchNorm` (`norm`).
pub(crate) fn name_of(kind: &str, layer: usize) -> String {
    format!("sequence.{kind}{}", layer + 1)
}

/// Each packet with its neighbours, zeros beyond both ends: `[batch * packets, TAPS * channels]`.
fn windows(values: Tensor<2>, samples: usize) -> Tensor<2> {
    let [rows, channels] = values.dims();
    let packets = rows / samples;
    let values = values.reshape([samples, packets, channels]);
    let zeros = Tensor::<3>::zeros([samples, 1, channels], &values.device());
    let padded = Tensor::cat(vec![zeros.clone(), values, zeros], 1);
    let shifted = (0..TAPS).map(|tap| padded.clone().narrow(1, tap, packets));
    Tensor::cat(shifted.collect(), 2).reshape([rows, TAPS * channels])
}

/// A convolution's weights for such windows: `[TAPS * inputs, outputs]`.
fn by_taps(rest: &Leaves, weight: &Parameter) -> Tensor<2> {
    let (outputs, inputs) = (weight.shape[0], weight.shape[1]);
    let flat = rest.of(weight);
    let turned = flat.reshape([outputs, inputs, TAPS]).swap_dims(1, 2);
    turned.reshape([outputs, TAPS * inputs]).transpose()
}
