//! Pairs of bfloat16 in tiles: products, and weight gradients.

use std::arch::asm;

use super::{ROW_BYTES, SIDE, Shapes, add_upper, release};
use crate::kernels::{PANEL, Pair, Product, QUAD, WeightGradient, transpose::transpose};

/// Pairs of rows that are transposed at a time: 16 KB of them.
const AHEAD: usize = 128;

/// Left tiles and a panel; all strides are in bytes.
#[derive(Clone, Copy)]
struct Factors {
    /// Tiles in the depth, not zero.
    steps: usize,
    left: *const u32,
    /// From a row of the left tile to the next.
    left_stride: usize,
    /// From the first sixteen rows to those below.
    left_below: usize,
    /// From one left tile of the depth to the next.
    left_step: usize,
    /// Rows of a panel.
    right: *const u32,
}

/// Where the sums of 32 columns go, and of how many tiles of rows they are.
#[derive(Clone, Copy)]
struct Sums {
    output: *mut f32,
    /// In bytes.
    stride: usize,
    has_lower: bool,
}

impl Sums {
    fn lower(self) -> *mut f32 {
        self.output.wrapping_byte_add(SIDE * self.stride)
    }

    /// Starts at what the output holds, or at zero.
    ///
    /// # Safety
    ///
    /// Tiles have the shapes of pairs; the output is valid.
    unsafe fn begin(self, accumulate: bool) {
        // SAFETY: by the caller.
        unsafe {
            if !accumulate {
                asm!(
                    "tilezero tmm0",
                    "tilezero tmm1",
                    "tilezero tmm2",
                    "tilezero tmm3",
                    options(nostack, nomem),
                );
                return;
            }
            asm!(
                "tileloadd tmm0, [{to} + {stride}]",
                "tileloadd tmm1, [{to} + {stride} + 64]",
                to = in(reg) self.output, stride = in(reg) self.stride,
                options(nostack, readonly),
            );
            if self.has_lower {
                asm!(
                    "tileloadd tmm2, [{to} + {stride}]",
                    "tileloadd tmm3, [{to} + {stride} + 64]",
                    to = in(reg) self.lower(), stride = in(reg) self.stride,
                    options(nostack, readonly),
                );
            }
        }
    }

    /// Adds products.
    ///
    /// # Safety
    ///
    /// As for [`Sums::begin`], which came first; the factors are valid.
    unsafe fn add(self, factors: Factors) {
        let Factors {
            steps,
            left,
            left_stride,
            left_below,
            left_step,
            right,
        } = factors;
        // SAFETY: by the caller.
        unsafe {
            if self.has_lower {
                asm!(
                    "2:",
                    "tileloadd tmm4, [{upper} + {stride}]",
                    "tileloadd tmm6, [{right} + {panel}]",
                    "tileloadd tmm7, [{right} + {panel} + 64]",
                    "tdpbf16ps tmm0, tmm4, tmm6",
                    "tdpbf16ps tmm1, tmm4, tmm7",
                    "tileloadd tmm5, [{lower} + {stride}]",
                    "tdpbf16ps tmm2, tmm5, tmm6",
                    "tdpbf16ps tmm3, tmm5, tmm7",
                    "add {upper}, {step}",
                    "add {lower}, {step}",
                    "add {right}, {down}",
                    "dec {steps}",
                    "jnz 2b",
                    steps = inout(reg) steps => _,
                    upper = inout(reg) left => _,
                    lower = inout(reg) left.wrapping_byte_add(left_below) => _,
                    right = inout(reg) right => _,
                    stride = in(reg) left_stride,
                    step = in(reg) left_step,
                    panel = in(reg) PANEL * QUAD,
                    down = in(reg) SIDE * PANEL * QUAD,
                    options(nostack, readonly),
                );
            } else {
                add_upper!("tdpbf16ps", steps, left, left_stride, left_step, right);
            }
        }
    }

    /// Leaves the sums in the output.
    ///
    /// # Safety
    ///
    /// As for [`Sums::begin`], which came first.
    unsafe fn end(self) {
        // SAFETY: by the caller.
        unsafe {
            asm!(
                "tilestored [{to} + {stride}], tmm0",
                "tilestored [{to} + {stride} + 64], tmm1",
                to = in(reg) self.output, stride = in(reg) self.stride,
                options(nostack),
            );
            if self.has_lower {
                asm!(
                    "tilestored [{to} + {stride}], tmm2",
                    "tilestored [{to} + {stride} + 64], tmm3",
                    to = in(reg) self.lower(), stride = in(reg) self.stride,
                    options(nostack),
                );
            }
        }
    }
}

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
                        output: output.wrapping_add(row * output_stride + column),
                        stride: output_stride * size_of::<f32>(),
                        has_lower: at_once > SIDE,
                    };
                    sums.begin(product.accumulate);
                    sums.add(Factors {
                        steps: depth / SIDE,
                        left: input.wrapping_add(row * row_stride).cast(),
                        left_stride: row_stride * pair,
                        left_below: SIDE * row_stride * pair,
                        left_step: ROW_BYTES,
                        right: weights.wrapping_add(column * depth).cast(),
                    });
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
                    output: gradient.output[column * depth + at * PANEL..].as_mut_ptr(),
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
                };
                // SAFETY: the left tiles lie in `turned`; of the panel, whole tiles are read where
                // they are and the rest where it is followed by zeros, as its left factors are;
                // `Kernels::weight_gradient` asserted that the output has all columns.
                unsafe {
                    sums.begin(gradient.accumulate || start > 0);
                    if full > 0 {
                        sums.add(factors);
                    }
                    if rest > 0 {
                        let (there, missing) = last.split_at_mut(rest * PANEL);
                        there.copy_from_slice(&panel[full * SIDE * PANEL..][..rest * PANEL]);
                        missing.fill(Pair::default());
                        sums.add(Factors {
                            steps: 1,
                            left: turned[full * 2 * SIDE * SIDE..].as_ptr().cast(),
                            right: last.as_ptr().cast(),
                            ..factors
                        });
                    }
                    sums.end();
                }
            }
        }
    }
    // SAFETY: tiles are available.
    unsafe { release() }
}
