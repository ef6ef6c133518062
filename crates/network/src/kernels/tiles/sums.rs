//! Sums of products in tiles, up to 32 rows by 32 columns of them.

use std::arch::asm;

use super::SIDE;
use crate::kernels::{PANEL, QUAD};

/// What is multiplied.
#[derive(Debug, Clone, Copy)]
pub(super) enum Of {
    /// Pairs of bfloat16, to sums in float32.
    Pairs,
    /// Fours of bytes, to sums in int32.
    Bytes,
}

/// Adds the products of sixteen rows and 32 columns to `tmm0` and `tmm1`, one tile of the depth after
/// another; `lower` are instructions for as many rows below, which are added to `tmm2` and `tmm3`: four sums
/// that do not wait for one another, and columns that are loaded once.
macro_rules! add_products {
    ($multiply:literal, $factors:expr, lower: [$($lower:expr),*]) => {
        asm!(
            "2:",
            "tileloadd tmm4, [{upper} + {stride}]",
            "tileloadd tmm6, [{right} + {panel}]",
            concat!($multiply, " tmm0, tmm4, tmm6"),
            "tileloadd tmm7, [{right} + {panel} + 64]",
            concat!($multiply, " tmm1, tmm4, tmm7"),
            $($lower,)*
            "add {upper}, {step}",
            "add {lower}, {step}",
            "add {right}, {down}",
            "dec {steps}",
            "jnz 2b",
            steps = inout(reg) $factors.steps => _,
            upper = inout(reg) $factors.left => _,
            lower = inout(reg) $factors.left.wrapping_add($factors.left_below) => _,
            right = inout(reg) $factors.right => _,
            stride = in(reg) $factors.left_stride,
            step = in(reg) $factors.left_step,
            panel = in(reg) PANEL * QUAD,
            down = in(reg) $factors.right_step,
            options(nostack, readonly),
        )
    };
    ($multiply:literal, $factors:expr, both) => {
        add_products!($multiply, $factors, lower: [
            "tileloadd tmm5, [{lower} + {stride}]",
            concat!($multiply, " tmm2, tmm5, tmm6"),
            concat!($multiply, " tmm3, tmm5, tmm7")
        ])
    };
    ($multiply:literal, $factors:expr, upper) => {
        add_products!($multiply, $factors, lower: [])
    };
}

/// Left tiles and a panel; all strides are in bytes.
#[derive(Clone, Copy)]
pub(super) struct Factors {
    /// Tiles in the depth, not zero.
    pub(super) steps: usize,
    pub(super) left: *const u8,
    /// From a row of the left tile to the next.
    pub(super) left_stride: usize,
    /// From the first sixteen rows to those below.
    pub(super) left_below: usize,
    /// From one left tile of the depth to the next.
    pub(super) left_step: usize,
    /// Rows of a panel.
    pub(super) right: *const u8,
    /// From one tile of the panel to the next.
    pub(super) right_step: usize,
}

/// Where the sums of 32 columns go, and of how many tiles of rows they are.
#[derive(Clone, Copy)]
pub(super) struct Sums {
    pub(super) output: *mut u8,
    /// In bytes.
    pub(super) stride: usize,
    pub(super) has_lower: bool,
}

impl Sums {
    fn lower(self) -> *mut u8 {
        self.output.wrapping_add(SIDE * self.stride)
    }

    /// Starts at what the output holds, or at zero.
    ///
    /// # Safety
    ///
    /// Tiles have the shapes of the sums' rows; the output is valid.
    #[inline(always)]
    pub(super) unsafe fn begin(self, accumulate: bool) {
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
    #[inline(always)]
    pub(super) unsafe fn add(self, of: Of, factors: Factors) {
        // SAFETY: by the caller.
        unsafe {
            match (of, self.has_lower) {
                (Of::Pairs, true) => add_products!("tdpbf16ps", factors, both),
                (Of::Pairs, false) => add_products!("tdpbf16ps", factors, upper),
                (Of::Bytes, true) => add_products!("tdpbusd", factors, both),
                (Of::Bytes, false) => add_products!("tdpbusd", factors, upper),
            }
        }
    }

    /// Leaves the sums in the output.
    ///
    /// # Safety
    ///
    /// As for [`Sums::begin`], which came first.
    #[inline(always)]
    pub(super) unsafe fn end(self) {
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
