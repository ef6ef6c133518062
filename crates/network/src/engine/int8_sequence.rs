//! The branch that reads packets in int8.
//!
//! Numbers of packets have 16 bits, since 256 steps do not tell lengths apart that a network tells
//! apart: a high byte and a low one, which the same weights multiply one after the other. What
//! convolutions read of one another are bytes, as in the `ResNet` branch. What each adds stays
//! float32, added up in plain Rust, so that all kernels give the same bits.

use super::{
    quantised::{LARGEST, Quantised},
    sequence::{Folded, pool},
};
use crate::{
    aligned::Aligned,
    forward::sequence::{CHANNELS, TAPS},
    input::PACKET_FEATURES,
    kernels::{Addend, Kernels, Output},
    layout::{Layout, Values},
};

/// What zero is in 16 bits without a sign.
const ZERO: f32 = 32_768.0;

/// Zero's high byte; its low one is 0.
const HIGH_ZERO: u8 = 128;

/// What the high byte's one counts in steps.
const HIGH: f32 = 256.0;

/// Added to a float below 2^22 it leaves the nearest whole number in the low bits of the sum.
const WHOLE: f32 = 12_582_912.0;

/// The branch's convolutions, ready to multiply by.
#[derive(Debug)]
pub(super) struct Int8Sequence {
    /// The first convolution's, for high bytes of packets and for low ones.
    packets: [Quantised; 2],
    /// The others.
    layers: Vec<Quantised>,
    /// Steps of one: of packets, then of what each of the others reads.
    steps: Vec<f32>,
}

/// What a thread works in.
#[derive(Debug)]
pub(super) struct Memory {
    /// High and low bytes of the packets, with a row of zeros at both ends.
    packets: [Aligned<u8>; 2],
    /// What a convolution reads of another, likewise.
    bytes: Aligned<u8>,
    /// The channels.
    values: Aligned<f32>,
    /// What a convolution gives.
    products: Aligned<f32>,
}

impl Memory {
    /// For sequences of so many packets; for none it takes no memory.
    pub(super) fn new(packets: usize) -> Self {
        let rows = if packets == 0 { 0 } else { packets + 2 };
        let mut memory = Self {
            packets: std::array::from_fn(|_| Aligned::new(rows * PACKET_FEATURES)),
            bytes: Aligned::new(rows * CHANNELS),
            values: Aligned::new(packets * CHANNELS),
            products: Aligned::new(packets * CHANNELS),
        };
        memory.packets[0].fill(HIGH_ZERO);
        memory
    }
}

impl Int8Sequence {
    /// The branch of a network that has one; `ranges` are those of [`super::Ranges`].
    pub(super) fn new(layout: &Layout, values: &Values, ranges: &[f32]) -> Self {
        let mut folded = Folded::all(layout, values);
        let (step, first) = (ranges[0] / ZERO, folded.remove(0));
        let of_packets = |bias: &[f32], step| Quantised::new(&first.weights, bias, TAPS, step, 1.0);
        let low = of_packets(&[0.0; CHANNELS], step);
        // What stands for zero counts too, and is taken off here.
        let excess = low.of_ones().into_iter().map(|ones| ones * ZERO);
        let bias: Vec<f32> = first.bias.iter().zip(excess).map(|(a, b)| a - b).collect();
        let high = of_packets(&bias, step * HIGH);
        let others = folded.iter().zip(&ranges[1..]);
        Self {
            packets: [high, low],
            layers: others
                .map(|(layer, range)| {
                    Quantised::new(&layer.weights, &layer.bias, TAPS, range / LARGEST, 1.0)
                })
                .collect(),
            steps: std::iter::once(1.0 / step)
                .chain(ranges[1..].iter().map(|range| LARGEST / range))
                .collect(),
        }
    }

    /// Features of a sequence of which `seen` packets are there.
    pub(super) fn apply(
        &self,
        kernels: Kernels,
        packets: &[f32],
        seen: u32,
        memory: &mut Memory,
        features: &mut [f32],
    ) {
        let seen = seen as usize;
        let Memory {
            packets: [high, low],
            bytes,
            values,
            products,
        } = memory;
        let filled = PACKET_FEATURES..(seen + 1) * PACKET_FEATURES;
        high[filled.end..].fill(HIGH_ZERO);
        low[filled.end..].fill(0);
        let packets = &packets[..filled.len()];
        split(
            packets,
            self.steps[0],
            &mut high[filled.clone()],
            &mut low[filled],
        );
        bytes[(seen + 1) * CHANNELS..].fill(0);
        let values = &mut values[..seen * CHANNELS];
        let products = &mut products[..seen * CHANNELS];
        let [of_high, of_low] = &self.packets;
        let sums = Output::Floats(products);
        of_high.apply(kernels, seen, high, PACKET_FEATURES, Addend::None, sums);
        let (sums, own) = (Addend::Floats(products), Output::Rectified(values));
        of_low.apply(kernels, seen, low, PACKET_FEATURES, sums, own);
        for (layer, &steps) in self.layers.iter().zip(&self.steps[1..]) {
            round(values, steps, &mut bytes[CHANNELS..(seen + 1) * CHANNELS]);
            let own = Output::Rectified(products);
            layer.apply(kernels, seen, bytes, CHANNELS, Addend::None, own);
            for (value, product) in values.iter_mut().zip(&*products) {
                *value += product;
            }
        }
        pool(values, features);
    }
}

/// Numbers to the nearest of 65,536 around zero, as high and low bytes.
fn split(numbers: &[f32], steps: f32, high: &mut [u8], low: &mut [u8]) {
    for ((number, high), low) in numbers.iter().zip(high).zip(low) {
        let nearest = (number * steps).clamp(-ZERO, ZERO - 1.0) + WHOLE;
        // The other sign turns -32,768 to 32,767 into 0 to 65,535.
        [*high, *low] = (nearest.to_bits() as u16 ^ 0x8000).to_be_bytes();
    }
}

/// Values from zero up to the nearest byte.
fn round(values: &[f32], steps: f32, bytes: &mut [u8]) {
    for (value, byte) in values.iter().zip(bytes) {
        *byte = ((value * steps).min(LARGEST) + WHOLE).to_bits() as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_packets_are_split_at_zero_and_cut_off_at_both_ends() {
        let (mut high, mut low) = ([0; 6], [0; 6]);
        let numbers = [0.0, 1.0, -1.0, 0.126, 200.0, -200.0];
        split(&numbers, 256.0, &mut high, &mut low);
        // 0.126 * 256 is 32.256; 200 is beyond 32,767 / 256.
        assert_eq!(high, [128, 129, 127, 128, 255, 0]);
        assert_eq!(low, [0, 0, 0, 32, 255, 0]);
    }

    #[test]
    fn values_are_rounded_to_the_nearest_byte() {
        let mut bytes = [9; 5];
        round(&[0.0, 0.24, 0.26, 127.4, 500.0], 2.0, &mut bytes);
        assert_eq!(bytes, [0, 0, 1, 255, 255]);
    }
}
