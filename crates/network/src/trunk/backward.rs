//! The branch from the gradient of its features to the gradient of its parameters.

use std::mem;

use super::{
    Trunk, interior,
    parallel::{Scratch, Share, chunks, each_sample},
    plan::{Convolution, FEATURES},
    way::{Way, reduce},
};
use crate::kernels::Gate;

impl Trunk {
    /// Gradient of the parameters, given that of the features of the last forward pass,
    /// `[batch, FEATURES]`.
    pub(crate) fn backward(&mut self, features: &[f32]) -> Vec<f32> {
        assert_eq!(
            features.len(),
            self.batch * FEATURES,
            "features of another batch"
        );
        let mut gradient = vec![0.0; self.plan.parameters];
        self.unpool(features);
        for number in (0..self.plan.blocks.len()).rev() {
            self.through_second(number, &mut gradient);
            self.through_first(number, &mut gradient);
        }
        self.through_stem(&mut gradient);
        gradient
    }

    /// The convolutions whose sum a block (by number from 1) or the stem (0) rectifies, with
    /// the values and means of one sample.
    fn rectified(&self, stage: usize, sample: usize) -> [Option<(&[f32], &[f32])>; 2] {
        let of = |number: usize| {
            (
                self.output(number, sample),
                self.norms[number].mean.as_slice(),
            )
        };
        match stage.checked_sub(1).map(|number| self.plan.blocks[number]) {
            None => [Some(of(0)), None],
            Some(block) => [Some(of(block.second)), block.shortcut.map(of)],
        }
    }

    /// Gradient before the last rectifier.
    fn unpool(&mut self, features: &[f32]) {
        let (last, convolution) = (self.plan.blocks.len() - 1, self.plan.last());
        let length = convolution.output_length as f32;
        let mut outer = mem::take(&mut self.outer);
        let mut sums = mem::take(&mut self.sums);
        sums.resize(self.batch * self.sums_width(last + 1), 0.0);
        each_sample(
            self.batch,
            [&mut outer],
            &mut sums,
            &mut [],
            &self.scratch,
            |share| {
                let Share {
                    sample,
                    buffers: [outer],
                    sums,
                    scratch,
                    ..
                } = share;
                let size = self.output_size(convolution, sample);
                let activation = &mut scratch.activation[..size];
                self.block_output(last, sample, activation);
                let gradient = &mut scratch.input[..size];
                let own = &features[sample * FEATURES..][..FEATURES];
                for row in gradient.chunks_exact_mut(FEATURES) {
                    for (value, feature) in row.iter_mut().zip(own) {
                        *value = feature / length;
                    }
                }
                self.gate(
                    last + 1,
                    sample,
                    gradient,
                    activation,
                    &mut outer[..size],
                    sums,
                );
            },
        );
        (self.outer, self.sums) = (outer, sums);
    }

    /// Sums that a rectifier's gradient leaves, a sample.
    fn sums_width(&self, stage: usize) -> usize {
        match stage.checked_sub(1).map(|number| self.plan.blocks[number]) {
            None => 2 * self.plan.convolutions[0].outputs,
            Some(block) => {
                let channels = self.plan.convolutions[block.second].outputs;
                channels * (2 + usize::from(block.shortcut.is_some()))
            }
        }
    }

    fn gate(
        &self,
        stage: usize,
        sample: usize,
        gradient: &[f32],
        activation: &[f32],
        output: &mut [f32],
        sums: &mut [f64],
    ) {
        let [first, shortcut] = self.rectified(stage, sample);
        let values = first.unwrap_or_default();
        let convolution = match stage.checked_sub(1) {
            None => 0,
            Some(number) => self.plan.blocks[number].second,
        };
        self.kernels.gate(Gate {
            repeated: self.extents[sample].repeated(&self.plan.convolutions[convolution]),
            channels: values.1.len(),
            gradient,
            activation,
            values,
            shortcut,
            output,
            sums,
        });
    }

    /// Takes a `BatchNorm`'s gradient out of the sums; `part` is 1 for the first convolution
    /// rectified and 2 for the shortcut.
    fn set_norm_gradient(&mut self, number: usize, part: usize, gradient: &mut [f32]) {
        let convolution = &self.plan.convolutions[number];
        let channels = convolution.outputs;
        let (sums, width) = (&self.sums, self.sums.len() / self.batch);
        let start = convolution.offset + convolution.weights();
        let (gamma, rest) = gradient[start..].split_at_mut(channels);
        self.norms[number].set_gradient(
            self.batch,
            |sample| {
                let own = &sums[sample * width..][..width];
                (&own[..channels], &own[part * channels..][..channels])
            },
            [gamma, &mut rest[..channels]],
        );
    }

