//! Moments: count, least, largest, mean and deviation of whole numbers, without keeping them.

/// Count, least, largest, mean and variance of whole numbers that come one by one.
///
/// Sums are exact, so nothing cancels and the order of values is of no matter; adding one takes no
/// division. Sums that no real capture reaches stay where they are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moments {
    count: u64,
    least: u64,
    largest: u64,
    sum: u64,
    squares: u128,
}

impl Default for Moments {
    fn default() -> Self {
        Self {
            count: 0,
            least: u64::MAX,
            largest: 0,
            sum: 0,
            squares: 0,
        }
    }
}

impl Moments {
    /// As [`Moments::add`], of a number whose squares need no care.
    #[inline]
    pub(super) fn add_small(&mut self, value: u32) {
        let value = u64::from(value);
        self.count += 1;
        self.least = self.least.min(value);
        self.largest = self.largest.max(value);
        self.sum = self.sum.saturating_add(value);
        self.squares += u128::from(value * value);
    }

    #[inline]
    pub(super) fn add(&mut self, value: u64) {
        self.count += 1;
        self.least = self.least.min(value);
        self.largest = self.largest.max(value);
        self.sum = self.sum.saturating_add(value);
        let square = u128::from(value) * u128::from(value);
        self.squares = self.squares.saturating_add(square);
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// The sum as a whole number.
    pub(super) fn total(&self) -> u64 {
        self.sum
    }

    pub(super) fn least(&self) -> f64 {
        if self.count == 0 {
            return 0.0;
        }
        self.least as f64
    }

    pub(super) fn largest(&self) -> f64 {
        self.largest as f64
    }

    pub(super) fn sum(&self) -> f64 {
        self.sum as f64
    }

    pub(super) fn mean(&self) -> f64 {
        share(self.sum as f64, self.count as f64)
    }

    /// Sum of squared differences from the mean.
    fn spread(&self) -> f64 {
        if self.count < 2 {
            return 0.0;
        }
        let of_sum = u128::from(self.sum) * u128::from(self.sum);
        if let Ok(squares) = u64::try_from(self.squares) {
            let of_squares = u128::from(squares) * u128::from(self.count);
            return float(of_squares.saturating_sub(of_sum)) / self.count as f64;
        }
        match self.squares.checked_mul(u128::from(self.count)) {
            Some(of_squares) => float(of_squares.saturating_sub(of_sum)) / self.count as f64,
            None => (self.squares as f64 - of_sum as f64 / self.count as f64).max(0.0),
        }
    }

    pub(super) fn population_deviation(&self) -> f64 {
        share(self.spread(), self.count as f64).sqrt()
    }

    pub(super) fn sample_deviation(&self) -> f64 {
        share(self.spread(), self.count.saturating_sub(1) as f64).sqrt()
    }
}

/// The nearest number; most are short, for which that is quick.
fn float(number: u128) -> f64 {
    u64::try_from(number).map_or(number as f64, |short| short as f64)
}

/// A quotient; 0 where there is nothing to divide by.
pub(super) fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}
