//! Bytes in tiles: sums of products, exact.

use std::arch::asm;

use super::{ROW_BYTES, SIDE, Shapes, add_upper, release};
use crate::kernels::{PANEL, QUAD, integers::Vnni};

/// Makes tiles fit for [`sum_bytes`] of so many rows, 1 to 16.
///
/// # Safety
///
/// Tiles are available.
pub(in crate::kernels) unsafe fn begin_bytes(rows: usize, depth: usize) {
    // SAFETY: by the caller.
    unsafe { Shapes::of_bytes(rows, depth % ROW_BYTES).load() }
}

/// Ends what [`begin_bytes`] began.
///
/// # Safety
///
/// Tiles are available.
pub(in crate::kernels) unsafe fn end_bytes() {
    // SAFETY: by the caller.
    unsafe { release() }
}

/// Sums of 32 columns of products of bytes; `right` is a panel.
///
/// # Safety
///
/// Tiles were made fit for the rows and the depth; so many rows are at `left`, `row_stride` bytes
/// apart, and a panel of that depth at `right`.
#[inline(always)]
pub(in crate::kernels) unsafe fn sum_bytes(
    left: *const u8,
    row_stride: usize,
    right: *const i8,
    depth: usize,
    sums: &mut [[Vnni; 2]; SIDE],
) {
    let (steps, rest) = (depth / ROW_BYTES, depth % ROW_BYTES);
    // SAFETY: by the caller; what is left of the depth has tiles that end where it ends.
    unsafe {
        asm!("tilezero tmm0", "tilezero tmm1", options(nostack, nomem));
        if steps > 0 {
            add_upper!("tdpbusd", steps, left, row_stride, ROW_BYTES, right);
        }
        if rest > 0 {
            asm!(
                "tileloadd tmm5, [{left} + {stride}]",
                "tileloadd tmm2, [{right} + {panel}]",
                "tileloadd tmm3, [{right} + {panel} + 64]",
                "tdpbusd tmm0, tmm5, tmm2",
                "tdpbusd tmm1, tmm5, tmm3",
                left = in(reg) left.wrapping_add(steps * ROW_BYTES),
                right = in(reg) right.wrapping_add(steps * ROW_BYTES * PANEL),
                stride = in(reg) row_stride,
                panel = in(reg) PANEL * QUAD,
                options(nostack, readonly),
            );
        }
        asm!(
            "tilestored [{to} + {stride}], tmm0",
            "tilestored [{to} + {stride} + 64], tmm1",
            to = in(reg) sums.as_mut_ptr(),
            stride = in(reg) PANEL * size_of::<i32>(),
            options(nostack),
        );
    }
}
