//! The slices of open sessions: rows of pages, given to one session after another.

use crate::slice::Slice;

/// Bytes of a page at least.
const PAGE: usize = 1 << 16;

/// Rows of one length.
pub(super) struct OpenSlices {
    length: usize,
    rows_of_page: usize,
    pages: Vec<Box<[u8]>>,
    free: Vec<u32>,
    rows: u32,
}

impl OpenSlices {
    pub(super) fn new(length: usize) -> Self {
        Self {
            length,
            rows_of_page: PAGE.div_ceil(length),
            pages: Vec::new(),
            free: Vec::new(),
            rows: 0,
        }
    }

    /// A row that is nobody else's; what is in it means nothing.
    pub(super) fn take(&mut self) -> u32 {
        if let Some(row) = self.free.pop() {
            return row;
        }
        if self.rows as usize == self.pages.len() * self.rows_of_page {
            let page = vec![0; self.rows_of_page * self.length];
            self.pages.push(page.into_boxed_slice());
        }
        self.rows += 1;
        self.rows - 1
    }

    pub(super) fn row(&self, row: u32) -> &[u8] {
        let (page, at) = self.split(row);
        &self.pages[page][at..at + self.length]
    }

    pub(super) fn row_mut(&mut self, row: u32) -> &mut [u8] {
        let (page, at) = self.split(row);
        &mut self.pages[page][at..at + self.length]
    }

    /// A slice of the first bytes of a row, which others may then have.
    pub(super) fn finish(&mut self, row: u32, filled: usize) -> Slice {
        let slice = Slice::of_bytes(&self.row(row)[..filled], self.length);
        self.give_back(row);
        slice
    }

    /// A slice of the first bytes of a row, which stays.
    pub(super) fn copy(&self, row: u32, filled: usize) -> Slice {
        Slice::of_bytes(&self.row(row)[..filled], self.length)
    }

    /// A row that others may have.
    pub(super) fn give_back(&mut self, row: u32) {
        self.free.push(row);
    }

    fn split(&self, row: u32) -> (usize, usize) {
        let row = row as usize;
        (
            row / self.rows_of_page,
            row % self.rows_of_page * self.length,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(length: usize, rows: u8) {
        let mut slices = OpenSlices::new(length);
        let own: Vec<_> = (0..rows)
            .map(|value| {
                let row = slices.take();
                slices.row_mut(row).fill(value);
                row
            })
            .collect();
        for (&row, value) in own.iter().zip(0..) {
            assert_eq!(slices.row(row), vec![value; length]);
        }
    }

    #[test]
    fn rows_are_apart_from_each_other_on_every_page() {
        check(784, 200);
        check(1, 200);
        check(PAGE + 1, 3);
    }

    #[test]
    fn a_row_that_is_given_again_leaves_nothing_of_its_first_owner() {
        let mut slices = OpenSlices::new(4);
        let first = slices.take();
        slices.row_mut(first).fill(9);
        assert_eq!(slices.finish(first, 4).bytes(), [9; 4]);
        let second = slices.take();
        assert_eq!(second, first);
        slices.row_mut(second)[0] = 7;
        assert_eq!(slices.finish(second, 1).bytes(), [7, 0, 0, 0]);
    }
}
