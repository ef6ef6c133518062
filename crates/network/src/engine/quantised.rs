//! A convolution in int8: weights from -127 to 127, with a scale for each output channel.

use crate::{
    aligned::Aligned,
    kernels::{Addend, ByteProduct, Kernels, Output, PANEL, QUAD},
};

/// The largest byte.
pub(super) const LARGEST: f32 = 255.0;

/// The largest weight.
const LARGEST_WEIGHT: f32 = 127.0;

/// Weights in panels, and what their sums count.
#[derive(Debug)]
pub(super) struct Quantised {
    /// Inputs per output, rounded up to a multiple of [`QUAD`].
    depth: usize,
    /// `[outputs / PANEL, depth / QUAD, PANEL, QUAD]`.
    weights: Aligned<i8>,
    /// What a sum's one counts, `[outputs]`.
    scale: Vec<f32>,
    /// What is added, `[outputs]`.
    shift: Vec<f32>,
}

impl Quantised {
    /// Of weights `[outputs, inputs, taps]`, what is added to each output, and steps of `from` in
    /// what it reads and of `to` in what it gives.
    pub(super) fn new(weights: &[f32], bias: &[f32], taps: usize, from: f32, to: f32) -> Self {
        let outputs = bias.len();
        let width = weights.len() / outputs;
        let inputs = width / taps;
        let depth = width.next_multiple_of(QUAD);
        let mut whole = Aligned::new(outputs * depth);
        let mut scale = Vec::with_capacity(outputs);
        for (output, row) in weights.chunks_exact(width).enumerate() {
            let largest = row
                .iter()
                .fold(0.0_f32, |most, weight| most.max(weight.abs()));
            // A channel of zeros stays one, whatever it is divided by.
            let step = largest.max(f32::MIN_POSITIVE) / LARGEST_WEIGHT;
            let panel = &mut whole[output / PANEL * PANEL * depth..][..PANEL * depth];
            for (place, weight) in row.iter().enumerate() {
                // PyTorch has a row's taps innermost, our rows have the channels innermost.
                let at = place % taps * inputs + place / taps;
                let column = at / QUAD * PANEL + output % PANEL;
                panel[column * QUAD + at % QUAD] = (weight / step).round() as i8;
            }
            scale.push(from * step / to);
        }
        Self {
            depth,
            weights: whole,
            scale,
            shift: bias.iter().map(|bias| bias / to).collect(),
        }
    }

    /// What each output would be if every input were one step, and nothing were added.
    pub(super) fn of_ones(&self) -> Vec<f32> {
        let sum = |(output, scale): (usize, &f32)| {
            let panel = &self.weights[output / PANEL * PANEL * self.depth..][..PANEL * self.depth];
            let own = panel.chunks_exact(QUAD).skip(output % PANEL).step_by(PANEL);
            let sum: i32 = own.flatten().map(|&weight| i32::from(weight)).sum();
            sum as f32 * scale
        };
        self.scale.iter().enumerate().map(sum).collect()
    }

    /// All of so many rows of the output; rows of the input start `row_stride` bytes apart.
    pub(super) fn apply(
        &self,
        kernels: Kernels,
        rows: usize,
        input: &[u8],
        row_stride: usize,
        addend: Addend<'_>,
        output: Output<'_>,
    ) {
        kernels.multiply_bytes(ByteProduct {
            rows,
            depth: self.depth,
            columns: self.scale.len(),
            input,
            row_stride,
            weights: &self.weights,
            scale: &self.scale,
            shift: &self.shift,
            addend,
            output,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 32 outputs that read two channels at three places, the first with weights in steps of one.
    fn quantised() -> Quantised {
        let mut weights = vec![0.0; PANEL * 6];
        weights[..6].copy_from_slice(&[1.0, -2.0, 3.0, 4.0, 5.0, 127.0]);
        let mut bias = vec![0.0; PANEL];
        bias[0] = 0.5;
        Quantised::new(&weights, &bias, 3, 2.0, 1.0)
    }

    #[test]
    fn a_convolution_reads_the_channels_of_one_place_before_those_of_the_next() {
        let mut output = vec![0.0; PANEL];
        // Channel 1 of the second place, whose weight is 5; three such bytes, each of which counts 2.
        let input = [0, 0, 0, 3, 0, 0, 0, 0];
        quantised().apply(
            Kernels::Portable,
            1,
            &input,
            2,
            Addend::None,
            Output::Floats(&mut output),
        );
        assert_eq!(output[..2], [30.5, 0.0]);
    }

    #[test]
    fn what_ones_give_is_the_sum_of_the_weights() {
        assert_eq!(quantised().of_ones()[..2], [2.0 * 138.0, 0.0]);
    }
}
