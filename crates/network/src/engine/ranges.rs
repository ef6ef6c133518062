//! Ranges of int8: up to which value the bytes that convolutions read and give reach.

use crate::{
    architecture::Shape,
    forward::sequence::LAYERS,
    trunk::plan::Plan,
    weights::{NamedTensor, Weights, WeightsError},
};

/// Name of the ranges of the `ResNet` branch beside the weights.
const TRUNK: &str = "int8.ranges";

/// Name of those of the branch that reads packets.
const SEQUENCE: &str = "int8.sequence_ranges";

/// How many times the largest number of a packet has room in 16 bits: what other networks carry is
/// not cut off, and lengths are still told to a byte.
const ROOM: f32 = 4.0;

/// Bins of a power of two.
const BINS_BITS: u32 = 6;

/// Bins of all finite floats from zero up.
const BINS: usize = 0x7F80_0000 >> (23 - BINS_BITS);

/// The largest values that bytes stand for.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranges {
    /// Of the rectifiers of the `ResNet` branch: the stem's, then of each block the one inside and
    /// the one behind it. The last block's gives floats and has none.
    trunk: Vec<f32>,
    /// Of what each convolution over packets reads; none where that branch stays in float32.
    sequence: Vec<f32>,
}

impl Ranges {
    /// Those that are kept beside the weights of a network of that shape.
    ///
    /// A network that has a `ResNet` branch and reads packets may have ranges of the first alone.
    ///
    /// # Errors
    ///
    /// [`WeightsError`] if they are missing, or one is no number above zero.
    pub fn find(shape: Shape, weights: &Weights) -> Result<Self, WeightsError> {
        let (trunk, sequence) = (trunk_places(shape), sequence_places(shape));
        let reads_sequence = sequence > 0 && (trunk == 0 || weights.tensors.contains_key(SEQUENCE));
        let of = |is_there: bool, name, places| {
            if is_there {
                read(weights, name, places)
            } else {
                Ok(Vec::new())
            }
        };
        Ok(Self {
            // Of a network with neither branch too: it has no ranges, which is an error.
            trunk: of(trunk > 0 || sequence == 0, TRUNK, trunk)?,
            sequence: of(reads_sequence, SEQUENCE, sequence)?,
        })
    }

    /// Whether there are such ranges.
    pub fn are_in(weights: &Weights) -> bool {
        weights.tensors.keys().any(|name| is_range(name))
    }

    /// The weights without ranges: what was fitted, and nothing that was measured later.
    pub fn taken_out_of(weights: &Weights) -> Weights {
        let mut weights = weights.clone();
        weights.tensors.retain(|name, _| !is_range(name));
        weights
    }

    /// Keeps them beside the weights, in place of those that were there.
    pub fn put_into(&self, weights: &mut Weights) {
        weights.tensors.retain(|name, _| !is_range(name));
        for (name, values) in [(TRUNK, &self.trunk), (SEQUENCE, &self.sequence)] {
            if !values.is_empty() {
                let tensor = NamedTensor {
                    shape: vec![values.len()],
                    values: values.clone(),
                };
                weights.tensors.insert(name.to_owned(), tensor);
            }
        }
    }

    pub(super) fn trunk(&self) -> &[f32] {
        &self.trunk
    }

    /// None where the branch that reads packets stays in float32.
    pub(super) fn sequence(&self) -> Option<&[f32]> {
        (!self.sequence.is_empty()).then_some(&self.sequence[..])
    }
}

/// Ranges of one branch.
fn read(weights: &Weights, name: &str, places: usize) -> Result<Vec<f32>, WeightsError> {
    let values = weights.values(name, &[places])?;
    if values.iter().any(|&range| range <= 0.0) {
        return Err(WeightsError::Value {
            name: name.to_owned(),
            reason: "a range is not above zero",
        });
    }
    Ok(values.to_vec())
}

/// Whether a tensor beside the weights is one of ranges, and not of the network.
pub(crate) fn is_range(name: &str) -> bool {
    [TRUNK, SEQUENCE].contains(&name)
}

/// Rectifiers of the `ResNet` branch that give bytes.
fn trunk_places(shape: Shape) -> usize {
    if shape.architecture.has_trunk() {
        2 * Plan::new(shape.slice_length).blocks.len()
    } else {
        0
    }
}

/// Convolutions over packets.
fn sequence_places(shape: Shape) -> usize {
    if shape.architecture.has_sequence() {
        LAYERS
    } else {
        0
    }
}

/// How often values of which size go where bytes would: behind the rectifiers of the `ResNet`
/// branch, and into the convolutions over packets.
#[derive(Debug, Clone)]
pub struct Activations {
    trunk: Vec<Sizes>,
    sequence: Vec<Sizes>,
}

/// How often which size occurs, in bins that are a 64th of their power of two wide.
#[derive(Debug, Clone)]
struct Sizes(Vec<u64>);

impl Activations {
    /// Nothing counted, for a network of that shape; none if it has no such branch.
    pub fn new(shape: Shape) -> Option<Self> {
        let [trunk, sequence] = [trunk_places(shape), sequence_places(shape)]
            .map(|places| vec![Sizes(vec![0; BINS]); places]);
        (!trunk.is_empty() || !sequence.is_empty()).then_some(Self { trunk, sequence })
    }

