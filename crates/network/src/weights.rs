//! Weights: named tensors outside of any network, and their safetensors form.

use std::collections::BTreeMap;

use safetensors::{Dtype, SafeTensors};
use serde_json::json;

use crate::{architecture::UnusableShape, engine::is_range};

/// A float32 tensor in row-major order.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedTensor {
    /// Its dimensions.
    pub shape: Vec<usize>,
    /// Its values.
    pub values: Vec<f32>,
}

/// Tensors by name (`PyTorch`'s names and layouts, so that the file loads there).
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
    /// A tensor has a value that no network can have.
    #[error("tensor `{name}`: {reason}")]
    Value {
        /// Which tensor.
        name: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// No network has the shape asked for.
    #[error(transparent)]
    Network(#[from] UnusableShape),
}

impl Weights {
    /// The values of a tensor of that shape.
    ///
    /// # Errors
    ///
    /// [`WeightsError::Missing`], [`WeightsError::Shape`], or [`WeightsError::Value`] if one is
    /// not finite.
    pub fn values(&self, name: &str, shape: &[usize]) -> Result<&[f32], WeightsError> {
        let Some(tensor) = self.tensors.get(name) else {
            return Err(WeightsError::Missing(name.to_owned()));
        };
        if tensor.shape != shape || tensor.values.len() != shape.iter().product::<usize>() {
            return Err(WeightsError::Shape {
                name: name.to_owned(),
                found: tensor.shape.clone(),
                expected: shape.to_vec(),
            });
        }
        if !tensor.values.iter().all(|value| value.is_finite()) {
            let reason = "a value is not finite";
            return Err(WeightsError::Value {
                name: name.to_owned(),
                reason,
            });
        }
        Ok(&tensor.values)
    }

    /// How many values were fitted: all but `BatchNorm`'s running statistics and the ranges of
    /// int8, which are counted.
    pub fn parameters(&self) -> usize {
        let is_fitted = |name: &str| {
            !name.ends_with(".running_mean") && !name.ends_with(".running_var") && !is_range(name)
        };
        self.tensors
            .iter()
            .filter(|(name, _)| is_fitted(name))
            .map(|(_, tensor)| tensor.values.len())
            .sum()
    }

    /// As a safetensors file with `metadata` in its header; the same input gives the same bytes.
    pub fn to_safetensors(&self, metadata: &BTreeMap<String, String>) -> Vec<u8> {
        // Not the safetensors crate's writer: its metadata come in the order of a hash map.
        let mut header = serde_json::Map::new();
        if !metadata.is_empty() {
            header.insert("__metadata__".to_owned(), json!(metadata));
        }
        let mut end = 0;
        for (name, tensor) in &self.tensors {
            let start = end;
            end += size_of_val(tensor.values.as_slice());
            let entry =
                json!({ "dtype": "F32", "shape": tensor.shape, "data_offsets": [start, end] });
            header.insert(name.clone(), entry);
        }
        let mut header = serde_json::Value::Object(header).to_string();
        // The format aligns the data to eight bytes with spaces.
        header.extend(std::iter::repeat_n(
            ' ',
            header.len().next_multiple_of(8) - header.len(),
        ));
        let mut bytes = Vec::with_capacity(8 + header.len() + end);
        bytes.extend_from_slice(&(header.len() as u64).to_le_bytes());
        bytes.extend_from_slice(header.as_bytes());
        for tensor in self.tensors.values() {
            bytes.extend(tensor.values.iter().flat_map(|value| value.to_le_bytes()));
        }
        bytes
    }

    /// From a safetensors file: the tensors and the metadata.
    ///
    /// Nothing is allocated by what the header claims: it is held against the bytes first.
    ///
    /// # Errors
    ///
    /// [`WeightsError::Format`] if the bytes are not that, or hold anything but float32;
    /// [`WeightsError::Value`] if a value is not finite.
    pub fn from_safetensors(
        bytes: &[u8],
    ) -> Result<(Self, BTreeMap<String, String>), WeightsError> {
        let damaged = |error: safetensors::SafeTensorError| WeightsError::Format(error.to_string());
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(damaged)?;
        let metadata = header
            .metadata()
            .clone()
            .unwrap_or_default()
            .into_iter()
            .collect();
        let file = SafeTensors::deserialize(bytes).map_err(damaged)?;
        let mut weights = Self::default();
        for (name, view) in file.iter() {
            if view.dtype() != Dtype::F32 {
                let text = format!("tensor `{name}` is {:?}, not F32", view.dtype());
                return Err(WeightsError::Format(text));
            }
            let (floats, _) = view.data().as_chunks::<4>();
            let values: Vec<f32> = floats
                .iter()
                .map(|&bytes| f32::from_le_bytes(bytes))
                .collect();
            if !values.iter().all(|value| value.is_finite()) {
                let reason = "a value is not finite";
                return Err(WeightsError::Value {
                    name: name.to_owned(),
                    reason,
                });
            }
            let tensor = NamedTensor {
                shape: view.shape().to_vec(),
                values,
            };
            weights.tensors.insert(name.to_owned(), tensor);
        }
        Ok((weights, metadata))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> (Weights, BTreeMap<String, String>) {
        let mut weights = Weights::default();
        let tensor = NamedTensor {
            shape: vec![2, 1],
            values: vec![1.5, -2.0],
        };
        weights.tensors.insert("b.weight".to_owned(), tensor);
        let tensor = NamedTensor {
            shape: vec![],
            values: vec![0.25],
        };
        weights.tensors.insert("a \"quoted\"".to_owned(), tensor);
        let metadata = [("classes".to_owned(), "[\"Chat\"]".to_owned())].into();
        (weights, metadata)
    }

    /// A file of this header and these bytes of data.
    fn file(header: &str, data: &[u8]) -> Vec<u8> {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend_from_slice(data);
        bytes
    }

    #[track_caller]
    fn check_refused(bytes: &[u8], reason: &str) {
        let error = Weights::from_safetensors(bytes).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }

    #[test]
    fn weights_survive_the_file() {
        let (weights, metadata) = sample();
        let bytes = weights.to_safetensors(&metadata);
        assert_eq!(
            Weights::from_safetensors(&bytes).unwrap(),
            (weights, metadata)
        );
    }

    #[test]
    fn running_statistics_are_no_parameters() {
        let tensor = |length| NamedTensor {
            shape: vec![length],
            values: vec![0.0; length],
        };
        let weights = Weights {
            tensors: BTreeMap::from([
                ("stem.bn.bias".to_owned(), tensor(2)),
                ("stem.bn.running_mean".to_owned(), tensor(3)),
                ("stem.bn.running_var".to_owned(), tensor(3)),
                ("stem.bn.weight".to_owned(), tensor(2)),
            ]),
        };
        assert_eq!(weights.parameters(), 4);
    }

    #[test]
    fn every_truncation_is_refused() {
        let (weights, metadata) = sample();
        let bytes = weights.to_safetensors(&metadata);
        for length in 0..bytes.len() {
            assert!(
                Weights::from_safetensors(&bytes[..length]).is_err(),
                "{length} bytes"
            );
        }
    }

    #[test]
    fn a_header_that_claims_terabytes_is_refused() {
        let huge =
            r#"{"a":{"dtype":"F32","shape":[1000000000000],"data_offsets":[0,4000000000000]}}"#;
        check_refused(&file(huge, &[0; 4]), "not readable as safetensors");
        check_refused(&u64::MAX.to_le_bytes(), "not readable as safetensors");
    }

    #[test]
    fn other_number_types_are_refused() {
        let half = r#"{"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}}"#;
        check_refused(&file(half, &[0; 4]), "tensor `a` is F16, not F32");
    }

    #[test]
    fn what_is_not_finite_is_refused() {
        let header = r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#;
        check_refused(
            &file(header, &f32::NAN.to_le_bytes()),
            "a value is not finite",
        );
    }
}
