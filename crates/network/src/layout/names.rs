//! Values to named tensors and back: what files hold.

use super::{Layout, Norm, Values};
use crate::weights::{NamedTensor, Weights, WeightsError};

impl Layout {
    /// The trainable tensors by name.
    pub(crate) fn name_parameters(&self, trunk: &[f32], rest: &[f32], prefix: &str) -> Weights {
        let mut weights = Weights::default();
        for (parameters, values) in [(&self.trunk, trunk), (&self.rest, rest)] {
            for parameter in parameters {
                let values = values[parameter.offset..][..parameter.size()].to_vec();
                let tensor = NamedTensor {
                    shape: parameter.shape.clone(),
                    values,
                };
                weights
                    .tensors
                    .insert(format!("{prefix}{}", parameter.name), tensor);
            }
        }
        weights
    }

    /// All tensors by name.
    pub(crate) fn name(&self, values: &Values) -> Weights {
        let mut weights = self.name_parameters(&values.trunk, &values.rest, "");
        for norm in self.norms() {
            for (name, all) in [
                ("running_mean", &values.means),
                ("running_var", &values.variances),
            ] {
                let tensor = NamedTensor {
                    shape: vec![norm.channels],
                    values: all[norm.offset..][..norm.channels].to_vec(),
                };
                weights
                    .tensors
                    .insert(format!("{}.{name}", norm.name), tensor);
            }
        }
        weights
    }

    /// Trainable values, each name behind `prefix`: the branch's and the rest.
    pub(crate) fn find_parameters(
        &self,
        weights: &Weights,
        prefix: &str,
    ) -> Result<[Vec<f32>; 2], WeightsError> {
        let mut groups = [Vec::new(), Vec::new()];
        for (parameters, values) in [&self.trunk, &self.rest].into_iter().zip(&mut groups) {
            for parameter in parameters {
                let name = format!("{prefix}{}", parameter.name);
                values.extend_from_slice(weights.values(&name, &parameter.shape)?);
            }
        }
        Ok(groups)
    }

    /// Values of all tensors.
    ///
    /// # Errors
    ///
    /// [`WeightsError`] if one is missing, has another shape, or is not finite; or if a running
    /// variance is below zero.
    pub(crate) fn find_values(&self, weights: &Weights) -> Result<Values, WeightsError> {
        let [trunk, rest] = self.find_parameters(weights, "")?;
        let mut values = Values {
            trunk,
            rest,
            ..Values::default()
        };
        for Norm { name, channels, .. } in self.norms() {
            let shape = [channels];
            let means = weights.values(&format!("{name}.running_mean"), &shape)?;
            let name = format!("{name}.running_var");
            let variances = weights.values(&name, &shape)?;
            if variances.iter().any(|&variance| variance < 0.0) {
                return Err(WeightsError::Value {
                    name,
                    reason: "a variance is below zero",
                });
            }
            values.means.extend_from_slice(means);
            values.variances.extend_from_slice(variances);
        }
        Ok(values)
    }
}
