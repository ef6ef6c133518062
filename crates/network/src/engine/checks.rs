//! Slices with and without their padding computed in full.

use super::{Engine, Extent, FEATURES, STEM_PADDING, filled, to_unit};
use crate::{
    architecture::{Architecture, Shape},
    kernels::Kernels,
    precision::Precision,
    trainer::{Trainer, TrainerOptions},
};

/// Spatial features of slices of which that many bytes are filled, with the padding computed
/// once and position by position.
#[track_caller]
fn check(slice_length: usize, fills: impl Iterator<Item = usize>) {
    let shape = Shape {
        architecture: Architecture::Resnet,
        slice_length,
        classes: 5,
        packets: 0,
    };
    let trainer = Trainer::new(TrainerOptions {
        shape,
        seed: 3,
        dropout: 0.0,
        weight_decay: 0.0,
        precision: Precision::Float32,
        threads: 1,
    });
    let engine = Engine::new(shape, &trainer.weights()).unwrap();
    let plan = engine.network.plan.as_ref().unwrap();
    // Memory is used again, as between the slices of one call.
    let mut memory = engine.new_memory();
    for fill in fills {
        let mut slice: Vec<u8> = (0..slice_length)
            .map(|n| (n * 89 % 255 + 1) as u8)
            .collect();
        slice[fill..].fill(0);
        memory.slice[STEM_PADDING..][..slice_length].copy_from_slice(&to_unit(&slice));
        let own = Extent::of_inference(plan, filled(&slice));
        for kernels in Kernels::available() {
            let [found, expected] = [own, Extent::WHOLE].map(|extent| {
                let mut features = vec![0.0; FEATURES];
                engine
                    .network
                    .spatial(kernels, plan, extent, &mut memory, &mut features);
                features
            });
            for (found, expected) in found.iter().zip(&expected) {
                let is_close = (found - expected).abs() < 1e-5 * expected.abs().max(0.1);
                assert!(is_close, "{kernels}, {fill} filled: {found}, {expected}");
            }
        }
    }
}

#[test]
fn padding_computed_once_gives_the_features_of_padding_computed_in_full() {
    check(784, (0..=784).step_by(14));
}

#[test]
fn padding_computed_once_gives_the_features_at_odd_lengths() {
    check(399, (0..=399).step_by(21));
    check(205, [0, 1, 60, 205].into_iter());
    check(3, 0..=3);
}
