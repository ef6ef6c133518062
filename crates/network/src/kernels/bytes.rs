//! Matrix products of bytes over packed panels: convolutions in int8.

use super::{
    Kernels, PANEL,
    integers::{Integers, PortableIntegers, Rounded},
    vector::Vector,
};
#[cfg(target_arch = "x86_64")]
use super::{
    integers::{Avx2Integers, Vnni},
    tiles,
};

/// Bytes multiplied at once; a product's depth is a multiple of it.
pub(crate) const QUAD: usize = 4;

/// `output = input[rows, depth] * weights[depth, columns] * scale + shift + addend`, of which the
/// product is exact.
///
/// The rows of `input` start `row_stride` bytes apart and may overlap, as those of
/// [`super::Product`]. Outputs and addends have no gaps between their rows.
#[derive(Debug)]
pub(crate) struct ByteProduct<'a> {
    /// Rows of the output.
    pub(crate) rows: usize,
    /// Inputs per output, a multiple of [`QUAD`].
    pub(crate) depth: usize,
    /// Columns of the output, a multiple of [`PANEL`].
    pub(crate) columns: usize,
    /// The left factor.
    pub(crate) input: &'a [u8],
    /// Bytes from one row of the input to the next.
    pub(crate) row_stride: usize,
    /// The right factor, `[columns / PANEL, depth / QUAD, PANEL, QUAD]`, none below -127.
    pub(crate) weights: &'a [i8],
    /// `[columns]`.
    pub(crate) scale: &'a [f32],
    /// `[columns]`.
    pub(crate) shift: &'a [f32],
    /// What is added at the end.
    pub(crate) addend: Addend<'a>,
    /// Where the result goes.
    pub(crate) output: Output<'a>,
}

/// What is added to a product.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Addend<'a> {
    /// Nothing.
    None,
    /// Bytes `[rows, columns]`, each as many times as the second says.
    Bytes(&'a [u8], f32),
    /// Floats `[rows, columns]`.
    Floats(&'a [f32]),
}

/// What becomes of a product.
#[derive(Debug)]
pub(crate) enum Output<'a> {
    /// The nearest of 0 to 255, which rectifies too: `[rows, columns]`.
    Bytes(&'a mut [u8]),
    /// As it is: `[rows, columns]`.
    Floats(&'a mut [f32]),
    /// What is below zero replaced by zero: `[rows, columns]`.
    Rectified(&'a mut [f32]),
}

impl Output<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Bytes(values) => values.len(),
            Self::Floats(values) | Self::Rectified(values) => values.len(),
        }
    }
}

impl Kernels {
    /// Computes a [`ByteProduct`]: the same bits at every level.
    pub(crate) fn multiply_bytes(self, product: ByteProduct<'_>) {
        let ByteProduct {
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
        let is_in_fours = depth > 0 && depth.is_multiple_of(QUAD);
        assert!(is_in_fours, "inputs come in fours");
        assert!(product.input.len() >= (rows - 1) * product.row_stride + depth);
        assert!(product.weights.len() >= columns * depth);
        assert!(product.scale.len() >= columns && product.shift.len() >= columns);
        assert!(product.output.len() >= rows * columns);
        let added = match product.addend {
            Addend::None => usize::MAX,
            Addend::Bytes(values, _) => values.len(),
            Addend::Floats(values) => values.len(),
        };
        assert!(added >= rows * columns);
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Amx => {
                assert!(self.is_available(), "no AMX here");
                // SAFETY: the line above found the features; the product was checked.
                unsafe { multiply_in_tiles(product) }
            }
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 if has_vnni() => {
                #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
                fn run(product: ByteProduct<'_>) {
                    // SAFETY: this function has the features; the product was checked.
                    unsafe { multiply::<Vnni, 14>(product) }
                }
                assert!(Self::Avx512.is_available(), "no AVX-512 here");
                // SAFETY: the line above and the arm found the features.
                unsafe { run(product) }
            }
            // Processors with AVX-512 have AVX2.
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 | Self::Avx512 => {
                #[target_feature(enable = "avx2,fma")]
                fn run(product: ByteProduct<'_>) {
                    // SAFETY: this function has the features; the product was checked.
                    unsafe { multiply::<Avx2Integers, 4>(product) }
                }
                assert!(Self::Avx2.is_available(), "no AVX2 here");
                // SAFETY: the line above found the features.
                unsafe { run(product) }
            }
            // SAFETY: plain Rust needs no features; the product was checked.
            _ => unsafe { multiply::<PortableIntegers, 4>(product) },
        }
    }
}

/// Whether the processor multiplies bytes in vectors of 512 bits.
#[cfg(target_arch = "x86_64")]
pub(super) fn has_vnni() -> bool {
    is_x86_feature_detected!("avx512vnni") && is_x86_feature_detected!("avx512bw")
}

