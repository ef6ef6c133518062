//! The processor's matrix unit (AMX): products of pairs and of bytes, a tile at a time.
//!
//! A tile is up to sixteen rows of 64 bytes. One instruction multiplies a tile of sixteen left
//! rows with a tile of right factors and adds all 256 sums, in the order of factors that packed
//! panels have already. There are no stable intrinsics, hence assembly; eight registers hold
//! tiles, and nothing but the code here uses them.
//!
//! Tiles of pairs are `tmm0` to `tmm3` for the sums of 32 rows by 32 columns, `tmm4` and `tmm5`
//! for the rows, `tmm6` and `tmm7` for the columns. Of bytes, whose right factors are half as
//! large and stay near, sixteen rows are done at a time, and what is left of a depth that is no
//! multiple of 64 has smaller tiles of its own: `tmm0` and `tmm1` for the sums, `tmm2` and `tmm3`
//! for the rows, `tmm4` to `tmm7` for the columns.

use std::{
    arch::{asm, x86_64::__cpuid_count},
    sync::OnceLock,
};

use super::{PANEL, Pair, bytes::QUAD, integers::Vnni, transpose::transpose};

/// Rows of a tile, and factors of 32 bits in each.
pub(super) const SIDE: usize = 16;

/// Bytes of a row of a tile.
const ROW_BYTES: usize = 64;

/// Pairs of rows that are transposed at a time: 16 KB of them.
const AHEAD: usize = 128;

/// Whether the processor has tiles of bfloat16 and bytes, and this process may use them.
pub(super) fn are_available() -> bool {
    static AVAILABLE: OnceLock<bool> = OnceLock::new();
    *AVAILABLE.get_or_init(|| have_tiles() && may_use_tiles())
}

fn have_tiles() -> bool {
    const BFLOAT16: u32 = 1 << 22;
    const TILES: u32 = 1 << 24;
    const BYTES: u32 = 1 << 25;
    let all = BFLOAT16 | TILES | BYTES;
    __cpuid_count(0, 0).eax >= 7 && __cpuid_count(7, 0).edx & all == all
}

/// Asks the system to keep tiles when it switches threads; until then using them is a fault.
///
/// Source: Linux, Documentation/arch/x86/xstate.rst.
#[cfg(target_os = "linux")]
fn may_use_tiles() -> bool {
    const ARCH_PRCTL: i64 = 158;
    const REQUEST_PERMISSION: u64 = 0x1023;
    const TILE_DATA: u64 = 18;
    let refused: i64;
    // SAFETY: the call takes two numbers and touches no memory of this process; `rcx` and `r11`
    // are what every system call overwrites.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") ARCH_PRCTL => refused,
            in("rdi") REQUEST_PERMISSION,
            in("rsi") TILE_DATA,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    refused == 0
}

#[cfg(not(target_os = "linux"))]
fn may_use_tiles() -> bool {
    false
}

/// The shapes of all tiles, as the processor reads them.
#[repr(C, align(64))]
struct Shapes {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

impl Shapes {
    /// All eight of full size.
    fn full() -> Self {
        let mut shapes = Self {
            palette: 1,
            start_row: 0,
            reserved: [0; 14],
            row_bytes: [0; 16],
            rows: [0; 16],
        };
        shapes.row_bytes[..8].fill(ROW_BYTES as u16);
        shapes.rows[..8].fill(SIDE as u8);
        shapes
    }

    fn rows(mut self, tiles: &[usize], rows: usize) -> Self {
        for &tile in tiles {
            self.rows[tile] = rows as u8;
        }
        self
    }

    fn row_bytes(mut self, tiles: &[usize], bytes: usize) -> Self {
        for &tile in tiles {
            self.row_bytes[tile] = bytes as u16;
        }
        self
    }

    /// For sums of pairs of `rows` rows, 1 to 32.
    fn of_pairs(rows: usize) -> Self {
        let (upper, lower) = (rows.min(SIDE), rows.saturating_sub(SIDE).max(1));
        Self::full().rows(&[0, 1, 4], upper).rows(&[2, 3, 5], lower)
    }

    /// For sums of bytes of `rows` rows, 1 to 16, whose depth leaves `rest` behind the last 64.
    fn of_bytes(rows: usize, rest: usize) -> Self {
        let rest = rest.max(QUAD);
        Self::full()
            .rows(&[0, 1, 2, 3], rows)
            .row_bytes(&[3], rest)
            .rows(&[6, 7], rest / QUAD)
    }

