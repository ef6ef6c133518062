//! Whole groups: a side for each, so that every class comes as near to its shares as they allow.

use std::collections::BTreeMap;

use rand::{RngExt, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use super::SplitOptions;
use crate::{dataset::Split, filters::Facts};

/// Searches from this many random starts.
const STARTS: usize = 16;
/// Above this many groups, exchanges of two are not tried: single moves are then fine enough.
const EXCHANGED_GROUPS: usize = 256;

/// What a class on the wrong sides costs; the squared miss of the fractions is at most 2 a class.
const NO_TRAIN: f64 = 1000.0;
const NO_TEST: f64 = 1000.0;
const NO_VALIDATION: f64 = 10.0;

/// What a class needs for one of its groups to be validation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spare {
    /// So many groups that may be train.
    pub(super) least: usize,
    /// Whether a class of fewer must not have one; else it need not.
    pub(super) is_strict: bool,
}

/// Groups to be placed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Groups<'a> {
    /// The group of each sample, numbered from 0 as they appear.
    pub(super) of: &'a [usize],
    /// On which sides each group may be, in the order of [`Split::ALL`].
    pub(super) allowed: &'a [[bool; 3]],
    /// What validation needs.
    pub(super) spare: Spare,
}

/// Gives each group a side: a local search over moves and exchanges, decided by the seed.
///
/// Every class with two groups or more gets train and test samples where that is possible,
/// classes with enough also validation, a class with one goes to train; then the shares of
/// each class come as near to the fractions as whole groups allow.
pub(super) fn assign(
    samples: &[Facts],
    places: Groups<'_>,
    classes: usize,
    options: &SplitOptions,
) -> Vec<Split> {
    let mut groups: Vec<BTreeMap<usize, f64>> = vec![BTreeMap::new(); places.allowed.len()];
    for (sample, &group) in samples.iter().zip(places.of) {
        *groups[group].entry(sample.label as usize).or_default() += 1.0;
    }
    let groups: Vec<Vec<(usize, f64)>> = groups
        .into_iter()
        .map(|group| group.into_iter().collect())
        .collect();

    let mut random = ChaCha8Rng::seed_from_u64(options.seed);
    let mut best: Option<(f64, Vec<usize>)> = None;
    for _ in 0..STARTS {
        let mut search = Search::start(&groups, places, classes, options, &mut random);
        search.descend(&mut random);
        let cost = search.cost();
        if best.as_ref().is_none_or(|&(least, _)| cost < least) {
            best = Some((cost, search.sides));
        }
    }
    let (_, sides) = best.expect("there is at least one start");
    sides.into_iter().map(|side| Split::ALL[side]).collect()
}

/// One way to place the groups, and what each class gets from it.
struct Search<'a> {
    /// Samples of each group by class.
    groups: &'a [Vec<(usize, f64)>],
    /// Where they may be.
    places: Groups<'a>,
    /// The fractions aimed at, by side.
    fractions: [f64; 3],
    /// How many groups each class has that may be train.
    groups_of: Vec<usize>,
    /// Samples of each class by side.
    counts: Vec<[f64; 3]>,
    /// The side of each group.
    sides: Vec<usize>,
}

impl<'a> Search<'a> {
    fn start(
        groups: &'a [Vec<(usize, f64)>],
        places: Groups<'a>,
        classes: usize,
        options: &SplitOptions,
        random: &mut ChaCha8Rng,
    ) -> Self {
        let fractions = Split::ALL.map(|split| options.fractions.of(split));
        let mut search = Self {
            groups,
            places,
            fractions,
            groups_of: vec![0; classes],
            counts: vec![[0.0; 3]; classes],
            sides: Vec::with_capacity(groups.len()),
        };
        for (group, allowed) in groups.iter().zip(places.allowed) {
            let lot: f64 = random.random();
            let side =
                usize::from(lot >= fractions[0]) + usize::from(lot >= fractions[0] + fractions[1]);
            // Where the lot must not fall: on the first side that it may.
            let first = allowed.iter().position(|&may| may).unwrap_or(0);
            let side = if allowed[side] { side } else { first };
            search.sides.push(side);
            for &(class, count) in group {
                search.counts[class][side] += count;
                search.groups_of[class] += usize::from(allowed[0]);
            }
        }
        search
    }

    /// Moves and exchanges groups as long as that helps.
    fn descend(&mut self, random: &mut ChaCha8Rng) {
        let mut order: Vec<usize> = (0..self.groups.len()).collect();
        loop {
            order.shuffle(random);
            let mut moved = false;
            for &group in &order {
                moved |= self.try_sides(group);
            }
            if !moved && order.len() <= EXCHANGED_GROUPS {
                for (at, &one) in order.iter().enumerate() {
                    for &other in &order[at + 1..] {
                        moved |= self.try_exchange(one, other);
                    }
                }
            }
            if !moved {
                return;
            }
        }
    }

    /// Puts a group where it costs least; says whether that is elsewhere.
    fn try_sides(&mut self, group: usize) -> bool {
        let from = self.sides[group];
        let mut best = (self.cost_around(&[group]), from);
        for side in (0..3).filter(|&side| self.places.allowed[group][side]) {
            self.place(group, side);
            let cost = self.cost_around(&[group]);
            if cost < best.0 - 1e-12 {
                best = (cost, side);
            }
        }
        self.place(group, best.1);
        best.1 != from
    }

    /// Exchanges the sides of two groups if that costs less.
    fn try_exchange(&mut self, one: usize, other: usize) -> bool {
        let (here, there) = (self.sides[one], self.sides[other]);
        let allowed = self.places.allowed;
        if here == there || !allowed[one][there] || !allowed[other][here] {
            return false;
        }
        let before = self.cost_around(&[one, other]);
        self.place(one, there);
        self.place(other, here);
        if self.cost_around(&[one, other]) < before - 1e-12 {
            return true;
        }
        self.place(one, here);
        self.place(other, there);
        false
    }

    fn place(&mut self, group: usize, side: usize) {
        let from = std::mem::replace(&mut self.sides[group], side);
        for &(class, count) in &self.groups[group] {
            self.counts[class][from] -= count;
            self.counts[class][side] += count;
        }
    }

    /// What the classes of these groups cost.
    fn cost_around(&self, groups: &[usize]) -> f64 {
        let mut classes: Vec<usize> = groups
            .iter()
            .flat_map(|&group| self.groups[group].iter().map(|&(class, _)| class))
            .collect();
        classes.sort_unstable();
        classes.dedup();
        classes.into_iter().map(|class| self.cost_of(class)).sum()
    }

    fn cost(&self) -> f64 {
        (0..self.counts.len())
            .map(|class| self.cost_of(class))
            .sum()
    }

    fn cost_of(&self, class: usize) -> f64 {
        let counts = self.counts[class];
        let total: f64 = counts.iter().sum();
        if total == 0.0 {
            return 0.0;
        }
        let [train, validation, test] = counts;
        let groups = self.groups_of[class];
        let mut cost = 0.0;
        if train == 0.0 {
            cost += NO_TRAIN;
        }
        if test == 0.0 && groups >= 2 {
            cost += NO_TEST;
        }
        let spare = self.places.spare;
        let misses = groups >= spare.least && validation == 0.0 && self.fractions[1] > 0.0;
        let wastes = groups < spare.least && validation > 0.0 && spare.is_strict;
        if misses || wastes {
            cost += NO_VALIDATION;
        }
        for (count, fraction) in counts.iter().zip(self.fractions) {
            cost += (count / total - fraction).powi(2);
        }
        cost
    }
}
