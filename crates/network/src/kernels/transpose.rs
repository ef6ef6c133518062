//! Squares of 32-bit values, rows made columns.

use std::arch::x86_64::{
    __m512i, _mm512_loadu_si512, _mm512_setzero_si512, _mm512_shuffle_i32x4, _mm512_storeu_si512,
    _mm512_unpackhi_epi32, _mm512_unpackhi_epi64, _mm512_unpacklo_epi32, _mm512_unpacklo_epi64,
};

use super::{Pair, tiles::SIDE};

/// Sixteen columns of `rows` rows, 1 to 16, as sixteen rows; rows that are missing are zeros.
///
/// # Safety
///
/// The processor has AVX-512F.
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn transpose(from: &[Pair], stride: usize, rows: usize, to: &mut [Pair]) {
    assert!((1..=SIDE).contains(&rows) && from.len() >= (rows - 1) * stride + SIDE);
    assert!(to.len() >= SIDE * SIDE);
    let mut square = [_mm512_setzero_si512(); SIDE];
    for (row, values) in square.iter_mut().enumerate().take(rows) {
        // SAFETY: the assertion found sixteen values of each row.
        *values = unsafe { _mm512_loadu_si512(from.as_ptr().add(row * stride).cast()) };
    }
    // Squares of four within each quarter of the registers, then the quarters themselves.
    let mut quarters = [_mm512_setzero_si512(); SIDE];
    for (group, rows) in square.chunks_exact(4).enumerate() {
        let low = [
            _mm512_unpacklo_epi32(rows[0], rows[1]),
            _mm512_unpacklo_epi32(rows[2], rows[3]),
        ];
        let high = [
            _mm512_unpackhi_epi32(rows[0], rows[1]),
            _mm512_unpackhi_epi32(rows[2], rows[3]),
        ];
        quarters[group * 4] = _mm512_unpacklo_epi64(low[0], low[1]);
        quarters[group * 4 + 1] = _mm512_unpackhi_epi64(low[0], low[1]);
        quarters[group * 4 + 2] = _mm512_unpacklo_epi64(high[0], high[1]);
        quarters[group * 4 + 3] = _mm512_unpackhi_epi64(high[0], high[1]);
    }
    for column in 0..4 {
        let [a, b, c, d]: [__m512i; 4] = std::array::from_fn(|group| quarters[group * 4 + column]);
        let (even_ab, odd_ab) = (
            _mm512_shuffle_i32x4::<0b10_00_10_00>(a, b),
            _mm512_shuffle_i32x4::<0b11_01_11_01>(a, b),
        );
        let (even_cd, odd_cd) = (
            _mm512_shuffle_i32x4::<0b10_00_10_00>(c, d),
            _mm512_shuffle_i32x4::<0b11_01_11_01>(c, d),
        );
        let done = [
            _mm512_shuffle_i32x4::<0b10_00_10_00>(even_ab, even_cd),
            _mm512_shuffle_i32x4::<0b10_00_10_00>(odd_ab, odd_cd),
            _mm512_shuffle_i32x4::<0b11_01_11_01>(even_ab, even_cd),
            _mm512_shuffle_i32x4::<0b11_01_11_01>(odd_ab, odd_cd),
        ];
        for (quarter, values) in done.into_iter().enumerate() {
            let row = quarter * 4 + column;
            // SAFETY: the assertion found room for sixteen rows of sixteen.
            unsafe { _mm512_storeu_si512(to.as_mut_ptr().add(row * SIDE).cast(), values) }
        }
    }
}
