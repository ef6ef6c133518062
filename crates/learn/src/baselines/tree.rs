//! Decision trees: questions of the form *is this number at most that?*, a class at the end.
//!
//! Two families: as Breiman et al. grow them (CART: least Gini impurity), and as Quinlan does
//! (C4.5: best gain ratio, then pruned).

mod growth;
mod nodes;
mod pruning;
mod split;

pub(super) use self::{
    growth::{Samples, grow},
    nodes::{Node, Nodes},
};

use super::{Predictor, chance::random, columns::Columns, features::Features};

/// Every setting that decides a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TreeSettings {
    /// What makes a split good.
    pub criterion: Criterion,
    /// Questions on the longest way, at most; none: no limit.
    pub max_depth: Option<u32>,
    /// Training samples on each side of a split, at least.
    pub min_leaf: u32,
    /// How many columns, drawn anew, are tried at each split; none: all.
    pub tried_columns: Option<usize>,
    /// What happens to the tree once it is grown.
    pub pruning: Pruning,
}

/// What makes a split good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Criterion {
    /// The sides are pure, by Gini's measure.
    ///
    /// Source: Breiman et al., *Classification and Regression Trees*, 1984; ties are broken by the
    /// first column and the lowest threshold.
    Gini,
    /// The gain in information over the information that the split itself has, among the columns
    /// of at least average gain.
    ///
    /// Source: Quinlan, *Improved use of continuous attributes in C4.5*, JAIR 1996.
    GainRatio,
}

/// What happens to a tree once it is grown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pruning {
    /// Nothing.
    None,
    /// A split that is no better than a leaf, by the upper bound of the error at confidence 25 %,
    /// becomes one. Quinlan also tries to raise a sub-tree to its parent's place; we do not.
    Pessimistic,
}

impl TreeSettings {
    /// A tree that a person can read.
    pub const SHALLOW: Self = Self {
        criterion: Criterion::Gini,
        max_depth: Some(6),
        min_leaf: 1,
        tried_columns: None,
        pruning: Pruning::None,
    };

    /// As C4.5 with its own settings, but for what [`Criterion`] and [`Pruning`] say.
    pub const C45: Self = Self {
        criterion: Criterion::GainRatio,
        max_depth: None,
        min_leaf: 2,
        tried_columns: None,
        pruning: Pruning::Pessimistic,
    };
}

/// A fitted tree.
#[derive(Debug, Clone, PartialEq)]
pub struct Tree {
    classes: usize,
    /// Leaves are numbered.
    nodes: Nodes<u32>,
    /// The share of each class in each leaf, `[leaves, classes]`.
    shares: Vec<f32>,
}

impl Tree {
    /// Fits a tree to features and labels, `[samples]`; `seed` draws the tried columns.
    ///
    /// Of no samples it is a leaf that finds all classes equally likely.
    pub fn fit(
        features: &Features,
        labels: &[u32],
        classes: usize,
        settings: &TreeSettings,
        seed: u64,
    ) -> Self {
        let once = vec![1; labels.len()];
        growth::grow(
            &Columns::of(features),
            growth::Samples {
                labels,
                weights: &once,
            },
            classes,
            settings,
            random(seed, 0),
        )
    }

    /// The share of each class, `[classes]`, in the leaf that a row comes to.
    #[inline]
    pub fn shares(&self, features: &Features, row: usize) -> &[f32] {
        let first = self.nodes.leaf(features, row) as usize * self.classes;
        &self.shares[first..first + self.classes]
    }

    /// How many leaves it has.
    pub fn leaves(&self) -> usize {
        self.nodes.leaves()
    }

    /// Which columns it asks about, each as often as it does.
    pub fn columns(&self) -> impl Iterator<Item = usize> + '_ {
        self.nodes.columns()
    }
}

impl Predictor for Tree {
    /// Column and threshold of each split, and each leaf's class.
    fn parameters(&self) -> usize {
        self.nodes.parameters()
    }

    fn probabilities(&self, features: &Features, _threads: usize) -> Vec<f64> {
        (0..features.rows())
            .flat_map(|row| self.shares(features, row))
            .map(|&share| f64::from(share))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: TreeSettings = TreeSettings {
        max_depth: None,
        ..TreeSettings::SHALLOW
    };

    #[track_caller]
    fn check(settings: TreeSettings, rows: &[(f32, u32)], leaves: usize, answers: &[(f32, u32)]) {
        let features = Features::numbers(1, rows.iter().map(|row| row.0).collect());
        let labels: Vec<u32> = rows.iter().map(|row| row.1).collect();
        let tree = Tree::fit(&features, &labels, 3, &settings, 0);
        assert_eq!(tree.leaves(), leaves);
        for &(value, class) in answers {
            let asked = Features::numbers(1, vec![value]);
            assert!(tree.shares(&asked, 0)[class as usize] > 0.999, "{value}");
        }
    }

    #[test]
    fn a_threshold_is_half_way_between_two_values() {
        let rows = [(1.0, 0), (2.0, 0), (4.0, 2), (5.0, 2)];
        check(FULL, &rows, 2, &[(3.0, 0), (3.001, 2)]);
    }

    #[test]
    fn equal_samples_of_different_classes_end_in_one_leaf() {
        let features = Features::bytes(1, vec![7, 7, 7, 7]);
        let tree = Tree::fit(&features, &[0, 1, 1, 1], 2, &FULL, 0);
        assert_eq!(tree.shares(&features, 0), [0.25, 0.75]);
    }

    #[test]
    fn depth_is_limited() {
        let rows = [(1.0, 0), (2.0, 1), (3.0, 0), (4.0, 1), (5.0, 0)];
        check(FULL, &rows, 5, &[(1.0, 0), (4.0, 1)]);
        let one = TreeSettings {
            max_depth: Some(1),
            ..FULL
        };
        check(one, &rows, 2, &[]);
    }

    #[test]
    fn no_samples_make_a_leaf_that_knows_nothing() {
        let none = Features::numbers(1, Vec::new());
        let tree = Tree::fit(&none, &[], 2, &FULL, 0);
        let asked = Features::numbers(1, vec![1.0]);
        assert_eq!(tree.shares(&asked, 0), [0.5, 0.5]);
    }

    #[test]
    fn c45_finds_what_is_there_and_splits_off_nothing_by_chance() {
        // Below 50 all of class 0; above, one stray sample among many of class 1.
        let mut rows: Vec<(f32, u32)> = (0..100_u8)
            .map(|value| (f32::from(value), u32::from(value >= 50)))
            .collect();
        check(TreeSettings::C45, &rows, 2, &[(49.5, 0), (49.6, 1)]);
        rows[70].1 = 0;
        check(TreeSettings::C45, &rows, 2, &[(49.5, 0)]);
    }
}
