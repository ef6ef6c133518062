//! Slices with and without their padding computed in full.

use super::{Engine, Memory, Spatial};
use crate::{
    architecture::{Architecture, Shape},
    checks::samples::{Samples, options},
    kernels::Kernels,
    precision::Precision,
    trainer::{Trainer, TrainerOptions},
    trunk::{
        padding::{Extent, filled},
        plan::FEATURES,
    },
    weights::Weights,
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
    let Some(Spatial::Float32(branch)) = &engine.network.branch else {
        panic!("this network has the branch");
    };
    // Memory is used again, as between the slices of one call.
    let mut memory = Memory::new(&engine.network, shape);
    for fill in fills {
        let mut slice: Vec<u8> = (0..slice_length)
            .map(|n| (n * 89 % 255 + 1) as u8)
            .collect();
        slice[fill..].fill(0);
        memory.set_slice(&slice);
        let own = Extent::of_inference(&branch.plan, filled(&slice));
        for kernels in Kernels::available() {
            let [found, expected] = [own, Extent::WHOLE].map(|extent| {
                let mut features = vec![0.0; FEATURES];
                let (slice, rows) = (&memory.slice, &mut memory.rows);
                branch.apply(kernels, extent, slice, rows, &mut features, |_, _| ());
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

/// The head of a network by hand: three layers, a rectifier behind the first two.
fn head(weights: &Weights, features: &[f32]) -> Vec<f64> {
    let mut values: Vec<f64> = features.iter().map(|&feature| f64::from(feature)).collect();
    for (name, is_last) in [("head.0", false), ("head.2", false), ("head.4", true)] {
        let rows = &weights.tensors[&format!("{name}.weight")].values;
        let bias = &weights.tensors[&format!("{name}.bias")].values;
        let row = |(row, &bias): (&[f32], &f32)| {
            let products = row.iter().zip(&values);
            let sum: f64 = products
                .map(|(&weight, value)| f64::from(weight) * value)
                .sum();
            let sum = sum + f64::from(bias);
            if is_last { sum } else { sum.max(0.0) }
        };
        values = rows.chunks_exact(values.len()).zip(bias).map(row).collect();
    }
    values
}

#[test]
fn the_features_of_samples_are_what_the_head_makes_logits_of() {
    let samples = Samples::new(5, 784);
    for architecture in [Architecture::ResnetGru, Architecture::ResnetGruSequence] {
        let options = options(architecture, 784);
        let weights = Trainer::new(options).weights();
        let engine = Engine::new(options.shape, &weights).unwrap();
        let logits = engine.logits(samples.input(), 1);
        for threads in [1, 2, 9] {
            let outputs = engine.outputs(samples.input(), threads);
            assert_eq!(outputs.logits, logits, "{architecture}");
            let classes = options.shape.classes;
            let features = outputs.features.chunks_exact(engine.features());
            for (features, logits) in features.zip(logits.chunks_exact(classes)) {
                for (expected, &found) in head(&weights, features).into_iter().zip(logits) {
                    assert!((expected - f64::from(found)).abs() < 1e-4, "{architecture}");
                }
            }
        }
    }
}

#[test]
fn layers_one_behind_another_have_no_features() {
    let options = options(Architecture::Cnn1d, 784);
    let engine = Engine::new(options.shape, &Trainer::new(options).weights()).unwrap();
    let samples = Samples::new(3, 784);
    let outputs = engine.outputs(samples.input(), 2);
    assert_eq!(engine.features(), 0);
    assert!(outputs.features.is_empty());
    assert_eq!(outputs.logits, engine.logits(samples.input(), 1));
}
