//! Matrix products over packed panels: convolutions, their input and their weight gradients.

use super::{
    Kernels, PANEL, Pair, at_level, at_level_of_pairs,
    vector::{Paired, Portable, Vector},
};
#[cfg(target_arch = "x86_64")]
use super::{
    tiles,
    vector::{Avx2, Avx512, Avx512Bf16},
};

/// What a product multiplies: floats, or pairs of bfloat16, of which each counts as one factor.
pub(crate) trait Factor: Copy {
    /// Computes a product whose lengths were checked.
    fn multiply(level: Kernels, product: Product<'_, Self>);
    /// Computes a weight gradient whose lengths were checked.
    fn weight_gradient(level: Kernels, gradient: WeightGradient<'_, Self>);
}

impl Factor for f32 {
    fn multiply(level: Kernels, product: Product<'_, Self>) {
        at_level!(level, multiply(product): Product<'_, f32>);
    }
    fn weight_gradient(level: Kernels, gradient: WeightGradient<'_, Self>) {
        at_level!(level, weight_gradient(gradient): WeightGradient<'_, f32>);
    }
}

impl Factor for Pair {
    fn multiply(level: Kernels, product: Product<'_, Self>) {
        #[cfg(target_arch = "x86_64")]
        if level == Kernels::Amx && tiles::suit(&product) {
            assert!(level.is_available(), "no AMX here");
            // SAFETY: the line above found the features; the product was checked.
            return unsafe { tiles::multiply_pairs(product) };
        }
        at_level_of_pairs!(level, multiply(product): Product<'_, Pair>);
    }
    fn weight_gradient(level: Kernels, gradient: WeightGradient<'_, Self>) {
        #[cfg(target_arch = "x86_64")]
        if level == Kernels::Amx && tiles::suit_gradient(&gradient) {
            assert!(level.is_available(), "no AMX here");
            // SAFETY: the line above found the features; the gradient was checked.
            return unsafe { tiles::weight_gradient(gradient) };
        }
        at_level_of_pairs!(level, weight_gradient(gradient): WeightGradient<'_, Pair>);
    }
}

/// `output[rows, columns] (+)= input[rows, depth] * weights[depth, columns] + bias`.
///
/// The rows of `input` start `row_stride` floats apart and may overlap: a convolution with three
/// taps over channels-last rows is a product of depth `3 * channels` and row stride `channels`.
/// Each output is one chain of additions over the depth, so a row's result does not depend on
/// the rows beside it. Of [`Pair`]s there are half as many as of floats: so are the depth and the
/// row stride.
#[derive(Debug)]
pub(crate) struct Product<'a, F = f32> {
    /// Rows of the output.
    pub(crate) rows: usize,
    /// Inputs per output.
    pub(crate) depth: usize,
    /// Columns of the output, a multiple of [`PANEL`].
    pub(crate) columns: usize,
    /// The left factor.
    pub(crate) input: &'a [F],
    /// Factors from one row of the input to the next.
    pub(crate) row_stride: usize,
    /// The right factor, `[columns / PANEL, depth, PANEL]`.
    pub(crate) weights: &'a [F],
    /// `[columns]`, added to each row.
    pub(crate) bias: Option<&'a [f32]>,
    /// Where the result goes.
    pub(crate) output: &'a mut [f32],
    /// Floats from one row of the output to the next.
    pub(crate) output_stride: usize,
    /// Add to what the output holds.
    pub(crate) accumulate: bool,
    /// Replace what is below zero by zero.
    pub(crate) rectify: bool,
}

/// `output[depth, columns] (+)= inputT[depth, rows] * gradient[rows, columns]`. Of [`Pair`]s there
/// are half as many rows.
#[derive(Debug)]
pub(crate) struct WeightGradient<'a, F = f32> {
    /// Rows summed over.
    pub(crate) rows: usize,
    /// Rows of the output: inputs per output of the convolution.
    pub(crate) depth: usize,
    /// Columns of the output, a multiple of [`PANEL`].
    pub(crate) columns: usize,
    /// The input of the convolution.
    pub(crate) input: &'a [F],
    /// Factors from one row of the input to the next.
    pub(crate) row_stride: usize,
    /// Gradient of the convolution's output, `[columns / PANEL, rows, PANEL]`.
    pub(crate) gradient: &'a [F],
    /// `[columns / PANEL, depth, PANEL]`.
    pub(crate) output: &'a mut [f32],
    /// Add to what the output holds.
    pub(crate) accumulate: bool,
}

impl Kernels {
    /// Computes a [`Product`].
    pub(crate) fn multiply<F: Factor>(self, product: Product<'_, F>) {
        let Product {
            rows,
            depth,
            columns,
            ..
        } = product;
        if rows == 0 {
            return;
        }
        // What the tiles read and write ends where these say.
        assert!(columns.is_multiple_of(PANEL), "columns come in panels");
        assert!(product.input.len() >= (rows - 1) * product.row_stride + depth);
        assert!(product.weights.len() >= columns * depth);
        assert!(product.output.len() >= (rows - 1) * product.output_stride + columns);
        assert!(product.bias.is_none_or(|bias| bias.len() >= columns));
        F::multiply(self, product);
    }

    /// Computes a [`WeightGradient`].
    pub(crate) fn weight_gradient<F: Factor>(self, gradient: WeightGradient<'_, F>) {
        let WeightGradient {
            rows,
            depth,
            columns,
            ..
        } = gradient;
        assert!(
            rows > 0 && columns.is_multiple_of(PANEL),
            "columns come in panels"
        );
        assert!(gradient.input.len() >= (rows - 1) * gradient.row_stride + depth);
        assert!(gradient.gradient.len() >= columns * rows);
        assert!(gradient.output.len() >= columns * depth);
        F::weight_gradient(self, gradient);
    }
}

/// Some rows of a panel, small enough for the registers. A [`Pair`] is as long as a float.
#[derive(Clone, Copy)]
struct Tile {
    /// Products summed per output.
    steps: usize,
    /// First element of the left factor.
    left: *const f32,
    /// From one row of the left factor to the next.
    row_stride: usize,
    /// From one step of the left factor to the next.
    step_stride: usize,
    /// First element of the right factor; its steps are `PANEL` apart.
    right: *const f32,
    /// First output.
    output: *mut f32,
    /// From one row of outputs to the next.
    output_stride: usize,
    /// One addend per column, or null.
    bias: *const f32,
    /// Add to what the output holds.
    accumulate: bool,
    /// The smallest value stored.
    floor: f32,
}

/// Steps done per turn of the inner loop.
const UNROLL: usize = 4;

/// `ROWS` rows by two vectors. `STRIDE` is the row stride where it is known, else 0: a constant
/// becomes part of the instruction's address, which spares registers.
///
/// # Safety
///
/// The processor has the features of `V`; all addresses the tile names are valid.
#[expect(
    clippy::needless_range_loop,
    reason = "the sums stay in registers only where plain indices are unrolled"
)]
#[inline(always)]
unsafe fn tile<V: Vector, const ROWS: usize, const STRIDE: usize>(tile: Tile) {
    let stride = if STRIDE == 0 { tile.row_stride } else { STRIDE };
    let (mut left, mut right) = (tile.left, tile.right);
    // SAFETY: the caller vouches for the features and for every address of the tile: `ROWS` rows
    // of `steps` elements on the left, `steps` pairs of vectors on the right, `ROWS` pairs of
    // vectors in the output, a pair in the bias unless that is null.
    unsafe {
        let mut sums = [[V::splat(0.0); 2]; ROWS];
        if !tile.bias.is_null() {
            sums = [[V::load(tile.bias), V::load(tile.bias.add(V::LANES))]; ROWS];
        }
        if tile.accumulate {
            for row in 0..ROWS {
                let output = tile.output.add(row * tile.output_stride);
                sums[row][0] = sums[row][0].add(V::load(output));
                sums[row][1] = sums[row][1].add(V::load(output.add(V::LANES)));
            }
        }
        for _ in 0..tile.steps / UNROLL {
            for step in 0..UNROLL {
                let first = V::load(right.add(step * PANEL));
                let second = V::load(right.add(step * PANEL + V::LANES));
                for row in 0..ROWS {
                    let factor = V::splat(*left.add(row * stride + step * tile.step_stride));
                    sums[row][0] = factor.mul_add(first, sums[row][0]);
                    sums[row][1] = factor.mul_add(second, sums[row][1]);
                }
            }
            left = left.add(UNROLL * tile.step_stride);
            right = right.add(UNROLL * PANEL);
        }
        for _ in 0..tile.steps % UNROLL {
            let first = V::load(right);
            let second = V::load(right.add(V::LANES));
            for row in 0..ROWS {
                let factor = V::splat(*left.add(row * stride));
                sums[row][0] = factor.mul_add(first, sums[row][0]);
                sums[row][1] = factor.mul_add(second, sums[row][1]);
            }
            left = left.add(tile.step_stride);
            right = right.add(PANEL);
        }
        // In this order, what is no number stays none.
        let floor = V::splat(tile.floor);
        for row in 0..ROWS {
            let output = tile.output.add(row * tile.output_stride);
            floor.max(sums[row][0]).store(output);
            floor.max(sums[row][1]).store(output.add(V::LANES));
        }
    }
}

/// All rows of one column pair, in tiles of `ROWS`, then of four, then of one.
///
/// # Safety
///
/// As for [`tile`], for `rows` rows.
#[inline(always)]
unsafe fn stripe<V: Vector, const ROWS: usize, const STRIDE: usize>(mut next: Tile, rows: usize) {
    let mut left = rows;
    // SAFETY: each turn covers rows not yet covered, and ends at `rows`.
    unsafe {
        while left >= ROWS {
            tile::<V, ROWS, STRIDE>(next);
            next.left = next.left.wrapping_add(ROWS * next.row_stride);
            next.output = next.output.wrapping_add(ROWS * next.output_stride);
            left -= ROWS;
        }
        while left >= 4 {
            tile::<V, 4, 0>(next);
            next.left = next.left.wrapping_add(4 * next.row_stride);
            next.output = next.output.wrapping_add(4 * next.output_stride);
            left -= 4;
        }
        while left > 0 {
            tile::<V, 1, 0>(next);
            next.left = next.left.wrapping_add(next.row_stride);
            next.output = next.output.wrapping_add(next.output_stride);
            left -= 1;
        }
    }
}

/// # Safety
///
/// The processor has the features of `V`; the product's lengths were checked.
#[inline(always)]
unsafe fn multiply<V: Vector, const ROWS: usize, const PARTS: usize>(
    product: Product<'_, V::Factor>,
) {
    let floor = if product.rectify {
        0.0
    } else {
        f32::NEG_INFINITY
    };
    for column in (0..product.columns).step_by(2 * V::LANES) {
        let (panel, within) = (column / PANEL, column % PANEL);
        let first = Tile {
            steps: product.depth,
            left: product.input.as_ptr().cast(),
            row_stride: product.row_stride,
            step_stride: 1,
            right: product.weights[panel * product.depth * PANEL + within..]
                .as_ptr()
                .cast(),
            output: product.output[column..].as_mut_ptr(),
            output_stride: product.output_stride,
            bias: product
                .bias
                .map_or(std::ptr::null(), |bias| bias[column..].as_ptr()),
            accumulate: product.accumulate,
            floor,
        };
        // SAFETY: `Kernels::multiply` asserted that all rows and columns lie in their slices, of
        // factors that are as long as floats;
        // the const arms repeat the row stride they match.
        unsafe {
            match product.row_stride {
                1 => stripe::<V, ROWS, 1>(first, product.rows),
                32 => stripe::<V, ROWS, 32>(first, product.rows),
                64 => stripe::<V, ROWS, 64>(first, product.rows),
                128 => stripe::<V, ROWS, 128>(first, product.rows),
                256 => stripe::<V, ROWS, 256>(first, product.rows),
                _ => stripe::<V, ROWS, 0>(first, product.rows),
            }
        }
    }
}

/// # Safety
///
/// The processor has the features of `V`; the lengths were checked.
#[inline(always)]
unsafe fn weight_gradient<V: Vector, const ROWS: usize, const PARTS: usize>(
    gradient: WeightGradient<'_, V::Factor>,
) {
    for column in (0..gradient.columns).step_by(2 * V::LANES) {
        let (panel, within) = (column / PANEL, column % PANEL);
        let first = Tile {
            steps: gradient.rows,
            left: gradient.input.as_ptr().cast(),
            row_stride: 1,
            step_stride: gradient.row_stride,
            right: gradient.gradient[panel * gradient.rows * PANEL + within..]
                .as_ptr()
                .cast(),
            output: gradient.output[panel * gradient.depth * PANEL + within..].as_mut_ptr(),
            output_stride: PANEL,
            bias: std::ptr::null(),
            accumulate: gradient.accumulate,
            floor: f32::NEG_INFINITY,
        };
        // SAFETY: `Kernels::weight_gradient` asserted that all rows and columns lie in their
        // slices; the row stride is the constant 1.
        unsafe { stripe::<V, ROWS, 1>(first, gradient.depth) }
    }
}