/// Some rows of a pair of vectors' columns, small enough for the registers.
#[derive(Clone, Copy)]
struct Tile {
    /// Fours of products summed per output.
    steps: usize,
    left: *const u8,
    row_stride: usize,
    right: *const i8,
    scale: *const f32,
    shift: *const f32,
    /// What is added, or null.
    bytes: *const u8,
    times: f32,
    /// The same in floats, or null.
    floats: *const f32,
    /// One of the two is null.
    to_bytes: *mut u8,
    to_floats: *mut f32,
    /// The smallest float stored.
    floor: f32,
    columns: usize,
}

impl Tile {
    /// The tile so many rows below; null stays null.
    fn below(mut self, rows: usize) -> Self {
        let values = rows * self.columns;
        self.left = self.left.wrapping_add(rows * self.row_stride);
        self.shift_outputs(values);
        self
    }

    /// The tile so many columns further, a multiple of half a panel.
    fn beside(mut self, columns: usize) -> Self {
        let (panel, within) = (columns / PANEL, columns % PANEL);
        let right = panel * self.steps * PANEL + within;
        self.right = self.right.wrapping_add(right * QUAD);
        self.scale = self.scale.wrapping_add(columns);
        self.shift = self.shift.wrapping_add(columns);
        self.shift_outputs(columns);
        self
    }

    /// Outputs and addends so many values on.
    fn shift_outputs(&mut self, values: usize) {
        if !self.bytes.is_null() {
            self.bytes = self.bytes.wrapping_add(values);
        }
        if !self.floats.is_null() {
            self.floats = self.floats.wrapping_add(values);
        }
        if self.to_bytes.is_null() {
            self.to_floats = self.to_floats.wrapping_add(values);
        } else {
            self.to_bytes = self.to_bytes.wrapping_add(values);
        }
    }
}

/// # Safety
///
/// The processor has the features of `V`; all addresses that the tile names are valid.
#[expect(
    clippy::needless_range_loop,
    reason = "the sums stay in registers only where plain indices are unrolled"
)]
#[inline(always)]
unsafe fn tile<V: Integers, const ROWS: usize, const STRIDE: usize>(tile: Tile) {
    let stride = if STRIDE == 0 { tile.row_stride } else { STRIDE };
    let lanes = V::Floats::LANES;
    let (mut left, mut right) = (tile.left, tile.right);
    // SAFETY: the caller vouches for the features and for every address of the tile: `ROWS` rows
    // of `steps` fours on the left, `steps` pairs of vectors on the right, a pair of scales and
    // shifts, `ROWS` pairs in addend and output.
    unsafe {
        let mut sums = [[V::zero(); 2]; ROWS];
        for _ in 0..tile.steps {
            let first = V::load(right);
            let second = V::load(right.add(lanes * QUAD));
            for row in 0..ROWS {
                let factor = V::spread(left.add(row * stride));
                sums[row][0] = sums[row][0].add_products(factor, first);
                sums[row][1] = sums[row][1].add_products(factor, second);
            }
            left = left.add(QUAD);
            right = right.add(PANEL * QUAD);
        }
        // The epilogue is a loop that is not unrolled and wants its sums in memory. Without a copy
        // of their own there, which the optimiser must not see through, each step above would
        // store them too.
        let mut done = [[V::zero(); 2]; ROWS];
        for row in 0..ROWS {
            done[row][0] = sums[row][0];
            done[row][1] = sums[row][1];
        }
        finish(tile, std::hint::black_box(&done));
    }
}

/// What becomes of the sums of some rows.
///
/// # Safety
///
/// As for [`tile`], of as many rows as there are sums.
#[inline(always)]
unsafe fn finish<V: Integers>(tile: Tile, sums: &[[V; 2]]) {
    let lanes = V::Floats::LANES;
    // SAFETY: the caller vouches for the features and for every address of the tile.
    unsafe {
        let floor = V::Floats::splat(tile.floor);
        let times = V::Floats::splat(tile.times);
        let halves = |from: *const f32| [V::Floats::load(from), V::Floats::load(from.add(lanes))];
        let (scale, shift) = (halves(tile.scale), halves(tile.shift));
        for (row, sums) in sums.iter().enumerate() {
            let place = row * tile.columns;
            let mut values = [0, 1].map(|half| {
                let value = sums[half].to_floats();
                value.mul(scale[half]).add(shift[half])
            });
            if !tile.bytes.is_null() {
                let from = tile.bytes.add(place);
                let bytes = [from, from.add(lanes)].map(|from| V::Floats::load_bytes(from));
                values = [0, 1].map(|half| values[half].add(bytes[half].mul(times)));
            }
            if !tile.floats.is_null() {
                let floats = halves(tile.floats.add(place));
                values = [0, 1].map(|half| values[half].add(floats[half]));
            }
            let [first, second] = values;
            if tile.to_bytes.is_null() {
                let to = tile.to_floats.add(place);
                floor.max(first).store(to);
                floor.max(second).store(to.add(lanes));
            } else {
                V::Floats::store_bytes(first, second, tile.to_bytes.add(place));
            }
        }
    }
}

