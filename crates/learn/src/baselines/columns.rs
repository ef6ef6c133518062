//! Columns: features by rank, a column after another, as trees split them.

use super::features::Features;

/// Features turned around: of each column the distinct values, and where among them each row is.
pub(super) struct Columns {
    pub(super) all: Vec<Column>,
}

/// One column.
pub(super) struct Column {
    /// Its distinct values, rising.
    pub(super) values: Vec<f32>,
    /// Of each row, the place of its value among them.
    pub(super) ranks: Ranks,
}

/// Places among few values, which can be counted, or among many, which must be sorted.
pub(super) enum Ranks {
    Few(Vec<u8>),
    Many(Vec<u32>),
}

impl Column {
    pub(super) fn rank(&self, row: u32) -> u32 {
        match &self.ranks {
            Ranks::Few(ranks) => u32::from(ranks[row as usize]),
            Ranks::Many(ranks) => ranks[row as usize],
        }
    }
}

impl Columns {
    pub(super) fn of(features: &Features) -> Self {
        Self {
            all: (0..features.columns())
                .map(|column| {
                    let values = (0..features.rows()).map(|row| features.value(row, column));
                    ranked(values.collect())
                })
                .collect(),
        }
    }
}

fn ranked(of_rows: Vec<f32>) -> Column {
    let mut values = of_rows.clone();
    values.sort_unstable_by(f32::total_cmp);
    // Rising, so that at most the one before means equal to it; 0 and -0 are one value.
    values.dedup_by(|one, other| *one <= *other);
    let rank = |value: &f32| values.partition_point(|known| known < value);
    let ranks = if values.len() <= 256 {
        Ranks::Few(of_rows.iter().map(|value| rank(value) as u8).collect())
    } else {
        Ranks::Many(of_rows.iter().map(|value| rank(value) as u32).collect())
    };
    Column { values, ranks }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_have_equal_ranks_and_zero_has_no_sign() {
        let column = ranked(vec![3.0, -0.0, 3.0, 0.0, -1.0]);
        assert_eq!(column.values, [-1.0, 0.0, 3.0]);
        let ranks: Vec<u32> = (0..5).map(|row| column.rank(row)).collect();
        assert_eq!(ranks, [2, 1, 2, 1, 0]);
    }
}
