//! Eight floats, or sixteen, or four: the one vocabulary all kernels are written in.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{
    __m256, __m512, __m512bh, _CMP_GT_OQ, _mm256_add_ps, _mm256_and_ps, _mm256_castps_si256,
    _mm256_castsi256_ps, _mm256_cmp_ps, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_max_ps,
    _mm256_set1_epi32, _mm256_set1_ps, _mm256_setzero_ps, _mm256_slli_epi32, _mm256_storeu_ps,
    _mm256_sub_ps, _mm512_add_ps, _mm512_cmp_ps_mask, _mm512_dpbf16_ps, _mm512_fmadd_ps,
    _mm512_loadu_ps, _mm512_maskz_mov_ps, _mm512_max_ps, _mm512_set1_ps, _mm512_setzero_ps,
    _mm512_storeu_ps, _mm512_sub_ps,
};

use super::pairs::Pair;

/// A register of floats.
///
/// # Safety
///
/// Every function needs a processor with the features of the type ([`Avx2`]: AVX2 and FMA,
/// [`Avx512`]: AVX-512F, [`Avx512Bf16`]: AVX512-BF16 too); `load` and `store` need `LANES` valid floats at the address.
pub(super) trait Vector: Copy {
    /// What a product multiplies: floats, or [`Pair`]s, which are loaded and spread as the
    /// floats of the same bits.
    type Factor;
    /// Floats held.
    const LANES: usize;
    /// The same value in every lane.
    unsafe fn splat(value: f32) -> Self;
    /// `LANES` floats from an address of any alignment.
    unsafe fn load(from: *const f32) -> Self;
    /// `LANES` floats to an address of any alignment.
    unsafe fn store(self, to: *mut f32);
    /// `self * factor + addend`, fused where the processor can; of pairs, both products.
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
pub(super) struct Portable(pub(super) [f32; 4]);

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
    type Factor = f32;
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
            type Factor = f32;
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
pub(super) struct Avx2(pub(super) __m256);

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
pub(super) struct Avx512(pub(super) __m512);

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

/// A vector as pairs of bfloat16, of which either is a float32 once the other is gone.
///
/// # Safety
///
/// As for [`Vector`].
pub(super) trait Halves: Vector {
    /// The first of each pair.
    unsafe fn first(self) -> Self;
    /// The second of each pair.
    unsafe fn second(self) -> Self;
}

impl Halves for Portable {
    #[inline(always)]
    unsafe fn first(self) -> Self {
        lanes!(lane => f32::from_bits(self.0[lane].to_bits() << 16))
    }
    #[inline(always)]
    unsafe fn second(self) -> Self {
        lanes!(lane => f32::from_bits(self.0[lane].to_bits() & 0xFFFF_0000))
    }
}

#[cfg(target_arch = "x86_64")]
impl Halves for Avx2 {
    #[inline(always)]
    unsafe fn first(self) -> Self {
        // SAFETY: the caller vouches for the processor's features.
        unsafe {
            let bits = _mm256_slli_epi32::<16>(_mm256_castps_si256(self.0));
            Self(_mm256_castsi256_ps(bits))
        }
    }
    #[inline(always)]
    unsafe fn second(self) -> Self {
        // SAFETY: the caller vouches for the processor's features.
        unsafe {
            let kept = _mm256_castsi256_ps(_mm256_set1_epi32(0xFFFF_0000_u32.cast_signed()));
            Self(_mm256_and_ps(self.0, kept))
        }
    }
}

/// All but the products, as the vector inside does it.
macro_rules! sums_as_inside {
    ($inside:ty) => {
        type Factor = Pair;
        const LANES: usize = <$inside>::LANES;
        #[inline(always)]
        unsafe fn splat(value: f32) -> Self {
            // SAFETY: the caller vouches for the same.
            Self(unsafe { <$inside>::splat(value) })
        }
        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            // SAFETY: the caller vouches for the same.
            Self(unsafe { <$inside>::load(from) })
        }
        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            // SAFETY: the caller vouches for the same.
            unsafe { self.0.store(to) }
        }
        #[inline(always)]
        unsafe fn add(self, other: Self) -> Self {
            // SAFETY: the caller vouches for the same.
            Self(unsafe { self.0.add(other.0) })
        }
        #[inline(always)]
        unsafe fn sub(self, other: Self) -> Self {
            // SAFETY: the caller vouches for the same.
            Self(unsafe { self.0.sub(other.0) })
        }
        #[inline(always)]
        unsafe fn max(self, other: Self) -> Self {
            // SAFETY: the caller vouches for the same.
            Self(unsafe { self.0.max(other.0) })
        }
        #[inline(always)]
        unsafe fn where_positive(self, gate: Self) -> Self {
            // SAFETY: the caller vouches for the same.
            Self(unsafe { self.0.where_positive(gate.0) })
        }
    };
}

/// Products of pairs taken apart, for processors that have no instruction for them.
#[derive(Clone, Copy)]
pub(super) struct Paired<V>(V);

impl<V: Halves> Vector for Paired<V> {
    sums_as_inside!(V);
    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, addend: Self) -> Self {
        // SAFETY: the caller vouches for the processor's features.
        unsafe {
            let second = self.0.second().mul_add(factor.0.second(), addend.0);
            Self(self.0.first().mul_add(factor.0.first(), second))
        }
    }
}

/// Sixteen floats that add products of pairs; needs AVX-512F and AVX512-BF16.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub(super) struct Avx512Bf16(Avx512);

#[cfg(target_arch = "x86_64")]
impl Vector for Avx512Bf16 {
    sums_as_inside!(Avx512);
    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, addend: Self) -> Self {
        // SAFETY: the caller vouches for the processor's features; both types are 512 bits of
        // which each value is valid.
        unsafe {
            let own = std::mem::transmute::<__m512, __m512bh>(self.0.0);
            let factor = std::mem::transmute::<__m512, __m512bh>(factor.0.0);
            Self(Avx512(_mm512_dpbf16_ps(addend.0.0, own, factor)))
        }
    }
}
