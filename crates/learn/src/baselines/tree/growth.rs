//! Growth: from the root downwards, samples are cut in two until nothing is gained.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::{
    super::columns::Columns,
    Criterion, Node, Nodes, Pruning, Tree, TreeSettings, pruning,
    split::{Counter, Sample, Split},
};

/// What C4.5 allows a column's gain to lie below the average, in nats.
const GAIN_SLACK: f64 = 1e-3;

/// Labels of samples, and how often each counts: 0 leaves it out.
#[derive(Clone, Copy)]
pub(in super::super) struct Samples<'a> {
    pub(in super::super) labels: &'a [u32],
    pub(in super::super) weights: &'a [u32],
}

/// A node whose samples are known and whose split is not.
struct Open {
    node: u32,
    depth: u32,
    from: usize,
    to: usize,
}

/// A node of a tree under construction, with the weight of each class.
pub(super) struct Grown {
    pub(super) counts: Vec<u32>,
    /// Column, threshold, and the two children.
    pub(super) split: Option<(u32, f64, [u32; 2])>,
}

/// Grows a tree; chance only draws the columns that are tried.
pub(in super::super) fn grow(
    columns: &Columns,
    of: Samples<'_>,
    classes: usize,
    settings: &TreeSettings,
    mut random: ChaCha8Rng,
) -> Tree {
    let mut samples: Vec<Sample> = (0..)
        .zip(of.labels.iter().zip(of.weights))
        .filter(|(_, (_, weight))| **weight > 0)
        .map(|(row, (&label, &weight))| Sample { row, label, weight })
        .collect();
    let weight = of.weights.iter().sum();
    let mut counter = Counter::new(settings.criterion, settings.min_leaf, classes, weight);
    let mut order: Vec<u32> = (0..columns.all.len() as u32).collect();
    let mut nodes = vec![Grown {
        counts: counted(&samples, classes),
        split: None,
    }];
    let mut open = vec![Open {
        node: 0,
        depth: 0,
        from: 0,
        to: samples.len(),
    }];
    while let Some(Open {
        node,
        depth,
        from,
        to,
    }) = open.pop()
    {
        let counts = &nodes[node as usize].counts;
        let is_pure = counts.iter().filter(|&&count| count > 0).count() < 2;
        if is_pure || settings.max_depth.is_some_and(|most| depth >= most) {
            continue;
        }
        let draw = settings
            .tried_columns
            .map(|tried| (tried, &mut random, &mut order));
        let Some((column, split)) = choose(columns, &samples[from..to], counts, &mut counter, draw)
        else {
            continue;
        };
        let ranks = &columns.all[column as usize];
        let middle = from
            + partition(&mut samples[from..to], |sample| {
                ranks.rank(sample.row) <= split.last_rank
            });
        let children = [nodes.len() as u32, nodes.len() as u32 + 1];
        nodes[node as usize].split = Some((column, split.threshold, children));
        for (child, from, to) in [(children[0], from, middle), (children[1], middle, to)] {
            nodes.push(Grown {
                counts: counted(&samples[from..to], classes),
                split: None,
            });
            open.push(Open {
                node: child,
                depth: depth + 1,
                from,
                to,
            });
        }
    }
    if settings.pruning == Pruning::Pessimistic {
        pruning::prune(&mut nodes);
    }
    finish(&nodes, classes)
}

fn counted(samples: &[Sample], classes: usize) -> Vec<u32> {
    let mut counts = vec![0; classes];
    for sample in samples {
        counts[sample.label as usize] += sample.weight;
    }
    counts
}

/// Moves what holds to the front and says how many do; the order among each is arbitrary, and
/// no sum that a split is chosen by depends on it.
fn partition(samples: &mut [Sample], holds: impl Fn(Sample) -> bool) -> usize {
    let mut front = 0;
    for at in 0..samples.len() {
        if holds(samples[at]) {
            samples.swap(front, at);
            front += 1;
        }
    }
    front
}

