//! Ranges of int8: up to which value the bytes behind each rectifier of the `ResNet` branch reach.

use crate::{
    architecture::Shape,
    trunk::plan::Plan,
    weights::{NamedTensor, Weights, WeightsError},
};

/// Name of the ranges beside the weights.
const NAME: &str = "int8.ranges";

/// Bins of a power of two.
const BINS_BITS: u32 = 6;

/// Bins of all finite floats from zero up.
const BINS: usize = 0x7F80_0000 >> (23 - BINS_BITS);

/// The largest value of each rectifier that a byte stands for: the stem's, then of each block the
/// one inside and the one behind it. The last block's gives floats and has none.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranges(Vec<f32>);

impl Ranges {
    /// Those that are kept beside the weights of a network of that shape.
    ///
    /// # Errors
    ///
    /// [`WeightsError`] if they are missing, or one is no number above zero.
    pub fn find(shape: Shape, weights: &Weights) -> Result<Self, WeightsError> {
        let values = weights.values(NAME, &[places(shape)])?;
        if values.iter().any(|&range| range <= 0.0) {
            return Err(WeightsError::Value {
                name: NAME.to_owned(),
                reason: "a range is not above zero",
            });
        }
        Ok(Self(values.to_vec()))
    }

    /// Whether there are such ranges.
    pub fn are_in(weights: &Weights) -> bool {
        weights.tensors.contains_key(NAME)
    }

    /// The weights without ranges: what was fitted, and nothing that was measured later.
    pub fn taken_out_of(weights: &Weights) -> Weights {
        let mut weights = weights.clone();
        weights.tensors.remove(NAME);
        weights
    }

    /// Keeps them beside the weights.
    pub fn put_into(&self, weights: &mut Weights) {
        let tensor = NamedTensor {
            shape: vec![self.0.len()],
            values: self.0.clone(),
        };
        weights.tensors.insert(NAME.to_owned(), tensor);
    }

    pub(super) fn values(&self) -> &[f32] {
        &self.0
    }
}

/// Whether a tensor beside the weights is one of ranges, and not of the network.
pub(crate) fn is_range(name: &str) -> bool {
    name == NAME
}

/// Rectifiers that give bytes.
fn places(shape: Shape) -> usize {
    if shape.architecture.has_trunk() {
        2 * Plan::new(shape.slice_length).blocks.len()
    } else {
        0
    }
}

/// How often each rectifier of the `ResNet` branch gives values of which size.
#[derive(Debug, Clone)]
pub struct Activations {
    /// Per rectifier, in bins that are a 64th of their power of two wide.
    counts: Vec<Vec<u64>>,
}

impl Activations {
    /// Nothing counted, for a network of that shape; none if it has no such branch.
    pub fn new(shape: Shape) -> Option<Self> {
        let places = places(shape);
        (places > 0).then(|| Self {
            counts: vec![vec![0; BINS]; places],
        })
    }

    /// Counts what a rectifier gives.
    pub(super) fn count(&mut self, place: usize, values: &[f32]) {
        if let Some(counts) = self.counts.get_mut(place) {
            for value in values {
                let bin = (value.to_bits() >> (23 - BINS_BITS)) as usize;
                counts[bin.min(BINS - 1)] += 1;
            }
        }
    }

    /// Ranges that hold this share of the values above zero, 0 to 1, of each rectifier.
    pub fn ranges(&self, share: f64) -> Ranges {
        let range = |counts: &Vec<u64>| {
            // Bin 0 holds what was rectified.
            let total: u64 = counts[1..].iter().sum();
            let beyond = (total as f64 * (1.0 - share)) as u64;
            let mut seen = 0;
            let bin = (1..BINS).rev().find(|&bin| {
                seen += counts[bin];
                seen > beyond
            });
            // The bin's upper end; a rectifier that gives nothing may have any range.
            bin.map_or(1.0, |bin| {
                f32::from_bits(((bin as u32 + 1) << (23 - BINS_BITS)) - 1)
            })
        };
        Ranges(self.counts.iter().map(range).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::architecture::Architecture;

    fn shape(architecture: Architecture) -> Shape {
        Shape {
            architecture,
            slice_length: 784,
            classes: 5,
            packets: 0,
        }
    }

    /// A thousand values, of which all but the last are from 0 to 1.
    #[track_caller]
    fn check(share: f64, from: f32, to: f32) {
        let mut counts = Activations::new(shape(Architecture::Resnet)).unwrap();
        let mut values: Vec<f32> = (1..1000).map(|n| n as f32 / 1000.0).collect();
        values.push(50.0);
        values.resize(6000, 0.0);
        counts.count(0, &values);
        let found = counts.ranges(share).0[0];
        assert!((from..=to).contains(&found), "{found}");
    }

    #[test]
    fn a_range_of_everything_reaches_the_largest_value() {
        check(1.0, 50.0, 50.8);
    }

    #[test]
    fn a_smaller_share_leaves_the_largest_out() {
        check(0.999, 0.998, 1.016);
        check(0.5, 0.5, 0.51);
    }

    #[test]
    fn a_network_without_the_branch_has_none() {
        assert!(Activations::new(shape(Architecture::Gru)).is_none());
    }

    #[test]
    fn ranges_survive_beside_weights_and_damaged_ones_are_refused() {
        let shape = shape(Architecture::Resnet);
        let ranges = Activations::new(shape).unwrap().ranges(1.0);
        let mut weights = Weights::default();
        ranges.put_into(&mut weights);
        assert_eq!(weights.parameters(), 0);
        assert_eq!(Ranges::find(shape, &weights).unwrap(), ranges);
        weights.tensors.get_mut(NAME).unwrap().values[3] = 0.0;
        let error = Ranges::find(shape, &weights).unwrap_err().to_string();
        assert_eq!(error, "tensor `int8.ranges`: a range is not above zero");
    }
}
