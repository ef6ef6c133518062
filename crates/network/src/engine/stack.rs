//! Layers one behind another, without Burn.

use super::dense::Dense;
use crate::{
    kernels::{Kernels, Product},
    layout::{Layout, Values},
    stack::{Kind, Layer, Window},
};

/// The layers, their weights ready to multiply by.
#[derive(Debug)]
pub(super) struct Stack {
    layers: Vec<(Layer, Option<Dense>)>,
}

impl Stack {
    /// A network of these layers.
    pub(super) fn new(layers: Vec<Layer>, layout: &Layout, values: &Values) -> Self {
        let dense = |layer: &Layer| {
            layer.weight()?;
            let of = |part: &str| layout.values_of(&format!("{}.{part}", layer.name), values);
            // PyTorch has positions innermost, our rows have the channels innermost.
            let turned = channels_last(of("weight"), layer);
            Some(Dense::linear(&turned, of("bias")))
        };
        Self {
            layers: layers
                .into_iter()
                .map(|layer| (layer, dense(&layer)))
                .collect(),
        }
    }

    /// Logits of a slice, zero to one.
    pub(super) fn apply(&self, kernels: Kernels, slice: &[f32], logits: &mut [f32]) {
        let mut values = slice.to_vec();
        for (layer, dense) in &self.layers {
            values = match (layer.kind, dense) {
                (Kind::Convolution(window), Some(dense)) => {
                    convolve(kernels, layer, window, dense, &values)
                }
                (Kind::Linear, Some(dense)) => {
                    let mut output = vec![0.0; dense.bias.len()];
                    dense.apply(kernels, &values, &mut output, layer.is_rectified);
                    output.truncate(layer.outputs[1]);
                    output
                }
                (Kind::Pool(window), _) => pool(layer, window, &values),
                // Weights were made for both kinds above.
                (_, None) => values,
            };
        }
        logits.copy_from_slice(&values);
    }
}

/// Weights whose every row is `[channels, positions]`, turned to `[positions, channels]`.
fn channels_last(weights: &[f32], layer: &Layer) -> Vec<f32> {
    let channels = layer.inputs[0];
    let positions = match layer.kind {
        Kind::Convolution(window) => window.width,
        _ => layer.inputs[1],
    };
    let turn = |row: &[f32]| -> Vec<f32> {
        let at = |place: usize| row[place % channels * positions + place / channels];
        (0..row.len()).map(at).collect()
    };
    weights
        .chunks_exact(channels * positions)
        .flat_map(turn)
        .collect()
}

/// A convolution of `[length, channels]`.
fn convolve(
    kernels: Kernels,
    layer: &Layer,
    window: Window,
    dense: &Dense,
    values: &[f32],
) -> Vec<f32> {
    let ([channels, _], [outputs, rows]) = (layer.inputs, layer.outputs);
    let ends = window.padding * channels;
    let mut padded = vec![0.0; values.len() + 2 * ends];
    padded[ends..][..values.len()].copy_from_slice(values);
    let columns = dense.bias.len();
    let mut output = vec![0.0; rows * columns];
    kernels.multiply(Product {
        rows,
        depth: dense.inputs,
        columns,
        input: &padded,
        row_stride: window.stride * channels,
        weights: &dense.weights,
        bias: Some(&dense.bias),
        output: &mut output,
        output_stride: columns,
        accumulate: false,
        rectify: layer.is_rectified,
    });
    if columns == outputs {
        return output;
    }
    let rows = output.chunks_exact(columns);
    rows.flat_map(|row| &row[..outputs]).copied().collect()
}

/// The largest of each window of `[length, channels]`; what is beyond the ends is not looked at.
fn pool(layer: &Layer, window: Window, values: &[f32]) -> Vec<f32> {
    let ([channels, length], [_, rows]) = (layer.inputs, layer.outputs);
    let mut output = vec![f32::NEG_INFINITY; rows * channels];
    for (row, output) in output.chunks_exact_mut(channels).enumerate() {
        let from = (row * window.stride).saturating_sub(window.padding);
        let to = (row * window.stride + window.width - window.padding).min(length);
        for input in values[from * channels..to * channels].chunks_exact(channels) {
            for (most, &value) in output.iter_mut().zip(input) {
                *most = most.max(value);
            }
        }
    }
    output
}
