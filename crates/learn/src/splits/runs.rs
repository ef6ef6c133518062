//! Runs under rules that hold out something else: one run must not be on two sides either.
//!
//! A run has one client address, one time-to-live, one link: whoever knows it from training knows
//! its class. Where a run touched sites of two sides, only its samples of one of them stay.

use std::{cmp::Reverse, collections::BTreeMap};

use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use super::SplitOptions;
use crate::{dataset::Split, filters::Facts};

/// The samples of each run that is known, in the order of the runs' names.
fn by_run(samples: &[Facts]) -> BTreeMap<&str, Vec<usize>> {
    let mut runs: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, sample) in samples.iter().enumerate() {
        if let Some(run) = &sample.provenance.run {
            runs.entry(run).or_default().push(at);
        }
    }
    runs
}

/// How many of these samples are on each side.
fn counts(members: &[usize], splits: &[Option<Split>]) -> [usize; 3] {
    let mut counts = [0; 3];
    for side in members.iter().filter_map(|&at| splits[at]) {
        counts[side as usize] += 1;
    }
    counts
}

/// The label that most of these samples have.
fn label_of(samples: &[Facts], members: &[usize]) -> u32 {
    let mut labels: BTreeMap<u32, usize> = BTreeMap::new();
    for &at in members {
        *labels.entry(samples[at].label).or_default() += 1;
    }
    let most = labels
        .iter()
        .max_by_key(|&(&label, &count)| (count, Reverse(label)));
    most.map_or(0, |(&label, _)| label)
}

/// A run on more than one side.
struct TornRun<'a> {
    /// Its samples.
    members: &'a [usize],
    /// How many of them are on each side.
    sides: [usize; 3],
}

/// Leaves samples out until no run is on two sides.
///
/// Of the torn runs of a class, those with the largest share of test samples stay in the test,
/// until its share of the class is reached or half of them are; then a quarter may stay in
/// validation in the same way; the others stay in train.
pub(super) fn mend(samples: &[Facts], splits: &mut [Option<Split>], options: &SplitOptions) {
    let runs = by_run(samples);
    let is_torn = |counts: [usize; 3]| counts.iter().filter(|&&count| count > 0).count() > 1;
    let mut totals: BTreeMap<u32, usize> = BTreeMap::new();
    for sample in samples {
        *totals.entry(sample.label).or_default() += 1;
    }
    let mut kept: BTreeMap<u32, [usize; 3]> = BTreeMap::new();
    let mut torn: BTreeMap<u32, Vec<TornRun<'_>>> = BTreeMap::new();
    for members in runs.values() {
        let (label, sides) = (label_of(samples, members), counts(members, splits));
        if is_torn(sides) {
            torn.entry(label)
                .or_default()
                .push(TornRun { members, sides });
        } else {
            let kept = kept.entry(label).or_default();
            (0..3).for_each(|side| kept[side] += sides[side]);
        }
    }
    for (label, mut torn) in torn {
        let mut random = ChaCha8Rng::seed_from_u64(options.seed);
        random.set_stream(u64::from(label));
        torn.shuffle(&mut random);
        torn.sort_by_key(|run| Reverse(run.sides[2] * 1000 / run.members.len()));
        let kept = kept.entry(label).or_default();
        let mut room = [torn.len(), torn.len() / 4, torn.len() / 2];
        for TornRun { members, sides } in torn {
            let is_wanted = |&split: &Split| {
                let side = split as usize;
                let wanted = options.fractions.of(split) * totals[&label] as f64;
                sides[side] > 0 && room[side] > 0 && (kept[side] as f64) < wanted
            };
            let fullest = Split::ALL
                .into_iter()
                .max_by_key(|&split| (split == Split::Train && sides[0] > 0, sides[split as usize]))
                .unwrap_or(Split::Train);
            let side = [Split::Test, Split::Validation]
                .into_iter()
                .find(is_wanted)
                .unwrap_or(fullest);
            room[side as usize] -= 1;
            kept[side as usize] += sides[side as usize];
            for &at in members {
                splits[at] = splits[at].filter(|&found| found == side);
            }
        }
    }
}

/// Turns whole runs of train into validation, in each class that has none; which classes these are.
pub(super) fn draw_validation(
    samples: &[Facts],
    splits: &mut [Option<Split>],
    options: &SplitOptions,
) -> Vec<u32> {
    let fractions = options.fractions;
    let fraction = fractions.validation / (fractions.train + fractions.validation);
    let mut by_label: BTreeMap<u32, Vec<Vec<usize>>> = BTreeMap::new();
    for members in by_run(samples).into_values() {
        by_label
            .entry(label_of(samples, &members))
            .or_default()
            .push(members);
    }
    let mut drawn = Vec::new();
    for (label, mut runs) in by_label {
        let on_side = |runs: &[Vec<usize>], splits: &[Option<Split>], side: Split| -> usize {
            runs.iter()
                .map(|run| counts(run, splits)[side as usize])
                .sum()
        };
        let train = on_side(&runs, splits, Split::Train);
        if fraction == 0.0 || on_side(&runs, splits, Split::Validation) > 0 {
            continue;
        }
        let mut random = ChaCha8Rng::seed_from_u64(options.seed);
        random.set_stream(u64::from(label));
        runs.shuffle(&mut random);
        let mut taken = 0;
        for run in &runs {
            let size = counts(run, splits)[Split::Train as usize];
            let is_enough = taken as f64 >= fraction * train as f64;
            // A run that holds most of the class would leave too little to fit on.
            if is_enough || size == 0 || 2 * (taken + size) > train {
                continue;
            }
            taken += size;
            for &at in run {
                splits[at] = splits[at].map(|_| Split::Validation);
            }
        }
        if taken > 0 {
            drawn.push(label);
        }
    }
    drawn
}
