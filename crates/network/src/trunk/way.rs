//! Backwards through one convolution and its `BatchNorm`, sample by sample, and the sum over all.

use std::ops::Range;

use rayon::prelude::*;

use super::{
    factors::{Gradient, Multiplication, Panels, Rows},
    norm::Norm,
    packing::{Packed, unpack_gradient},
    padded,
    padding::Extent,
    plan::Convolution,
    window,
};
use crate::{
    aligned::Aligned,
    kernels::{Kernels, NormGradient, PANEL, Pair, WeightGradient},
};

/// Floats of a weight gradient that one thread adds up at a time.
const REDUCE: usize = 4096;

/// One convolution and its `BatchNorm`, backwards, for one sample.
pub(super) struct Way<'a> {
    pub(super) kernels: Kernels,
    pub(super) extent: Extent,
    pub(super) convolution: &'a Convolution,
    pub(super) packed: &'a Packed,
    pub(super) norm: &'a Norm,
    /// The convolution's output.
    pub(super) values: &'a [f32],
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
    fn norm_gradient(&self, outer: &[f32], into: &mut Gradient) {
        let channels = self.convolution.outputs;
        let count = self.extent.outputs(self.convolution);
        let rows = padded(&mut into.rows, count, channels);
        let end = rows.len() - channels;
        let panels = &mut into.panels[..count * channels];
        self.kernels.norm_gradient(NormGradient {
            channels,
            gradient: outer,
            values: self.values,
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
        if self.packed.is_paired() {
            into.pair(self.kernels, count, channels);
        }
    }

    /// The convolution's input as [`Way::weights`] reads it: where pairs are multiplied, each
    /// value with the one that takes its part in the next output.
    pub(super) fn pair_outputs<'a>(
        &self,
        padded: &'a [f32],
        place: &'a mut Aligned<Pair>,
    ) -> Rows<'a> {
        place.clear();
        if self.packed.is_paired() {
            place.resize(padded.len());
            let distance = self.convolution.stride * self.convolution.inputs;
            self.kernels.pair_ahead(padded, distance, place);
        }
        Rows {
            floats: padded,
            pairs: place,
        }
    }

    /// Gradient of the convolution's output, given that behind its `BatchNorm`, and from it that
    /// of the weights, in panels.
    pub(super) fn weights(
        &self,
        outer: &[f32],
        input: Rows<'_>,
        gradient: &mut Gradient,
        output: &mut [f32],
        accumulate: bool,
    ) {
        self.norm_gradient(outer, gradient);
        let convolution = self.convolution;
        let (rows, depth) = (self.extent.outputs(convolution), convolution.depth());
        let columns = convolution.outputs;
        let row_stride = convolution.stride * convolution.inputs;
        let start = window(convolution);
        if self.packed.is_paired() {
            self.kernels.weight_gradient(WeightGradient {
                rows: rows.div_ceil(2),
                depth,
                columns,
                input: &input.pairs[start..],
                row_stride: 2 * row_stride,
                gradient: &gradient.panel_pairs,
                output,
                accumulate,
            });
        } else {
            self.kernels.weight_gradient(WeightGradient {
                rows,
                depth,
                columns,
                input: &input.floats[start..],
                row_stride,
                gradient: &gradient.panels,
                output,
                accumulate,
            });
        }
    }

    /// Gradient of the input. A one-tap convolution of stride 2 has none at odd positions, so it
    /// can only be added to what is there.
    pub(super) fn input(&self, gradient: &Gradient, input: &mut [f32], accumulate: bool) {
        let Convolution {
            inputs,
            outputs,
            stride,
            taps,
            ..
        } = *self.convolution;
        let input_length = self.extent.inputs(self.convolution);
        let output_length = self.extent.outputs(self.convolution);
        let product = |used: usize, rows: usize, left: Rows<'_>, right: &Panels, to: &mut [f32]| {
            Multiplication {
                rows,
                depth: used * outputs,
                columns: inputs,
                left,
                row_stride: outputs,
                right,
                output: to,
                output_stride: stride * inputs,
                accumulate,
            }
            .run(self.kernels);
        };
        let rows = Rows {
            floats: &gradient.rows,
            pairs: &gradient.row_pairs,
        };
        let behind = rows.behind(outputs);
        let Packed {
            backward,
            backward_odd,
            ..
        } = self.packed;
        if stride == 1 && taps == 3 {
            product(3, input_length, rows, backward, input);
        } else {
            product(1, output_length, behind, backward, input);
            if taps == 3 && input_length > 1 {
                let odd = &mut input[inputs..];
                product(2, input_length / 2, behind, backward_odd, odd);
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
