//! Histograms: how many values are below which bounds.

/// Values counted by the bounds that they are at or below.
#[derive(Debug, Clone)]
pub(crate) struct Histogram {
    bounds: &'static [f64],
    /// One more than bounds: the last is of values above all of them.
    counts: Vec<u64>,
    sum: f64,
}

impl Histogram {
    /// No values yet; `bounds` rise.
    pub(crate) fn new(bounds: &'static [f64]) -> Self {
        Self {
            bounds,
            counts: vec![0; bounds.len() + 1],
            sum: 0.0,
        }
    }

    /// Counts a value.
    pub(crate) fn observe(&mut self, value: f64) {
        let bin = self.bounds.partition_point(|&bound| bound < value);
        self.counts[bin] += 1;
        self.sum += value;
    }

    /// Each bound, and how many values are at or below it.
    pub(super) fn cumulated(&self) -> impl Iterator<Item = (f64, u64)> {
        let bounds = self.bounds.iter().zip(&self.counts);
        bounds.scan(0, |below, (&bound, &count)| {
            *below += count;
            Some((bound, *below))
        })
    }

    /// How many values there are.
    pub(super) fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Their sum.
    pub(super) fn sum(&self) -> f64 {
        self.sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_at_a_bound_is_below_it() {
        let mut histogram = Histogram::new(&[1.0, 2.0]);
        for value in [0.5, 1.0, 1.5, 9.0] {
            histogram.observe(value);
        }
        let found: Vec<_> = histogram.cumulated().collect();
        assert_eq!(found, [(1.0, 2), (2.0, 3)]);
        assert_eq!(histogram.count(), 4);
        assert!((histogram.sum() - 12.0).abs() < 1e-12);
    }
}