/// The best split over the columns that are tried.
fn choose(
    columns: &Columns,
    samples: &[Sample],
    counts: &[u32],
    counter: &mut Counter,
    draw: Option<(usize, &mut ChaCha8Rng, &mut Vec<u32>)>,
) -> Option<(u32, Split)> {
    let mut splits = Vec::new();
    let mut consider = |column: u32, counter: &mut Counter| {
        let (split, varies) = counter.best(&columns.all[column as usize], samples, counts);
        splits.extend(split.map(|split| (column, split)));
        varies
    };
    if let Some((tried, random, order)) = draw {
        let mut has_varied = false;
        for at in 0..order.len() {
            // As scikit-learn: a draw of constant columns alone is not left at that.
            if at >= tried && has_varied {
                break;
            }
            let pick = at + (random.next_u64() % (order.len() - at) as u64) as usize;
            order.swap(at, pick);
            has_varied |= consider(order[at], counter);
        }
    } else {
        for column in 0..columns.all.len() as u32 {
            consider(column, counter);
        }
    }
    match counter.criterion() {
        Criterion::Gini => first_best(
            splits
                .into_iter()
                .map(|(at, split)| (at, split, split.score)),
        ),
        Criterion::GainRatio => best_gain_ratio(&splits, counter.whole(counts), counts),
    }
}

fn first_best(splits: impl Iterator<Item = (u32, Split, f64)>) -> Option<(u32, Split)> {
    let mut best: Option<(u32, Split, f64)> = None;
    for (column, split, score) in splits {
        if best.is_none_or(|(_, _, highest)| score > highest) {
            best = Some((column, split, score));
        }
    }
    best.map(|(column, split, _)| (column, split))
}

/// The best gain ratio among the splits that gain at least the average.
fn best_gain_ratio(splits: &[(u32, Split)], whole: f64, counts: &[u32]) -> Option<(u32, Split)> {
    let weight = f64::from(counts.iter().sum::<u32>());
    // The choice of a threshold among many is information too, and no gain.
    let gain =
        |split: &Split| (split.score - whole) / weight - f64::from(split.candidates).ln() / weight;
    let gains: Vec<f64> = splits
        .iter()
        .map(|(_, split)| gain(split))
        .filter(|&gain| gain > 0.0)
        .collect();
    let average = gains.iter().sum::<f64>() / gains.len().max(1) as f64;
    let ratio = |split: &Split| {
        let share = f64::from(split.yes_weight) / weight;
        let information = -share * share.ln() - (1.0 - share) * (1.0 - share).ln();
        gain(split) / information
    };
    first_best(
        splits
            .iter()
            .filter(|(_, split)| gain(split) > 0.0 && gain(split) >= average - GAIN_SLACK)
            .map(|(column, split)| (*column, *split, ratio(split))),
    )
}

/// The tree of the nodes that can be reached.
fn finish(grown: &[Grown], classes: usize) -> Tree {
    let mut nodes = vec![Node::Leaf(0)];
    let mut shares = Vec::new();
    let mut waiting = vec![(0, 0)];
    while let Some((from, to)) = waiting.pop() {
        let node = &grown[from as usize];
        if let Some((column, threshold, children)) = node.split {
            let yes = nodes.len() as u32;
            let (at, no) = (to as usize, yes + 1);
            nodes.extend([Node::Leaf(0); 2]);
            nodes[at] = Node::Split {
                column,
                threshold,
                yes,
                no,
            };
            waiting.extend([(children[0], yes), (children[1], no)]);
        } else {
            nodes[to as usize] = Node::Leaf((shares.len() / classes.max(1)) as u32);
            let weight = node.counts.iter().sum::<u32>();
            let share = |&count: &u32| {
                if weight == 0 {
                    1.0 / classes as f32
                } else {
                    (f64::from(count) / f64::from(weight)) as f32
                }
            };
            shares.extend(node.counts.iter().map(share));
        }
    }
    Tree {
        classes,
        nodes: Nodes(nodes),
        shares,
    }
}
