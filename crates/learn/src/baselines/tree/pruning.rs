//! Pruning: splits that are no better than a leaf become one.
//!
//! Source: Quinlan, *C4.5: Programs for Machine Learning*, 1993, chapter 4, at confidence 25 %.

use super::growth::Grown;

/// The normal deviate that a quarter of all exceed.
const DEVIATE: f64 = 0.674_489_750_196_081_7;

/// The confidence that the deviate belongs to.
const CONFIDENCE: f64 = 0.25;

/// Makes leaves of splits whose errors, estimated pessimistically, are not fewer than a leaf's.
pub(super) fn prune(nodes: &mut [Grown]) {
    // Children come after their parents, so from the end everything below is known.
    let mut errors = vec![0.0; nodes.len()];
    for at in (0..nodes.len()).rev() {
        let counts = &nodes[at].counts;
        let weight = f64::from(counts.iter().sum::<u32>());
        let wrong = weight - f64::from(counts.iter().copied().max().unwrap_or(0));
        let as_leaf = wrong + added_errors(weight, wrong);
        errors[at] = as_leaf;
        if let Some((_, _, [yes, no])) = nodes[at].split {
            let as_split = errors[yes as usize] + errors[no as usize];
            // A tenth of an error is what C4.5 pays for fewer leaves.
            if as_leaf <= as_split + 0.1 {
                nodes[at].split = None;
            } else {
                errors[at] = as_split;
            }
        }
    }
}

/// How many errors more than were seen are to be expected, at most, of that many samples.
fn added_errors(samples: f64, wrong: f64) -> f64 {
    if wrong < 1.0 {
        // Between no error, where the bound is exact, and one, it is interpolated.
        let base = samples * (1.0 - CONFIDENCE.powf(1.0 / samples));
        return if wrong > 0.0 {
            base + wrong * (added_errors(samples, 1.0) - base)
        } else {
            base
        };
    }
    if wrong + 0.5 >= samples {
        return (samples - wrong).max(0.0);
    }
    let square = DEVIATE * DEVIATE;
    let share = (wrong + 0.5) / samples;
    let spread = DEVIATE
        * (share / samples - share * share / samples + square / (4.0 * samples * samples)).sqrt();
    let bound = (share + square / (2.0 * samples) + spread) / (1.0 + square / samples);
    bound * samples - wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A split into leaves with these classes: does it stay?
    #[track_caller]
    fn check(yes: [u32; 2], no: [u32; 2], stays: bool) {
        let leaf = |counts: [u32; 2]| Grown {
            counts: counts.to_vec(),
            split: None,
        };
        let mut root = leaf([yes[0] + no[0], yes[1] + no[1]]);
        root.split = Some((0, 0.0, [1, 2]));
        let mut nodes = [root, leaf(yes), leaf(no)];
        prune(&mut nodes);
        assert_eq!(nodes[0].split.is_some(), stays);
    }

    #[test]
    fn a_split_that_tells_classes_apart_stays_and_one_that_does_not_goes() {
        check([10, 0], [0, 10], true);
        check([8, 1], [7, 1], false);
    }

    #[test]
    fn expected_errors_are_those_of_the_book() {
        // C4.5, page 42: U25%(0, 6) = 0.206, U25%(0, 9) = 0.143, U25%(0, 1) = 0.750.
        for (samples, share) in [(6.0, 0.206), (9.0, 0.143), (1.0, 0.750)] {
            assert!((added_errors(samples, 0.0) / samples - share).abs() < 5e-4);
        }
        // U25%(1, 16) = 0.157 exactly; the normal approximation of later releases is a little higher.
        assert!(((1.0 + added_errors(16.0, 1.0)) / 16.0 - 0.157).abs() < 0.01);
    }
}
