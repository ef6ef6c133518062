//! Filters: which sessions become samples, and why the others do not.

use std::{
    collections::{BTreeMap, HashMap, hash_map::Entry},
    sync::Arc,
};

use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use traffic::timestamp::Timestamp;

use crate::dataset::{Split, provenance::Provenance};

/// Whether sessions of a kind stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Choice {
    /// They stay.
    Keep,
    /// They go, and are counted.
    Drop,
}

/// Which sessions are left out of a dataset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filters {
    /// Sessions with the same slice and label as an earlier one.
    pub duplicates: Choice,
    /// Sessions without payload.
    pub empty: Choice,
    /// Sessions that their label does not mean.
    pub background: Choice,
    /// The most samples of a class, drawn by `seed`; none is no limit.
    pub max_per_class: Option<usize>,
    /// Seed of the draw.
    pub seed: u64,
}

/// The paper's cleaning: no duplicates, no empty sessions, background kept.
impl Default for Filters {
    fn default() -> Self {
        Self {
            duplicates: Choice::Drop,
            empty: Choice::Drop,
            background: Choice::Keep,
            max_per_class: None,
            seed: 0,
        }
    }
}

/// What filters and splits know of a sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Its class, as a number.
    pub label: u32,
    /// Index into the manifest's captures.
    pub capture: u32,
    /// What must not be torn apart with it.
    pub group: Arc<str>,
    /// Who talked to whom, whichever began; what was found as a slice does not tell.
    pub conversation: Option<Arc<str>>,
    /// When it began; what was found as a slice began at no time that is known.
    pub start: Timestamp,
    /// What a laboratory knows of it.
    pub provenance: Provenance,
    /// The split that its source gives it.
    pub given: Option<Split>,
    /// SHA-256 of its slice: equal digests are taken as equal slices.
    pub digest: [u8; 32],
    /// Whether it carries no payload.
    pub is_empty: bool,
    /// Whether its label does not mean it.
    pub is_background: bool,
}

/// Sessions found and left out, by reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilterTally {
    /// Sessions found.
    pub sessions: u64,
    /// Left out because their remote end is of no site that the laboratory knows.
    #[serde(default)]
    pub unknown_site: u64,
    /// Left out because they carry no payload.
    pub empty: u64,
    /// Left out because they are background.
    pub background: u64,
    /// Left out because an earlier sample has the same slice and label.
    pub duplicates: u64,
    /// How many duplicates, left out or not, have their twin in another given split.
    pub duplicates_across_splits: u64,
    /// Left out because their class has enough.
    pub beyond_maximum: u64,
    /// What remains.
    pub samples: u64,
    /// Samples without payload among what remains.
    pub empty_kept: u64,
    /// Samples that are background among what remains.
    pub background_kept: u64,
    /// Samples among what remains whose slice and label an earlier sample has.
    pub duplicates_kept: u64,
    /// Slices among what remains that carry more than one label.
    pub conflicting_slices: u64,
    /// Samples that have such a slice.
    pub conflicting_samples: u64,
}

impl Filters {
    /// Which samples stay, in their order, and the count of what does not.
    ///
    /// Of samples with the same slice and label, one of the train split stays before one of
    /// validation and that before one of test, then the first: a duplicate across splits is a
    /// leak, and taking it out of the test side makes the test the honest one.
    pub fn apply(&self, samples: &[Facts]) -> (Vec<bool>, FilterTally) {
        let mut tally = FilterTally {
            sessions: samples.len() as u64,
            ..FilterTally::default()
        };
        let mut keep = vec![true; samples.len()];
        for (kept, sample) in keep.iter_mut().zip(samples) {
            if self.empty == Choice::Drop && sample.is_empty {
                *kept = false;
                tally.empty += 1;
            } else if self.background == Choice::Drop && sample.is_background {
                *kept = false;
                tally.background += 1;
            }
        }
        let duplicates = find_duplicates(samples, &keep, &mut tally);
        if self.duplicates == Choice::Drop {
            tally.duplicates = duplicates.len() as u64;
            for &at in &duplicates {
                keep[at] = false;
            }
        }
        if let Some(maximum) = self.max_per_class {
            tally.beyond_maximum = drop_beyond(maximum, self.seed, samples, &mut keep);
        }
        tally.duplicates_kept = duplicates.iter().filter(|&&at| keep[at]).count() as u64;
        for (sample, _) in samples.iter().zip(&keep).filter(|&(_, &kept)| kept) {
            tally.samples += 1;
            tally.empty_kept += u64::from(sample.is_empty);
            tally.background_kept += u64::from(sample.is_background);
        }
        count_conflicts(samples, &keep, &mut tally);
        (keep, tally)
    }
}

