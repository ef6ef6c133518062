//! Nodes: the questions of a fitted tree, and the way of a row through them.

use super::super::features::Features;

/// A question, or what stands where no more is asked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in super::super) enum Node<L> {
    /// Is the column's value at most the threshold?
    Split {
        column: u32,
        threshold: f64,
        yes: u32,
        no: u32,
    },
    Leaf(L),
}

/// A whole tree: the first node is the root, children come after their parents.
#[derive(Debug, Clone, PartialEq)]
pub(in super::super) struct Nodes<L>(pub(in super::super) Vec<Node<L>>);

impl<L: Copy> Nodes<L> {
    /// The leaf that a row comes to.
    #[inline]
    pub(in super::super) fn leaf(&self, features: &Features, row: usize) -> L {
        let mut at = 0;
        loop {
            match self.0[at as usize] {
                Node::Split {
                    column,
                    threshold,
                    yes,
                    no,
                } => {
                    let value = f64::from(features.value(row, column as usize));
                    at = if value <= threshold { yes } else { no };
                }
                Node::Leaf(leaf) => return leaf,
            }
        }
    }

    /// How many leaves there are.
    pub(in super::super) fn leaves(&self) -> usize {
        self.0.len().div_ceil(2)
    }

    /// Column and threshold of each split, and one number for each leaf.
    pub(in super::super) fn parameters(&self) -> usize {
        2 * (self.leaves() - 1) + self.leaves()
    }

    /// The columns that are asked about, each as often as it is.
    pub(in super::super) fn columns(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().filter_map(|node| match node {
            Node::Split { column, .. } => Some(*column as usize),
            Node::Leaf(_) => None,
        })
    }
}
