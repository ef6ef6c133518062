//! The `ResNet` branch in float32, `BatchNorm` folded into its convolutions.

use super::dense::Dense;
use crate::{
    aligned::Aligned,
    kernels::Kernels,
    layout::Values,
    trunk::{
        average_rows,
        padding::Extent,
        plan::{Convolution, FEATURES, Plan},
    },
};

/// The branch's convolutions, ready to multiply by.
#[derive(Debug)]
pub(super) struct Branch {
    pub(super) plan: Plan,
    convolutions: Vec<Dense>,
}

impl Branch {
    /// The branch of a network that has one.
    pub(super) fn new(plan: Plan, values: &Values) -> Self {
        let convolutions = plan.convolutions.iter();
        Self {
            convolutions: convolutions.map(|one| Dense::folded(one, values)).collect(),
            plan,
        }
    }

    /// Spatial features of a slice with the stem's zeros at both ends, of which `extent` is
    /// computed. `watch` is shown what each rectifier gives, in the order of [`super::ranges`].
    pub(super) fn apply(
        &self,
        kernels: Kernels,
        extent: Extent,
        slice: &[f32],
        rows: &mut [Aligned<f32>; 3],
        features: &mut [f32],
        mut watch: impl FnMut(usize, &[f32]),
    ) {
        let plan = &self.plan;
        let [input, middle, other] = rows;
        let (mut input, mut output) = (input, other);
        let stem = &plan.convolutions[0];
        // The zeros behind the slice may be its padding as well as the stem's.
        let to = inner(input, extent, stem);
        self.convolutions[0].convolve(kernels, stem, slice, to, false, true);
        watch(0, to);
        for (number, block) in plan.blocks.iter().enumerate() {
            let first = &plan.convolutions[block.first];
            let second = &plan.convolutions[block.second];
            let to = inner(middle, extent, first);
            self.convolutions[block.first].convolve(kernels, first, input, to, false, true);
            watch(2 * number + 1, to);
            if let Some(own) = block.shortcut {
                // One tap: the middle one of the window that three taps would read.
                let shortcut = &plan.convolutions[own];
                let from = &input[shortcut.inputs..];
                let to = inner(output, extent, shortcut);
                self.convolutions[own].convolve(kernels, shortcut, from, to, false, false);
                std::mem::swap(&mut input, &mut output);
            }
            // The residual is in place already: the second convolution goes on top.
            let to = inner(input, extent, second);
            self.convolutions[block.second].convolve(kernels, second, middle, to, true, true);
            watch(2 * number + 2, to);
        }
        let last = plan.last();
        let rows = &input[FEATURES..][..extent.outputs(last) * FEATURES];
        average_rows(rows, extent.repeated(last), features);
    }
}

/// A convolution's place in a buffer, its zero rows cleared: the rows between them.
pub(super) fn inner<'a, T: Copy + Default>(
    buffer: &'a mut [T],
    extent: Extent,
    convolution: &Convolution,
) -> &'a mut [T] {
    let (channels, length) = (convolution.outputs, extent.outputs(convolution));
    buffer[..channels].fill(T::default());
    buffer[(length + 1) * channels..(length + 2) * channels].fill(T::default());
    &mut buffer[channels..(length + 1) * channels]
}
