//! Places by hash: an open-addressing table that answers most look-ups from one line of memory.
//!
//! A slot has 32 bits of the hash beside the place, so that what is not meant is almost never
//! looked at, and the table grows and closes its gaps without asking for a key again.

use crate::memory::prefetch;

/// A slot without a place. No place is so large: it is the last of the arena's numbers.
const EMPTY: u64 = u64::MAX;

/// Slots at first; a power of two.
const INITIAL: usize = 1 << 10;

/// Places, each under a hash; several may have the same.
pub(super) struct Places {
    slots: Vec<u64>,
    count: usize,
}

impl Places {
    pub(super) fn new() -> Self {
        Self {
            slots: vec![EMPTY; INITIAL],
            count: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// The first place under this hash that `is_meant`.
    #[inline]
    pub(super) fn find(&self, hash: u32, is_meant: impl Fn(u32) -> bool) -> Option<u32> {
        let mut at = self.home(hash);
        loop {
            let slot = self.slots[at];
            if slot == EMPTY {
                return None;
            }
            if hash_of(slot) == hash && is_meant(slot as u32) {
                return Some(slot as u32);
            }
            at = self.next(at);
        }
    }

    /// Asks for where a search under this hash begins, and does not wait for it.
    pub(super) fn prefetch(&self, hash: u32) {
        prefetch(&self.slots[self.home(hash)]);
    }

    pub(super) fn insert(&mut self, hash: u32, place: u32) {
        // A quarter stays empty, or searches become long.
        if self.count >= self.slots.len() / 4 * 3 {
            self.grow();
        }
        self.put(u64::from(hash) << 32 | u64::from(place));
        self.count += 1;
    }

    /// Takes a place out; nothing happens if it is not in.
    pub(super) fn remove(&mut self, hash: u32, place: u32) {
        let wanted = u64::from(hash) << 32 | u64::from(place);
        let mut gap = self.home(hash);
        while self.slots[gap] != wanted {
            if self.slots[gap] == EMPTY {
                return;
            }
            gap = self.next(gap);
        }
        self.count -= 1;
        // What follows without a gap moves up, unless that is before where its search begins.
        let mut at = gap;
        loop {
            at = self.next(at);
            let slot = self.slots[at];
            if slot == EMPTY {
                break;
            }
            let mask = self.slots.len() - 1;
            let from_home = at.wrapping_sub(self.home(hash_of(slot))) & mask;
            let from_gap = at.wrapping_sub(gap) & mask;
            if from_home >= from_gap {
                self.slots[gap] = slot;
                gap = at;
            }
        }
        self.slots[gap] = EMPTY;
    }

    fn put(&mut self, slot: u64) {
        let mut at = self.home(hash_of(slot));
        while self.slots[at] != EMPTY {
            at = self.next(at);
        }
        self.slots[at] = slot;
    }

    fn grow(&mut self) {
        let larger = vec![EMPTY; self.slots.len() * 2];
        for slot in std::mem::replace(&mut self.slots, larger) {
            if slot != EMPTY {
                self.put(slot);
            }
        }
    }

    fn home(&self, hash: u32) -> usize {
        hash as usize & (self.slots.len() - 1)
    }

    fn next(&self, at: usize) -> usize {
        (at + 1) & (self.slots.len() - 1)
    }
}

fn hash_of(slot: u64) -> u32 {
    (slot >> 32) as u32
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Few hashes and a run over the table's end, so that they collide all the time.
        #[test]
        fn it_holds_what_a_map_holds(steps in prop::collection::vec((any::<bool>(), 0..40_u32), 0..400)) {
            let mut places = Places::new();
            let mut map = BTreeMap::new();
            let hash_for = |place: u32| 1_020 + place / 3;
            for (is_in, place) in steps {
                let hash = hash_for(place);
                if is_in && map.insert(place, hash).is_none() {
                    places.insert(hash, place);
                } else if !is_in {
                    map.remove(&place);
                    places.remove(hash, place);
                }
                prop_assert_eq!(places.len(), map.len());
                for place in 0..40 {
                    let found = places.find(hash_for(place), |one| one == place);
                    prop_assert_eq!(found.is_some(), map.contains_key(&place));
                }
            }
        }
    }

    #[test]
    fn it_grows_and_still_finds_everything() {
        let mut places = Places::new();
        for place in 0..10_000_u32 {
            places.insert(place.wrapping_mul(0x9e37_79b9), place);
        }
        for place in 0..10_000_u32 {
            let hash = place.wrapping_mul(0x9e37_79b9);
            assert_eq!(places.find(hash, |one| one == place), Some(place));
        }
    }
}
