//! Variation: a training sample as it might have been captured elsewhere.

use rand::Rng;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use traffic::{
    decode::Tunnels,
    dissection::{CutSlice, Part, dissect},
    packet::FiveTuple,
    policy::{BytePolicy, Field},
    session::PacketSummary,
};

use super::{Evidence, Prefixes};
use crate::{
    dataset::{
        Manifest,
        manifest::{RAW, TunnelsRecord},
    },
    recipe::Augmentation,
};

/// Fields that are zeroed together or not at all.
const GROUPS: usize = 6;

/// The longest delay that another link puts before answers, in nanoseconds.
const LONGEST_DELAY: f64 = 100e6;

/// One packet in so many is lost.
const LOST: f64 = 0.05;

/// Changes training samples by lot.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Variation {
    shares: Augmentation,
    /// The policy of the slices; none where they are raw and no field is known.
    policy: Option<BytePolicy>,
    tunnels: Tunnels,
    seed: u64,
}

/// A sample of its own, in place of one of the dataset.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Varied {
    slice: Vec<u8>,
    summaries: Vec<PacketSummary>,
}

impl Varied {
    /// In place of what it was made of.
    pub(crate) fn evidence<'a>(&'a self, of: Evidence<'a>) -> Evidence<'a> {
        Evidence {
            slice: &self.slice,
            summaries: &self.summaries,
            ..of
        }
    }
}

impl Variation {
    /// Of samples of that dataset; none if nothing is to be changed.
    pub(crate) fn new(shares: Augmentation, manifest: &Manifest, seed: u64) -> Option<Self> {
        let policy = (manifest.policy != RAW).then(|| manifest.policy.parse().ok());
        (shares != Augmentation::default()).then_some(Self {
            shares,
            policy: policy.flatten(),
            tunnels: match manifest.cutting.tunnels {
                TunnelsRecord::Outer => Tunnels::Outer,
                TunnelsRecord::Inner => Tunnels::Inner,
            },
            seed,
        })
    }

    /// A sample, first cut as `prefixes` says for a network that reads `most` packets, then changed:
    /// the seed, the epoch and the sample's number (`at`) decide.
    pub(crate) fn of(
        &self,
        evidence: Evidence<'_>,
        five_tuple: Option<FiveTuple>,
        prefixes: &Prefixes,
        most: usize,
        at: (u32, u32),
    ) -> Varied {
        let (epoch, sample) = at;
        let mut random = ChaCha8Rng::seed_from_u64(self.seed ^ 0x5641_5249_4544);
        random.set_stream((u64::from(epoch) << 32) | u64::from(sample));
        let mut varied = Varied {
            slice: evidence.slice.to_vec(),
            summaries: evidence.summaries.to_vec(),
        };
        if let Some(packets) = prefixes.cut(evidence, most, epoch, sample) {
            let bytes = prefixes.bytes(evidence, packets).min(varied.slice.len());
            varied.slice[bytes..].fill(0);
            varied.summaries.truncate(packets);
        }
        let shares = self.shares;
        let mut is_drawn = |share: f64| unit(&mut random) < share;
        // Each is drawn whatever the others are, so that one share changes nothing of another.
        let [fields, link, lengths, drops, time] = [
            shares.fields,
            shares.link,
            shares.lengths,
            shares.drops,
            shares.time,
        ]
        .map(&mut is_drawn);
        if let (true, Some(policy), Some(five_tuple)) = (fields, self.policy, five_tuple) {
            let slice = CutSlice {
                bytes: &varied.slice,
                policy,
                tunnels: self.tunnels,
                link_type: evidence.link_type,
                five_tuple,
                packets: &varied.summaries,
            };
            varied.slice = without_fields(&slice, &mut random);
        }
        if drops {
            lose(&mut varied.summaries, &mut random);
        }
        if lengths {
            resize(&mut varied.summaries, &mut random);
        }
        if link {
            let delay = LONGEST_DELAY * unit(&mut random);
            let mut vary = || 0.75 + 0.5 * unit(&mut random);
            stretch(&mut varied.summaries, delay, &mut vary);
        }
        if time {
            let pace = (2.0 * unit(&mut random) - 1.0).exp2();
            stretch(&mut varied.summaries, 0.0, &mut || pace);
        }
        varied
    }
}

