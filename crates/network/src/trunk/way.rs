//! Backwards through one convolution and its `BatchNorm`, sample by sample, and the sum over all.

use std::ops::Range;

use rayon::prelude::*;

use super::{
    norm::Norm,
    packing::{Packed, unpack_gradient},
    padded,
    padding::Extent,
    plan::Convolution,
    window,
};
use crate::kernels::{Kernels, NormGradient, PANEL, Product, WeightGradient};

/// Floats of a weight gradient that one thread adds up at a time.
const REDUCE: usize = 4096;

/// One convolution and its `BatchNorm`, backwards, for one sample.
pub(super) struct Way<'a> {
    pub(super) kernels: Kernels,
    pub(super) extent: Extent,
    pub(super) convolution: &'a Convolution,
    pub(super) packed: &'a Packed,
    pub(super) norm: &'a Norm,
}

impl Way<'_> {
    /// Floats of the convolution's output.
    pub(super) fn output_size(&self) -> usize {
        self.extent.outputs(self.convolution) * self.convolution.outputs
    }

    /// Floats of the convolution's input.
    pub(super) fn input_size(&self) -> usize {
        self.extent.inputs(self.convolution) * self.convolution.inputs
    }

    /// Gradient of the convolution's output, as padded rows and as panels. The panels are for
    /// sums over positions, so that rows are in them as many times as they count.
    pub(super) fn norm_gradient(
        &self,
        gradient: &[f32],
        values: &[f32],
        rows: &mut [f32],
        panels: &mut [f32],
    ) {
        let channels = self.convolution.outputs;
        let count = self.extent.outputs(self.convolution);
        let rows = padded(rows, count, channels);
        let end = rows.len() - channels;
        let panels = &mut panels[..count * channels];
        self.kernels.norm_gradient(NormGradient {
            channels,
            gradient,
            values,
            mean: &self.norm.mean,
            scale: &self.norm.scale,
            slope: &self.norm.slope,
            offset: &self.norm.offset,
            rows: &mut rows[channels..end],
            panels,
        });
        let repeated = self.extent.repeated(self.convolution);
        for panel in panels.chunks_exact_mut(count * PANEL) {
            for value in &mut panel[repeated.first * PANEL..][..repeated.rows * PANEL] {
                *value *= repeated.times as f32;
            }
        }
    }

    /// Gradient of the weights, in panels.
    pub(super) fn weights(
        &self,
        padded: &[f32],
        panels: &[f32],
        partial: &mut [f32],
        accumulate: bool,
    ) {
        let convolution = self.convolution;
        self.kernels.weight_gradient(WeightGradient {
            rows: self.extent.outputs(convolution),
            depth: convolution.depth(),
            columns: convolution.outputs,
            input: window(convolution, padded),
            row_stride: convolution.stride * convolution.inputs,
            gradient: panels,
            output: partial,
            accumulate,
        });
    }

    /// Gradient of the input, from padded rows. A one-tap convolution of stride 2 has none at
    /// odd positions, so it can only be added to what is there.
    pub(super) fn input(&self, rows: &[f32], input: &mut [f32], accumulate: bool) {
        let Convolution {
            inputs,
            outputs,
            stride,
            ..
        } = *self.convolution;
        let input_length = self.extent.inputs(self.convolution);
        let output_length = self.extent.outputs(self.convolution);
        let product =
            |taps: usize, rows_out: usize, from: &[f32], weights: &[f32], to: &mut [f32]| {
                self.kernels.multiply(Product {
                    rows: rows_out,
                    depth: taps * outputs,
                    columns: inputs,
                    input: from,
                    row_stride: outputs,
                    weights,
                    bias: None,
                    output: to,
                    output_stride: stride * inputs,
                    accumulate,
                    rectify: false,
                });
            };
        let behind = &rows[outputs..];
        if stride == 1 && self.convolution.taps == 3 {
            product(3, input_length, rows, &self.packed.backward, input);
        } else {
            product(1, output_length, behind, &self.packed.backward, input);
            if self.convolution.taps == 3 && input_length > 1 {
                let odd = &mut input[inputs..];
                product(2, input_length / 2, behind, &self.packed.backward_odd, odd);
            }
        }
    }
}

/// Adds the chunks' weight gradients in order and puts them in their place. A chunk has `size`
/// partial sums; `range` is where the convolution's lie among them.
pub(super) fn reduce(
    convolution: &Convolution,
    range: Range<usize>,
    size: usize,
    partials: &mut [f32],
    gradient: &mut [f32],
) {
    let weights = convolution.weights();
    let (first, others) = partials.split_at_mut(size);
    let others = &*others;
    first[range.clone()]
        .par_chunks_mut(REDUCE)
        .enumerate()
        .for_each(|(number, sums)| {
            let start = range.start + number * REDUCE;
            for other in others.chunks_exact(size) {
                for (sum, value) in sums.iter_mut().zip(&other[start..]) {
                    *sum += value;
                }
            }
        });
    unpack_gradient(
        convolution,
        &first[range],
        &mut gradient[convolution.offset..][..weights],
    );
}
