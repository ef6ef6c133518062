//! The networks held against `PyTorch` in float64, and their error against that of `PyTorch`'s own
//! float32. `reference/make_reference.py` made the values; its formulas are repeated here.

mod formulas;

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{
    architecture::{Architecture, Shape},
    engine::Engine,
    kernels::Kernels,
    precision::Precision,
    trainer::{Batch, Trainer, TrainerOptions, floats},
    weights::{NamedTensor, Weights},
};

const LENGTH: usize = 784;
const CLASSES: usize = 12;
const SAMPLES: usize = 4;
const KEPT: usize = 48;
const PACKETS: usize = 32;
const SEEN: [u32; SAMPLES] = [32, 5, 1, 17];
const CLASS_WEIGHTS: [f32; CLASSES] = [1.0, 2.0, 0.5, 1.0, 1.5, 1.0, 3.0, 1.0, 0.25, 1.0, 1.0, 2.0];

/// Some entries of a tensor in float64, and how far `PyTorch`'s float32 is from all of them.
#[derive(Deserialize)]
struct Entries {
    entries: Vec<f64>,
    float32_error: f64,
}

type Table = BTreeMap<String, Entries>;

/// What is kept of a network.
#[derive(Deserialize)]
struct Reference {
    /// Of samples of which rounding decides on no rectifier, so that all gradients can be held.
    seed: u64,
    parts: BTreeMap<String, Table>,
}

fn reference(architecture: Architecture) -> Reference {
    let text = include_str!("../../reference/reference.json");
    let mut all: BTreeMap<String, Reference> = serde_json::from_str(text).unwrap();
    all.remove(&architecture.to_string()).unwrap()
}

/// Distance of a tensor from the reference as a share of the reference's length, and what
/// `PyTorch`'s float32 has.
fn error(table: &Table, name: &str, values: &[f32]) -> (f64, f64) {
    let Entries {
        entries,
        float32_error,
    } = &table[name];
    let count = KEPT.min(values.len());
    let place = |n: usize| {
        if entries.len() < values.len() {
            n * values.len() / count
        } else {
            n
        }
    };
    let kept: Vec<f64> = (0..entries.len())
        .map(|n| f64::from(values[place(n)]))
        .collect();
    assert_eq!(kept.len(), entries.len(), "{name}");
    let square = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
    let length = square(&mut entries.iter().copied());
    let distance = square(&mut entries.iter().zip(&kept).map(|(a, b)| a - b));
    if length == 0.0 {
        return (distance, *float32_error);
    }
    (distance / length, *float32_error)
}

/// Every tensor is at most `times` as far off as `PyTorch`'s float32, or at most by `always`.
#[track_caller]
fn check(table: &Table, tensors: &Weights, times: f64, always: f64) {
    let mut worst = 0.0_f64;
    for name in table.keys() {
        let (own, pytorch) = error(table, name, &tensors.tensors[name].values);
        worst = worst.max(own);
        assert!(
            own <= always.max(times * pytorch),
            "{name}: {own:.2e}, PyTorch {pytorch:.2e}"
        );
    }
    assert!(worst > 0.0, "float32 cannot be exact: nothing was compared");
}

/// The length of each tensor, under its name.
fn norms(gradients: &Weights) -> Weights {
    let norm = |tensor: &NamedTensor| {
        let squares = tensor.values.iter().map(|&value| f64::from(value).powi(2));
        NamedTensor {
            shape: vec![1],
            values: vec![squares.sum::<f64>().sqrt() as f32],
        }
    };
    let tensors = gradients.tensors.iter();
    Weights {
        tensors: tensors
            .map(|(name, tensor)| (name.clone(), norm(tensor)))
            .collect(),
    }
}

/// One tensor of that name.
fn named(name: &str, values: Vec<f32>) -> Weights {
    let tensor = NamedTensor {
        shape: vec![values.len()],
        values,
    };
    Weights {
        tensors: [(name.to_owned(), tensor)].into(),
    }
}

#[track_caller]
fn check_network(architecture: Architecture) {
    let Reference {
        seed,
        parts: reference,
    } = reference(architecture);
    let shape = Shape {
        architecture,
        slice_length: LENGTH,
        classes: CLASSES,
        packets: if architecture.parts().packets {
            PACKETS
        } else {
            0
        },
    };
    let (weights, samples) = (formulas::weights(shape), formulas::samples(seed));
    let input = samples.input();
    let labels: Vec<u32> = (0..SAMPLES)
        .map(|sample| (sample * 7 % CLASSES) as u32)
        .collect();
    let batch = Batch {
        input,
        labels: &labels,
        class_weights: Some(&CLASS_WEIGHTS),
    };
    for kernels in Kernels::available() {
        let engine = Engine::new(shape, &weights).unwrap().with_kernels(kernels);
        let logits = named("logits", engine.logits(input, 1));
        check(&reference["answers"], &logits, 4.0, 1e-6);

        let options = TrainerOptions {
            shape,
            seed: 0,
            dropout: 0.0,
            weight_decay: 0.0,
            precision: Precision::Float32,
            threads: 1,
        };
        let mut trainer = Trainer::from_weights(options, &weights)
            .unwrap()
            .with_kernels(kernels);
        let found = trainer.gradients(batch);
        check(
            &reference["loss"],
            &named("loss", vec![found.report.loss]),
            4.0,
            3e-7,
        );
        let gradients = trainer.name_gradients(floats(found.trunk), floats(found.rest));
        check(&reference["gradients"], &gradients, 4.0, 1e-5);
        check(&reference["gradient norms"], &norms(&gradients), 4.0, 1e-5);

        trainer.step(batch, 0.001);
        if !reference["running"].is_empty() {
            check(&reference["running"], &trainer.weights(), 4.0, 1e-6);
        }
        trainer.step(batch, 0.001);
        trainer.step(batch, 0.001);
        // Adam divides a gradient by its own size: where that is nearly zero, rounding decides.
        check(&reference["trained"], &trainer.weights(), 10.0, 2e-3);
        let last = trainer.gradients(batch).report.loss;
        check(
            &reference["last loss"],
            &named("loss", vec![last]),
            10.0,
            1e-4,
        );
    }
}

/// A test for each network, so that one that disagrees is named.
macro_rules! agrees_with_pytorch {
    ($($test:ident: $architecture:ident),* $(,)?) => {
        $(
            #[test]
            fn $test() {
                check_network(Architecture::$architecture);
            }
        )*
    };
}

agrees_with_pytorch! {
    resnet_gru_agrees_with_pytorch: ResnetGru,
    resnet_agrees_with_pytorch: Resnet,
    gru_agrees_with_pytorch: Gru,
    resnet_gru_sequence_agrees_with_pytorch: ResnetGruSequence,
    sequence_agrees_with_pytorch: Sequence,
    cnn1d_agrees_with_pytorch: Cnn1d,
    centime_agrees_with_pytorch: Centime,
    deep_packet_cnn_agrees_with_pytorch: DeepPacketCnn,
    deep_packet_sae_agrees_with_pytorch: DeepPacketSae,
    cnn_lstm_agrees_with_pytorch: CnnLstm,
}