/// Every sample whose slice and label another one has that comes first: by given split, then
/// by place.
fn find_duplicates(samples: &[Facts], keep: &[bool], tally: &mut FilterTally) -> Vec<usize> {
    let mut order: Vec<usize> = (0..samples.len()).filter(|&at| keep[at]).collect();
    order.sort_by_key(|&at| samples[at].given);
    let mut first: HashMap<([u8; 32], u32), Option<Split>> = HashMap::with_capacity(order.len());
    let mut duplicates = Vec::new();
    for at in order {
        let sample = &samples[at];
        match first.entry((sample.digest, sample.label)) {
            Entry::Vacant(slot) => {
                slot.insert(sample.given);
            }
            Entry::Occupied(twin) => {
                duplicates.push(at);
                tally.duplicates_across_splits += u64::from(*twin.get() != sample.given);
            }
        }
    }
    duplicates
}

/// Draws `maximum` samples of each class that has more; returns how many go.
fn drop_beyond(maximum: usize, seed: u64, samples: &[Facts], keep: &mut [bool]) -> u64 {
    let mut by_label: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (at, sample) in samples.iter().enumerate().filter(|&(at, _)| keep[at]) {
        by_label.entry(sample.label).or_default().push(at);
    }
    let mut dropped = 0;
    for (label, mut members) in by_label {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(u64::from(label));
        members.shuffle(&mut random);
        for &at in members.iter().skip(maximum) {
            keep[at] = false;
            dropped += 1;
        }
    }
    dropped
}

/// Counts slices that carry more than one label.
fn count_conflicts(samples: &[Facts], keep: &[bool], tally: &mut FilterTally) {
    let mut seen: HashMap<[u8; 32], (u32, u64, bool)> = HashMap::new();
    for (sample, _) in samples.iter().zip(keep).filter(|&(_, &kept)| kept) {
        let (label, count, conflicting) =
            seen.entry(sample.digest)
                .or_insert((sample.label, 0, false));
        *count += 1;
        *conflicting |= *label != sample.label;
    }
    for (_, count, conflicting) in seen.into_values() {
        if conflicting {
            tally.conflicting_slices += 1;
            tally.conflicting_samples += count;
        }
    }
}

#[cfg(test)]
impl Facts {
    /// A sample of which nothing but its label is known.
    pub(crate) fn of_label(label: u32) -> Self {
        Self {
            label,
            capture: 0,
            group: "".into(),
            conversation: None,
            start: Timestamp::from_nanoseconds(0),
            provenance: Provenance::default(),
            given: None,
            digest: [0; 32],
            is_empty: false,
            is_background: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sample with this label, slice and given split.
    fn sample(label: u32, slice: u8, given: Option<Split>) -> Facts {
        Facts {
            given,
            digest: [slice; 32],
            ..Facts::of_label(label)
        }
    }

    /// The one place that calls the API: which of the samples stay under the default filters.
    #[track_caller]
    fn check(samples: &[Facts], expected: &[bool]) -> FilterTally {
        let (keep, tally) = Filters::default().apply(samples);
        assert_eq!(keep, expected);
        tally
    }

    #[test]
    fn the_first_of_identical_samples_stays() {
        let tally = check(
            &[sample(0, 1, None), sample(0, 1, None), sample(0, 2, None)],
            &[true, false, true],
        );
        assert_eq!((tally.duplicates, tally.duplicates_across_splits), (1, 0));
    }

    #[test]
    fn a_train_sample_outlives_its_twin_in_test() {
        let (train, test) = (Some(Split::Train), Some(Split::Test));
        let tally = check(&[sample(0, 1, test), sample(0, 1, train)], &[false, true]);
        assert_eq!((tally.duplicates, tally.duplicates_across_splits), (1, 1));
    }

    #[test]
    fn one_slice_under_two_labels_stays_and_is_counted() {
        let tally = check(&[sample(0, 1, None), sample(1, 1, None)], &[true, true]);
        assert_eq!(
            (tally.conflicting_slices, tally.conflicting_samples),
            (1, 2)
        );
    }

    #[test]
    fn empty_sessions_go_and_background_stays() {
        let empty = Facts {
            is_empty: true,
            ..sample(0, 1, None)
        };
        let background = Facts {
            is_background: true,
            ..sample(0, 2, None)
        };
        let tally = check(&[empty, background], &[false, true]);
        assert_eq!((tally.empty, tally.background), (1, 0));
    }

    #[test]
    fn a_class_is_cut_to_its_maximum_the_same_way_each_time() {
        let samples: Vec<Facts> = (0..100).map(|slice| sample(0, slice, None)).collect();
        let filters = Filters {
            max_per_class: Some(10),
            ..Filters::default()
        };
        let (keep, tally) = filters.apply(&samples);
        assert_eq!((tally.samples, tally.beyond_maximum), (10, 90));
        assert_eq!(filters.apply(&samples).0, keep);
        let other = Filters { seed: 1, ..filters };
        assert_ne!(other.apply(&samples).0, keep);
    }
}
