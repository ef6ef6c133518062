//! Trees of one round: numbers at their leaves, grown where the loss falls most.
//!
//! They are trees like those of [`tree`](super::super::tree) once they are grown, and grown in
//! another way: leaf by leaf where the gain is largest, by the sums of derivatives in bins, not
//! node by node by the counts of classes.

use super::{
    super::tree::{Node, Nodes},
    bins::{Binned, Bins},
};

const LEAVES: usize = 31;
const LEAST_SAMPLES: u32 = 20;
const LEAST_CURVATURE: f64 = 1e-3;
/// Bins of a column, at most.
const BINS: usize = 256;

/// First and second derivative of each sample's loss.
pub(super) type Gradients = Vec<(f64, f64)>;

/// A tree whose leaves say by how much a score changes.
pub(super) type RegressionTree = Nodes<f64>;

/// Sums over some samples.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    gradient: f64,
    curvature: f64,
    samples: u32,
}

impl Sums {
    fn add(&mut self, other: Self) {
        self.gradient += other.gradient;
        self.curvature += other.curvature;
        self.samples += other.samples;
    }

    fn without(self, other: Self) -> Self {
        Self {
            gradient: self.gradient - other.gradient,
            curvature: self.curvature - other.curvature,
            samples: self.samples - other.samples,
        }
    }

    /// Twice by how much the loss falls with the best value for these samples.
    fn gain(self) -> f64 {
        self.gradient * self.gradient / self.curvature
    }

    fn may_be_a_leaf(self) -> bool {
        self.samples >= LEAST_SAMPLES && self.curvature >= LEAST_CURVATURE
    }
}

/// A leaf that may yet be split.
struct Open {
    node: usize,
    samples: Vec<u32>,
    /// `[columns, BINS]`
    histogram: Vec<Sums>,
    sums: Sums,
    best: Option<Best>,
}

#[derive(Debug, Clone, Copy)]
struct Best {
    gain: f64,
    column: usize,
    bin: usize,
}

/// Grows a tree and adds what it says, times `rate`, to the scores of its samples.
pub(super) fn grow(
    bins: &Bins,
    gradients: Gradients,
    rate: f64,
    scores: &mut [f64],
) -> RegressionTree {
    let samples: Vec<u32> = (0..gradients.len() as u32).collect();
    let mut nodes = vec![Node::Leaf(0.0)];
    let histogram = histogram(bins, &gradients, &samples);
    let mut sums = Sums::default();
    for &(gradient, curvature) in &gradients {
        sums.add(Sums {
            gradient,
            curvature,
            samples: 1,
        });
    }
    let mut open = vec![Open::new(0, samples, histogram, sums, bins)];
    while open.len() < LEAVES {
        let mut next: Option<(usize, Best)> = None;
        for (at, leaf) in open.iter().enumerate() {
            if let Some(best) = leaf.best
                && next.is_none_or(|(_, known)| best.gain > known.gain)
            {
                next = Some((at, best));
            }
        }
        let Some((at, best)) = next else { break };
        let parent = open.swap_remove(at);
        let column = &bins.columns[best.column];
        let children = [nodes.len(), nodes.len() + 1];
        nodes[parent.node] = Node::Split {
            column: best.column as u32,
            threshold: column.ends[best.bin],
            yes: children[0] as u32,
            no: children[1] as u32,
        };
        nodes.extend([Node::Leaf(0.0); 2]);
        open.extend(parent.split(best, column, children, bins, &gradients));
    }
    for leaf in open {
        let value = if leaf.sums.curvature > 0.0 {
            -rate * leaf.sums.gradient / leaf.sums.curvature
        } else {
            0.0
        };
        nodes[leaf.node] = Node::Leaf(value);
        for sample in leaf.samples {
            scores[sample as usize] += value;
        }
    }
    Nodes(nodes)
}

fn histogram(bins: &Bins, gradients: &Gradients, samples: &[u32]) -> Vec<Sums> {
    let mut histogram = vec![Sums::default(); bins.columns.len() * BINS];
    for (column, sums) in bins.columns.iter().zip(histogram.chunks_exact_mut(BINS)) {
        if column.ends.is_empty() {
            continue;
        }
        for &sample in samples {
            let (gradient, curvature) = gradients[sample as usize];
            sums[usize::from(column.bins[sample as usize])].add(Sums {
                gradient,
                curvature,
                samples: 1,
            });
        }
    }
    histogram
}

impl Open {
    fn new(node: usize, samples: Vec<u32>, histogram: Vec<Sums>, sums: Sums, bins: &Bins) -> Self {
        let mut best: Option<Best> = None;
        for (column, in_bins) in histogram.chunks_exact(BINS).enumerate() {
            let mut below = Sums::default();
            let ends = bins.columns[column].ends.len();
            for (bin, in_bin) in in_bins[..ends].iter().enumerate() {
                below.add(*in_bin);
                let above = sums.without(below);
                if !(below.may_be_a_leaf() && above.may_be_a_leaf()) {
                    continue;
                }
                let gain = below.gain() + above.gain() - sums.gain();
                // What is left of rounding is no gain.
                if gain > 1e-9 && best.is_none_or(|best| gain > best.gain) {
                    best = Some(Best { gain, column, bin });
                }
            }
        }
        Self {
            node,
            samples,
            histogram,
            sums,
            best,
        }
    }

    /// The two sides; of the larger one the histogram is what the smaller one leaves.
    fn split(
        self,
        best: Best,
        column: &Binned,
        nodes: [usize; 2],
        bins: &Bins,
        gradients: &Gradients,
    ) -> [Self; 2] {
        let mut below = Sums::default();
        for in_bin in &self.histogram[best.column * BINS..][..=best.bin] {
            below.add(*in_bin);
        }
        let above = self.sums.without(below);
        let (yes, no): (Vec<u32>, Vec<u32>) = self
            .samples
            .into_iter()
            .partition(|&sample| usize::from(column.bins[sample as usize]) <= best.bin);
        let is_yes_smaller = yes.len() <= no.len();
        let smaller = histogram(bins, gradients, if is_yes_smaller { &yes } else { &no });
        let mut larger = self.histogram;
        for (sums, of_smaller) in larger.iter_mut().zip(&smaller) {
            *sums = sums.without(*of_smaller);
        }
        let (of_yes, of_no) = if is_yes_smaller {
            (smaller, larger)
        } else {
            (larger, smaller)
        };
        [
            Self::new(nodes[0], yes, of_yes, below, bins),
            Self::new(nodes[1], no, of_no, above, bins),
        ]
    }
}
