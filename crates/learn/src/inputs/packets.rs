//! Packets as numbers: what a sequence network reads of each.
//!
//! No byte, address or port: lengths, directions and times alone. Everything is about -1 to 1;
//! lengths come as they are, as logarithms, and against steps, since a network of few layers does
//! not tell 100 bytes from 120 by one number that goes to 1,500.

use network::input::PACKET_FEATURES;
use traffic::{packet::Direction, session::PacketSummary};

/// Payloads longer than these are told apart, in bytes.
const STEPS: [u16; 9] = [0, 16, 32, 64, 128, 256, 512, 1024, 1400];

/// A full packet on most links, in bytes.
const FULL: f32 = 1500.0;

/// Features of packets one after another, into zeros `[packets or more, PACKET_FEATURES]`.
pub(super) fn describe(packets: &[PacketSummary], into: &mut [f32]) {
    let mut before = packets.first().map_or(0, |first| first.offset_nanoseconds);
    let mut sent = [0_u64; 2];
    for (packet, features) in packets.iter().zip(into.chunks_exact_mut(PACKET_FEATURES)) {
        let (sign, side) = match packet.direction {
            Direction::Forward => (1.0, 0),
            Direction::Backward => (-1.0, 1),
        };
        sent[side] += u64::from(packet.payload_length);
        let (length, payload) = (f32::from(packet.length), f32::from(packet.payload_length));
        // A capture may have its packets out of order: no gap is below 0.
        let gap = packet.offset_nanoseconds.saturating_sub(before);
        before = packet.offset_nanoseconds;
        let values = [
            sign,
            sign * length / FULL,
            payload / FULL,
            (length - payload) / 100.0,
            microseconds(gap).ln_1p() / 8.0,
            microseconds(packet.offset_nanoseconds).ln_1p() / 8.0,
            sign * length.ln_1p() / 7.0,
            sign * payload.ln_1p() / 7.0,
            f32::from(u8::from(packet.payload_length == 0)),
            (sent[0] as f32).ln_1p() / 10.0,
            (sent[1] as f32).ln_1p() / 10.0,
        ];
        let steps = STEPS.map(|step| {
            if packet.payload_length > step {
                sign
            } else {
                0.0
            }
        });
        features[..values.len()].copy_from_slice(&values);
        features[values.len()..].copy_from_slice(&steps);
    }
}

fn microseconds(nanoseconds: u64) -> f32 {
    (nanoseconds as f64 / 1e3) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(direction: Direction, payload_length: u16, offset: u64) -> PacketSummary {
        PacketSummary {
            direction,
            length: payload_length + 40,
            payload_length,
            offset_nanoseconds: offset,
        }
    }

    #[test]
    fn packets_are_told_by_direction_length_and_time() {
        let packets = [
            packet(Direction::Forward, 0, 0),
            packet(Direction::Backward, 110, 1_000_000),
        ];
        let mut found = [0.0; 3 * PACKET_FEATURES];
        describe(&packets, &mut found);
        let (first, rest) = found.split_at(PACKET_FEATURES);
        let (second, third) = rest.split_at(PACKET_FEATURES);
        // Forward, 40 bytes of header, nothing else: by hand.
        assert_eq!(first[..5], [1.0, 40.0 / 1500.0, 0.0, 0.4, 0.0]);
        assert_eq!(first[8..9], [1.0]);
        assert!(first[11..].iter().all(|&step| step == 0.0));
        // Backward, 150 bytes after 1 ms; 110 bytes are above the steps 0, 16, 32 and 64.
        assert_eq!(second[..4], [-1.0, -0.1, 110.0 / 1500.0, 0.4]);
        assert!((second[4] - 1001.0_f32.ln() / 8.0).abs() < 1e-6);
        let steps: Vec<f32> = second[11..].to_vec();
        assert_eq!(steps, [-1.0, -1.0, -1.0, -1.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        assert!(third.iter().all(|&value| value == 0.0));
    }

    #[test]
    fn a_packet_out_of_order_has_no_gap_below_zero() {
        let packets = [
            packet(Direction::Forward, 1, 5_000),
            packet(Direction::Forward, 1, 0),
        ];
        let mut found = [0.0; 2 * PACKET_FEATURES];
        describe(&packets, &mut found);
        assert_eq!(found[PACKET_FEATURES + 4..][..1], [0.0]);
    }
}
