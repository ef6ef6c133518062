//! Risk and coverage: what answering *unknown* costs, and what it saves.

use serde::{Deserialize, Serialize};

/// What happens if everything below a confidence, or below whatever else a model rejects by, is
/// answered with *unknown*.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CoveragePoint {
    /// The confidence from which on a class is answered.
    pub threshold: f64,
    /// The share of samples that get a class.
    pub coverage: f64,
    /// The share of wrong answers among them.
    pub risk: f64,
}

/// How many points of the curve are kept, at most.
const POINTS: usize = 100;

/// The risk-coverage curve, from the most confident samples to all of them.
///
/// `confidences` and `correct` are `[samples]`. Samples of the same confidence are answered
/// together, since no threshold parts them. At most a hundred points are kept.
///
/// Source: Geifman and El-Yaniv, *Selective Classification for Deep Neural Networks*, `NeurIPS` 2017.
pub fn risk_coverage(confidences: &[f64], correct: &[bool]) -> Vec<CoveragePoint> {
    let mut order: Vec<(f64, bool)> = confidences
        .iter()
        .copied()
        .zip(correct.iter().copied())
        .collect();
    order.sort_by(|a, b| b.0.total_cmp(&a.0));
    let samples = order.len();
    let mut points = Vec::new();
    let mut wrong = 0_usize;
    for (rank, &(confidence, right)) in order.iter().enumerate() {
        wrong += usize::from(!right);
        let is_last_of_its_confidence = order.get(rank + 1).is_none_or(|next| next.0 < confidence);
        if is_last_of_its_confidence {
            points.push(CoveragePoint {
                threshold: confidence,
                coverage: (rank + 1) as f64 / samples as f64,
                risk: wrong as f64 / (rank + 1) as f64,
            });
        }
    }
    thin(points)
}

/// What happens at one threshold. Without samples, nothing is covered and nothing wrong.
pub fn at_threshold(confidences: &[f64], correct: &[bool], threshold: f64) -> CoveragePoint {
    let mut answered = 0_usize;
    let mut wrong = 0_usize;
    for (&confidence, &right) in confidences.iter().zip(correct) {
        if confidence >= threshold {
            answered += 1;
            wrong += usize::from(!right);
        }
    }
    CoveragePoint {
        threshold,
        coverage: answered as f64 / confidences.len().max(1) as f64,
        risk: wrong as f64 / answered.max(1) as f64,
    }
}

/// Keeps at most [`POINTS`] points, evenly by coverage, the last among them.
fn thin(points: Vec<CoveragePoint>) -> Vec<CoveragePoint> {
    if points.len() <= POINTS {
        return points;
    }
    let last = points.len() - 1;
    let mut next = 0.0;
    let mut kept = Vec::with_capacity(POINTS + 1);
    for (rank, point) in points.into_iter().enumerate() {
        if point.coverage >= next || rank == last {
            next = point.coverage + 1.0 / POINTS as f64;
            kept.push(point);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn risk_falls_where_the_doubtful_answers_are_the_wrong_ones() {
        let points = risk_coverage(&[0.9, 0.8, 0.7, 0.6], &[true, true, true, false]);
        let found: Vec<_> = points
            .iter()
            .map(|point| (point.coverage, point.risk))
            .collect();
        assert_eq!(found, [(0.25, 0.0), (0.5, 0.0), (0.75, 0.0), (1.0, 0.25)]);
    }

    #[test]
    fn equal_confidences_are_answered_together() {
        let points = risk_coverage(&[0.5, 0.5, 0.5], &[true, false, true]);
        assert_eq!(points.len(), 1);
        assert!((points[0].risk - 1.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn a_long_curve_is_thinned_and_keeps_its_end() {
        let confidences: Vec<f64> = (0..5000).map(|rank| f64::from(rank) / 5000.0).collect();
        let points = risk_coverage(&confidences, &vec![true; 5000]);
        assert!(points.len() <= POINTS + 1, "{}", points.len());
        assert!((points[points.len() - 1].coverage - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_confidence_at_the_threshold_is_answered() {
        let point = at_threshold(&[0.4, 0.5, 0.6], &[false, true, false], 0.5);
        assert!((point.coverage - 2.0 / 3.0).abs() < 1e-12);
        assert!((point.risk - 0.5).abs() < 1e-12);
    }
}
