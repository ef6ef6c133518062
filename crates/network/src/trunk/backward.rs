//! The branch from the gradient of its features to the gradient of its parameters.

use std::mem;

use super::{
    Trunk, interior,
    parallel::{Scratch, Share, chunks, each_sample},
    plan::{Convolution, FEATURES},
    rectifier::Rectifier,
    way::{Way, reduce},
};

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

    /// Gradient before the last rectifier.
    fn unpool(&mut self, features: &[f32]) {
        let (last, convolution) = (self.plan.blocks.len() - 1, self.plan.last());
        let rectifier = Rectifier::behind_block(&self.plan, last);
        let length = convolution.output_length as f32;
        let mut outer = mem::take(&mut self.outer);
        let mut sums = mem::take(&mut self.sums);
        sums.resize(self.batch * rectifier.sums(&self.plan), 0.0);
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
                let outer = &mut outer[..size];
                self.gate(rectifier, sample, gradient, activation, outer, sums);
            },
        );
        (self.outer, self.sums) = (outer, sums);
    }

    /// From the block's output to the rectifier between its convolutions.
    fn through_second(&mut self, number: usize, gradient: &mut [f32]) {
        let block = self.plan.blocks[number];
        let rectifier = Rectifier::inside_block(&self.plan, number);
        self.set_norm_gradients(Rectifier::behind_block(&self.plan, number), gradient);
        let mut inner = mem::take(&mut self.inner);
        let mut sums = mem::take(&mut self.sums);
        let mut partials = mem::take(&mut self.partials);
        let second = &self.plan.convolutions[block.second];
        sums.resize(self.batch * rectifier.sums(&self.plan), 0.0);
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
                let paired = way.pair_outputs(middle, pairs);
                way.weights(outer, paired, gradient, partial, !is_first);
                let size = way.input_size();
                let input = &mut input[..size];
                way.input(gradient, input, false);
                let activation = interior(middle, second.inputs);
                self.gate(
                    rectifier,
                    sample,
                    input,
                    activation,
                    &mut inner[..size],
                    sums,
                );
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
        self.set_norm_gradients(rectifier, gradient);
    }

    /// From the rectifier between the block's convolutions to that before the block.
    fn through_first(&mut self, number: usize, gradient: &mut [f32]) {
        let block = self.plan.blocks[number];
        let mut outer = mem::take(&mut self.outer);
        let mut sums = mem::take(&mut self.sums);
        let mut partials = mem::take(&mut self.partials);
        let rectifier = Rectifier::before_block(&self.plan, number);
        let first = &self.plan.convolutions[block.first];
        let shortcut = block.shortcut.map(|own| &self.plan.convolutions[own]);
        let split = first.weights();
        let total = split + shortcut.map_or(0, Convolution::weights);
        sums.resize(self.batch * rectifier.sums(&self.plan), 0.0);
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
                // The shortcut has the same stride.
                let paired = way.pair_outputs(block_input, pairs);
                way.weights(inner, paired, gradient, partial, !is_first);
                way.input(gradient, input, false);
                if let Some(own) = block.shortcut {
                    let way = self.way(own, sample);
                    let outer = &outer[..way.output_size()];
                    way.weights(outer, paired, gradient, shortcut_partial, !is_first);
                    way.input(gradient, input, true);
                } else {
                    for (value, outer) in input.iter_mut().zip(outer.iter()) {
                        *value += outer;
                    }
                }
                let activation = interior(block_input, first.inputs);
                let outer = &mut outer[..size];
                self.gate(rectifier, sample, input, activation, outer, sums);
            },
        );
        reduce(first, 0..split, total, &mut partials, gradient);
        if let Some(shortcut) = shortcut {
            reduce(shortcut, split..total, total, &mut partials, gradient);
        }
        (self.outer, self.sums, self.partials) = (outer, sums, partials);
    }

    fn through_stem(&mut self, gradient: &mut [f32]) {
        self.set_norm_gradients(Rectifier::behind_stem(), gradient);
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
                let input = way.pair_outputs(self.stem_input(sample, activation), pairs);
                way.weights(outer, input, gradient, partial, !is_first);
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
            values: self.output(number, sample),
        }
    }
}
