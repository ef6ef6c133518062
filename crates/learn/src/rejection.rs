//! Rejection: when a model says *unknown* instead of a class.
//!
//! A rule turns what a network makes of a sample into its familiarity, a number that is lower the
//! less the sample is like what the model was fitted to; below a threshold the answer is *unknown*.

pub mod auroc;
pub mod distance;
mod fitting;

use std::fmt;

use network::engine::Outputs;
use serde::{Deserialize, Serialize};

pub use fitting::{FitError, Fitting, fit};

use crate::calibration;
use distance::Distance;

/// How familiar a sample is, by what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// By the confidence: the largest probability of a class, 0 to 1.
    ///
    /// Source: Hendrycks and Gimpel, *A Baseline for Detecting Misclassified and
    /// Out-of-Distribution Examples in Neural Networks*, ICLR 2017.
    #[default]
    Softmax,
    /// By the logarithm of the sum of the exponentials of all logits.
    ///
    /// Source: Liu et al., *Energy-based Out-of-distribution Detection*, `NeurIPS` 2020.
    Energy,
    /// By the distance of its features to those of the nearest class, below zero.
    ///
    /// Source: Lee et al., *A Simple Unified Framework for Detecting Out-of-Distribution Samples
    /// and Adversarial Attacks*, `NeurIPS` 2018; on the features in front of the head alone.
    Distance,
}

impl Rule {
    /// All of them, the simplest first.
    pub const ALL: [Self; 3] = [Self::Softmax, Self::Energy, Self::Distance];

    /// Its spelling in files and on the screen.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Softmax => "softmax",
            Self::Energy => "energy",
            Self::Distance => "distance",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// When a model says *unknown*.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rejection {
    /// What familiarity is measured by.
    pub rule: Rule,
    /// The familiarity below which a sample is unknown.
    pub threshold: f64,
    /// The share of right answers to validation samples that may fall below it.
    pub false_unknowns: f64,
    /// How well each rule tells validation samples from samples of no class of the model, if the
    /// rule was chosen by that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chosen_by: Vec<RuleScore>,
}

/// How well a rule tells known samples from unknown ones.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RuleScore {
    /// The rule.
    pub rule: Rule,
    /// The probability that a known sample is more familiar than an unknown one.
    pub auroc: f64,
}

/// What is made of one sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Assessment {
    /// The most probable class.
    pub label: u32,
    /// Its probability.
    pub confidence: f64,
    /// How familiar the sample is, by what decides whether to believe it.
    pub familiarity: f64,
    /// Whether it is not to be believed.
    pub is_unknown: bool,
}

/// What familiarity needs beside a sample's outputs.
#[derive(Debug, Clone, Copy)]
pub struct Yardstick<'a> {
    /// Classes of the model.
    pub classes: usize,
    /// What logits are divided by.
    pub temperature: f64,
    /// Where the classes' features are, if that was fitted.
    pub distance: Option<&'a Distance>,
}

impl Yardstick<'_> {
    /// Whether a rule can be followed: all but the distance can always be.
    pub fn has(&self, rule: Rule) -> bool {
        rule != Rule::Distance || self.distance.is_some()
    }

    /// How familiar samples are under a rule, `[samples]`; none without what the rule needs.
    pub fn familiarity(&self, rule: Rule, outputs: &Outputs) -> Option<Vec<f64>> {
        let logits = outputs.logits.chunks_exact(self.classes);
        match (rule, self.distance) {
            (Rule::Softmax, _) => {
                let confidence = |logits| calibration::answer(logits, self.temperature).1;
                Some(logits.map(confidence).collect())
            }
            (Rule::Energy, _) => Some(logits.map(log_sum_of_exponentials).collect()),
            (Rule::Distance, Some(distance)) => {
                let nearest = distance.nearest(&outputs.features);
                Some(nearest.into_iter().map(|distance| -distance).collect())
            }
            (Rule::Distance, None) => None,
        }
    }
}

fn log_sum_of_exponentials(logits: &[f32]) -> f64 {
    let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let top = f64::from(top);
    let powers = logits.iter().map(|&logit| (f64::from(logit) - top).exp());
    top + powers.sum::<f64>().ln()
}

/// A threshold that nothing is below.
const LOWEST: f64 = -1e300;

/// The highest threshold with at most that share of the right answers below it, to six decimals
/// and rounded down, so that the answer it is taken from is not below; `familiarity` and `right`
/// are `[samples]`. Without right answers, one that nothing is below.
pub(crate) fn threshold(familiarity: &[f64], right: &[bool], share: f64) -> f64 {
    let answers = familiarity.iter().zip(right);
    let mut of_right: Vec<f64> = answers
        .filter_map(|(&familiarity, &right)| right.then_some(familiarity))
        .collect();
    of_right.sort_by(f64::total_cmp);
    let below = (share * of_right.len() as f64).floor() as usize;
    let last = of_right.len().saturating_sub(1);
    let found = of_right.get(below.min(last)).copied().unwrap_or(LOWEST);
    if found.abs() < 1e9 {
        (found * 1e6).floor() / 1e6
    } else {
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn energy_is_the_logarithm_of_a_sum() {
        // ln(1 + 3) and, far beyond what can be exponentiated, the largest logit.
        let energy = log_sum_of_exponentials(&[0.0, 3_f32.ln()]);
        assert!((energy - 4_f64.ln()).abs() < 1e-7, "{energy}");
        let energy = log_sum_of_exponentials(&[1e4, 0.0]);
        assert!((energy - 1e4).abs() < 1e-9, "{energy}");
    }

    #[test]
    fn the_threshold_gives_up_the_stated_share_of_right_answers() {
        let familiarity: Vec<f64> = (0..20).map(f64::from).collect();
        let check = |right: &[bool], share, expected: f64| {
            let found = threshold(&familiarity, right, share);
            assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
        };
        check(&[true; 20], 0.05, 1.0);
        check(&[true; 20], 0.0, 0.0);
        check(&[true; 20], 1.0, 19.0);
        // Wrong answers may fall below it, however many.
        let right: Vec<bool> = (0..20).map(|rank| rank >= 10).collect();
        check(&right, 0.1, 11.0);
    }

    #[test]
    fn without_right_answers_nothing_is_unknown() {
        assert!(threshold(&[-1e30], &[false], 0.05) < -1e200);
    }

    #[test]
    fn a_distance_needs_what_was_fitted() {
        let yardstick = Yardstick {
            classes: 2,
            temperature: 1.0,
            distance: None,
        };
        let outputs = Outputs {
            logits: vec![0.0, 0.0],
            features: Vec::new(),
        };
        assert_eq!(
            yardstick.familiarity(Rule::Softmax, &outputs),
            Some(vec![0.5])
        );
        assert!(yardstick.familiarity(Rule::Distance, &outputs).is_none());
    }
}
