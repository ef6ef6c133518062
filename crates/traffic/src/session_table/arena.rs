//! An arena: values with numbers for addresses, which are given out again.

use super::pages::Pages;

/// Values found by place; places that were left are given out again, the last one left first.
pub(super) struct Arena<T> {
    values: Pages<Option<T>>,
    free: Vec<u32>,
}

impl<T> Arena<T> {
    pub(super) fn new() -> Self {
        Self {
            values: Pages::new(),
            free: Vec::new(),
        }
    }

    pub(super) fn get(&self, place: u32) -> Option<&T> {
        self.values.get(place)?.as_ref()
    }

    /// Asks for the memory of a value, and does not wait for it.
    pub(super) fn prefetch(&self, place: u32) {
        self.values.prefetch(place);
    }

    pub(super) fn get_mut(&mut self, place: u32) -> Option<&mut T> {
        self.values.get_mut(place)?.as_mut()
    }

    /// Takes a value in and says where.
    pub(super) fn insert(&mut self, value: T) -> u32 {
        let place = self.free.pop().unwrap_or_else(|| self.values.end());
        self.values.put(place, Some(value));
        place
    }

    /// Gives a value out and its place free; nothing happens if nothing is there.
    pub(super) fn remove(&mut self, place: u32) -> Option<T> {
        let value = self.values.get_mut(place)?.take()?;
        self.free.push(place);
        Some(value)
    }

    /// Every value with its place, in the order of places.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &T)> + Clone {
        (0..)
            .zip(self.values.iter())
            .filter_map(|(place, value)| Some((place, value.as_ref()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::{super::pages::PAGE, *};

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
