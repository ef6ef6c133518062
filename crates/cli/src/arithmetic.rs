//! In which numbers a model computes: an argument that several commands share.

use clap::ValueEnum;
use learn::quantisation::Arithmetic;

/// The value of `--precision`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PrecisionArgument {
    /// As it was trained
    Float32,
    /// Its convolutions in bytes, for models that `model quantise` wrote: faster
    /// where the processor has AVX512-VNNI
    Int8,
}

impl From<PrecisionArgument> for Arithmetic {
    fn from(argument: PrecisionArgument) -> Self {
        match argument {
            PrecisionArgument::Float32 => Self::Float32,
            PrecisionArgument::Int8 => Self::Int8,
        }
    }
}
