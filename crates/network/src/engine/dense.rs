//! Weights as the engine multiplies by them: linear layers, and convolutions with their `BatchNorm`.

use crate::{
    aligned::Aligned,
    kernels::{Kernels, PANEL, Product},
    layout::{Layout, Values},
    trunk::{EPSILON, pack_forward, plan::Convolution},
};

/// Weights in panels, and what is added; outputs are rounded up to whole panels.
#[derive(Debug)]
pub(super) struct Dense {
    pub(super) inputs: usize,
    pub(super) weights: Aligned<f32>,
    pub(super) bias: Vec<f32>,
}

impl Dense {
    /// A linear layer: `weights` is `[outputs, inputs]`.
    pub(super) fn linear(weights: &[f32], bias: &[f32]) -> Self {
        let (outputs, inputs) = (bias.len(), weights.len() / bias.len());
        let padded = outputs.next_multiple_of(PANEL);
        let mut panels = Aligned::new(padded * inputs);
        for (output, row) in weights.chunks_exact(inputs).enumerate() {
            for (input, &value) in row.iter().enumerate() {
                panels[((output / PANEL) * inputs + input) * PANEL + output % PANEL] = value;
            }
        }
        let mut bias = bias.to_vec();
        bias.resize(padded, 0.0);
        Self {
            inputs,
            weights: panels,
            bias,
        }
    }

    /// A linear layer of that name.
    pub(super) fn named(name: &str, layout: &Layout, values: &Values) -> Self {
        let of = |part: &str| layout.values_of(&format!("{name}.{part}"), values);
        Self::linear(of("weight"), of("bias"))
    }

    /// A convolution with its `BatchNorm` folded in.
    pub(super) fn folded(convolution: &Convolution, values: &Values) -> Self {
        let (weights, bias) = fold(convolution, values);
        let mut panels = Aligned::default();
        pack_forward(convolution, &weights, &mut panels);
        Self {
            inputs: convolution.depth(),
            weights: panels,
            bias,
        }
    }

    /// One row of inputs to one of outputs.
    pub(super) fn apply(&self, kernels: Kernels, input: &[f32], output: &mut [f32], rectify: bool) {
        kernels.multiply(Product {
            rows: 1,
            depth: self.inputs,
            columns: self.bias.len(),
            input,
            row_stride: self.inputs,
            weights: &self.weights,
            bias: Some(&self.bias),
            output,
            output_stride: self.bias.len(),
            accumulate: false,
            rectify,
        });
    }

    /// All rows of the output of a convolution; with `accumulate`, on top of what they hold.
    pub(super) fn convolve(
        &self,
        kernels: Kernels,
        convolution: &Convolution,
        input: &[f32],
        output: &mut [f32],
        accumulate: bool,
        rectify: bool,
    ) {
        kernels.multiply(Product {
            rows: output.len() / convolution.outputs,
            depth: self.inputs,
            columns: convolution.outputs,
            input,
            row_stride: convolution.stride * convolution.inputs,
            weights: &self.weights,
            bias: Some(&self.bias),
            output,
            output_stride: convolution.outputs,
            accumulate,
            rectify,
        });
    }
}

/// A convolution's weights `[outputs, inputs, taps]` with its `BatchNorm` folded in, and what is
/// added to each output.
pub(super) fn fold(convolution: &Convolution, values: &Values) -> (Vec<f32>, Vec<f32>) {
    let weights = &values.trunk[convolution.offset..][..convolution.weights()];
    let norm = &values.trunk[convolution.offset + convolution.weights()..];
    let (gamma, beta) = norm.split_at(convolution.outputs);
    let mut bias = Vec::with_capacity(convolution.outputs);
    let mut scaled = Vec::with_capacity(weights.len());
    for (channel, row) in weights.chunks_exact(convolution.depth()).enumerate() {
        let place = convolution.channel_offset + channel;
        let deviation = (f64::from(values.variances[place]) + EPSILON).sqrt();
        let scale = f64::from(gamma[channel]) / deviation;
        scaled.extend(row.iter().map(|&weight| (f64::from(weight) * scale) as f32));
        let shift = f64::from(beta[channel]) - f64::from(values.means[place]) * scale;
        bias.push(shift as f32);
    }
    (scaled, bias)
}
