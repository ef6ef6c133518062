//! What happens between the products: normalise, rectify, add, and the sums for `BatchNorm`.
//!
//! All rows are channels-last and contiguous, `[rows, channels]`, of one sample; the channels
//! are a multiple of [`PANEL`]. Sums are kept in float32 over a block of rows and in float64
//! beyond, so that the length of a sample costs no accuracy.

#[cfg(target_arch = "x86_64")]
use super::vector::{Avx2, Avx512};
use super::{
    Kernels, PANEL, Repeated, at_level,
    vector::{Portable, Vector},
};

/// What is added before rectifying.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Residual<'a> {
    /// Nothing.
    None,
    /// The input of the block.
    Identity(&'a [f32]),
    /// The shortcut's convolution, still to be normalised.
    Scaled {
        /// `[rows, channels]`.
        values: &'a [f32],
        /// `[channels]`.
        scale: &'a [f32],
        /// `[channels]`.
        shift: &'a [f32],
    },
}

/// `output = relu(input * scale + shift + residual)`.
#[derive(Debug)]
pub(crate) struct Activate<'a> {
    pub(crate) channels: usize,
    pub(crate) input: &'a [f32],
    pub(crate) scale: &'a [f32],
    pub(crate) shift: &'a [f32],
    pub(crate) residual: Residual<'a>,
    pub(crate) output: &'a mut [f32],
}

/// Per channel, the mean of a sample and the sum of squared distances from it.
#[derive(Debug)]
struct Moments<'a> {
    channels: usize,
    input: &'a [f32],
    repeated: Repeated,
    output: &'a mut [f64],
}

/// Gradient through a rectifier, and the sums that `BatchNorm`'s gradient needs.
///
/// `output = gradient where activation > 0, else 0`; `sums` receives, per channel, the sum of
/// the output, then of `output * (values - mean)` for each of the normalised values.
#[derive(Debug)]
pub(crate) struct Gate<'a> {
    pub(crate) channels: usize,
    pub(crate) gradient: &'a [f32],
    pub(crate) activation: &'a [f32],
    /// What was normalised, and its mean over the batch; the second is the shortcut's.
    pub(crate) values: (&'a [f32], &'a [f32]),
    pub(crate) shortcut: Option<(&'a [f32], &'a [f32])>,
    /// Rows that count several times in the sums.
    pub(crate) repeated: Repeated,
    pub(crate) output: &'a mut [f32],
    /// `[2 * channels]`, or `[3 * channels]` with a shortcut.
    pub(crate) sums: &'a mut [f64],
}

/// Gradient of `BatchNorm`'s input: `gradient * scale + (values - mean) * slope + offset`,
/// as rows and as panels.
#[derive(Debug)]
pub(crate) struct NormGradient<'a> {
    pub(crate) channels: usize,
    pub(crate) gradient: &'a [f32],
    pub(crate) values: &'a [f32],
    pub(crate) mean: &'a [f32],
    pub(crate) scale: &'a [f32],
    pub(crate) slope: &'a [f32],
    pub(crate) offset: &'a [f32],
    /// `[rows, channels]`.
    pub(crate) rows: &'a mut [f32],
    /// `[channels / PANEL, rows, PANEL]`.
    pub(crate) panels: &'a mut [f32],
}

/// Asserts that all slices hold `[rows, channels]` of the first.
fn check_lengths(channels: usize, length: usize, others: &[usize], per_channel: &[usize]) {
    assert!(channels > 0 && channels.is_multiple_of(PANEL) && length.is_multiple_of(channels));
    assert!(others.iter().all(|&other| other == length), "rows differ");
    assert!(
        per_channel.iter().all(|&other| other == channels),
        "channels differ"
    );
}

