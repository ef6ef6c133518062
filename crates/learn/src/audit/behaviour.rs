//! Behaviour: what networks read of a session beside the bytes of its slice, to be taken away.

use std::collections::BTreeMap;

use network::{architecture::Shape, input::STATISTICS};
use traffic::{packet::Direction, session::PacketSummary};

use crate::dataset::LabelledSlices;

/// One thing that is known of a session without looking at its slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Behaviour {
    /// How long its first packets are.
    Lengths,
    /// Which way they go.
    Directions,
    /// How much time is between them.
    Gaps,
    /// Their own slices.
    Slices,
    /// CENTIME's statistics of the whole session.
    Statistics,
}

impl Behaviour {
    const ALL: [Self; 5] = [
        Self::Lengths,
        Self::Directions,
        Self::Gaps,
        Self::Slices,
        Self::Statistics,
    ];

    /// Its name, beside those of fields.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Lengths => "packet-lengths",
            Self::Directions => "packet-directions",
            Self::Gaps => "packet-gaps",
            Self::Slices => "packet-slices",
            Self::Statistics => "statistics",
        }
    }

    /// All that a network of that shape reads.
    pub(super) fn read_by(shape: Shape) -> impl Iterator<Item = Self> {
        let parts = shape.architecture.parts();
        Self::ALL
            .into_iter()
            .filter(move |behaviour| match behaviour {
                Self::Lengths | Self::Directions | Self::Gaps => parts.packets,
                Self::Slices => parts.packet_slices,
                Self::Statistics => parts.statistics,
            })
    }

    /// Takes it from one sample: lengths and times of 0, all packets forward, slices and
    /// statistics of zeros.
    pub(super) fn flatten(self, samples: &mut LabelledSlices, sample: usize) {
        let summaries = samples.summaries.get_mut(sample);
        for packet in summaries.into_iter().flatten() {
            match self {
                Self::Lengths => (packet.length, packet.payload_length) = (0, 0),
                Self::Directions => packet.direction = Direction::Forward,
                Self::Gaps => packet.offset_nanoseconds = 0,
                Self::Slices | Self::Statistics => {}
            }
        }
        match self {
            Self::Slices => {
                if let Some(bytes) = samples.packet_slices.get_mut(sample) {
                    bytes.fill(0);
                }
            }
            Self::Statistics => {
                if let Some(all) = samples.statistics.get_mut(sample) {
                    all.centime = [0.0; STATISTICS];
                }
            }
            Self::Lengths | Self::Directions | Self::Gaps => {}
        }
    }

    /// Gives each sample what its giver has, packet by packet and from the giver's start again
    /// where that has fewer.
    pub(super) fn exchange(
        self,
        of: &LabelledSlices,
        givers: &BTreeMap<usize, usize>,
    ) -> LabelledSlices {
        let mut samples = of.clone();
        for (&taker, &giver) in givers {
            match self {
                Self::Slices => {
                    samples.packet_slices[taker].clone_from(&of.packet_slices[giver]);
                }
                Self::Statistics => {
                    samples.statistics[taker].centime = of.statistics[giver].centime;
                }
                Self::Lengths | Self::Directions | Self::Gaps => {
                    self.give(&of.summaries[giver], &mut samples.summaries[taker]);
                }
            }
        }
        samples
    }

    fn give(self, from: &[PacketSummary], to: &mut [PacketSummary]) {
        let gaps = from.windows(2).map(|pair| {
            let [before, after] = [0, 1].map(|at| pair[at].offset_nanoseconds);
            after.saturating_sub(before)
        });
        let gaps: Vec<u64> = gaps.collect();
        let mut time = to.first().map_or(0, |first| first.offset_nanoseconds);
        for (number, (packet, given)) in to.iter_mut().zip(from.iter().cycle()).enumerate() {
            match self {
                Self::Lengths => {
                    packet.length = given.length;
                    packet.payload_length = given.payload_length;
                }
                Self::Directions => packet.direction = given.direction,
                Self::Gaps => {
                    if number > 0 && !gaps.is_empty() {
                        time += gaps[(number - 1) % gaps.len()];
                    }
                    packet.offset_nanoseconds = time;
                }
                Self::Slices | Self::Statistics => {}
            }
        }
    }

    /// The samples that have it.
    pub(super) fn having(self, samples: &LabelledSlices) -> Vec<usize> {
        let is_had = |&sample: &usize| match self {
            Self::Slices => samples
                .packet_slices
                .get(sample)
                .is_some_and(|one| !one.is_empty()),
            Self::Statistics => samples.statistics.len() > sample,
            _ => samples
                .summaries
                .get(sample)
                .is_some_and(|one| !one.is_empty()),
        };
        (0..samples.labels.len()).filter(is_had).collect()
    }

    /// How many packets of a sample it is of, for a network that reads `most`.
    pub(super) fn packets(self, samples: &LabelledSlices, sample: usize, most: usize) -> usize {
        let summaries = samples.summaries.get(sample).map_or(0, Vec::len);
        match self {
            Self::Lengths | Self::Directions | Self::Gaps => summaries.min(most),
            Self::Slices => summaries.min(network::input::PACKET_SLICES),
            Self::Statistics => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use network::architecture::Architecture;

    use super::*;

    /// Packets of these lengths, times and directions; a length is its header's 40 and its payload.
    fn packets(of: &[(u16, u64, Direction)]) -> Vec<PacketSummary> {
        of.iter()
            .map(|&(length, offset_nanoseconds, direction)| PacketSummary {
                direction,
                length,
                payload_length: length - 40,
                offset_nanoseconds,
            })
            .collect()
    }

    use Direction::{Backward, Forward};

    fn samples() -> LabelledSlices {
        LabelledSlices {
            labels: vec![0, 1],
            summaries: vec![
                packets(&[(50, 0, Forward), (60, 5, Backward), (70, 9, Forward)]),
                packets(&[(90, 0, Backward), (95, 100, Backward)]),
            ],
            ..LabelledSlices::default()
        }
    }

    #[track_caller]
    fn check_flat(behaviour: Behaviour, expected: [(u16, u64, Direction); 3]) {
        let mut samples = samples();
        behaviour.flatten(&mut samples, 0);
        let found = samples.summaries[0].iter();
        let found: Vec<_> = found
            .map(|one| (one.length, one.offset_nanoseconds, one.direction))
            .collect();
        assert_eq!(found, expected);
        assert_eq!(samples.summaries[1], self::samples().summaries[1]);
    }

    #[test]
    fn what_is_taken_is_gone_and_the_rest_stays() {
        use Behaviour::{Directions, Gaps, Lengths};
        check_flat(
            Lengths,
            [(0, 0, Forward), (0, 5, Backward), (0, 9, Forward)],
        );
        check_flat(
            Directions,
            [(50, 0, Forward), (60, 5, Forward), (70, 9, Forward)],
        );
        check_flat(
            Gaps,
            [(50, 0, Forward), (60, 0, Backward), (70, 0, Forward)],
        );
    }

    #[track_caller]
    fn check_exchanged(behaviour: Behaviour, expected: [(u16, u64, Direction); 3]) {
        let samples = samples();
        let exchanged = behaviour.exchange(&samples, &BTreeMap::from([(0, 1)]));
        assert_eq!(exchanged.summaries[0], packets(&expected));
        assert_eq!(exchanged.summaries[1], samples.summaries[1]);
    }

    #[test]
    fn another_sample_gives_what_it_has_and_begins_again_behind_its_end() {
        use Behaviour::{Directions, Gaps, Lengths};
        check_exchanged(
            Lengths,
            [(90, 0, Forward), (95, 5, Backward), (90, 9, Forward)],
        );
        check_exchanged(
            Directions,
            [(50, 0, Backward), (60, 5, Backward), (70, 9, Backward)],
        );
        check_exchanged(
            Gaps,
            [(50, 0, Forward), (60, 100, Backward), (70, 200, Forward)],
        );
    }

    #[test]
    fn only_what_a_network_reads_is_taken() {
        let check = |architecture, expected: &[&str]| {
            let shape = Shape {
                architecture,
                slice_length: 784,
                classes: 2,
                packets: 32,
            };
            let names: Vec<_> = Behaviour::read_by(shape).map(Behaviour::name).collect();
            assert_eq!(names, expected);
        };
        check(Architecture::ResnetGru, &[]);
        check(
            Architecture::ResnetGruSequence,
            &["packet-lengths", "packet-directions", "packet-gaps"],
        );
        check(Architecture::CnnLstm, &["packet-slices"]);
        check(Architecture::Centime, &["statistics"]);
    }
}