    /// Counts what a rectifier of the `ResNet` branch gives.
    pub(super) fn count_trunk(&mut self, place: usize, values: &[f32]) {
        if let Some(sizes) = self.trunk.get_mut(place) {
            sizes.count(values);
        }
    }

    /// Counts what a convolution over packets reads.
    pub(super) fn count_sequence(&mut self, place: usize, values: &[f32]) {
        if let Some(sizes) = self.sequence.get_mut(place) {
            sizes.count(values);
        }
    }

    /// Ranges that hold this share, 0 to 1, of the values of each place that are not zero; of
    /// packets all, and more.
    pub fn ranges(&self, share: f64) -> Ranges {
        let mut sequence: Vec<f32> = self.sequence.iter().map(|at| at.range(share)).collect();
        if let (Some(range), Some(packets)) = (sequence.first_mut(), self.sequence.first()) {
            *range = ROOM * packets.range(1.0);
        }
        Ranges {
            trunk: self.trunk.iter().map(|at| at.range(share)).collect(),
            sequence,
        }
    }
}

impl Sizes {
    fn count(&mut self, values: &[f32]) {
        for value in values {
            let bin = (value.abs().to_bits() >> (23 - BINS_BITS)) as usize;
            self.0[bin.min(BINS - 1)] += 1;
        }
    }

    /// The size that so large a share does not exceed.
    fn range(&self, share: f64) -> f32 {
        // Bin 0 holds zeros: what was rectified.
        let total: u64 = self.0[1..].iter().sum();
        let beyond = (total as f64 * (1.0 - share)) as u64;
        let mut seen = 0;
        let bin = (1..BINS).rev().find(|&bin| {
            seen += self.0[bin];
            seen > beyond
        });
        // The bin's upper end; where there is nothing any range will do.
        bin.map_or(1.0, |bin| {
            f32::from_bits(((bin as u32 + 1) << (23 - BINS_BITS)) - 1)
        })
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
            packets: if architecture.parts().packets { 8 } else { 0 },
        }
    }

    /// A thousand values, of which all but the last are from 0 to 1.
    #[track_caller]
    fn check(share: f64, from: f32, to: f32) {
        let mut counts = Activations::new(shape(Architecture::Resnet)).unwrap();
        let mut values: Vec<f32> = (1..1000).map(|n| n as f32 / 1000.0).collect();
        values.push(50.0);
        values.resize(6000, 0.0);
        counts.count_trunk(0, &values);
        let found = counts.ranges(share).trunk[0];
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
    fn a_network_without_such_a_branch_has_none() {
        assert!(Activations::new(shape(Architecture::Gru)).is_none());
        assert!(Ranges::find(shape(Architecture::Gru), &Weights::default()).is_err());
    }

    #[test]
    fn numbers_of_packets_have_room_whatever_share_of_other_values_is_held() {
        let mut counts = Activations::new(shape(Architecture::Sequence)).unwrap();
        for place in 0..LAYERS {
            counts.count_sequence(place, &[0.1, -2.0, 0.1, 0.1]);
        }
        let found = counts.ranges(0.5).sequence;
        assert!((8.0..8.2).contains(&found[0]), "{found:?}");
        assert!(found[1..].iter().all(|range| (0.1..0.11).contains(range)));
    }

    #[test]
    fn a_network_of_two_such_branches_may_have_ranges_of_the_first_alone() {
        let shape = shape(Architecture::ResnetGruSequence);
        let ranges = Activations::new(shape).unwrap().ranges(1.0);
        let mut weights = Weights::default();
        ranges.put_into(&mut weights);
        assert_eq!(Ranges::find(shape, &weights).unwrap(), ranges);
        weights.tensors.remove(SEQUENCE);
        let found = Ranges::find(shape, &weights).unwrap();
        assert_eq!((found.trunk(), found.sequence()), (ranges.trunk(), None));
        found.put_into(&mut weights);
        assert!(!weights.tensors.contains_key(SEQUENCE));
        weights.tensors.remove(TRUNK);
        assert!(Ranges::find(shape, &weights).is_err());
    }

    #[test]
    fn ranges_survive_beside_weights_and_damaged_ones_are_refused() {
        let check = |architecture, name: &str| {
            let shape = shape(architecture);
            let ranges = Activations::new(shape).unwrap().ranges(1.0);
            let mut weights = Weights::default();
            ranges.put_into(&mut weights);
            assert_eq!(weights.parameters(), 0);
            assert_eq!(Ranges::taken_out_of(&weights), Weights::default());
            assert_eq!(Ranges::find(shape, &weights).unwrap(), ranges);
            weights.tensors.get_mut(name).unwrap().values[3] = 0.0;
            let error = Ranges::find(shape, &weights).unwrap_err().to_string();
            let expected = format!("tensor `{name}`: a range is not above zero");
            assert_eq!(error, expected);
        };
        check(Architecture::Resnet, "int8.ranges");
        check(Architecture::Sequence, "int8.sequence_ranges");
    }
}
