//! The maker's formulas: weights and samples that need not be kept beside the results.

use super::{LENGTH, PACKETS, SAMPLES, SEEN};
use crate::{
    architecture::Shape,
    checks::samples::Samples,
    input::{PACKET_FEATURES, PACKET_SLICES, STATISTICS},
    layout::Layout,
    weights::{NamedTensor, Weights},
};

/// Numbers from 0 to 1, of 24 bits, by splitmix64.
fn uniform(seed: u64, count: usize) -> impl Iterator<Item = f64> {
    (1..=count as u64).map(move |number| {
        let mut z = ((seed << 32) + number).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 40) as f64 / f64::from(1 << 24)
    })
}

/// All tensors of a network.
pub(super) fn weights(shape: Shape) -> Weights {
    let layout = Layout::new(shape);
    let mut weights = layout.name(&layout.draw(0));
    for (seed, (name, tensor)) in (1..).zip(&mut weights.tensors) {
        let NamedTensor { shape, values } = tensor;
        let fan_in: usize = shape[1..].iter().product();
        let is_scale = name.ends_with("running_var") || name.ends_with("weight");
        for (value, unit) in values.iter_mut().zip(uniform(seed, shape.iter().product())) {
            *value = match (shape.len(), is_scale) {
                (1, true) => (unit + 0.5) as f32,
                (1, false) => ((unit - 0.5) * 0.2) as f32,
                _ => ((2.0 * unit - 1.0) / (fan_in as f64).sqrt()) as f32,
            };
        }
    }
    weights
}

/// Bytes that differ by the seed.
fn bytes(seed: u64, count: usize) -> Vec<u8> {
    uniform(seed, count)
        .map(|unit| (unit * 256.0) as u8)
        .collect()
}

/// Samples of every part.
pub(super) fn samples(seed: u64) -> Samples {
    Samples {
        slices: bytes(seed, SAMPLES * LENGTH),
        packets: packets(seed + 1),
        seen: SEEN.to_vec(),
        statistics: uniform(seed + 2, SAMPLES * STATISTICS)
            .map(|unit| unit as f32)
            .collect(),
        packet_slices: bytes(seed + 3, SAMPLES * PACKET_SLICES * LENGTH),
    }
}

/// Sequences, zeros behind the packets seen.
fn packets(seed: u64) -> Vec<f32> {
    let mut packets: Vec<f32> = uniform(seed, SAMPLES * PACKETS * PACKET_FEATURES)
        .map(|unit| (2.0 * unit - 1.0) as f32)
        .collect();
    for (packets, seen) in packets
        .chunks_exact_mut(PACKETS * PACKET_FEATURES)
        .zip(SEEN)
    {
        packets[seen as usize * PACKET_FEATURES..].fill(0.0);
    }
    packets
}
