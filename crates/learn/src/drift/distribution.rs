//! Distributions: counts by bin, and how far two of them are apart.

use serde::{Deserialize, Serialize};

use super::Quantity;

/// Bins of a reference: as many as hold a tenth each.
const BINS: usize = 10;

/// How a quantity is distributed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    /// Of which quantity.
    pub of: Quantity,
    /// Where one bin ends and the next begins, rising; a value at an edge is in the bin above.
    pub edges: Vec<f64>,
    /// How many values are in each bin, one bin more than edges.
    pub counts: Vec<u64>,
}

impl Distribution {
    /// Of these values, with edges between their tenths.
    pub(super) fn in_tenths(of: Quantity, values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let mut edges: Vec<f64> = (1..BINS)
            .filter_map(|tenth| sorted.get(sorted.len() * tenth / BINS).copied())
            .filter(|edge| edge.is_finite())
            // Few enough digits that any reader of JSON gets the same number back.
            .map(|edge| (edge * 1e6).round() / 1e6)
            .collect();
        edges.dedup();
        Self::within(of, edges, values)
    }

    /// Of these values, which are whole numbers below `kinds`: each has a bin of its own.
    pub(super) fn by_kind(of: Quantity, kinds: usize, values: &[f64]) -> Self {
        let edges = (1..kinds).map(|kind| kind as f64).collect();
        Self::within(of, edges, values)
    }

    fn within(of: Quantity, edges: Vec<f64>, values: &[f64]) -> Self {
        let mut found = Self {
            of,
            counts: vec![0; edges.len() + 1],
            edges,
        };
        for &value in values {
            let bin = found.bin(value);
            found.counts[bin] += 1;
        }
        found
    }

    /// Which bin a value is in.
    pub fn bin(&self, value: f64) -> usize {
        self.edges.partition_point(|&edge| edge <= value)
    }

    /// How many values there are.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// What is wrong with it, if it was damaged.
    pub(crate) fn fault(&self) -> Option<String> {
        let is_rising = self.edges.windows(2).all(|pair| pair[0] < pair[1]);
        // A single edge may be no number.
        let are_numbers = self.edges.iter().all(|edge| edge.is_finite());
        let is_whole = self.counts.len() == self.edges.len() + 1;
        let fits = u16::try_from(self.counts.len()).is_ok();
        let is_sound = is_rising && are_numbers && is_whole && fits;
        (!is_sound).then(|| {
            format!(
                "its card's reference for {} has {} edges, rising: {is_rising}, and {} bins",
                self.of.name(),
                self.edges.len(),
                self.counts.len()
            )
        })
    }
}

/// The population stability index of counts `[bins]` against expected ones `[bins]`.
///
/// With shares f found and e expected, the sum over bins of (f - e) ln (f / e): 0 if they are the
/// same, below 0.1 hardly worth a look, above 0.25 another population. Half a count is added to
/// each bin, so that an empty one is no infinity.
///
/// Source: Siddiqi, *Credit Risk Scorecards*, Wiley 2006.
pub fn stability_index(expected: &[u64], found: &[u64]) -> f64 {
    const HALF: f64 = 0.5;
    let shares = |counts: &[u64]| -> Vec<f64> {
        let all = counts.iter().sum::<u64>() as f64 + HALF * counts.len() as f64;
        let share = |&count: &u64| (count as f64 + HALF) / all;
        counts.iter().map(share).collect()
    };
    let pairs = shares(found).into_iter().zip(shares(expected));
    pairs
        .map(|(found, expected)| (found - expected) * (found / expected).ln())
        .sum()
}

/// What the index is on average by chance alone, between samples of the same distribution.
///
/// Source: Yurdakul and Naranjo, *Statistical properties of the population stability index*,
/// Journal of Risk Model Validation, 2020.
pub fn index_by_chance(bins: usize, expected: u64, found: u64) -> f64 {
    let one_in = |count: u64| 1.0 / count.max(1) as f64;
    bins.saturating_sub(1) as f64 * (one_in(expected) + one_in(found))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-6, "{found} is not {expected}");
    }

    // Worked out by hand: with half a count more a bin, shares are 1/2 and 25.5/101 to 75.5/101.
    #[test]
    fn the_index_is_that_of_the_formula_whichever_comes_first() {
        check(stability_index(&[50, 50], &[25, 75]), 0.268_677);
        check(stability_index(&[25, 75], &[50, 50]), 0.268_677);
        // The same shares, but for the half counts: 10.5/101.5 against 100.5/1001.5, and so on.
        check(stability_index(&[10, 30, 60], &[100, 300, 600]), 0.000_116);
    }

    #[test]
    fn an_empty_bin_is_no_infinity() {
        let index = stability_index(&[0, 100], &[100, 0]);
        assert!(index.is_finite() && index > 5.0, "{index}");
    }

    #[test]
    fn chance_alone_moves_small_samples() {
        check(index_by_chance(10, 100, 50), 9.0 * 0.03);
        check(index_by_chance(1, 100, 50), 0.0);
    }

    #[test]
    fn tenths_hold_a_tenth_each_and_what_repeats_has_one_bin() {
        let values: Vec<f64> = (0..100).map(f64::from).collect();
        let found = Distribution::in_tenths(Quantity::Packets, &values);
        assert_eq!(found.counts, [10; 10]);
        assert_eq!(found.edges[0].to_bits(), 10_f64.to_bits());
        // Nine in ten are 1: below it, at it.
        let mut values = vec![1.0; 90];
        values.extend([0.5; 10]);
        let found = Distribution::in_tenths(Quantity::Confidence, &values);
        assert_eq!((found.edges, found.counts), (vec![1.0], vec![10, 90]));
    }

    #[test]
    fn kinds_have_a_bin_each() {
        let found = Distribution::by_kind(Quantity::Class, 3, &[0.0, 2.0, 2.0]);
        assert_eq!(found.counts, [1, 0, 2]);
        assert_eq!(found.fault(), None);
    }

    #[test]
    fn damaged_ones_are_told() {
        let damaged = |edges: &[f64], bins| Distribution {
            of: Quantity::Bytes,
            edges: edges.to_vec(),
            counts: vec![1; bins],
        };
        for distribution in [
            damaged(&[1.0, 1.0], 3),
            damaged(&[f64::NAN], 2),
            damaged(&[1.0], 3),
        ] {
            assert!(distribution.fault().is_some(), "{distribution:?}");
        }
    }
}
