//! The branch's rectifiers: what each sums and gates, and the gradients that pass it back.

use super::{Trunk, plan::Plan};
use crate::kernels::Gate;

/// A rectifier, by the convolutions whose sum it gates.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rectifier {
    convolution: usize,
    shortcut: Option<usize>,
}

impl Rectifier {
    /// The stem's.
    pub(super) fn behind_stem() -> Self {
        Self {
            convolution: 0,
            shortcut: None,
        }
    }

    /// The one between a block's convolutions.
    pub(super) fn inside_block(plan: &Plan, number: usize) -> Self {
        Self {
            convolution: plan.blocks[number].first,
            shortcut: None,
        }
    }

    /// The one that gives a block's output. Where the input itself is added, its gradient needs no
    /// convolution.
    pub(super) fn behind_block(plan: &Plan, number: usize) -> Self {
        let block = plan.blocks[number];
        Self {
            convolution: block.second,
            shortcut: block.shortcut,
        }
    }

    /// The one that gives a block's input.
    pub(super) fn before_block(plan: &Plan, number: usize) -> Self {
        match number.checked_sub(1) {
            None => Self::behind_stem(),
            Some(before) => Self::behind_block(plan, before),
        }
    }

    /// Sums that its gradient leaves, a sample.
    pub(super) fn sums(self, plan: &Plan) -> usize {
        let parts = 2 + usize::from(self.shortcut.is_some());
        parts * plan.convolutions[self.convolution].outputs
    }
}

impl Trunk {
    /// One sample's gradient back through a rectifier, and the sums for the `BatchNorm`s before it.
    pub(super) fn gate(
        &self,
        rectifier: Rectifier,
        sample: usize,
        gradient: &[f32],
        activation: &[f32],
        output: &mut [f32],
        sums: &mut [f64],
    ) {
        let convolution = &self.plan.convolutions[rectifier.convolution];
        let of = |number: usize| {
            let mean = self.norms[number].mean.as_slice();
            (self.output(number, sample), mean)
        };
        self.kernels.gate(Gate {
            repeated: self.extents[sample].repeated(convolution),
            channels: convolution.outputs,
            gradient,
            activation,
            values: of(rectifier.convolution),
            shortcut: rectifier.shortcut.map(of),
            output,
            sums,
        });
    }

    /// Takes the gradients of the `BatchNorm`s before a rectifier out of the sums.
    pub(super) fn set_norm_gradients(&mut self, rectifier: Rectifier, gradient: &mut [f32]) {
        self.set_norm_gradient(rectifier.convolution, 1, gradient);
        if let Some(shortcut) = rectifier.shortcut {
            self.set_norm_gradient(shortcut, 2, gradient);
        }
    }

    /// The same of one; `part` of the sums is its own.
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
}
