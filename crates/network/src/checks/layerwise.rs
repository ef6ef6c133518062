//! The start layer by layer: that each layer learns what it is to learn, and nothing else changes.

use super::samples::{options, slices};
use crate::{
    architecture::Architecture::{Cnn1d, DeepPacketSae},
    trainer::{Trainer, TrainerOptions},
    weights::Weights,
};

const LENGTH: usize = 48;
const SAMPLES: usize = 24;

fn trainer(threads: usize) -> Trainer {
    Trainer::new(TrainerOptions {
        threads,
        ..options(DeepPacketSae, LENGTH)
    })
}

/// Some steps of each layer in turn; the first and the last loss of each.
fn start_all(trainer: &mut Trainer, steps: usize) -> Vec<[f32; 2]> {
    let slices = slices(SAMPLES, LENGTH);
    let layers = 0..trainer.startable_layers();
    let losses = layers.map(|layer| {
        let mut start = trainer.start_layer(layer);
        let losses: Vec<f32> = (0..steps)
            .map(|_| trainer.step_layer(&mut start, &slices, 0.003))
            .collect();
        trainer.keep_layer(&start);
        [losses[0], losses[steps - 1]]
    });
    losses.collect()
}

/// Names of the tensors that differ.
fn changed(before: &Weights, after: &Weights) -> Vec<String> {
    let tensors = before.tensors.iter();
    let differing = tensors.filter(|(name, tensor)| after.tensors.get(*name) != Some(*tensor));
    differing.map(|(name, _)| name.clone()).collect()
}

#[test]
fn every_hidden_layer_learns_to_give_back_what_it_reads() {
    let losses = start_all(&mut trainer(1), 40);
    assert_eq!(losses.len(), 5);
    for (layer, [first, last]) in losses.into_iter().enumerate() {
        assert!(last < 0.8 * first, "layer {layer}: {first} to {last}");
    }
}

#[test]
fn a_start_changes_its_own_layer_and_no_step_of_the_network() {
    let mut trainer = trainer(1);
    let before = trainer.weights();
    let mut start = trainer.start_layer(1);
    trainer.step_layer(&mut start, &slices(SAMPLES, LENGTH), 0.003);
    assert!(changed(&before, &trainer.weights()).is_empty());
    trainer.keep_layer(&start);
    assert_eq!(
        changed(&before, &trainer.weights()),
        ["fc2.bias", "fc2.weight"]
    );
    assert_eq!(trainer.steps(), 0);
}

#[test]
fn a_start_has_the_same_bits_on_any_number_of_threads() {
    let states = [1, 2, 3].map(|threads| {
        let mut trainer = trainer(threads);
        start_all(&mut trainer, 2);
        trainer.state()
    });
    assert!(states[0] == states[1] && states[0] == states[2]);
}

#[test]
fn other_networks_have_no_layers_to_start() {
    assert_eq!(Trainer::new(options(Cnn1d, LENGTH)).startable_layers(), 0);
}
