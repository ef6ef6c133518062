//! The precision of training's products, and of inference.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What the factors of the `ResNet` branch's convolutions are rounded to in training, on the way
/// forward and back. Sums, `BatchNorm`, the weights and all else are float32 either way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Precision {
    /// Not rounded.
    #[default]
    Float32,
    /// bfloat16: float32's range in half of its bits. Processors with AVX512-BF16 do twice as
    /// many products a second, those with AMX sixteen times as many; others take the pairs apart,
    /// which is slower than float32.
    Bfloat16,
}

/// What inference computes the `ResNet` branch and the convolutions over packets in; all else is
/// float32.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Arithmetic {
    /// As it was trained.
    #[default]
    Float32,
    /// Bytes, in ranges that were measured on samples. Several times as fast on processors with
    /// AVX512-VNNI; every processor gives the same bits.
    Int8,
}

impl Arithmetic {
    /// Whether it is float32: what is not said of a model.
    pub fn is_float32(&self) -> bool {
        *self == Self::Float32
    }
}

impl fmt::Display for Arithmetic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Float32 => "float32",
            Self::Int8 => "int8",
        })
    }
}
