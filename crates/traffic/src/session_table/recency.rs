//! Recency: which session was active longest ago, in constant time.

use crate::memory::prefetch;

const NONE: u32 = u32::MAX;

/// Instead of an older place: it is in no list.
const OUT: u32 = u32::MAX - 1;

#[derive(Clone, Copy)]
struct Links {
    older: u32,
    newer: u32,
}

#[derive(Clone, Copy)]
struct Ends {
    oldest: u32,
    newest: u32,
}

/// Doubly linked lists of places, from the least to the most recently touched; a place is in one at most.
pub(super) struct Recency<const LISTS: usize> {
    links: Vec<Links>,
    lists: [Ends; LISTS],
}

impl<const LISTS: usize> Recency<LISTS> {
    pub(super) fn new() -> Self {
        let empty = Ends {
            oldest: NONE,
            newest: NONE,
        };
        Self {
            links: Vec::new(),
            lists: [empty; LISTS],
        }
    }

    pub(super) fn oldest(&self, list: usize) -> Option<u32> {
        let Ends { oldest, .. } = self.lists[list];
        (oldest != NONE).then_some(oldest)
    }

    /// Every place of a list, the oldest first.
    pub(super) fn oldest_first(&self, list: usize) -> impl Iterator<Item = u32> {
        let next = |place: &u32| self.links.get(*place as usize).map(|links| links.newer);
        std::iter::successors(Some(self.lists[list].oldest), next)
            .take_while(|&place| place != NONE)
    }

    /// Asks for where a place is in its list, and does not wait for it.
    pub(super) fn prefetch(&self, place: u32) {
        if let Some(links) = self.links.get(place as usize) {
            prefetch(links);
        }
    }

    /// The same of those beside it.
    pub(super) fn prefetch_neighbours(&self, place: u32) {
        if let Some(links) = self.links.get(place as usize) {
            self.prefetch(links.older);
            self.prefetch(links.newer);
        }
    }

    /// Whether a place is the oldest of any list.
    #[inline]
    pub(super) fn is_oldest(&self, place: u32) -> bool {
        self.lists.iter().any(|ends| ends.oldest == place)
    }

    /// Makes a place the most recent one of a list, whichever it is in, if in any.
    #[inline]
    pub(super) fn touch(&mut self, list: usize, place: u32) {
        if self.lists[list].newest != place {
            self.move_to(list, place);
        }
    }

    fn move_to(&mut self, list: usize, place: u32) {
        self.remove(place);
        if self.links.len() <= place as usize {
            let out = Links {
                older: OUT,
                newer: NONE,
            };
            self.links.resize(place as usize + 1, out);
        }
        let older = self.lists[list].newest;
        self.links[place as usize] = Links { older, newer: NONE };
        match older {
            NONE => self.lists[list].oldest = place,
            newest => self.links[newest as usize].newer = place,
        }
        self.lists[list].newest = place;
    }

    /// Takes a place out; nothing happens if it is not in.
    pub(super) fn remove(&mut self, place: u32) {
        let Some(&Links { older, newer }) = self.links.get(place as usize) else {
            return;
        };
        if older == OUT {
            return;
        }
        // Only the ends of a list know which one it is.
        match older {
            NONE => self.replace(place, newer, |ends| &mut ends.oldest),
            older => self.links[older as usize].newer = newer,
        }
        match newer {
            NONE => self.replace(place, older, |ends| &mut ends.newest),
            newer => self.links[newer as usize].older = older,
        }
        self.links[place as usize].older = OUT;
    }

    fn replace(&mut self, place: u32, by: u32, end: impl Fn(&mut Ends) -> &mut u32) {
        for ends in &mut self.lists {
            let end = end(ends);
            if *end == place {
                *end = by;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(touched: &[u32], removed: &[u32], expected: &[u32]) {
        let mut recency = Recency::<1>::new();
        for &place in touched {
            recency.touch(0, place);
        }
        for &place in removed {
            recency.remove(place);
        }
        let mut order = Vec::new();
        while let Some(place) = recency.oldest(0) {
            order.push(place);
            recency.remove(place);
        }
        assert_eq!(order, expected);
    }

    #[test]
    fn places_leave_in_the_order_in_which_they_were_last_touched() {
        check(&[0, 1, 2, 0, 0, 1], &[], &[2, 0, 1]);
    }

    #[test]
    fn a_removed_place_is_gone_from_anywhere() {
        check(&[0, 1, 2], &[0], &[1, 2]);
        check(&[0, 1, 2], &[1, 1, 7], &[0, 2]);
        check(&[0, 1, 2], &[2], &[0, 1]);
    }

    #[test]
    fn a_place_changes_lists() {
        let mut recency = Recency::<2>::new();
        for place in [0, 1, 2] {
            recency.touch(0, place);
        }
        recency.touch(1, 0);
        recency.touch(1, 2);
        recency.touch(0, 2);
        assert_eq!(recency.oldest_first(0).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(recency.oldest_first(1).collect::<Vec<_>>(), [0]);
    }
}
