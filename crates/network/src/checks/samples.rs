//! Networks and samples for checks: small, of every part, the same at every run.

use crate::{
    architecture::{Architecture, Shape},
    input::{Input, PACKET_FEATURES, PACKET_SLICES, STATISTICS},
    precision::Precision,
    trainer::TrainerOptions,
};

/// Options of a network of that shape.
pub(crate) fn options(architecture: Architecture, slice_length: usize) -> TrainerOptions {
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
pub(crate) const PACKETS: usize = 7;

/// Samples with every part that a network may look at.
pub(crate) struct Samples {
    pub(crate) slices: Vec<u8>,
    pub(crate) packets: Vec<f32>,
    pub(crate) seen: Vec<u32>,
    pub(crate) statistics: Vec<f32>,
    pub(crate) packet_slices: Vec<u8>,
}

impl Samples {
    /// Some with much padding, some with little; some with all packets, some with none.
    pub(crate) fn new(samples: usize, slice_length: usize) -> Self {
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

    pub(crate) fn input(&self) -> Input<'_> {
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
pub(crate) fn slices(samples: usize, slice_length: usize) -> Vec<u8> {
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
pub(crate) fn padded_slices(samples: usize, slice_length: usize) -> Vec<u8> {
    let mut slices = slices(samples, slice_length);
    for (sample, slice) in slices.chunks_exact_mut(slice_length).enumerate() {
        slice[(sample * 37 + 5) % 90 * slice_length / 89..].fill(0);
    }
    slices
}

/// One class of five for each sample.
pub(crate) fn labels(samples: usize) -> Vec<u32> {
    (0..samples as u32).map(|sample| sample * 7 % 5).collect()
}
