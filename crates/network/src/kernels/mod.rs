//! The arithmetic of the `ResNet` branch, at four levels: plain Rust, AVX2, AVX-512, AMX.
//!
//! All matrices are row-major with the channels in the columns; channels come in panels of
//! 32 columns. The level is chosen once, by [`Kernels::detect`] or by hand; the kernels
//! themselves are written once, over the vectors of `vector.rs`.
#![expect(unsafe_code, reason = "std::arch; every block argues its safety")]
#![expect(
    clippy::inline_always,
    reason = "vector code must be inlined into a function that has the processor's features"
)]

mod bytes;
#[cfg(test)]
mod checks;
mod integers;
mod matrix;
mod pairs;
mod repeated;
mod rows;
#[cfg(target_arch = "x86_64")]
mod tiles;
#[cfg(target_arch = "x86_64")]
mod transpose;
mod vector;

use std::{fmt, str::FromStr};

pub(crate) use bytes::{Addend, ByteProduct, Output, QUAD};
pub(crate) use matrix::{Product, WeightGradient};
pub(crate) use pairs::Pair;
pub(crate) use repeated::Repeated;
pub(crate) use rows::{Activate, Gate, NormGradient, Residual};

/// Columns of a packed panel: two AVX-512 registers.
pub(crate) const PANEL: usize = 32;

/// Which instructions the kernels use.
///
/// The levels agree to rounding, not to the bit: FMA rounds once where plain Rust rounds twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Kernels {
    /// Plain Rust: runs everywhere, the reference for the others.
    Portable,
    /// AVX2 and FMA.
    Avx2,
    /// AVX-512F.
    Avx512,
    /// AVX-512F, and AMX for what multiplies bfloat16 or bytes.
    Amx,
}

/// A level that does not exist or that this processor does not have.
#[derive(Debug, thiserror::Error)]
#[error("no kernels `{0}` on this processor; there are {available}", available = Kernels::names())]
pub struct UnknownKernels(pub String);

impl Kernels {
    /// The fastest level of this processor.
    pub fn detect() -> Self {
        Self::available().last().copied().unwrap_or(Self::Portable)
    }

    /// The levels of this processor, slowest first.
    pub fn available() -> Vec<Self> {
        [Self::Portable, Self::Avx2, Self::Avx512, Self::Amx]
            .into_iter()
            .filter(|level| level.is_available())
            .collect()
    }

    /// Whether this processor has the instructions.
    pub fn is_available(self) -> bool {
        match self {
            Self::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => is_x86_feature_detected!("avx512f"),
            #[cfg(target_arch = "x86_64")]
            Self::Amx => Self::Avx512.is_available() && bytes::has_vnni() && tiles::are_available(),
            #[cfg(not(target_arch = "x86_64"))]
            _ => false,
        }
    }

    fn names() -> String {
        let names: Vec<String> = Self::available().iter().map(ToString::to_string).collect();
        names.join(", ")
    }
}

impl fmt::Display for Kernels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
            Self::Amx => "amx",
        })
    }
}

impl FromStr for Kernels {
    type Err = UnknownKernels;
    fn from_str(text: &str) -> Result<Self, UnknownKernels> {
        Self::available()
            .into_iter()
            .find(|level| level.to_string() == text)
            .ok_or_else(|| UnknownKernels(text.to_owned()))
    }
}

/// Runs a generic kernel at a level: `at_level!(level, kernel::<rows of a tile>(arguments))`.
///
/// Each arm is a function of its own that carries the features, so that the vectors inlined
/// into it become single instructions.
macro_rules! at_level {
    ($level:expr, $kernel:ident($argument:expr): $type:ty) => {{
        let argument: $type = $argument;
        match $level {
            // SAFETY: plain Rust needs no features; the argument was checked by the caller.
            Kernels::Portable => unsafe { $kernel::<Portable, 4, 8>(argument) },
            #[cfg(target_arch = "x86_64")]
            Kernels::Avx2 => {
                #[target_feature(enable = "avx2,fma")]
                fn run(argument: $type) {
                    // SAFETY: this function has the features; the argument was checked.
                    unsafe { $kernel::<Avx2, 6, 4>(argument) }
                }
                assert!(Kernels::Avx2.is_available(), "no AVX2 here");
                // SAFETY: the line above found the features.
                unsafe { run(argument) }
            }
            #[cfg(target_arch = "x86_64")]
            Kernels::Avx512 | Kernels::Amx => {
                #[target_feature(enable = "avx512f")]
                fn run(argument: $type) {
                    // SAFETY: this function has the features; the argument was checked.
                    unsafe { $kernel::<Avx512, 14, 2>(argument) }
                }
                assert!(Kernels::Avx512.is_available(), "no AVX-512 here");
                // SAFETY: the line above found the features.
                unsafe { run(argument) }
            }
            #[cfg(not(target_arch = "x86_64"))]
            // SAFETY: as for the portable level.
            _ => unsafe { $kernel::<Portable, 4, 8>(argument) },
        }
    }};
}
use at_level;

/// The same for a kernel that multiplies pairs.
macro_rules! at_level_of_pairs {
    ($level:expr, $kernel:ident($argument:expr): $type:ty) => {{
        let argument: $type = $argument;
        match $level {
            // SAFETY: plain Rust needs no features; the argument was checked by the caller.
            Kernels::Portable => unsafe { $kernel::<Paired<Portable>, 4, 8>(argument) },
            #[cfg(target_arch = "x86_64")]
            Kernels::Avx512 | Kernels::Amx if is_x86_feature_detected!("avx512bf16") => {
                #[target_feature(enable = "avx512f,avx512bf16")]
                fn run(argument: $type) {
                    // SAFETY: this function has the features; the argument was checked.
                    unsafe { $kernel::<Avx512Bf16, 14, 2>(argument) }
                }
                assert!(Kernels::Avx512.is_available(), "no AVX-512 here");
                // SAFETY: the line above and the arm found the features.
                unsafe { run(argument) }
            }
            // Processors with AVX-512 have AVX2.
            #[cfg(target_arch = "x86_64")]
            Kernels::Avx2 | Kernels::Avx512 | Kernels::Amx => {
                #[target_feature(enable = "avx2,fma")]
                fn run(argument: $type) {
                    // SAFETY: this function has the features; the argument was checked.
                    unsafe { $kernel::<Paired<Avx2>, 4, 4>(argument) }
                }
                assert!(Kernels::Avx2.is_available(), "no AVX2 here");
                // SAFETY: the line above found the features.
                unsafe { run(argument) }
            }
            #[cfg(not(target_arch = "x86_64"))]
            // SAFETY: as for the portable level.
            _ => unsafe { $kernel::<Paired<Portable>, 4, 8>(argument) },
        }
    }};
}
use at_level_of_pairs;
