//! Gradients in bfloat16 held against those in float32.

use super::samples::{labels, options, padded_slices};
use crate::{
    architecture::Architecture,
    input::Input,
    kernels::Kernels,
    precision::Precision,
    trainer::{Batch, Trainer, TrainerOptions, floats},
    weights::Weights,
};

/// Loss, and gradients by name, of a step at a precision and a level.
fn gradients(precision: Precision, kernels: Kernels) -> (f32, Weights) {
    let options = TrainerOptions {
        dropout: 0.0,
        precision,
        ..options(Architecture::Resnet, 401)
    };
    let trainer = Trainer::new(options).with_kernels(kernels);
    let (slices, labels) = (padded_slices(12, 401), labels(12));
    let found = trainer.gradients(Batch {
        input: Input::from(&slices),
        labels: &labels,
        class_weights: None,
    });
    let named = trainer.name_gradients(floats(found.trunk), floats(found.rest));
    (found.report.loss, named)
}

/// Distance of two lists as a share of the second's length.
fn distance(found: &[f32], expected: &[f32]) -> f64 {
    let square = |values: &mut dyn Iterator<Item = f32>| {
        values.map(|value| f64::from(value).powi(2)).sum::<f64>()
    };
    let apart = square(&mut found.iter().zip(expected).map(|(a, b)| a - b));
    (apart / square(&mut expected.iter().copied())).sqrt()
}

#[test]
fn gradients_in_bfloat16_are_those_of_float32_but_for_rounding() {
    for kernels in Kernels::available() {
        let (loss, expected) = gradients(Precision::Float32, kernels);
        let (found_loss, found) = gradients(Precision::Bfloat16, kernels);
        assert!((found_loss - loss).abs() < 0.01 * loss, "{kernels}");
        for (name, expected) in &expected.tensors {
            if !name.ends_with("weight") || name.starts_with("head") {
                continue;
            }
            // Factors are off by up to a 256th, and an activation near zero may be rectified on
            // one side only: from layer to layer back that adds up. A wrong product is off by
            // its whole length; what is the same to the bit was not rounded.
            let distance = distance(&found.tensors[name].values, &expected.values);
            let limit = if name.starts_with("stage4") { 0.2 } else { 0.5 };
            assert!(
                (1e-3..limit).contains(&distance),
                "{kernels}, {name}: {distance}"
            );
        }
    }
}
