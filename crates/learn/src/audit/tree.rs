//! Trees on bytes: what little a field tells is told by the smallest of classifiers.
//!
//! Columns are bytes, so that a split is found by counting, not by sorting: hundreds of models an
//! audit are fitted in seconds.

use rand::{RngExt, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

/// Values of a cell: 0 where there is no byte, else the byte and 1.
pub(super) const VALUES: usize = 257;
/// Nodes of fewer samples become leaves.
const LEAST_SAMPLES: usize = 4;
/// No path is longer.
const DEEPEST: usize = 32;

/// Cells by sample and column.
#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    /// Columns.
    pub(super) width: usize,
    /// `[samples, width]`.
    pub(super) cells: Vec<u16>,
}

impl Table {
    /// The slices themselves: a column a byte.
    pub(super) fn of_bytes(bytes: &[u8], width: usize) -> Self {
        Self {
            width,
            cells: bytes.iter().map(|&byte| cell(byte)).collect(),
        }
    }

    pub(super) fn row(&self, sample: usize) -> &[u16] {
        &self.cells[sample * self.width..(sample + 1) * self.width]
    }

    /// These rows of it.
    pub(super) fn rows(&self, samples: &[usize]) -> Self {
        Self {
            width: self.width,
            cells: samples
                .iter()
                .flat_map(|&at| self.row(at))
                .copied()
                .collect(),
        }
    }

    fn at(&self, sample: u32, column: usize) -> u16 {
        self.cells[sample as usize * self.width + column]
    }
}

/// A byte as a cell.
pub(super) fn cell(byte: u8) -> u16 {
    u16::from(byte) + 1
}

/// Which columns a node may split at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Looks {
    /// All of them.
    All,
    /// As many as the square root of their number, drawn anew for each node.
    SquareRoot,
}

#[derive(Debug, Clone, Copy)]
enum Node {
    Leaf(u32),
    /// Up to `most` in `column` goes on at the next node, more than that at `above`.
    Split {
        column: u32,
        most: u16,
        above: u32,
    },
}

/// A decision tree: CART, split by Gini impurity.
#[derive(Debug, Clone)]
pub(super) struct Tree {
    nodes: Vec<Node>,
}

/// What a tree is fitted to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Examples<'a> {
    pub(super) table: &'a Table,
    pub(super) labels: &'a [u32],
    pub(super) classes: usize,
}

impl Tree {
    /// One tree on all samples and columns.
    pub(super) fn fit(what: Examples<'_>) -> Self {
        let samples = (0..what.labels.len() as u32).collect();
        Self::grow(what, samples, Looks::All, &mut ChaCha8Rng::seed_from_u64(0))
    }

    fn grow(what: Examples<'_>, samples: Vec<u32>, looks: Looks, random: &mut ChaCha8Rng) -> Self {
        let mut tree = Self { nodes: Vec::new() };
        tree.add(what, samples, looks, random, 0);
        tree
    }

    fn add(
        &mut self,
        what: Examples<'_>,
        samples: Vec<u32>,
        looks: Looks,
        random: &mut ChaCha8Rng,
        depth: usize,
    ) {
        let counts = counts(what, &samples);
        let at = self.nodes.len();
        self.nodes.push(Node::Leaf(most_frequent(&counts)));
        let is_pure = counts.iter().filter(|&&count| count > 0).count() < 2;
        if is_pure || samples.len() < LEAST_SAMPLES || depth >= DEEPEST {
            return;
        }
        let Some((column, most)) = best_split(what, &samples, &counts, looks, random) else {
            return;
        };
        let (below, above): (Vec<u32>, Vec<u32>) = samples
            .into_iter()
            .partition(|&sample| what.table.at(sample, column) <= most);
        self.add(what, below, looks, random, depth + 1);
        self.nodes[at] = Node::Split {
            column: column as u32,
            most,
            above: self.nodes.len() as u32,
        };
        self.add(what, above, looks, random, depth + 1);
    }

    /// The class it answers to one row.
    pub(super) fn answer(&self, row: &[u16]) -> u32 {
        let mut at = 0;
        loop {
            match self.nodes[at] {
                Node::Leaf(label) => return label,
                Node::Split {
                    column,
                    most,
                    above,
                } => {
                    at = if row[column as usize] <= most {
                        at + 1
                    } else {
                        above as usize
                    };
                }
            }
        }
    }
}

