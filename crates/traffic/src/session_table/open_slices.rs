//! The slices of open sessions: a row of a page each, by the session's place.

use std::ops::Range;

use crate::{
    memory::{LINE, prefetch},
    slice::Slice,
};

/// Bytes of a page at least.
const PAGE: usize = 1 << 16;

/// Rows of one length.
pub(super) struct OpenSlices {
    length: usize,
    /// Rows of a page are two to the power of this.
    page_bits: u32,
    pages: Vec<Box<[u8]>>,
}

impl OpenSlices {
    pub(super) fn new(length: usize) -> Self {
        Self {
            length,
            page_bits: PAGE.div_ceil(length).next_power_of_two().trailing_zeros(),
            pages: Vec::new(),
        }
    }

    /// Makes sure of a row; what is in it means nothing.
    pub(super) fn reach(&mut self, row: u32) {
        while self.pages.len() <= (row >> self.page_bits) as usize {
            let page = vec![0; self.length << self.page_bits];
            self.pages.push(page.into_boxed_slice());
        }
    }

    pub(super) fn row(&self, row: u32) -> &[u8] {
        let (page, at) = self.split(row);
        &self.pages[page][at..at + self.length]
    }

    pub(super) fn row_mut(&mut self, row: u32) -> &mut [u8] {
        let (page, at) = self.split(row);
        &mut self.pages[page][at..at + self.length]
    }

    /// Asks for some bytes of a row, as far as it has them, and does not wait for them.
    pub(super) fn prefetch(&self, row: u32, bytes: Range<usize>) {
        let end = bytes.end.min(self.length);
        if let Some(bytes) = self.row(row).get(bytes.start..end) {
            bytes.iter().step_by(LINE).for_each(prefetch);
            if let Some(last) = bytes.last() {
                prefetch(last);
            }
        }
    }

    /// A slice of the first bytes of a row.
    pub(super) fn slice(&self, row: u32, filled: usize) -> Slice {
        Slice::of_bytes(&self.row(row)[..filled], self.length)
    }

    fn split(&self, row: u32) -> (usize, usize) {
        let in_page = row as usize & ((1 << self.page_bits) - 1);
        ((row >> self.page_bits) as usize, in_page * self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(length: usize, rows: u8) {
        let mut slices = OpenSlices::new(length);
        for row in 0..rows {
            slices.reach(row.into());
            slices.row_mut(row.into()).fill(row);
        }
        for row in 0..rows {
            assert_eq!(slices.row(row.into()), vec![row; length]);
        }
    }

    #[test]
    fn rows_are_apart_from_each_other_on_every_page() {
        check(784, 200);
        check(1, 200);
        check(PAGE + 1, 3);
    }

    #[test]
    fn a_slice_shows_nothing_beyond_what_is_filled() {
        let mut slices = OpenSlices::new(4);
        slices.reach(0);
        slices.row_mut(0).fill(9);
        assert_eq!(slices.slice(0, 4).bytes(), [9; 4]);
        assert_eq!(slices.slice(0, 1).bytes(), [9, 0, 0, 0]);
    }
}
