//! The branch with long padding computed once, held against the branch that computes all of it.

use super::{
    difference, mixed_weights,
    samples::{padded_slices, slices},
};
use crate::{
    architecture::{Architecture, Shape},
    engine::to_unit,
    kernels::Kernels,
    layout::Layout,
    precision::Precision,
    trunk::{Trunk, plan::FEATURES},
};

/// Too small to change anything by more than rounding, and yet no padding.
const ALMOST_ZERO: f32 = 1e-30;

/// Features, means and variances, and gradients of the parameters.
fn results(kernels: Kernels, slice_length: usize, seed: u64, slices: &[f32]) -> [Vec<f32>; 4] {
    let layout = Layout::new(Shape {
        architecture: Architecture::Resnet,
        slice_length,
        classes: 5,
        packets: 0,
    });
    let mut trunk = Trunk::new(slice_length, kernels, Precision::Float32);
    let features = trunk.forward(&layout.draw(seed).trunk, slices);
    let means = trunk.norms.iter().flat_map(|norm| norm.mean.clone());
    let variances = trunk.norms.iter().flat_map(|norm| &norm.variance);
    let (means, variances) = (means.collect(), variances.map(|&v| v as f32).collect());
    let weights = mixed_weights(slices.len() / slice_length * FEATURES);
    let gradient = trunk.backward(&weights);
    [features, means, variances, gradient]
}

/// A batch of slices of which that many bytes are filled, against the same slices with a last
/// byte that forbids the short cut.
///
/// As for Burn's layers, an activation may be rectified on one side only: of a few draws of
/// weights, one must agree closely.
#[track_caller]
fn check(slice_length: usize, fills: &[usize]) {
    let mut padded = to_unit(&slices(fills.len(), slice_length));
    for (slice, &fill) in padded.chunks_exact_mut(slice_length).zip(fills) {
        slice[fill..].fill(0.0);
    }
    let mut full = padded.clone();
    for slice in full.chunks_exact_mut(slice_length) {
        let last = &mut slice[slice_length - 1];
        *last = last.max(ALMOST_ZERO);
    }
    for kernels in Kernels::available() {
        let worst: Vec<[f32; 4]> = (0..4)
            .map(|seed| {
                let found = results(kernels, slice_length, seed, &padded);
                let expected = results(kernels, slice_length, seed, &full);
                std::array::from_fn(|part| difference(&found[part], &expected[part]))
            })
            .collect();
        let is_close = |worst: &[f32; 4]| worst.iter().all(|&part| part < 1e-5);
        assert!(
            worst.iter().any(is_close),
            "{kernels}, {fills:?} of {slice_length}: {worst:?}"
        );
    }
}

#[test]
fn padding_computed_once_gives_the_results_of_padding_computed_in_full() {
    let fills: Vec<usize> = (0..=784).step_by(49).collect();
    for some in fills.chunks(6) {
        check(784, some);
    }
}

#[test]
fn padding_computed_once_gives_the_results_for_a_batch_of_one() {
    check(784, &[77]);
}

#[test]
fn padding_computed_once_gives_the_results_at_odd_lengths() {
    check(401, &[0, 13, 90, 401]);
    check(398, &[0, 122]);
    check(61, &[0, 60]);
}

#[test]
fn nothing_of_a_batch_reaches_the_next() {
    let kernels = Kernels::detect();
    let layout = Layout::new(Shape {
        architecture: Architecture::Resnet,
        slice_length: 784,
        classes: 5,
        packets: 0,
    });
    let parameters = layout.draw(1).trunk;
    let weights = vec![0.5; 5 * FEATURES];
    let [first, second] = [slices(5, 784), padded_slices(5, 784)].map(|slices| to_unit(&slices));
    let mut used = Trunk::new(784, kernels, Precision::Float32);
    for slices in [&first, &second, &first] {
        let mut fresh = Trunk::new(784, kernels, Precision::Float32);
        let of_used = (used.forward(&parameters, slices), used.backward(&weights));
        let of_fresh = (fresh.forward(&parameters, slices), fresh.backward(&weights));
        assert!(of_used == of_fresh);
    }
}
