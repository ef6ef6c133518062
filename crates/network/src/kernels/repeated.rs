//! Rows that stand for more of the same, and the blocks in which rows are summed.

use std::ops::Range;

/// Rows summed in float32 before the sum moves to float64.
const BLOCK: usize = 56;

/// Some rows of a sample that stand for more of the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Repeated {
    /// The first of them.
    pub(crate) first: usize,
    /// How many there are, perhaps none.
    pub(crate) rows: usize,
    /// How often each counts; all others count once.
    pub(crate) times: usize,
}

impl Repeated {
    /// Rows that are counted beyond those there are.
    pub(crate) fn more(self) -> usize {
        self.rows * (self.times - 1)
    }

    /// Asserts that the repeated rows are among `rows` rows, and no more than a block.
    pub(super) fn check(self, rows: usize) {
        let is_inside = self.first + self.rows <= rows && self.rows <= BLOCK;
        assert!(is_inside && self.times > 0, "no such rows");
    }

    /// All of `rows` rows in blocks, and how often each block counts.
    pub(super) fn blocks(self, rows: usize) -> impl Iterator<Item = (Range<usize>, f64)> {
        let again = (self.first..self.first + self.rows, (self.times - 1) as f64);
        (0..rows)
            .step_by(BLOCK)
            .map(move |first| (first..rows.min(first + BLOCK), 1.0))
            .chain((self.rows > 0).then_some(again))
    }
}
