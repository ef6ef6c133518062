//! The order of samples, and the batches it makes.

use rand::Rng;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

use network::architecture::Shape;

use crate::{
    dataset::LabelledSlices,
    inputs::{Evidence, Inputs, Prefixes, Variation},
};

/// The order of the samples in an epoch, by the recipe's seed: Fisher and Yates.
pub(super) fn epoch_order(samples: usize, seed: u64, epoch: u32) -> Vec<u32> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(u64::from(epoch));
    let mut order: Vec<u32> = (0..samples as u32).collect();
    for last in (1..order.len()).rev() {
        // The modulo favours small numbers by samples / 2^64: nothing.
        let pick = (random.next_u64() % (last as u64 + 1)) as usize;
        order.swap(last, pick);
    }
    order
}

/// What is changed of samples before a network sees them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Changes<'a> {
    /// Which are cut after their first packets.
    pub(super) prefixes: &'a Prefixes,
    /// What else is changed of them.
    pub(super) variation: Option<&'a Variation>,
}

/// A batch of an epoch: inputs of a network of that shape, and labels.
pub(super) fn gather(
    from: &LabelledSlices,
    samples: &[u32],
    shape: Shape,
    changes: Changes<'_>,
    epoch: u32,
) -> (Inputs, Vec<u32>) {
    let mut inputs = Inputs::new(shape);
    let mut labels = Vec::with_capacity(samples.len());
    for &sample in samples {
        let evidence = Evidence::of(from, sample as usize);
        match changes.variation {
            Some(variation) => {
                let five_tuple = from.five_tuples.get(sample as usize).copied();
                let own = variation.of(
                    evidence,
                    five_tuple,
                    changes.prefixes,
                    shape.packets,
                    (epoch, sample),
                );
                inputs.push(own.evidence(evidence));
            }
            None => changes.prefixes.push(&mut inputs, evidence, epoch, sample),
        }
        labels.push(from.labels[sample as usize]);
    }
    (inputs, labels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use network::architecture::Architecture;

    #[test]
    fn every_epoch_goes_through_every_sample_once() {
        let mut order = epoch_order(1000, 1, 1);
        assert_ne!(order, epoch_order(1000, 1, 2));
        assert_ne!(order, epoch_order(1000, 2, 1));
        assert_eq!(order, epoch_order(1000, 1, 1));
        order.sort_unstable();
        assert_eq!(order, (0..1000).collect::<Vec<_>>());
    }

    #[test]
    fn gathered_samples_keep_their_labels() {
        let from = LabelledSlices {
            slice_length: 2,
            slices: vec![1, 2, 3, 4, 5, 6],
            labels: vec![7, 8, 9],
            ..LabelledSlices::default()
        };
        let shape = Shape {
            architecture: Architecture::Gru,
            slice_length: 2,
            classes: 10,
            packets: 0,
        };
        let whole = Changes {
            prefixes: &Prefixes::new(0.0, "ip", 1),
            variation: None,
        };
        let (inputs, labels) = gather(&from, &[2, 0], shape, whole, 1);
        assert_eq!(inputs.as_input().slices, [5, 6, 1, 2]);
        assert_eq!(labels, [9, 7]);
    }
}
