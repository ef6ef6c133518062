//! The kernels' path held against Burn's own layers, thread counts against each other, a
//! resumed trainer against one that never stopped, short cuts through padding against none.

mod padding;
mod reference;
mod sequence;

use burn::tensor::Tensor;

use crate::{
    architecture::{Architecture, Shape},
    engine::{Engine, to_unit},
    forward,
    input::{Input, PACKET_FEATURES, PACKET_SLICES, STATISTICS},
    kernels::Kernels,
    layout::Layout,
    operation::{SharedTrunk, spatial_features},
    precision::Precision,
    trainer::{Batch, Trainer, TrainerOptions, flat, floats},
    trunk::Trunk,
    weights::Weights,
};

fn options(architecture: Architecture, slice_length: usize) -> TrainerOptions {
    let shape = Shape {
        architecture,
        slice_length,
        classes: 5,
        packets: if architecture.parts().packets {
            PACKETS
        } else {
            0
        },
    };
    TrainerOptions {
        shape,
        seed: 11,
        dropout: 0.3,
        weight_decay: 0.0,
        precision: Precision::Float32,
        threads: 1,
    }
}

/// Packets of the sequences here.
const PACKETS: usize = 7;

/// Samples with every part that a network may look at.
struct Samples {
    slices: Vec<u8>,
    packets: Vec<f32>,
    seen: Vec<u32>,
    statistics: Vec<f32>,
    packet_slices: Vec<u8>,
}

impl Samples {
    /// Some with much padding, some with little; some with all packets, some with none.
    fn new(samples: usize, slice_length: usize) -> Self {
        let seen: Vec<u32> = (0..samples)
            .map(|sample| (sample * 3 % 11).min(PACKETS) as u32)
            .collect();
        let width = PACKETS * PACKET_FEATURES;
        let mut packets: Vec<f32> = slices(samples, width)
            .iter()
            .map(|&byte| f32::from(byte) / 128.0 - 1.0)
            .collect();
        for (packets, &seen) in packets.chunks_exact_mut(width).zip(&seen) {
            packets[seen as usize * PACKET_FEATURES..].fill(0.0);
        }
        let statistics = slices(samples, STATISTICS);
        Self {
            statistics: statistics.iter().map(|&byte| f32::from(byte)).collect(),
            slices: padded_slices(samples, slice_length),
            packet_slices: slices(samples * PACKET_SLICES, slice_length),
            packets,
            seen,
        }
    }

    fn input(&self) -> Input<'_> {
        Input {
            slices: &self.slices,
            packets: &self.packets,
            seen: &self.seen,
            statistics: &self.statistics,
            packet_slices: &self.packet_slices,
        }
    }
}

/// Bytes that look like nothing in particular.
fn slices(samples: usize, slice_length: usize) -> Vec<u8> {
    let mut state = 12_345_u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    std::iter::repeat_with(next)
        .take(samples * slice_length)
        .collect()
}

/// The same, some of them with much padding, some with little.
fn padded_slices(samples: usize, slice_length: usize) -> Vec<u8> {
    let mut slices = slices(samples, slice_length);
    for (sample, slice) in slices.chunks_exact_mut(slice_length).enumerate() {
        slice[(sample * 37 + 5) % 90 * slice_length / 89..].fill(0);
    }
    slices
}

fn labels(samples: usize) -> Vec<u32> {
    (0..samples as u32).map(|sample| sample * 7 % 5).collect()
}

/// The largest difference, as a fraction of the largest expected value.
fn difference(found: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(found.len(), expected.len());
    let largest = expected
        .iter()
        .fold(0.0_f32, |largest, value| largest.max(value.abs()));
    let worst = found
        .iter()
        .zip(expected)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f32::max);
    assert!(found.iter().all(|value| value.is_finite()), "not finite");
    worst / largest.max(1e-30)
}

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
    let input = burn::tensor::TensorData::new(input, [samples, slice_length]);
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
    // Some loss that weighs every feature of every sample otherwise.
    let weights: Vec<f32> = (0..samples * 256)
        .map(|n| (n as f32 * 0.37).sin())
        .collect();
    let weights = burn::tensor::TensorData::new(weights, [samples, 256]);
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

/// Some steps.
fn train(trainer: &mut Trainer, steps: usize, samples: usize) {
    let (samples, labels) = (Samples::new(samples, 784), labels(samples));
    let class_weights = [1.0, 2.0, 0.5, 1.0, 3.0];
    for _ in 0..steps {
        let class_weights = Some(&class_weights[..]);
        trainer.step(
            Batch {
                input: samples.input(),
                labels: &labels,
                class_weights,
            },
            0.001,
        );
    }
}