impl Kernels {
    /// Computes an [`Activate`].
    pub(crate) fn activate(self, task: Activate<'_>) {
        let (others, channels) = match task.residual {
            Residual::None => (task.output.len(), task.channels),
            Residual::Identity(values) => (values.len(), task.channels),
            Residual::Scaled {
                values,
                scale,
                shift,
            } => {
                assert_eq!(scale.len(), shift.len());
                (values.len(), scale.len())
            }
        };
        check_lengths(
            task.channels,
            task.input.len(),
            &[others, task.output.len()],
            &[task.scale.len(), task.shift.len(), channels],
        );
        at_level!(self, activate(task): Activate<'_>);
    }

    /// Per channel of one sample, into `[2 * channels]`: the mean, then the sum of
    /// squared distances from it. Two passes, so that a large mean costs no accuracy.
    pub(crate) fn moments(
        self,
        channels: usize,
        input: &[f32],
        repeated: Repeated,
        into: &mut [f64],
    ) {
        check_lengths(channels, input.len(), &[], &[into.len() / 2]);
        repeated.check(input.len() / channels);
        let task = Moments {
            channels,
            input,
            repeated,
            output: into,
        };
        at_level!(self, moments(task): Moments<'_>);
    }

    /// Computes a [`Gate`].
    pub(crate) fn gate(self, task: Gate<'_>) {
        let (shortcut, mean) = task.shortcut.unwrap_or(task.values);
        task.repeated
            .check(task.gradient.len() / task.channels.max(1));
        check_lengths(
            task.channels,
            task.gradient.len(),
            &[
                task.activation.len(),
                task.values.0.len(),
                shortcut.len(),
                task.output.len(),
            ],
            &[task.values.1.len(), mean.len()],
        );
        assert_eq!(
            task.sums.len(),
            (2 + usize::from(task.shortcut.is_some())) * task.channels
        );
        at_level!(self, gate(task): Gate<'_>);
    }

    /// Computes a [`NormGradient`].
    pub(crate) fn norm_gradient(self, task: NormGradient<'_>) {
        check_lengths(
            task.channels,
            task.gradient.len(),
            &[task.values.len(), task.rows.len(), task.panels.len()],
            &[
                task.mean.len(),
                task.scale.len(),
                task.slope.len(),
                task.offset.len(),
            ],
        );
        at_level!(self, norm_gradient(task): NormGradient<'_>);
    }
}

/// Adds the lanes of a panel to its float64 sums, as often as they count.
///
/// # Safety
///
/// The processor has the features of `V`.
#[inline(always)]
unsafe fn flush<V: Vector, const PARTS: usize>(sums: [V; PARTS], times: f64, into: &mut [f64]) {
    let mut lanes = [0.0_f32; PANEL];
    for (part, sum) in sums.iter().enumerate() {
        // SAFETY: `PARTS * LANES` is `PANEL` at every level, so the store ends inside.
        unsafe { sum.store(lanes.as_mut_ptr().add(part * V::LANES)) }
    }
    for (total, lane) in into[..PANEL].iter_mut().zip(lanes) {
        *total += times * f64::from(lane);
    }
}

/// # Safety
///
/// The processor has the features of `V`; the lengths were checked.
#[inline(always)]
unsafe fn activate<V: Vector, const ROWS: usize, const PARTS: usize>(task: Activate<'_>) {
    let channels = task.channels;
    let rows = task.input.len() / channels;
    let (input, output) = (task.input.as_ptr(), task.output.as_mut_ptr());
    let (scale, shift) = (task.scale.as_ptr(), task.shift.as_ptr());
    for row in 0..rows {
        for channel in (0..channels).step_by(V::LANES) {
            let at = row * channels + channel;
            // SAFETY: `check_lengths` found `rows * channels` floats in the input, the output
            // and the residual, and `channels` in the scales and shifts.
            unsafe {
                let mut value = V::load(input.add(at))
                    .mul_add(V::load(scale.add(channel)), V::load(shift.add(channel)));
                match task.residual {
                    Residual::None => {}
                    Residual::Identity(values) => {
                        value = value.add(V::load(values.as_ptr().add(at)));
                    }
                    Residual::Scaled {
                        values,
                        scale,
                        shift,
                    } => {
                        let scale = V::load(scale.as_ptr().add(channel));
                        value = value.add(V::load(shift.as_ptr().add(channel)));
                        value = V::load(values.as_ptr().add(at)).mul_add(scale, value);
                    }
                }
                V::splat(0.0).max(value).store(output.add(at));
            }
        }
    }
}

/// # Safety
///
/// The processor has the features of `V`; the lengths were checked.
#[expect(
    clippy::needless_range_loop,
    reason = "the sums stay in registers only where plain indices are unrolled"
)]
#[inline(always)]
unsafe fn moments<V: Vector, const ROWS: usize, const PARTS: usize>(task: Moments<'_>) {
    let channels = task.channels;
    let rows = task.input.len() / channels;
    let count = (rows + task.repeated.more()) as f64;
    let (means, squares) = task.output.split_at_mut(channels);
    means.fill(0.0);
    squares.fill(0.0);
    for channel in (0..channels).step_by(PANEL) {
        let input = task.input[channel..].as_ptr();
        // SAFETY: `check_lengths` found `rows * channels` floats in the input; the panel's
        // `PANEL` lanes start at a multiple of `PANEL` below `channels`.
        unsafe {
            for (block, times) in task.repeated.blocks(rows) {
                let mut sums = [V::splat(0.0); PARTS];
                for row in block {
                    for part in 0..PARTS {
                        let value = V::load(input.add(row * channels + part * V::LANES));
                        sums[part] = sums[part].add(value);
                    }
                }
                flush::<V, PARTS>(sums, times, &mut means[channel..]);
            }
            let mut centre = [0.0_f32; PANEL];
            for (centre, mean) in centre.iter_mut().zip(&mut means[channel..]) {
                *mean /= count;
                *centre = *mean as f32;
            }
            for (block, times) in task.repeated.blocks(rows) {
                let mut sums = [V::splat(0.0); PARTS];
                for row in block {
                    for part in 0..PARTS {
                        let value = V::load(input.add(row * channels + part * V::LANES));
                        let distance = value.sub(V::load(centre.as_ptr().add(part * V::LANES)));
                        sums[part] = distance.mul_add(distance, sums[part]);
                    }
                }
                flush::<V, PARTS>(sums, times, &mut squares[channel..]);
            }
            for (lane, centre) in centre.iter().enumerate() {
                let rounding = means[channel + lane] - f64::from(*centre);
                squares[channel + lane] -= count * rounding * rounding;
            }
        }
    }
}

/// # Safety
///
/// The processor has the features of `V`; the lengths were checked.
#[inline(always)]
unsafe fn gate<V: Vector, const ROWS: usize, const PARTS: usize>(task: Gate<'_>) {
    let channels = task.channels;
    let rows = task.gradient.len() / channels;
    let (plain, rest) = task.sums.split_at_mut(channels);
    let (product, second) = rest.split_at_mut(channels);
    plain.fill(0.0);
    product.fill(0.0);
    second.fill(0.0);
    for channel in (0..channels).step_by(PANEL) {
        let (gradient, activation) = (task.gradient.as_ptr(), task.activation.as_ptr());
        let (values, output) = (task.values.0.as_ptr(), task.output.as_mut_ptr());
        let mean = task.values.1[channel..].as_ptr();
        // SAFETY: `check_lengths` found `rows * channels` floats in each of the row buffers and
        // `channels` in the means; a panel's lanes lie inside.
        unsafe {
            let zero = [V::splat(0.0); PARTS];
            for (block, times) in task.repeated.blocks(rows) {
                let (mut plain_sums, mut product_sums, mut second_sums) = (zero, zero, zero);
                for row in block {
                    for part in 0..PARTS {
                        let at = row * channels + channel + part * V::LANES;
                        let value =
                            V::load(gradient.add(at)).where_positive(V::load(activation.add(at)));
                        value.store(output.add(at));
                        plain_sums[part] = plain_sums[part].add(value);
                        let distance =
                            V::load(values.add(at)).sub(V::load(mean.add(part * V::LANES)));
                        product_sums[part] = value.mul_add(distance, product_sums[part]);
                        if let Some((values, mean)) = task.shortcut {
                            let distance = V::load(values.as_ptr().add(at))
                                .sub(V::load(mean.as_ptr().add(channel + part * V::LANES)));
                            second_sums[part] = value.mul_add(distance, second_sums[part]);
                        }
                    }
                }
                flush::<V, PARTS>(plain_sums, times, &mut plain[channel..]);
                flush::<V, PARTS>(product_sums, times, &mut product[channel..]);
                if task.shortcut.is_some() {
                    flush::<V, PARTS>(second_sums, times, &mut second[channel..]);
                }
            }
        }
    }
}

/// # Safety
///
/// The processor has the features of `V`; the lengths were checked.
#[inline(always)]
unsafe fn norm_gradient<V: Vector, const ROWS: usize, const PARTS: usize>(task: NormGradient<'_>) {
    let channels = task.channels;
    let rows = task.gradient.len() / channels;
    let (gradient, values) = (task.gradient.as_ptr(), task.values.as_ptr());
    let (out_rows, out_panels) = (task.rows.as_mut_ptr(), task.panels.as_mut_ptr());
    for row in 0..rows {
        for channel in (0..channels).step_by(V::LANES) {
            let at = row * channels + channel;
            let panel = ((channel / PANEL) * rows + row) * PANEL + channel % PANEL;
            // SAFETY: `check_lengths` found `rows * channels` floats in each of the row
            // buffers, of which the panels are a rearrangement, and `channels` in the rest.
            unsafe {
                let distance =
                    V::load(values.add(at)).sub(V::load(task.mean.as_ptr().add(channel)));
                let value = distance.mul_add(
                    V::load(task.slope.as_ptr().add(channel)),
                    V::load(task.offset.as_ptr().add(channel)),
                );
                let scale = V::load(task.scale.as_ptr().add(channel));
                let value = V::load(gradient.add(at)).mul_add(scale, value);
                value.store(out_rows.add(at));
                value.store(out_panels.add(panel));
            }
        }
    }
}
