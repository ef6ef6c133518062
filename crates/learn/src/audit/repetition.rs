//! Repetition: test slices that training has too, whole or but for a few fields.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};
use traffic::{dissection::Part, packet::FiveTuple, policy::Field};

use super::samples::Samples;

/// What the paper's cleaning takes away: headers of pcap files, addresses.
const CLEANING: [Part; 6] = [
    Part::PcapHeader,
    Part::PcapLinkType,
    Part::RecordTime,
    Part::RecordLength,
    Part::Header(Field::Mac),
    Part::Header(Field::Addresses),
];

/// What also differs from one session to the next, whatever the traffic is.
const LOTS: [Part; 9] = [
    Part::Header(Field::IpId),
    Part::Header(Field::IpChecksum),
    Part::Header(Field::Ports),
    Part::Header(Field::Sequence),
    Part::Header(Field::Acknowledgement),
    Part::Header(Field::TransportChecksum),
    Part::Header(Field::Timestamps),
    Part::ClientRandom,
    Part::ClientSessionId,
];

/// Test slices that are in training too once some fields are zeroed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repeated {
    /// The fields, by name; none where slices are compared as they are.
    pub zeroed: Vec<String>,
    /// How many test samples.
    pub samples: u64,
}

/// Two classes that claim the same conversations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// The classes, as numbers, the smaller first.
    pub classes: [u32; 2],
    /// Five-tuples that have samples of both, whichever way round.
    pub five_tuples: u64,
}

/// Repeated slices: as they are, cleaned as the paper does, and but for what differs by lot.
pub(super) fn repeated(train: &Samples, test: &Samples) -> Vec<Repeated> {
    let lots = [CLEANING.as_slice(), LOTS.as_slice()].concat();
    [&[][..], &CLEANING, &lots]
        .into_iter()
        .map(|zeroed| {
            let known: HashSet<Vec<u8>> = (0..train.len())
                .map(|sample| blinded(train, sample, zeroed))
                .collect();
            let is_known = |&sample: &usize| known.contains(&blinded(test, sample, zeroed));
            Repeated {
                zeroed: zeroed.iter().map(|part| part.name().to_owned()).collect(),
                samples: (0..test.len()).filter(is_known).count() as u64,
            }
        })
        .collect()
}

fn blinded(samples: &Samples, sample: usize, zeroed: &[Part]) -> Vec<u8> {
    let mut bytes = samples.slice(sample).to_vec();
    for place in &samples.places[sample] {
        if zeroed.contains(&place.part) {
            bytes[place.range.clone()].fill(0);
        }
    }
    bytes
}

/// Pairs of classes that share five-tuples, those that share most first.
pub(super) fn conflicts(sides: &[&Samples]) -> Vec<Conflict> {
    let mut labels: BTreeMap<FiveTuple, Vec<u32>> = BTreeMap::new();
    for samples in sides {
        for (origin, &label) in samples.rows.origins.iter().zip(samples.labels()) {
            // What has no ports was not understood: nothing is known of its ends.
            if origin.five_tuple.source.port() == 0 && origin.five_tuple.destination.port() == 0 {
                continue;
            }
            let known = labels.entry(origin.conversation()).or_default();
            if !known.contains(&label) {
                known.push(label);
            }
        }
    }
    let mut pairs: BTreeMap<[u32; 2], u64> = BTreeMap::new();
    for labels in labels.values_mut() {
        labels.sort_unstable();
        for (at, &one) in labels.iter().enumerate() {
            for &other in &labels[at + 1..] {
                *pairs.entry([one, other]).or_default() += 1;
            }
        }
    }
    let mut conflicts: Vec<Conflict> = pairs
        .into_iter()
        .map(|(classes, five_tuples)| Conflict {
            classes,
            five_tuples,
        })
        .collect();
    conflicts.sort_by_key(|conflict| std::cmp::Reverse(conflict.five_tuples));
    conflicts
}
