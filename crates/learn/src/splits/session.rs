//! The `session` rule: each sample by lot, every class in the same proportion.

use std::collections::BTreeMap;

use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use super::SplitOptions;
use crate::{dataset::Split, filters::Facts};

/// Draws validation and test samples of each class; the others are train.
pub(super) fn assign(samples: &[Facts], options: &SplitOptions) -> Vec<Split> {
    let mut splits = vec![Split::Train; samples.len()];
    for (label, members) in by_label(samples, |_| true) {
        let count = members.len();
        // One for each side before the fractions count: a class of two is one to fit, one to test.
        let test = share(count, options.fractions.test, count >= 2);
        let left = count - test;
        let validation =
            share(count, options.fractions.validation, count >= 3).min(left.max(1) - 1);
        let drawn = shuffled(members, options.seed, label);
        for &at in &drawn[..test] {
            splits[at] = Split::Test;
        }
        for &at in &drawn[test..test + validation] {
            splits[at] = Split::Validation;
        }
    }
    splits
}

/// Turns a share of each class's train samples into validation samples.
pub(super) fn draw_validation(samples: &[Facts], splits: &mut [Split], options: &SplitOptions) {
    let fractions = options.fractions;
    let fraction = fractions.validation / (fractions.train + fractions.validation);
    for (label, members) in by_label(samples, |at| splits[at] == Split::Train) {
        let count = members.len();
        let validation = share(count, fraction, count >= 2);
        for &at in &shuffled(members, options.seed, label)[..validation] {
            splits[at] = Split::Validation;
        }
    }
}

/// The samples that `chosen` names, by label.
fn by_label(samples: &[Facts], chosen: impl Fn(usize) -> bool) -> BTreeMap<u32, Vec<usize>> {
    let mut members: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (at, sample) in samples.iter().enumerate() {
        if chosen(at) {
            members.entry(sample.label).or_default().push(at);
        }
    }
    members
}

/// `fraction` of `count`, rounded; at least one if `possible` and anything is wanted at all.
fn share(count: usize, fraction: f64, possible: bool) -> usize {
    let least = usize::from(possible && fraction > 0.0);
    let most = count.saturating_sub(1);
    ((count as f64 * fraction).round() as usize).clamp(least, most.max(least))
}

/// A class's samples in an order that the seed decides, whatever other classes there are.
fn shuffled(mut members: Vec<usize>, seed: u64, label: u32) -> Vec<usize> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(u64::from(label));
    members.shuffle(&mut random);
    members
}
