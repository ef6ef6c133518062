//! Calibration: confidences that mean what they say, and the one below which nothing is said.

use serde::{Deserialize, Serialize};

/// The share of right answers on validation that the threshold may turn into *unknown*.
pub const FALSE_UNKNOWNS: f64 = 0.05;

/// The highest threshold: above it, nearly certain answers would be told from nearly certain ones.
pub const HIGHEST_THRESHOLD: f64 = 0.9;

/// What is fitted on the validation split once the weights are.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Logits are divided by it before the softmax; above 1, the network was too sure of itself.
    pub temperature: f64,
    /// The confidence below which the verdict is *unknown*.
    pub threshold: f64,
}

impl Default for Calibration {
    /// Raw softmax, and never *unknown*.
    fn default() -> Self {
        Self {
            temperature: 1.0,
            threshold: 0.0,
        }
    }
}

impl Calibration {
    /// Fits both to logits `[samples, classes]` of validation samples with labels `[samples]`.
    ///
    /// The temperature minimises the cross-entropy. The threshold is as high as it can be with at
    /// most [`FALSE_UNKNOWNS`] of the right answers below it, and at most [`HIGHEST_THRESHOLD`].
    /// Without samples, the default. Both have six decimals, so that any reader of JSON gets the
    /// same numbers back.
    ///
    /// Source: Guo et al., *On Calibration of Modern Neural Networks*, ICML 2017 (temperature).
    pub fn fit(logits: &[f32], labels: &[u32], classes: usize) -> Self {
        if labels.is_empty() {
            return Self::default();
        }
        let temperature = (fit_temperature(logits, labels, classes) * 1e6).round() / 1e6;
        let threshold = fit_threshold(&confidences(logits, classes, temperature), labels);
        Self {
            temperature,
            threshold,
        }
    }
}

/// The softmax of one sample's logits `[classes]` divided by the temperature.
pub fn probabilities(logits: &[f32], temperature: f64) -> Vec<f64> {
    let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    // The largest exponent is 0, so nothing overflows.
    let powers: Vec<f64> = logits
        .iter()
        .map(|&logit| ((f64::from(logit) - f64::from(top)) / temperature).exp())
        .collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
}

/// The class with the largest logit and its probability; the first of equal ones.
pub fn answer(logits: &[f32], temperature: f64) -> (u32, f64) {
    let mut best = 0;
    for (class, &logit) in logits.iter().enumerate() {
        if logit > logits[best] {
            best = class;
        }
    }
    (best as u32, probabilities(logits, temperature)[best])
}

/// [`answer`] of each sample of logits `[samples, classes]`.
pub fn confidences(logits: &[f32], classes: usize, temperature: f64) -> Vec<(u32, f64)> {
    logits
        .chunks_exact(classes)
        .map(|logits| answer(logits, temperature))
        .collect()
}

/// Mean cross-entropy, in nats, of logits `[samples, classes]` against labels `[samples]`; 0 of none.
pub fn cross_entropy(logits: &[f32], labels: &[u32], classes: usize, temperature: f64) -> f64 {
    let mut sum = 0.0;
    for (logits, &label) in logits.chunks_exact(classes).zip(labels) {
        let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let scaled = |logit: f32| (f64::from(logit) - f64::from(top)) / temperature;
        let partition: f64 = logits.iter().map(|&logit| scaled(logit).exp()).sum();
        sum += partition.ln() - scaled(logits[label as usize]);
    }
    sum / labels.len().max(1) as f64
}

/// The temperature between 1/2 and 20 with the least cross-entropy.
///
/// Where every answer is right, the colder the better; certainty from a few samples is not worth
/// having, hence the lower bound.
///
/// The cross-entropy is convex in 1 / temperature, so it has one valley, and a golden-section
/// search over the logarithm walks down into it.
fn fit_temperature(logits: &[f32], labels: &[u32], classes: usize) -> f64 {
    const GOLDEN: f64 = 0.618_033_988_749_894_9;
    let loss = |log: f64| cross_entropy(logits, labels, classes, log.exp());
    let (mut low, mut high) = (0.5_f64.ln(), 20_f64.ln());
    let mut left = high - GOLDEN * (high - low);
    let mut right = low + GOLDEN * (high - low);
    let (mut left_loss, mut right_loss) = (loss(left), loss(right));
    for _ in 0..40 {
        if left_loss <= right_loss {
            (high, right, right_loss) = (right, left, left_loss);
            left = high - GOLDEN * (high - low);
            left_loss = loss(left);
        } else {
            (low, left, left_loss) = (left, right, right_loss);
            right = low + GOLDEN * (high - low);
            right_loss = loss(right);
        }
    }
    f64::midpoint(low, high).exp()
}

