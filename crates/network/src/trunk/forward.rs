//! The branch from slices to features, keeping what the way back needs.

use std::{mem, sync::Mutex};

use rayon::prelude::*;

use super::{
    Trunk,
    activations::average_rows,
    factors::{Gradient, Multiplication, Rows},
    interior_mut, padded,
    padding::{Extent, filled},
    parallel::{Scratch, Share, each_sample},
    plan::FEATURES,
    window,
};
use crate::{aligned::Aligned, kernels::Pair, precision::Precision};

impl Trunk {
    /// Features `[batch, FEATURES]` of slices `[batch, slice length]` whose bytes were divided
    /// by 255, with the statistics of this batch in [`Trunk::norms`].
    pub(crate) fn forward(&mut self, parameters: &[f32], slices: &[f32]) -> Vec<f32> {
        assert_eq!(
            parameters.len(),
            self.plan.parameters,
            "parameters of another branch"
        );
        self.reserve(slices.len() / self.plan.slice_length);
        self.slices.copy_from_slice(slices);
        let (plan, precision, kernels) = (&self.plan, self.precision, self.kernels);
        self.extents.clear();
        self.extents.extend(
            slices
                .chunks_exact(plan.slice_length)
                .map(|slice| Extent::of_training(plan, filled(slice))),
        );
        self.packed
            .par_iter_mut()
            .zip(&plan.convolutions)
            .for_each(|(packed, convolution)| {
                packed.pack(
                    convolution,
                    &parameters[convolution.offset..][..convolution.weights()],
                    precision,
                    kernels,
                );
            });
        self.stem(parameters);
        for number in 0..self.plan.blocks.len() {
            self.enter_block(number, parameters);
            self.leave_block(number, parameters);
        }
        self.pool()
    }

    /// Sizes all memory for a batch; nothing is allocated for a batch no larger than before.
    fn reserve(&mut self, batch: usize) {
        let (plan, largest) = (&self.plan, self.largest_output());
        if batch != self.batch {
            self.batch = batch;
            self.slices.resize(batch * plan.slice_length);
            for (output, convolution) in self.outputs.iter_mut().zip(&plan.convolutions) {
                output.resize(batch * convolution.output_size());
            }
            for (input, block) in self.inputs.iter_mut().zip(&plan.blocks) {
                let first = &plan.convolutions[block.first];
                input.resize(batch * (first.input_length + 2) * first.inputs);
            }
            self.outer.resize(batch * largest);
            self.inner.resize(batch * largest);
        }
        let padding = 16;
        while self.scratch.len() < rayon::current_num_threads() {
            self.scratch.push(Mutex::new(Scratch {
                activation: Aligned::new(plan.largest_rows().max(plan.slice_length + padding)),
                pairs: Aligned::default(),
                gradient: Gradient::new(plan.largest_rows(), largest),
                input: Aligned::new(plan.largest_rows()),
            }));
        }
    }

    /// Takes statistics out of the sums: `width` floats a sample, of which this convolution's
    /// start at `start`.
    fn set_norm(&mut self, number: usize, start: usize, width: usize, parameters: &[f32]) {
        let convolution = &self.plan.convolutions[number];
        let sums = &self.sums;
        self.norms[number].set(
            self.batch,
            convolution.output_length,
            |sample| &sums[sample * width + start..][..2 * convolution.outputs],
            Self::norm_parameters(convolution, parameters),
        );
    }

    fn stem(&mut self, parameters: &[f32]) {
        let mut outputs = mem::take(&mut self.outputs[0]);
        let mut sums = mem::take(&mut self.sums);
        let convolution = &self.plan.convolutions[0];
        sums.resize(self.batch * 2 * convolution.outputs, 0.0);
        each_sample(
            self.batch,
            [&mut outputs],
            &mut sums,
            &mut [],
            &self.scratch,
            |share| {
                let Share {
                    sample,
                    buffers: [output],
                    sums,
                    scratch,
                    ..
                } = share;
                let slice = self.stem_input(sample, &mut scratch.activation);
                self.convolve(0, sample, slice.into(), output, sums);
            },
        );
        (self.outputs[0], self.sums) = (outputs, sums);
        self.set_norm(0, 0, 2 * self.plan.convolutions[0].outputs, parameters);
    }

    /// Padded rows as a block's convolutions read them.
    fn rows<'a>(&self, padded: &'a [f32], place: &'a mut Aligned<Pair>) -> Rows<'a> {
        match self.precision {
            Precision::Float32 => padded.into(),
            Precision::Bfloat16 => Rows::paired(self.kernels, padded, place),
        }
    }

