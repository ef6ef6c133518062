//! The kernels' path through the branch held against Burn's own layers.

use burn::tensor::{Tensor, TensorData};

use super::{
    difference, mixed_weights,
    samples::{options, padded_slices, slices},
};
use crate::{
    architecture::Architecture,
    engine::to_unit,
    forward,
    kernels::Kernels,
    layout::Layout,
    operation::{SharedTrunk, spatial_features},
    precision::Precision,
    trainer::{flat, floats},
    trunk::Trunk,
};

/// Features and gradient of the branch by our kernels and by Burn's layers.
///
/// Where an activation is nearly zero one of the two may rectify it and the other not, which
/// changes the gradient by more than rounding. That depends on the weights: of a few draws one
/// must agree closely, which none does where the computation differs.
#[track_caller]
fn check_branch(kernels: Kernels, slices: &[u8], slice_length: usize) {
    let samples = slices.len() / slice_length;
    let worst: Vec<(f32, String)> = (0..4)
        .map(|seed| branch_difference(kernels, slices, slice_length, seed))
        .collect();
    let best = worst
        .iter()
        .map(|(worst, _)| *worst)
        .fold(f32::INFINITY, f32::min);
    assert!(
        best < 5e-5,
        "{kernels}, {samples} of {slice_length}: {worst:?}"
    );
}

/// The largest difference of any parameter's gradient, and which.
fn branch_difference(
    kernels: Kernels,
    slices: &[u8],
    slice_length: usize,
    seed: u64,
) -> (f32, String) {
    let samples = slices.len() / slice_length;
    let shape = options(Architecture::Resnet, slice_length).shape;
    let layout = Layout::new(shape);
    let device = burn::tensor::Device::flex();
    let autodiff = device.clone().autodiff();
    let parameters = layout.draw(seed).trunk;
    let input = to_unit(slices);
    let input = TensorData::new(input, [samples, slice_length]);
    let input = Tensor::<2>::from_data(input, &autodiff);
    let leaf = || flat(parameters.clone(), &device).autodiff().require_grad();
    let (fused_leaf, plain_leaf) = (leaf(), leaf());
    let trunk = SharedTrunk::new(Trunk::new(slice_length, kernels, Precision::Float32));
    let fused = spatial_features(fused_leaf.clone(), input.clone(), trunk.clone());
    let (plain, statistics) = forward::spatial_features(&layout, &plain_leaf, input);
    let found = floats(fused.clone().inner());
    assert!(
        difference(&found, &floats(plain.clone().inner())) < 1e-5,
        "features"
    );
    for (norm, [mean, variance]) in trunk.lock().norms.iter().zip(statistics) {
        assert!(difference(&norm.mean, &floats(mean)) < 1e-4, "means");
        let found: Vec<f32> = norm.variance.iter().map(|&value| value as f32).collect();
        assert!(difference(&found, &floats(variance)) < 1e-4, "variances");
    }
    let weights = mixed_weights(samples * 256);
    let weights = TensorData::new(weights, [samples, 256]);
    let weights = Tensor::<2>::from_data(weights, &autodiff);
    let fused = (fused * weights.clone()).sum().backward();
    let plain = (plain * weights).sum().backward();
    let found = floats(fused_leaf.grad(&fused).unwrap());
    let expected = floats(plain_leaf.grad(&plain).unwrap());
    let differences = layout.trunk.iter().map(|parameter| {
        let range = parameter.offset..parameter.offset + parameter.size();
        (
            difference(&found[range.clone()], &expected[range]),
            parameter.name.clone(),
        )
    });
    differences.max_by(|a, b| a.0.total_cmp(&b.0)).unwrap()
}

#[test]
fn the_branch_agrees_with_burns_layers_at_every_level() {
    for kernels in Kernels::available() {
        check_branch(kernels, &slices(3, 784), 784);
    }
}

#[test]
fn the_branch_agrees_with_burns_layers_at_odd_lengths_and_batches() {
    for kernels in Kernels::available() {
        check_branch(kernels, &slices(1, 784), 784);
        check_branch(kernels, &slices(19, 61), 61);
        check_branch(kernels, &slices(5, 97), 97);
        check_branch(kernels, &slices(2, 40), 40);
        check_branch(kernels, &slices(33, 8), 8);
        check_branch(kernels, &slices(40, 3), 3);
    }
}

#[test]
fn the_branch_agrees_with_burns_layers_on_padded_slices() {
    for kernels in Kernels::available() {
        check_branch(kernels, &padded_slices(5, 784), 784);
        check_branch(kernels, &padded_slices(9, 399), 399);
    }
}