/// All rows of one pair of vectors' columns, in tiles of `ROWS`, then of one.
///
/// # Safety
///
/// As for [`tile`], for `rows` rows.
#[inline(always)]
unsafe fn stripe<V: Integers, const ROWS: usize, const STRIDE: usize>(mut next: Tile, rows: usize) {
    let mut left = rows;
    // SAFETY: each turn covers rows not yet covered, and ends at `rows`.
    unsafe {
        while left >= ROWS {
            tile::<V, ROWS, STRIDE>(next);
            next = next.below(ROWS);
            left -= ROWS;
        }
        while left > 0 {
            tile::<V, 1, 0>(next);
            next = next.below(1);
            left -= 1;
        }
    }
}

/// The first rows of the first columns.
fn first_tile(product: ByteProduct<'_>) -> Tile {
    let (bytes, times, floats) = match product.addend {
        Addend::None => (std::ptr::null(), 0.0, std::ptr::null()),
        Addend::Bytes(values, times) => (values.as_ptr(), times, std::ptr::null()),
        Addend::Floats(values) => (std::ptr::null(), 0.0, values.as_ptr()),
    };
    let (to_bytes, to_floats, floor) = match product.output {
        Output::Bytes(values) => (values.as_mut_ptr(), std::ptr::null_mut(), 0.0),
        Output::Floats(values) => (std::ptr::null_mut(), values.as_mut_ptr(), f32::NEG_INFINITY),
        Output::Rectified(values) => (std::ptr::null_mut(), values.as_mut_ptr(), 0.0),
    };
    Tile {
        steps: product.depth / QUAD,
        left: product.input.as_ptr(),
        row_stride: product.row_stride,
        right: product.weights.as_ptr(),
        scale: product.scale.as_ptr(),
        shift: product.shift.as_ptr(),
        bytes,
        times,
        floats,
        to_bytes,
        to_floats,
        floor,
        columns: product.columns,
    }
}

/// # Safety
///
/// The processor has the features of `V`; the product's lengths were checked.
#[inline(always)]
unsafe fn multiply<V: Integers, const ROWS: usize>(product: ByteProduct<'_>) {
    let (rows, row_stride) = (product.rows, product.row_stride);
    let first = first_tile(product);
    for column in (0..first.columns).step_by(2 * V::Floats::LANES) {
        let next = first.beside(column);
        // SAFETY: `Kernels::multiply_bytes` asserted that all rows and columns lie in their slices;
        // the const arms repeat the row stride they match.
        unsafe {
            match row_stride {
                32 => stripe::<V, ROWS, 32>(next, rows),
                64 => stripe::<V, ROWS, 64>(next, rows),
                128 => stripe::<V, ROWS, 128>(next, rows),
                256 => stripe::<V, ROWS, 256>(next, rows),
                _ => stripe::<V, ROWS, 0>(next, rows),
            }
        }
    }
}

/// # Safety
///
/// Tiles, AVX-512F and AVX512-VNNI are available; the product's lengths were checked.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
unsafe fn multiply_in_tiles(product: ByteProduct<'_>) {
    let (rows, depth) = (product.rows, product.depth);
    let first = first_tile(product);
    // SAFETY: the caller vouches for the features.
    let mut sums = [[unsafe { Vnni::zero() }; 2]; tiles::BYTE_ROWS];
    // As few blocks as can be, of almost equal height: the first `higher` have a row more.
    let blocks = rows.div_ceil(tiles::BYTE_ROWS);
    let (lower, higher) = (rows / blocks, rows % blocks);
    let border = higher * (lower + 1);
    for (height, from, to) in [(lower + 1, 0, border), (lower, border, rows)] {
        if from == to {
            continue;
        }
        // SAFETY: the caller vouches for the features; `Kernels::multiply_bytes` asserted that all
        // rows and columns lie in their slices, and the blocks end at `to`.
        unsafe {
            let tiles = tiles::ByteTiles::begin(height, depth);
            for column in (0..first.columns).step_by(PANEL) {
                let next = first.beside(column);
                for row in (from..to).step_by(height) {
                    let next = next.below(row);
                    tiles.sum(next.left, next.row_stride, next.right, &mut sums);
                    finish(next, &sums[..height]);
                }
            }
        }
    }
    // SAFETY: the caller vouches for the features.
    unsafe { tiles::end_bytes() }
}
