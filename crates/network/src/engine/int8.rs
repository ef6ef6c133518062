//! The `ResNet` branch in int8: bytes in, bytes between its convolutions, floats out.
//!
//! Weights are symmetric, -127 to 127, with a scale for each output channel; what rectifiers give
//! is 0 to 255, with a scale for each rectifier (see [`super::Ranges`]). The slice's bytes are
//! read as they are. Products and sums are exact, so that all kernels give the same bits.

use super::{
    branch::inner,
    dense::fold,
    network::STEM_PADDING,
    quantised::{LARGEST, Quantised},
};
use crate::{
    aligned::Aligned,
    kernels::{Addend, Kernels, Output, QUAD},
    layout::Values,
    trunk::{
        average_rows,
        padding::Extent,
        plan::{FEATURES, Plan},
    },
};

/// The branch's convolutions, ready to multiply by.
#[derive(Debug)]
pub(super) struct Int8Branch {
    pub(super) plan: Plan,
    convolutions: Vec<Quantised>,
    /// Of each block without a shortcut, what its input's bytes count in its output's; else 0.
    identities: Vec<f32>,
}

/// What a thread works in.
#[derive(Debug)]
pub(super) struct Memory {
    /// The slice with the zeros the stem needs at both ends.
    slice: Aligned<u8>,
    /// A block's input, between its convolutions, and its output.
    rows: [Aligned<u8>; 3],
}

impl Memory {
    /// For padded activations of so many values; none for engines that compute in float32.
    pub(super) fn new(rows: usize, slice_length: usize) -> Self {
        let padding = if rows == 0 {
            0
        } else {
            2 * STEM_PADDING + QUAD
        };
        Self {
            slice: Aligned::new(if rows == 0 { 0 } else { slice_length } + padding),
            rows: std::array::from_fn(|_| Aligned::new(rows)),
        }
    }
}

impl Int8Branch {
    /// The branch of a network that has one; `ranges` are those of [`super::Ranges`].
    pub(super) fn new(plan: Plan, values: &Values, ranges: &[f32]) -> Self {
        // What one step of a byte counts, by rectifier. The last gives floats.
        let step = |place: usize| ranges.get(place).map_or(1.0, |range| range / LARGEST);
        let make = |number: usize, from: f32, to: f32| {
            let convolution = &plan.convolutions[number];
            let (weights, bias) = fold(convolution, values);
            Quantised::new(&weights, &bias, convolution.taps, from, to)
        };
        let mut numbered = vec![(0, make(0, 1.0 / LARGEST, step(0)))];
        let mut identities = Vec::new();
        for (number, block) in plan.blocks.iter().enumerate() {
            let [input, middle, output] = [0, 1, 2].map(|part| step(2 * number + part));
            numbered.push((block.first, make(block.first, input, middle)));
            numbered.push((block.second, make(block.second, middle, output)));
            if let Some(own) = block.shortcut {
                numbered.push((own, make(own, input, output)));
            }
            identities.push(input / output);
        }
        numbered.sort_by_key(|(number, _)| *number);
        Self {
            convolutions: numbered
                .into_iter()
                .map(|(_, convolution)| convolution)
                .collect(),
            identities,
            plan,
        }
    }

    /// Spatial features of a slice, of which `extent` is computed.
    pub(super) fn apply(
        &self,
        kernels: Kernels,
        extent: Extent,
        slice: &[u8],
        floats: &mut [Aligned<f32>; 3],
        memory: &mut Memory,
        features: &mut [f32],
    ) {
        let plan = &self.plan;
        let Memory {
            slice: padded,
            rows,
        } = memory;
        padded[STEM_PADDING..][..slice.len()].copy_from_slice(slice);
        let [input, middle, output] = rows;
        let (mut input, mut output) = (input, output);
        let [shortcuts, last, _] = floats;
        let apply = |number: usize, from: &[u8], addend: Addend<'_>, to: Output<'_>| {
            let convolution = &plan.convolutions[number];
            let rows = extent.outputs(convolution);
            let row_stride = convolution.stride * convolution.inputs;
            self.convolutions[number].apply(kernels, rows, from, row_stride, addend, to);
        };
        let to = inner(input, extent, &plan.convolutions[0]);
        apply(0, padded, Addend::None, Output::Bytes(to));
        for (number, block) in plan.blocks.iter().enumerate() {
            let first = &plan.convolutions[block.first];
            let second = &plan.convolutions[block.second];
            let to = inner(middle, extent, first);
            apply(block.first, input, Addend::None, Output::Bytes(to));
            // Of the shortcut's window of three, the one tap is the middle one.
            let from = &input[first.inputs..];
            let addend = if let Some(own) = block.shortcut {
                let to = &mut shortcuts[..extent.outputs(second) * second.outputs];
                apply(own, from, Addend::None, Output::Floats(to));
                Addend::Floats(shortcuts)
            } else {
                Addend::Bytes(from, self.identities[number])
            };
            if number + 1 == plan.blocks.len() {
                let to = &mut last[..extent.outputs(second) * second.outputs];
                apply(block.second, middle, addend, Output::Rectified(to));
            } else {
                let to = inner(output, extent, second);
                apply(block.second, middle, addend, Output::Bytes(to));
                std::mem::swap(&mut input, &mut output);
            }
        }
        let convolution = plan.last();
        let rows = &last[..extent.outputs(convolution) * FEATURES];
        average_rows(rows, extent.repeated(convolution), features);
    }
}
