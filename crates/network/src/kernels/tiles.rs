//! The processor's matrix unit (AMX): products of pairs and of bytes, a tile at a time.
//!
//! A tile is up to sixteen rows of 64 bytes. One instruction multiplies a tile of sixteen left
//! rows with a tile of right factors and adds all 256 sums, in the order of factors that packed
//! panels have already. There are no stable intrinsics, hence assembly; eight registers hold
//! tiles, and nothing but the code here uses them.
//!
//! `tmm0` and `tmm1` are the sums of sixteen rows by 32 columns, `tmm2` and `tmm3` those of the sixteen
//! rows below, `tmm4` and `tmm5` the rows, `tmm6` and `tmm7` the columns.

mod bytes;
mod pairs;
mod sums;

use std::{
    arch::{asm, x86_64::__cpuid_count},
    sync::OnceLock,
};

pub(super) use bytes::{ByteTiles, ROWS as BYTE_ROWS, end_bytes};
pub(super) use pairs::{multiply_pairs, suit, suit_gradient, weight_gradient};

use super::bytes::QUAD;

/// Rows of a tile, and factors of 32 bits in each.
pub(super) const SIDE: usize = 16;

/// Bytes of a row of a tile.
const ROW_BYTES: usize = 64;

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

    /// For sums of bytes of `rows` rows, 1 to 32, `step` left bytes of each at a time, 4 to 64.
    fn of_bytes(rows: usize, step: usize) -> Self {
        Self::of_pairs(rows)
            .row_bytes(&[4, 5], step)
            .rows(&[6, 7], step / QUAD)
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
