//! The precision of training's products.

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
    /// many products a second; others take the pairs apart, which is slower than float32.
    Bfloat16,
}
