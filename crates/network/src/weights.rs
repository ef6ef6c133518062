//! Weights: named tensors outside of any network, and their safetensors form.

use std::collections::BTreeMap;

/// A float32 tensor in row-major order.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedTensor {
    /// Its dimensions.
    pub shape: Vec<usize>,
    /// Its values.
    pub values: Vec<f32>,
}

/// Tensors by name (PyTorch's names and layouts, so that the file loads there).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Weights {
    /// The tensors, in order of name.
    pub tensors: BTreeMap<String, NamedTensor>,
}

/// Weights that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// Not a safetensors file, or a damaged one.
    #[error("not readable as safetensors: {0}")]
    Format(String),
    /// A tensor is missing.
    #[error("tensor `{0}` is missing")]
    Missing(String),
    /// A tensor has the wrong shape.
    #[error("tensor `{name}` is {found:?}, the network needs {expected:?}")]
    Shape {
        /// Which tensor.
        name: String,
        /// Its shape.
        found: Vec<usize>,
        /// The shape needed.
        expected: Vec<usize>,
    },
}

impl Weights {
    /// As a safetensors file with `metadata` in its header; the same input gives the same bytes.
    pub fn to_safetensors(&self, _metadata: &BTreeMap<String, String>) -> Vec<u8> {
        todo!()
    }

    /// From a safetensors file: the tensors and the metadata.
    ///
    /// # Errors
    ///
    /// [`WeightsError::Format`] if the bytes are not that, or hold anything but finite float32.
    pub fn from_safetensors(
        _bytes: &[u8],
    ) -> Result<(Self, BTreeMap<String, String>), WeightsError> {
        todo!()
    }
}
