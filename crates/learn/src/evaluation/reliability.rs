//! Reliability: does a confidence of 90 % mean nine right answers in ten?

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

/// Samples whose confidence lies between two bounds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityBin {
    /// The lower bound, not included but for 0.
    pub above: f64,
    /// The upper bound, included.
    pub up_to: f64,
    /// Samples in between.
    pub samples: u64,
    /// Their mean confidence; 0 of none.
    pub confidence: f64,
    /// The share of right answers among them; 0 of none.
    pub accuracy: f64,
}

/// Scores that cannot be computed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScoreError {
    /// One confidence and one outcome are needed for each sample.
    #[error("{confidences} confidences for {outcomes} outcomes")]
    Lengths {
        /// Confidences given.
        confidences: usize,
        /// Outcomes given.
        outcomes: usize,
    },
    /// There is nothing to compute from.
    #[error("no samples")]
    NoSamples,
}

/// Sorts samples into `bins` bins of equal width by confidence: the reliability diagram.
///
/// `confidences` is `[samples]`, each in 0..=1; `correct` is `[samples]`.
///
/// # Errors
///
/// [`ScoreError::Lengths`] if the two differ in length, [`ScoreError::NoSamples`]
/// if both are empty.
pub fn reliability(
    confidences: &[f64],
    correct: &[bool],
    bins: NonZeroUsize,
) -> Result<Vec<ReliabilityBin>, ScoreError> {
    if confidences.len() != correct.len() {
        return Err(ScoreError::Lengths {
            confidences: confidences.len(),
            outcomes: correct.len(),
        });
    }
    if confidences.is_empty() {
        return Err(ScoreError::NoSamples);
    }
    let width = 1.0 / bins.get() as f64;
    let mut sums = vec![(0_u64, 0.0, 0_u64); bins.get()];
    for (&confidence, &right) in confidences.iter().zip(correct) {
        let (samples, confidence_sum, rights) = &mut sums[bin_of(confidence, bins)];
        *samples += 1;
        *confidence_sum += confidence;
        *rights += u64::from(right);
    }
    let mean = |sum: f64, samples: u64| {
        if samples == 0 {
            0.0
        } else {
            sum / samples as f64
        }
    };
    Ok(sums
        .into_iter()
        .enumerate()
        .map(|(bin, (samples, confidence_sum, rights))| ReliabilityBin {
            above: bin as f64 * width,
            up_to: (bin + 1) as f64 * width,
            samples,
            confidence: mean(confidence_sum, samples),
            accuracy: mean(rights as f64, samples),
        })
        .collect())
}

/// Expected calibration error: the mean gap between confidence and accuracy.
///
/// `confidences` is `[samples]`, each in 0..=1; `correct` is `[samples]`. Samples
/// are sorted into `bins` bins of equal width; a bin weighs as much as it holds.
/// The result is a fraction: 0 is honest, 0.1 is ten points off.
///
/// # Errors
///
/// [`ScoreError::Lengths`] if the two differ in length, [`ScoreError::NoSamples`]
/// if both are empty.
///
/// Source: Guo et al., *On Calibration of Modern Neural Networks*, ICML 2017.
pub fn calibration_error(
    confidences: &[f64],
    correct: &[bool],
    bins: NonZeroUsize,
) -> Result<f64, ScoreError> {
    let gaps: f64 = reliability(confidences, correct, bins)?
        .iter()
        .map(|bin| bin.samples as f64 * (bin.confidence - bin.accuracy).abs())
        .sum();
    Ok(gaps / confidences.len() as f64)
}

/// The bin of a confidence: `]0, 1/bins]` is the first, as Guo et al. have it; 0 joins it.
fn bin_of(confidence: f64, bins: NonZeroUsize) -> usize {
    let bin = (confidence * bins.get() as f64).ceil() as usize;
    bin.saturating_sub(1).min(bins.get() - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(
        confidences: &[f64],
        correct: &[bool],
        bins: usize,
        expected: Result<f64, ScoreError>,
    ) {
        let found = calibration_error(confidences, correct, NonZeroUsize::new(bins).unwrap());
        match (found, expected) {
            (Ok(found), Ok(expected)) => {
                assert!(
                    (found - expected).abs() < 1e-12,
                    "{found} is not {expected}"
                );
            }
            (found, expected) => assert_eq!(found, expected),
        }
    }

    #[test]
    fn certainty_that_is_always_right_is_honest() {
        check(&[1.0, 1.0], &[true, true], 10, Ok(0.0));
    }

    #[test]
    fn certainty_that_is_always_wrong_is_one_off() {
        check(&[1.0, 1.0], &[false, false], 10, Ok(1.0));
    }

    #[test]
    fn gaps_cancel_within_a_bin_but_not_between_bins() {
        // One bin: mean confidence 0.5, half right. Two bins: gaps of 0.2 and 0.2, each of weight 1/2.
        check(&[0.2, 0.8], &[false, true], 1, Ok(0.0));
        check(&[0.2, 0.8], &[false, true], 2, Ok(0.2));
    }

    #[test]
    fn an_upper_bound_belongs_to_its_bin() {
        let bins = reliability(&[0.0, 0.5, 0.51], &[true; 3], NonZeroUsize::new(2).unwrap());
        let counts: Vec<u64> = bins.unwrap().iter().map(|bin| bin.samples).collect();
        assert_eq!(counts, [2, 1]);
    }

    #[test]
    fn lengths_that_differ_are_refused() {
        let error = ScoreError::Lengths {
            confidences: 1,
            outcomes: 2,
        };
        check(&[0.5], &[true, false], 10, Err(error));
        check(&[], &[], 10, Err(ScoreError::NoSamples));
    }
}
