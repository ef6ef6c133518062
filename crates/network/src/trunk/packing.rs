//! Weights in the order the kernels read them: panels of 32 columns.

use super::{factors::Panels, plan::Convolution};
use crate::{
    aligned::Aligned,
    kernels::{Kernels, PANEL},
    precision::Precision,
};

/// A convolution's weights in panels.
#[derive(Debug, Clone, Default)]
pub(crate) struct Packed {
    /// `[outputs / PANEL, taps * inputs, PANEL]`, for the output.
    pub(crate) forward: Panels,
    /// For the gradient of the inputs at every position (stride 1) or at the even ones.
    pub(crate) backward: Panels,
    /// For the gradient of the inputs at the odd positions of a convolution of stride 2.
    pub(crate) backward_odd: Panels,
}

/// `weights` is `[outputs, inputs, taps]`, as `PyTorch` has it.
pub(crate) fn pack_forward(convolution: &Convolution, weights: &[f32], into: &mut Aligned<f32>) {
    let Convolution {
        inputs,
        outputs,
        taps,
        ..
    } = *convolution;
    into.resize(outputs * inputs * taps);
    let depth = inputs * taps;
    for (panel, columns) in into.chunks_exact_mut(depth * PANEL).enumerate() {
        for column in 0..PANEL {
            let row = &weights[(panel * PANEL + column) * depth..][..depth];
            for input in 0..inputs {
                for tap in 0..taps {
                    columns[(tap * inputs + input) * PANEL + column] = row[input * taps + tap];
                }
            }
        }
    }
}

/// The transpose of the given taps: `[inputs / PANEL, used.len() * outputs, PANEL]`.
fn pack_transposed(
    convolution: &Convolution,
    weights: &[f32],
    used: &[usize],
    into: &mut Aligned<f32>,
) {
    let Convolution {
        inputs,
        outputs,
        taps,
        ..
    } = *convolution;
    into.resize(used.len() * inputs * outputs);
    if used.is_empty() {
        return;
    }
    for (panel, rows) in into
        .chunks_exact_mut(used.len() * outputs * PANEL)
        .enumerate()
    {
        for (group, tap) in used.iter().enumerate() {
            for output in 0..outputs {
                let from = &weights[(output * inputs + panel * PANEL) * taps..][..PANEL * taps];
                let to = &mut rows[(group * outputs + output) * PANEL..][..PANEL];
                for (value, source) in to.iter_mut().zip(from.chunks_exact(taps)) {
                    *value = source[*tap];
                }
            }
        }
    }
}

impl Packed {
    /// Whether products with these weights are of pairs.
    pub(crate) fn is_paired(&self) -> bool {
        !self.forward.pairs.is_empty()
    }

    /// Packs anew, in the memory of before.
    ///
    /// An input at position `i` of a three-tap convolution meets output `o` through tap
    /// `i + 1 - stride * o`. At stride 1 the outputs `i - 1, i, i + 1` meet it through taps
    /// 2, 1, 0. At stride 2 an even input meets one output through tap 1, an odd one meets two
    /// through taps 2 and 0.
    pub(crate) fn pack(
        &mut self,
        convolution: &Convolution,
        weights: &[f32],
        precision: Precision,
        kernels: Kernels,
    ) {
        pack_forward(convolution, weights, &mut self.forward.floats);
        let (all, odd): (&[usize], &[usize]) = match (convolution.taps, convolution.stride) {
            (3, 1) => (&[2, 1, 0], &[]),
            (3, _) => (&[1], &[2, 0]),
            (1, _) => (&[0], &[]),
            // Nobody asks for the gradient of the slice itself.
            _ => (&[], &[]),
        };
        pack_transposed(convolution, weights, all, &mut self.backward.floats);
        pack_transposed(convolution, weights, odd, &mut self.backward_odd.floats);
        // The stem's input is one channel: it has no pairs, and next to no work.
        if precision == Precision::Bfloat16 && convolution.inputs > 1 {
            for panels in [
                &mut self.forward,
                &mut self.backward,
                &mut self.backward_odd,
            ] {
                panels.pair(kernels);
            }
        }
    }
}

/// A weight gradient from panels back to `[outputs, inputs, taps]`.
pub(crate) fn unpack_gradient(convolution: &Convolution, panels: &[f32], into: &mut [f32]) {
    let Convolution { inputs, taps, .. } = *convolution;
    let depth = inputs * taps;
    for (panel, columns) in panels.chunks_exact(depth * PANEL).enumerate() {
        for column in 0..PANEL {
            let row = &mut into[(panel * PANEL + column) * depth..][..depth];
            for input in 0..inputs {
                for tap in 0..taps {
                    row[input * taps + tap] = columns[(tap * inputs + input) * PANEL + column];
                }
            }
        }
    }
}
