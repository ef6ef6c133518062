//! Bytes in tiles: sums of products, exact.

use super::{
    ROW_BYTES, SIDE, Shapes, release,
    sums::{Factors, Of, Sums},
};
use crate::kernels::{PANEL, QUAD, integers::Vnni};

/// Rows whose sums are made at once, at most.
pub(in crate::kernels) const ROWS: usize = 2 * SIDE;

/// Left bytes of a tile, of a depth that is a multiple of [`QUAD`] and not zero: the most that divide it,
/// so that nothing is left over. A product takes as long of few bytes as of many.
fn step_of(depth: usize) -> usize {
    let mut steps = depth.div_ceil(ROW_BYTES);
    while !depth.is_multiple_of(steps * QUAD) {
        steps += 1;
    }
    depth / steps
}

/// Tiles fit for sums of bytes of one height and depth.
#[derive(Debug, Clone, Copy)]
pub(in crate::kernels) struct ByteTiles {
    has_lower: bool,
    steps: usize,
    /// Left bytes of a step.
    step: usize,
}

impl ByteTiles {
    /// Makes tiles fit for so many rows, 1 to [`ROWS`].
    ///
    /// # Safety
    ///
    /// Tiles are available.
    pub(in crate::kernels) unsafe fn begin(rows: usize, depth: usize) -> Self {
        let step = step_of(depth);
        // SAFETY: by the caller.
        unsafe { Shapes::of_bytes(rows, step).load() }
        Self {
            has_lower: rows > SIDE,
            steps: depth / step,
            step,
        }
    }

    /// Sums of 32 columns of products of bytes; `right` is a panel.
    ///
    /// # Safety
    ///
    /// These are the tiles that were made last; so many rows are at `left`, `row_stride` bytes
    /// apart, and a panel of that depth at `right`.
    #[inline(always)]
    pub(in crate::kernels) unsafe fn sum(
        self,
        left: *const u8,
        row_stride: usize,
        right: *const i8,
        to: &mut [[Vnni; 2]; ROWS],
    ) {
        let sums = Sums {
            output: to.as_mut_ptr().cast(),
            stride: PANEL * size_of::<i32>(),
            has_lower: self.has_lower,
        };
        let factors = Factors {
            steps: self.steps,
            left,
            left_stride: row_stride,
            left_below: SIDE * row_stride,
            left_step: self.step,
            right: right.cast(),
            right_step: self.step * PANEL,
        };
        // SAFETY: by the caller; the steps end where the depth ends.
        unsafe {
            sums.begin(false);
            sums.add(Of::Bytes, factors);
            sums.end();
        }
    }
}

/// Frees the tiles.
///
/// # Safety
///
/// Tiles are available.
pub(in crate::kernels) unsafe fn end_bytes() {
    // SAFETY: by the caller.
    unsafe { release() }
}
