//! The branch that reads packets: the engine against the trainer, and what masks keep out.

use super::samples::{PACKETS, Samples, labels, options};
use crate::{
    architecture::{Architecture, Shape},
    engine::Engine,
    input::PACKET_FEATURES,
    kernels::Kernels,
    trainer::{Batch, Trainer, TrainerOptions},
};

const SAMPLES: usize = 9;

/// Mean cross-entropy of logits `[samples, 5]`.
fn cross_entropy(logits: &[f32], labels: &[u32]) -> f64 {
    let of = |(row, &label): (&[f32], &u32)| {
        let sum: f64 = row.iter().map(|&logit| f64::from(logit).exp()).sum();
        sum.ln() - f64::from(row[label as usize])
    };
    let losses = logits.chunks_exact(5).zip(labels).map(of);
    losses.sum::<f64>() / labels.len() as f64
}

#[test]
fn the_engine_answers_as_the_trainer_does() {
    let options = TrainerOptions {
        dropout: 0.0,
        ..options(Architecture::Sequence, 784)
    };
    let (samples, labels) = (Samples::new(SAMPLES, 784), labels(SAMPLES));
    let batch = Batch {
        input: samples.input(),
        labels: &labels,
        class_weights: None,
    };
    // Steps of no length change the running statistics alone, to those of the batch.
    let mut trainer = Trainer::new(options);
    for step in 0..400 {
        trainer.step(batch, if step < 40 { 0.003 } else { 0.0 });
    }
    let loss = f64::from(trainer.step(batch, 0.0).loss);
    let mut weights = trainer.weights();
    let packets = samples.seen.iter().sum::<u32>() as f32;
    for (name, tensor) in &mut weights.tensors {
        if name.ends_with("running_var") {
            // The trainer divides by the number of packets, what runs by one less.
            let biased = |variance: &mut f32| *variance *= (packets - 1.0) / packets;
            tensor.values.iter_mut().for_each(biased);
        }
    }
    assert!(loss < 1.0, "nothing was learnt: {loss}");
    for kernels in Kernels::available() {
        let engine = Engine::new(options.shape, &weights).unwrap();
        let logits = engine.with_kernels(kernels).logits(samples.input(), 1);
        let found = cross_entropy(&logits, &labels);
        assert!((found - loss).abs() < 1e-4 * loss, "{found} {loss}");
    }
}

#[test]
fn longer_sequences_change_nothing_for_the_packets_seen() {
    let options = options(Architecture::Sequence, 784);
    let weights = Trainer::new(options).weights();
    let short = Samples::new(SAMPLES, 784);
    let longer = Shape {
        packets: 2 * PACKETS,
        ..options.shape
    };
    let mut packets = Vec::new();
    for sequence in short.packets.chunks_exact(PACKETS * PACKET_FEATURES) {
        packets.extend_from_slice(sequence);
        packets.resize(packets.len() + PACKETS * PACKET_FEATURES, 0.0);
    }
    let long = Samples {
        packets,
        seen: short.seen.clone(),
        slices: Vec::new(),
        statistics: Vec::new(),
        packet_slices: Vec::new(),
    };
    let answer = |shape, samples: &Samples| {
        let engine = Engine::new(shape, &weights).unwrap();
        engine.logits(samples.input(), 1)
    };
    assert_eq!(answer(options.shape, &short), answer(longer, &long));
}

#[test]
fn shapes_with_packets_where_none_are_looked_at_are_refused() {
    let check = |architecture, packets, expected: Option<&str>| {
        let shape = Shape {
            packets,
            ..options(architecture, 784).shape
        };
        let found = shape.check().err().map(|error| error.to_string());
        assert_eq!(found.as_deref(), expected);
    };
    check(Architecture::Sequence, 1, None);
    check(
        Architecture::Sequence,
        0,
        Some("`sequence` cannot look at 0 packets; it takes 1 to 4096"),
    );
    check(
        Architecture::Gru,
        8,
        Some("`gru` cannot look at 8 packets; it takes none"),
    );
}