    /// From the block's output to the rectifier between its convolutions.
    fn through_second(&mut self, number: usize, gradient: &mut [f32]) {
        let block = self.plan.blocks[number];
        self.set_norm_gradient(block.second, 1, gradient);
        if let Some(own) = block.shortcut {
            self.set_norm_gradient(own, 2, gradient);
        }
        let mut inner = mem::take(&mut self.inner);
        let mut sums = mem::take(&mut self.sums);
        let mut partials = mem::take(&mut self.partials);
        let (first, second) = (
            &self.plan.convolutions[block.first],
            &self.plan.convolutions[block.second],
        );
        sums.resize(self.batch * 2 * first.outputs, 0.0);
        partials.resize(chunks(self.batch) * second.weights(), 0.0);
        let largest = self.largest_output();
        each_sample(
            self.batch,
            [&mut inner],
            &mut sums,
            &mut partials,
            &self.scratch,
            |share| {
                let Share {
                    sample,
                    is_first,
                    buffers: [inner],
                    sums,
                    partial,
                    scratch,
                } = share;
                let Scratch {
                    activation,
                    pairs,
                    gradient,
                    input,
                } = scratch;
                let way = self.way(block.second, sample);
                let outer = &self.outer[sample * largest..][..way.output_size()];
                let middle = self.middle(number, sample, activation);
                way.norm_gradient(outer, self.output(block.second, sample), gradient);
                let paired = way.pair_outputs(middle, pairs);
                way.weights(paired, gradient, partial, !is_first);
                let size = way.input_size();
                way.input(gradient, &mut input[..size], false);
                self.kernels.gate(Gate {
                    repeated: self.extents[sample].repeated(first),
                    channels: first.outputs,
                    gradient: &input[..size],
                    activation: interior(middle, first.outputs),
                    values: (
                        self.output(block.first, sample),
                        &self.norms[block.first].mean,
                    ),
                    shortcut: None,
                    output: &mut inner[..size],
                    sums,
                });
            },
        );
        reduce(
            second,
            0..second.weights(),
            second.weights(),
            &mut partials,
            gradient,
        );
        (self.inner, self.sums, self.partials) = (inner, sums, partials);
        self.set_norm_gradient(block.first, 1, gradient);
    }

    /// From the rectifier between the block's convolutions to that before the block.
    fn through_first(&mut self, number: usize, gradient: &mut [f32]) {
        let block = self.plan.blocks[number];
        let mut outer = mem::take(&mut self.outer);
        let mut sums = mem::take(&mut self.sums);
        let mut partials = mem::take(&mut self.partials);
        let first = &self.plan.convolutions[block.first];
        let shortcut = block.shortcut.map(|own| &self.plan.convolutions[own]);
        let split = first.weights();
        let total = split + shortcut.map_or(0, Convolution::weights);
        sums.resize(self.batch * self.sums_width(number), 0.0);
        partials.resize(chunks(self.batch) * total, 0.0);
        let largest = self.largest_output();
        each_sample(
            self.batch,
            [&mut outer],
            &mut sums,
            &mut partials,
            &self.scratch,
            |share| {
                let Share {
                    sample,
                    is_first,
                    buffers: [outer],
                    sums,
                    partial,
                    scratch,
                } = share;
                let Scratch {
                    pairs,
                    gradient,
                    input,
                    ..
                } = scratch;
                let (partial, shortcut_partial) = partial.split_at_mut(split);
                let way = self.way(block.first, sample);
                let inner = &self.inner[sample * largest..][..way.output_size()];
                let block_input = self.input(number, sample);
                let size = way.input_size();
                let input = &mut input[..size];
                way.norm_gradient(inner, self.output(block.first, sample), gradient);
                // The shortcut has the same stride.
                let paired = way.pair_outputs(block_input, pairs);
                way.weights(paired, gradient, partial, !is_first);
                way.input(gradient, input, false);
                if let Some(own) = block.shortcut {
                    let way = self.way(own, sample);
                    let outer = &outer[..way.output_size()];
                    way.norm_gradient(outer, self.output(own, sample), gradient);
                    way.weights(paired, gradient, shortcut_partial, !is_first);
                    way.input(gradient, input, true);
                } else {
                    for (value, outer) in input.iter_mut().zip(outer.iter()) {
                        *value += outer;
                    }
                }
                let activation = interior(block_input, first.inputs);
                self.gate(number, sample, input, activation, &mut outer[..size], sums);
            },
        );
        reduce(first, 0..split, total, &mut partials, gradient);
        if let Some(shortcut) = shortcut {
            reduce(shortcut, split..total, total, &mut partials, gradient);
        }
        (self.outer, self.sums, self.partials) = (outer, sums, partials);
    }

    fn through_stem(&mut self, gradient: &mut [f32]) {
        self.set_norm_gradient(0, 1, gradient);
        let mut partials = mem::take(&mut self.partials);
        let stem = &self.plan.convolutions[0];
        partials.resize(chunks(self.batch) * stem.weights(), 0.0);
        let largest = self.largest_output();
        each_sample(
            self.batch,
            [],
            &mut [],
            &mut partials,
            &self.scratch,
            |share| {
                let Share {
                    sample,
                    is_first,
                    partial,
                    scratch,
                    ..
                } = share;
                let way = self.way(0, sample);
                let outer = &self.outer[sample * largest..][..way.output_size()];
                let Scratch {
                    activation,
                    pairs,
                    gradient,
                    ..
                } = scratch;
                way.norm_gradient(outer, self.output(0, sample), gradient);
                let input = way.pair_outputs(self.stem_input(sample, activation), pairs);
                way.weights(input, gradient, partial, !is_first);
            },
        );
        reduce(
            stem,
            0..stem.weights(),
            stem.weights(),
            &mut partials,
            gradient,
        );
        self.partials = partials;
    }

    /// One sample's way back through one convolution and its `BatchNorm`.
    fn way(&self, number: usize, sample: usize) -> Way<'_> {
        Way {
            kernels: self.kernels,
            extent: self.extents[sample],
            convolution: &self.plan.convolutions[number],
            packed: &self.packed[number],
            norm: &self.norms[number],
        }
    }
}
