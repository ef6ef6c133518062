//! Dropout: which values a step loses, by the seed and the step alone.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

use super::Trainer;

impl Trainer {
    /// Values with some zeroed and the others grown to make up for it. Which, is decided by the
    /// seed, the step and `place` alone, so that a resumed run drops the same.
    pub(super) fn drop_out(&self, unit: &[f32], place: u64) -> Vec<f32> {
        self.drop_out_by(self.options.dropout, unit, place)
    }

    /// The same with a probability of the network's own, which the options can turn off.
    pub(super) fn drop_out_by(&self, dropout: f64, unit: &[f32], place: u64) -> Vec<f32> {
        self.drop_out_at(dropout, unit, place, self.steps)
    }

    /// The same at a step of a training before the network's own.
    pub(super) fn drop_out_at(
        &self,
        dropout: f64,
        unit: &[f32],
        place: u64,
        step: u64,
    ) -> Vec<f32> {
        if dropout <= 0.0 || self.options.dropout <= 0.0 {
            return unit.to_vec();
        }
        let mut random = ChaCha8Rng::seed_from_u64(self.options.seed);
        // Stream 0 drew the initial weights.
        random.set_stream((place << 48) + step + 1);
        let threshold = (dropout.min(1.0) * 2.0_f64.powi(32)) as u64;
        let grown = if dropout < 1.0 {
            (1.0 / (1.0 - dropout)) as f32
        } else {
            0.0
        };
        unit.iter()
            .map(|value| {
                if u64::from(random.next_u32()) < threshold {
                    0.0
                } else {
                    value * grown
                }
            })
            .collect()
    }
}
