//! What the way forward left of one sample, and what is computed from it again.

use super::{Trunk, interior, interior_mut, norm::Norm, padded, plan::Convolution};
use crate::kernels::{Activate, Repeated, Residual};

impl Trunk {
    /// Floats of one sample's output of a convolution.
    pub(super) fn output_size(&self, convolution: &Convolution, sample: usize) -> usize {
        self.extents[sample].outputs(convolution) * convolution.outputs
    }

    /// A sample's slice with the zeros that the stem needs at both ends.
    pub(super) fn stem_input<'a>(&self, sample: usize, buffer: &'a mut [f32]) -> &'a [f32] {
        // What is left out is zeros, as is what stays behind it: the start of the slice is both.
        let length = self.extents[sample].bytes(&self.plan);
        let (stride, padding) = (self.plan.slice_length, self.plan.convolutions[0].taps / 2);
        let padded = &mut buffer[..length + 2 * padding];
        padded.fill(0.0);
        padded[padding..][..length].copy_from_slice(&self.slices[sample * stride..][..length]);
        padded
    }

    /// One sample's output of a convolution, before `BatchNorm`.
    pub(super) fn output(&self, number: usize, sample: usize) -> &[f32] {
        let convolution = &self.plan.convolutions[number];
        let start = sample * convolution.output_size();
        &self.outputs[number][start..][..self.output_size(convolution, sample)]
    }

    /// One sample's input of a block, with its zero rows.
    pub(super) fn input(&self, number: usize, sample: usize) -> &[f32] {
        let first = &self.plan.convolutions[self.plan.blocks[number].first];
        let stride = self.inputs[number].len() / self.batch;
        let rows = self.extents[sample].inputs(first) + 2;
        &self.inputs[number][sample * stride..][..rows * first.inputs]
    }

    /// The activation between a block's convolutions, with its zero rows.
    pub(super) fn middle<'a>(
        &self,
        number: usize,
        sample: usize,
        buffer: &'a mut [f32],
    ) -> &'a [f32] {
        let block = self.plan.blocks[number];
        let first = &self.plan.convolutions[block.first];
        let channels = first.outputs;
        let middle = padded(buffer, self.extents[sample].outputs(first), channels);
        let output = interior_mut(middle, channels);
        self.activate(block.first, sample, Residual::None, output);
        middle
    }

    /// What a block reads: the output of the block before it, or of the stem.
    pub(super) fn previous_output(&self, number: usize, sample: usize, output: &mut [f32]) {
        if number > 0 {
            return self.block_output(number - 1, sample, output);
        }
        self.activate(0, sample, Residual::None, output);
    }

    /// What a block puts out.
    pub(super) fn block_output(&self, number: usize, sample: usize, output: &mut [f32]) {
        let block = self.plan.blocks[number];
        let channels = self.plan.convolutions[block.second].outputs;
        let residual = match block.shortcut {
            None => Residual::Identity(interior(self.input(number, sample), channels)),
            Some(own) => Residual::Scaled {
                values: self.output(own, sample),
                scale: &self.norms[own].scale,
                shift: &self.norms[own].shift,
            },
        };
        self.activate(block.second, sample, residual, output);
    }

    /// A convolution's output through its `BatchNorm`, something added, rectified.
    fn activate(&self, number: usize, sample: usize, residual: Residual<'_>, output: &mut [f32]) {
        let Norm { scale, shift, .. } = &self.norms[number];
        self.kernels.activate(Activate {
            channels: scale.len(),
            input: self.output(number, sample),
            scale,
            shift,
            residual,
            output,
        });
    }
}

/// The mean of all rows of `features.len()` floats, some of which count several times.
pub(crate) fn average_rows(rows: &[f32], repeated: Repeated, features: &mut [f32]) {
    let width = features.len();
    features.fill(0.0);
    let mut add = |rows: &[f32], times: f32| {
        for row in rows.chunks_exact(width) {
            for (sum, value) in features.iter_mut().zip(row) {
                *sum += value * times;
            }
        }
    };
    add(rows, 1.0);
    let again = &rows[repeated.first * width..][..repeated.rows * width];
    add(again, (repeated.times - 1) as f32);
    let count = (rows.len() / width + repeated.more()) as f32;
    for sum in features {
        *sum /= count;
    }
}
