//! Padding computed once: a slice with much padding counts as a shorter one that repeats itself.
//!
//! Behind its last filled byte a slice is zeros. Convolutions are local, so deep inside the
//! padding every position of a layer holds the same activations. On the way back the features'
//! mean gives every position the same gradient, and a convolution of stride 2 gives its even
//! inputs one gradient and its odd inputs another, so deep inside the padding gradients repeat
//! every [`Plan::period`] bytes. A slice therefore loses nothing if whole periods are taken out
//! of the middle of its padding, as long as one stays and counts for those taken out in every
//! sum over positions: the moments of `BatchNorm`, its gradient's sums, the features' mean, the
//! gradients of weights. What belongs to a position alone is as before.
//!
//! How deep is deep enough is followed through the plan, layer by layer, as a [`Calm`]: the
//! positions that nothing but padding has reached.

#[cfg(test)]
mod checks;

use super::plan::{Convolution, Plan};
use crate::kernels::Repeated;

/// How much of one slice is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    /// Where the period that repeats starts, in bytes; a multiple of the period.
    start: usize,
    /// Bytes that repeat.
    period: usize,
    /// Periods that the one kept stands for, itself included.
    times: usize,
}

/// Positions of a layer, from `first` up to `end`, whose values repeat every period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Calm {
    first: usize,
    end: usize,
}

impl Calm {
    /// Calm in both of two layers of the same length.
    fn and(self, other: Self) -> Self {
        Self {
            first: self.first.max(other.first),
            end: self.end.min(other.end),
        }
    }

    /// A convolution's outputs all of whose inputs are calm. Output `o` reads the inputs from
    /// `stride * o - margin` to `stride * o + margin`.
    fn through(self, convolution: &Convolution) -> Self {
        let (stride, margin) = (convolution.stride, convolution.taps / 2);
        Self {
            first: (self.first + margin).div_ceil(stride),
            end: self.end.saturating_sub(margin).div_ceil(stride),
        }
    }

    /// A convolution's inputs all of whose outputs are calm: for gradients.
    fn back_through(self, convolution: &Convolution) -> Self {
        let (stride, margin) = (convolution.stride, convolution.taps / 2);
        Self {
            first: (stride * self.first + margin + 1).saturating_sub(stride),
            end: (stride * self.end).saturating_sub(margin),
        }
    }
}

/// Walks through the layers and keeps what is calm in all of them, in bytes.
struct Walk<'a> {
    plan: &'a Plan,
    common: Calm,
}

impl Walk<'_> {
    /// Takes note of a layer whose positions are `spacing` bytes apart.
    fn pass(&mut self, calm: Calm, spacing: usize) -> Calm {
        self.common = self.common.and(Calm {
            first: calm.first * spacing,
            end: calm.end * spacing,
        });
        calm
    }

    /// Through a convolution, forward.
    fn forward(&mut self, number: usize, input: Calm) -> Calm {
        let convolution = &self.plan.convolutions[number];
        self.pass(input.through(convolution), convolution.spacing)
    }

    /// Through a convolution, back.
    fn back(&mut self, number: usize, gradient: Calm) -> Calm {
        let convolution = &self.plan.convolutions[number];
        let spacing = convolution.spacing / convolution.stride;
        self.pass(gradient.back_through(convolution), spacing)
    }
}

impl Extent {
    /// All of the slice, each position once.
    pub(crate) const WHOLE: Self = Self {
        start: 0,
        period: 0,
        times: 1,
    };

    /// For the way forward alone. `filled` is where the slice's padding starts.
    pub(crate) fn of_inference(plan: &Plan, filled: usize) -> Self {
        Self::new(plan, filled, false)
    }

    /// For both ways.
    pub(crate) fn of_training(plan: &Plan, filled: usize) -> Self {
        Self::new(plan, filled, true)
    }

