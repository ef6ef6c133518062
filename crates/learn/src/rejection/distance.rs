//! Distance: how far a sample's features are from those of the nearest class.
//!
//! Mahalanobis's, under one covariance that all classes share: differences count the more, the
//! less samples of a class differ in them from each other.

use network::weights::{NamedTensor, Weights};

/// The tensors in a model's file.
const NAMES: [&str; 2] = ["rejection.means", "rejection.whitening"];

/// How much of the covariance is the mean variance, the same in every direction: the rest would
/// have directions in which training samples differ by nothing, and any other by infinity.
///
/// On classes held out in the laboratory, 0.2 tells unknown samples less well; 0.001 to 0.01 are
/// alike.
const SHRINKAGE: f64 = 0.001;

/// A feature whose deviation is less never changes: it is left as it is.
const LEAST_DEVIATION: f64 = 1e-6;

/// Where the classes are, and what a difference weighs.
#[derive(Debug, Clone, PartialEq)]
pub struct Distance {
    features: usize,
    /// Whitened means of the classes with samples, `[classes, features]`.
    means: Vec<f32>,
    /// What makes features of one class uncorrelated and of variance 1: lower triangular,
    /// `[features, features]`.
    whitening: Vec<f32>,
}

impl Distance {
    /// Fits it to features `[samples, features]` of training samples with labels `[samples]`; none
    /// if there is nothing to fit to, or the features are not finite.
    pub fn fit(features: &[f32], labels: &[u32], classes: usize) -> Option<Self> {
        let width = features.len().checked_div(labels.len())?;
        if width == 0 || features.iter().any(|value| !value.is_finite()) {
            return None;
        }
        let means = class_means(features, labels, classes, width);
        let mut covariance = vec![0.0; width * width];
        let mut rest = vec![0.0; width];
        for (row, &label) in features.chunks_exact(width).zip(labels) {
            let mean = &means[label as usize].as_ref()?[..];
            for ((rest, &value), mean) in rest.iter_mut().zip(row).zip(mean) {
                *rest = f64::from(value) - mean;
            }
            for (place, sums) in covariance.chunks_exact_mut(width).enumerate() {
                for (sum, other) in sums[..=place].iter_mut().zip(&rest) {
                    *sum += rest[place] * other;
                }
            }
        }
        let deviations: Vec<f64> = (0..width)
            .map(|place| (covariance[place * (width + 1)] / labels.len() as f64).sqrt())
            .map(|deviation| deviation.max(LEAST_DEVIATION))
            .collect();
        // Correlations rather than covariances, so that shrinkage means the same for each feature.
        for (place, sums) in covariance.chunks_exact_mut(width).enumerate() {
            for (other, sum) in sums[..=place].iter_mut().enumerate() {
                *sum /= labels.len() as f64 * deviations[place] * deviations[other];
                *sum *= 1.0 - SHRINKAGE;
            }
            sums[place] += SHRINKAGE;
        }
        let mut whitening = inverse_of_root(covariance, width)?;
        for row in whitening.chunks_exact_mut(width) {
            for (value, deviation) in row.iter_mut().zip(&deviations) {
                *value /= deviation;
            }
        }
        let whitening: Vec<f32> = whitening.into_iter().map(|value| value as f32).collect();
        let white = |mean: &Vec<f64>| {
            let mean: Vec<f32> = mean.iter().map(|&value| value as f32).collect();
            whiten(&whitening, &mean)
        };
        Some(Self {
            features: width,
            means: means.iter().flatten().flat_map(white).collect(),
            whitening,
        })
    }

    /// The distances of features `[samples, features]` to the nearest class, `[samples]`.
    pub fn nearest(&self, features: &[f32]) -> Vec<f64> {
        let nearest = |row: &[f32]| {
            let white = whiten(&self.whitening, row);
            let squares = self.means.chunks_exact(self.features).map(|mean| {
                let differences = white.iter().zip(mean);
                differences
                    .map(|(&value, &mean)| f64::from(value - mean).powi(2))
                    .sum::<f64>()
            });
            squares.fold(f64::INFINITY, f64::min).sqrt()
        };
        features.chunks_exact(self.features).map(nearest).collect()
    }

    /// Adds its tensors to those of a model.
    pub(crate) fn write(&self, weights: &mut Weights) {
        let tensors = [
            (self.means.len() / self.features, &self.means),
            (self.features, &self.whitening),
        ];
        for (name, (rows, values)) in NAMES.into_iter().zip(tensors) {
            let tensor = NamedTensor {
                shape: vec![rows, self.features],
                values: values.clone(),
            };
            weights.tensors.insert(name.to_owned(), tensor);
        }
    }

    /// Takes its tensors out of those of a model of so many features, if they are there.
    ///
    /// # Errors
    ///
    /// What is wrong with them, in words.
    pub(crate) fn take(weights: &mut Weights, features: usize) -> Result<Option<Self>, String> {
        let [means, whitening] = NAMES.map(|name| weights.tensors.remove(name));
        let (means, whitening) = match (means, whitening) {
            (None, None) => return Ok(None),
            (Some(means), Some(whitening)) => (means, whitening),
            _ => return Err(format!("it has one of {NAMES:?} only")),
        };
        let is_usable = |tensor: &NamedTensor| {
            matches!(tensor.shape[..], [rows, columns] if rows > 0 && columns == features)
                && tensor.values.iter().all(|value| value.is_finite())
        };
        if features == 0
            || !is_usable(&means)
            || !is_usable(&whitening)
            || whitening.shape[0] != features
        {
            return Err(format!(
                "{NAMES:?} are {:?} and {:?} or not finite; its network has {features} features",
                means.shape, whitening.shape
            ));
        }
        Ok(Some(Self {
            features,
            means: means.values,
            whitening: whitening.values,
        }))
    }
}

