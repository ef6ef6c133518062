//! Variation: a training sample as it might have been captured elsewhere.

use rand::Rng;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use traffic::{
    decode::Tunnels,
    dissection::{CutSlice, Part, Place, dissect},
    packet::{FiveTuple, Protocol},
    policy::{BytePolicy, Field},
    session::PacketSummary,
};

use super::{Evidence, Prefixes, segments::Link};
use crate::{
    dataset::{
        Manifest,
        manifest::{RAW, TunnelsRecord},
    },
    recipe::Augmentation,
};

/// Fields that are zeroed together or not at all.
const GROUPS: usize = 6;

/// Those of them whose values are of two bytes: ports, IP-ID and the window.
const HALF_WORDS: [usize; 3] = [0, 2, 4];

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
        // Lots of their own, so that recipes that know nothing of them give what they gave.
        let mut lots = ChaCha8Rng::seed_from_u64(self.seed ^ 0x0056_414c_5545_5321);
        lots.set_stream((u64::from(epoch) << 32) | u64::from(sample));
        let random_fields = unit(&mut lots) < shares.random_fields;
        if let (true, Some(policy), Some(five_tuple)) =
            (fields || random_fields, self.policy, five_tuple)
        {
            let places = dissect(&CutSlice {
                bytes: &varied.slice,
                policy,
                tunnels: self.tunnels,
                link_type: evidence.link_type,
                five_tuple,
                packets: &varied.summaries,
            })
            .places();
            if random_fields {
                redraw_fields(&mut varied.slice, &places, &mut lots);
            }
            if fields {
                zero_fields(&mut varied.slice, &places, &mut random);
            }
        }
        if drops {
            lose(&mut varied.summaries, &mut random);
        }
        if lengths {
            let is_tcp = five_tuple.is_some_and(|ends| ends.protocol == Protocol::Tcp);
            varied.summaries = Link::draw(&mut random).carry(&varied.summaries, is_tcp);
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
pub(super) fn unit(random: &mut ChaCha8Rng) -> f64 {
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

/// Zeroes each group of fields of a slice, or not.
fn zero_fields(slice: &mut [u8], places: &[Place], random: &mut ChaCha8Rng) {
    let is_hidden: [bool; GROUPS] = std::array::from_fn(|_| unit(random) < 0.5);
    for place in places {
        if group(place.part).is_some_and(|group| is_hidden[group]) {
            slice[place.range.clone()].fill(0);
        }
    }
}

/// Gives each group of fields of a slice other values, or not.
///
/// A group's values are all changed by one number, so that ports, or a time stamp and its echo, are
/// equal afterwards where they were before. Zeros stay: they may be the byte policy's.
fn redraw_fields(slice: &mut [u8], places: &[Place], random: &mut ChaCha8Rng) {
    let masks: [Option<[u8; 4]>; GROUPS] = std::array::from_fn(|group| {
        let is_redrawn = unit(random) < 0.5;
        let [one, other, third, last] = random.next_u32().to_be_bytes();
        let mask = if HALF_WORDS.contains(&group) {
            [one, other, one, other]
        } else {
            [one, other, third, last]
        };
        is_redrawn.then_some(mask)
    });
    for place in places {
        let bytes = &mut slice[place.range.clone()];
        let mask = group(place.part).and_then(|group| masks[group]);
        let is_zero = bytes.iter().all(|&byte| byte == 0);
        if let (Some(mask), false) = (mask, is_zero) {
            for (byte, mask) in bytes.iter_mut().zip(mask.iter().cycle()) {
                *byte ^= mask;
            }
        }
    }
}

/// Loses packets, but never all of them.
fn lose(packets: &mut Vec<PacketSummary>, random: &mut ChaCha8Rng) {
    let mut number = 0;
    packets.retain(|_| {
        number += 1;
        unit(random) >= LOST || number == 1
    });
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
mod tests;
