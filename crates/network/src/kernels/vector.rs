//! Eight floats, or sixteen, or four: the one vocabulary all kernels are written in.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{
    __m256, __m512, _CMP_GT_OQ, _mm256_add_ps, _mm256_and_ps, _mm256_cmp_ps, _mm256_fmadd_ps,
    _mm256_loadu_ps, _mm256_max_ps, _mm256_set1_ps, _mm256_setzero_ps, _mm256_storeu_ps,
    _mm256_sub_ps, _mm512_add_ps, _mm512_cmp_ps_mask, _mm512_fmadd_ps, _mm512_loadu_ps,
    _mm512_maskz_mov_ps, _mm512_max_ps, _mm512_set1_ps, _mm512_setzero_ps, _mm512_storeu_ps,
    _mm512_sub_ps,
};

/// A register of floats.
///
/// # Safety
///
/// Every function needs a processor with the features of the type ([`Avx2`]: AVX2 and FMA,
/// [`Avx512`]: AVX-512F); `load` and `store` need `LANES` valid floats at the address.
pub(super) trait Vector: Copy {
    /// Floats held.
    const LANES: usize;
    /// The same value in every lane.
    unsafe fn splat(value: f32) -> Self;
    /// `LANES` floats from an address of any alignment.
    unsafe fn load(from: *const f32) -> Self;
    /// `LANES` floats to an address of any alignment.
    unsafe fn store(self, to: *mut f32);
    /// `self * factor + addend`, fused where the processor can.
    unsafe fn mul_add(self, factor: Self, addend: Self) -> Self;
    /// `self + other`.
    unsafe fn add(self, other: Self) -> Self;
    /// `self - other`.
    unsafe fn sub(self, other: Self) -> Self;
    /// The larger of both, lane by lane; `other` where one is no number.
    unsafe fn max(self, other: Self) -> Self;
    /// `self` where `gate` is above zero, else zero.
    unsafe fn where_positive(self, gate: Self) -> Self;
}

/// Four floats in plain Rust: the reference, and what other processors use.
#[derive(Clone, Copy)]
pub(super) struct Portable([f32; 4]);

/// Lane by lane, without a closure: closures would lose the caller's processor features.
macro_rules! lanes {
    ($lane:ident => $value:expr) => {
        Portable([
            {
                let $lane = 0;
                $value
            },
            {
                let $lane = 1;
                $value
            },
            {
                let $lane = 2;
                $value
            },
            {
                let $lane = 3;
                $value
            },
        ])
    };
}

impl Vector for Portable {
    const LANES: usize = 4;
    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Self([value; 4])
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller vouches for four floats; arrays of floats have their alignment.
        Self(unsafe { from.cast::<[f32; 4]>().read_unaligned() })
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller vouches for room for four floats.
        unsafe { to.cast::<[f32; 4]>().write_unaligned(self.0) }
    }
    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, addend: Self) -> Self {
        // `f32::mul_add` would call into libm where the target has no such instruction.
        lanes!(lane => self.0[lane] * factor.0[lane] + addend.0[lane])
    }
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        lanes!(lane => self.0[lane] + other.0[lane])
    }
    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        lanes!(lane => self.0[lane] - other.0[lane])
    }
    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        lanes!(lane => if self.0[lane] > other.0[lane] { self.0[lane] } else { other.0[lane] })
    }
    #[inline(always)]
    unsafe fn where_positive(self, gate: Self) -> Self {
        lanes!(lane => if gate.0[lane] > 0.0 { self.0[lane] } else { 0.0 })
    }
}

/// Both x86 vectors have the same shape and differ in names only.
#[cfg(target_arch = "x86_64")]
macro_rules! x86_vector {
    ($name:ident, $register:ty, $lanes:literal, $splat:ident, $load:ident, $store:ident,
     $fma:ident, $add:ident, $sub:ident, $max:ident, |$value:ident, $gate:ident| $select:expr) => {
        impl Vector for $name {
            const LANES: usize = $lanes;
            #[inline(always)]
            unsafe fn splat(value: f32) -> Self {
                // SAFETY: the caller vouches for the processor's features.
                Self(unsafe { $splat(value) })
            }
            #[inline(always)]
            unsafe fn load(from: *const f32) -> Self {
                // SAFETY: the caller vouches for the features and the floats read.
                Self(unsafe { $load(from) })
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut f32) {
                // SAFETY: the caller vouches for the features and the floats written.
                unsafe { $store(to, self.0) }
            }
            #[inline(always)]
            unsafe fn mul_add(self, factor: Self, addend: Self) -> Self {
                // SAFETY: the caller vouches for the processor's features.
                Self(unsafe { $fma(self.0, factor.0, addend.0) })
            }
            #[inline(always)]
            unsafe fn add(self, other: Self) -> Self {
                // SAFETY: the caller vouches for the processor's features.
                Self(unsafe { $add(self.0, other.0) })
            }
            #[inline(always)]
            unsafe fn sub(self, other: Self) -> Self {
                // SAFETY: the caller vouches for the processor's features.
                Self(unsafe { $sub(self.0, other.0) })
            }
            #[inline(always)]
            unsafe fn max(self, other: Self) -> Self {
                // SAFETY: the caller vouches for the processor's features.
                Self(unsafe { $max(self.0, other.0) })
            }
            #[inline(always)]
            unsafe fn where_positive(self, gate: Self) -> Self {
                let ($value, $gate) = (self.0, gate.0);
                // SAFETY: the caller vouches for the processor's features.
                Self(unsafe { $select })
            }
        }
    };
}

/// Eight floats; needs AVX2 and FMA.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub(super) struct Avx2(__m256);

#[cfg(target_arch = "x86_64")]
x86_vector!(
    Avx2,
    __m256,
    8,
    _mm256_set1_ps,
    _mm256_loadu_ps,
    _mm256_storeu_ps,
    _mm256_fmadd_ps,
    _mm256_add_ps,
    _mm256_sub_ps,
    _mm256_max_ps,
    |value, gate| _mm256_and_ps(
        value,
        _mm256_cmp_ps::<_CMP_GT_OQ>(gate, _mm256_setzero_ps())
    )
);

/// Sixteen floats; needs AVX-512F.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub(super) struct Avx512(__m512);

#[cfg(target_arch = "x86_64")]
x86_vector!(
    Avx512,
    __m512,
    16,
    _mm512_set1_ps,
    _mm512_loadu_ps,
    _mm512_storeu_ps,
    _mm512_fmadd_ps,
    _mm512_add_ps,
    _mm512_sub_ps,
    _mm512_max_ps,
    |value, gate| _mm512_maskz_mov_ps(
        _mm512_cmp_ps_mask::<_CMP_GT_OQ>(gate, _mm512_setzero_ps()),
        value
    )
);
