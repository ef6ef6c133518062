//! Vectors of int32 that add up products of bytes, and what becomes of their sums.
//!
//! All levels give the same bits: products and sums are exact, and each step of a float after them
//! is rounded by itself, never fused with the next.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{
    __m256i, __m512i, _mm_loadl_epi64, _mm_loadu_si128, _mm_storeu_si128, _mm256_add_epi32,
    _mm256_and_si256, _mm256_castsi256_si128, _mm256_cvtepi32_ps, _mm256_cvtepu8_epi32,
    _mm256_cvtps_epi32, _mm256_loadu_si256, _mm256_madd_epi16, _mm256_min_ps, _mm256_mul_ps,
    _mm256_packs_epi32, _mm256_packus_epi16, _mm256_permutevar8x32_epi32, _mm256_set1_epi16,
    _mm256_set1_epi32, _mm256_setr_epi32, _mm256_setzero_si256, _mm256_slli_epi16,
    _mm256_srai_epi16, _mm256_srli_epi16, _mm256_storeu_si256, _mm512_castsi512_si256,
    _mm512_cvtepi32_ps, _mm512_cvtepu8_epi32, _mm512_cvtps_epi32, _mm512_dpbusd_epi32,
    _mm512_loadu_si512, _mm512_min_ps, _mm512_mul_ps, _mm512_packs_epi32, _mm512_packus_epi16,
    _mm512_permutexvar_epi32, _mm512_set1_epi32, _mm512_setr_epi32, _mm512_setzero_si512,
};

#[cfg(target_arch = "x86_64")]
use super::vector::{Avx2, Avx512};
use super::vector::{Portable, Vector};

/// A register of int32.
///
/// # Safety
///
/// As for [`Vector`]; [`Vnni`] needs AVX512-VNNI too. `spread` needs four valid bytes at the
/// address, `load` four a lane.
pub(super) trait Integers: Copy {
    /// What sums become.
    type Floats: Rounded;
    /// Four factors from 0 to 255, the same in every lane.
    type Left: Copy;
    /// Four factors from -127 to 127 a lane.
    type Right: Copy;
    /// Zero in every lane.
    unsafe fn zero() -> Self;
    /// The four bytes at an address, in every lane.
    unsafe fn spread(from: *const u8) -> Self::Left;
    /// Four bytes a lane.
    unsafe fn load(from: *const i8) -> Self::Right;
    /// Adds, lane by lane, the four products.
    unsafe fn add_products(self, left: Self::Left, right: Self::Right) -> Self;
    /// To floats, rounded to the nearest.
    unsafe fn to_floats(self) -> Self::Floats;
}

/// Floats that come from bytes and become bytes.
///
/// # Safety
///
/// As for [`Vector`], of bytes instead of floats.
pub(super) trait Rounded: Vector {
    /// `self * other`, rounded.
    unsafe fn mul(self, other: Self) -> Self;
    /// `LANES` bytes.
    unsafe fn load_bytes(from: *const u8) -> Self;
    /// To the nearest of 0 to 255, of two the even one: `LANES` bytes of each.
    unsafe fn store_bytes(first: Self, second: Self, to: *mut u8);
}

/// Four sums in plain Rust.
#[derive(Clone, Copy)]
pub(super) struct PortableIntegers([i32; 4]);

impl Integers for PortableIntegers {
    type Floats = Portable;
    type Left = [u8; 4];
    type Right = [[i8; 4]; 4];
    #[inline(always)]
    unsafe fn zero() -> Self {
        Self([0; 4])
    }
    #[inline(always)]
    unsafe fn spread(from: *const u8) -> [u8; 4] {
        // SAFETY: the caller vouches for four bytes.
        unsafe { from.cast::<[u8; 4]>().read() }
    }
    #[inline(always)]
    unsafe fn load(from: *const i8) -> [[i8; 4]; 4] {
        // SAFETY: the caller vouches for sixteen bytes.
        unsafe { from.cast::<[[i8; 4]; 4]>().read() }
    }
    #[inline(always)]
    unsafe fn add_products(mut self, left: [u8; 4], right: [[i8; 4]; 4]) -> Self {
        for (sum, right) in self.0.iter_mut().zip(right) {
            for (left, right) in left.into_iter().zip(right) {
                *sum += i32::from(left) * i32::from(right);
            }
        }
        self
    }
    #[inline(always)]
    unsafe fn to_floats(self) -> Portable {
        Portable(self.0.map(|sum| sum as f32))
    }
}

impl Rounded for Portable {
    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        let [a, b] = [self.0, other.0];
        Self([a[0] * b[0], a[1] * b[1], a[2] * b[2], a[3] * b[3]])
    }
    #[inline(always)]
    unsafe fn load_bytes(from: *const u8) -> Self {
        // SAFETY: the caller vouches for four bytes.
        Self(unsafe { from.cast::<[u8; 4]>().read() }.map(f32::from))
    }
    #[inline(always)]
    unsafe fn store_bytes(first: Self, second: Self, to: *mut u8) {
        // Above 2^23 a float32 is a whole number: adding rounds, and the low bits are the result.
        const WHOLE: f32 = 12_582_912.0;
        let bytes = [first.0, second.0].map(|values| {
            values.map(|value| ((value.clamp(0.0, 255.0) + WHOLE).to_bits() & 0xFF) as u8)
        });
        // SAFETY: the caller vouches for room for eight bytes.
        unsafe { to.cast::<[[u8; 4]; 2]>().write(bytes) }
    }
}

/// Eight sums; needs AVX2.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub(super) struct Avx2Integers(__m256i);

/// Bytes 0 and 2, and 1 and 3, of each lane: this processor multiplies pairs of 16 bits, and its
/// products of bytes would be cut off at 16 bits.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub(super) struct EvenOdd([__m256i; 2]);