/// The largest confidence of a right answer with at most [`FALSE_UNKNOWNS`] of them below.
fn fit_threshold(answers: &[(u32, f64)], labels: &[u32]) -> f64 {
    let mut right: Vec<f64> = answers
        .iter()
        .zip(labels)
        .filter(|((answer, _), label)| answer == *label)
        .map(|((_, confidence), _)| *confidence)
        .collect();
    right.sort_by(f64::total_cmp);
    let below = (FALSE_UNKNOWNS * right.len() as f64).floor() as usize;
    let threshold = right
        .get(below)
        .copied()
        .unwrap_or(0.0)
        .min(HIGHEST_THRESHOLD);
    // Rounded down: the answer it is taken from is not to fall below it.
    (threshold * 1e6).floor() / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(found: f64, expected: f64) {
        assert!((found - expected).abs() < 2e-6, "{found} is not {expected}");
    }

    #[test]
    fn probabilities_are_those_worked_out_by_hand() {
        let found = probabilities(&[0.0, 3_f32.ln()], 1.0);
        check(found[0], 0.25);
        check(found[1], 0.75);
    }

    #[test]
    fn a_high_temperature_doubts() {
        // ln 9 / 2 = ln 3.
        check(probabilities(&[0.0, 9_f32.ln()], 2.0)[1], 0.75);
    }

    #[test]
    fn enormous_logits_do_not_overflow() {
        check(probabilities(&[1e30, -1e30], 0.05)[0], 1.0);
        check(cross_entropy(&[1000.0, 0.0], &[1], 2, 1.0), 1000.0);
    }

    #[test]
    fn equal_logits_answer_the_first_class() {
        assert_eq!(answer(&[1.0, 1.0, 1.0], 1.0).0, 0);
    }

    #[test]
    fn cross_entropy_is_the_mean_surprise() {
        // -ln(3/4) and -ln(1/4).
        let logits = [0.0, 3_f32.ln(), 0.0, 3_f32.ln()];
        check(
            cross_entropy(&logits, &[1, 0], 2, 1.0),
            0.5 * ((4.0_f64 / 3.0).ln() + 4_f64.ln()),
        );
    }

    #[test]
    fn the_temperature_makes_confidence_match_accuracy() {
        // Always 99 % sure of class 1, right three times in four: the best constant confidence is
        // 3/4, so ln 99 / T = ln 3.
        let logits = [0.0, 99_f32.ln()].repeat(4);
        let fitted = Calibration::fit(&logits, &[1, 1, 1, 0], 2);
        check(fitted.temperature, 99_f64.ln() / 3_f64.ln());
    }

    #[test]
    fn the_threshold_gives_up_one_right_answer_in_twenty() {
        let answers: Vec<(u32, f64)> = (1..=20).map(|rank| (0, f64::from(rank) / 20.0)).collect();
        check(fit_threshold(&answers, &[0; 20]), 2.0 / 20.0);
        check(fit_threshold(&answers[..19], &[0; 19]), 1.0 / 20.0);
    }

    #[test]
    fn answers_that_are_always_right_do_not_make_certainty_the_measure() {
        let fitted = Calibration::fit(&[0.0, 30.0].repeat(20), &[1; 20], 2);
        check(fitted.temperature, 0.5);
        check(fitted.threshold, 0.9);
    }

    #[test]
    fn wrong_answers_do_not_move_the_threshold() {
        check(
            fit_threshold(&[(1, 0.1), (0, 0.7), (0, 0.9)], &[0, 0, 0]),
            0.7,
        );
        check(fit_threshold(&[(1, 0.9)], &[0]), 0.0);
    }

    #[test]
    fn nothing_to_fit_on_changes_nothing() {
        assert_eq!(Calibration::fit(&[], &[], 3), Calibration::default());
    }
}