/// From 0 to 1, without 1.
fn unit(random: &mut ChaCha8Rng) -> f64 {
    f64::from(random.next_u32()) / 2.0_f64.powi(32)
}

/// Which fields are zeroed together with a part; none for what stays.
fn group(part: Part) -> Option<usize> {
    match part {
        Part::Header(Field::Ports) => Some(0),
        Part::Header(Field::Ttl) => Some(1),
        Part::Header(Field::IpId) => Some(2),
        Part::Header(Field::Sequence | Field::Acknowledgement) => Some(3),
        Part::Header(Field::Window) => Some(4),
        Part::Header(Field::Timestamps | Field::Sack | Field::TcpOptions)
        | Part::MaximumSegment
        | Part::WindowScale => Some(5),
        _ => None,
    }
}

/// The bytes of a slice with each group of fields zeroed or not.
fn without_fields(slice: &CutSlice<'_>, random: &mut ChaCha8Rng) -> Vec<u8> {
    let is_hidden: [bool; GROUPS] = std::array::from_fn(|_| unit(random) < 0.5);
    let mut bytes = slice.bytes.to_vec();
    for place in dissect(slice).places() {
        if group(place.part).is_some_and(|group| is_hidden[group]) {
            bytes[place.range].fill(0);
        }
    }
    bytes
}

/// Loses packets, but never all of them.
fn lose(packets: &mut Vec<PacketSummary>, random: &mut ChaCha8Rng) {
    let mut number = 0;
    packets.retain(|_| {
        number += 1;
        unit(random) >= LOST || number == 1
    });
}

/// Makes headers longer or shorter, and cuts what is longer than another link's largest packet.
fn resize(packets: &mut [PacketSummary], random: &mut ChaCha8Rng) {
    let largest = 1200 + (301.0 * unit(random)) as u16;
    let shift = (81.0 * unit(random)) as i32 - 40;
    for packet in packets {
        // No header is shorter than 20 bytes of IP and 8 of UDP, if it was that long.
        let header = i32::from(packet.length) - i32::from(packet.payload_length);
        let header = (header + shift).max(header.min(28)).max(0) as u16;
        packet.payload_length = packet.payload_length.min(largest.saturating_sub(header));
        packet.length = header.saturating_add(packet.payload_length);
    }
}

/// Multiplies each gap by what `factor` says, and puts the delay before each change of direction.
fn stretch(packets: &mut [PacketSummary], delay: f64, factor: &mut impl FnMut() -> f64) {
    let Some(first) = packets.first().copied() else {
        return;
    };
    let (mut before, mut time) = (first, first.offset_nanoseconds as f64);
    for packet in &mut packets[1..] {
        let own = *packet;
        let gap = own
            .offset_nanoseconds
            .saturating_sub(before.offset_nanoseconds);
        time += gap as f64 * factor();
        if own.direction != before.direction {
            time += delay;
        }
        packet.offset_nanoseconds = time as u64;
        before = own;
    }
}

#[cfg(test)]
mod tests {
    use traffic::{
        cut::cut,
        link::LinkType,
        packet::Direction,
        session::Session,
        session_table::CutOptions,
        synth::{self, Conversation},
    };

    use super::*;
    use crate::inputs::PacketSlices;

