//! Seeded hashing: fast, and hard to collide on purpose without the seed.
#![expect(
    clippy::inline_always,
    reason = "done for each packet, where a call is dear"
)]

/// Folded multiplication under a seed: hard to collide on purpose without knowing it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seed([u64; 6]);

/// Odd numbers without a pattern, from wyhash.
const PRIMES: [u64; 6] = [
    0xa076_1d64_78bd_642f,
    0xe703_7ed1_a0b4_28db,
    0x8ebc_6af0_9c88_c6e3,
    0x5899_65cc_7537_4cc3,
    0x1d8e_4e27_c47d_124f,
    0xeb44_acca_b455_d165,
];

impl Seed {
    pub(crate) fn new(seed: u64) -> Self {
        let mut state = seed;
        Self(PRIMES.map(|prime| {
            state = fold(state ^ prime, PRIMES[1]) ^ prime;
            state
        }))
    }

    /// The hash of five words; two pairs are multiplied side by side, then with the rest.
    #[inline(always)]
    pub(crate) fn hash(self, words: [u64; 5]) -> u64 {
        let Self(seed) = self;
        let outer = fold(words[0] ^ seed[0], words[2] ^ seed[1]);
        let inner = fold(words[1] ^ seed[2], words[3] ^ seed[3]);
        fold(outer ^ words[4] ^ seed[4], inner ^ seed[5])
    }
}

#[inline]
fn fold(left: u64, right: u64) -> u64 {
    let product = u128::from(left) * u128::from(right);
    product as u64 ^ (product >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_bit_changes_the_hash() {
        let zeros = Seed::new(1).hash([0; 5]);
        for bit in 0..320 {
            let mut words = [0; 5];
            words[bit / 64] = 1 << (bit % 64);
            assert_ne!(Seed::new(1).hash(words), zeros, "bit {bit}");
        }
    }

    #[test]
    fn another_seed_gives_another_hash() {
        assert_ne!(Seed::new(0).hash([7; 5]), Seed::new(1).hash([7; 5]));
    }
}
