//! Pairs of bfloat16: what products of half the precision multiply.
//!
//! A processor's bfloat16 instruction takes factors two by two and adds both products to a
//! float32. Two that follow each other in the sum therefore share 32 bits, the first in the
//! lower half.

#[cfg(target_arch = "x86_64")]
use super::vector::{Avx2, Avx512};
use super::{
    Kernels, PANEL, at_level,
    vector::{Portable, Vector},
};

/// Two numbers in bfloat16.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[repr(transparent)]
pub(crate) struct Pair(u32);

/// The bits of the nearest bfloat16, of two the even one, where a float32 has them.
#[inline(always)]
fn round(value: f32) -> u32 {
    const KEPT: u32 = 0xFFFF_0000;
    let bits = value.to_bits();
    let even = (bits >> 16) & 1;
    let rounded = bits.wrapping_add(0x7FFF + even) & KEPT;
    // What is no number stays none; adding might carry it to infinity or to zero.
    let is_number = bits & 0x7FFF_FFFF <= 0x7F80_0000;
    if is_number {
        rounded
    } else {
        (bits | 0x0040_0000) & KEPT
    }
}

impl Pair {
    #[inline(always)]
    fn new(first: f32, second: f32) -> Self {
        Self((round(first) >> 16) | round(second))
    }

    /// Both numbers.
    #[cfg(test)]
    pub(crate) fn numbers(self) -> [f32; 2] {
        [self.0 << 16, self.0 & 0xFFFF_0000].map(f32::from_bits)
    }
}

/// From floats to as many pairs.
#[derive(Debug)]
struct Pairing<'a> {
    from: &'a [f32],
    distance: usize,
    to: &'a mut [Pair],
}

impl Kernels {
    /// Each float with the one after it, once: a left factor of a product. Half as many pairs.
    pub(crate) fn pair_neighbours(self, from: &[f32], to: &mut [Pair]) {
        assert_eq!(from.len(), 2 * to.len(), "two floats a pair");
        let pairing = Pairing {
            from,
            distance: 1,
            to,
        };
        at_level!(self, neighbours(pairing): Pairing<'_>);
    }

    /// Each float with the one `distance` further, or with zero: the left factor of a weight
    /// gradient, whose sums go from row to row.
    pub(crate) fn pair_ahead(self, from: &[f32], distance: usize, to: &mut [Pair]) {
        assert_eq!(from.len(), to.len(), "a pair a float");
        let pairing = Pairing { from, distance, to };
        at_level!(self, ahead(pairing): Pairing<'_>);
    }

    /// The rows of a panel two by two, an odd last one with zeros: a right factor.
    pub(crate) fn pair_rows(self, from: &[f32], to: &mut [Pair]) {
        assert!(from.len().is_multiple_of(PANEL), "rows come in panels");
        assert_eq!(from.len().div_ceil(2 * PANEL) * PANEL, to.len());
        let pairing = Pairing {
            from,
            distance: PANEL,
            to,
        };
        at_level!(self, rows(pairing): Pairing<'_>);
    }
}

/// # Safety
///
/// None is needed: it is unsafe only as all kernels are.
#[inline(always)]
unsafe fn neighbours<V: Vector, const ROWS: usize, const PARTS: usize>(pairing: Pairing<'_>) {
    let (pairs, _) = pairing.from.as_chunks::<2>();
    for (pair, [first, second]) in pairing.to.iter_mut().zip(pairs) {
        *pair = Pair::new(*first, *second);
    }
}

/// # Safety
///
/// None is needed: it is unsafe only as all kernels are.
#[inline(always)]
unsafe fn ahead<V: Vector, const ROWS: usize, const PARTS: usize>(pairing: Pairing<'_>) {
    let Pairing { from, distance, to } = pairing;
    let split = from.len().saturating_sub(distance);
    let (with_next, without) = to.split_at_mut(split);
    let seconds = &from[from.len() - split..];
    for ((pair, first), second) in with_next.iter_mut().zip(from).zip(seconds) {
        *pair = Pair::new(*first, *second);
    }
    for (pair, first) in without.iter_mut().zip(&from[split..]) {
        *pair = Pair::new(*first, 0.0);
    }
}

/// # Safety
///
/// None is needed: it is unsafe only as all kernels are.
#[inline(always)]
unsafe fn rows<V: Vector, const ROWS: usize, const PARTS: usize>(pairing: Pairing<'_>) {
    let both = pairing.from.chunks(2 * PANEL);
    for (pairs, both) in pairing.to.chunks_exact_mut(PANEL).zip(both) {
        let (first, second) = both.split_at(PANEL);
        if second.is_empty() {
            for (pair, first) in pairs.iter_mut().zip(first) {
                *pair = Pair::new(*first, 0.0);
            }
        } else {
            for ((pair, first), second) in pairs.iter_mut().zip(first).zip(second) {
                *pair = Pair::new(*first, *second);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: f32, expected: u32) {
        assert_eq!(round(value), expected, "{value:e}");
    }

    #[test]
    fn a_float_goes_to_the_nearest_bfloat16_and_between_two_to_the_even_one() {
        check(1.0, 0x3F80_0000);
        check(f32::from_bits(0x3F80_8000), 0x3F80_0000);
        check(f32::from_bits(0x3F80_8001), 0x3F81_0000);
        check(f32::from_bits(0x3F81_8000), 0x3F82_0000);
        check(f32::from_bits(0xBF81_7FFF), 0xBF81_0000);
        check(f32::MAX, 0x7F80_0000);
        check(f32::NEG_INFINITY, 0xFF80_0000);
    }

    #[test]
    fn what_is_no_number_stays_none() {
        for bits in [0x7F80_0001, 0x7FFF_FFFF, 0xFF80_0001, 0xFFFF_FFFF] {
            assert!(f32::from_bits(round(f32::from_bits(bits))).is_nan());
        }
    }

    #[test]
    fn floats_are_paired_with_what_their_sums_add_next() {
        let from: Vec<f32> = (0..96_u8).map(f32::from).collect();
        for kernels in Kernels::available() {
            let mut pairs = vec![Pair::default(); 48];
            kernels.pair_neighbours(&from, &mut pairs);
            assert_eq!(pairs[0], Pair::new(0.0, 1.0));
            assert_eq!(pairs[47], Pair::new(94.0, 95.0));
            let mut pairs = vec![Pair::default(); 96];
            kernels.pair_ahead(&from, 32, &mut pairs);
            assert_eq!(pairs[63], Pair::new(63.0, 95.0));
            assert_eq!(pairs[64], Pair::new(64.0, 0.0));
            let mut pairs = vec![Pair::default(); 64];
            kernels.pair_rows(&from, &mut pairs);
            assert_eq!(pairs[31], Pair::new(31.0, 63.0));
            assert_eq!(pairs[63], Pair::new(95.0, 0.0));
        }
    }

    #[test]
    fn the_first_of_a_pair_is_in_the_lower_half() {
        assert_eq!(Pair::new(1.0, -2.0), Pair(0xC000_3F80));
    }
}
