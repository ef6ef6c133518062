//! Bins: each column in at most 255 steps that hold about equally many samples.

use super::super::features::Features;

/// Bins of a column, at most.
const MOST: usize = 255;

/// Of each column the upper ends of its bins, and in which bin each sample is.
pub(super) struct Bins {
    pub(super) columns: Vec<Binned>,
}

/// One column.
pub(super) struct Binned {
    /// The upper ends, rising; the last bin has none.
    pub(super) ends: Vec<f64>,
    /// The bin of each sample.
    pub(super) bins: Vec<u8>,
}

impl Bins {
    pub(super) fn of(features: &Features) -> Self {
        let values = |column: usize| {
            (0..features.rows())
                .map(|row| features.value(row, column))
                .collect()
        };
        Self {
            columns: (0..features.columns())
                .map(|column| binned(values(column)))
                .collect(),
        }
    }
}

fn binned(values: Vec<f32>) -> Binned {
    let mut sorted = values.clone();
    sorted.sort_unstable_by(f32::total_cmp);
    let between = |low: f32, high: f32| f64::midpoint(f64::from(low), f64::from(high));
    // Rising, so that at most the one before means equal to it; 0 and -0 are one value.
    let mut distinct = sorted.clone();
    distinct.dedup_by(|one, other| *one <= *other);
    let mut ends: Vec<f64> = if distinct.len() <= MOST {
        distinct
            .windows(2)
            .map(|pair| between(pair[0], pair[1]))
            .collect()
    } else {
        (1..MOST)
            .map(|bin| {
                let at = bin * (sorted.len() - 1) / MOST;
                between(sorted[at], sorted[at + 1])
            })
            .collect()
    };
    ends.dedup_by(|one, other| *one <= *other);
    let bins = values
        .iter()
        .map(|&value| ends.partition_point(|&end| end < f64::from(value)) as u8)
        .collect();
    Binned { ends, bins }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_values_have_a_bin_each() {
        let binned = binned(vec![5.0, 1.0, 5.0, 3.0]);
        assert_eq!(binned.ends, [2.0, 4.0]);
        assert_eq!(binned.bins, [2, 0, 2, 1]);
    }

    #[test]
    fn many_values_share_bins_evenly() {
        let binned = binned((0..2550).map(|value| value as f32).collect());
        let mut sizes = [0; MOST];
        for &bin in &binned.bins {
            sizes[usize::from(bin)] += 1;
        }
        assert!(
            sizes.iter().all(|size| (9..=11).contains(size)),
            "{sizes:?}"
        );
    }
}
