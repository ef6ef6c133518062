//! AUROC: how well a number tells two kinds of samples apart, whatever the threshold.

/// The probability that a sample of `known` has a higher number than one of `unknown`; equal ones
/// count half. 0.5 is chance, 1 is perfect; none if either is empty.
///
/// The area under the receiver operating characteristic, by ranks (Mann and Whitney 1947).
pub fn auroc(known: &[f64], unknown: &[f64]) -> Option<f64> {
    if known.is_empty() || unknown.is_empty() {
        return None;
    }
    let mut all: Vec<(f64, bool)> = known.iter().map(|&number| (number, true)).collect();
    all.extend(unknown.iter().map(|&number| (number, false)));
    all.sort_by(|one, other| one.0.total_cmp(&other.0));
    let (mut unknown_below, mut wins) = (0_usize, 0.0);
    for equal in all.chunk_by(|one, other| one.0.total_cmp(&other.0).is_eq()) {
        let known = equal.iter().filter(|one| one.1).count();
        let unknown = equal.len() - known;
        wins += known as f64 * (unknown_below as f64 + unknown as f64 / 2.0);
        unknown_below += unknown;
    }
    Some(wins / (known.len() as f64 * unknown.len() as f64))
}

/// The share of `unknown` below the highest threshold that has at most `share` of `known` below.
pub fn found_at(known: &[f64], unknown: &[f64], share: f64) -> f64 {
    let threshold = super::threshold(known, &vec![true; known.len()], share);
    share_below(unknown, threshold)
}

/// The share of numbers below a threshold; 0 of none.
pub fn share_below(numbers: &[f64], threshold: f64) -> f64 {
    let below = numbers.iter().filter(|&&number| number < threshold).count();
    below as f64 / numbers.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(known: &[f64], unknown: &[f64], expected: Option<f64>) {
        assert_eq!(auroc(known, unknown), expected);
    }

    #[test]
    fn numbers_that_never_cross_are_told_apart() {
        check(&[3.0, 4.0], &[1.0, 2.0], Some(1.0));
        check(&[1.0, 2.0], &[3.0, 4.0], Some(0.0));
    }

    #[test]
    fn pairs_are_counted_and_equal_ones_by_half() {
        // (1, 2) lost, (1, 1) half, (3, 2) and (3, 1) won: 2.5 of 4.
        check(&[1.0, 3.0], &[2.0, 1.0], Some(0.625));
        check(&[5.0; 3], &[5.0; 4], Some(0.5));
    }

    #[test]
    fn nothing_cannot_be_told_from_anything() {
        check(&[], &[1.0], None);
        check(&[1.0], &[], None);
    }

    #[test]
    fn a_stated_share_of_the_known_is_given_up() {
        let known: Vec<f64> = (0..10).map(f64::from).collect();
        // One in ten of the known may go, so the threshold is 1.
        let found = found_at(&known, &[-1.0, 0.5, 1.0, 7.0], 0.1);
        assert!((found - 0.5).abs() < 1e-12, "{found}");
    }
}