#[cfg(target_arch = "x86_64")]
impl Integers for Avx2Integers {
    type Floats = Avx2;
    type Left = EvenOdd;
    type Right = EvenOdd;
    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: the caller vouches for the processor's features.
        Self(unsafe { _mm256_setzero_si256() })
    }
    #[inline(always)]
    unsafe fn spread(from: *const u8) -> EvenOdd {
        // SAFETY: the caller vouches for the features and for four bytes.
        unsafe {
            let bytes = _mm256_set1_epi32(from.cast::<i32>().read_unaligned());
            let even = _mm256_and_si256(bytes, _mm256_set1_epi16(0xFF));
            EvenOdd([even, _mm256_srli_epi16::<8>(bytes)])
        }
    }
    #[inline(always)]
    unsafe fn load(from: *const i8) -> EvenOdd {
        // SAFETY: the caller vouches for the features and for 32 bytes.
        unsafe {
            let bytes = _mm256_loadu_si256(from.cast());
            let even = _mm256_srai_epi16::<8>(_mm256_slli_epi16::<8>(bytes));
            EvenOdd([even, _mm256_srai_epi16::<8>(bytes)])
        }
    }
    #[inline(always)]
    unsafe fn add_products(self, left: EvenOdd, right: EvenOdd) -> Self {
        // SAFETY: the caller vouches for the processor's features.
        unsafe {
            let even = _mm256_madd_epi16(left.0[0], right.0[0]);
            let odd = _mm256_madd_epi16(left.0[1], right.0[1]);
            Self(_mm256_add_epi32(self.0, _mm256_add_epi32(even, odd)))
        }
    }
    #[inline(always)]
    unsafe fn to_floats(self) -> Avx2 {
        // SAFETY: the caller vouches for the processor's features.
        Avx2(unsafe { _mm256_cvtepi32_ps(self.0) })
    }
}

#[cfg(target_arch = "x86_64")]
impl Rounded for Avx2 {
    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        // SAFETY: the caller vouches for the processor's features.
        Self(unsafe { _mm256_mul_ps(self.0, other.0) })
    }
    #[inline(always)]
    unsafe fn load_bytes(from: *const u8) -> Self {
        // SAFETY: the caller vouches for the features and for eight bytes.
        Self(unsafe { _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(from.cast()))) })
    }
    #[inline(always)]
    unsafe fn store_bytes(first: Self, second: Self, to: *mut u8) {
        // SAFETY: the caller vouches for the features and for room for sixteen bytes.
        unsafe {
            let most = Self::splat(255.0);
            let [first, second] =
                [first, second].map(|values| _mm256_cvtps_epi32(_mm256_min_ps(values.0, most.0)));
            // Both steps cut off what is below zero, in halves of a register: its fours come in the
            // order 0, 2, 1, 3 of first, second, first, second.
            let words = _mm256_packs_epi32(first, second);
            let bytes = _mm256_packus_epi16(words, words);
            let order = _mm256_setr_epi32(0, 4, 1, 5, 0, 4, 1, 5);
            let bytes = _mm256_permutevar8x32_epi32(bytes, order);
            _mm_storeu_si128(to.cast(), _mm256_castsi256_si128(bytes));
        }
    }
}

/// Sixteen sums; needs AVX-512F and AVX512-VNNI.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub(super) struct Vnni(__m512i);

#[cfg(target_arch = "x86_64")]
impl Integers for Vnni {
    type Floats = Avx512;
    type Left = __m512i;
    type Right = __m512i;
    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: the caller vouches for the processor's features.
        Self(unsafe { _mm512_setzero_si512() })
    }
    #[inline(always)]
    unsafe fn spread(from: *const u8) -> __m512i {
        // SAFETY: the caller vouches for the features and for four bytes.
        unsafe { _mm512_set1_epi32(from.cast::<i32>().read_unaligned()) }
    }
    #[inline(always)]
    unsafe fn load(from: *const i8) -> __m512i {
        // SAFETY: the caller vouches for the features and for 64 bytes.
        unsafe { _mm512_loadu_si512(from.cast()) }
    }
    #[inline(always)]
    unsafe fn add_products(self, left: __m512i, right: __m512i) -> Self {
        // SAFETY: the caller vouches for the processor's features.
        Self(unsafe { _mm512_dpbusd_epi32(self.0, left, right) })
    }
    #[inline(always)]
    unsafe fn to_floats(self) -> Avx512 {
        // SAFETY: the caller vouches for the processor's features.
        Avx512(unsafe { _mm512_cvtepi32_ps(self.0) })
    }
}

#[cfg(target_arch = "x86_64")]
impl Rounded for Avx512 {
    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        // SAFETY: the caller vouches for the processor's features.
        Self(unsafe { _mm512_mul_ps(self.0, other.0) })
    }
    #[inline(always)]
    unsafe fn load_bytes(from: *const u8) -> Self {
        // SAFETY: the caller vouches for the features and for sixteen bytes.
        Self(unsafe { _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(from.cast()))) })
    }
    #[inline(always)]
    unsafe fn store_bytes(first: Self, second: Self, to: *mut u8) {
        // SAFETY: the caller vouches for the features and for room for 32 bytes.
        unsafe {
            let most = Self::splat(255.0);
            let [first, second] =
                [first, second].map(|values| _mm512_cvtps_epi32(_mm512_min_ps(values.0, most.0)));
            let words = _mm512_packs_epi32(first, second);
            let bytes = _mm512_packus_epi16(words, words);
            let order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 0, 0, 0, 0, 0, 0, 0, 0);
            let bytes = _mm512_permutexvar_epi32(order, bytes);
            _mm256_storeu_si256(to.cast(), _mm512_castsi512_si256(bytes));
        }
    }
}