/// The mean of each class with samples.
fn class_means(
    features: &[f32],
    labels: &[u32],
    classes: usize,
    width: usize,
) -> Vec<Option<Vec<f64>>> {
    let mut sums = vec![(0_u64, vec![0.0; width]); classes];
    for (row, &label) in features.chunks_exact(width).zip(labels) {
        let (samples, sum) = &mut sums[label as usize];
        *samples += 1;
        for (sum, &value) in sum.iter_mut().zip(row) {
            *sum += f64::from(value);
        }
    }
    let mean = |(samples, mut sum): (u64, Vec<f64>)| {
        for value in &mut sum {
            *value /= samples as f64;
        }
        (samples > 0).then_some(sum)
    };
    sums.into_iter().map(mean).collect()
}

/// The inverse of the lower triangular root `L` of `matrix = L Lᵀ`, of which the lower half is
/// read; none if the matrix has no root.
fn inverse_of_root(mut matrix: Vec<f64>, width: usize) -> Option<Vec<f64>> {
    // Cholesky's decomposition in place, row by row.
    for row in 0..width {
        for column in 0..=row {
            let (above, own) = matrix.split_at(row * width);
            let other = if column == row {
                &own[..width]
            } else {
                &above[column * width..][..width]
            };
            let products = own[..column].iter().zip(other);
            let sum: f64 = products.map(|(one, other)| one * other).sum();
            let left = own[column] - sum;
            matrix[row * width + column] = if column == row {
                (left > 0.0).then(|| left.sqrt())?
            } else {
                left / matrix[column * (width + 1)]
            };
        }
    }
    let mut inverse = vec![0.0; width * width];
    for row in 0..width {
        let (above, own) = inverse.split_at_mut(row * width);
        for place in 0..row {
            let factor = matrix[row * width + place];
            let earlier = &above[place * width..][..=place];
            for (value, earlier) in own.iter_mut().zip(earlier) {
                *value -= factor * earlier;
            }
        }
        own[row] = 1.0;
        let diagonal = matrix[row * (width + 1)];
        own[..=row].iter_mut().for_each(|value| *value /= diagonal);
    }
    Some(inverse)
}

/// A row of features, whitened.
fn whiten(whitening: &[f32], row: &[f32]) -> Vec<f32> {
    let rows = whitening.chunks_exact(row.len()).enumerate();
    rows.map(|(place, weights)| {
        let products = weights[..=place].iter().zip(row);
        products.map(|(weight, value)| weight * value).sum()
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two classes at (0, 0) and (10, 0), each with four samples one off in a diagonal pattern.
    fn fitted() -> Distance {
        let offsets = [[2.0, 1.0], [-2.0, -1.0], [2.0, -1.0], [-2.0, 1.0]];
        let features: Vec<f32> = [0.0, 10.0]
            .iter()
            .flat_map(|x| {
                offsets
                    .iter()
                    .flat_map(move |offset| [x + offset[0], offset[1]])
            })
            .collect();
        Distance::fit(&features, &[0, 0, 0, 0, 2, 2, 2, 2], 3).unwrap()
    }

    #[test]
    fn a_distance_is_in_deviations_of_its_feature() {
        // Deviations are 2 and 1, nothing is correlated, and shrinkage leaves variances of 1.
        let features = [0.0, 0.0, 4.0, 0.0, 10.0, -3.0, 8.0, 1.0];
        let found = fitted().nearest(&features);
        for (found, expected) in found.into_iter().zip([0.0, 2.0, 3.0, 2_f64.sqrt()]) {
            assert!((found - expected).abs() < 1e-5, "{found} is not {expected}");
        }
    }

    #[test]
    fn a_correlated_feature_counts_by_what_it_adds() {
        // Of (t, t) and (-t, -t) the sum varies and the difference does not.
        let features: Vec<f32> = [1.0, -1.0, 2.0, -2.0]
            .iter()
            .flat_map(|&t| [t, t])
            .collect();
        let distance = Distance::fit(&features, &[0; 4], 1).unwrap();
        let found = distance.nearest(&[1.0, 1.0, 1.0, -1.0]);
        assert!(found[0] < 1.0, "{found:?}");
        assert!(found[1] > 20.0, "{found:?}");
    }

    #[test]
    fn the_inverse_root_undoes_the_matrix() {
        // [[4, 2], [2, 5]] is L Lᵀ with L = [[2, 0], [1, 2]], whose inverse is [[1/2, 0], [-1/4, 1/2]].
        let found = inverse_of_root(vec![4.0, 0.0, 2.0, 5.0], 2).unwrap();
        assert_eq!(found, [0.5, 0.0, -0.25, 0.5]);
        assert_eq!(inverse_of_root(vec![1.0, 0.0, 2.0, 1.0], 2), None);
    }

    #[test]
    fn its_tensors_read_back_and_damaged_ones_are_refused() {
        let mut weights = Weights::default();
        fitted().write(&mut weights);
        let mut damaged = weights.clone();
        damaged.tensors.remove(NAMES[0]);
        assert_eq!(Distance::take(&mut weights, 2), Ok(Some(fitted())));
        assert_eq!(Distance::take(&mut weights, 2), Ok(None));
        assert!(Distance::take(&mut damaged, 2).is_err());
        fitted().write(&mut weights);
        assert!(Distance::take(&mut weights, 3).is_err());
    }

    #[test]
    fn nothing_is_fitted_to_nothing() {
        assert_eq!(Distance::fit(&[], &[], 2), None);
        assert_eq!(Distance::fit(&[], &[0, 1], 2), None);
        assert_eq!(Distance::fit(&[f32::NAN], &[0], 1), None);
    }
}
