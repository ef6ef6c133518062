//! Seeded hashing: fast, and hard to collide on purpose without the seed.

use std::hash::{BuildHasher, Hasher};

/// Folded multiplication under a seed: hard to collide on purpose without knowing it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seed(pub(crate) u64);

impl BuildHasher for Seed {
    type Hasher = FoldHasher;

    fn build_hasher(&self) -> FoldHasher {
        FoldHasher {
            state: self.0 ^ 0xa076_1d64_78bd_642f,
        }
    }
}

pub(crate) struct FoldHasher {
    state: u64,
}

impl Hasher for FoldHasher {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for &word in words {
            self.write_u64(u64::from_le_bytes(word));
        }
        for &byte in rest {
            self.write_u64(u64::from(byte));
        }
    }

    fn write_u64(&mut self, word: u64) {
        let product = u128::from(self.state ^ word) * 0xe703_7ed1_a0b4_28db;
        self.state = (product as u64) ^ (product >> 64) as u64 ^ self.state.rotate_left(23);
    }

    fn finish(&self) -> u64 {
        self.state
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_byte_changes_the_hash() {
        let mut bytes = [0_u8; 784];
        let zeros = Seed(1).hash_one(bytes);
        for position in 0..bytes.len() {
            bytes[position] = 1;
            assert_ne!(Seed(1).hash_one(bytes), zeros, "byte {position}");
            bytes[position] = 0;
        }
    }

    #[test]
    fn another_seed_gives_another_hash() {
        assert_ne!(Seed(1).hash_one(b"slice"), Seed(2).hash_one(b"slice"));
    }
}
