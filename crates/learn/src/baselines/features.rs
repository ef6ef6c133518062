//! Features: a table of numbers, a row a sample.

/// What a baseline learns from, `[samples, columns]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Features {
    columns: usize,
    values: Values,
}

/// The numbers, row by row.
#[derive(Debug, Clone, PartialEq)]
enum Values {
    Bytes(Vec<u8>),
    Numbers(Vec<f32>),
}

impl Features {
    /// Bytes, row by row, `[samples, columns]`: a quarter of the memory of numbers.
    pub fn bytes(columns: usize, values: Vec<u8>) -> Self {
        Self {
            columns,
            values: Values::Bytes(values),
        }
    }

    /// Finite numbers, row by row, `[samples, columns]`.
    pub fn numbers(columns: usize, values: Vec<f32>) -> Self {
        Self {
            columns,
            values: Values::Numbers(values),
        }
    }

    /// Numbers of each sample.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Samples.
    pub fn rows(&self) -> usize {
        let numbers = match &self.values {
            Values::Bytes(values) => values.len(),
            Values::Numbers(values) => values.len(),
        };
        numbers / self.columns.max(1)
    }

    /// One number.
    #[inline]
    pub fn value(&self, row: usize, column: usize) -> f32 {
        let at = row * self.columns + column;
        match &self.values {
            Values::Bytes(values) => f32::from(values[at]),
            Values::Numbers(values) => values[at],
        }
    }

    /// The numbers of one sample, `[columns]`.
    pub fn row(&self, row: usize) -> impl Iterator<Item = f32> + '_ {
        (0..self.columns).map(move |column| self.value(row, column))
    }

    /// Bytes that are equal for equal samples.
    pub(super) fn key(&self, row: usize) -> Vec<u8> {
        let of_row = row * self.columns..(row + 1) * self.columns;
        match &self.values {
            Values::Bytes(values) => values[of_row].to_vec(),
            Values::Numbers(values) => values[of_row]
                .iter()
                .flat_map(|value| value.to_bits().to_le_bytes())
                .collect(),
        }
    }
}

/// Features and labels `[samples]` of both splits that a fit may see.
#[derive(Debug, Clone, Copy)]
pub struct Examples<'a> {
    /// Everything is fitted to these.
    pub train: (&'a Features, &'a [u32]),
    /// Choices are made on these, if there are any.
    pub validation: (&'a Features, &'a [u32]),
}

/// What brings each column to mean 0 and standard deviation 1 over the training rows.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scale {
    means: Vec<f64>,
    deviations: Vec<f64>,
}

impl Scale {
    /// Of training rows. As scikit-learn's `StandardScaler`: the deviation is the population's,
    /// and a column that never changes is divided by 1.
    pub(super) fn of(features: &Features) -> Self {
        let rows = features.rows().max(1) as f64;
        let mut means = vec![0.0; features.columns()];
        for row in 0..features.rows() {
            for (mean, value) in means.iter_mut().zip(features.row(row)) {
                *mean += f64::from(value);
            }
        }
        for mean in &mut means {
            *mean /= rows;
        }
        let mut deviations = vec![0.0; features.columns()];
        for row in 0..features.rows() {
            for ((sum, mean), value) in deviations.iter_mut().zip(&means).zip(features.row(row)) {
                *sum += (f64::from(value) - mean).powi(2);
            }
        }
        for deviation in &mut deviations {
            *deviation = (*deviation / rows).sqrt();
            if *deviation == 0.0 {
                *deviation = 1.0;
            }
        }
        Self { means, deviations }
    }

    /// The rows, scaled, `[samples, columns]`.
    pub(super) fn apply(&self, features: &Features) -> Vec<f32> {
        let mut scaled = Vec::with_capacity(features.rows() * features.columns());
        for row in 0..features.rows() {
            let numbers = features.row(row).zip(&self.means).zip(&self.deviations);
            scaled.extend(
                numbers.map(|((value, mean), deviation)| {
                    ((f64::from(value) - mean) / deviation) as f32
                }),
            );
        }
        scaled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_numbers_are_read_alike() {
        let bytes = Features::bytes(2, vec![1, 2, 3, 4]);
        let numbers = Features::numbers(2, vec![1.0, 2.0, 3.0, 4.0]);
        for features in [bytes, numbers] {
            assert_eq!(features.rows(), 2);
            assert_eq!(features.row(1).collect::<Vec<_>>(), [3.0, 4.0]);
        }
    }

    #[test]
    fn a_scaled_column_has_mean_0_and_deviation_1_and_a_constant_one_is_0() {
        let features = Features::numbers(2, vec![1.0, 7.0, 3.0, 7.0]);
        // Mean 2, deviation of the population 1.
        let scaled = Scale::of(&features).apply(&features);
        assert_eq!(scaled, [-1.0, 0.0, 1.0, 0.0]);
    }
}
