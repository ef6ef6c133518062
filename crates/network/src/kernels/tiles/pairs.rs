//! Pairs of bfloat16 in tiles: products, and weight gradients.

use super::{
    ROW_BYTES, SIDE, Shapes, release,
    sums::{Factors, Of, Sums},
};
use crate::kernels::{PANEL, Pair, Product, WeightGradient, transpose::transpose};

/// Bytes from one tile of a panel to the next.
const RIGHT_STEP: usize = SIDE * PANEL * size_of::<Pair>();

/// Pairs of rows that are transposed at a time: 16 KB of them.
const AHEAD: usize = 128;

/// Whether tiles can compute a product of pairs.
pub(in crate::kernels) fn suit(product: &Product<'_, Pair>) -> bool {
    let has_epilogue = product.bias.is_some() || product.rectify;
    product.depth > 0 && product.depth.is_multiple_of(SIDE) && !has_epilogue
}

/// A product of pairs; a row's sums do not depend on the rows beside it.
///
/// # Safety
///
/// Tiles are available, the product's lengths were checked, and it suits them.
pub(in crate::kernels) unsafe fn multiply_pairs(product: Product<'_, Pair>) {
    let Product {
        rows,
        depth,
        columns,
        row_stride,
        output_stride,
        ..
    } = product;
    let pair = size_of::<Pair>();
    let (input, weights) = (product.input.as_ptr(), product.weights.as_ptr());
    let output = product.output.as_mut_ptr();
    let full = rows / (2 * SIDE) * (2 * SIDE);
    for (from, to) in [(0, full), (full, rows)] {
        if from == to {
            continue;
        }
        let at_once = (to - from).min(2 * SIDE);
        // SAFETY: `Kernels::multiply` asserted that all rows and columns lie in their slices; the
        // blocks end where these end, of 32 rows or of all that are left.
        unsafe {
            Shapes::of_pairs(at_once).load();
            for column in (0..columns).step_by(PANEL) {
                for row in (from..to).step_by(at_once) {
                    let sums = Sums {
                        output: output.wrapping_add(row * output_stride + column).cast(),
                        stride: output_stride * size_of::<f32>(),
                        has_lower: at_once > SIDE,
                    };
                    sums.begin(product.accumulate);
                    sums.add(
                        Of::Pairs,
                        Factors {
                            steps: depth / SIDE,
                            left: input.wrapping_add(row * row_stride).cast(),
                            left_stride: row_stride * pair,
                            left_below: SIDE * row_stride * pair,
                            left_step: ROW_BYTES,
                            right: weights.wrapping_add(column * depth).cast(),
                            right_step: RIGHT_STEP,
                        },
                    );
                    sums.end();
                }
            }
        }
    }
    // SAFETY: tiles are available.
    unsafe { release() }
}

/// Whether tiles can compute a weight gradient of pairs.
pub(in crate::kernels) fn suit_gradient(gradient: &WeightGradient<'_, Pair>) -> bool {
    gradient.depth.is_multiple_of(2 * SIDE)
}

/// A weight gradient of pairs. Its left factor is transposed as it is read, 32 of its columns
/// at a time.
///
/// # Safety
///
/// Tiles and AVX-512F are available, the gradient's lengths were checked, and it suits them.
pub(in crate::kernels) unsafe fn weight_gradient(gradient: WeightGradient<'_, Pair>) {
    let WeightGradient {
        rows,
        depth,
        columns,
        row_stride,
        ..
    } = gradient;
    let mut turned = [Pair::default(); 2 * SIDE * AHEAD];
    let mut last = [Pair::default(); SIDE * PANEL];
    // SAFETY: tiles are available.
    unsafe { Shapes::of_pairs(2 * SIDE).load() }
    for start in (0..rows).step_by(AHEAD) {
        let rows_here = (rows - start).min(AHEAD);
        let (full, rest) = (rows_here / SIDE, rows_here % SIDE);
        for at in (0..depth).step_by(2 * SIDE) {
            // Of each sixteen pairs of rows, the first sixteen columns, then the others.
            for (number, tiles) in turned
                .chunks_exact_mut(2 * SIDE * SIDE)
                .take(rows_here.div_ceil(SIDE))
                .enumerate()
            {
                let first = start + number * SIDE;
                let count = (rows - first).min(SIDE);
                for (half, tile) in tiles.chunks_exact_mut(SIDE * SIDE).enumerate() {
                    let from = &gradient.input[first * row_stride + at + half * SIDE..];
                    // SAFETY: AVX-512F is available.
                    unsafe { transpose(from, row_stride, count, tile) }
                }
            }
            for column in (0..columns).step_by(PANEL) {
                let panel = &gradient.gradient[column * rows + start * PANEL..];
                let sums = Sums {
                    output: gradient.output[column * depth + at * PANEL..]
                        .as_mut_ptr()
                        .cast(),
                    stride: PANEL * size_of::<f32>(),
                    has_lower: true,
                };
                let factors = Factors {
                    steps: full,
                    left: turned.as_ptr().cast(),
                    left_stride: ROW_BYTES,
                    left_below: SIDE * ROW_BYTES,
                    left_step: 2 * SIDE * ROW_BYTES,
                    right: panel.as_ptr().cast(),
                    right_step: RIGHT_STEP,
                };
                // SAFETY: the left tiles lie in `turned`; of the panel, whole tiles are read where
                // they are and the rest where it is followed by zeros, as its left factors are;
                // `Kernels::weight_gradient` asserted that the output has all columns.
                unsafe {
                    sums.begin(gradient.accumulate || start > 0);
                    if full > 0 {
                        sums.add(Of::Pairs, factors);
                    }
                    if rest > 0 {
                        let (there, missing) = last.split_at_mut(rest * PANEL);
                        there.copy_from_slice(&panel[full * SIDE * PANEL..][..rest * PANEL]);
                        missing.fill(Pair::default());
                        sums.add(
                            Of::Pairs,
                            Factors {
                                steps: 1,
                                left: turned[full * 2 * SIDE * SIDE..].as_ptr().cast(),
                                right: last.as_ptr().cast(),
                                ..factors
                            },
                        );
                    }
                    sums.end();
                }
            }
        }
    }
    // SAFETY: tiles are available.
    unsafe { release() }
}
