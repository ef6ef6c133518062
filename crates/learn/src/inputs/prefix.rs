//! Prefixes: samples cut after their first packets, so that a network learns to answer early.

use rand::Rng;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use traffic::{
    link::LinkType,
    policy::{BytePolicy, Start},
};

use super::{Evidence, Inputs};
use crate::dataset::manifest::RAW;

/// The shortest prefix, in packets: less tells a handshake from nothing.
const SHORTEST: usize = 4;

/// Which samples of an epoch are cut, and after how many packets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prefixes {
    /// Share of samples that are cut.
    share: f64,
    /// From which header on packets are in a slice; none where slices are raw.
    start: Option<Start>,
    seed: u64,
}

impl Prefixes {
    /// Cuts that share of samples; `policy` is the slices' own, canonical spelling.
    pub fn new(share: f64, policy: &str, seed: u64) -> Self {
        let policy = (policy != RAW).then(|| policy.parse::<BytePolicy>().ok());
        Self {
            share,
            start: policy.flatten().map(|policy| policy.start()),
            seed,
        }
    }

    /// Adds a sample, whole or cut: the seed, the epoch and the sample's number decide.
    pub fn push(&self, inputs: &mut Inputs, evidence: Evidence<'_>, epoch: u32, sample: u32) {
        match self.cut(evidence, inputs.shape.packets, epoch, sample) {
            Some(packets) => self.push_first(inputs, evidence, packets),
            None => inputs.push(evidence),
        }
    }

    /// After how many packets a sample is cut for a network that reads `most`; none if it is whole.
    pub(super) fn cut(
        &self,
        evidence: Evidence<'_>,
        most: usize,
        epoch: u32,
        sample: u32,
    ) -> Option<usize> {
        self.packets(evidence.summaries.len().min(most), epoch, sample)
    }

    /// Adds a sample of which only the first `packets` packets are known, of those that it has.
    pub fn push_first(&self, inputs: &mut Inputs, evidence: Evidence<'_>, packets: usize) {
        inputs.push_prefix(evidence, packets, self.bytes(evidence, packets));
    }

    /// How many bytes of its slice the first `packets` packets of a sample filled.
    pub(super) fn bytes(&self, evidence: Evidence<'_>, packets: usize) -> usize {
        self.start.map_or(usize::MAX, |start| {
            let link = link_header(evidence.link_type);
            let first = &evidence.summaries[..packets];
            let of = |summary: &traffic::session::PacketSummary| match start {
                Start::Link => link + usize::from(summary.length),
                Start::Ip => usize::from(summary.length),
                Start::Payload => usize::from(summary.payload_length),
            };
            first.iter().map(of).sum()
        })
    }

    /// After how many packets a sample of `available` packets is cut; none for the whole of it.
    fn packets(&self, available: usize, epoch: u32, sample: u32) -> Option<usize> {
        if self.share <= 0.0 || available <= SHORTEST {
            return None;
        }
        let mut random = ChaCha8Rng::seed_from_u64(self.seed ^ 0x5052_4546_4958);
        random.set_stream((u64::from(epoch) << 32) | u64::from(sample));
        let unit = f64::from(random.next_u32()) / 2.0_f64.powi(32);
        let choices = (available - SHORTEST) as u64;
        // The modulo favours small numbers by choices / 2^64: nothing.
        let packets = SHORTEST + (random.next_u64() % choices) as usize;
        (unit < self.share).then_some(packets)
    }
}

/// Bytes of the link header in front of each packet, without VLAN tags, which no summary knows:
/// where there are some, a few bytes of the packets that follow stay in the slice.
fn link_header(link_type: LinkType) -> usize {
    match link_type {
        LinkType::ETHERNET => 14,
        LinkType::LINUX_SLL => 16,
        LinkType::LINUX_SLL2 => 20,
        LinkType::NULL | LinkType::LOOP | LinkType::PPP_HDLC | LinkType::C_HDLC => 4,
        LinkType::PPP => 2,
        LinkType::PPP_ETHER => 8,
        LinkType::PPP_WITH_DIRECTION => 5,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inputs::PacketSlices;
    use network::architecture::{Architecture, Shape};
    use traffic::{packet::Direction, session::PacketSummary};

    const PACKETS: usize = 10;

    fn summaries() -> Vec<PacketSummary> {
        vec![
            PacketSummary {
                direction: Direction::Forward,
                length: 30,
                payload_length: 2,
                offset_nanoseconds: 0,
            };
            PACKETS
        ]
    }

    /// Packets seen, and bytes of the slice that are left, of many draws.
    fn draws(portion: f64, policy: &str) -> Vec<(u32, usize)> {
        let summaries = summaries();
        let slice = [9; 400];
        let prefixes = Prefixes::new(portion, policy, 1);
        let shape = Shape {
            architecture: Architecture::ResnetGruSequence,
            slice_length: slice.len(),
            classes: 2,
            packets: PACKETS,
        };
        let draw = |sample| {
            let mut inputs = Inputs::new(shape);
            let evidence = Evidence {
                slice: &slice,
                summaries: &summaries,
                link_type: LinkType::ETHERNET,
                statistics: [0.0; 26],
                packet_slices: PacketSlices::Joined(&[]),
            };
            prefixes.push(&mut inputs, evidence, 1, sample);
            let input = inputs.as_input();
            let left = input.slices.iter().filter(|&&byte| byte != 0).count();
            (input.seen[0], left)
        };
        (0..200).map(draw).collect()
    }

    #[test]
    fn a_cut_sample_keeps_the_bytes_of_its_packets_only() {
        for (policy, bytes) in [("paper", 14 + 30), ("ip", 30), ("payload", 2)] {
            for (packets, left) in draws(1.0, policy) {
                assert!((4..10).contains(&packets), "{packets}");
                assert_eq!(left, (packets as usize * bytes).min(400), "{policy}");
            }
        }
    }

    #[test]
    fn a_share_of_the_samples_is_cut() {
        let whole = |portion| {
            let draws = draws(portion, "ip");
            draws.iter().filter(|draw| **draw == (10, 400)).count()
        };
        assert_eq!(whole(0.0), 200);
        assert!((60..140).contains(&whole(0.5)), "{}", whole(0.5));
        assert_eq!(whole(1.0), 0);
    }
}