/// Trees on draws of the samples, which vote: Breiman's random forest.
#[derive(Debug, Clone)]
pub(super) struct Forest {
    trees: Vec<Tree>,
    classes: usize,
}

impl Forest {
    /// A forest of `trees` trees; the same seed gives the same, on any number of threads.
    pub(super) fn fit(what: Examples<'_>, trees: usize, seed: u64) -> Self {
        let samples = what.labels.len();
        let grow = |tree: usize| {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            random.set_stream(tree as u64);
            let draw = (0..samples)
                .map(|_| random.random_range(0..samples as u32))
                .collect();
            Tree::grow(what, draw, Looks::SquareRoot, &mut random)
        };
        Self {
            trees: (0..trees).into_par_iter().map(grow).collect(),
            classes: what.classes,
        }
    }

    /// The class that most trees answer; the smallest of several.
    pub(super) fn answer(&self, row: &[u16]) -> u32 {
        let mut votes = vec![0_u32; self.classes];
        for tree in &self.trees {
            votes[tree.answer(row) as usize] += 1;
        }
        most_frequent(&votes)
    }
}

fn counts(what: Examples<'_>, samples: &[u32]) -> Vec<u32> {
    let mut counts = vec![0; what.classes];
    for &sample in samples {
        counts[what.labels[sample as usize] as usize] += 1;
    }
    counts
}

/// The label counted most often; the smallest of several.
pub(super) fn most_frequent(counts: &[u32]) -> u32 {
    let mut best = 0;
    for (label, &count) in counts.iter().enumerate() {
        if count > counts[best] {
            best = label;
        }
    }
    best as u32
}

/// The column and the value whose split leaves least impurity; none if no split helps.
fn best_split(
    what: Examples<'_>,
    samples: &[u32],
    all: &[u32],
    looks: Looks,
    random: &mut ChaCha8Rng,
) -> Option<(usize, u16)> {
    let width = what.table.width;
    let mut columns: Vec<usize> = (0..width).collect();
    let looked_at = match looks {
        Looks::All => width,
        Looks::SquareRoot => {
            columns.shuffle(random);
            (width as f64).sqrt().ceil() as usize
        }
    };
    let mut scratch = Scratch::default();
    // Of a sum of squared counts over a number, more is purer; no split has this.
    let whole = squares(all) / samples.len() as f64;
    let mut best = (whole + 1e-9, None);
    for (looked, &column) in columns.iter().enumerate() {
        // A draw of columns that are all the same here is no draw: look on, as scikit-learn does.
        if looked >= looked_at && best.1.is_some() {
            break;
        }
        if let Some((purity, most)) = scratch.split(what, samples, all, column)
            && purity > best.0
        {
            best = (purity, Some((column, most)));
        }
    }
    best.1
}

fn squares(counts: &[u32]) -> f64 {
    counts
        .iter()
        .map(|&count| f64::from(count) * f64::from(count))
        .sum()
}

/// Room that is used again for each column.
#[derive(Default)]
struct Scratch {
    /// `[values, classes]`.
    histogram: Vec<u32>,
    /// Value and label of each sample, where they are few.
    pairs: Vec<(u16, u32)>,
}

impl Scratch {
    /// The best value to split one column at, and how pure that is.
    fn split(
        &mut self,
        what: Examples<'_>,
        samples: &[u32],
        all: &[u32],
        column: usize,
    ) -> Option<(f64, u16)> {
        let mut sweep = Sweep::new(all, samples.len());
        if samples.len() < VALUES {
            self.pairs.clear();
            self.pairs.extend(
                samples
                    .iter()
                    .map(|&sample| (what.table.at(sample, column), what.labels[sample as usize])),
            );
            self.pairs.sort_unstable();
            for run in self.pairs.chunk_by(|one, other| one.0 == other.0) {
                for &(_, label) in run {
                    sweep.take(label as usize, 1);
                }
                sweep.weigh(run[0].0);
            }
        } else {
            self.histogram.clear();
            self.histogram.resize(VALUES * what.classes, 0);
            for &sample in samples {
                let value = usize::from(what.table.at(sample, column));
                let label = what.labels[sample as usize] as usize;
                self.histogram[value * what.classes + label] += 1;
            }
            for (value, counts) in (0..).zip(self.histogram.chunks_exact(what.classes)) {
                for (label, &count) in counts.iter().enumerate().filter(|&(_, &count)| count > 0) {
                    sweep.take(label, count);
                }
                sweep.weigh(value);
            }
        }
        sweep.best
    }
}

