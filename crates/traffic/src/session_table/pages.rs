//! Pages: values by place, so that growing moves nothing and wastes little.

use crate::memory::prefetch_whole;

/// Values of a page. A power of two, so that a place splits by shifting.
pub(super) const PAGE: usize = 1 << PAGE_BITS;
const PAGE_BITS: u32 = 10;

/// Values at places that begin with 0 and leave no gaps.
pub(super) struct Pages<T>(Vec<Vec<T>>);

impl<T> Pages<T> {
    pub(super) fn new() -> Self {
        Self(Vec::new())
    }

    pub(super) fn get(&self, place: u32) -> Option<&T> {
        let (page, row) = split(place);
        self.0.get(page)?.get(row)
    }

    /// Asks for the memory of a value, and does not wait for it.
    pub(super) fn prefetch(&self, place: u32) {
        if let Some(value) = self.get(place) {
            prefetch_whole(value);
        }
    }

    pub(super) fn get_mut(&mut self, place: u32) -> Option<&mut T> {
        let (page, row) = split(place);
        self.0.get_mut(page)?.get_mut(row)
    }

    /// The first place that has never had a value.
    pub(super) fn end(&self) -> u32 {
        let last = self.0.last().map_or(PAGE, Vec::len);
        (self.0.len() * PAGE + last - PAGE) as u32
    }

    /// Puts a value to a place that has one, or to the first that has none.
    pub(super) fn put(&mut self, place: u32, value: T) {
        if let Some(there) = self.get_mut(place) {
            *there = value;
            return;
        }
        debug_assert_eq!(place, self.end(), "places leave no gaps");
        match self.0.last_mut() {
            Some(page) if page.len() < PAGE => page.push(value),
            _ => {
                let mut page = Vec::with_capacity(PAGE);
                page.push(value);
                self.0.push(page);
            }
        }
    }

    /// Every value, in the order of places.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> + Clone {
        self.0.iter().flatten()
    }
}

fn split(place: u32) -> (usize, usize) {
    let place = place as usize;
    (place >> PAGE_BITS, place & (PAGE - 1))
}
