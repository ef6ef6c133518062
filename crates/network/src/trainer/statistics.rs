//! Means and variances beside the weights: of each `BatchNorm`, and of the training samples.

use super::{Trainer, floats};
use crate::{
    forward::{
        autoencoder::standardise,
        sequence::{self, Moments},
    },
    input::STATISTICS,
};

/// Share of a batch's statistics in the running ones, as `PyTorch` has it.
const MOMENTUM: f64 = 0.1;

impl Trainer {
    /// Sets by what statistics are standardised to the means and variances of these,
    /// `[samples, STATISTICS]`: the training samples'. Networks that look at none are left alone.
    #[must_use]
    pub fn with_statistics(mut self, statistics: &[f32]) -> Self {
        if !self.layout.has_statistics {
            return self;
        }
        let place = self.layout.statistics_norm();
        let samples = (statistics.len() / STATISTICS).max(1) as f64;
        for column in 0..STATISTICS {
            let values = || statistics.iter().skip(column).step_by(STATISTICS);
            let mean = values().copied().map(f64::from).sum::<f64>() / samples;
            let squares = values().map(|&value| (f64::from(value) - mean).powi(2));
            self.variances[place + column] = (squares.sum::<f64>() / samples) as f32;
            self.means[place + column] = mean as f32;
        }
        self
    }

    /// Statistics as the network reads them.
    pub(super) fn standardised(&self, statistics: &[f32]) -> Vec<f32> {
        let place = self.layout.statistics_norm();
        let of = |values: &[f32]| values[place..][..STATISTICS].to_vec();
        standardise(statistics, &of(&self.means), &of(&self.variances))
    }

    /// Mixes the statistics of the last batch into the running ones.
    pub(super) fn update_running_statistics(&mut self, moments: &[Moments], seen: &[u32]) {
        let mix = |running: &mut f32, new: f64| {
            *running = ((1.0 - MOMENTUM) * f64::from(*running) + MOMENTUM * new) as f32;
        };
        let packets = f64::from(sequence::packets_of(seen));
        let unbiased = packets / (packets - 1.0).max(1.0);
        for (layer, moments) in moments.iter().enumerate() {
            let place = self.layout.sequence_norm(layer);
            for (channel, mean) in floats(moments.means.clone()).into_iter().enumerate() {
                mix(&mut self.means[place + channel], f64::from(mean));
            }
            for (channel, variance) in floats(moments.variances.clone()).into_iter().enumerate() {
                let variance = f64::from(variance) * unbiased;
                mix(&mut self.variances[place + channel], variance);
            }
        }
        let Some(branch) = &self.branch else { return };
        let branch = branch.lock();
        for (convolution, norm) in branch.plan.convolutions.iter().zip(&branch.norms) {
            for channel in 0..convolution.outputs {
                let place = convolution.channel_offset + channel;
                mix(&mut self.means[place], f64::from(norm.mean[channel]));
                mix(&mut self.variances[place], norm.unbiased_variance(channel));
            }
        }
    }
}
