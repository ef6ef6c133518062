//! An arena: values with numbers for addresses, in pages, so that growing moves and wastes nothing.

/// Values of a page. A power of two, so that a place splits by shifting.
const PAGE: usize = 1 << PAGE_BITS;
const PAGE_BITS: u32 = 10;

/// Values found by place; places that were left are given out again, the last one left first.
pub(super) struct Arena<T> {
    pages: Vec<Vec<Option<T>>>,
    free: Vec<u32>,
}

impl<T> Arena<T> {
    pub(super) fn new() -> Self {
        Self {
            pages: Vec::new(),
            free: Vec::new(),
        }
    }

    pub(super) fn get(&self, place: u32) -> Option<&T> {
        let (page, row) = split(place);
        self.pages.get(page)?.get(row)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, place: u32) -> Option<&mut T> {
        let (page, row) = split(place);
        self.pages.get_mut(page)?.get_mut(row)?.as_mut()
    }

    /// Takes a value in and says where.
    pub(super) fn insert(&mut self, value: T) -> u32 {
        if let Some(place) = self.free.pop() {
            let (page, row) = split(place);
            self.pages[page][row] = Some(value);
            return place;
        }
        if self.pages.last().is_none_or(|page| page.len() == PAGE) {
            self.pages.push(Vec::with_capacity(PAGE));
        }
        let page = self.pages.len() - 1;
        self.pages[page].push(Some(value));
        (page * PAGE + self.pages[page].len() - 1) as u32
    }

    /// Gives a value out and its place free; nothing happens if nothing is there.
    pub(super) fn remove(&mut self, place: u32) -> Option<T> {
        let (page, row) = split(place);
        let value = self.pages.get_mut(page)?.get_mut(row)?.take()?;
        self.free.push(place);
        Some(value)
    }

    /// Every value with its place, in the order of places.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        let all = self.pages.iter().flatten();
        (0..)
            .zip(all)
            .filter_map(|(place, value)| Some((place, value.as_ref()?)))
    }
}

fn split(place: u32) -> (usize, usize) {
    let place = place as usize;
    (place >> PAGE_BITS, place & (PAGE - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_where_they_were_put_over_many_pages() {
        let mut arena = Arena::new();
        for value in 0..PAGE as u32 * 3 {
            assert_eq!(arena.insert(value), value);
        }
        assert_eq!(arena.get(2_500), Some(&2_500));
        assert_eq!(arena.iter().count(), PAGE * 3);
    }

    #[test]
    fn a_place_that_was_left_is_given_out_again() {
        let mut arena = Arena::new();
        let places = ["a", "b", "c"].map(|value| arena.insert(value));
        assert_eq!(arena.remove(places[1]), Some("b"));
        assert_eq!(arena.remove(places[1]), None);
        assert_eq!(arena.insert("d"), places[1]);
        let left: Vec<_> = arena.iter().collect();
        assert_eq!(left, [(0, &"a"), (1, &"d"), (2, &"c")]);
    }
}
