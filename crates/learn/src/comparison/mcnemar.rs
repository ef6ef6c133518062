//! `McNemar`'s test: of the samples that only one of two models gets right, is it too often the same one?

use serde::{Deserialize, Serialize};

/// Two models on the same samples.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct McNemar {
    /// Samples that only the first gets right.
    pub only_first: u64,
    /// Samples that only the second gets right.
    pub only_second: u64,
    /// How probable so uneven a division is between models that are equally good: 0..=1.
    pub p: f64,
}

impl McNemar {
    /// Of two models' answers to samples with these labels, all `[samples]`.
    pub fn of(labels: &[u32], first: &[u32], second: &[u32]) -> Self {
        let (mut only_first, mut only_second) = (0, 0);
        for ((label, first), second) in labels.iter().zip(first).zip(second) {
            match (first == label, second == label) {
                (true, false) => only_first += 1,
                (false, true) => only_second += 1,
                _ => {}
            }
        }
        Self {
            only_first,
            only_second,
            p: exact(only_first, only_second),
        }
    }
}

/// The two-sided probability of a division at least as uneven, by the binomial distribution.
///
/// The chi-squared approximation of many textbooks is for pairs too many to count by hand; it
/// would be wrong for few, and adding up the exact terms costs nothing.
///
/// Source: `McNemar`, *Note on the sampling error of the difference between correlated proportions*,
/// Psychometrika 1947; the exact form as in Fagerland, Lydersen and Laake, BMC Medical Research
/// Methodology 2013.
fn exact(only_first: u64, only_second: u64) -> f64 {
    let pairs = only_first + only_second;
    let fewer = only_first.min(only_second);
    // Logarithms: 2^-pairs is no number of a float64 beyond some thousand pairs.
    let mut term = -(pairs as f64) * std::f64::consts::LN_2;
    let mut sum = term.exp();
    for successes in 1..=fewer {
        term += ((pairs - successes + 1) as f64).ln() - (successes as f64).ln();
        sum += term.exp();
    }
    (2.0 * sum).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected values are those of `SciPy`: `binomtest(first, first + second).pvalue`.
    #[track_caller]
    fn check(only_first: u64, only_second: u64, expected: f64) {
        let found = exact(only_first, only_second);
        assert!(
            (found - expected).abs() <= 1e-9 * expected,
            "{found} is not {expected}"
        );
    }

    #[test]
    fn few_pairs_have_the_probabilities_of_the_binomial_distribution() {
        // 2 * (1 + 9) / 2^9, by hand.
        check(1, 8, 20.0 / 512.0);
        check(0, 6, 2.0 / 64.0);
        check(15, 5, 0.041_389_465_332_031_25);
    }

    #[test]
    fn many_pairs_too() {
        check(150, 86, 3.715_936_139_571_386_6e-5);
        check(2000, 2200, 0.002_132_355_671_991_245_5);
    }

    #[test]
    fn an_even_division_or_none_says_nothing() {
        check(7, 7, 1.0);
        check(7, 8, 1.0);
        check(0, 0, 1.0);
    }

    #[test]
    fn only_samples_that_one_gets_right_count() {
        let found = McNemar::of(&[0, 0, 0, 1, 1], &[0, 0, 1, 1, 0], &[0, 1, 1, 0, 1]);
        assert_eq!((found.only_first, found.only_second), (2, 1));
        assert!((found.p - 1.0).abs() < 1e-12);
    }
}
