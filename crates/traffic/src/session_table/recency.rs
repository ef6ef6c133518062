//! Recency: which session was active longest ago, in constant time.

const NONE: u32 = u32::MAX;

#[derive(Clone, Copy)]
struct Links {
    older: u32,
    newer: u32,
    is_in: bool,
}

/// A doubly linked list of places, from the least to the most recently touched.
pub(super) struct Recency {
    links: Vec<Links>,
    oldest: u32,
    newest: u32,
}

impl Recency {
    pub(super) fn new() -> Self {
        Self {
            links: Vec::new(),
            oldest: NONE,
            newest: NONE,
        }
    }

    pub(super) fn oldest(&self) -> Option<u32> {
        (self.oldest != NONE).then_some(self.oldest)
    }

    /// Every place, the oldest first.
    pub(super) fn oldest_first(&self) -> impl Iterator<Item = u32> {
        let next = |place: &u32| self.links.get(*place as usize).map(|links| links.newer);
        std::iter::successors(Some(self.oldest), next).take_while(|&place| place != NONE)
    }

    /// Makes a place the most recent one; takes it in if it is not.
    pub(super) fn touch(&mut self, place: u32) {
        if self.newest == place {
            return;
        }
        self.remove(place);
        if self.links.len() <= place as usize {
            let out = Links {
                older: NONE,
                newer: NONE,
                is_in: false,
            };
            self.links.resize(place as usize + 1, out);
        }
        self.links[place as usize] = Links {
            older: self.newest,
            newer: NONE,
            is_in: true,
        };
        match self.newest {
            NONE => self.oldest = place,
            newest => self.links[newest as usize].newer = place,
        }
        self.newest = place;
    }

    /// Takes a place out; nothing happens if it is not in.
    pub(super) fn remove(&mut self, place: u32) {
        let Some(&Links {
            older,
            newer,
            is_in: true,
        }) = self.links.get(place as usize)
        else {
            return;
        };
        match older {
            NONE => self.oldest = newer,
            older => self.links[older as usize].newer = newer,
        }
        match newer {
            NONE => self.newest = older,
            newer => self.links[newer as usize].older = older,
        }
        self.links[place as usize].is_in = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(touched: &[u32], removed: &[u32], expected: &[u32]) {
        let mut recency = Recency::new();
        for &place in touched {
            recency.touch(place);
        }
        for &place in removed {
            recency.remove(place);
        }
        let mut order = Vec::new();
        while let Some(place) = recency.oldest() {
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
}
