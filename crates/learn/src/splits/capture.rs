//! The `capture` rule: whole groups, so that nothing of a capture is on both sides.

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

/// Gives each group a side: a local search over moves and exchanges, decided by the seed.
///
/// Every class with two groups or more gets train and test samples where that is possible,
/// classes with three also validation, a class with one goes to train; then the shares of
/// each class come as near to the fractions as whole groups allow.
pub(super) fn assign(samples: &[Facts], classes: usize, options: &SplitOptions) -> Vec<Split> {
    let mut numbers: BTreeMap<u32, usize> = BTreeMap::new();
    for sample in samples {
        let next = numbers.len();
        numbers.entry(sample.group).or_insert(next);
    }
    let mut groups: Vec<BTreeMap<usize, f64>> = vec![BTreeMap::new(); numbers.len()];
    for sample in samples {
        let group = &mut groups[numbers[&sample.group]];
        *group.entry(sample.label as usize).or_default() += 1.0;
    }
    let groups: Vec<Vec<(usize, f64)>> = groups
        .into_iter()
        .map(|group| group.into_iter().collect())
        .collect();

    let mut random = ChaCha8Rng::seed_from_u64(options.seed);
    let mut best: Option<(f64, Vec<usize>)> = None;
    for _ in 0..STARTS {
        let mut search = Search::start(&groups, classes, options, &mut random);
        search.descend(&mut random);
        let cost = search.cost();
        if best.as_ref().is_none_or(|&(least, _)| cost < least) {
            best = Some((cost, search.sides));
        }
    }
    let (_, sides) = best.expect("there is at least one start");
    let side = |sample: &Facts| Split::ALL[sides[numbers[&sample.group]]];
    samples.iter().map(side).collect()
}

/// One way to place the groups, and what each class gets from it.
struct Search<'a> {
    /// Samples of each group by class.
    groups: &'a [Vec<(usize, f64)>],
    /// The fractions aimed at, by side.
    fractions: [f64; 3],
    /// How many groups each class has.
    groups_of: Vec<usize>,
    /// Samples of each class by side.
    counts: Vec<[f64; 3]>,
    /// The side of each group.
    sides: Vec<usize>,
}

impl<'a> Search<'a> {
    fn start(
        groups: &'a [Vec<(usize, f64)>],
        classes: usize,
        options: &SplitOptions,
        random: &mut ChaCha8Rng,
    ) -> Self {
        let fractions = Split::ALL.map(|split| options.fractions.of(split));
        let mut search = Self {
            groups,
            fractions,
            groups_of: vec![0; classes],
            counts: vec![[0.0; 3]; classes],
            sides: Vec::with_capacity(groups.len()),
        };
        for group in groups {
            let lot: f64 = random.random();
            let side =
                usize::from(lot >= fractions[0]) + usize::from(lot >= fractions[0] + fractions[1]);
            search.sides.push(side);
            for &(class, count) in group {
                search.counts[class][side] += count;
                search.groups_of[class] += 1;
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
        for side in 0..3 {
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
        if here == there {
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
        if validation == 0.0 && groups >= 3 && self.fractions[1] > 0.0 {
            cost += NO_VALIDATION;
        }
        for (count, fraction) in counts.iter().zip(self.fractions) {
            cost += (count / total - fraction).powi(2);
        }
        cost
    }
}