/// From the smallest value to the largest: what lies below, and how pure both sides are.
struct Sweep<'a> {
    all: &'a [u32],
    below: Vec<u32>,
    taken: usize,
    weighed: usize,
    samples: usize,
    best: Option<(f64, u16)>,
}

impl<'a> Sweep<'a> {
    fn new(all: &'a [u32], samples: usize) -> Self {
        Self {
            all,
            below: vec![0; all.len()],
            taken: 0,
            weighed: 0,
            samples,
            best: None,
        }
    }

    fn take(&mut self, label: usize, count: u32) {
        self.below[label] += count;
        self.taken += count as usize;
    }

    /// Weighs a split behind `value`, if it parts anything from anything.
    fn weigh(&mut self, value: u16) {
        if self.taken == self.weighed || self.taken == self.samples {
            return;
        }
        self.weighed = self.taken;
        let above: f64 = self
            .all
            .iter()
            .zip(&self.below)
            .map(|(&all, &below)| f64::from(all - below) * f64::from(all - below))
            .sum();
        let purity =
            squares(&self.below) / self.taken as f64 + above / (self.samples - self.taken) as f64;
        if self.best.is_none_or(|(best, _)| purity > best) {
            self.best = Some((purity, value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: &[&[u16]]) -> Table {
        Table {
            width: rows[0].len(),
            cells: rows.concat(),
        }
    }

    #[test]
    fn a_tree_finds_the_column_and_the_value_that_part_the_classes() {
        // The second column tells: up to 5 is class 0, more is class 1.
        let rows: Vec<[u16; 2]> = (0..40).map(|at| [at * 7 % 11, at % 10]).collect();
        let labels: Vec<u32> = rows.iter().map(|row| u32::from(row[1] > 5)).collect();
        let rows: Vec<&[u16]> = rows.iter().map(<[u16; 2]>::as_slice).collect();
        let table = table(&rows);
        let tree = Tree::fit(Examples {
            table: &table,
            labels: &labels,
            classes: 2,
        });
        assert_eq!([tree.answer(&[3, 5]), tree.answer(&[3, 6])], [0, 1]);
        assert_eq!(tree.nodes.len(), 3);
    }

    /// Large nodes count values, small ones sort them: both must find the same split.
    #[test]
    fn counting_and_sorting_split_alike() {
        let cells: Vec<u16> = (0..600).map(|at| (at * 37 % 251) as u16).collect();
        let labels: Vec<u32> = cells.iter().map(|&value| u32::from(value / 60)).collect();
        let table = Table { width: 1, cells };
        let what = Examples {
            table: &table,
            labels: &labels,
            classes: 5,
        };
        // The first 251 samples hold each value once, the first 502 twice.
        let found = [251, 502].map(|samples| {
            let samples: Vec<u32> = (0..samples).collect();
            let all = counts(what, &samples);
            let (purity, most) = Scratch::default().split(what, &samples, &all, 0).unwrap();
            (purity / samples.len() as f64, most)
        });
        assert!((found[0].0 - found[1].0).abs() < 1e-12, "{found:?}");
        assert_eq!(found[0].1, found[1].1);
    }

    #[test]
    fn samples_that_nothing_parts_are_a_leaf_of_their_most_frequent_class() {
        let table = table(&[&[3], &[3], &[3], &[3], &[3]]);
        let tree = Tree::fit(Examples {
            table: &table,
            labels: &[1, 0, 1, 0, 1],
            classes: 2,
        });
        assert_eq!((tree.nodes.len(), tree.answer(&[3])), (1, 1));
    }

    #[test]
    fn a_forest_of_one_seed_answers_alike_on_any_number_of_threads() {
        let cells: Vec<u16> = (0..900).map(|at| (at * 131 % 257) as u16).collect();
        let labels: Vec<u32> = (0..300).map(|at| at * 7 % 3).collect();
        let table = Table { width: 3, cells };
        let answers = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            pool.build().unwrap().install(|| {
                let what = Examples {
                    table: &table,
                    labels: &labels,
                    classes: 3,
                };
                let forest = Forest::fit(what, 5, 9);
                let answer = |sample| forest.answer(table.row(sample));
                (0..300).map(answer).collect::<Vec<_>>()
            })
        };
        assert_eq!(answers(1), answers(3));
    }
}
