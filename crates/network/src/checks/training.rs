//! Thread counts held against each other, a resumed trainer against one that never stopped; and
//! that training learns.

use std::collections::BTreeMap;

use super::samples::{Samples, labels, options, slices};
use crate::{
    architecture::Architecture::{
        self, Centime, Cnn1d, CnnLstm, DeepPacketCnn, Gru, Resnet, ResnetGru, ResnetGruSequence,
        Sequence,
    },
    precision::Precision::{self, Bfloat16, Float32},
    trainer::{Batch, Trainer, TrainerOptions},
    weights::Weights,
};

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

/// Two steps on several numbers of threads.
#[track_caller]
fn check_threads(architecture: Architecture, precision: Precision) {
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

/// Four steps, and two with two more by another trainer that was given the state as a file.
#[track_caller]
fn check_resumed(architecture: Architecture, precision: Precision) {
    let options = TrainerOptions {
        precision,
        weight_decay: 0.01,
        ..options(architecture, 784)
    };
    let statistics = Samples::new(4, 784).statistics;
    let mut through = Trainer::new(options).with_statistics(&statistics);
    train(&mut through, 2, 4);
    let bytes = through.state().to_safetensors(&BTreeMap::new());
    let (read, _) = Weights::from_safetensors(&bytes).unwrap();
    let mut resumed = Trainer::resume(options, &read).unwrap();
    train(&mut through, 2, 4);
    train(&mut resumed, 2, 4);
    assert!(through.state() == resumed.state(), "{architecture}");
    assert_eq!(resumed.steps(), 4);
}

/// Many steps on the same batch.
#[track_caller]
fn check_learnt(architecture: Architecture, precision: Precision) {
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

#[test]
fn any_number_of_threads_trains_to_the_same_bits() {
    for architecture in [ResnetGru, ResnetGruSequence, Cnn1d, DeepPacketCnn, CnnLstm] {
        check_threads(architecture, Float32);
    }
    check_threads(ResnetGru, Bfloat16);
}

#[test]
fn a_resumed_trainer_continues_to_the_same_bits() {
    for architecture in [ResnetGru, Resnet, Gru, Sequence, Cnn1d, Centime, CnnLstm] {
        check_resumed(architecture, Float32);
    }
    for architecture in [ResnetGru, ResnetGruSequence] {
        check_resumed(architecture, Bfloat16);
    }
}

#[test]
fn training_learns_a_batch_by_heart() {
    for architecture in [ResnetGru, Resnet, Gru, ResnetGruSequence, Sequence] {
        check_learnt(architecture, Float32);
    }
    for architecture in [ResnetGru, Resnet] {
        check_learnt(architecture, Bfloat16);
    }
}
