//! Convolutions in int8 held against float32, and their kernels against each other.

use super::samples::{Samples, options};
use crate::{
    architecture::Architecture,
    engine::{Activations, Engine},
    kernels::Kernels,
    trainer::{Batch, Trainer, TrainerOptions},
    trunk::plan::FEATURES,
    weights::Weights,
};

const SAMPLES: usize = 20;

/// Weights of a network that has learnt a little, with ranges, and its samples.
fn quantised(architecture: Architecture) -> (Weights, Samples) {
    let options = TrainerOptions {
        dropout: 0.0,
        ..options(architecture, 401)
    };
    let samples = Samples::new(SAMPLES, 401);
    let labels: Vec<u32> = (0..SAMPLES as u32).map(|sample| sample % 5).collect();
    let mut trainer = Trainer::new(options).with_statistics(&samples.statistics);
    for _ in 0..6 {
        let batch = Batch {
            input: samples.input(),
            labels: &labels,
            class_weights: None,
        };
        trainer.step(batch, 0.002);
    }
    let mut weights = trainer.weights();
    let engine = Engine::new(options.shape, &weights).unwrap();
    let mut counts = Activations::new(options.shape).unwrap();
    engine.count_activations(samples.input(), &mut counts);
    counts.ranges(1.0).put_into(&mut weights);
    (weights, samples)
}

/// Engines in float32 and int8 of that network, and its samples.
fn engines(architecture: Architecture) -> (Engine, Engine, Samples) {
    let shape = options(architecture, 401).shape;
    let (weights, samples) = quantised(architecture);
    let engine = Engine::new(shape, &weights).unwrap();
    let int8 = Engine::new_int8(shape, &weights).unwrap();
    (engine, int8, samples)
}

#[track_caller]
fn check_levels(architecture: Architecture) {
    let (_, int8, samples) = engines(architecture);
    // The head is float32, and rounds otherwise from level to level; what reaches it does not.
    let mut all = Kernels::available().into_iter().map(|kernels| {
        let engine = int8.clone().with_kernels(kernels);
        let outputs = engine.outputs(samples.input(), 1);
        let together = outputs.logits;
        assert_eq!(together, engine.logits(samples.input(), 3));
        let alone: Vec<f32> = (0..SAMPLES)
            .map(|sample| samples.input().range(int8.shape(), sample..sample + 1))
            .flat_map(|sample| engine.logits(sample, 1))
            .collect();
        assert_eq!(together, alone);
        outputs.features
    });
    let first = all.next().unwrap();
    assert!(first.iter().any(|&feature| feature > 0.0));
    assert!(all.all(|others| others == first), "{architecture}");
}

#[test]
fn int8_gives_the_same_bits_at_every_level_in_any_company_and_on_any_threads() {
    check_levels(Architecture::Resnet);
    check_levels(Architecture::Sequence);
    check_levels(Architecture::ResnetGruSequence);
}

#[test]
fn without_ranges_of_packets_their_branch_stays_as_it_is() {
    let architecture = Architecture::ResnetGruSequence;
    let shape = options(architecture, 401).shape;
    let (mut weights, samples) = quantised(architecture);
    weights.tensors.remove("int8.sequence_ranges");
    let [float32, int8] = [Engine::new, Engine::new_int8].map(|make| {
        let engine = make(shape, &weights).unwrap();
        engine.outputs(samples.input(), 1).features
    });
    let width = float32.len() / SAMPLES;
    for (float32, int8) in float32.chunks_exact(width).zip(int8.chunks_exact(width)) {
        assert_ne!(float32[..FEATURES], int8[..FEATURES]);
        assert_eq!(float32[FEATURES..], int8[FEATURES..]);
    }
}

#[test]
fn int8_answers_nearly_as_float32_does() {
    for architecture in [
        Architecture::Resnet,
        Architecture::ResnetGru,
        Architecture::ResnetGruSequence,
        Architecture::Sequence,
        Architecture::Centime,
    ] {
        let (engine, int8, samples) = engines(architecture);
        let expected = engine.logits(samples.input(), 1);
        let found = int8.logits(samples.input(), 1);
        let square = |values: &mut dyn Iterator<Item = f32>| values.map(|v| v * v).sum::<f32>();
        let apart = square(&mut found.iter().zip(&expected).map(|(a, b)| a - b));
        let share = (apart / square(&mut expected.iter().copied())).sqrt();
        assert!((1e-5..0.03).contains(&share), "{architecture}: {share}");
    }
}

#[test]
fn ranges_that_are_missing_are_named() {
    let options = options(Architecture::Resnet, 784);
    let weights = Trainer::new(options).weights();
    let error = Engine::new_int8(options.shape, &weights).unwrap_err();
    assert_eq!(error.to_string(), "tensor `int8.ranges` is missing");
}