    /// # Safety
    ///
    /// Tiles are available.
    unsafe fn load(&self) {
        // SAFETY: these are shapes that exist, 64 bytes of them.
        unsafe { asm!("ldtilecfg [{}]", in(reg) self, options(nostack, readonly)) }
    }
}

/// Frees the tiles, so that the system need not keep them.
///
/// # Safety
///
/// Tiles are available.
unsafe fn release() {
    // SAFETY: by the caller.
    unsafe { asm!("tilerelease", options(nostack, nomem)) }
}

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
                asm!(
                    "2:",
                    "tileloadd tmm4, [{upper} + {stride}]",
                    "tileloadd tmm6, [{right} + {panel}]",
                    "tileloadd tmm7, [{right} + {panel} + 64]",
                    "tdpbf16ps tmm0, tmm4, tmm6",
                    "tdpbf16ps tmm1, tmm4, tmm7",
                    "add {upper}, {step}",
                    "add {right}, {down}",
                    "dec {steps}",
                    "jnz 2b",
                    steps = inout(reg) steps => _,
                    upper = inout(reg) left => _,
                    right = inout(reg) right => _,
                    stride = in(reg) left_stride,
                    step = in(reg) left_step,
                    panel = in(reg) PANEL * QUAD,
                    down = in(reg) SIDE * PANEL * QUAD,
                    options(nostack, readonly),
                );
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
pub(super) fn suit(product: &super::Product<'_, Pair>) -> bool {
    let has_epilogue = product.bias.is_some() || product.rectify;
    product.depth > 0 && product.depth.is_multiple_of(SIDE) && !has_epilogue
}

/// A product of pairs; a row's sums do not depend on the rows beside it.
///
/// # Safety
///
/// Tiles are available, the product's lengths were checked, and it suits them.
pub(super) unsafe fn multiply_pairs(product: super::Product<'_, Pair>) {
    let super::Product {
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
pub(super) fn suit_gradient(gradient: &super::WeightGradient<'_, Pair>) -> bool {
    gradient.depth.is_multiple_of(2 * SIDE)
}

/// A weight gradient of pairs. Its left factor is transposed as it is read, 32 of its columns
/// at a time.
///
/// # Safety
///
/// Tiles and AVX-512F are available, the gradient's lengths were checked, and it suits them.
pub(super) unsafe fn weight_gradient(gradient: super::WeightGradient<'_, Pair>) {
    let super::WeightGradient {
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

/// Makes tiles fit for [`sum_bytes`] of so many rows, 1 to 16.
///
/// # Safety
///
/// Tiles are available.
pub(super) unsafe fn begin_bytes(rows: usize, depth: usize) {
    // SAFETY: by the caller.
    unsafe { Shapes::of_bytes(rows, depth % ROW_BYTES).load() }
}

/// Ends what [`begin_bytes`] began.
///
/// # Safety
///
/// Tiles are available.
pub(super) unsafe fn end_bytes() {
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
pub(super) unsafe fn sum_bytes(
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
            asm!(
                "2:",
                "tileloadd tmm2, [{left} + {stride}]",
                "tileloadd tmm4, [{right} + {panel}]",
                "tileloadd tmm5, [{right} + {panel} + 64]",
                "tdpbusd tmm0, tmm2, tmm4",
                "tdpbusd tmm1, tmm2, tmm5",
                "add {left}, 64",
                "add {right}, {down}",
                "dec {steps}",
                "jnz 2b",
                steps = inout(reg) steps => _,
                left = inout(reg) left => _,
                right = inout(reg) right => _,
                stride = in(reg) row_stride,
                panel = in(reg) PANEL * QUAD,
                down = in(reg) SIDE * PANEL * QUAD,
                options(nostack, readonly),
            );
        }
        if rest > 0 {
            asm!(
                "tileloadd tmm3, [{left} + {stride}]",
                "tileloadd tmm6, [{right} + {panel}]",
                "tileloadd tmm7, [{right} + {panel} + 64]",
                "tdpbusd tmm0, tmm3, tmm6",
                "tdpbusd tmm1, tmm3, tmm7",
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
