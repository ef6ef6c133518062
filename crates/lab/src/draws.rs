//! Chance from a seed: the same seed and purpose draw the same values, on any machine.

mod hostnames;
mod words;

use std::sync::{Arc, Mutex, PoisonError};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A source of drawn values. Clones draw from the same source, one after another.
#[derive(Debug, Clone)]
pub(crate) struct Draws(Arc<Mutex<ChaCha8Rng>>);

impl Draws {
    /// The source for one purpose under a seed. Sources of other purposes or numbers are
    /// independent of it, so that drawing more in one place changes nothing in another.
    pub(crate) fn new(seed: u64, purpose: &str, number: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&fingerprint(purpose).to_le_bytes());
        key[16..24].copy_from_slice(&number.to_le_bytes());
        Self(Arc::new(Mutex::new(ChaCha8Rng::from_seed(key))))
    }

    fn with<T>(&self, draw: impl FnOnce(&mut ChaCha8Rng) -> T) -> T {
        draw(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A place in a list of this length, which must not be 0.
    pub(crate) fn place(&self, length: usize) -> usize {
        self.with(|source| source.random_range(0..length))
    }

    /// One of a list, which must not be empty.
    pub(crate) fn pick<'a, T>(&self, list: &'a [T]) -> &'a T {
        &list[self.place(list.len())]
    }

    /// True with this probability.
    pub(crate) fn chance(&self, probability: f64) -> bool {
        self.between(0.0, 1.0) < probability
    }

    /// A number from `least` up to `most`, uniformly.
    pub(crate) fn between(&self, least: f64, most: f64) -> f64 {
        least + (most - least) * self.with(RngExt::random::<f64>)
    }

    /// A whole number from `least` to `most`, both included; `least` if they are swapped.
    pub(crate) fn whole(&self, least: i64, most: i64) -> i64 {
        self.with(|source| source.random_range(least..=most.max(least)))
    }

    /// A whole number of a log-normal distribution, at most `most`.
    ///
    /// Source: Box and Muller 1958, for the normal number.
    pub(crate) fn lognormal(&self, mu: f64, sigma: f64, most: f64) -> u64 {
        let (first, second) = (self.between(0.0, 1.0), self.between(0.0, 1.0));
        let normal = (-2.0 * (1.0 - first).ln()).sqrt() * (std::f64::consts::TAU * second).cos();
        (mu + sigma * normal).exp().min(most).max(0.0) as u64
    }

    /// A waiting time of this mean, exponentially distributed, at most four times the mean.
    pub(crate) fn pause(&self, mean: f64) -> f64 {
        let waited = -mean * (1.0 - self.between(0.0, 1.0)).ln();
        waited.min(4.0 * mean)
    }

    /// Fills a buffer with bytes that cannot be compressed.
    pub(crate) fn fill(&self, bytes: &mut [u8]) {
        self.with(|source| source.fill(bytes));
    }

    /// A source for code that draws by itself.
    pub(crate) fn generator(&self) -> ChaCha8Rng {
        self.with(|source| ChaCha8Rng::from_seed(source.random()))
    }

    /// A seed for a program of ours: below 2³¹, which every language reads as an integer.
    pub(crate) fn seed(&self) -> u64 {
        self.with(|source| source.random_range(0..1_u64 << 31))
    }
}

/// FNV-1a: 64 bits that depend on every byte of a text, and on nothing else.
fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_and_purpose_draw_the_same() {
        let list = |draws: Draws| (0..20).map(|_| draws.seed()).collect::<Vec<_>>();
        let first = list(Draws::new(7, "run", 3));
        assert_eq!(first, list(Draws::new(7, "run", 3)));
        assert_ne!(first, list(Draws::new(8, "run", 3)));
        assert_ne!(first, list(Draws::new(7, "step", 3)));
        assert_ne!(first, list(Draws::new(7, "run", 4)));
    }

    #[test]
    fn whole_numbers_reach_both_ends() {
        let draws = Draws::new(1, "test", 0);
        let found: Vec<i64> = (0..200).map(|_| draws.whole(2, 4)).collect();
        for expected in 2..=4 {
            assert!(found.contains(&expected), "{expected}");
        }
        assert!(found.iter().all(|number| (2..=4).contains(number)));
    }

    #[test]
    fn a_log_normal_number_has_its_median_at_e_to_the_mu_and_its_bound() {
        let draws = Draws::new(1, "test", 0);
        let mut found: Vec<u64> = (0..999).map(|_| draws.lognormal(5.0, 1.0, 900.0)).collect();
        found.sort_unstable();
        // e⁵ is 148.4; the median of 999 is within a tenth of it.
        assert!((133..=164).contains(&found[499]), "{}", found[499]);
        assert_eq!(found[998], 900);
    }

    #[test]
    fn a_pause_is_never_longer_than_four_times_its_mean() {
        let draws = Draws::new(1, "test", 0);
        let found: Vec<f64> = (0..1000).map(|_| draws.pause(2.0)).collect();
        let mean = found.iter().sum::<f64>() / 1000.0;
        assert!((1.7..2.2).contains(&mean), "{mean}");
        assert!(found.iter().all(|&pause| (0.0..=8.0).contains(&pause)));
    }
}