    /// One sample through a convolution, to the start of `output`; `padded` has the zero rows that
    /// it needs at both ends (for a one-tap convolution, those of its three-tap sibling). Leaves
    /// the moments of what it gives, as those of the full slice.
    fn convolve(
        &self,
        number: usize,
        sample: usize,
        padded: Rows<'_>,
        output: &mut [f32],
        sums: &mut [f64],
    ) {
        let (kernels, convolution) = (self.kernels, &self.plan.convolutions[number]);
        let extent = self.extents[sample];
        let output = &mut output[..self.output_size(convolution, sample)];
        Multiplication {
            rows: extent.outputs(convolution),
            depth: convolution.depth(),
            columns: convolution.outputs,
            left: padded.behind(window(convolution)),
            row_stride: convolution.stride * convolution.inputs,
            right: &self.packed[number].forward,
            output,
            output_stride: convolution.outputs,
            accumulate: false,
        }
        .run(kernels);
        kernels.moments(
            convolution.outputs,
            output,
            extent.repeated(convolution),
            sums,
        );
    }

    /// The block's input, its first convolution and its shortcut.
    fn enter_block(&mut self, number: usize, parameters: &[f32]) {
        let block = self.plan.blocks[number];
        let mut inputs = mem::take(&mut self.inputs[number]);
        let mut outputs = mem::take(&mut self.outputs[block.first]);
        let mut shortcuts = block.shortcut.map(|own| mem::take(&mut self.outputs[own]));
        let mut sums = mem::take(&mut self.sums);
        let first = &self.plan.convolutions[block.first];
        let width = 2 * first.outputs * (1 + usize::from(block.shortcut.is_some()));
        sums.resize(self.batch * width, 0.0);
        let buffers: [&mut [f32]; 3] = [
            &mut inputs,
            &mut outputs,
            shortcuts.as_deref_mut().unwrap_or_default(),
        ];
        each_sample(
            self.batch,
            buffers,
            &mut sums,
            &mut [],
            &self.scratch,
            |share| {
                let Share {
                    sample,
                    buffers: [input, output, shortcut],
                    sums,
                    scratch,
                    ..
                } = share;
                let rows = self.extents[sample].inputs(first);
                let input = padded(input, rows, first.inputs);
                self.previous_output(number, sample, interior_mut(input, first.inputs));
                let (own_sums, shortcut_sums) = sums.split_at_mut(2 * first.outputs);
                let input = self.rows(input, &mut scratch.pairs);
                self.convolve(block.first, sample, input, output, own_sums);
                if let Some(own) = block.shortcut {
                    self.convolve(own, sample, input, shortcut, shortcut_sums);
                }
            },
        );
        let outputs_of_first = first.outputs;
        (self.inputs[number], self.outputs[block.first], self.sums) = (inputs, outputs, sums);
        self.set_norm(block.first, 0, width, parameters);
        if let (Some(own), Some(shortcuts)) = (block.shortcut, shortcuts) {
            self.outputs[own] = shortcuts;
            self.set_norm(own, 2 * outputs_of_first, width, parameters);
        }
    }

    /// The block's second convolution.
    fn leave_block(&mut self, number: usize, parameters: &[f32]) {
        let block = self.plan.blocks[number];
        let mut outputs = mem::take(&mut self.outputs[block.second]);
        let mut sums = mem::take(&mut self.sums);
        let second = &self.plan.convolutions[block.second];
        let width = 2 * second.outputs;
        sums.resize(self.batch * width, 0.0);
        each_sample(
            self.batch,
            [&mut outputs],
            &mut sums,
            &mut [],
            &self.scratch,
            |share| {
                let Share {
                    sample,
                    buffers: [output],
                    sums,
                    scratch,
                    ..
                } = share;
                let middle = self.middle(number, sample, &mut scratch.activation);
                let middle = self.rows(middle, &mut scratch.pairs);
                self.convolve(block.second, sample, middle, output, sums);
            },
        );
        (self.outputs[block.second], self.sums) = (outputs, sums);
        self.set_norm(block.second, 0, width, parameters);
    }

    /// The mean over all positions of the last block's output.
    fn pool(&self) -> Vec<f32> {
        let (last, convolution) = (self.plan.blocks.len() - 1, self.plan.last());
        let mut features = vec![0.0; self.batch * FEATURES];
        each_sample(
            self.batch,
            [&mut features],
            &mut [],
            &mut [],
            &self.scratch,
            |share| {
                let Share {
                    sample,
                    buffers: [features],
                    scratch,
                    ..
                } = share;
                let rows = &mut scratch.activation[..self.output_size(convolution, sample)];
                self.block_output(last, sample, rows);
                average_rows(rows, self.extents[sample].repeated(convolution), features);
            },
        );
        features
    }
}