    /// A session over TCP of 30 packets.
    fn session() -> Session {
        let conversation = Conversation {
            payloads: (0..24)
                .map(|at: u16| {
                    let direction = [Direction::Forward, Direction::Backward][usize::from(at % 2)];
                    (direction, vec![7; usize::from(at) * 60 + 1])
                })
                .collect(),
            ..Conversation::default()
        };
        let capture = synth::pcap(LinkType::ETHERNET, &conversation.frames());
        let mut reader =
            traffic::capture::CaptureReader::new(Box::new(std::io::Cursor::new(capture))).unwrap();
        let options = CutOptions {
            policy: "ip".parse().unwrap(),
            ..CutOptions::default()
        };
        let mut found = None;
        cut(&mut reader, &options, 0, &mut |session| {
            found = Some(session);
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
        found.unwrap()
    }

    /// That session changed so, once for each of 50 samples.
    fn varied(shares: Augmentation) -> (Session, Vec<Varied>) {
        let session = session();
        let manifest = Manifest::new("made", Vec::new(), "ip", 784);
        let variation = Variation::new(shares, &manifest, 1).unwrap();
        let evidence = Evidence {
            packet_slices: PacketSlices::Joined(&[]),
            ..Evidence::from(&session)
        };
        let prefixes = Prefixes::new(0.0, "ip", 1);
        let of = |sample| {
            let five_tuple = Some(session.five_tuple);
            variation.of(evidence, five_tuple, &prefixes, 32, (1, sample))
        };
        let all = (0..50).map(of).collect();
        (session, all)
    }

    const NONE: Augmentation = Augmentation {
        fields: 0.0,
        link: 0.0,
        lengths: 0.0,
        drops: 0.0,
        time: 0.0,
    };

    #[test]
    fn without_shares_there_is_no_variation() {
        let manifest = Manifest::new("made", Vec::new(), "ip", 784);
        assert_eq!(Variation::new(NONE, &manifest, 1), None);
    }

    #[test]
    fn fields_are_zeroed_and_the_rest_of_the_slice_stays() {
        let (session, all) = varied(Augmentation {
            fields: 1.0,
            ..NONE
        });
        // Ports are the first four bytes behind 20 of IP.
        let is_hidden = |one: &&Varied| one.slice[20..24] == [0; 4];
        let hidden = all.iter().filter(is_hidden).count();
        assert!((10..40).contains(&hidden), "{hidden}");
        for one in &all {
            assert_eq!(one.summaries, session.summaries);
            // A header may hold a 7 too, but never sixteen of them in a row.
            let mut start = 0;
            for run in session.slice.bytes().chunk_by(|a, b| a == b) {
                let end = start + run.len();
                if run[0] == 7 && run.len() >= 16 {
                    assert_eq!(&one.slice[start..end], run);
                }
                start = end;
            }
            assert_eq!(one.slice[0], 0x45, "version and header length");
        }
    }

    #[test]
    fn a_share_of_the_samples_is_changed_and_the_same_ones_again() {
        let shares = Augmentation { time: 0.5, ..NONE };
        let (session, all) = varied(shares);
        let same = |one: &&Varied| one.summaries == session.summaries;
        let unchanged = all.iter().filter(same).count();
        assert!((10..40).contains(&unchanged), "{unchanged}");
        assert_eq!(varied(shares).1, all);
    }

    #[test]
    fn time_is_stretched_by_one_factor_up_to_two() {
        let (session, all) = varied(Augmentation { time: 1.0, ..NONE });
        let last = |packets: &[PacketSummary]| packets.last().unwrap().offset_nanoseconds as f64;
        for one in all {
            let factor = last(&one.summaries) / last(&session.summaries);
            assert!((0.49..2.01).contains(&factor), "{factor}");
        }
    }

    #[test]
    fn another_link_keeps_the_order_and_delays_answers() {
        let (session, all) = varied(Augmentation { link: 1.0, ..NONE });
        let times = |packets: &[PacketSummary]| -> Vec<u64> {
            packets.iter().map(|one| one.offset_nanoseconds).collect()
        };
        for one in &all {
            assert!(times(&one.summaries).is_sorted());
            assert_eq!(one.summaries.len(), session.summaries.len());
        }
        let last = |one: &Varied| times(&one.summaries).pop().unwrap();
        let slowest = all.iter().map(last).max().unwrap();
        assert!(slowest > times(&session.summaries).pop().unwrap() + 1_000_000_000);
    }

    #[test]
    fn lengths_are_cut_and_no_payload_grows() {
        let (session, all) = varied(Augmentation {
            lengths: 1.0,
            ..NONE
        });
        for one in all {
            for (packet, of) in one.summaries.iter().zip(&session.summaries) {
                assert!(packet.length <= 1500 && packet.payload_length <= of.payload_length);
                assert!(packet.length >= packet.payload_length);
                assert!(
                    packet.length.abs_diff(of.length) <= 340,
                    "{packet:?} {of:?}"
                );
            }
        }
    }

    #[test]
    fn some_packets_are_lost_and_never_the_first() {
        let (session, all) = varied(Augmentation { drops: 1.0, ..NONE });
        let left: usize = all.iter().map(|one| one.summaries.len()).sum();
        let share = left as f64 / (50.0 * session.summaries.len() as f64);
        assert!((0.92..0.98).contains(&share), "{share}");
        for one in all {
            assert_eq!(one.summaries[0], session.summaries[0]);
        }
    }
}