    fn new(plan: &Plan, filled: usize, has_way_back: bool) -> Self {
        let length = plan.slice_length;
        let mut walk = Walk {
            plan,
            common: Calm {
                first: 0,
                end: length,
            },
        };
        // The zeros that the stem reads behind the slice are like its padding.
        let slice = Calm {
            first: filled,
            end: length + plan.convolutions[0].taps / 2,
        };
        // Of each block, what is calm of its input and between its convolutions.
        let mut blocks = Vec::with_capacity(plan.blocks.len());
        let mut input = walk.forward(0, slice);
        for block in &plan.blocks {
            let middle = walk.forward(block.first, input);
            let residual = match block.shortcut {
                None => input,
                Some(own) => walk.forward(own, input),
            };
            blocks.push((block, input, middle));
            input = walk.forward(block.second, middle).and(residual);
        }
        if has_way_back {
            // The gradient of the last output is the same everywhere, but for its rectifier.
            let mut gradient = input;
            for (block, input, middle) in blocks.into_iter().rev() {
                let inner = walk.back(block.second, gradient).and(middle);
                let residual = match block.shortcut {
                    None => gradient,
                    Some(own) => walk.back(own, gradient),
                };
                gradient = walk.back(block.first, inner).and(residual).and(input);
            }
        }
        let period = plan.period();
        let start = walk.common.first.next_multiple_of(period);
        let times = walk.common.end.saturating_sub(start) / period;
        if times <= 1 {
            return Self::WHOLE;
        }
        Self {
            start,
            period,
            times,
        }
    }

    /// Positions of a layer of `length` positions that are computed, `spacing` bytes apart.
    fn kept(self, length: usize, spacing: usize) -> usize {
        length - (self.times - 1) * self.period / spacing
    }

    /// Bytes of the slice that are read.
    pub(crate) fn bytes(self, plan: &Plan) -> usize {
        self.kept(plan.slice_length, 1)
    }

    /// Positions that a convolution reads.
    pub(crate) fn inputs(self, convolution: &Convolution) -> usize {
        let spacing = convolution.spacing / convolution.stride;
        self.kept(convolution.input_length, spacing)
    }

    /// Positions that a convolution writes.
    pub(crate) fn outputs(self, convolution: &Convolution) -> usize {
        self.kept(convolution.output_length, convolution.spacing)
    }

    /// Those among a convolution's outputs that count more than once.
    pub(crate) fn repeated(self, convolution: &Convolution) -> Repeated {
        Repeated {
            first: self.start / convolution.spacing,
            rows: self.period / convolution.spacing,
            times: self.times,
        }
    }
}

/// Where the padding of a slice starts: behind its last value that is not zero.
pub(crate) fn filled<T: Default + PartialEq>(slice: &[T]) -> usize {
    let last = slice.iter().rposition(|value| *value != T::default());
    last.map_or(0, |last| last + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes computed for both ways, and for the way forward alone.
    #[track_caller]
    fn check(filled: usize, training: usize, inference: usize) {
        let plan = Plan::new(784);
        let found = [
            Extent::of_training(&plan, filled).bytes(&plan),
            Extent::of_inference(&plan, filled).bytes(&plan),
        ];
        assert_eq!(found, [training, inference]);
    }

    #[test]
    fn an_extent_reaches_as_far_into_the_padding_as_convolutions_do() {
        // By hand, from the left: the stem reaches 4 bytes, stage 1 to 8, stage 2 to 16, stage 3
        // to 32, stage 4 to 64, and back to 88, 106 and 110, of which 112 is the next period.
        // From the right stage 4 leaves bytes up to 736, the way back up to 683. Whole periods
        // between: 84 forward, 71 both ways; all but one go.
        check(0, 784 - 70 * 8, 784 - 83 * 8);
        check(104, 784 - 57 * 8, 784 - 70 * 8);
    }

    #[test]
    fn a_slice_with_little_padding_is_computed_in_full() {
        check(784, 784, 784);
        check(670, 784, 784);
        check(560, 784, 784 - 13 * 8);
    }

    #[test]
    fn positions_of_every_layer_are_the_plan_of_the_shorter_slice() {
        for length in [784, 401, 398] {
            let plan = Plan::new(length);
            let extent = Extent::of_training(&plan, 9);
            let shorter = Plan::new(extent.bytes(&plan));
            assert!(shorter.slice_length < length);
            for (full, shorter) in plan.convolutions.iter().zip(&shorter.convolutions) {
                assert_eq!(extent.inputs(full), shorter.input_length);
                assert_eq!(extent.outputs(full), shorter.output_length);
                let repeated = extent.repeated(full);
                assert_eq!(shorter.output_length + repeated.more(), full.output_length);
            }
        }
    }

    #[test]
    fn zeros_inside_a_slice_are_no_padding() {
        assert_eq!(filled(&[0_u8, 3, 0, 0, 7, 0, 0]), 5);
        assert_eq!(filled(&[0.0_f32; 4]), 0);
    }
}
