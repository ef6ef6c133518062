//! The order of samples, and the batches it makes.

use rand::Rng;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

use crate::dataset::LabelledSlices;

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

pub(super) fn gather(from: &LabelledSlices, samples: &[u32]) -> (Vec<u8>, Vec<u32>) {
    let length = from.slice_length;
    let mut slices = Vec::with_capacity(samples.len() * length);
    let mut labels = Vec::with_capacity(samples.len());
    for &sample in samples {
        let sample = sample as usize;
        slices.extend_from_slice(&from.slices[sample * length..(sample + 1) * length]);
        labels.push(from.labels[sample]);
    }
    (slices, labels)
}

#[cfg(test)]
mod tests {
    use super::*;

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
        };
        assert_eq!(gather(&from, &[2, 0]), (vec![5, 6, 1, 2], vec![9, 7]));
    }
}