#[test]
fn any_number_of_threads_trains_to_the_same_bits() {
    for (architecture, precision) in [
        (Architecture::ResnetGru, Precision::Float32),
        (Architecture::ResnetGru, Precision::Bfloat16),
        (Architecture::ResnetGruSequence, Precision::Float32),
        (Architecture::Cnn1d, Precision::Float32),
        (Architecture::DeepPacketCnn, Precision::Float32),
        (Architecture::CnnLstm, Precision::Float32),
    ] {
        let weights = [1, 2, 3, 5].map(|threads| {
            let options = TrainerOptions {
                precision,
                threads,
                ..options(architecture, 784)
            };
            let mut trainer = Trainer::new(options);
            train(&mut trainer, 2, 21);
            trainer.state()
        });
        for others in &weights[1..] {
            assert!(*others == weights[0], "{architecture} {precision:?}");
        }
    }
}

#[test]
fn a_resumed_trainer_continues_to_the_same_bits() {
    for (architecture, precision) in [
        (Architecture::ResnetGru, Precision::Float32),
        (Architecture::ResnetGru, Precision::Bfloat16),
        (Architecture::Resnet, Precision::Float32),
        (Architecture::Gru, Precision::Float32),
        (Architecture::ResnetGruSequence, Precision::Bfloat16),
        (Architecture::Sequence, Precision::Float32),
        (Architecture::Cnn1d, Precision::Float32),
        (Architecture::Centime, Precision::Float32),
        (Architecture::CnnLstm, Precision::Float32),
    ] {
        let options = TrainerOptions {
            precision,
            weight_decay: 0.01,
            ..options(architecture, 784)
        };
        let statistics = Samples::new(4, 784).statistics;
        let mut through = Trainer::new(options).with_statistics(&statistics);
        train(&mut through, 2, 4);
        let state = through.state();
        let bytes = state.to_safetensors(&std::collections::BTreeMap::new());
        let (read, _) = crate::weights::Weights::from_safetensors(&bytes).unwrap();
        let mut resumed = Trainer::resume(options, &read).unwrap();
        train(&mut through, 2, 4);
        train(&mut resumed, 2, 4);
        assert!(through.state() == resumed.state(), "{architecture}");
        assert_eq!(resumed.steps(), 4);
    }
}

#[test]
fn training_learns_a_batch_by_heart() {
    for (architecture, precision) in [
        (Architecture::ResnetGru, Precision::Float32),
        (Architecture::ResnetGru, Precision::Bfloat16),
        (Architecture::Resnet, Precision::Float32),
        (Architecture::Resnet, Precision::Bfloat16),
        (Architecture::Gru, Precision::Float32),
        (Architecture::ResnetGruSequence, Precision::Float32),
        (Architecture::Sequence, Precision::Float32),
    ] {
        let options = TrainerOptions {
            precision,
            dropout: 0.0,
            ..options(architecture, 784)
        };
        let mut trainer = Trainer::new(options);
        let samples = Samples {
            slices: slices(10, 784),
            ..Samples::new(10, 784)
        };
        let labels = labels(10);
        let batch = Batch {
            input: samples.input(),
            labels: &labels,
            class_weights: None,
        };
        let first = trainer.step(batch, 0.003);
        let mut last = first;
        for _ in 0..60 {
            last = trainer.step(batch, 0.003);
        }
        assert!(
            last.loss < 0.1 * first.loss,
            "{architecture}: {} to {}",
            first.loss,
            last.loss
        );
        assert_eq!(last.correct, 10, "{architecture}");
    }
}

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

#[test]
fn a_sample_is_answered_alike_in_any_company_and_on_any_threads() {
    for architecture in Architecture::ALL {
        for kernels in Kernels::available() {
            let options = options(architecture, 784);
            let weights = Trainer::new(options).weights();
            let engine = Engine::new(options.shape, &weights)
                .unwrap()
                .with_kernels(kernels);
            let samples = Samples::new(7, 784);
            let together = engine.logits(samples.input(), 1);
            assert_eq!(together, engine.logits(samples.input(), 3));
            let alone: Vec<f32> = (0..7)
                .map(|sample| samples.input().range(options.shape, sample..sample + 1))
                .flat_map(|sample| engine.logits(sample, 2))
                .collect();
            assert_eq!(together, alone);
        }
    }
}

#[test]
fn no_slices_have_no_logits() {
    let options = options(Architecture::ResnetGru, 784);
    let engine = Engine::new(options.shape, &Trainer::new(options).weights()).unwrap();
    assert_eq!(engine.logits(Input::default(), 4), Vec::<f32>::new());
}

#[test]
fn shapes_that_would_exhaust_the_memory_are_refused() {
    let options = options(Architecture::Resnet, 784);
    let weights = Trainer::new(options).weights();
    for (slice_length, classes) in [(0, 5), (1 << 40, 5), (784, 0), (784, 1)] {
        let shape = Shape {
            slice_length,
            classes,
            ..options.shape
        };
        let error = Engine::new(shape, &weights).unwrap_err().to_string();
        assert!(error.starts_with("no network has slices of"), "{error}");
        assert!(Trainer::from_weights(TrainerOptions { shape, ..options }, &weights).is_err());
    }
}

#[test]
fn a_trainer_and_an_engine_can_move_between_threads() {
    fn check<T: Send>() {}
    check::<Trainer>();
    check::<Engine>();
}
