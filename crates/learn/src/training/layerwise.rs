//! The start layer by layer, for networks that have one and recipes that ask for it.
//!
//! It is short beside the training that follows: what stops it before its end begins anew.

use std::sync::atomic::{self, AtomicBool};

use network::trainer::Trainer;

use super::{
    LayerDone, Progress, TrainingError,
    order::{Changes, epoch_order, gather},
};
use crate::{dataset::LabelledSlices, recipe::Recipe};

/// Fits the hidden layers one after another; whether it came to its end.
pub(super) fn start_layers(
    trainer: &mut Trainer,
    recipe: &Recipe,
    from: &LabelledSlices,
    changes: Changes<'_>,
    progress: &mut dyn Progress,
    stop: &AtomicBool,
) -> Result<bool, TrainingError> {
    let layers = match recipe.layerwise_epochs {
        0 => 0,
        _ => trainer.startable_layers(),
    };
    let shape = recipe.shape(from.slice_length, 1);
    // Orders that no epoch of the whole network has.
    let mut turn = u32::MAX;
    for layer in 0..layers {
        let mut start = trainer.start_layer(layer);
        let mut loss = f64::NAN;
        for epoch in 1..=recipe.layerwise_epochs {
            let order = epoch_order(from.labels.len(), recipe.seed, turn);
            turn -= 1;
            loss = 0.0;
            for (done, samples) in order.chunks(recipe.batch_size).enumerate() {
                if stop.load(atomic::Ordering::Relaxed) {
                    return Ok(false);
                }
                let (inputs, labels) = gather(from, samples, shape, changes, epoch);
                let slices = inputs.as_input().slices;
                let found = trainer.step_layer(&mut start, slices, recipe.learning_rate);
                if !found.is_finite() {
                    return Err(TrainingError::NotFinite {
                        epoch,
                        step: done as u64 + 1,
                    });
                }
                loss += f64::from(found) * labels.len() as f64;
            }
        }
        trainer.keep_layer(&start);
        progress.layer(LayerDone {
            layer: layer + 1,
            layers,
            loss: loss / from.labels.len() as f64,
        });
    }
    Ok(true)
}
